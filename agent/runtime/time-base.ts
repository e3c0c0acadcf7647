// Whether the wall clock stepped while nobody looked, and whether it is to be believed: at a start, against the last commit.

import { CLOCK_KEY } from '#core/clock.ts'
import { STEP_TOLERANCE_MS } from '#core/schedule.ts'
import type { Instant, Millis } from '#core/time.ts'
import type { ClockTrust } from '#ports/commands.ts'
import type { Recovered } from '#ports/store.ts'

/** No agent of this kind ran before 2025: a clock that says so was never set since it was powered. */
const WALL_MIN: Millis = Date.UTC(2025, 0, 1)

/**
 * Why the wall clock is not to be believed at a start, in words; undefined where nothing speaks against it. A time service that says
 * so is believed; one that has not set the clock yet is a reason to doubt, and without any, a time before what is on record.
 */
export function doubtOf(
  trust: ClockTrust,
  at: Instant,
  recovered: Pick<Recovered, 'lastCommit'>,
): string | undefined {
  if (trust === 'synchronised') return undefined
  if (trust === 'unsynchronised') return 'the time service has not set the clock since the start'
  if (at.wall < WALL_MIN) return 'the clock was never set: it is before 2025'
  const last = recovered.lastCommit?.at.wall
  return last !== undefined && at.wall < last - STEP_TOLERANCE_MS
    ? 'the clock is before the last record'
    : undefined
}

/** Whether the clock is to be believed again, as `doubtOf` would have it at a start now. */
export const isTrusted = (
  trust: ClockTrust,
  at: Instant,
  recovered: Pick<Recovered, 'lastCommit'>,
): boolean => doubtOf(trust, at, recovered) === undefined

/**
 * Within one boot the monotonic clock tells how far the wall clock should have come; across boots only a clock that went back is
 * certain to have stepped, unless the last record was made by a clock that was doubted: what lies between it and now is then no
 * time that passed (decades, after a start in 1970). `stepMs` is absent when the time base goes on.
 */
export function resumeTimeBase(
  recovered: Pick<Recovered, 'lastCommit' | 'state'>,
  at: Instant,
  bootId: string,
): { readonly stepMs?: Millis } {
  const last = recovered.lastCommit
  if (last === undefined) return {}
  const sameBoot = last.bootId === bootId && at.mono >= last.at.mono
  const doubted = recovered.state.has(CLOCK_KEY) || last.at.wall < WALL_MIN
  const expected = sameBoot
    ? last.at.wall + (at.mono - last.at.mono)
    : doubted
      ? last.at.wall
      : Math.max(last.at.wall, at.wall)
  const off = at.wall - expected
  return Math.abs(off) > STEP_TOLERANCE_MS ? { stepMs: off } : {}
}
