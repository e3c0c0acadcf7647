// Shelving (alarms.md rows 13 and 14, URS-34): a person takes a nuisance out of sight for a while, with a reason and an expiry. Never
// a critical alarm, never for longer than the class permits; the alarm beneath goes on.

import { actFields, type Named, personOf, type Refusal, refuse, wordsFault } from './act-reply.ts'
import type { AlarmClass } from './alarm-set.ts'
import { endShelf, startHold, tellHolds } from './hold-set.ts'
import type { ActReply } from './input.ts'
import type { AlarmUnit, CoreState } from './state.ts'
import { formatDuration, HOUR, type Millis } from './time.ts'
import { timerFrom } from './timer.ts'
import type { Turn } from './turn.ts'

/** The longest an alarm may be shelved, by class, where the site says nothing else. */
export const SHELF_MS_MAX: Readonly<Record<AlarmClass, Millis>> = {
  action: HOUR,
  alert: 8 * HOUR,
  fault: 24 * HOUR,
  system: 24 * HOUR,
}

/** Puts an alarm on the shelf until a moment. */
export function shelve(turn: Turn, act: Named<'shelve'>): ActReply {
  const unit = targetUnit(turn.state, act)
  if (unit === undefined) return refuse(turn, act, unknownTarget(act))
  const fault = shelfFault(turn, act, unit)
  if (fault !== undefined) return refuse(turn, act, fault, unit)
  const { definition, state } = unit
  const now = Math.round(turn.at.wall)
  const { until, reason, comment } = act
  const from = turn.shown(unit)
  startHold(turn, unit, 'shelved', {
    since: now,
    actor: personOf(act.actor),
    reason,
    ...(comment !== undefined && { comment }),
    until,
    timer: timerFrom(until - turn.at.wall, turn.at),
    hid: [],
    hidden: 0,
  })
  const occ = state.occurrence?.occ ?? null
  const body = { alarm: definition.id, occ, from, to: 'shelved', ...actFields(act), until }
  tellHolds(turn, 'alarm.shelved', body, [unit])
  return done(unit)
}

/** Takes an alarm from the shelf before its time. */
export function unshelve(turn: Turn, act: Named<'unshelve'>): ActReply {
  const unit = targetUnit(turn.state, act)
  if (unit === undefined) return refuse(turn, act, unknownTarget(act))
  if (unit.holds?.shelved === undefined) {
    return refuse(turn, act, { code: 'invalid', detail: 'it is not shelved' }, unit)
  }
  endShelf(turn, unit, { cause: 'unshelved', ...actFields(act) })
  return done(unit)
}

function shelfFault(
  { state: { plant }, at }: Turn,
  act: Named<'shelve'>,
  { definition, holds }: AlarmUnit,
): Refusal | undefined {
  const invalid = (detail: string): Refusal => ({ code: 'invalid', detail })
  if (definition.critical === true) {
    const detail = 'it is critical and cannot be shelved by anybody (URS-34)'
    return { code: 'not_authorised', detail }
  }
  if (holds?.shelved !== undefined) return invalid('it is shelved already; unshelve it first')
  const needing = definition.class === 'action' ? 'shelving an action alarm' : undefined
  const words = wordsFault(act, plant.reasonCodes, needing)
  if (words !== undefined) return words
  const leftMs = act.until - at.wall
  if (!Number.isFinite(leftMs) || leftMs <= 0) return invalid('"until" must lie ahead')
  const max = plant.shelfMs?.[definition.class] ?? SHELF_MS_MAX[definition.class]
  if (leftMs <= max) return undefined
  return invalid(
    `an alarm of class ${definition.class} is shelved for ${formatDuration(max)} at the most`,
  )
}

/** The alarm that is named, by its id or by its open occurrence; both have to agree. */
function targetUnit(
  { alarms }: CoreState,
  { alarm, occ }: { readonly alarm?: string; readonly occ?: string },
): AlarmUnit | undefined {
  if (alarm === undefined && occ === undefined) return undefined
  const fits = ({ state }: AlarmUnit): boolean => occ === undefined || state.occurrence?.occ === occ
  if (alarm !== undefined) {
    const unit = alarms.get(alarm)
    return unit !== undefined && fits(unit) ? unit : undefined
  }
  for (const unit of alarms.values()) if (fits(unit)) return unit
  return undefined
}

const unknownTarget = ({ alarm, occ }: { alarm?: string; occ?: string }): Refusal =>
  occ === undefined
    ? { code: 'invalid', detail: `no alarm "${alarm ?? ''}"; see \`alarms --all\`` }
    : {
        code: 'unknown_occurrence',
        detail: 'no such occurrence is open; it may have ended, see `alarms`',
      }

const done = ({ definition, state }: AlarmUnit): ActReply => ({
  ok: true,
  code: 'done',
  alarm: definition.id,
  ...(state.occurrence !== null && { occ: state.occurrence.occ, rev: state.occurrence.rev }),
})
