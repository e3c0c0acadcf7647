// What a commit is told to write and what is told of it afterwards, worked out from a group of records beforehand, so that
// nobody has to keep the records while the disk is waited for. Pure; decides nothing about when.

import type { Reading } from '#core/reading.ts'
import type { JournalEvent, JournalRecord } from '#core/record.ts'
import type { StateChange } from '#ports/store.ts'
import type { AlarmStateMessage } from '#ports/uplink.ts'

/** What a commit holds for those who are told of it. */
export interface CommitContent {
  /** Newest reading of each point in the commit. */
  readonly newest: ReadonlyMap<string, Reading>
  /** Events of the commit with their sequence numbers, in order. */
  readonly events: readonly { readonly seq: number; readonly event: JournalEvent }[]
}

/** The content of a group whose first record has the sequence number `first`. */
export function contentOf(records: readonly JournalRecord[], first: number): CommitContent {
  const newest = new Map<string, Reading>()
  const events: { seq: number; event: JournalEvent }[] = []
  records.forEach((record, index) => {
    if (record.kind === 'reading') newest.set(record.reading.point, record.reading)
    else events.push({ seq: first + index, event: record.event })
  })
  return { newest, events }
}

/** State rows as the store takes them: JSON, or undefined where the row goes. */
export const stateChanges = (changes: ReadonlyMap<string, unknown>): StateChange[] =>
  [...changes].map(([key, value]) => ({
    key,
    value: value === undefined ? undefined : JSON.stringify(value),
  }))

/** The published form of an alarm that is not durable (yet): no sequence number, and it says so. */
export function markUnstored(message: AlarmStateMessage): AlarmStateMessage {
  if (message.payload === '') return message
  const { seq: _, ...rest } = JSON.parse(message.payload) as Record<string, unknown>
  return { alarm: message.alarm, payload: JSON.stringify({ ...rest, stored: false }) }
}
