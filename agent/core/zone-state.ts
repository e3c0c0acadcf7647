// The zones of the plant: how they lie within one another, and what they are put into. Decides neither limits nor entitlement.

import { setFault } from './fault.ts'
import type { Occupancy, Zone } from './point.ts'
import {
  type CoreState,
  type LastCommit,
  type PastOccupancy,
  type ZoneRow,
  type ZoneUnit,
  zoneKey,
  zoneRow,
} from './state.ts'
import { DAY, HOUR, type Instant, type Millis } from './time.ts'
import { resumeTimer, timerFrom } from './timer.ts'
import { noteHappening } from './trend-watch.ts'
import { baseNow, type Turn, writeEvent } from './turn.ts'

/** How long, and how many, past states of a zone are remembered: longer than any sample takes. */
const PAST_MS: Millis = 2 * HOUR
const PAST_MAX = 32

/** Where the site gives none: operation is ended daily, what is at rest is looked at monthly. */
export const LONGEST_STAY: Readonly<Record<Occupancy, Millis>> = {
  in_operation: DAY,
  clean_up: HOUR,
  at_rest: 30 * DAY,
  not_in_use: 30 * DAY,
}

export const longestOf = ({ longestMs }: Zone, occupancy: Occupancy): Millis =>
  longestMs?.[occupancy] ?? LONGEST_STAY[occupancy]

export const stayKey = (zone: string): string => `stay/${zone}`

/** A zone that is being worked in, or recovers from it. */
export const isBusy = ({ occupancy }: ZoneUnit): boolean =>
  occupancy === 'in_operation' || occupancy === 'clean_up'

/** A zone as persisted, its clean-up gone on meanwhile. */
export function resumeZone(
  row: ZoneRow | undefined,
  last: LastCommit | undefined,
  at: Instant,
): ZoneRow | undefined {
  if (row?.cleanUp?.timer == null) return row
  const timer = resumeTimer(row.cleanUp.timer, last, at)
  return { ...row, cleanUp: { ...row.cleanUp, timer } }
}

/** Moves what lies on the wall's time line with it. */
export function shiftZone(unit: ZoneUnit, stepMs: Millis): void {
  unit.past = unit.past.map(({ occupancy, until }) => ({ occupancy, until: until + stepMs }))
  unit.cleanUpStarts = unit.cleanUpStarts.map((start) => start + stepMs)
  const { cleanUp } = unit
  if (cleanUp === null) return
  const seen = Object.entries(cleanUp.seen).map(([id, found]) => [
    id,
    { ...found, t: found.t + stepMs },
  ])
  unit.cleanUp = { ...cleanUp, since: cleanUp.since + stepMs, seen: Object.fromEntries(seen) }
}

/** Writes down what is remembered of a zone. */
export const keepZone = (turn: Turn, unit: ZoneUnit): void => {
  turn.changes.set(zoneKey(unit.zone.id), zoneRow(unit))
}

/** The zones around a zone, nearest first. */
export function zonesAround({ zones }: CoreState, id: string): ZoneUnit[] {
  const around: ZoneUnit[] = []
  for (
    let next = zones.get(zones.get(id)?.zone.within ?? '');
    next !== undefined && !around.includes(next);
    next = zones.get(next.zone.within ?? '')
  ) {
    around.push(next)
  }
  return around
}

/** Every zone that lies within a zone, at any depth. */
export const zonesWithin = (state: CoreState, id: string): ZoneUnit[] =>
  [...state.zones.values()].filter((unit) =>
    zonesAround(state, unit.zone.id).some(({ zone }) => zone.id === id),
  )

/** Whether a zone is out of use with nobody at work in it: its non-critical alarms are suppressed by design (alarms.md row 15). */
export const isIdleZone = (state: CoreState, unit: ZoneUnit): boolean =>
  unit.occupancy === 'not_in_use' && !zonesWithin(state, unit.zone.id).some(isBusy)

/** Puts a zone into a state from now on, or into none that is known, remembers the one before, and writes it down. */
export function enterOccupancy(
  turn: Turn,
  unit: ZoneUnit,
  to: Occupancy | undefined,
  fields: Readonly<Record<string, unknown>>,
): void {
  const from = unit.occupancy
  unit.past = pastWith(unit.past, { occupancy: from, until: Math.round(baseNow(turn)) })
  unit.occupancy = to
  unit.stay = to === undefined ? undefined : timerFrom(longestOf(unit.zone, to), turn.at)
  const stay = to === undefined ? undefined : { occupancy: to, timer: unit.stay }
  turn.changes.set(stayKey(unit.zone.id), stay)
  const outlasted = turn.state.alarms.get(`${unit.zone.id}.occupancy`)
  if (to !== undefined && outlasted !== undefined) setFault(turn, outlasted, false)
  turn.rezoned = true
  // What is published of the zone's alarms names its occupancy and the limit of that column.
  for (const { definition } of turn.state.alarms.values()) {
    if (definition.point?.zone === unit.zone.id) turn.alarms.add(definition.id)
  }
  noteHappening(turn, unit.zone.id, `occupancy ${unit.zone.id} ${to ?? 'unknown'}`)
  writeEvent(turn, 'occupancy.changed', {
    zone: unit.zone.id,
    from: from ?? null,
    to: to ?? null,
    ...fields,
  })
}

/** Remembers a state that ended. What no longer fits is remembered as unknown, which the strictest column judges. */
function pastWith(past: readonly PastOccupancy[], ended: PastOccupancy): PastOccupancy[] {
  const all = [...past.filter(({ until }) => until > ended.until - PAST_MS), ended]
  const kept = all.slice(-PAST_MAX)
  const [oldest, ...newer] = kept
  if (oldest === undefined || kept.length === all.length) return kept
  return [{ ...oldest, occupancy: undefined }, ...newer]
}
