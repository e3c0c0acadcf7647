// One simulated site from one seed: plant, wires, gateway, broker, consumer, people and everything that strikes them, first with
// faults (safety), then without (liveness). Decides nothing about right and wrong: that is checks/.

import type { SeqRange } from '#ports/store.ts'
import type { StreamName } from './account.ts'
import { Broker } from './broker.ts'
import { Checks } from './checks/checks.ts'
import { OutsideChecks } from './checks/outside.ts'
import type { TransitionChecks } from './checks/transitions.ts'
import { Consumer } from './consumer.ts'
import { CounterUnit, someCounter } from './counter.ts'
import { Dice } from './dice.ts'
import { drawnDisk } from './drawn-disk.ts'
import { guard } from './guard.ts'
import { Host } from './host.ts'
import { JournalDisk } from './journal-platter.ts'
import { Line } from './line.ts'
import { HEALTHY, type Mutant } from './mutant.ts'
import { People } from './people.ts'
import { FIRST_REVISION, type Revision } from './revision.ts'
import { drawScenario, type FaultRates, type Scenario, someRetention } from './scenario.ts'
import { Signal } from './signal.ts'
import { configurationOf, faultyFile } from './site.ts'
import type { SimulatedDisk } from './store.ts'
import { strikes } from './strikes.ts'
import { Timeline } from './timeline.ts'
import { Unit } from './unit.ts'

const MINUTE = 60_000
const LIVENESS_MS = 30 * MINUTE
const ON_ITS_WAY_MS = 10_000
const SWEEP_MS = 10_000

/** An invariant that did not hold. */
export class Violation extends Error {
  readonly invariant: string

  constructor(invariant: string, words: string) {
    super(`${invariant}: ${words}`)
    this.invariant = invariant
  }
}

export interface RunOptions {
  readonly seed: number
  /** Simulated hours of the safety phase. */
  readonly hours: number
  /** Most points of the site; default 20. */
  readonly pointsMax?: number
  readonly mutant?: Mutant
  /** Which disk, whatever the seed draws. */
  readonly disk?: Scenario['disk']
  /** Fault classes that must be on, beside what the seed draws, or with undefined that must be off. */
  readonly force?: FaultRates
  /** The broker is out of reach for so many ms, from the first hour on. */
  readonly outageMs?: number
  /** Called in every sweep: for what measures the process that simulates. */
  readonly watch?: (world: World) => void
}

export interface RunResult {
  readonly seed: number
  readonly hash: string
  readonly simulatedMs: number
  readonly events: number
  readonly records: number
  readonly good: number
  readonly sometimes: ReadonlyMap<string, number>
  readonly scenario: Scenario
  readonly violation: Violation | undefined
  readonly lastEvents: readonly string[]
}

export class World {
  readonly scenario: Scenario
  readonly timeline = new Timeline()
  readonly dice: Dice
  readonly lines: readonly Line[]
  readonly broker: Broker
  readonly consumer: Consumer
  readonly host: Host
  readonly checks: Checks
  readonly outside: OutsideChecks
  readonly sometimes = new Map<string, number>()
  readonly signals: readonly Signal[]
  faults: FaultRates
  people: People | undefined
  /** What the file says. */
  revision = FIRST_REVISION
  #violation: Violation | undefined
  readonly disk: SimulatedDisk
  readonly #options: RunOptions

  constructor(options: RunOptions) {
    const { seed, hours, pointsMax, mutant = HEALTHY, force = {}, disk } = options
    this.#options = options
    this.dice = new Dice(seed)
    const drawn = drawScenario(seed, this.dice, hours, pointsMax)
    const counter = drawn.counter ?? (mutant.counter === true ? someCounter(this.dice) : undefined)
    // what befalls earlier files needs some
    const files = mutant.retention === true || force.rot !== undefined
    const retention = drawn.retention ?? (files ? someRetention(this.dice) : undefined)
    this.scenario = { ...drawn, counter, retention, faults: { ...drawn.faults, ...force } }
    this.faults = this.scenario.faults
    const { timeline, faults } = this
    const hooks = {
      broken: (invariant: string, words: string) => this.broken(invariant, words),
      seen: (what: string) => this.seen(what),
      now: () => timeline.now,
      activated: (alarm: string, seq: number) =>
        this.outside.activated(alarm, seq, this.host.process),
      epochBegan: () => this.outside.epochBegan(),
      delivered: (stream: StreamName, epoch: string) =>
        this.consumer.account.stream(stream, epoch).through,
      salvaged: (directory: string) => this.disk.salvaged(directory),
      stoppedUntil: () => this.host.process?.lastStopped ?? 0,
      rejected: (stream: StreamName, first: number, last: number) => {
        this.outside.rejected.add(stream, first, last)
        this.seen('dead letter')
      },
    }
    const counterLine = this.#counterLine()
    this.lines = [
      ...this.scenario.buses.map((bus) => this.#line(bus)),
      ...(counterLine === undefined ? [] : [counterLine]),
    ]
    this.signals = this.lines.flatMap(({ units }) => units.flatMap(({ signals }) => signals))
    const configuration = configurationOf(this.scenario)
    this.checks = new Checks(configuration, this.lines, hooks)
    this.disk = drawnDisk(this, mutant, disk ?? this.scenario.disk)
    this.broker = new Broker({ timeline, dice: this.dice.stream('broker'), faults, ...hooks })
    this.consumer = this.#consumer()
    this.outside = new OutsideChecks({
      ...{ timeline, broker: this.broker, lines: this.lines, broken: hooks.broken },
      consumer: () => this.consumer,
      has: (...asked) => this.#has(...asked),
      gone: (alarm) => this.revision.removed.has(alarm.slice(0, alarm.lastIndexOf('.'))),
    })
    this.host = new Host({
      ...{ configuration, timeline, dice: this.dice.stream('host') },
      ...{
        lines: this.lines,
        broker: this.broker,
        accepted: this.checks.accepted,
        mutant,
        ...hooks,
      },
      faults: () => this.faults,
      disk: this.disk,
      gap: (unkept) => this.checks.gap(unkept),
      openDisk: () => {
        const platter = this.disk.open()
        return mutant.platter?.(platter) ?? platter
      },
      powerLost: () => this.#powerLost(),
      started: (agent) => {
        this.checks.started(agent)
        mutant.started?.(agent)
        this.outside.excuse()
      },
      over: () => {
        this.disk.processDied()
        this.checks.processOver()
      },
      clockLost: () => this.checks.clockLost(),
      configured: ({ plant }) => this.checks.begun(plant),
    })
  }

  /** The file is another one, or has become a faulty one, and the agent is told. */
  reload(revision: Revision, sound: boolean): void {
    this.timeline.trace(`file: ${sound ? 'changed' : 'faulty'}`)
    if (!sound) {
      if (faultyFile(this.scenario, revision).ok) this.broken('S3', 'a faulty file was accepted')
      this.seen('faulty file')
      return this.host.reload(undefined)
    }
    this.seen('file changed')
    this.revision = revision
    const configuration = configurationOf(this.scenario, revision)
    this.checks.known(configuration, revision)
    for (const point of revision.removed) this.consumer.account.mayPause(point)
    this.host.reload(configuration)
  }

  get now(): number {
    return this.timeline.now
  }

  seen(what: string): void {
    this.sometimes.set(what, (this.sometimes.get(what) ?? 0) + 1)
  }

  broken(invariant: string, words: string): void {
    if (this.#violation !== undefined) return
    this.#violation = new Violation(invariant, words)
    this.timeline.trace(`BROKEN ${invariant}: ${words}`)
    this.timeline.stop(this.#violation)
  }

  async run(): Promise<RunResult> {
    const { timeline, scenario } = this
    const lift = guard((invariant, words) => this.broken(invariant, words))
    try {
      this.host.start()
      strikes(this)
      if (scenario.people) this.people = new People(this)
      this.#sweep()
      const { outageMs } = this.#options
      if (outageMs !== undefined) timeline.after(60 * MINUTE, () => this.broker.goDown(outageMs))
      await timeline.run(scenario.safetyMs)
      this.#calm()
      await timeline.run(scenario.safetyMs + LIVENESS_MS)
      this.#settled(await this.#disagreement())
    } catch (thrown) {
      if (!(thrown instanceof Violation)) {
        const words = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
        this.#violation ??= new Violation('S3', words)
      }
    } finally {
      lift()
    }
    return {
      seed: scenario.seed,
      hash: timeline.hash,
      simulatedMs: timeline.now,
      events: timeline.events,
      records: this.checks.accepted.head,
      good: this.checks.readings.good,
      sometimes: this.sometimes,
      scenario,
      violation: this.#violation,
      lastEvents: timeline.lastEvents,
    }
  }

  /** What checks the answers that people get. */
  get acts(): TransitionChecks {
    return this.checks.transitions
  }

  /** What was not synced may be gone; now and then the power goes again while the next start recovers. */
  #powerLost(): void {
    this.seen('power lost')
    this.disk.losePower()
    const dice = this.dice.stream(`power ${this.now}`)
    if (this.now < this.scenario.safetyMs && dice.chance(0.3)) this.disk.goAfter(dice.whole(1, 60))
  }

  #line(bus: Scenario['buses'][number]): Line {
    const { faults } = this
    const units = bus.instruments.map(({ id, unitId, points }) => {
      const signals = points.map(
        (point) =>
          new Signal(point, this.dice.stream(`signal ${point.id}`), {
            sensorFault: faults.sensorFault !== undefined,
            frozen: faults.frozen !== undefined,
          }),
      )
      return new Unit(id, unitId, signals)
    })
    return this.#wire(bus, units)
  }

  #counterLine(): Line | undefined {
    const { counter } = this.scenario
    if (counter === undefined) return undefined
    const faulty = this.faults.sensorFault !== undefined
    const unit = new CounterUnit(counter, this.dice.stream('particles'), faulty)
    return this.#wire({ id: 'bc', protocol: 'modbus-tcp', instruments: [] }, [unit])
  }

  #wire(bus: Scenario['buses'][number], units: readonly Unit[]): Line {
    const { faults, timeline } = this
    return new Line({
      ...{ bus, units, faults, timeline, dice: this.dice.stream(`line ${bus.id}`) },
      broken: (invariant, words) => this.broken(invariant, words),
      seen: (what) => this.seen(what),
    })
  }

  #consumer(): Consumer {
    const intervals = new Map(
      this.scenario.buses.flatMap(({ instruments }) =>
        instruments.flatMap(({ points }) =>
          points.map((point) => [point.id, point.intervalMs] as const),
        ),
      ),
    )
    const counter = this.scenario.counter?.id ?? ''
    return new Consumer({
      ...{ broker: this.broker, timeline: this.timeline, dice: this.dice.stream('consumer') },
      intervalOf: (point) =>
        intervals.get(point) ?? (point.startsWith(`${counter}-`) ? 'sample' : undefined),
      listener: {
        record: (epoch, seq, printed) => {
          const whole = printed.startsWith('{') ? printed : `{${printed}`
          this.checks.accepted.checkPrint(epoch, seq, whole)
        },
        broken: (invariant, words) => this.broken(invariant, words),
        has: (...asked) => this.#has(...asked),
      },
      seen: (what) => this.seen(what),
      replied: (user, payload) => this.checks.transitions.replied(user, payload),
    })
  }

  #has(stream: StreamName, after: number, through: number, beside: readonly SeqRange[]): boolean {
    return this.disk.holds(stream, [after, through], beside)
  }

  #sweep(): void {
    this.timeline.after(SWEEP_MS, () => {
      const { process, store, agent } = this.host
      if (this.host.degraded) this.#excuse()
      else if (
        this.host.up &&
        process !== undefined &&
        store !== undefined &&
        agent !== undefined
      ) {
        if (process.stopped || this.now < store.slowUntil + 20_000) {
          this.#excuse()
        } else {
          this.checks.sweep(agent, process)
          this.outside.sweep(agent, process)
        }
      }
      const confirmed = this.consumer.account.stored(this.checks.accepted.epoch)
      this.disk.purge('readings', confirmed)
      this.disk.purge('event', confirmed)
      this.checks.accepted.forget(confirmed)
      this.#options.watch?.(this)
      this.#sweep()
    })
  }

  #excuse(): void {
    this.checks.excuse()
    this.outside.excuse()
  }

  /** Every fault ends; what they have left behind remains. */
  #calm(): void {
    this.timeline.trace('--- the faults end ---')
    this.faults = {}
    for (const line of this.lines) line.calm()
    for (const signal of this.signals) signal.calmFrom = this.now
    this.disk.fault = undefined
    this.broker.calm()
    this.consumer.calm()
    this.host.calm()
    if (this.host.store !== undefined) {
      this.host.store.slowUntil = Number.NEGATIVE_INFINITY
      this.host.store.failNext = false
    }
  }

  /** A8: an alarm that moved just now is still on its way, for as long as A2 grants it; the rest must agree, and it then too. */
  async #disagreement(): Promise<string | undefined> {
    const { transitions, accepted } = this.checks
    const { retained } = this.consumer.account
    const look = () => transitions.disagreement(retained, accepted.epoch)
    const until = this.now + ON_ITS_WAY_MS
    while (look() !== undefined && this.now < until) await this.timeline.run(this.now + 100)
    return look()
  }

  /** D4, A8 after the liveness phase. */
  #settled(disagreement: string | undefined): void {
    const { account } = this.consumer
    if (!this.host.up) this.broken('S3', 'the agent is not up half an hour after the last fault')
    const had = Math.max(account.stream('readings').highest, account.stream('event').highest)
    const lag = this.checks.accepted.head - had
    for (const stream of ['readings', 'event'] as const) {
      const hole = account.stream(stream).hole()
      if (hole !== undefined)
        this.broken('D4', `${stream} above ${hole.from} up to ${hole.to} never arrived`)
    }
    if (disagreement !== undefined) this.broken('A8', disagreement)
    if (account.epoch !== this.checks.accepted.epoch)
      this.broken('D4', `the consumer is in epoch ${account.epoch}`)
    this.checks.epochs.settled()
    if (lag > 400)
      this.broken('D4', `the consumer has ${had} of ${this.checks.accepted.head} records`)
    if (this.disk instanceof JournalDisk) this.#verifyJournal(this.disk)
    if (this.#violation !== undefined) throw this.#violation
  }

  /** U1, U3: the journal as it lies there at the end, by who looks at all of it. */
  #verifyJournal(disk: JournalDisk): void {
    const { head: seq, headHash: hash } = this.checks.accepted
    this.checks.rot.verified(disk.verify({ seq, hash }), { seq, hash }, disk.journalFiles())
  }
}

/** Runs one seed to its end. */
export const runSeed = (options: RunOptions): Promise<RunResult> => new World(options).run()
