// What of the journal belongs to the audit trail (URS-45), and which of it somebody asks for. Pure: a record in, yes or no out.
// Nothing switches a record off: this decides only what is shown.

import type { Millis } from '#core/time.ts'
import type { Command } from './protocol.ts'
import type { AuditRecord } from './view.ts'

/** Every change of configuration, people, occupancy, time, instruments and what is watched; by type, or by the part before a dot. */
export const AUDIT_TYPES: readonly string[] = [
  'config',
  'user',
  'occupancy',
  'clock',
  'instrument',
  'calibration',
  'out_of_service',
  'alarm.shelved',
  'alarm.unshelved',
  'commissioning',
  'act.refused',
  'system.started',
  'system.stopped',
  'store',
]

export interface AuditQuery {
  /** Records with a greater sequence number. */
  readonly after: number
  /** Wall ms, both inclusive. */
  readonly from?: Millis
  readonly to?: Millis
  /** Login name: of who did it, or of whom it was done to. */
  readonly user?: string
  readonly types: readonly string[]
}

/** The query of a command; everything in the trail where it names no types. */
export function queryOf(command: Extract<Command, { op: 'audit' }>): AuditQuery {
  const { after, from, to, user, types } = command
  return {
    after,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(user === undefined ? {} : { user }),
    types: types === undefined || types.length === 0 ? AUDIT_TYPES : types,
  }
}

/** Whether a record is asked for. */
export function isAskedFor(record: AuditRecord, { from, to, user, types }: AuditQuery): boolean {
  const { type, ts } = record
  if (!types.some((wanted) => type === wanted || type.startsWith(`${wanted}.`))) return false
  if ((from !== undefined && ts < from) || (to !== undefined && ts > to)) return false
  return user === undefined || usersOf(record).includes(user)
}

const nameIn = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? (value as { user?: unknown }).user : undefined

/** Everybody a record is about: who acted, who claimed to, whom it was done to, who signed. */
function usersOf(record: AuditRecord): readonly unknown[] {
  const { actor, user, claimed, signed } = record as Readonly<Record<string, unknown>>
  return [nameIn(actor), user, claimed, ...(Array.isArray(signed) ? signed.map(nameIn) : [])]
}
