// What a polled value is held against beside its limits: how long it has stood still, how far it may have moved (URS-09). Only where
// the site or the profile says so: hours of zeros are normal. What is remembered here begins anew with a start; decides no quality.

import type { SlotResult } from './input.ts'
import type { ReadingContext } from './reading.ts'
import { type PointUnit, sourceOf } from './state.ts'
import { MINUTE, type Millis } from './time.ts'

/** Whether the raw registers have stood unchanged for longer than the point allows (only where it says how long). */
export function isStuck(unit: PointUnit, { result }: SlotResult, mono: Millis): boolean {
  const { stuckAfterMs } = unit.point
  if (stuckAfterMs === undefined || result.kind === 'fault') return false
  const before = unit.raw
  const same =
    before !== undefined &&
    before.length === result.raw.length &&
    before.every((byte, index) => byte === result.raw[index])
  if (!same) {
    // what was found frozen before a start stays so until it is seen to move: a start thaws nothing
    const known = before === undefined && unit.frozen?.state.active === true
    unit.raw = result.raw
    unit.unchangedSince = known ? Number.NEGATIVE_INFINITY : mono
  }
  return mono - unit.unchangedSince > stuckAfterMs
}

/** What is remembered of the values of a point goes on under another configuration, which must not serve for putting a finding off. */
export function carryValues(before: PointUnit | undefined, now: PointUnit): void {
  if (
    before === undefined ||
    sourceOf(before.instrument.instrument) !== sourceOf(now.instrument.instrument)
  )
    return
  const { raw, unchangedSince, deviceFailures, newest, newestAt } = before
  Object.assign(now, { raw, unchangedSince, deviceFailures, newest, newestAt })
}

/**
 * The newest value and how far the next may lie from it: the permitted change a minute over the time between the two, which is never
 * taken for less than one interval, since a late reply before a prompt one brings them together. Undefined where nothing is permitted
 * or nothing came yet.
 */
export function permittedStep(unit: PointUnit, mono: Millis): ReadingContext['step'] {
  const { newest, newestAt, point } = unit
  const { changePerMinute } = point.checks ?? {}
  if (changePerMinute === undefined || newest === undefined) return undefined
  const elapsedMs = Math.max(mono - newestAt, point.intervalMs)
  return { from: newest, most: (changePerMinute * elapsedMs) / MINUTE }
}
