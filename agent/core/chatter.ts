// When an alarm chatters (ISA-18.2): it goes to and fro between normal and alarm three times within a minute. Values on one line of
// time, monotonic or wall; marks nothing and counts nothing.

import { MINUTE, type Millis } from './time.ts'

const TRANSITIONS = 3
/** Three transitions as far apart as this are chattering still; quiet for as long, an alarm chatters no more. */
export const CHATTER_WITHIN_MS: Millis = MINUTE

/** The newest transitions of an alarm, oldest first, after one more: as many as decide. */
export const withMove = (moves: readonly Millis[], at: Millis): readonly Millis[] =>
  [...moves, at].slice(-TRANSITIONS)

/** Whether the newest transitions came too fast. Times that run back, as of a wall clock that was set, say nothing. */
export function chatters(moves: readonly Millis[]): boolean {
  const [first] = moves
  const last = moves.at(-1)
  if (moves.length < TRANSITIONS || first === undefined || last === undefined) return false
  return last >= first && last - first <= CHATTER_WITHIN_MS
}
