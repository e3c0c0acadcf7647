// Reads a damaged file record by record: each by its number, held to the check that was written down with it. Nothing that SQLite
// steps over on the way is asked for, so that a page that is gone costs what was in it and nothing beside it.

import type { Stream } from '#core/record.ts'
import { eventLine, lineCheck, readingLine } from './chain.ts'
import { printColumns, printStoredEvent, type QualityParts, qualityParts } from './columns.ts'
import { attempt } from './damage.ts'
import type { Db, Statement } from './disk.ts'
import { LineChecks } from './line-checks.ts'
import { readNames } from './names.ts'
import type { Printed } from './segment-reader.ts'

/** A record that is what was committed, or where one may have been that is not. */
export type Proof =
  | { readonly kind: 'proven'; readonly stream: Stream; readonly printed: Printed }
  | { readonly kind: 'lost'; readonly stream: Stream | 'both' }

type EventRow = [number, string, string]
type ReadingRow = [
  ...[number, number, number | null, number | null, number, string | null],
  ...[Buffer | null],
]

/** Where a row would be: its text and line, nothing, or a place that cannot be read. */
type Found = { readonly text: string; readonly line: string } | 'none' | 'unreadable'

export class CarefulReader {
  readonly db: Db
  readonly #reading: Statement
  readonly #event: Statement
  readonly #checks: LineChecks
  readonly #points: ReadonlyMap<number, string>
  readonly #qualities: ReadonlyMap<number, QualityParts>

  constructor(db: Db) {
    this.db = db
    // It fails at the first touch of a damaged page and never again on one connection: what is proven would depend on the way there.
    db.exec('PRAGMA cell_size_check=OFF')
    this.#reading = db.prepare('SELECT p, t, a, v, q, more, raw FROM reading WHERE s = ?').raw()
    this.#event = db.prepare('SELECT t, type, body FROM event WHERE s = ?').raw()
    this.#checks = new LineChecks(db)
    this.#points = attempt(() => readNames(db, 'point')) ?? new Map()
    const qualities = attempt(() => readNames(db, 'quality')) ?? new Map<number, string>()
    this.#qualities = new Map([...qualities].map(([id, name]) => [id, qualityParts(name)]))
  }

  /** The record with a number. */
  record(seq: number): Proof {
    const commit = attempt(() => this.#checks.commitOf(seq))
    if (commit === undefined) return { kind: 'lost', stream: 'both' }
    const check = commit.checks.readUInt32LE((seq - commit.first) * 4)
    const tried = { readings: this.#readingAt(seq), event: 'none' as Found }
    if (isProven(tried.readings, check))
      return {
        kind: 'proven',
        stream: 'readings',
        printed: { seq, tb: commit.tb, text: tried.readings.text },
      }
    tried.event = this.#eventAt(seq)
    if (isProven(tried.event, check))
      return {
        kind: 'proven',
        stream: 'event',
        printed: { seq, tb: commit.tb, text: tried.event.text },
      }
    const [reading, event] = [tried.readings !== 'none', tried.event !== 'none']
    return { kind: 'lost', stream: reading === event ? 'both' : reading ? 'readings' : 'event' }
  }

  #readingAt(seq: number): Found {
    return found(() => {
      const row = this.#reading.get(seq) as ReadingRow | undefined
      if (row === undefined) return undefined
      const [p, t, a, v, q, more, raw] = row
      const quality = this.#qualities.get(q) ?? qualityParts('')
      const text = printColumns(seq, { point: this.#points.get(p) ?? '', t, a, v, quality, more })
      return { text, line: readingLine(text, raw?.toString('hex')) }
    })
  }

  #eventAt(seq: number): Found {
    return found(() => {
      const row = this.#event.get(seq) as EventRow | undefined
      if (row === undefined) return undefined
      const text = printStoredEvent(seq, row[1], row[0], row[2])
      return { text, line: eventLine(text) }
    })
  }
}

function found(read: () => { text: string; line: string } | undefined): Found {
  try {
    return read() ?? 'none'
  } catch {
    return 'unreadable'
  }
}

const isProven = (
  found: Found,
  check: number,
): found is { readonly text: string; readonly line: string } =>
  typeof found === 'object' && lineCheck(found.line) === check
