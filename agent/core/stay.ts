// How long a zone may stay in one state (URS-67): every state has a longest stay, the one that nobody has ever set included. When it is
// over, the strictest limits apply until somebody, or a schedule or signal, says what goes on, and that is an alarm.

import { setFault } from './fault.ts'
import type { Occupancy, Zone } from './point.ts'
import type { CoreState, LastCommit, ZoneUnit } from './state.ts'
import { formatDuration, type Instant, type Millis } from './time.ts'
import { dueAt, resumeTimer, type Timer, timerFrom } from './timer.ts'
import type { Turn } from './turn.ts'
import { enterOccupancy, keepZone, longestOf, stayKey } from './zone-state.ts'

/** A stay as persisted; it counts only for the state it was measured in. */
export interface StayRow {
  readonly occupancy: Occupancy
  readonly timer: Timer
}

/**
 * Stays as they were, gone on meanwhile; a state that was not measured yet begins now. Written down anew, so that no restart
 * prolongs one.
 */
export function resumeStays(
  turn: Turn,
  row: (zone: string) => StayRow | undefined,
  last: LastCommit | undefined,
): void {
  for (const unit of turn.state.zones.values()) {
    const { occupancy, zone } = unit
    if (occupancy === undefined) continue
    const known = row(zone.id)
    unit.stay =
      known?.occupancy === occupancy
        ? shorter(resumeTimer(known.timer, last, turn.at), zone, occupancy, turn.at)
        : timerFrom(longestOf(zone, occupancy), turn.at)
    turn.changes.set(stayKey(zone.id), { occupancy, timer: unit.stay })
  }
}

/** A site that allows less than was left allows that from now on. */
function shorter(timer: Timer, zone: Zone, occupancy: Occupancy, at: Instant): Timer {
  const longest = longestOf(zone, occupancy)
  return timer.leftMs > longest ? timerFrom(longest, at) : timer
}

/** The stays of a plant before, for the one that follows. */
export const stayOf = (zones: ReadonlyMap<string, ZoneUnit>, id: string): StayRow | undefined => {
  const { stay, occupancy } = zones.get(id) ?? {}
  return stay === undefined || occupancy === undefined ? undefined : { occupancy, timer: stay }
}

/** Ends what has lasted too long. A clean-up with a time of its own ends by that. */
export function passStays(turn: Turn): void {
  for (const unit of turn.state.zones.values()) {
    const { stay, occupancy, zone } = unit
    if (stay === undefined || occupancy === undefined || dueAt(stay) > turn.at.mono) continue
    if (occupancy === 'clean_up' && unit.cleanUp?.timer) continue
    const longestMs = longestOf(zone, occupancy)
    enterOccupancy(turn, unit, undefined, { cause: 'longest_stay', longestMs })
    keepZone(turn, unit)
    turn.urgent = true
    const alarm = turn.state.alarms.get(`${zone.id}.occupancy`)
    if (alarm !== undefined)
      setFault(turn, alarm, true, {
        detail: `in ${occupancy} for ${formatDuration(longestMs)}; the strictest limits apply until somebody says what goes on`,
      })
  }
}

/** The earliest end of a stay (monotonic). */
export function nextStay({ zones }: CoreState): Millis {
  let next = Number.POSITIVE_INFINITY
  for (const { stay, occupancy, cleanUp } of zones.values()) {
    if (stay === undefined || (occupancy === 'clean_up' && cleanUp?.timer)) continue
    next = Math.min(next, dueAt(stay))
  }
  return next
}
