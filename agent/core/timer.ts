// A time that somebody or something has been given: a clean-up, a shelf, a step of escalation. It runs on the monotonic clock and
// goes on while the agent is away, unlike the delays of an alarm, which stand still (alarm-state.ts). Decides nothing about what
// happens when it is over.

import type { Instant, Millis } from './time.ts'

export interface Timer {
  /** Below 0 after a start where it was over before: what follows from its end counts from then. */
  readonly leftMs: Millis
  /** Monotonic moment from which `leftMs` counts. */
  readonly since: Millis
}

export const timerFrom = (leftMs: Millis, at: Instant): Timer => ({ leftMs, since: at.mono })

/** Monotonic moment at which it is over. */
export const dueAt = ({ leftMs, since }: Timer): Millis => since + leftMs

/**
 * A timer from before a stop, of which the last commit is known: what ran until then and what has passed since is taken off. A
 * wall clock that was set back over a reboot gives no time back, and takes none.
 */
export function resumeTimer(
  { leftMs, since }: Timer,
  last: { readonly at: Instant; readonly sameBoot: boolean } | undefined,
  at: Instant,
): Timer {
  if (last === undefined) return timerFrom(leftMs, at)
  return timerFrom(leftMs - (at.mono - momentNow(since, last, at)), at)
}

/** A monotonic moment from before a stop, on the clock of now; a first start has none, and takes it for now. */
export function momentNow(
  moment: Millis,
  last: { readonly at: Instant; readonly sameBoot: boolean } | undefined,
  at: Instant,
): Millis {
  if (last === undefined) return at.mono
  if (last.sameBoot) return moment
  return at.mono - Math.max(0, last.at.mono - moment) - Math.max(0, at.wall - last.at.wall)
}
