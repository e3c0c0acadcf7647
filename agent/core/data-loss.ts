// Data loss (URS-66): a point without a usable value for its comm-fail time, or with fewer than 90 % of the slots of the last
// ten minutes good, so that intermittent data cannot slip between two alarms. Per point; an instrument's alarm is the worst of
// its points. Decides nothing about why a value is missing; the sensor's own faults have an alarm beside it.

import type { CounterState } from './particle.ts'
import type { Point } from './point.ts'
import type { Quality, QualityReason } from './quality.ts'
import { MINUTE, type Millis } from './time.ts'

const WINDOW_MS = 10 * MINUTE
/** The share is judged from this many slots on. */
const SLOTS_MIN = 10
/** A counter's sample is seen that long after its period at the most. */
const SAMPLE_LOSS_MARGIN_MS: Millis = 15_000
/** Slots remembered at the most: ten minutes at 100 ms. */
const SLOTS_MAX = 6000
const GOOD_SHARE_MIN = 0.9

const SENSOR_REASONS: readonly QualityReason[] = [
  'nan',
  'sentinel',
  'out_of_range',
  'implausible_zero',
  'over_range',
  'sensor_fault',
  'flow_fault',
  'laser_fault',
  'config_changed',
]

/** Whether a reason speaks of the sensor itself rather than of the way to it: its alarm is `sensor_fault`, at once. */
export const isSensorReason = (reason: QualityReason | undefined): boolean =>
  reason !== undefined && SENSOR_REASONS.includes(reason)

/** Slots that say nothing of the instrument: they neither raise data loss nor count in the share. */
export const saysNothing = (reason: QualityReason | undefined): boolean =>
  reason === 'agent_down' || reason === 'out_of_service'

/** The last ten minutes' slots of a point (at least ten), newest overwriting oldest; changed in place, never persisted. */
export interface LossWatch {
  /** Monotonic arrival of the newest usable value; at first, when the watch began. */
  lastUsable: Millis
  /** Whether the newest slot that counts had a value; false until one came. */
  usable: boolean
  newestReason: QualityReason | undefined
  /** How long a slot may count. */
  readonly windowMs: Millis
  /** 1 where the slot was good. */
  readonly ring: Uint8Array
  next: number
  filled: number
  good: number
  /** Monotonic moment at which the agent itself was found to have stood still, last. */
  stalledAt: Millis
  /** Until when (monotonic) another alarm said why nothing came, and which, last (consequence.ts). */
  explained: { readonly by: string; readonly until: Millis } | undefined
}

/** Slots missed are told a moment after the agent goes on: as soon as what it had begun has ended. */
const STALL_TOLD_MS: Millis = 5000

/** A watch that begins now: the comm-fail time runs from here. */
export function newLossWatch(mono: Millis, slotMs: Millis): LossWatch {
  const size = Math.min(SLOTS_MAX, Math.max(SLOTS_MIN, Math.ceil(WINDOW_MS / slotMs)))
  return {
    lastUsable: mono,
    usable: false,
    newestReason: undefined,
    windowMs: size * slotMs,
    ring: new Uint8Array(size),
    next: 0,
    filled: 0,
    good: 0,
    stalledAt: Number.NEGATIVE_INFINITY,
    explained: undefined,
  }
}

/** Time in which the agent itself stood still is not held against the instrument, nor are the slots missed in it. */
export function forgiveStall(watch: LossWatch, mono: Millis, ms: Millis): void {
  watch.lastUsable = Math.min(mono, watch.lastUsable + ms)
  watch.stalledAt = mono
  const { explained } = watch
  if (explained !== undefined)
    watch.explained = { ...explained, until: Math.min(mono, explained.until + ms) }
}

/** Comm-fail time of a point; a counter with longer samples than its profile says is given one period and a margin. */
export function lossTimeOf({
  point,
  instrument: { counter },
}: {
  readonly point: Pick<Point, 'commFailMs' | 'sizeUm'>
  readonly instrument: { readonly counter: CounterState | undefined }
}): Millis {
  if (counter === undefined || point.sizeUm === undefined) return point.commFailMs
  return Math.max(point.commFailMs, counter.durationMs + counter.holdMs + SAMPLE_LOSS_MARGIN_MS)
}

/** What a watch has to know of a record. */
export interface WatchedRecord {
  readonly q: Quality
  readonly qc?: QualityReason
  readonly slots?: number
  readonly late?: true
}

/** Takes one record of the point (which may cover several slots). A late one replaces nothing: its slot has been counted. */
export function watchRecord(watch: LossWatch, mono: Millis, record: WatchedRecord): void {
  const { q, qc, slots = 1, late } = record
  if (saysNothing(qc)) return
  if (qc === 'slot_missed' && mono - watch.stalledAt < STALL_TOLD_MS) return
  watch.usable = q !== 'bad'
  watch.newestReason = qc
  if (watch.usable) watch.lastUsable = mono
  if (late === true) return
  const { ring } = watch
  const good = q === 'good' ? 1 : 0
  for (let count = Math.min(slots, ring.length); count > 0; count--) {
    watch.good += good - (ring[watch.next] ?? 0)
    ring[watch.next] = good
    watch.next = watch.next + 1 === ring.length ? 0 : watch.next + 1
    if (watch.filled < ring.length) watch.filled++
  }
}

/** Whether too few of the last slots were good. */
const isIntermittent = ({ filled, good }: LossWatch): boolean =>
  filled >= SLOTS_MIN && good < filled * GOOD_SHARE_MIN

/** Whether the point's data counts as lost at this moment. */
export const isLost = (watch: LossWatch, mono: Millis, commFailMs: Millis): boolean =>
  // the same sum as the deadline is made of: a difference may be rounded to less
  mono >= watch.lastUsable + commFailMs || isIntermittent(watch)

/** Whether the point's data is there again: its newest slot had a value, and enough of the last ones were good. */
export const isBack = (watch: LossWatch, mono: Millis, commFailMs: Millis): boolean =>
  watch.usable && !isLost(watch, mono, commFailMs)

/** The loss in words, for people. */
export function lossWords(watch: LossWatch, mono: Millis, commFailMs: Millis): string {
  const silentMs = mono - watch.lastUsable
  if (silentMs < commFailMs && isIntermittent(watch)) {
    return `${watch.good} of the last ${watch.filled} slots good`
  }
  const why = watch.newestReason ?? 'nothing arrived'
  return `no usable value for ${Math.floor(silentMs / 1000)} s (${why})`
}
