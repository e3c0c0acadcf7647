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
  /** What the core was told last of each link, as JSON. */
  readonly #told = new Map<string, string>()
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
        this.#tell(id, { is: 'sound' })
        this.#told.delete(id)
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
  }

  #sink(bus: string, driver: BusDriver): PollSink {
    const give = (input: Input) => {
      if (this.#unproven.has(bus) && driver.counters.replies > 0) this.#tell(bus, { is: 'sound' })
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
    const tell = (link: LinkState): void => {
      const word = wordOf(link, driver.counters.replies > 0)
      if (word.is === 'open') this.#unproven.add(bus)
      this.#tell(bus, word)
    }
    driver.onLink(tell)
    tell(driver.link())
  }

  /** Told when it is news. */
  #tell(bus: string, link: LinkWord): void {
    const words = JSON.stringify(link)
    if (this.#told.get(bus) === words) return
    this.#told.set(bus, words)
    if (link.is === 'sound') this.#unproven.delete(bus)
    this.#input({ kind: 'link', at: this.#clock.now(), bus, link })
  }
}

type LinkWord = Extract<Input, { kind: 'link' }>['link']

/** A link as the core is told of it. */
function wordOf(link: LinkState, hasReplied: boolean): LinkWord {
  switch (link.kind) {
    case 'down':
      return { is: 'down', detail: link.cause }
    case 'connecting':
      return { is: 'down', detail: 'the link has not opened; check address, cable and power' }
    case 'up':
      if (link.noise !== undefined) return { is: 'noisy', detail: link.noise }
      return { is: hasReplied ? 'sound' : 'open' }
  }
}

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
