// Slots: the arithmetic of which sample is due when, on a time base that wall-clock steps do not bend.
// Decides nothing about instruments; contract §3 "Slots" is the specification.

import type { Millis } from './time.ts'

/**
 * A time base: wall = mono + offset, fixed until the wall clock is found more than
 * `STEP_TOLERANCE_MS` off it, when the next one begins.
 */
export interface TimeBase {
  readonly tb: number
  readonly offsetMs: Millis
}

/** A wall-clock step over half a second opens a new time base (contract §3). */
export const STEP_TOLERANCE_MS: Millis = 500

/** Wall time, on the base, of a monotonic reading. */
export const baseTime = (base: TimeBase, mono: Millis): Millis => mono + base.offsetMs

/** Monotonic time at which a moment of the base comes. */
export const monoTime = (base: TimeBase, t: Millis): Millis => t - base.offsetMs

/** How far the wall clock is off the base at an instant; positive when it runs ahead. */
export const deviation = (base: TimeBase, at: { wall: Millis; mono: Millis }): Millis =>
  at.wall - baseTime(base, at.mono)

/** The slot that contains t: the greatest multiple of the interval at or before it. */
export const slotOf = (t: Millis, intervalMs: Millis): Millis =>
  Math.floor(t / intervalMs) * intervalMs

/**
 * The first slot that polling may begin with at `now`: the one that contains it while at least half of it is left, since a
 * connection has to be made first; else the next.
 */
export function firstSlot(now: Millis, intervalMs: Millis): Millis {
  const current = slotOf(now, intervalMs)
  return now - current <= intervalMs / 2 ? current : current + intervalMs
}

/** Number of slots from `first` up to, not including, `end` (both on the grid). */
export const slotsBetween = (first: Millis, end: Millis, intervalMs: Millis): number =>
  Math.max(0, Math.round((end - first) / intervalMs))

/** A run of consecutive slots of one point. */
export interface SlotRun {
  readonly t: Millis
  readonly slots: number
}

/** What a restart finds: the run nobody covered, and the first slot that polling may still start. */
export interface Resumption {
  readonly missed?: SlotRun
  readonly next: Millis
}

/**
 * Resumes a point's slots at `now` (base time): at the first slot that polling may begin with, unless it is already covered.
 * Everything between the covered run and it was missed.
 */
export function resume(covered: SlotRun | undefined, now: Millis, intervalMs: Millis): Resumption {
  const current = firstSlot(now, intervalMs)
  if (covered === undefined) return { next: current }
  const uncovered = covered.t + covered.slots * intervalMs
  if (uncovered > current) return { next: uncovered }
  const slots = slotsBetween(uncovered, current, intervalMs)
  return slots === 0 ? { next: current } : { missed: { t: uncovered, slots }, next: current }
}

/**
 * When the interval of a point changes: slots of the old grid that ended before `now` and were not covered.
 * The new grid begins with its first slot.
 */
export function closeGrid(covered: SlotRun, now: Millis, intervalMs: Millis): SlotRun | undefined {
  const uncovered = covered.t + covered.slots * intervalMs
  const slots = slotsBetween(uncovered, firstSlot(now, intervalMs), intervalMs)
  return slots === 0 ? undefined : { t: uncovered, slots }
}
