// A5 and "no excursion is silent": data that stays away is an alarm in time, is none before, and stays one until all is back; and
// where the plant truly violates a limit for long, either its alarm or one that says the data is missing is up.

import type { Configuration } from '#config/configuration.ts'
import type { Reading } from '#core/reading.ts'
import { FIRST_REVISION, type LimitKey, limitOf, type Revision } from '../revision.ts'
import type { PointDraw } from '../scenario.ts'
import type { Signal } from '../signal.ts'
import type { TransitionChecks } from './transitions.ts'

const MINUTE = 60_000
const WINDOW_MS = 10 * MINUTE
const SLOTS_MIN = 10
/** Commit, group and check intervals on top of the comm-fail time. */
const LATE_MS = 10_000
/** A parked unit is written down once a minute, and probed every half minute. */
const PARKED_MS = 100_000

interface Watch {
  readonly point: string
  readonly instrument: string
  readonly intervalMs: number
  readonly commFailMs: number
  readonly signal: Signal | undefined
  lastValueAt: number
  newestBad: boolean
  /** Goodness of the newest slots, newest last. */
  slots: boolean[]
  removed: boolean
  /** Since when its limits are what they are. */
  since: number
}

const SILENT = ['agent_down', 'out_of_service']

export class LossChecks {
  readonly #watches = new Map<string, Watch>()
  readonly #transitions: TransitionChecks
  readonly #broken: (invariant: string, words: string) => void
  /** When the present agent began, and since when it has also worked undisturbed. */
  #began = 0
  #revision = FIRST_REVISION
  #since = 0

  constructor(
    configuration: Configuration,
    signals: readonly Signal[],
    transitions: TransitionChecks,
    broken: (invariant: string, words: string) => void,
  ) {
    this.#transitions = transitions
    this.#broken = broken
    for (const { id, instrument, intervalMs, commFailMs, sizeUm } of configuration.plant.points) {
      if (sizeUm !== undefined) continue
      const signal = signals.find(({ draw }) => draw.id === id)
      this.#watches.set(id, {
        ...{ point: id, instrument, intervalMs, commFailMs, signal },
        ...{ lastValueAt: 0, newestBad: true, slots: [], removed: false, since: 0 },
      })
    }
  }

  /** The agent began anew, or could not work for a while: what it has not seen it cannot know. */
  excuse(now: number, restarted: boolean): void {
    this.#since = now
    if (!restarted) return
    this.#began = now
    for (const watch of this.#watches.values()) watch.slots = []
  }

  /** Another configuration is in force: what is new has everything before it. */
  reconfigured(revision: Revision, changed: ReadonlySet<string>, now: number): void {
    this.#revision = revision
    for (const id of changed) {
      const watch = this.#watches.get(id)
      if (watch === undefined) continue
      watch.since = now
      const removed = revision.removed.has(id)
      if (watch.removed && !removed) {
        watch.lastValueAt = now
        watch.newestBad = true
        watch.slots = []
      }
      watch.removed = removed
    }
  }

  /** Readings of a while are not on record: what they were the agent knows, and nobody else. */
  gap(now: number): void {
    for (const watch of this.#watches.values()) {
      watch.newestBad = false
      watch.lastValueAt = now
      watch.slots = []
    }
  }

  /** One accepted reading, with the true time of its arrival. */
  reading({ point, q, qc, slots = 1 }: Reading, at: number): void {
    const watch = this.#watches.get(point)
    if (watch === undefined || (qc !== undefined && SILENT.includes(qc))) return
    watch.newestBad = q === 'bad'
    if (q !== 'bad') watch.lastValueAt = at
    const size = Math.max(SLOTS_MIN, Math.ceil(WINDOW_MS / watch.intervalMs))
    // a doubted clock makes no value doubtful
    const good = q === 'good' || qc === 'clock'
    for (let count = Math.min(slots, size); count > 0; count--) watch.slots.push(good)
    if (watch.slots.length > 2 * size) watch.slots = watch.slots.slice(-size)
  }

  event(type: string, alarm: string, at: number): void {
    if (!alarm.endsWith('.comm_fail')) return
    const its = [...this.#watches.values()].filter(
      ({ instrument, removed }) => !removed && alarm === `${instrument}.comm_fail`,
    )
    if (its.length === 0) return
    if (type === 'alarm.returned' && its.some(({ newestBad }) => newestBad))
      this.#broken('A5', `${alarm} returned while a point of it has no value`)
    if (type === 'alarm.activated' && !its.some((watch) => this.#mayBeLost(watch, at)))
      this.#broken('A5', `${alarm} rose though its points had values`)
  }

  /** Asked now and then while the agent runs and works. */
  sweep(now: number): void {
    for (const watch of this.#watches.values()) {
      if (watch.removed) continue
      const silentMs = now - Math.max(watch.lastValueAt, this.#since)
      const lost = this.#transitions.isActive(`${watch.instrument}.comm_fail`)
      if (silentMs > watch.commFailMs + LATE_MS && !lost)
        this.#broken(
          'A5',
          `${watch.point} has had no value for ${Math.round(silentMs / 1000)} s and ${watch.instrument}.comm_fail is not up`,
        )
      if (!lost) this.#checkTruth(watch, now)
    }
  }

  #mayBeLost({ lastValueAt, slots, commFailMs, intervalMs }: Watch, at: number): boolean {
    if (at - Math.max(lastValueAt, this.#began) >= commFailMs - 500) return true
    const size = Math.max(SLOTS_MIN, Math.ceil(WINDOW_MS / intervalMs))
    const newest = slots.slice(-size)
    const good = newest.filter((each) => each).length
    return newest.length >= SLOTS_MIN && good < 0.9 * newest.length
  }

  /** Nothing is violated by this value, so that nothing was all along. */
  #isWithin(draw: PointDraw, value: number): boolean {
    const limit = (key: LimitKey) => limitOf(draw, key, this.#revision)
    const most = Math.min(limit('alertHigh') ?? Infinity, limit('actionHigh') ?? Infinity)
    const least = Math.max(
      ...(['alertLow', 'actionLow', 'inversion'] as const).map((key) => limit(key) ?? -Infinity),
    )
    return value <= most && value >= least
  }

  /** A1 by the plant's own history: a limit truly violated all along has its alarm, unless the sensor is known to be faulty. */
  #checkTruth({ signal, point, intervalMs, commFailMs, since }: Watch, now: number): void {
    if (signal === undefined) return
    const { draw } = signal
    const span = 2 * draw.onDelayMs + commFailMs + 3 * intervalMs + PARKED_MS + LATE_MS
    if (now - Math.max(this.#since, since) < span) return
    const held = signal.heldBetween(now - span, now)
    const newest = held.at(-1)
    if (newest === undefined || this.#isWithin(draw, signal.valueHeld(newest))) return
    if (held.some(({ raw }) => !signal.isValue(raw))) return
    const values = held.map((step) => signal.valueHeld(step))
    const limit = (key: LimitKey) => limitOf(draw, key, this.#revision)
    const check = (kind: string, violates: boolean): void => {
      if (violates && !this.#transitions.isActive(`${point}.${kind}`))
        this.#broken(
          'A1',
          `${point} has violated ${kind} for ${Math.round(span / 1000)} s and nothing is up`,
        )
    }
    const above = (most = Number.POSITIVE_INFINITY) => values.every((value) => value > most)
    const below = (least = Number.NEGATIVE_INFINITY) => values.every((value) => value < least)
    check('action_high', above(limit('actionHigh')))
    check('alert_high', above(limit('alertHigh')))
    check('alert_low', below(limit('alertLow')))
    check('action_low', below(limit('actionLow')))
    check('inversion', below(limit('inversion')))
  }
}
