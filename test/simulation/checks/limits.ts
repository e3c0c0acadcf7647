// A1, A5, A7: the oracle of limit alarms. Judges each accepted sample by the limits the site was drawn with, and adds up how long
// a condition was surely, and at most possibly, seen in samples: less than the delay must raise nothing, more must raise it.
// Written from alarms.md alone; the agent's code is not used.

import { limitOf, type Revision } from '../revision.ts'
import type { PointDraw } from '../scenario.ts'
import { KINDS, type Signal } from '../signal.ts'
import type { TransitionChecks } from './transitions.ts'

/** Rounding of arrival times and drift between the two clocks. */
const marginOf = (delayMs: number): number => 60 + delayMs / 1000

interface Sample {
  /** True time of arrival; of the verdict where there was no value. */
  readonly at: number
  /** Present where it has a value, in the point's unit. */
  readonly value: number | undefined
  readonly good: boolean
}

/** By how much two boots of the machine may differ in what they take for the time between them, before their clocks count as lost. */
const BOOT_MS = 1000

/** A time that surely ran, and one that ran at most. */
interface Span {
  /** True time at which it began, and how far the agent may be off in what has passed since; infinite where it cannot know. */
  readonly since: number
  doubtMs: number
  sure: number
  most: number
  /** Time it stood still, at most. */
  held: number
}

const newSpan = (since: number): Span => ({ since, doubtMs: 0, sure: 0, most: 0, held: 0 })

type Verdict = 'violated' | 'between' | 'normal'

class LimitOracle {
  readonly alarm: string
  #limit: number
  readonly #high: boolean
  readonly #inversion: boolean
  readonly #onDelayMs: number
  readonly #offDelayMs: number
  readonly #deadband: number
  readonly #broken: (invariant: string, words: string) => void
  #pending: Span | undefined
  #returning: Span | undefined
  #run = 0
  #blind = false
  #last: Sample | undefined
  #interruptedAt = Number.NEGATIVE_INFINITY
  /** What must have happened before the next sample. */
  #due: 'activated' | 'returned' | undefined

  constructor(
    signal: Signal,
    kind: string,
    limit: number,
    broken: (invariant: string, words: string) => void,
  ) {
    const { draw } = signal
    this.alarm = `${draw.id}.${kind}`
    this.#limit = limit
    this.#high = kind.endsWith('high')
    this.#inversion = kind === 'inversion'
    this.#onDelayMs = this.#inversion ? 0 : draw.onDelayMs
    this.#offDelayMs = draw.offDelayMs
    this.#deadband = draw.deadband
    this.#broken = (invariant, words) => {
      if (!this.#blind) broken(invariant, words)
    }
  }

  /** Samples of a while are not on record: nothing is known until a good normal one comes while it is not active. */
  gap(): void {
    this.#blind = true
    this.moved(this.#limit, true)
  }

  /** One accepted sample; `active` is the alarm as recorded before it. */
  sample(sample: Sample, active: boolean): void {
    this.#checkDue(active)
    if (!active) this.#checkStanding(sample.at)
    this.#take(sample, active)
    // what a restart found on the disk came before the end of the process that had written it
    if (sample.at <= this.#interruptedAt) this.interrupted(this.#interruptedAt)
  }

  /** It runs, or stands still for one on-delay at the most, whatever ends and starts meanwhile: after two it has risen. */
  #checkStanding(at: number): void {
    const span = this.#pending
    if (span === undefined || this.#onDelayMs === 0) return
    const gone = at - span.since
    if (gone > 2 * (this.#onDelayMs + marginOf(this.#onDelayMs)) + span.doubtMs)
      this.#broken(
        'A1',
        `${this.alarm} did not rise within ${gone.toFixed(0)} ms, and nothing normal came`,
      )
  }

  #take(sample: Sample, active: boolean): void {
    this.#pass(sample)
    this.#last = sample
    if (sample.value === undefined) return
    const verdict = this.#judge(sample.value)
    if (verdict === 'normal' && sample.good && !active) this.#blind = false
    if (verdict === 'violated') this.#violated(active, sample.at)
    else if (sample.good) this.#quiet(verdict, active, sample.at)
    this.#demand(sample, active)
  }

  /** The process ended and another went on: what ran stood still. */
  interrupted(at: number): void {
    this.#interruptedAt = at
    if (this.#pending !== undefined) this.#pending.doubtMs += BOOT_MS
    if (this.#last === undefined) return
    this.#pass({ at, value: undefined, good: false })
    this.#last = { at, value: undefined, good: false }
    this.#due = undefined
  }

  /** The machine came up with another clock: how long it was down nobody can know, and the alarm errs towards rising. */
  clockLost(): void {
    if (this.#pending === undefined) return
    this.#pending.held = Number.POSITIVE_INFINITY
    this.#pending.doubtMs = Number.POSITIVE_INFINITY
  }

  /** Its limit moved, or its point is new: it is judged anew. */
  moved(limit: number, back: boolean): void {
    if (limit === this.#limit && !back) return
    this.#limit = limit
    this.#pending = undefined
    this.#returning = undefined
    this.#due = undefined
    this.#run = 0
  }

  activated(at: number, unconfirmed: boolean): void {
    this.#due = undefined
    const { span, tail } = this.#ended(this.#pending, at)
    this.#pending = undefined
    this.#returning = undefined
    if (this.#inversion && this.#run < 2) {
      return this.#broken('A1', `${this.alarm} rose after ${this.#run} samples below`)
    }
    this.#run = 0
    if (span === undefined) return this.#broken('A1', `${this.alarm} rose though nothing violated`)
    const ran = unconfirmed ? span.held + tail : span.most + tail
    if (ran < this.#onDelayMs - marginOf(this.#onDelayMs)) {
      const how = unconfirmed ? 'stood still' : 'lasted'
      this.#broken(
        'A1',
        `${this.alarm} rose after the condition ${how} ${ran.toFixed(0)} of ${this.#onDelayMs} ms`,
      )
    }
  }

  returned(at: number): void {
    this.#due = undefined
    const last = this.#last
    const { span, tail } = this.#ended(this.#returning, at)
    this.#returning = undefined
    if (span === undefined || last === undefined)
      return this.#broken('A5', `${this.alarm} returned without a good normal sample`)
    if (span.most + tail < this.#offDelayMs - marginOf(this.#offDelayMs))
      this.#broken(
        'A1',
        `${this.alarm} returned after ${(span.most + tail).toFixed(0)} of ${this.#offDelayMs} ms`,
      )
  }

  /** The span as of a moment after the newest sample. */
  #ended(span: Span | undefined, at: number): { span: Span | undefined; tail: number } {
    return { span, tail: this.#last === undefined ? 0 : Math.max(0, at - this.#last.at) }
  }

  #checkDue(active: boolean): void {
    const due = this.#due
    this.#due = undefined
    if (due === 'activated' && !active)
      this.#broken(
        'A1',
        `${this.alarm} did not rise though the condition lasted longer than its delay`,
      )
    if (due === 'returned' && active)
      this.#broken(
        'A1',
        `${this.alarm} did not return though the condition was gone longer than its delay`,
      )
  }

  /** Time since the last sample, added to what runs. */
  #pass({ at, value }: Sample): void {
    const last = this.#last
    if (last === undefined) return
    const gone = Math.max(0, at - last.at)
    for (const span of [this.#pending, this.#returning]) {
      if (span === undefined) continue
      const doubtful = span === this.#returning && !last.good
      if (last.value === undefined || doubtful) span.held += gone
      else {
        span.most += gone
        if (value !== undefined) span.sure += gone
        else span.held += gone
      }
    }
  }

  #judge(value: number): Verdict {
    const over = this.#high ? value > this.#limit : value < this.#limit
    if (over) return 'violated'
    const inside = this.#high
      ? value <= this.#limit - this.#deadband
      : value >= this.#limit + this.#deadband
    return inside ? 'normal' : 'between'
  }

  #violated(active: boolean, at: number): void {
    this.#returning = undefined
    if (active) return
    this.#run++
    this.#pending ??= newSpan(at)
  }

  #quiet(verdict: Verdict, active: boolean, at: number): void {
    this.#run = 0
    if (active) {
      if (verdict === 'between') this.#returning = undefined
      else this.#returning ??= newSpan(at)
    } else if (verdict === 'normal' || this.#inversion) this.#pending = undefined
  }

  #demand({ good }: Sample, active: boolean): void {
    const pending = this.#pending
    if (
      !active &&
      pending !== undefined &&
      pending.sure >= this.#onDelayMs + (this.#onDelayMs > 0 ? marginOf(this.#onDelayMs) : 0)
    ) {
      if (!this.#inversion || this.#run >= 2) this.#due = 'activated'
    }
    const returning = this.#returning
    if (active && good && returning !== undefined) {
      if (this.#offDelayMs === 0 || returning.sure >= this.#offDelayMs + marginOf(this.#offDelayMs))
        this.#due = 'returned'
    }
  }
}

const LIMITS = [
  ['action_high', 'actionHigh'],
  ['alert_high', 'alertHigh'],
  ['alert_low', 'alertLow'],
  ['action_low', 'actionLow'],
  ['inversion', 'inversion'],
] as const

export class LimitChecks {
  readonly #byPoint = new Map<string, LimitOracle[]>()
  readonly #byAlarm = new Map<string, LimitOracle>()
  readonly #draws = new Map<string, PointDraw>()
  readonly #transitions: TransitionChecks

  constructor(
    signals: readonly Signal[],
    transitions: TransitionChecks,
    broken: (invariant: string, words: string) => void,
  ) {
    this.#transitions = transitions
    for (const signal of signals) {
      const oracles = LIMITS.flatMap(([kind, key]) => {
        const limit = KINDS[signal.draw.kind][key]
        return limit === undefined ? [] : [new LimitOracle(signal, kind, limit, broken)]
      })
      this.#draws.set(signal.draw.id, signal.draw)
      this.#byPoint.set(signal.draw.id, oracles)
      for (const oracle of oracles) this.#byAlarm.set(oracle.alarm, oracle)
    }
  }

  /** Another configuration is in force; what it changed is judged anew. */
  reconfigured(revision: Revision, changed: ReadonlySet<string>): void {
    for (const id of changed) {
      const draw = this.#draws.get(id)
      for (const oracle of this.#byPoint.get(id) ?? []) {
        const key = LIMITS.find(([kind]) => oracle.alarm.endsWith(`.${kind}`))?.[1]
        const limit =
          draw === undefined || key === undefined ? undefined : limitOf(draw, key, revision)
        if (limit !== undefined) oracle.moved(limit, revision.removed.has(id))
      }
    }
  }

  sample(point: string, sample: Sample): void {
    for (const oracle of this.#byPoint.get(point) ?? [])
      oracle.sample(sample, this.#transitions.isActive(oracle.alarm))
  }

  event(type: string, alarm: string, at: number, unconfirmed: boolean): void {
    const oracle = this.#byAlarm.get(alarm)
    if (type === 'alarm.activated') oracle?.activated(at, unconfirmed)
    if (type === 'alarm.returned') oracle?.returned(at)
  }

  gap(): void {
    for (const oracle of this.#byAlarm.values()) oracle.gap()
  }

  interrupted(at: number): void {
    for (const oracle of this.#byAlarm.values()) oracle.interrupted(at)
  }

  clockLost(): void {
    for (const oracle of this.#byAlarm.values()) oracle.clockLost()
  }
}
