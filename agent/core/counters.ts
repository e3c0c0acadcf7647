// Particle counters in a step: their own samples are the slots (contract §3). One reading per channel and sample, missing
// samples accounted for, gaps in grade A coverage alarmed (URS-02).

import { setFault } from './fault.ts'
import type { Input } from './input.ts'
import { judgeReading } from './judge.ts'
import {
  type AcceptedSample,
  acceptSample,
  type CounterState,
  graceOf,
  litresOf,
  type MissingRun,
  overdueRun,
  rememberMissing,
  type Sample,
  sampleFault,
} from './particle.ts'
import { enterWindow, fillTimeMs, type ParticleWindow } from './particle-window.ts'
import type { BadReason } from './quality.ts'
import type { Reading, SampleDetail } from './reading.ts'
import {
  type CounterRow,
  counterKey,
  type InstrumentUnit,
  type PointUnit,
  sourceOf,
  type WindowRow,
  windowKey,
} from './state.ts'
import type { Millis } from './time.ts'
import { baseNow, type Turn, writeReading } from './turn.ts'

/** Nominal flow assumed for the fill time where nobody states one (1 CFM). */
const DEFAULT_FLOW_LPM = 28.3

/** Takes the record a counter shows now. */
export function takeSample(turn: Turn, unit: InstrumentUnit, sample: Sample): void {
  const { counter } = unit
  if (counter === undefined) return
  const accepted = acceptSample(counter, sample, baseNow(turn), unit.pollMs)
  if (accepted === undefined) {
    if (counter.trouble !== null) keepCounter(turn, unit, { ...counter, trouble: null })
    return
  }
  keepCounter(turn, unit, accepted.counter)
  if (accepted.stale) return
  if (accepted.missed !== undefined) writeMissing(turn, unit, accepted.missed)
  const { flowLpm } = unit.instrument
  const sizes = unit.channels.map(({ point }) => ({
    signal: point.signal,
    sizeUm: point.sizeUm ?? 0,
  }))
  const fault = sampleFault(sample, unit.instrument, sizes)
  const litres = litresOf(sample, flowLpm)
  let good = false
  for (const channel of unit.channels) {
    const reading = sampleReading(turn, channel, sample, accepted, { fault, litres })
    good ||= reading.q === 'good'
    if (reading.q === 'good' && reading.x !== undefined) enter(turn, channel, reading, reading.x)
    writeReading(turn, reading)
    judgeReading(turn, channel, reading)
  }
  judgePause(turn, unit, sample, accepted, good)
}

/** The counter gave no record: remembered as the reason of what will be missing. */
export function takeNoSample(
  turn: Turn,
  unit: InstrumentUnit,
  { reason, exceptionCode }: Extract<Input, { kind: 'no_sample' }>,
): void {
  const { counter } = unit
  if (counter === undefined || counter.trouble?.reason === reason) return
  keepCounter(turn, unit, {
    ...counter,
    trouble: { reason, ...(exceptionCode !== undefined && { exceptionCode }) },
  })
}

/** Writes down the samples that are overdue now. */
export function passOverdue(turn: Turn): void {
  for (const unit of turn.state.sampled) {
    if (unit.counter === undefined) continue
    const overdue = overdueRun(unit.counter, baseNow(turn), unit.pollMs)
    if (overdue === undefined) continue
    keepCounter(turn, unit, overdue.counter)
    const seqs = writeMissing(turn, unit, overdue.missed)
    keepCounter(turn, unit, rememberMissing(overdue.counter, overdue.missed, seqs))
  }
}

/** Keeps what is now known of a counter, with the serial number it belongs to. */
export function keepCounter(turn: Turn, unit: InstrumentUnit, counter: CounterState): void {
  const { id, serial } = unit.instrument
  unit.counter = counter
  const row: CounterRow = { ...counter, ...(serial !== undefined && { serial }) }
  turn.changes.set(counterKey(id), row)
}

function writeMissing(turn: Turn, unit: InstrumentUnit, run: MissingRun): Record<string, number> {
  const seqs: Record<string, number> = {}
  for (const channel of unit.channels) {
    const reading: Reading = {
      point: channel.point.id,
      t: run.t,
      ...(run.slots > 1 && { slots: run.slots }),
      q: 'bad',
      qc: run.reason,
      ...(run.exceptionCode !== undefined && { exceptionCode: run.exceptionCode }),
    }
    seqs[channel.point.id] = writeReading(turn, reading)
    judgeReading(turn, channel, reading)
    if (channel.gap !== undefined) {
      setFault(turn, channel.gap, true, {
        t: run.t,
        detail: `${run.slots} sample(s) missing: ${run.reason}`,
      })
    }
  }
  return seqs
}

function sampleReading(
  turn: Turn,
  channel: PointUnit,
  sample: Sample,
  { t, late, supersedes }: AcceptedSample,
  { fault, litres }: { readonly fault: BadReason | undefined; readonly litres: number | undefined },
): Reading {
  const counts = sample.counts[channel.point.signal]
  const seq = supersedes[channel.point.id]
  const base = {
    point: channel.point.id,
    t,
    a: Math.max(0, Math.round(baseNow(turn) - t)),
    ...(late && { late: true as const }),
    ...(seq !== undefined && { supersedes: seq }),
    raw: sample.raw,
  }
  if (counts === undefined) return { ...base, q: 'bad', qc: 'sensor_fault' }
  if (litres === undefined || litres <= 0) return { ...base, q: 'bad', qc: 'flow_fault' }
  const x: SampleDetail = {
    counts,
    litres,
    rec: sample.identity,
    ...(sample.flowLpm !== undefined && { flow: sample.flowLpm }),
  }
  if (fault !== undefined) return { ...base, q: 'bad', qc: fault, x }
  const v = (counts * 1000) / litres
  return sample.faults.includes('overflow')
    ? { ...base, v, q: 'uncertain', qc: 'over_range', x }
    : { ...base, v, q: 'good', x }
}

function enter(turn: Turn, channel: PointUnit, reading: Reading, x: SampleDetail): void {
  const fill = fillTimeMs(channel.instrument.instrument.flowLpm ?? x.flow ?? DEFAULT_FLOW_LPM)
  const recentMax = channel.point.rules?.xOfY?.[1] ?? 0
  keepWindow(turn, channel, enterWindow(channel.window, reading.t, x, { fillMs: fill, recentMax }))
}

/** Keeps the windows of a channel, with the very instrument they were sampled by. */
export function keepWindow(turn: Turn, channel: PointUnit, window: ParticleWindow): void {
  channel.window = window
  const row: WindowRow = { ...window, source: sourceOf(channel.instrument.instrument) }
  turn.changes.set(windowKey(channel.point.id), row)
}

const seconds = (ms: Millis): string => `${Math.round(ms / 1000)} s`

/**
 * Grade A is sampled back to back: a pause in good coverage longer than one sample is an alarm (URS-02); one that the counter is set to
 * make is one as soon as the counter says so, and not at the end of it, which may be hours away.
 */
function judgePause(
  turn: Turn,
  unit: InstrumentUnit,
  sample: Sample,
  accepted: AcceptedSample,
  good: boolean,
): void {
  const counter = accepted.counter
  const end = accepted.t + sample.durationMs
  // fetched after the fact it fills a hole in the record, not the one that coverage has now
  if (accepted.late) {
    if (good && end > (counter.lastGoodEnd ?? end))
      keepCounter(turn, unit, { ...counter, lastGoodEnd: end })
    return
  }
  const allowed = counter.durationMs + graceOf(counter)
  const pause = good ? accepted.pauseMs : end - (counter.lastGoodEnd ?? end)
  const begun = accepted.t + (good ? 0 : sample.durationMs) - pause
  const found =
    counter.holdMs > allowed
      ? {
          t: end,
          detail: `the counter is set to pause for ${seconds(counter.holdMs)} after each sample`,
        }
      : pause > allowed
        ? { t: Math.round(begun), detail: `no good sample for ${seconds(pause)}` }
        : undefined
  for (const { gap } of unit.channels) {
    if (gap === undefined) continue
    if (found !== undefined) setFault(turn, gap, true, found)
    // one that it is set to make begins again with each sample's end
    if (good && counter.holdMs <= allowed) setFault(turn, gap, false)
  }
  if (good)
    keepCounter(turn, unit, { ...counter, lastGoodEnd: Math.max(end, counter.lastGoodEnd ?? end) })
}
