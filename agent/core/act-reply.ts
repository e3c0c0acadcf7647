// What an act is answered and what is recorded of it. Every refusal is an event with who asked for what (URS-33); decides none.

import type { Act, ActCode, Actor, ActReply, Role } from './input.ts'
import type { AlarmUnit } from './state.ts'
import { type Turn, writeEvent } from './turn.ts'

export type Named<Kind extends Act['kind']> = Extract<Act, { kind: Kind }>

/** The person as records name them. */
export const personOf = ({ user, name, role, via }: Actor): Actor => ({ user, name, role, via })

/** Who, why and by which command, as every event of an act carries it. */
export const actFields = (act: Act): Record<string, unknown> => ({
  actor: personOf(act.actor),
  ...(act.reason !== undefined && { reason: act.reason }),
  ...(act.comment !== undefined && { comment: act.comment }),
  ...(act.cmd !== undefined && { cmd: act.cmd }),
})

export interface Refusal {
  readonly code: ActCode
  /** In words, with what to do. */
  readonly detail: string
}

/** Refuses an act: on record, and in the reply. */
export function refuse(
  turn: Turn,
  act: Act,
  { code, detail }: Refusal,
  unit?: AlarmUnit,
): ActReply {
  const alarm = unit === undefined ? {} : { alarm: unit.definition.id }
  writeEvent(turn, 'act.refused', {
    act: act.kind,
    ...targetOf(act),
    ...alarm,
    code,
    detail,
    ...actFields(act),
  })
  const occ = 'occ' in act ? act.occ : undefined
  return {
    ok: false,
    code,
    ...alarm,
    ...(occ !== undefined && { occ }),
    ...(unit?.state.occurrence && { rev: unit.state.occurrence.rev }),
    detail,
  }
}

/** What an act was about. */
function targetOf(act: Act): Record<string, unknown> {
  switch (act.kind) {
    case 'ack':
    case 'reset':
      return { occ: act.occ }
    case 'occupancy':
      return { zone: act.zone, state: act.state }
    case 'shelve':
      return { alarm: act.alarm, occ: act.occ, until: act.until }
    case 'unshelve':
      return { alarm: act.alarm, occ: act.occ }
    case 'out_of_service':
      return { target: act.target, workOrder: act.workOrder }
    case 'return_to_service':
      return { target: act.target }
  }
}

/** The refusal of a role that may not; undefined where it may. */
export function roleFault({ role }: Actor, entitled: readonly Role[]): Refusal | undefined {
  if (entitled.includes(role)) return undefined
  const detail = `the role ${role} may not do this; ask a ${entitled.join(', ')}`
  return { code: 'not_authorised', detail }
}

/** Why reason and comment do not do; undefined where they do. A comment is needed for `other` and wherever `why` says so. */
export function wordsFault(
  { reason, comment }: { readonly reason: string; readonly comment?: string },
  codes: readonly string[],
  needing: string | undefined,
): Refusal | undefined {
  if (!codes.includes(reason)) {
    return { code: 'invalid', detail: `no reason code "${reason}"; known: ${codes.join(', ')}` }
  }
  const why = reason === 'other' ? 'the reason "other"' : needing
  if (why === undefined || (comment ?? '').trim() !== '') return undefined
  return { code: 'invalid', detail: `${why} needs a comment` }
}
