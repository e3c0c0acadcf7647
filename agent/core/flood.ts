// When alarms come faster than people can look at them (ISA-18.2): a flood begins with more than ten in ten minutes and ends when
// fewer than five are left of the last ten. Values on one line of time, monotonic or wall; hides no alarm and drops none.

import { MINUTE, type Millis } from './time.ts'

export const FLOOD_WINDOW_MS: Millis = 10 * MINUTE
/** More than this many within the window begin a flood. */
export const FLOOD_ABOVE = 10
/** Fewer than this many within the window end it. */
export const FLOOD_BELOW = 5

export interface FloodState {
  /** When the newest alarms came, oldest first: as many as can begin a flood. */
  readonly newest: readonly Millis[]
  /** The flood under way: since when, and its alarms so far, those that began it included. */
  readonly flood: { readonly since: Millis; readonly alarms: number } | null
}

export const CALM: FloodState = { newest: [], flood: null }

/** When the flood under way ends if nothing else comes; undefined where there is none. */
export function floodEndsAt({ newest, flood }: FloodState): Millis | undefined {
  const last = newest.at(-FLOOD_BELOW)
  return flood === null || last === undefined ? undefined : last + FLOOD_WINDOW_MS
}

/** The state at a moment: a flood whose end has come is over. */
export function passFlood(state: FloodState, now: Millis): FloodState {
  const end = floodEndsAt(state)
  return end === undefined || now < end ? state : { ...state, flood: null }
}

/** One more alarm, after whatever had ended by then. `at` is never before the one given last. */
export function noteAlarm(before: FloodState, at: Millis): FloodState {
  const { newest, flood } = passFlood(before, at)
  const kept = [...newest, at].slice(-(FLOOD_ABOVE + 1))
  if (flood !== null) return { newest: kept, flood: { ...flood, alarms: flood.alarms + 1 } }
  const first = kept[0]
  const many = kept.length > FLOOD_ABOVE && first !== undefined && first > at - FLOOD_WINDOW_MS
  return { newest: kept, flood: many ? { since: at, alarms: kept.length } : null }
}
