// Whether the wall clock stepped while nobody looked: at a start, against the last commit.

import { STEP_TOLERANCE_MS } from '#core/schedule.ts'
import type { Instant, Millis } from '#core/time.ts'
import type { Recovered } from '#ports/store.ts'

/**
 * Within one boot the monotonic clock tells how far the wall clock should have come; across boots only a clock
 * that went back is certain to have stepped. `stepMs` is absent when the time base goes on.
 */
export function resumeTimeBase(
  recovered: Pick<Recovered, 'lastCommit'>,
  at: Instant,
  bootId: string,
): { readonly stepMs?: Millis } {
  const last = recovered.lastCommit
  if (last === undefined) return {}
  const sameBoot = last.bootId === bootId && at.mono >= last.at.mono
  const expected = sameBoot
    ? last.at.wall + (at.mono - last.at.mono)
    : Math.max(last.at.wall, at.wall)
  const off = at.wall - expected
  return Math.abs(off) > STEP_TOLERANCE_MS ? { stepMs: off } : {}
}
