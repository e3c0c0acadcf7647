// A reading held against a limit: violated, normal, or between (inside the limit, not yet inside limit − deadband).
// Comparison rules of alarms.md: high by >, low by <, particles in integers, nothing rounded first.

import { isOfReading, type Judgement } from './alarm-set.ts'
import type { LimitColumns, LimitValue } from './limit.ts'
import type { Occupancy } from './point.ts'
import type { SampleDetail } from './reading.ts'

export type Verdict = 'violated' | 'between' | 'normal'

const COLUMN_OF: Readonly<Record<Occupancy, 'atRest' | 'inOperation'>> = {
  in_operation: 'inOperation',
  clean_up: 'inOperation',
  at_rest: 'atRest',
  not_in_use: 'atRest',
}

/** The limit of a column; with unknown occupancy the strictest one given (alarms.md, contract §2). */
export function limitIn(
  columns: LimitColumns,
  direction: 'high' | 'low',
  occupancies: readonly (Occupancy | undefined)[],
): LimitValue | undefined {
  let strictest: LimitValue | undefined
  const consider = (limit: LimitValue | undefined) => {
    if (limit === undefined) return
    const stricter =
      strictest === undefined ||
      (direction === 'high' ? limit.value < strictest.value : limit.value > strictest.value)
    if (stricter) strictest = limit
  }
  for (const occupancy of occupancies) {
    if (occupancy !== undefined) consider(columns[COLUMN_OF[occupancy]])
    else {
      consider(columns.atRest)
      consider(columns.inOperation)
    }
  }
  return strictest
}

/** Judges a plain value. `deadband` holds for the return only. */
export function judgeValue(
  value: number,
  limit: number,
  direction: 'high' | 'low',
  deadband: number,
): Verdict {
  if (direction === 'high') {
    if (value > limit) return 'violated'
    return value <= limit - deadband ? 'normal' : 'between'
  }
  if (value < limit) return 'violated'
  return value >= limit + deadband ? 'normal' : 'between'
}

/** Judges a particle sample in integers: N × 1000 > limit × V. `deadband` (/m³) holds for the return only. */
export function judgeSample(
  { counts, litres }: SampleDetail,
  limit: number,
  deadband: number,
): Verdict {
  if (counts * 1000 > limit * litres) return 'violated'
  return counts * 1000 <= (limit - deadband) * litres ? 'normal' : 'between'
}

/**
 * Judges the rolling cubic metre: N counts in V litres against a limit per m³. Before 1 m³ has been sampled nothing is
 * extrapolated: it is violated as soon as N exceeds what 1 m³ may hold.
 */
export const judgeRolling = (counts: number, litres: number, limit: number): Verdict =>
  counts * 1000 > limit * Math.max(litres, 1000) ? 'violated' : 'normal'

/** Whether a judgement is a limit on high values, on low ones, or none. */
export function directionsOf(judgements: readonly Judgement[]): { high: boolean; low: boolean } {
  let high = false
  let low = false
  for (const judgement of judgements) {
    if (judgement.by === 'threshold') {
      if (judgement.direction === 'high') high = true
      else low = true
    } else if (judgement.by === 'inversion') low = true
    else if (isOfReading(judgement)) high = true
  }
  return { high, low }
}
