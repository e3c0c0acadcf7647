// How an alarm is shown: its retained state as published, the body of its events, and the list for people.
// Prints what the state holds (contract §3); decides nothing.

import type { AlarmDefinition } from './alarm-set.ts'
import { type Acknowledgement, stateName, type Transition } from './alarm-state.ts'
import { limitIn } from './evaluate.ts'
import { guidanceOf } from './guidance.ts'
import { heldAs, holdView, shownState } from './hold.ts'
import type { Occupancy } from './point.ts'
import { calledBy } from './reminder-contacts.ts'
import type { AlarmUnit, CoreState } from './state.ts'

/** Where an alarm belongs; fields are absent where they do not apply. */
const placeOf = ({ point, instrument, bus, zone, grade }: AlarmDefinition) => ({
  ...(point !== undefined && { point: point.id }),
  ...(point === undefined && instrument !== undefined && { instrument: instrument.id }),
  ...(bus !== undefined && { bus }),
  ...(zone !== undefined && { zone: zone.id }),
  ...(grade !== undefined && { grade }),
})

/** The JSON text of `alarm/{alarmId}`; empty when the alarm does not exist. */
export function alarmPayload(state: CoreState, id: string): string {
  const unit = state.alarms.get(id)
  if (unit === undefined) return ''
  const { definition, state: alarm } = unit
  const { occurrence } = alarm
  const occupancy = occurrence?.occupancy ?? occupancyOf(state, definition)
  const limit = occurrence?.limit ?? limitInForce(definition, occupancy)
  return JSON.stringify({
    v: 1,
    alarm: id,
    occ: occurrence?.occ ?? null,
    rev: occurrence?.rev ?? 0,
    state: shownState(unit.holds, alarm, definition.latching),
    active: alarm.active,
    acked: alarm.acked,
    class: definition.class,
    priority: occurrence?.priority ?? definition.priority,
    ...(definition.test === true && { test: true }),
    ...placeOf(definition),
    ...(occupancy !== undefined && { occupancy }),
    ...(limit !== undefined && { limit }),
    ...(occurrence?.value !== undefined && { value: occurrence.value }),
    ...(occurrence?.peak !== undefined && { peak: occurrence.peak.value }),
    ...(occurrence?.q !== undefined && { q: occurrence.q }),
    ...(occurrence?.detail !== undefined && { detail: occurrence.detail }),
    ...(occurrence !== null && { onset: occurrence.onset, activated: occurrence.activated }),
    ...(occurrence?.returned !== undefined && { returned: occurrence.returned }),
    ...(occurrence?.unconfirmed === true && { unconfirmed: true }),
    ...(occurrence?.detectedLate === true && { detectedLate: true }),
    ...((occurrence?.superseded.length ?? 0) > 0 && { superseded: occurrence?.superseded }),
    ...(occurrence?.firstOut !== undefined && { firstOut: occurrence.firstOut }),
    ...(occurrence?.parent !== undefined && { parent: occurrence.parent }),
    ...escalationView(state, unit),
    ...heldView(unit),
    ...(state.nuisance.chattering.has(id) && { chattering: true }),
    ...(occurrence !== null && guidanceView(state, definition)),
    ts: alarm.ts,
    ack: acknowledgementView(occurrence?.ack),
    seq: alarm.seq,
    epoch: state.epoch,
  })
}

/** How far an alarm that nobody has acknowledged has come, and who has been called for it. */
function escalationView({ plant }: CoreState, { reminder, definition }: AlarmUnit) {
  const step = reminder?.step ?? 0
  if (step === 0) return {}
  const calls = calledBy(plant, definition, step)
  return { escalation: step, ...(calls.length > 0 && { calls }) }
}

/** What whoever sees it has to know. */
function guidanceView({ plant }: CoreState, definition: AlarmDefinition) {
  const guidance = guidanceOf(plant, definition)
  return guidance === undefined ? {} : { guidance }
}

/** What is beneath a hold, and the hold itself. */
function heldView({ holds, state, definition }: AlarmUnit) {
  const kind = heldAs(holds)
  const hold = kind === undefined ? undefined : holds?.[kind]
  return hold === undefined
    ? {}
    : { beneath: stateName(state, definition.latching), held: holdView(hold) }
}

const acknowledgementView = (ack: Acknowledgement | undefined) => ack ?? null

const occupancyOf = (state: CoreState, { zone }: AlarmDefinition): Occupancy | undefined =>
  zone === undefined ? undefined : state.zones.get(zone.id)?.occupancy

function limitInForce(
  { judgement, point, kind }: AlarmDefinition,
  occupancy: Occupancy | undefined,
) {
  if (point === undefined) return undefined
  const { unit } = point
  switch (judgement.by) {
    case 'threshold':
    case 'rolling': {
      const direction = judgement.by === 'rolling' ? 'high' : judgement.direction
      const limit = limitIn(judgement.columns, direction, [occupancy])
      return limit === undefined ? undefined : { kind, value: limit.value, unit, set: limit.set }
    }
    case 'inversion':
      return { kind, value: judgement.threshold, unit, set: 'site' }
    default:
      return undefined
  }
}

/** Body of an alarm event: what anybody needs to judge it alone (alarms.md "A record of an occurrence holds"). */
export function alarmEventBody(
  state: CoreState,
  definition: AlarmDefinition,
  { from, to, occurrence, type }: Transition,
  act: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const head = { alarm: definition.id, occ: occurrence.occ, rev: occurrence.rev, from, to }
  const short = {
    class: definition.class,
    priority: occurrence.priority ?? definition.priority,
    ...(definition.test === true && { test: true }),
    ...placeOf(definition),
    ...(occurrence.value !== undefined && { value: occurrence.value }),
    ...(occurrence.peak !== undefined && {
      peak: occurrence.peak.value,
      peakAt: occurrence.peak.t,
    }),
    ...(occurrence.q !== undefined && { q: occurrence.q }),
    onset: occurrence.onset,
    activated: occurrence.activated,
    ...(occurrence.returned !== undefined && { returned: occurrence.returned }),
  }
  if (type !== 'alarm.activated') return { ...head, ...act, ...short }
  const { plant } = state
  return {
    ...head,
    ...act,
    ...short,
    ...(occurrence.occupancy !== undefined && { occupancy: occurrence.occupancy }),
    ...(occurrence.limit !== undefined && { limit: occurrence.limit }),
    ...(definition.deadband > 0 && { deadband: definition.deadband }),
    ...(definition.onDelayMs > 0 && { onDelayMs: definition.onDelayMs }),
    ...(definition.offDelayMs > 0 && { offDelayMs: definition.offDelayMs }),
    ...(occurrence.previous !== undefined && { previous: occurrence.previous }),
    ...(occurrence.superseded.length > 0 && { superseded: occurrence.superseded }),
    ...(occurrence.unconfirmed === true && { unconfirmed: true }),
    ...(occurrence.detectedLate === true && { detectedLate: true }),
    ...(occurrence.detail !== undefined && { detail: occurrence.detail }),
    ...(occurrence.firstOut !== undefined && { firstOut: occurrence.firstOut }),
    ...(occurrence.parent !== undefined && { parent: occurrence.parent }),
    ...(definition.instrument?.serial !== undefined && { serial: definition.instrument.serial }),
    ...(state.overdue.has(definition.point?.id ?? '') && { cal: 'overdue' }),
    limitSet: `${plant.limitSet.id} ${plant.limitSet.version}`,
    ...guidanceView(state, definition),
    config: plant.hash,
  }
}

/** One line of the alarm list. */
export interface AlarmListEntry {
  readonly alarm: string
  readonly state: string
  readonly instrument?: string
  readonly unit?: string
  readonly test?: true
}

/** Every alarm with its state, in order of definition. */
export const alarmList = (state: CoreState): AlarmListEntry[] =>
  [...state.alarms.values()].map(({ definition, state: alarm, holds }) => ({
    alarm: definition.id,
    state: shownState(holds, alarm, definition.latching),
    ...(definition.test === true && { test: true as const }),
    ...(definition.instrument !== undefined && { instrument: definition.instrument.id }),
    ...(definition.point !== undefined && { unit: definition.point.unit }),
  }))
