// The occupancy of a zone as people state it (URS-18, URS-67): ending operation begins a clean-up, and nothing a person states
// silences what is critical, is dated back or closes an occurrence. Limits are chosen by it in evaluate.ts.

import { actFields, type Named, personOf, refuse } from './act-reply.ts'
import { beginCleanUp, endCleanUp } from './clean-up.ts'
import type { Actor, ActReply, Input, Source } from './input.ts'
import type { Occupancy } from './point.ts'
import { criticalOutIn } from './service.ts'
import type { CoreState, ZoneUnit } from './state.ts'
import { type Turn, writeEvent } from './turn.ts'
import { enterOccupancy, isBusy, keepZone, zonesAround, zonesWithin } from './zone-state.ts'

/** Sets the state of a zone from now on. */
export function setOccupancy(turn: Turn, act: Named<'occupancy'>): ActReply {
  const { zones } = turn.state
  const unit = zones.get(act.zone)
  if (unit === undefined) {
    const known = [...zones.keys()].join(', ')
    return refuse(turn, act, { code: 'invalid', detail: `no zone "${act.zone}"; known: ${known}` })
  }
  const fault = stateFault(turn.state, unit, act.state)
  if (fault !== undefined) return refuse(turn, act, { code: 'invalid', detail: fault })
  const to = changeOccupancy(turn, unit, act.state, personOf(act.actor), actFields(act))
  return {
    ok: true,
    code: 'done',
    ...(to !== act.state && { detail: `it is in clean_up first, ${act.state} follows by itself` }),
  }
}

/** Takes what the schedule or signal of a zone says; under the rules that hold for people, and attributed to it. */
export function takeSource(
  turn: Turn,
  { zone, source, state }: Extract<Input, { kind: 'source' }>,
): void {
  const unit = turn.state.zones.get(zone)
  if (unit === undefined) return
  const { sourced } = unit
  const said = sourced?.via === source.via && sourced.state === state
  if (said && sourced.refused !== true) return
  const fault = state === null ? undefined : stateFault(turn.state, unit, state)
  if (fault !== undefined && said) return
  turn.urgent = true
  unit.sourced = { via: source.via, state, ...(fault !== undefined && { refused: true as const }) }
  if (fault !== undefined) {
    const body = { act: 'occupancy', zone, state, code: 'invalid', detail: fault, actor: source }
    writeEvent(turn, 'act.refused', body)
  } else if (state !== null) changeOccupancy(turn, unit, state, source, { actor: source })
  else enterOccupancy(turn, unit, undefined, { cause: 'signal_lost', actor: source })
  keepZone(turn, unit)
}

/** Puts a zone into the state that was asked for, or into the clean-up before it; the state it is in. */
function changeOccupancy(
  turn: Turn,
  unit: ZoneUnit,
  asked: Occupancy,
  by: Actor | Source,
  fields: Readonly<Record<string, unknown>>,
): Occupancy {
  const from = unit.occupancy
  const to = stateAfter(unit, asked)
  if (from === 'clean_up' && to !== 'clean_up' && asked !== 'in_operation') endCleanUp(turn, unit)
  enterOccupancy(turn, unit, to, { ...(to !== asked && { asked }), ...fields })
  if (to === 'clean_up') {
    beginCleanUp(turn, unit, by, asked === 'not_in_use' ? 'not_in_use' : 'at_rest')
  } else if (asked === 'in_operation') unit.cleanUp = abandoned(unit)
  keepZone(turn, unit)
  return to
}

/** Operation is ended by a clean-up, where the zone has one (URS-19): at rest and out of use follow by themselves. */
const stateAfter = ({ occupancy, zone }: ZoneUnit, asked: Occupancy): Occupancy =>
  occupancy === 'in_operation' && asked !== 'in_operation' && zone.cleanUpMs !== undefined
    ? 'clean_up'
    : asked

/** A clean-up that operation broke off is over without a verdict; what it has seen serves to return an alarm of an earlier one. */
const abandoned = ({ cleanUp }: ZoneUnit): ZoneUnit['cleanUp'] =>
  cleanUp === null ? null : { ...cleanUp, timer: null }

/**
 * Not in use and in operation exclude one another between a zone and what lies within it; and nobody works where something critical is
 * out of service, whichever of the two was said first.
 */
function stateFault(state: CoreState, { zone }: ZoneUnit, asked: Occupancy): string | undefined {
  if (asked === 'not_in_use') {
    const busy = zonesWithin(state, zone.id).find(isBusy)
    if (busy === undefined) return undefined
    return `${busy.zone.id}, which lies within ${zone.id}, is in ${busy.occupancy}; end operation there first`
  }
  if (asked !== 'in_operation' && asked !== 'clean_up') return undefined
  const out = criticalOutIn(state, zone.id)
  if (out !== undefined)
    return `${out.target} is critical and out of service under ${out.workOrder}; have it returned first`
  const idle = zonesAround(state, zone.id).find(({ occupancy }) => occupancy === 'not_in_use')
  if (idle === undefined) return undefined
  return `${idle.zone.id}, in which ${zone.id} lies, is not_in_use; state what goes on there first`
}
