// The field side: one driver and one poller for each bus of the configuration in force, and the faults of the buses themselves.
// Starts, pauses and replaces them without losing a slot; judges no value.

import type { Input } from '#core/input.ts'
import type { Plant } from '#core/point.ts'
import type { TimeBase } from '#core/schedule.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { BusDriver, LinkState, WireRecording } from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'
import { type IdentityTarget, IdentityWatch } from './identity.ts'
import { Poller, type PollSink } from './poller.ts'
import { groupsByBus } from './resumption.ts'
import type { Progress } from './watchdog.ts'

/** How long a link may be down before it is a bus fault: one quick reconnect is none. */
const BUS_FAULT_AFTER_MS: Millis = 3000

/** A bus of the configuration as the field side sees it: a fingerprint that tells whether it changed, and its driver. */
export interface BusPlan {
  readonly id: string
  /** Equal when bus, instruments and profiles are the same, so that the link can stay open. */
  readonly fingerprint: string
  open(): BusDriver
}

export interface FieldOptions {
  readonly clock: Clock
  readonly log: Log
  readonly input: (input: Input) => void
}

export interface BusView {
  readonly id: string
  readonly link: LinkState
  /** Share of the last minute spent in polls, 0 to 1. */
  readonly utilisation: number
  readonly counters: BusDriver['counters']
  readonly parked: readonly string[]
}

interface RunningBus {
  readonly plan: BusPlan
  readonly driver: BusDriver
  readonly poller: Poller
  readonly instruments: readonly string[]
}

export class Field {
  readonly #clock: Clock
  readonly #log: Log
  readonly #input: (input: Input) => void
  readonly #buses = new Map<string, RunningBus>()
  readonly #faults = new Map<string, { cancel: () => void; active: boolean }>()
  /** Buses whose link is open and that have brought no reply yet: a fault from before a restart stands until one comes. */
  readonly #unproven = new Set<string>()

  constructor(options: FieldOptions) {
    this.#clock = options.clock
    this.#log = options.log
    this.#input = options.input
  }

  /** Opens what is new, keeps drivers whose bus did not change, closes the rest, and starts polling. Call while paused. */
  async replace(
    plant: Plant,
    plans: readonly BusPlan[],
    base: TimeBase,
    first: ReadonlyMap<string, Millis>,
  ): Promise<void> {
    const kept = new Map<string, BusDriver>()
    const closing: Promise<void>[] = []
    for (const [id, running] of this.#buses) {
      const plan = plans.find((candidate) => candidate.id === id)
      if (plan?.fingerprint === running.plan.fingerprint) kept.set(id, running.driver)
      else {
        closing.push(running.driver.close())
        this.#clearFault(id)
      }
    }
    await Promise.all(closing)
    this.#buses.clear()
    const groups = groupsByBus(plant)
    for (const plan of plans) {
      const ofBus = groups.get(plan.id) ?? []
      const keptDriver = kept.get(plan.id)
      const driver = keptDriver ?? plan.open()
      if (keptDriver === undefined) this.#watchLink(plan.id, driver)
      const poller = new Poller({
        bus: plan.id,
        driver,
        groups: ofBus,
        clock: this.#clock,
        sink: this.#sink(plan.id, driver),
        log: this.#log,
        base,
        first,
        identity: new IdentityWatch({
          bus: plan.id,
          driver,
          targets: identityTargets(plant, plan.id),
          clock: this.#clock,
          log: this.#log,
          input: this.#input,
        }),
      })
      const instruments = [...new Set(ofBus.map(({ instrument }) => instrument))]
      this.#buses.set(plan.id, {
        plan,
        driver,
        poller,
        instruments,
      })
      poller.run(base)
    }
  }

  /** Stops polling between polls; every slot that ended is accounted for when it resolves. */
  async pause(): Promise<void> {
    await Promise.all([...this.#buses.values()].map(({ poller }) => poller.pause()))
    for (const { poller } of this.#buses.values()) poller.settle()
  }

  resume(base: TimeBase): void {
    for (const { poller } of this.#buses.values()) poller.run(base)
  }

  /** First slot of each group not covered yet. Call while paused. */
  uncovered(): Map<string, Millis> {
    return new Map([...this.#buses.values()].flatMap(({ poller }) => [...poller.uncovered()]))
  }

  views(): BusView[] {
    return [...this.#buses.values()].map(({ plan, driver, poller, instruments }) => ({
      id: plan.id,
      link: driver.link(),
      utilisation: poller.utilisation,
      counters: driver.counters,
      parked: instruments.filter((instrument) => poller.isParked(instrument)),
    }))
  }

  /** What each poll loop owes (runtime/watchdog.ts). */
  progress(): Progress[] {
    return [...this.#buses.values()].map(({ plan, poller }) => ({
      task: `poll loop of bus ${plan.id}`,
      dueMono: poller.dueMono,
    }))
  }

  /** The last frames of an instrument, or of the whole bus (URS-15); undefined for a bus that is not there any more. */
  recorded(bus: string, instrument?: string): WireRecording | undefined {
    return this.#buses.get(bus)?.driver.recorded?.(instrument)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#buses.values()].map(({ driver }) => driver.close()))
    for (const { cancel } of this.#faults.values()) cancel()
  }

  #sink(bus: string, driver: BusDriver): PollSink {
    const give = (input: Input) => {
      if (this.#unproven.has(bus) && driver.counters.replies > 0) this.#clearFault(bus)
      this.#input(input)
    }
    const at = () => this.#clock.now()
    return {
      slots: (slots) => give({ kind: 'slots', at: at(), slots }),
      sample: (instrument, sample) => give({ kind: 'sample', at: at(), instrument, sample }),
      noSample: (instrument, reason, exceptionCode) =>
        give({
          kind: 'no_sample',
          at: at(),
          instrument,
          reason,
          ...(exceptionCode !== undefined && { exceptionCode }),
        }),
    }
  }

  #watchLink(bus: string, driver: BusDriver): void {
    driver.onLink((link) => {
      const cause = troubleOf(link)
      if (cause === undefined) {
        if (link.kind === 'up') this.#cameUp(bus, driver)
        return
      }
      const known = this.#faults.get(bus)
      if (known?.active === true || (known !== undefined && link.kind === 'down')) return
      known?.cancel()
      const fault = { active: false, cancel: () => {} }
      this.#faults.set(bus, fault)
      const raise = () => {
        fault.active = true
        const detail = troubleOf(driver.link()) ?? cause
        this.#log.warn('bus_fault', { bus, cause: detail })
        this.#condition(bus, true, detail)
      }
      // Noise has been watched for a while already.
      if (link.kind === 'up') raise()
      else fault.cancel = this.#clock.at(this.#clock.now().mono + BUS_FAULT_AFTER_MS, raise)
    })
  }

  /** An open link ends the fault that this process found in it; one from before a restart ends with the first reply. */
  #cameUp(bus: string, driver: BusDriver): void {
    const known = this.#faults.get(bus)
    if (known?.active === true || driver.counters.replies > 0) return this.#clearFault(bus)
    known?.cancel()
    this.#faults.delete(bus)
    this.#unproven.add(bus)
  }

  /** Also where this process raised nothing: the fault may be left from before a restart. */
  #clearFault(bus: string): void {
    this.#unproven.delete(bus)
    this.#faults.get(bus)?.cancel()
    this.#faults.delete(bus)
    this.#condition(bus, false)
  }

  #condition(bus: string, active: boolean, detail?: string): void {
    this.#input({
      kind: 'condition',
      at: this.#clock.now(),
      alarm: `${bus}.bus_fault`,
      active,
      ...(detail !== undefined && { detail }),
    })
  }
}

/** What is wrong with a link, in words: it is down, or noisy. */
const troubleOf = (link: LinkState): string | undefined =>
  link.kind === 'down' ? link.cause : link.kind === 'up' ? link.noise : undefined

/** The instruments of a bus as their identity is judged: strictly where a grade A or B or a critical point depends on them. */
const identityTargets = ({ instruments, points }: Plant, bus: string): IdentityTarget[] =>
  instruments
    .filter((instrument) => instrument.bus === bus)
    .map(({ id, serial }) => ({
      instrument: id,
      ...(serial !== undefined && { serial }),
      strict: points.some(
        ({ instrument, grade, critical }) =>
          instrument === id && (critical || grade === 'A' || grade === 'B'),
      ),
    }))
