// All checks of one run together: tells each what was accepted, and asks each now and then whether all is well.

import type { Configuration } from '#config/configuration.ts'
import type { Plant } from '#core/point.ts'
import type { Reading } from '#core/reading.ts'
import type { Agent } from '../../../agent/runtime/agent.ts'
import type { StreamName } from '../account.ts'
import { CounterUnit } from '../counter.ts'
import type { Line } from '../line.ts'
import type { Process } from '../machine.ts'
import { changedPoints, FIRST_REVISION, type Revision } from '../revision.ts'
import type { Unkept } from '../survival.ts'
import { Accepted, type AcceptedRecord, type Ended } from './accepted.ts'
import { ConsequenceChecks } from './consequences.ts'
import { EpochChecks } from './epochs-told.ts'
import { LimitChecks } from './limits.ts'
import { LossChecks } from './loss.ts'
import { ReadingChecks } from './readings.ts'
import { RotChecks } from './rot.ts'
import { SampleChecks } from './samples.ts'
import { type GapStep, TransitionChecks } from './transitions.ts'
import { overprobed } from './turns.ts'

/** A sample is judged when its poll is over: other registers of the instrument may take their retries. */
const DELIVERED_WITHIN_MS = 15_000

export interface CheckHooks {
  broken(invariant: string, words: string): void
  seen(what: string): void
  now(): number
  activated(alarm: string, seq: number): void
  rejected(stream: StreamName, first: number, last: number): void
  /** Numbers mean other records from now on. */
  epochBegan(): void
  delivered(stream: StreamName, epoch: string): number
  salvaged(directory: string): readonly string[]
  /** True time until which the process was last stopped. */
  stoppedUntil(): number
}

/** A configuration that is in force once the commit is accepted that tells what it ended. */
interface Coming {
  readonly revision: Revision
  readonly commit: number
  readonly at: number
  readonly baseMs?: number
}

export class Checks {
  readonly accepted: Accepted
  readonly readings: ReadingChecks
  readonly transitions: TransitionChecks
  readonly rot: RotChecks
  readonly epochs: EpochChecks
  readonly #samples: SampleChecks | undefined
  readonly #limits: LimitChecks
  readonly #loss: LossChecks
  readonly #consequences: ConsequenceChecks
  readonly #hooks: CheckHooks
  readonly #lines: readonly Line[]
  /** True time at which the core was handed a slot, until its record is accepted. */
  #delivered = new Map<string, number>()
  readonly #revisions = new Map<string, Revision>()
  #revision = FIRST_REVISION
  #coming: Coming[] = []
  /** Points that the newest change was about; none where a start brought none. */
  #changed: ReadonlySet<string> = new Set()
  /** Since when the present pollers ask. */
  #pollingSince = 0
  /** What was not kept, and is to be on record next. */
  #unkept: Unkept | undefined
  /** The same of a process that ended before it was told whether the record is there: the next to open the disk finds it, or not. */
  #untold: Unkept | undefined

  constructor(configuration: Configuration, lines: readonly Line[], hooks: CheckHooks) {
    const { broken } = hooks
    const signals = lines.flatMap(({ units }) => units.flatMap((unit) => unit.signals))
    this.#hooks = hooks
    this.#lines = lines
    this.#revisions.set(configuration.plant.hash, FIRST_REVISION)
    this.accepted = new Accepted({
      committed: (number) => this.#reconfigure(number),
      accepted: (record) => this.#take(record),
      opened: () => {
        this.#untold = undefined
      },
      epochBegan: (ended) => this.#epochBegan(ended),
      broken,
    })
    this.readings = new ReadingChecks(lines, hooks)
    this.transitions = new TransitionChecks({
      ...hooks,
      mayClose: (alarm) => this.#mayClose(alarm),
    })
    const stateOf = (alarm: string) => this.transitions.stateOf(alarm).state
    this.rot = new RotChecks({ ...hooks, stateOf })
    this.epochs = new EpochChecks(hooks)
    this.#samples = this.#samplesOf(lines)
    this.#limits = new LimitChecks(signals, this.transitions, broken)
    this.#loss = new LossChecks(configuration, signals, this.transitions, broken)
    this.#consequences = new ConsequenceChecks(configuration, hooks)
  }

  #samplesOf(lines: readonly Line[]): SampleChecks | undefined {
    for (const line of lines)
      for (const unit of line.units)
        if (unit instanceof CounterUnit)
          return new SampleChecks(unit, line, this.#hooks, this.transitions)
    return undefined
  }

  /** A journal was set aside: where its state is not what was accepted, what the agent shows next is taken over. */
  #epochBegan(ended: Ended): void {
    this.rot.epochBegan()
    this.epochs.began(ended)
    this.readings.epochBegan()
    this.#hooks.epochBegan()
    // when the old file was written to last may not be known: what delays have run then errs towards rising
    this.#limits.gap()
    if (ended.stateIsWhole) return
    this.transitions.forget()
    this.#loss.gap(this.#hooks.now())
    this.#consequences.gap()
    this.#samples?.forget()
  }

  /** Records were not kept while the disk was out of order: the next record says so. */
  gap(unkept: Unkept): void {
    this.#unkept = unkept
    this.#delivered.clear()
    // what came into force meanwhile did so on no slot that was kept
    this.#coming = this.#coming.map(({ baseMs: _, ...coming }) => coming)
  }

  /** D8: how much is missing is on record, and what became of the alarms meanwhile; of the rest nothing is known. */
  #gap(seq: number, body: Readonly<Record<string, unknown>>): void {
    const { readings, events } = this.#unkept ?? this.#untold ?? {}
    this.#unkept = undefined
    this.#untold = undefined
    this.#hooks.seen('gap of the disk on record')
    if (body['readings'] !== readings || body['events'] !== events)
      this.#hooks.broken(
        'D8',
        `record ${seq} tells of ${body['readings']} readings and ${body['events']} events, not kept were ${readings} and ${events}`,
      )
    this.transitions.gap(seq, body['alarms'] as readonly GapStep[])
    this.#limits.gap()
    this.#loss.gap(this.#hooks.now())
    this.#consequences.gap()
    this.#samples?.gap()
  }

  /** Call before anything else shadows the loop's input. */
  started(agent: Agent): void {
    if (this.#unkept !== undefined && agent.loop.head.seq > 0)
      this.#hooks.broken('D8', 'the agent is back on its disk, and no record tells of the gap')
    this.#watchInput(agent)
    this.readings.excuse()
    this.#samples?.started()
    this.#loss.excuse(this.#hooks.now(), true)
    this.#consequences.excuse()
    this.#compare(agent, 'restart')
  }

  processOver(): void {
    this.#delivered.clear()
    this.#untold = this.#unkept ?? this.#untold
    this.#unkept = undefined
    this.#limits.interrupted(this.#hooks.now())
  }

  /** A boot whose wall clock does not go on from the one before. */
  clockLost(): void {
    this.#limits.clockLost()
  }

  /** What a configuration is that may come into force from now on. */
  known({ plant }: Configuration, revision: Revision): void {
    this.#revisions.set(plant.hash, revision)
  }

  /** A process starts with a configuration. What an earlier one had begun to apply, and is not on record, never was in force. */
  begun(plant: Plant): void {
    this.#coming = []
    this.#configured(plant)
  }

  /** A configuration comes into force with the next commit. `baseMs`: now on the time line of slots, where that is known. */
  #configured({ hash }: Plant, baseMs?: number): void {
    const revision = this.#revisions.get(hash)
    if (revision === undefined) return this.#hooks.broken('S3', 'nobody wrote this configuration')
    const at = this.#hooks.now()
    this.#pollingSince = at
    const commit = this.accepted.submissions + 1
    this.#coming.push({ revision, commit, at, ...(baseMs !== undefined && { baseMs }) })
  }

  #reconfigure(commit: number): void {
    const inForce = this.#coming.filter((each) => each.commit <= commit)
    if (inForce.length === 0) return
    this.#coming = this.#coming.filter((each) => each.commit > commit)
    const all = new Set<string>()
    for (const { revision, at, baseMs } of inForce) {
      const changed = changedPoints(this.#revision, revision)
      if (changed.size === 0) continue
      for (const id of changed) all.add(id)
      this.#changed = all
      this.#revision = revision
      this.#hooks.seen('configuration changed')
      if ([...this.transitions.alarms].some(([id, { occ }]) => occ !== null && this.#mayClose(id)))
        this.#hooks.seen('configuration changed mid-alarm')
      this.#limits.reconfigured(revision, changed)
      this.#loss.reconfigured(revision, changed, at)
      this.#consequences.reconfigured(revision)
      this.readings.reconfigured(revision, changed, baseMs)
      this.transitions.removed(revision.removed)
    }
    this.#changed = all
  }

  /** Nothing but what a change is about ends by it. */
  #mayClose(alarm: string): boolean {
    return this.#changed.has(alarm.slice(0, alarm.lastIndexOf('.')))
  }

  /** While the agent runs and works. */
  sweep(agent: Agent, process: Process): void {
    this.readings.sweep(process)
    for (const line of this.#lines) {
      const words = overprobed(line, this.#pollingSince, this.#hooks.now())
      if (words !== undefined) this.#hooks.broken('B2', words)
    }
    this.#samples?.sweep(agent, process)
    this.#loss.sweep(this.#hooks.now())
    this.#consequences.sweep()
    this.#compare(agent, 'rest')
  }

  /** While the process was stopped, or its disk hung. */
  excuse(): void {
    this.readings.excuse()
    this.#samples?.excuse()
    this.#loss.excuse(this.#hooks.now(), false)
    this.#consequences.excuse()
  }

  #watchInput({ loop }: Agent): void {
    const input = loop.input.bind(loop)
    loop.input = (given) => {
      if (given.kind === 'plant') this.#configured(given.plant, loop.baseNow())
      if (given.kind === 'slots')
        for (const { point, t } of given.slots)
          this.#delivered.set(`${point} ${t}`, this.#hooks.now())
      return input(given)
    }
  }

  /** When the core was handed the slot of an accepted reading. */
  #handed({ point, t }: Reading, arrived: number): number {
    const key = `${point} ${t}`
    const at = this.#delivered.get(key)
    this.#delivered.delete(key)
    const stopped = this.#hooks.stoppedUntil() > arrived - 1000
    if (at !== undefined && at - arrived > DELIVERED_WITHIN_MS && !stopped)
      this.#hooks.broken('A2', `${key} was judged ${Math.round(at - arrived)} ms after it arrived`)
    return at ?? arrived
  }

  #compare(agent: Agent, when: string): void {
    if (agent.loop.head.seq !== agent.loop.state.seq) return
    this.transitions.compare(agent, when)
    if (when === 'rest') this.rot.sweep()
  }

  #take(accepted: AcceptedRecord): void {
    // until it is known again which alarms there are, samples say nothing of them
    if (this.transitions.adopts) this.#limits.gap()
    const { record, base, at, seq } = accepted
    const sampled = record.kind === 'reading' && this.#samples?.has(record.reading.point)
    if (sampled) return this.#samples?.accepted(accepted)
    this.readings.accepted(accepted)
    if (record.kind === 'event') {
      const { type, body } = record.event
      if (type === 'store.gap') this.#gap(seq, body)
      if (type === 'clock.stepped') this.#samples?.stepped(Number(body['stepMs']))
      this.rot.event(seq, type, body)
      this.epochs.event(seq, type, body)
      this.#consequences.accepted(seq, record.event)
      const { alarm, unconfirmed } = body as { alarm?: string; unconfirmed?: boolean }
      if (alarm !== undefined) {
        this.#limits.event(type, alarm, at, unconfirmed === true)
        this.#loss.event(type, alarm, at)
        this.#samples?.event(type, alarm)
      }
      return this.transitions.accepted(seq, record.event)
    }
    const { reading } = record
    const { point, t, a, v, q, qc } = reading
    const known = base !== undefined && a !== undefined
    const arrived = known ? base.boot.trueTime(t + a - base.offsetMs) : at
    const handed = this.#handed(reading, arrived)
    this.#loss.reading(reading, handed)
    this.#consequences.reading(reading, handed)
    this.#limits.sample(point, { at: handed, value: v, good: q === 'good' || qc === 'clock' })
  }
}
