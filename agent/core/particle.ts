// Particle samples: which one is new, when it was, what is missing, what makes it bad, and its volume (limits.md).
// Judges no limit; a record seen before gives nothing.

import type { Instrument } from './point.ts'
import type { BadReason } from './quality.ts'
import { DAY, MINUTE, type Millis } from './time.ts'

/** Faults of a sample that the counter reports, or `identity`: it is another counter. Any but `overflow` makes it bad. */
export type SampleFault = 'identity' | 'laser_fault' | 'flow_fault' | 'sensor_fault' | 'overflow'

/** One record of a particle counter, as it stands in the instrument. Counts are cumulative (≥ size). */
export interface Sample {
  /** What tells samples apart: record number, or instrument time in whole seconds. */
  readonly identity: number
  /** End of the sample by the instrument's clock, wall ms, where the record carries a time. */
  readonly endedAtInstrument?: Millis
  /** The instrument's clock at arrival, wall ms (1 s resolution), where it can be read. */
  readonly instrumentNow?: Millis
  readonly durationMs: Millis
  /** Hold time between samples in ms where it can be read. */
  readonly holdMs?: Millis
  /** Volume reported by the instrument in litres. */
  readonly litres?: number
  /** Flow reported by the instrument in L/min. */
  readonly flowLpm?: number
  /** Raw counts by signal name; a signal that could not be read is absent. */
  readonly counts: Readonly<Record<string, number>>
  readonly faults: readonly SampleFault[]
  /** The registers of the record and its status, as read. */
  readonly raw: Uint8Array
}

/** Bounds of (our clock − the instrument's), ms: where its one-second clock lets the difference lie. */
interface ClockBounds {
  readonly low: Millis
  readonly high: Millis
}

/** An overdue sample that was written down as missing, in case it turns up after all. */
interface Missing {
  readonly t: Millis
  /** Sequence number of the record, by point. */
  readonly seqs: Readonly<Record<string, number>>
}

/** What is remembered of a particle counter between samples; persisted. */
export interface CounterState {
  readonly identity: number | null
  /** Start of the first slot not accounted for, wall ms. */
  readonly next: Millis
  /** End of the last good sample, wall ms; null before the first. */
  readonly lastGoodEnd: Millis | null
  readonly durationMs: Millis
  readonly holdMs: Millis
  readonly clock: ClockBounds | null
  /** Why no sample comes, as the driver last said; null while it answers. */
  readonly trouble: { readonly reason: BadReason; readonly exceptionCode?: number } | null
  readonly missing: readonly Missing[]
  /** The agent was down until this moment (wall): what is missing before it is `agent_down`. */
  readonly downUntil: Millis | null
  /** Nothing is overdue before this moment (wall): the first polls after a start have to be heard. */
  readonly quietUntil: Millis
}

/** Overdue samples remembered for a late arrival. */
const MISSING_MAX = 64
/** An instrument's clock tells whole seconds; replies take up to this long on the way. */
const CLOCK_RESOLUTION_MS = 1000
const REPLY_MS_MAX = 500
/** A record found at the first look may be this old. */
const UNKNOWN_AGE_MS = 10_000 * DAY
/** Share of a sample period, and least time, after which a sample is overdue. */
const GRACE_SHARE = 0.1
const GRACE_MS_MIN = 2000
/** Measured flow may differ from nominal by this share (Annex 1 9.17, ISO 21501-4). */
const FLOW_TOLERANCE = 0.05
/** Sample time may differ from what was set by this share (ISO 21501-4). */
const TIME_TOLERANCE = 0.01
/** A flow of exactly nominal ± 5 % must not be refused for how binary numbers print. */
const ROUNDING = 1e-9
const DEFAULT_SAMPLE_MS = 60_000
const PERIOD_MS_MIN = 1000
const QUIET_AFTER_START_MS = 5000

type SampleTimes = Pick<CounterState, 'durationMs' | 'holdMs'>

/** Sample and hold time; never less than a counter can do, so that a garbled duration cannot make slots without number. */
export const periodOf = ({ durationMs, holdMs }: SampleTimes): Millis =>
  Math.max(PERIOD_MS_MIN, durationMs + holdMs)

/** How late a sample may be seen before it is overdue. */
export const graceOf = (times: SampleTimes): Millis =>
  Math.max(GRACE_MS_MIN, periodOf(times) * GRACE_SHARE)

/** A counter nobody has heard of yet: its first slot begins now. */
export const newCounter = (instrument: Instrument, wall: Millis): CounterState => ({
  identity: null,
  next: Math.round(wall),
  lastGoodEnd: null,
  durationMs: instrument.samplePeriodMs ?? DEFAULT_SAMPLE_MS,
  holdMs: 0,
  clock: null,
  trouble: null,
  missing: [],
  downUntil: null,
  quietUntil: 0,
})

/** Wall moment at which the next sample, had it come, would be overdue: it is seen up to one poll after its end. */
export const overdueAt = (counter: CounterState, pollMs: Millis): Millis =>
  Math.max(counter.quietUntil, counter.next + periodOf(counter) + graceOf(counter)) + pollMs

/** A counter after a stop: what is missing up to now is the agent's doing, and its first polls are waited for. */
export const resumeCounter = (counter: CounterState, wall: Millis): CounterState => ({
  ...counter,
  downUntil: wall,
  quietUntil: wall + QUIET_AFTER_START_MS,
})

/** The wall clock stepped: everything on the gateway's time line moves with it. */
export const shiftCounter = (counter: CounterState, stepMs: Millis): CounterState => ({
  ...counter,
  next: counter.next + stepMs,
  lastGoodEnd: counter.lastGoodEnd === null ? null : counter.lastGoodEnd + stepMs,
  clock: null,
  missing: [],
  downUntil: counter.downUntil === null ? null : counter.downUntil + stepMs,
  quietUntil: counter.quietUntil + stepMs,
})

/** Slots of a counter that are missing, with the reason to give. */
export interface MissingRun {
  readonly t: Millis
  readonly slots: number
  readonly reason: BadReason
  readonly exceptionCode?: number
}

export interface AcceptedSample {
  readonly counter: CounterState
  /** Slots between the last accounted one and this sample. */
  readonly missed?: MissingRun
  /** Start of the sample on the gateway's time line. */
  readonly t: Millis
  /** It ended long before monitoring began: its identity is noted, it is no reading. */
  readonly stale: boolean
  /** It covers a slot that was already written down as missing. */
  readonly late: boolean
  /** Sequence numbers of the records it replaces, by point, where it covers exactly their slot. */
  readonly supersedes: Readonly<Record<string, number>>
  /** A pause in good coverage longer than one sample period lies before it (URS-02). */
  readonly pauseMs: Millis
}

/** Takes the record a counter shows; undefined when it was seen before. */
export function acceptSample(
  counter: CounterState,
  sample: Sample,
  wall: Millis,
  pollMs: Millis,
): AcceptedSample | undefined {
  if (counter.identity === sample.identity) return undefined
  const clock = relateClocks(counter, sample, wall, pollMs)
  const end = endOnOurs(sample, clock, wall)
  const holdMs = sample.holdMs ?? counter.holdMs
  const base: CounterState = {
    ...counter,
    identity: sample.identity,
    durationMs: sample.durationMs > 0 ? sample.durationMs : counter.durationMs,
    holdMs,
    clock,
    trouble: null,
    downUntil: null,
  }
  const period = periodOf(base)
  const t = Math.round(end - base.durationMs)
  if (counter.identity === null && counter.missing.length === 0) {
    const stale = end < counter.next - period - graceOf(base) - pollMs
    // when it ended is a guess where the instrument's clock cannot be read: the next one is waited for a whole period
    const quietUntil = sample.instrumentNow === undefined ? wall + period + graceOf(base) : 0
    const first = { ...base, next: stale ? counter.next : t + period, quietUntil }
    return { counter: first, t, stale, late: false, supersedes: {}, pauseMs: 0 }
  }
  const ahead = Math.round((t - counter.next) / period)
  const overdue =
    ahead < 0 ? counter.missing.find((one) => Math.abs(one.t - t) < period / 2) : undefined
  return {
    counter: {
      ...base,
      // A late sample that reaches beyond what is accounted for begins the slots anew from its own end: a counter that was
      // started again, in another phase, would otherwise be late with every sample for ever.
      next: ahead < 0 ? Math.max(counter.next, t + period) : t + period,
      missing:
        overdue === undefined ? counter.missing : counter.missing.filter((one) => one !== overdue),
    },
    ...(ahead > 0 && { missed: missingRun(counter, ahead) }),
    t,
    stale: false,
    late: ahead < 0,
    supersedes: overdue?.seqs ?? {},
    pauseMs: counter.lastGoodEnd === null ? 0 : t - counter.lastGoodEnd,
  }
}

/** Accounts for overdue slots up to now; undefined when none is overdue. */
export function overdueRun(
  counter: CounterState,
  wall: Millis,
  pollMs: Millis,
): { counter: CounterState; missed: MissingRun } | undefined {
  if (wall < counter.quietUntil + pollMs) return undefined
  const period = periodOf(counter)
  const slots = Math.floor((wall - graceOf(counter) - pollMs - counter.next) / period)
  if (slots <= 0) return undefined
  const missed = missingRun(counter, slots)
  const downUntil =
    counter.downUntil !== null && missed.t + slots * period < counter.downUntil
      ? counter.downUntil
      : null
  return { counter: { ...counter, next: counter.next + slots * period, downUntil }, missed }
}

/** Remembers the record of a missing slot, for the case that its sample turns up late. */
export function rememberMissing(
  counter: CounterState,
  run: MissingRun,
  seqs: Readonly<Record<string, number>>,
): CounterState {
  if (run.slots !== 1) return counter
  return { ...counter, missing: [...counter.missing, { t: run.t, seqs }].slice(-MISSING_MAX) }
}

function missingRun(counter: CounterState, slots: number): MissingRun {
  const { downUntil, trouble } = counter
  const t = Math.round(counter.next)
  if (downUntil !== null && t < downUntil) return { t, slots, reason: 'agent_down' }
  if (trouble !== null) return { t, slots, ...trouble }
  return { t, slots, reason: 'no_new_sample' }
}

/**
 * Narrows where the instrument's clock stands against ours; starts anew when it has been set. A running clock tells whole
 * seconds, read at some moment before its reply arrived. Where there is none, a record that appears between two polls ended
 * just before, and after an outage within one sample; of the first one nothing is known but that it lies in the past.
 */
function relateClocks(
  counter: CounterState,
  { instrumentNow, endedAtInstrument, durationMs }: Sample,
  wall: Millis,
  pollMs: Millis,
): ClockBounds | null {
  const { clock: known } = counter
  if (endedAtInstrument === undefined) return known
  const latest = wall - (instrumentNow ?? endedAtInstrument)
  const age = instrumentNow === undefined ? pollMs + unseenFor(counter, durationMs) : 0
  const seen = { low: latest - age - CLOCK_RESOLUTION_MS - REPLY_MS_MAX, high: latest }
  if (known === null) return seen
  const both = { low: Math.max(known.low, seen.low), high: Math.min(known.high, seen.high) }
  return both.low <= both.high ? both : seen
}

/** How long the newest record may have stood there before polls that might have shown it. */
function unseenFor({ identity, trouble, downUntil }: CounterState, durationMs: Millis): Millis {
  if (identity === null) return UNKNOWN_AGE_MS
  return trouble === null && downUntil === null ? 0 : durationMs
}

/**
 * End of the sample on our time line: as the instrument says where its clock may be ours, else corrected; without a running
 * clock as if each record were read at once, which comes closer with every one.
 */
function endOnOurs(sample: Sample, clock: ClockBounds | null, wall: Millis): Millis {
  if (sample.endedAtInstrument === undefined || clock === null) return wall
  const { low, high } = clock
  if (low <= 0 && high >= 0) return sample.endedAtInstrument
  const precise = high - low <= CLOCK_RESOLUTION_MS + REPLY_MS_MAX
  return sample.endedAtInstrument + (precise ? Math.round((low + high) / 2) : high)
}

/** Sampled volume in litres: as reported, else nominal flow × time. */
export const litresOf = (
  sample: Sample,
  nominalFlowLpm: number | undefined,
): number | undefined => {
  if (sample.litres !== undefined) return sample.litres
  const flow = nominalFlowLpm ?? sample.flowLpm
  return flow === undefined ? undefined : (flow * (sample.durationMs / 1000)) / 60
}

/** What makes a whole sample bad, or only doubtful (overflow counts as over-range: it must alarm). */
export function sampleFault(
  sample: Sample,
  { flowLpm, sampleTimeMs }: Pick<Instrument, 'flowLpm' | 'sampleTimeMs'>,
  sizes: readonly { readonly signal: string; readonly sizeUm: number }[],
): BadReason | undefined {
  const faults = sample.faults
  if (faults.includes('identity')) return 'identity'
  if (faults.includes('laser_fault')) return 'laser_fault'
  if (faults.includes('flow_fault')) return 'flow_fault'
  if (faults.includes('sensor_fault')) return 'sensor_fault'
  if (flowLpm !== undefined && !isFlowRight(sample, flowLpm)) return 'flow_fault'
  if (sample.durationMs <= 0) return 'config_changed'
  const length = sampleTimeMs === undefined ? undefined : lengthFault(sample, sampleTimeMs)
  return length ?? (isCumulative(sample, sizes) ? undefined : 'config_changed')
}

/** A sample that was broken off is of partial volume; one that is longer was set so by somebody. */
function lengthFault({ durationMs }: Sample, sampleTimeMs: Millis): BadReason | undefined {
  const tolerance = sampleTimeMs * TIME_TOLERANCE
  if (durationMs < sampleTimeMs - tolerance) return 'flow_fault'
  return durationMs > sampleTimeMs + tolerance ? 'config_changed' : undefined
}

/** Whether the flow is within its tolerance: as measured, and as the reported volume of the sample amounts to. */
function isFlowRight({ flowLpm, litres, durationMs }: Sample, nominalFlowLpm: number): boolean {
  const most = nominalFlowLpm * (FLOW_TOLERANCE + ROUNDING)
  const isRight = (flow: number): boolean => Math.abs(flow - nominalFlowLpm) <= most
  if (flowLpm !== undefined && !isRight(flowLpm)) return false
  return litres === undefined || durationMs <= 0 || isRight((litres * MINUTE) / durationMs)
}

/** c(≥0.5) ≥ c(≥1) ≥ c(≥5): a violation proves a wrong mode (limits.md). */
function isCumulative(
  sample: Sample,
  sizes: readonly { readonly signal: string; readonly sizeUm: number }[],
): boolean {
  const counts = [...sizes]
    .sort((one, other) => one.sizeUm - other.sizeUm)
    .map(({ signal }) => sample.counts[signal])
    .filter((count) => count !== undefined)
  return counts.every((count, index) => index === 0 || count <= (counts[index - 1] ?? count))
}
