// How long a login id is locked after wrong PINs: five are free, then 1, 2, 4 … minutes, never for ever (faults.md PE14).
// Pure arithmetic on the monotonic clock; what to do about a locked person is decided by people.ts.

import { HOUR, MINUTE, type Millis } from '#core/time.ts'

/** The failure with this number is the first to lock. */
export const FAILURES_UNTIL_LOCK = 5
/** The longest lock: a person who forgot is back within the shift, and the last administrator is never lost. */
export const LOCK_MS_MAX: Millis = HOUR

/** Failures since the last good log-in, and until when (monotonic) the id is locked. */
export interface Lock {
  readonly failures: number
  readonly untilMono: Millis
}

export const UNLOCKED: Lock = { failures: 0, untilMono: Number.NEGATIVE_INFINITY }

/** Lock in ms after this many failures in a row; 0 below the fifth. */
export function lockMs(failures: number): Millis {
  if (failures < FAILURES_UNTIL_LOCK) return 0
  return Math.min(LOCK_MS_MAX, MINUTE * 2 ** Math.min(failures - FAILURES_UNTIL_LOCK, 30))
}

/** The lock after one more failure now. */
export function afterFailure(lock: Lock, nowMono: Millis): Lock {
  const failures = Math.min(lock.failures + 1, Number.MAX_SAFE_INTEGER)
  const delay = lockMs(failures)
  return { failures, untilMono: delay === 0 ? UNLOCKED.untilMono : nowMono + delay }
}

/** What is left of the lock in ms; 0 when there is none. */
export function lockedForMs(lock: Lock, nowMono: Millis): Millis {
  return Math.max(0, lock.untilMono - nowMono)
}

/**
 * The lock as it was persisted (until a wall time), taken up again now. A wall clock that was set back or starts in
 * 1970 lengthens no lock beyond what these failures earn; one set forward ends it early, which the clock event shows.
 */
export function resumeLock(
  persisted: { readonly failures: number; readonly untilWall: Millis | undefined },
  now: { readonly wall: Millis; readonly mono: Millis },
): Lock {
  const { failures, untilWall } = persisted
  if (untilWall === undefined) return { failures, untilMono: UNLOCKED.untilMono }
  const left = Math.min(lockMs(failures), Math.max(0, untilWall - now.wall))
  return { failures, untilMono: left === 0 ? UNLOCKED.untilMono : now.mono + left }
}

/** `40 s`, `3 min`: rounded up, so that trying again then works. */
export function lockWords(ms: Millis): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds <= 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}
