// What people do: acknowledge, reset, set occupancy. Judges who is entitled and whether the act fits the alarm as it is now;
// every refusal is an event (URS-32, URS-33). Authentication has been done before.

import { actFields, type Named, type Refusal, refuse, roleFault, wordsFault } from './act-reply.ts'
import { stateName } from './alarm-state.ts'
import type { Act, ActCode, ActReply, Role } from './input.ts'
import { setOccupancy } from './occupancy.ts'
import { returnToService, takeOut } from './service.ts'
import { shelve, unshelve } from './shelve.ts'
import type { AlarmUnit, CoreState } from './state.ts'
import { applyToAlarm, type Turn, writeEvent } from './turn.ts'

/** Who may acknowledge, reset and set occupancy: never an administrator (URS-50). */
const ENTITLED: readonly Role[] = ['technician', 'supervisor', 'qa']
const COMMENT_MAX = 2000

/** Carries out an act; the reply says what came of it. */
export function carryOut(turn: Turn, act: Act): ActReply {
  turn.urgent = true
  const fault = roleFault(act.actor, ENTITLED) ?? lengthFault(act)
  if (fault !== undefined) return refuse(turn, act, fault)
  switch (act.kind) {
    case 'ack':
      return acknowledge(turn, act)
    case 'reset':
      return reset(turn, act)
    case 'occupancy':
      return setOccupancy(turn, act)
    case 'shelve':
      return shelve(turn, act)
    case 'unshelve':
      return unshelve(turn, act)
    case 'out_of_service':
      return takeOut(turn, act)
    case 'return_to_service':
      return returnToService(turn, act)
  }
}

const lengthFault = ({ comment }: Act): Refusal | undefined =>
  (comment?.length ?? 0) > COMMENT_MAX
    ? { code: 'invalid', detail: `the comment is longer than ${COMMENT_MAX} characters` }
    : undefined

function acknowledge(turn: Turn, act: Named<'ack'>): ActReply {
  const unit = unitOf(turn.state, act.occ)
  if (unit === undefined) return refuse(turn, act, unknownFault(turn.state, act.occ))
  const misfit = misfitOf(unit, act)
  if (misfit !== undefined) return refuse(turn, act, misfit, unit)
  const { definition, state } = unit
  if (state.acked) {
    const detail = 'somebody has acknowledged it already'
    return refuse(turn, act, { code: 'already_acknowledged', detail }, unit)
  }
  const needing = definition.class === 'action' ? 'an action alarm' : undefined
  const fault = wordsFault(act, turn.state.plant.reasonCodes, needing)
  if (fault !== undefined) return refuse(turn, act, fault, unit)
  const seen = state.occurrence?.superseded ?? []
  const fields = actFields(act)
  const [transition] = applyToAlarm(
    turn,
    unit,
    {
      kind: 'acknowledge',
      at: turn.at,
      actor: act.actor,
      reason: act.reason,
      ...(act.comment !== undefined && { comment: act.comment }),
      ...presentValue(turn.state, unit),
    },
    fields,
  )
  for (const occ of seen) {
    const body = {
      alarm: definition.id,
      occ,
      from: 'superseded',
      to: 'superseded',
      ...fields,
      with: act.occ,
    }
    writeEvent(turn, 'alarm.acknowledged', body)
  }
  return reply('acknowledged', unit, act.occ, transition?.occurrence.rev)
}

function reset(turn: Turn, act: Named<'reset'>): ActReply {
  const unit = unitOf(turn.state, act.occ)
  if (unit === undefined) return refuse(turn, act, unknownFault(turn.state, act.occ))
  const misfit = misfitOf(unit, act)
  if (misfit !== undefined) return refuse(turn, act, misfit, unit)
  const name = stateName(unit.state, unit.definition.latching)
  if (name !== 'latched_acknowledged') {
    const words: Record<string, string> = {
      unacknowledged: 'it is still active; acknowledge it, and reset it once the condition is gone',
      acknowledged: 'it is still active; it can be reset once the condition is gone',
      latched_unacknowledged: 'acknowledge it first',
    }
    const detail = words[name] ?? 'it does not latch; nothing is to be reset'
    return refuse(turn, act, { code: 'invalid', detail }, unit)
  }
  const [transition] = applyToAlarm(
    turn,
    unit,
    { kind: 'reset', at: turn.at, ...presentValue(turn.state, unit) },
    actFields(act),
  )
  return reply('reset', unit, act.occ, transition?.occurrence.rev)
}

const unitOf = (state: CoreState, occ: string): AlarmUnit | undefined => {
  for (const unit of state.alarms.values()) if (unit.state.occurrence?.occ === occ) return unit
  return undefined
}

function unknownFault(state: CoreState, occ: string): Refusal {
  const code = 'unknown_occurrence'
  for (const { state: alarm } of state.alarms.values()) {
    if (alarm.occurrence?.superseded.includes(occ))
      return { code, detail: `it was superseded by ${alarm.occurrence.occ}; act on that one` }
  }
  return { code, detail: 'no such occurrence is open; it may have ended, see `alarms`' }
}

/** What the point reads now, where the alarm is judged by just that. */
function presentValue(
  { points }: CoreState,
  { definition: { judgement, point } }: AlarmUnit,
): { value?: number } {
  const plain = judgement.by === 'threshold' || judgement.by === 'inversion'
  const value = plain && point !== undefined ? points.get(point.id)?.newest : undefined
  return value === undefined ? {} : { value }
}

/**
 * The alarm named beside the occurrence must be its own. A revision from the future was never seen by anybody; an older one
 * does not fit only where the occurrence got worse since (contract §3).
 */
function misfitOf(
  { definition, state }: AlarmUnit,
  act: { readonly alarm?: string; readonly rev?: number },
): Refusal | undefined {
  if (act.alarm !== undefined && act.alarm !== definition.id) {
    return { code: 'invalid', detail: `the occurrence belongs to ${definition.id}` }
  }
  const { rev = 0, worseRev = 0 } = state.occurrence ?? {}
  if (act.rev !== undefined && (act.rev > rev || act.rev < worseRev)) {
    const why = act.rev > rev ? '' : '; it got worse since, look at it again'
    return { code: 'stale_revision', detail: `the occurrence is at revision ${rev}${why}` }
  }
  return undefined
}

const reply = (code: ActCode, unit: AlarmUnit, occ: string, rev: number | undefined): ActReply => ({
  ok: true,
  code,
  alarm: unit.definition.id,
  occ,
  ...(rev !== undefined && { rev }),
})
