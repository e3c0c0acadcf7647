// What people do: acknowledge, reset, set occupancy. Judges who is entitled and whether the act fits the alarm as it is now;
// every refusal is an event (URS-32, URS-33). Authentication has been done before.

import { stateName } from './alarm-state.ts'
import type { Act, ActCode, Actor, ActReply, Role } from './input.ts'
import {
  type AlarmUnit,
  type CoreState,
  type PastOccupancy,
  type ZoneRow,
  zoneKey,
} from './state.ts'
import { HOUR } from './time.ts'
import { applyToAlarm, baseNow, type Turn, writeEvent } from './turn.ts'

/** Who may acknowledge, reset and set occupancy: never an administrator (URS-50). */
const ENTITLED: readonly Role[] = ['technician', 'supervisor', 'qa']
const COMMENT_MAX = 2000
/** How long, and how many, past states of a zone are remembered: longer than any sample takes. */
const PAST_MS = 2 * HOUR
const PAST_MAX = 32

/** Carries out an act; the reply says what came of it. */
export function carryOut(turn: Turn, act: Act): ActReply {
  turn.urgent = true
  if (!ENTITLED.includes(act.actor.role)) {
    return refuse(
      turn,
      act,
      'not_authorised',
      `the role ${act.actor.role} may not do this; ask a ${ENTITLED.join(', ')}`,
    )
  }
  if ((act.comment?.length ?? 0) > COMMENT_MAX) {
    return refuse(turn, act, 'invalid', `the comment is longer than ${COMMENT_MAX} characters`)
  }
  switch (act.kind) {
    case 'ack':
      return acknowledge(turn, act)
    case 'reset':
      return reset(turn, act)
    case 'occupancy':
      return setOccupancy(turn, act)
  }
}

type Named<Kind extends Act['kind']> = Extract<Act, { kind: Kind }>

function acknowledge(turn: Turn, act: Named<'ack'>): ActReply {
  const unit = unitOf(turn.state, act.occ)
  if (unit === undefined)
    return refuse(turn, act, 'unknown_occurrence', unknownWords(turn.state, act.occ))
  const misfit = misfitOf(unit, act)
  if (misfit !== undefined) return refuse(turn, act, misfit.code, misfit.detail, unit)
  const { definition, state } = unit
  if (state.acked) {
    return refuse(turn, act, 'already_acknowledged', 'somebody has acknowledged it already', unit)
  }
  if (!turn.state.plant.reasonCodes.includes(act.reason)) {
    const known = turn.state.plant.reasonCodes.join(', ')
    return refuse(turn, act, 'invalid', `no reason code "${act.reason}"; known: ${known}`, unit)
  }
  const commented = (act.comment ?? '').trim() !== ''
  if (!commented && (definition.class === 'action' || act.reason === 'other')) {
    const why = act.reason === 'other' ? 'the reason "other"' : 'an action alarm'
    return refuse(turn, act, 'invalid', `${why} needs a comment`, unit)
  }
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
  if (unit === undefined)
    return refuse(turn, act, 'unknown_occurrence', unknownWords(turn.state, act.occ))
  const misfit = misfitOf(unit, act)
  if (misfit !== undefined) return refuse(turn, act, misfit.code, misfit.detail, unit)
  const name = stateName(unit.state, unit.definition.latching)
  if (name !== 'latched_acknowledged') {
    const words: Record<string, string> = {
      unacknowledged: 'it is still active; acknowledge it, and reset it once the condition is gone',
      acknowledged: 'it is still active; it can be reset once the condition is gone',
      latched_unacknowledged: 'acknowledge it first',
    }
    return refuse(
      turn,
      act,
      'invalid',
      words[name] ?? 'it does not latch; nothing is to be reset',
      unit,
    )
  }
  const [transition] = applyToAlarm(
    turn,
    unit,
    { kind: 'reset', at: turn.at, ...presentValue(turn.state, unit) },
    actFields(act),
  )
  return reply('reset', unit, act.occ, transition?.occurrence.rev)
}

function setOccupancy(turn: Turn, act: Named<'occupancy'>): ActReply {
  const unit = turn.state.zones.get(act.zone)
  if (unit === undefined) {
    const known = [...turn.state.zones.keys()].join(', ')
    return refuse(turn, act, 'invalid', `no zone "${act.zone}"; known: ${known}`)
  }
  const from = unit.occupancy
  unit.past = pastWith(unit.past, { occupancy: from, until: Math.round(baseNow(turn)) })
  unit.occupancy = act.state
  const row: ZoneRow = { occupancy: unit.occupancy, past: unit.past }
  turn.changes.set(zoneKey(act.zone), row)
  for (const { definition } of turn.state.alarms.values()) {
    if (definition.point?.zone === act.zone) turn.alarms.add(definition.id)
  }
  writeEvent(turn, 'occupancy.changed', {
    zone: act.zone,
    from: from ?? null,
    to: act.state,
    ...actFields(act),
  })
  return { ok: true, code: 'done' }
}

/** Remembers a state that ended. What no longer fits is remembered as unknown, which the strictest column judges. */
function pastWith(past: readonly PastOccupancy[], ended: PastOccupancy): PastOccupancy[] {
  const all = [...past.filter(({ until }) => until > ended.until - PAST_MS), ended]
  const kept = all.slice(-PAST_MAX)
  const [oldest, ...newer] = kept
  if (oldest === undefined || kept.length === all.length) return kept
  return [{ ...oldest, occupancy: undefined }, ...newer]
}

const unitOf = (state: CoreState, occ: string): AlarmUnit | undefined => {
  for (const unit of state.alarms.values()) if (unit.state.occurrence?.occ === occ) return unit
  return undefined
}

function unknownWords(state: CoreState, occ: string): string {
  for (const { state: alarm } of state.alarms.values()) {
    if (alarm.occurrence?.superseded.includes(occ))
      return `it was superseded by ${alarm.occurrence.occ}; act on that one`
  }
  return 'no such occurrence is open; it may have ended, see `alarms`'
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
): { code: ActCode; detail: string } | undefined {
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

const actorOf = ({ user, name, role, via }: Actor) => ({ user, name, role, via })

const actFields = (act: Act): Record<string, unknown> => ({
  actor: actorOf(act.actor),
  ...(act.reason !== undefined && { reason: act.reason }),
  ...(act.comment !== undefined && { comment: act.comment }),
  ...(act.cmd !== undefined && { cmd: act.cmd }),
})

const reply = (code: ActCode, unit: AlarmUnit, occ: string, rev: number | undefined): ActReply => ({
  ok: true,
  code,
  alarm: unit.definition.id,
  occ,
  ...(rev !== undefined && { rev }),
})

function refuse(turn: Turn, act: Act, code: ActCode, detail: string, unit?: AlarmUnit): ActReply {
  const target = act.kind === 'occupancy' ? { zone: act.zone, state: act.state } : { occ: act.occ }
  const alarm = unit === undefined ? {} : { alarm: unit.definition.id }
  writeEvent(turn, 'act.refused', {
    act: act.kind,
    ...alarm,
    ...target,
    code,
    detail,
    ...actFields(act),
  })
  return {
    ok: false,
    code,
    ...alarm,
    ...(act.kind !== 'occupancy' && { occ: act.occ }),
    ...(unit?.state.occurrence && { rev: unit.state.occurrence.rev }),
    detail,
  }
}
