// Alarms that a changed configuration no longer has. Their retained topics have to be emptied at the broker, which may be out of
// reach when they go, and at the next start: so they are remembered, and told as gone again by every start.

import type { AlarmUnit } from './state.ts'
import type { Turn } from './turn.ts'

/** Row of the alarms that are gone, oldest first. */
export const GONE_KEY = 'alarms_gone'
/** The oldest are forgotten: by then a broker has been told by many starts. */
const GONE_MAX = 2000

/** Remembers what went between two sets of alarms, and forgets what is back. */
export function noteGone(
  turn: Turn,
  before: Iterable<string>,
  now: ReadonlyMap<string, AlarmUnit>,
): void {
  const known = turn.state.gone
  const went = [...before].filter((id) => !now.has(id) && !known.includes(id))
  const gone = [...known, ...went].filter((id) => !now.has(id)).slice(-GONE_MAX)
  if (went.length === 0 && gone.length === known.length) return
  turn.state.gone = gone
  turn.changes.set(GONE_KEY, gone)
}
