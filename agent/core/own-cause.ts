// Consequences that have become alarms for themselves: what said them is over and they go on, or more is lost than it says. Each is
// unacknowledged from then on, with a record (consequence.ts decides which).

import { standsAlone } from './consequence.ts'
import type { CoreState } from './state.ts'
import { type Millis, SECOND } from './time.ts'
import { applyToAlarm, type Turn } from './turn.ts'

/** How often consequences are looked at without any input. */
const LOOK_MS: Millis = SECOND

/** Says for itself whatever is no consequence any more. */
export function passConsequences(turn: Turn): void {
  const { state, at } = turn
  for (const unit of state.consequences) {
    if (!standsAlone(state, unit, at.mono)) continue
    const parent = unit.state.occurrence?.parent
    applyToAlarm(turn, unit, { kind: 'stand_alone', at }, { cause: 'own_cause', parent })
  }
  state.nextOwnCause = at.mono + LOOK_MS
}

/** The next look (monotonic); infinite where there is nothing to look at. */
export const nextOwnCause = ({ consequences, nextOwnCause: next }: CoreState): Millis =>
  consequences.size === 0 ? Number.POSITIVE_INFINITY : next
