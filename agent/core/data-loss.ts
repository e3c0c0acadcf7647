// Data loss (URS-66): a point without a usable value for its comm-fail time, or with fewer than 90 % good slots in the last
// ten minutes, so that intermittent data cannot slip between two alarms. Per point; an instrument's alarm is the worst of its points.

import type { BadReason, Quality, QualityReason } from './quality.ts'
import { MINUTE, type Millis } from './time.ts'

const WINDOW_MS = 10 * MINUTE
const BUCKETS = 20
const BUCKET_MS = WINDOW_MS / BUCKETS
/** The share is judged from this many slots on. */
const SLOTS_MIN = 10
const GOOD_SHARE_MIN = 0.9

/** Reasons that speak of the sensor, not of the way to it: they have an alarm of their own. */
const SENSOR_REASONS: readonly QualityReason[] = [
  'nan',
  'sentinel',
  'out_of_range',
  'sensor_fault',
  'flow_fault',
  'laser_fault',
]
/** Slots that say nothing of the instrument. */
const NOT_COUNTED: readonly QualityReason[] = ['agent_down', 'out_of_service']

/** Whether a bad reading speaks of the sensor itself. */
export const isSensorReason = (reason: QualityReason | undefined): boolean =>
  reason !== undefined && SENSOR_REASONS.includes(reason)

/** The last ten minutes of a point, in half-minute buckets; changed in place, never persisted. */
export interface LossWatch {
  lastUsable: Millis
  newestReason: BadReason | undefined
  good: number
  total: number
  bucket: number
  readonly goods: number[]
  readonly totals: number[]
}

/** A watch that begins now: the comm-fail time runs from here. */
export const newLossWatch = (mono: Millis): LossWatch => ({
  lastUsable: mono,
  newestReason: undefined,
  good: 0,
  total: 0,
  bucket: Math.floor(mono / BUCKET_MS),
  goods: Array.from({ length: BUCKETS }, () => 0),
  totals: Array.from({ length: BUCKETS }, () => 0),
})

/** Takes one record of the point (which may cover several slots). */
export function watchRecord(
  watch: LossWatch,
  mono: Millis,
  q: Quality,
  qc: QualityReason | undefined,
  slots: number,
): void {
  turnTo(watch, mono)
  if (qc !== undefined && NOT_COUNTED.includes(qc)) return
  if (q === 'bad') watch.newestReason = qc as BadReason
  else {
    watch.newestReason = undefined
    watch.lastUsable = mono
  }
  const slot = watch.bucket % BUCKETS
  watch.totals[slot] = (watch.totals[slot] ?? 0) + slots
  watch.total += slots
  if (q !== 'good') return
  watch.goods[slot] = (watch.goods[slot] ?? 0) + slots
  watch.good += slots
}

function turnTo(watch: LossWatch, mono: Millis): void {
  const bucket = Math.floor(mono / BUCKET_MS)
  const turns = Math.min(BUCKETS, bucket - watch.bucket)
  for (let turn = 1; turn <= turns; turn++) {
    const slot = (watch.bucket + turn) % BUCKETS
    watch.good -= watch.goods[slot] ?? 0
    watch.total -= watch.totals[slot] ?? 0
    watch.goods[slot] = 0
    watch.totals[slot] = 0
  }
  if (bucket > watch.bucket) watch.bucket = bucket
}

/** Why the point's data counts as lost at this moment; undefined when it does not. */
export function lossOf(watch: LossWatch, mono: Millis, commFailMs: Millis): string | undefined {
  turnTo(watch, mono)
  if (mono - watch.lastUsable >= commFailMs && !isSensorReason(watch.newestReason)) {
    return `no usable value for ${Math.floor((mono - watch.lastUsable) / 1000)} s (${watch.newestReason ?? 'nothing arrived'})`
  }
  if (watch.total >= SLOTS_MIN && watch.good < watch.total * GOOD_SHARE_MIN) {
    return `${watch.good} of ${watch.total} slots good in ten minutes`
  }
  return undefined
}

/** Whether the newest record of the point had a value. */
export const isUsable = (watch: LossWatch): boolean => watch.newestReason === undefined
