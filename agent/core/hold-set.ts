// Begins and ends what stands around alarms, with its records. Suppression by design follows from the zones and never covers a
// critical alarm or an occurrence nobody has acknowledged; out of service follows from the acts on its point or instrument; a
// shelf ends by its timer. Decides no entitlement.

import { type Hold, type HoldKind, type Holds, hide } from './hold.ts'
import { type AlarmUnit, type CoreState, holdKey, type ServiceOut, serviceKey } from './state.ts'
import type { Millis } from './time.ts'
import { dueAt } from './timer.ts'
import { keepAlarm, type Turn, writeEvent } from './turn.ts'
import { isIdleZone } from './zone-state.ts'

/** Alarms listed in one event. */
const LISTED_MAX = 200

/** A hold that has ended, of which alarm. */
export interface EndedHold {
  readonly unit: AlarmUnit
  readonly hold: Hold
}

/** Puts a hold around an alarm; what is open hides behind it. */
export function startHold(turn: Turn, unit: AlarmUnit, kind: HoldKind, hold: Hold): void {
  const { occurrence } = unit.state
  setHolds(turn, unit, {
    ...unit.holds,
    [kind]: occurrence === null ? hold : hide(hold, occurrence),
  })
}

/** Takes a hold away; the alarm is shown as it has become beneath. */
export function endHold(turn: Turn, unit: AlarmUnit, kind: HoldKind): Hold | undefined {
  const { [kind]: hold, ...others } = unit.holds ?? {}
  if (hold !== undefined) setHolds(turn, unit, others)
  return hold
}

function setHolds(turn: Turn, unit: AlarmUnit, holds: Holds): void {
  const { id } = unit.definition
  const none = Object.keys(holds).length === 0
  unit.holds = none ? undefined : holds
  turn.changes.set(holdKey(id), unit.holds)
  if (holds.shelved === undefined) turn.state.shelved.delete(unit)
  else turn.state.shelved.add(unit)
  turn.alarms.add(id)
  turn.moved.add(unit)
  turn.urgent = true
}

/** Writes an event about holds; the alarms concerned carry its sequence number. */
export function tellHolds(
  turn: Turn,
  type: string,
  body: Readonly<Record<string, unknown>>,
  units: readonly AlarmUnit[],
): void {
  const seq = writeEvent(turn, type, body)
  const ts = Math.round(turn.at.wall)
  for (const unit of units) {
    unit.state = { ...unit.state, seq, ts }
    keepAlarm(turn, unit)
  }
}

/** What ended holds hid, as an event lists it. */
export const hiddenList = (ended: readonly EndedHold[]) => {
  const some = ended.filter(({ hold }) => hold.hidden > 0)
  return {
    hidden: some.reduce((sum, { hold }) => sum + hold.hidden, 0),
    hid: some.slice(0, LISTED_MAX).map(({ unit, hold }) => ({
      alarm: unit.definition.id,
      hidden: hold.hidden,
      occurrences: hold.hid,
    })),
  }
}

/** Ends shelves whose time is over. */
export function passShelves(turn: Turn): void {
  for (const unit of turn.state.shelved) {
    const timer = unit.holds?.shelved?.timer
    if (timer !== undefined && dueAt(timer) <= turn.at.mono) {
      endShelf(turn, unit, { cause: 'expired' })
    }
  }
}

/** The earliest end of a shelf (monotonic). */
export function nextShelf({ shelved }: CoreState): Millis {
  let next = Number.POSITIVE_INFINITY
  for (const { holds } of shelved)
    if (holds?.shelved?.timer !== undefined) next = Math.min(next, dueAt(holds.shelved.timer))
  return next
}

/** Takes an alarm from its shelf, and lists what the shelf hid. */
export function endShelf(
  turn: Turn,
  unit: AlarmUnit,
  fields: Readonly<Record<string, unknown>>,
): void {
  const hold = endHold(turn, unit, 'shelved')
  if (hold === undefined) return
  const { id: alarm } = unit.definition
  const { since, hid, hidden } = hold
  const body = { alarm, from: 'shelved', to: turn.shown(unit), ...fields, since, hidden, hid }
  tellHolds(turn, 'alarm.unshelved', body, [unit])
}

/**
 * Lets holds follow from zones and service, at the end of a step: of every alarm where a zone or the plant has changed, else of
 * those that moved.
 */
export function settleHolds(turn: Turn): void {
  if (!turn.isUnsettled) return
  const { state, moved } = turn
  const units = turn.rezoned ? [...state.alarms.values()] : [...moved]
  const started = new Map<string, AlarmUnit[]>()
  const ended = new Map<string, EndedHold[]>()
  for (const unit of units) {
    settleShelf(turn, unit)
    settleSuppression(turn, unit, started, ended)
  }
  for (const [zone, its] of started) {
    tellHolds(turn, 'suppression.started', { zone, ...named(its) }, its)
  }
  for (const [zone, its] of ended) {
    const units = its.map(({ unit }) => unit)
    tellHolds(turn, 'suppression.ended', { zone, ...named(units), ...hiddenList(its) }, units)
  }
}

/** How many, and which. */
const named = (units: readonly AlarmUnit[]) => ({
  count: units.length,
  alarms: units.slice(0, LISTED_MAX).map(({ definition }) => definition.id),
})

/** A shelf does not stand around what is critical, be it by a new configuration or by a fault that may hide an excursion. */
function settleShelf(turn: Turn, unit: AlarmUnit): void {
  if (unit.holds?.shelved === undefined) return
  if (unit.definition.critical === true) endShelf(turn, unit, { cause: 'critical' })
  else if (unit.state.occurrence?.priority === 1) endShelf(turn, unit, { cause: 'worsened' })
}

function settleSuppression(
  turn: Turn,
  unit: AlarmUnit,
  started: Map<string, AlarmUnit[]>,
  ended: Map<string, EndedHold[]>,
): void {
  const { definition, state: alarm, holds } = unit
  if (definition.point === undefined) return
  const zone = definition.point.zone
  const wanted = isSuppressible(unit) && isIdle(turn.state, zone)
  const stands = holds?.suppressed_by_design !== undefined
  if (wanted && !stands && (alarm.occurrence === null || alarm.acked)) {
    const since = Math.round(turn.at.wall)
    const hold: Hold = { since, reason: 'not_in_use', hid: [], hidden: 0 }
    startHold(turn, unit, 'suppressed_by_design', hold)
    push(started, zone, unit)
  } else if (!wanted && stands) {
    const hold = endHold(turn, unit, 'suppressed_by_design')
    if (hold !== undefined) push(ended, zone, { unit, hold })
  }
}

const isIdle = (state: CoreState, zone: string): boolean => {
  const unit = state.zones.get(zone)
  return unit !== undefined && isIdleZone(state, unit)
}

const isSuppressible = ({ definition, state }: AlarmUnit): boolean =>
  definition.critical !== true && state.occurrence?.priority !== 1

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** Lets out of service follow from what is out: begins and ends its holds; those that ended. */
export function settleService(turn: Turn): EndedHold[] {
  const ended: EndedHold[] = []
  for (const unit of turn.state.alarms.values()) {
    const out = serviceOf(turn.state, unit)
    const stands = unit.holds?.out_of_service !== undefined
    if (out !== undefined && !stands) {
      const { target: _, ...rest } = out
      startHold(turn, unit, 'out_of_service', { ...rest, hid: [], hidden: 0 })
    } else if (out === undefined && stands) {
      const hold = endHold(turn, unit, 'out_of_service')
      if (hold !== undefined) ended.push({ unit, hold })
    }
  }
  return ended
}

/** What of the plant an alarm belongs to is out of service: its point, or its instrument. */
const serviceOf = ({ service }: CoreState, { definition }: AlarmUnit): ServiceOut | undefined =>
  service.get(definition.point?.id ?? '') ?? service.get(definition.instrument?.id ?? '')

/** What is no longer part of the plant is no longer out of service. */
export function dropService(turn: Turn): void {
  const { service, points, instruments } = turn.state
  for (const { target, workOrder } of [...service.values()]) {
    if (points.has(target) || instruments.has(target)) continue
    service.delete(target)
    turn.changes.set(serviceKey(target), undefined)
    writeEvent(turn, 'out_of_service.ended', { target, workOrder, cause: 'config_changed' })
  }
}
