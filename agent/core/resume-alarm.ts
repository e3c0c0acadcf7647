// An alarm as a start finds it: its delays go on from where they stood, and stand still until the first sample (URS-28).

import type { AlarmState, Delay } from './alarm-state.ts'
import type { LastCommit } from './state.ts'
import type { Instant } from './time.ts'

/**
 * A delay from before a stop: what had run until the last commit is taken off, the time since then counts as standing still,
 * and it goes on standing until the first sample (alarms.md: at most one on-delay in total).
 */
function resumeDelay<D extends Delay>(delay: D, last: LastCommit, at: Instant): D {
  const ran = delay.since === null ? 0 : Math.max(0, last.at.mono - delay.since)
  const stood = delay.heldSince === null ? 0 : Math.max(0, last.at.mono - delay.heldSince)
  const down = Math.max(0, last.sameBoot ? at.mono - last.at.mono : at.wall - last.at.wall)
  return {
    ...delay,
    leftMs: Math.max(0, delay.leftMs - ran),
    since: null,
    heldMs: delay.heldMs + stood + down,
    heldSince: at.mono,
  }
}

/** An alarm as it was, its delays resumed. */
export function resumeAlarm(
  state: AlarmState,
  last: LastCommit | undefined,
  at: Instant,
): AlarmState {
  if (last === undefined) return { ...state, pending: null, returning: null }
  return {
    ...state,
    pending: state.pending === null ? null : resumeDelay(state.pending, last, at),
    returning: state.returning === null ? null : resumeDelay(state.returning, last, at),
  }
}
