// Records as columns of the journal, and back: what is printed from columns is byte for byte what was printed
// at the commit. It knows the columns of reading and event; it never opens a file.

import type { Reading } from '#core/reading.ts'
import { printEvent, printReading } from '#core/record.ts'

/** Optional fields may also be there and undefined. */
type Loose<T> = { readonly [K in keyof T]: T[K] | undefined }

/** What is rare in a reading, as its column `more` holds it. */
interface More {
  readonly slots?: number
  readonly ex?: number
  readonly x?: Reading['x']
  readonly late?: true
  readonly supersedes?: number
  readonly overdue?: true
}

const NOTHING_RARE: More = {}

/** The text of column `more`, or undefined when the reading has nothing rare. */
export function packMore(reading: Reading): string | undefined {
  const { exceptionCode: ex, x, late, supersedes, overdue } = reading
  const slots = reading.slots === 1 ? undefined : reading.slots
  const rare =
    slots !== undefined ||
    ex !== undefined ||
    x !== undefined ||
    late !== undefined ||
    supersedes !== undefined ||
    overdue !== undefined
  return rare ? JSON.stringify({ slots, ex, x, late, supersedes, overdue }) : undefined
}

/** Slots that column `more` tells of; 1 where it says nothing. */
export const slotsOf = (more: string | null): number =>
  more === null ? 1 : ((JSON.parse(more) as More).slots ?? 1)

/** The name of a quality with its reason, as it is interned: `good`, `bad timeout`. */
export const qualityName = (reading: Reading): string =>
  reading.qc === undefined ? reading.q : `${reading.q} ${reading.qc}`

/** A quality's name taken apart. */
export interface QualityParts {
  readonly q: Reading['q']
  readonly qc: Reading['qc'] | undefined
}

export function qualityParts(name: string): QualityParts {
  const space = name.indexOf(' ')
  if (space < 0) return { q: name as Reading['q'], qc: undefined }
  return {
    q: name.slice(0, space) as Reading['q'],
    qc: name.slice(space + 1) as NonNullable<Reading['qc']>,
  }
}

/** The columns of a reading with its names looked up. */
export interface ReadingColumns {
  readonly point: string
  readonly t: number
  readonly a: number | null
  readonly v: number | null
  readonly quality: QualityParts
  readonly more: string | null
}

/**
 * A reading rebuilt from its columns, without its raw registers. Every field is there, absent ones undefined: one
 * shape for all readings prints twice as fast.
 */
export function columnsToReading({ point, t, a, v, quality, more }: ReadingColumns): Reading {
  const { q, qc } = quality
  const rare = more === null ? NOTHING_RARE : (JSON.parse(more) as More)
  const { slots, ex: exceptionCode, x, late, supersedes, overdue } = rare
  const reading: Loose<Reading> = {
    point,
    t,
    slots,
    a: a ?? undefined,
    v: v ?? undefined,
    q,
    qc,
    exceptionCode,
    x,
    late,
    supersedes,
    overdue,
  }
  return reading as Reading
}

/** The published object of a reading, printed from its columns. */
export const printColumns = (seq: number, columns: ReadingColumns): string =>
  printReading(seq, columnsToReading(columns))

/** An event printed from its columns; `body` is the JSON text of what follows `ts`. */
export function printStoredEvent(seq: number, type: string, ts: number, body: string): string {
  const head = printEvent(seq, { type, ts, body: {} })
  return body === '{}' ? head : `${head.slice(0, -1)},${body.slice(1)}`
}
