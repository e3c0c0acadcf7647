// Polls one bus: decides which instrument is asked next, and accounts for every slot of its points, polled or not.
// One request sequence at a time; a silent unit is parked and probed with back-off, so that the others keep their cadence.
// It judges no value: results go to the core as they came.

import { assert } from '#core/assert.ts'
import type { SlotResult } from '#core/input.ts'
import type { Sample } from '#core/particle.ts'
import type { BadReason } from '#core/quality.ts'
import {
  baseTime,
  firstSlot,
  monoTime,
  slotOf,
  slotsBetween,
  type TimeBase,
} from '#core/schedule.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { BusDriver, PollOrder, PollReply } from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'
import { type IdentityWatch, isSilence, type Unanswered } from './identity.ts'
import { CONFIRMED, isToConfirm, replyTo, uncredited } from './poll-reply.ts'
import { Utilisation } from './utilisation.ts'

/** Points of one instrument that share an interval, read together. */
export interface PollGroup {
  readonly instrument: string
  readonly intervalMs: Millis
  /** A particle counter: its record is read at each poll, and its own samples are the slots. */
  readonly sampled: boolean
  readonly points: readonly { readonly point: string; readonly signal: string }[]
}

/** What the poller hands on, in order of arrival. */
export interface PollSink {
  slots(slots: readonly SlotResult[]): void
  sample(instrument: string, sample: Sample): void
  noSample(instrument: string, reason: BadReason, exceptionCode?: number): void
}

export interface PollerOptions {
  readonly bus: string
  readonly driver: BusDriver
  readonly groups: readonly PollGroup[]
  readonly clock: Clock
  readonly sink: PollSink
  readonly log: Log
  readonly base: TimeBase
  /** First slot of each group (`groupKey`) that polling has to cover; default the first one. */
  readonly first: ReadonlyMap<string, Millis>
  /** Who the instruments are; without it every reading is credited. */
  readonly identity?: IdentityWatch
}

/** First probe of a parked unit after this long, doubling to the longest. */
const PROBE_MS_MIN: Millis = 1000
const PROBE_MS_MAX: Millis = 30_000
/** A probe gives way to others for so long. */
const PROBE_WAIT_MS_MAX: Millis = 10_000
/** A run of parked slots is written down at least this often (contract: once a minute). */
const PARKED_RECORD_MS: Millis = 20_000

interface Group extends PollGroup {
  /** What the driver is asked, worked out once: as usual, and while its unit is parked. */
  readonly order: PollOrder
  readonly probe: PollOrder
  /** The first slot not covered yet. */
  next: Millis
  /** Start of the parked run not written down yet. */
  parkedFrom: Millis | undefined
}

interface Unit {
  parked: boolean
  probeAtMono: Millis
  probeDelayMs: Millis
}

/** The identity of a poll group across configurations. */
export const groupKey = (group: Pick<PollGroup, 'instrument' | 'intervalMs'>): string =>
  `${group.instrument}/${group.intervalMs}`

export class Poller {
  readonly bus: string
  readonly driver: BusDriver
  readonly #clock: Clock
  readonly #sink: PollSink
  readonly #log: Log
  readonly #identity: IdentityWatch | undefined
  readonly #groups: Group[]
  readonly #units = new Map<string, Unit>()
  #base: TimeBase
  #running = false
  #pausing: (() => void) | undefined
  #cancelTimer: (() => void) | undefined
  readonly #utilisation: Utilisation
  /** When a parked unit was last probed. */
  #probedMono: Millis = Number.NEGATIVE_INFINITY
  /** When the present poll began, or the next turn is due; infinite while paused. */
  #dueMono: Millis = Infinity

  constructor(options: PollerOptions) {
    this.bus = options.bus
    this.driver = options.driver
    this.#clock = options.clock
    this.#sink = options.sink
    this.#log = options.log
    this.#identity = options.identity
    this.#utilisation = new Utilisation(options.clock.now().mono)
    this.#base = options.base
    const now = baseTime(options.base, options.clock.now().mono)
    this.#groups = options.groups.map((group) => ({
      ...group,
      order: orderOf(group, false),
      probe: orderOf(group, true),
      next: options.first.get(groupKey(group)) ?? firstSlot(now, group.intervalMs),
      parkedFrom: undefined,
    }))
    for (const { instrument } of options.groups) {
      this.#units.set(instrument, { parked: false, probeAtMono: 0, probeDelayMs: 0 })
    }
  }

  /** Share of the last minute spent in polls, 0 to 1. */
  get utilisation(): number {
    return this.#utilisation.share(this.#clock.now().mono)
  }

  /** Monotonic moment since which progress is due: the start of the present poll, or the next turn (runtime/watchdog.ts). */
  get dueMono(): Millis {
    return this.#dueMono
  }

  /** Whether a unit is parked: it did not answer, and is only probed. */
  isParked(instrument: string): boolean {
    return this.#units.get(instrument)?.parked ?? false
  }

  /** Starts, or goes on after a pause, on the given time base. */
  run(base: TimeBase = this.#base): void {
    assert(!this.#running, `poller of ${this.bus} is already running`)
    if (base.tb !== this.#base.tb) this.#rebase(base)
    this.#running = true
    this.#step()
  }

  /** Resolves when no poll is under way; slots that end meanwhile are accounted for after `run`. */
  pause(): Promise<void> {
    if (!this.#running) return Promise.resolve()
    return new Promise((resolve) => {
      this.#pausing = resolve
      if (this.#cancelTimer !== undefined) this.#halt()
    })
  }

  /** The first slot of each group not covered yet, for a poller that takes over. Call while paused. */
  uncovered(): Map<string, Millis> {
    assert(!this.#running, 'a running poller has no settled slots')
    this.#flushParked()
    return new Map(this.#groups.map((group) => [groupKey(group), group.next]))
  }

  /** Accounts for everything that ended before now; the last act before a clock step or a stop. Call while paused. */
  settle(): void {
    assert(!this.#running, 'a running poller cannot be settled')
    this.#accountMissed(baseTime(this.#base, this.#clock.now().mono))
    this.#flushParked()
  }

  #rebase(base: TimeBase): void {
    const now = baseTime(base, this.#clock.now().mono)
    for (const group of this.#groups) group.next = slotOf(now, group.intervalMs) + group.intervalMs
    this.#base = base
  }

  #halt(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#running = false
    this.#dueMono = Infinity
    const paused = this.#pausing
    this.#pausing = undefined
    paused?.()
  }

  /** One turn: account for what has passed, then poll what is due, or sleep until something is. */
  #step(): void {
    if (this.#pausing !== undefined) return this.#halt()
    const now = this.#clock.now()
    const t = baseTime(this.#base, now.mono)
    this.#accountMissed(t)
    const due = this.#due(t, now.mono)
    if (due !== undefined) {
      void this.#poll(due, now.mono)
      return
    }
    const wake = this.#groups.reduce((least, group) => Math.min(least, group.next), Infinity)
    if (!Number.isFinite(wake)) return this.#sleepUntil(now.mono + 1000)
    this.#sleepUntil(monoTime(this.#base, wake))
  }

  #sleepUntil(mono: Millis): void {
    this.#dueMono = mono
    this.#cancelTimer = this.#clock.at(mono, () => {
      this.#cancelTimer = undefined
      this.#step()
    })
  }

  /**
   * The due group whose slot ends first, after parked units have had their slots accounted for. A probe comes after all that
   * is due of others, so that none of it waits for more than one; where others leave no time, after ten seconds.
   */
  #due(t: Millis, mono: Millis): Group | undefined {
    let best: Group | undefined
    let probe: Group | undefined
    for (const group of this.#groups) {
      if (group.next > t) continue
      const { parked, probeAtMono } = this.#unit(group)
      if (parked && mono < probeAtMono) this.#park(group, t)
      else if (parked) probe = sooner(group, probe)
      else best = sooner(group, best)
    }
    if (probe === undefined || best === undefined) return best ?? probe
    const waitingSince = Math.max(this.#unit(probe).probeAtMono, this.#probedMono)
    return mono - waitingSince > PROBE_WAIT_MS_MAX ? probe : best
  }

  /** Slots that ended before their request could start. */
  #accountMissed(t: Millis): void {
    for (const group of this.#groups) {
      const current = slotOf(t, group.intervalMs)
      if (group.next >= current) continue
      if (group.sampled) {
        group.next = current
        continue
      }
      if (this.#unit(group).parked) {
        this.#park(group, t)
        continue
      }
      // A unit that is parked no longer, by another group's poll or because the whole bus is down, owes its parked run first.
      this.#flushParkedOf(group)
      const slots = slotsBetween(group.next, current, group.intervalMs)
      this.#emit(group, group.next, slots, 'slot_missed')
      group.next = current
    }
  }

  /** Lets the slots of a parked unit pass; they are written down in runs. */
  #park(group: Group, t: Millis): void {
    const end = slotOf(t, group.intervalMs) + group.intervalMs
    if (!group.sampled) {
      group.parkedFrom ??= group.next
      group.next = end
      if (end - group.parkedFrom >= PARKED_RECORD_MS) this.#flushParkedOf(group)
    } else group.next = end
  }

  #flushParkedOf(group: Group): void {
    if (group.parkedFrom === undefined) return
    const slots = slotsBetween(group.parkedFrom, group.next, group.intervalMs)
    if (slots > 0) this.#emit(group, group.parkedFrom, slots, 'parked')
    group.parkedFrom = undefined
  }

  #flushParked(): void {
    for (const group of this.#groups) this.#flushParkedOf(group)
  }

  #emit(group: Group, t: Millis, slots: number, reason: BadReason): void {
    this.#sink.slots(
      group.points.map(({ point }) => ({ point, t, slots, result: { kind: 'fault', reason } })),
    )
  }

  #unit(group: Group): Unit {
    const unit = this.#units.get(group.instrument)
    assert(unit !== undefined, 'no unit of', group.instrument)
    return unit
  }

  async #poll(group: Group, startedMono: Millis): Promise<void> {
    this.#dueMono = startedMono
    const unit = this.#unit(group)
    this.#flushParkedOf(group)
    const t = group.next
    group.next = t + group.intervalMs
    if (unit.parked) this.#probedMono = startedMono
    const identity = this.#identity
    const isDue = identity?.isDue(group.instrument, 'before') === true
    let reply = isDue ? await this.#identify(group, unit) : undefined
    if (reply === undefined) {
      reply = await this.driver.poll(unit.parked ? group.probe : group.order)
      if (identity !== undefined) {
        if (isToConfirm(identity, group.instrument, reply))
          await identity.ask(group.instrument, CONFIRMED)
        if (!identity.isCredited(group.instrument)) reply = uncredited(reply)
      }
    }
    this.#utilisation.polled(startedMono, this.#clock.now().mono)
    this.#judgeUnit(group.instrument, unit, reply)
    if (group.sampled) this.#deliverSample(group, reply)
    else this.#deliverSlots(group, t, reply)
    this.#step()
  }

  /** Makes sure beforehand that the right instrument answers; what the poll comes to where it is not worth trying. */
  async #identify(group: Group, unit: Unit): Promise<PollReply | undefined> {
    const { instrument } = group
    const question = { probe: unit.parked, present: false }
    const unanswered = await this.#identity?.ask(instrument, question)
    if (unanswered === undefined) return undefined
    if (isSilence(unanswered.fault.reason)) this.#identity?.lost(instrument)
    return this.#withoutAnswer(group, unanswered)
  }

  /** What a poll would have come to that was not tried, since the unit did not answer before. */
  #withoutAnswer({ points, sampled }: Group, { fault, silent }: Unanswered): PollReply {
    const arrivedMono = this.#clock.now().mono
    if (sampled) return { signals: [], sampleFault: fault, silent }
    return { signals: points.map(({ signal }) => ({ signal, result: fault, arrivedMono })), silent }
  }

  #judgeUnit(instrument: string, unit: Unit, reply: PollReply): void {
    if (!reply.silent) {
      if (unit.parked) this.#log.info('unit_back', { bus: this.bus, instrument })
      unit.parked = false
      unit.probeDelayMs = 0
      return
    }
    if (!unit.parked) this.#log.warn('unit_parked', { bus: this.bus, instrument })
    unit.parked = true
    const alone = this.#units.size === 1
    unit.probeDelayMs = alone ? 0 : Math.min(PROBE_MS_MAX, unit.probeDelayMs * 2 || PROBE_MS_MIN)
    unit.probeAtMono = this.#clock.now().mono + unit.probeDelayMs
  }

  #deliverSample(group: Group, reply: PollReply): void {
    if (reply.sample !== undefined) return this.#sink.sample(group.instrument, reply.sample.sample)
    const fault = reply.sampleFault
    assert(
      fault !== undefined,
      `driver of ${this.bus} gave ${group.instrument} neither sample nor fault`,
    )
    this.#sink.noSample(group.instrument, fault.reason, fault.exceptionCode)
  }

  #deliverSlots(group: Group, t: Millis, reply: PollReply): void {
    this.#sink.slots(
      group.points.map(({ point, signal }, index) => {
        const answer = replyTo(signal, index, reply)
        assert(answer !== undefined, 'the driver left out', signal)
        const { result, arrivedMono } = answer
        const a = Math.round(baseTime(this.#base, arrivedMono) - t)
        return result.kind === 'value' || a >= 0 ? { point, t, a, result } : { point, t, result }
      }),
    )
  }
}

/** The group whose slot ends first, the earlier one where they end together. */
const sooner = (group: Group, other: Group | undefined): Group =>
  other === undefined || group.next + group.intervalMs < other.next + other.intervalMs
    ? group
    : other

const orderOf = ({ instrument, points, sampled }: PollGroup, probe: boolean): PollOrder => ({
  ...{ instrument, sample: sampled, probe },
  signals: points.map(({ signal }) => signal),
})
