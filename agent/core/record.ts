// What is written down: readings and events, and the exact bytes they are published and chained as.
// The printed form of a record never changes for one (gateway, epoch, s): new fields go last and only on new records.

import type { Reading } from './reading.ts'
import type { Millis } from './time.ts'

export const STREAMS = ['readings', 'event'] as const
export type Stream = (typeof STREAMS)[number]

/**
 * An alarm event, operator act or system event. `body` holds the fields after `ts` in printing order; none is
 * named as a field of the envelope or of the head (`stream`, `epoch`, `seq` …), or a reader takes it for that.
 */
export interface JournalEvent {
  /** `alarm.activated`, `alarm.acknowledged`, `occupancy.changed`, `clock.stepped`, `system.started` … */
  readonly type: string
  readonly ts: Millis
  readonly body: Readonly<Record<string, unknown>>
}

/** One record of the journal before it is given its sequence number. */
export type JournalRecord =
  | { readonly kind: 'reading'; readonly reading: Reading }
  | { readonly kind: 'event'; readonly event: JournalEvent }

/** The record object of a reading as published (contract §3), without raw registers. */
export function printReading(seq: number, reading: Reading): string {
  const { point, t, slots, a, v, q, qc, exceptionCode, x, late, supersedes, overdue } = reading
  let text = `{"s":${seq},"p":${JSON.stringify(point)},"t":${t}`
  if (slots !== undefined && slots !== 1) text += `,"slots":${slots}`
  if (a !== undefined) text += `,"a":${a}`
  if (v !== undefined) text += `,"v":${JSON.stringify(v)}`
  text += `,"q":"${q}"`
  if (qc !== undefined) text += `,"qc":"${qc}"`
  if (exceptionCode !== undefined) text += `,"ex":${exceptionCode}`
  if (x !== undefined) text += `,"x":${JSON.stringify(x)}`
  if (late !== undefined) text += ',"late":true'
  if (supersedes !== undefined) text += `,"supersedes":${supersedes}`
  if (overdue !== undefined) text += ',"cal":"overdue"'
  return `${text}}`
}

/** The part of an event that is stored and chained: everything from `seq` on, without the envelope. */
export function printEvent(seq: number, event: JournalEvent): string {
  const rest = JSON.stringify(event.body).slice(1)
  const head = `{"seq":${seq},"type":${JSON.stringify(event.type)},"ts":${event.ts}`
  return rest === '}' ? `${head}}` : `${head},${rest}`
}
