// D1 and A1 of particle counters: each record the instrument had is written down once for each channel, as it was, none that it
// had not; a record that the agent was shown is not lost; no time is silent; and the rolling cubic metre and the plain limit raise
// when they should. Knows the truth of the instrument and the wire's account; uses no code of the agent.

import type { Agent } from '../../../agent/runtime/agent.ts'
import {
  CHANNELS,
  type CounterUnit,
  FLOW_LPM,
  REGISTERS,
  SAMPLES_KEPT,
  type SampleTruth,
} from '../counter.ts'
import type { Asked, Line } from '../line.ts'
import type { Process } from '../machine.ts'
import { forgetOldest } from '../remembered.ts'
import type { AcceptedRecord } from './accepted.ts'
import { SampleSlots } from './sample-slots.ts'
import type { TransitionChecks } from './transitions.ts'

/** Our clock against the instrument's, which tells whole seconds, and a reply's way. */
const TIME_WITHIN_MS = 6000
const TAKEN_WITHIN_MS = 10_000
const LOOK_BACK_MS = 45_000
const PROMPT_MS = 300
/** Outages make samples late, one or two each; a counter that answers is late no more. A start is such an outage. */
const LATE_MAX = 6
const LATE_PER_START = 2
const CUBIC_METRE = 1000
const FILL_MS = (CUBIC_METRE / FLOW_LPM) * 60_000

interface Channel {
  readonly point: string
  readonly index: 0 | 1
  readonly taken: Set<number>
  lastAt: number
  /** Samples in a row that came late. */
  lateOnes: number
  /** How many in a row may. */
  lateMax: number
  /** Newest last, of the rolling cubic metre. */
  window: [t: number, counts: number, litres: number][]
  /** Samples that are not on record may be in it: those before this one, undefined until there is one. */
  blind: { first: number | undefined } | undefined
  /** Alarms that the newest sample demands, until it is seen that they are there. */
  due: string[]
  /** Alarms that the newest sample allows. */
  allowed: readonly string[]
}

export interface SampleHooks {
  broken(invariant: string, words: string): void
  seen(what: string): void
  now(): number
}

export class SampleChecks {
  readonly #unit: CounterUnit
  readonly #line: Line
  readonly #hooks: SampleHooks
  readonly #transitions: TransitionChecks
  readonly #channels = new Map<string, Channel>()
  readonly #slots: SampleSlots
  #gapEnd = 0

  constructor(unit: CounterUnit, line: Line, hooks: SampleHooks, transitions: TransitionChecks) {
    this.#unit = unit
    this.#line = line
    this.#hooks = hooks
    this.#transitions = transitions
    this.#slots = new SampleSlots(unit.draw.periodMs, (invariant, words) =>
      hooks.broken(invariant, words),
    )
    for (const index of [0, 1] as const) {
      const point = `${unit.draw.id}-${index + 1}`
      const state = {
        lastAt: 0,
        lateOnes: 0,
        lateMax: LATE_MAX,
        window: [],
        blind: undefined,
        due: [],
        allowed: [],
      }
      this.#channels.set(point, { point, index, taken: new Set(), ...state })
    }
  }

  has(point: string): boolean {
    return this.#channels.has(point)
  }

  accepted(accepted: AcceptedRecord): void {
    const { seq, record, base } = accepted
    if (record.kind !== 'reading') return
    const { point, t, x, q, qc, v, late, supersedes } = record.reading
    const channel = this.#channels.get(point)
    if (channel === undefined) return
    const broken = (invariant: string, words: string) =>
      this.#hooks.broken(invariant, `record ${seq} of ${point}: ${words}`)
    channel.lastAt = this.#hooks.now()
    this.#slots.accepted(accepted)
    this.#checkDue(channel)
    this.#hooks.seen(`sample ${late === true ? 'late' : (qc ?? q)}`)
    if (supersedes !== undefined) this.#hooks.seen('sample superseded a missing one')
    if (x?.rec === undefined) {
      if (q !== 'bad' || v !== undefined) broken('D6', `${q} with value ${v} and no sample`)
      if (qc === 'sensor_fault' && base !== undefined)
        this.#spoilt(channel, base.boot.trueTime(t - base.offsetMs))
      return
    }
    this.#countLate(channel, late === true, broken)
    const truth = this.#unit.known(x.rec)
    if (truth === undefined || truth.end > this.#hooks.now())
      return broken('D1', `the instrument has no sample ${x.rec}`)
    if (channel.taken.has(x.rec)) broken('D1', `sample ${x.rec} was written down twice`)
    channel.taken.add(x.rec)
    forgetOldest(channel.taken, SAMPLES_KEPT)
    if (x.counts !== truth.counts[channel.index] || Math.abs(x.litres - truth.litres) > 1e-4)
      broken('D5', `${x.counts} in ${x.litres} L, was ${truth.counts[channel.index]}`)
    // a doubted clock makes no value doubtful
    const good = q === 'good' || qc === 'clock'
    if (good === truth.faulty) broken('D6', `${q}, was ${truth.faulty}`)
    if (base !== undefined) {
      const start = base.boot.trueTime(t - base.offsetMs)
      if (Math.abs(start - truth.start) > TIME_WITHIN_MS + this.#unit.draw.pollMs)
        broken('D7', `begins at ${start.toFixed(0)}, did at ${truth.start.toFixed(0)}`)
    }
    if (good) this.#judge(channel, t, truth)
  }

  #countLate(channel: Channel, late: boolean, broken: SampleHooks['broken']): void {
    channel.lateOnes = late ? channel.lateOnes + 1 : 0
    if (!late) channel.lateMax = LATE_MAX
    if (channel.lateOnes > channel.lateMax)
      broken('A5', `${channel.lateOnes} samples in a row are late`)
  }

  /** The record came while one channel was refused: it is on record as bad, and is not read again. */
  #spoilt(channel: Channel, start: number): void {
    const { periodMs } = this.#unit.draw
    const sample = this.#unit.newest(start + 1.5 * periodMs)
    if (sample === undefined || Math.abs(sample.start - start) > periodMs / 2) return
    this.#hooks.seen('sample with a channel refused')
    channel.taken.add(sample.identity)
  }

  /** The wall clock was set, by what is on record: what lies on its time line moves with it. */
  stepped(ms: number): void {
    for (const channel of this.#channels.values()) {
      channel.window = channel.window.map(([t, counts, litres]) => [t + ms, counts, litres])
      if (channel.blind?.first !== undefined) channel.blind.first += ms
    }
  }

  /** An alarm of a channel rises only where its newest sample violates, and returns only where it does not. */
  event(type: string, alarm: string): void {
    if (type !== 'alarm.activated' && type !== 'alarm.returned') return
    const point = alarm.slice(0, alarm.lastIndexOf('.'))
    const kind = alarm.slice(point.length + 1)
    const channel = this.#channels.get(point)
    if (channel === undefined || !['rolling', 'action_high', 'alert_high'].includes(kind)) return
    if (type === 'alarm.returned') {
      if (channel.due.includes(alarm))
        this.#hooks.broken('A1', `${alarm} returned though its sample violates`)
      return
    }
    this.#hooks.seen(`sample alarm ${kind}`)
    if (!channel.allowed.includes(alarm))
      this.#hooks.broken('A1', `${alarm} rose, and no sample violates`)
  }

  /** While the agent runs and works: what it was shown is written down, and no time is silent. */
  sweep({ startedAt }: Agent, process: Process): void {
    const now = this.#hooks.now()
    const { periodMs, pollMs } = this.#unit.draw
    for (const { point, lastAt } of this.#channels.values()) {
      const since = Math.max(lastAt, process.boot.trueTime(startedAt.mono))
      if (now - since > 2.2 * periodMs + pollMs + 40_000)
        this.#hooks.broken('D1', `no sample of ${point} for ${Math.round((now - since) / 1000)} s`)
    }
    const asked = this.#line.asked.get(this.#unit.unitId) ?? []
    for (let index = asked.length - 1; index >= 0; index--) {
      const { address, sentAt } = asked[index] ?? { address: 0, sentAt: 0 }
      if (sentAt < now - LOOK_BACK_MS) break
      if (address !== 0) continue
      const heardAt = wholeRecord(asked, index, process)
      if (heardAt === undefined || heardAt > now - TAKEN_WITHIN_MS) continue
      if (process.lastStopped <= sentAt - 2000) this.#checkTaken(sentAt, heardAt)
    }
  }

  /** Samples of a while are not on record, and not in the windows of this account. */
  gap(): void {
    this.#gapEnd = this.#hooks.now()
    this.#slots.gap()
    for (const channel of this.#channels.values()) {
      channel.window = []
      channel.blind = { first: undefined }
      channel.due = []
    }
  }

  /** What was remembered of the counter was lost with a file: samples may come again. */
  forget(): void {
    this.gap()
    for (const { taken } of this.#channels.values()) taken.clear()
  }

  /** An agent began. */
  started(): void {
    this.excuse()
    for (const channel of this.#channels.values()) channel.lateMax += LATE_PER_START
  }

  excuse(): void {
    for (const channel of this.#channels.values()) channel.lastAt = this.#hooks.now()
  }

  #checkTaken(sentAt: number, heardAt: number): void {
    const shown = this.#unit.newest(sentAt)
    if (shown === undefined || shown !== this.#unit.newest(heardAt)) return
    // what was taken while nothing could be kept is not taken again
    if (shown.end < this.#gapEnd) return
    for (const { point, taken } of this.#channels.values()) {
      if (!taken.has(shown.identity))
        this.#hooks.broken(
          'D1',
          `sample ${shown.identity} of ${point} was shown and not written down`,
        )
    }
  }

  #checkDue(channel: Channel): void {
    for (const alarm of channel.due.splice(0)) {
      if (!this.#transitions.isActive(alarm))
        this.#hooks.broken('A1', `${alarm} did not rise though its sample violates`)
    }
  }

  #judge(channel: Channel, t: number, { counts, litres }: SampleTruth): void {
    const { point, index } = channel
    const count = counts[index]
    const { actionHigh, alertHigh } = CHANNELS[index]
    let [sum, volume] = [count, litres]
    if (index === 1) {
      ;[sum, volume] = rolled(channel, t, count, litres)
      volume = Math.max(CUBIC_METRE, volume)
    }
    const violated = (limit: number): boolean => sum * 1000 > limit * volume
    const action = index === 1 ? 'rolling' : 'action_high'
    channel.due = [
      ...(violated(actionHigh) ? [`${point}.${action}`] : []),
      ...(violated(alertHigh) ? [`${point}.alert_high`] : []),
    ]
    channel.allowed = channel.due.slice()
    if (index === 0 || !isBlind(channel, t)) return
    channel.due = []
    channel.allowed = [`${point}.rolling`, `${point}.alert_high`]
  }
}

/**
 * When the reads from one on gave the whole record in plain, prompt replies: one read of all of it, or one after another and the
 * identity once more.
 */
function wholeRecord(asked: readonly Asked[], index: number, process: Process): number | undefined {
  let next = 0
  for (let at = index; at < asked.length; at++) {
    const one = asked[at]
    if (one?.heardAt === undefined || !one.whole || one.process !== process) return undefined
    if (one.heardAt - one.sentAt > PROMPT_MS) return undefined
    if (next >= REGISTERS) return one.address === 0 ? one.heardAt : undefined
    if (one.address !== next) return undefined
    next += one.quantity
    if (one.quantity >= REGISTERS) return one.heardAt
  }
  return undefined
}

/** Whether samples that are not on record may still be in the cubic metre: until all that are older than the first on record have left. */
function isBlind(channel: Channel, t: number): boolean {
  if (channel.blind === undefined) return false
  channel.blind.first ??= t
  if (t - channel.blind.first > 2 * FILL_MS) channel.blind = undefined
  return channel.blind !== undefined
}

/** Counts and litres of the last cubic metre, the sample in it. */
function rolled(channel: Channel, t: number, counts: number, litres: number): [number, number] {
  channel.window = channel.window.filter(([sampled]) => t - sampled <= 2 * FILL_MS)
  channel.window.push([t, counts, litres])
  const total = () => channel.window.reduce((sum, [, , each]) => sum + each, 0)
  while (total() - (channel.window[0]?.[2] ?? 0) >= CUBIC_METRE) channel.window.shift()
  return [channel.window.reduce((sum, [, each]) => sum + each, 0), total()]
}
