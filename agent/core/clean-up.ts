// The clean-up of a zone after operation (URS-19, Annex 1 4.29 iii and Table 5 note 1): for its time the in-operation limits apply
// while the at-rest limits are judged silently; where they are not reached by its end, that is an alarm. Decides who may begin one
// as little as how long it lasts: the first is occupancy.ts', the second the site's.

import { judgeRolling, judgeSample, judgeValue } from './evaluate.ts'
import { setFault } from './fault.ts'
import type { Actor, Source } from './input.ts'
import { rollingSum } from './particle-window.ts'
import type { Reading } from './reading.ts'
import type { CleanUp, PointUnit, ZoneUnit } from './state.ts'
import { HOUR, type Millis } from './time.ts'
import { dueAt, timerFrom } from './timer.ts'
import { baseNow, type Turn } from './turn.ts'
import { enterOccupancy, keepZone } from './zone-state.ts'

/** More restarts than this within an hour are an alarm (alarms.md): a clean-up begun over and over never ends. */
const RESTARTS_MAX = 2
const RESTARTS_WITHIN_MS: Millis = HOUR

/** Begins the clean-up of a zone that has a time for it; what an earlier one has seen is forgotten. */
export function beginCleanUp(
  turn: Turn,
  unit: ZoneUnit,
  by: Actor | Source,
  then: CleanUp['then'],
): void {
  const { cleanUpMs } = unit.zone
  if (cleanUpMs === undefined) return
  const now = Math.round(baseNow(turn))
  unit.cleanUp = {
    since: now,
    timer: timerFrom(cleanUpMs, turn.at),
    by,
    then,
    seen: {},
  }
  const within = unit.cleanUpStarts.filter((start) => start > now - RESTARTS_WITHIN_MS)
  unit.cleanUpStarts = [...within, now].slice(-RESTARTS_MAX - 2)
  if (unit.cleanUpStarts.length - 1 > RESTARTS_MAX) {
    setCleanUpAlarm(turn, unit, true, `begun ${within.length + 1} times within an hour`)
  }
}

/** Judges clean-ups whose time is over; a zone that is still in it goes where the person who began it wanted it. */
export function passCleanUps(turn: Turn): void {
  for (const unit of turn.state.zones.values()) {
    const { cleanUp } = unit
    if (cleanUp === null || cleanUp.timer === null || dueAt(cleanUp.timer) > turn.at.mono) continue
    const reached = endCleanUp(turn, unit)
    // where somebody or something has said otherwise since, or a signal was lost, the verdict is all that follows
    if (unit.occupancy === 'clean_up')
      enterOccupancy(turn, unit, cleanUp.then, {
        cause: 'clean_up_ended',
        reached,
        actor: cleanUp.by,
      })
    keepZone(turn, unit)
    turn.urgent = true
  }
}

/** The earliest end of a clean-up (monotonic). */
export function nextCleanUp(zones: Iterable<ZoneUnit>): Millis {
  let next = Number.POSITIVE_INFINITY
  for (const { cleanUp } of zones) if (cleanUp?.timer) next = Math.min(next, dueAt(cleanUp.timer))
  return next
}

/** Judges a clean-up that is over: whether every particle point of the zone has reached its at-rest limits. */
export function endCleanUp(turn: Turn, unit: ZoneUnit): boolean {
  const { cleanUp } = unit
  if (cleanUp === null || cleanUp.timer === null) return true
  const missing = notReached(unit, cleanUp)
  setCleanUpAlarm(turn, unit, missing.length > 0, missing.join('; '))
  unit.cleanUp = missing.length > 0 ? { ...cleanUp, timer: null } : null
  return missing.length === 0
}

/** Particle points judged by a limit at rest that have not reached it, in words. */
function notReached({ particles }: ZoneUnit, { seen }: CleanUp): string[] {
  return particles.flatMap(({ point }) => {
    const limit = point.limits.actionHigh?.atRest
    const found = seen[point.id]
    if (limit === undefined || found?.reached === true) return []
    if (found === undefined) return [`${point.id}: no good sample since the clean-up began`]
    return [`${point.id}: ${found.value} ${point.unit}, at rest at most ${limit.value}`]
  })
}

/**
 * Holds a sample of a particle point against its limit at rest, silently; only samples that began after operation ended count, and
 * bad ones say nothing. After a clean-up that failed, this is what returns its alarm.
 */
export function judgeAtRest(turn: Turn, unit: PointUnit, reading: Reading): void {
  const { zone, point } = unit
  const { cleanUp } = zone
  const limit = point.limits.actionHigh?.atRest?.value
  const { v, t } = reading
  if (cleanUp === null || limit === undefined || v === undefined || point.sizeUm === undefined)
    return
  if (t < cleanUp.since || t < (cleanUp.seen[point.id]?.t ?? t)) return
  const reached = reading.q === 'good' && isWithin(unit, reading, v, limit, cleanUp.since)
  zone.cleanUp = { ...cleanUp, seen: { ...cleanUp.seen, [point.id]: { t, value: v, reached } } }
  if (zone.occupancy !== 'clean_up' && notReached(zone, zone.cleanUp).length === 0) {
    setCleanUpAlarm(turn, zone, false)
    zone.cleanUp = null
  }
  keepZone(turn, zone)
}

/** Rare sizes are judged on what has been sampled since operation ended, as a rolling cubic metre is (limits.md). */
function isWithin(
  { rolling, window }: PointUnit,
  { x }: Reading,
  v: number,
  limit: number,
  since: Millis,
): boolean {
  if (x === undefined) return judgeValue(v, limit, 'high', 0) !== 'violated'
  if (!rolling) return judgeSample(x, limit, 0) !== 'violated'
  const recent = window.rolling.filter(([t]) => t >= since)
  const { counts, litres } = rollingSum({ ...window, rolling: recent })
  return judgeRolling(counts, litres, limit) !== 'violated'
}

function setCleanUpAlarm(turn: Turn, { zone }: ZoneUnit, violated: boolean, detail?: string): void {
  const alarm = turn.state.alarms.get(`${zone.id}.clean_up`)
  if (alarm === undefined) return
  setFault(turn, alarm, violated, {
    ...(detail !== undefined && detail !== '' && { detail }),
  })
}
