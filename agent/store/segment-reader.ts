// Reads one file of the journal: prints its records and counts them. Whole results, never an open cursor. In an earlier file
// each record is held to the check that was written down with it; what does not hold is thrown, never given.

import type { Stream } from '#core/record.ts'
import { eventLine, lineChecks, readingLine } from './chain.ts'
import { printColumns, printStoredEvent, type QualityParts, qualityParts } from './columns.ts'
import type { Db, Statement } from './disk.ts'
import { type CommitRun, LineChecks } from './line-checks.ts'
import { readNames } from './names.ts'
import type { SegmentRange } from './ranges.ts'
import { StoreError } from './store-error.ts'

/** A record as it is published. */
export interface Printed {
  readonly seq: number
  readonly tb: number
  readonly text: string
}

const TABLE: Readonly<Record<Stream, string>> = { readings: 'reading', event: 'event' }

/** Which records: above `after` through `through`, the first `limit`. */
interface Asked {
  readonly after: number
  readonly through: number
  readonly limit: number
}

type EventRow = [number, string, number, string]
type ReadingRow = [
  ...[number, number, number, number | null, number | null, number, string | null],
  ...[Buffer | null],
]

/** Reads one file. Names are read again when a number is not known yet (the hot file grows). */
export class SegmentReader {
  readonly db: Db
  readonly #readings: Statement
  readonly #events: Statement
  readonly #timeBases: Statement
  readonly #before: Readonly<Record<Stream, Statement>>
  readonly #between: Readonly<Record<Stream, Statement>>
  readonly #commitAt: Statement
  readonly #checks: LineChecks | undefined
  #points: ReadonlyMap<number, string> = new Map()
  #qualities: ReadonlyMap<number, QualityParts> = new Map()

  /** `checked` for a file that is written no more. */
  constructor(db: Db, checked = false) {
    this.db = db
    this.#checks = checked ? new LineChecks(db) : undefined
    this.#readings = db
      .prepare(
        `SELECT s, p, t, a, v, q, more, ${checked ? 'raw' : 'NULL'} FROM reading
         WHERE s > ? AND s <= ? ORDER BY s LIMIT ?`,
      )
      .raw()
    this.#events = db
      .prepare('SELECT s, type, t, body FROM event WHERE s > ? AND s <= ? ORDER BY s LIMIT ?')
      .raw()
    this.#timeBases = db.prepare('SELECT first, tb FROM timebase ORDER BY first').raw()
    const perStream = (sql: (table: string) => string): Record<Stream, Statement> => ({
      readings: db.prepare(sql(TABLE.readings)).raw(),
      event: db.prepare(sql(TABLE.event)).raw(),
    })
    this.#before = perStream((table) => `SELECT max(s) FROM ${table} WHERE s BETWEEN ? AND ?`)
    this.#between = perStream((table) => `SELECT count(*) FROM ${table} WHERE s > ? AND s <= ?`)
    this.#commitAt = db
      .prepare(
        'SELECT last, readings, events FROM commits WHERE first <= ? ORDER BY first DESC LIMIT 1',
      )
      .raw()
  }

  #readQualities(): ReadonlyMap<number, QualityParts> {
    return new Map([...readNames(this.db, 'quality')].map(([id, name]) => [id, qualityParts(name)]))
  }

  #point(id: number): string {
    if (!this.#points.has(id)) this.#points = readNames(this.db, 'point')
    return this.#points.get(id) ?? ''
  }

  #quality(id: number): QualityParts {
    if (!this.#qualities.has(id)) this.#qualities = this.#readQualities()
    return this.#qualities.get(id) ?? qualityParts('')
  }

  /** Greatest sequence number of a stream between two others, both included. */
  lastBetween(stream: Stream, from: number, through: number): number | undefined {
    const [found] = this.#before[stream].get(from, through) as [number | null]
    return found ?? undefined
  }

  /** Records of a stream in the epoch through sequence number `seq` of this file. */
  countThrough(range: SegmentRange, stream: Stream, seq: number): number {
    const row = this.#commitAt.get(seq) as [number, number, number] | undefined
    if (row === undefined) return range.countBefore[stream]
    const [last, readings, events] = row
    const through = stream === 'readings' ? readings : events
    if (seq >= last) return through
    const [beyond] = this.#between[stream].get(seq, last) as [number]
    return through - beyond
  }

  /** Records of a stream above `after` through `through`, the first `limit` of them. */
  print(stream: Stream, after: number, through: number, limit: number): Printed[] {
    const bases = this.#timeBases.all() as [number, number][]
    let at = 0
    const timeBase = (seq: number): number => {
      while ((bases[at + 1]?.[0] ?? Number.POSITIVE_INFINITY) <= seq) at++
      return bases[at]?.[1] ?? 0
    }
    const lines: string[] = []
    const printed =
      stream === 'event'
        ? (this.#events.all(after, through, limit) as EventRow[]).map(([seq, type, t, body]) => {
            const text = printStoredEvent(seq, type, t, body)
            if (this.#checks !== undefined) lines.push(eventLine(text))
            return { seq, tb: timeBase(seq), text }
          })
        : (this.#readings.all(after, through, limit) as ReadingRow[]).map(
            ([seq, p, t, a, v, q, more, raw]) => {
              const columns = { point: this.#point(p), t, a, v, quality: this.#quality(q), more }
              const text = printColumns(seq, columns)
              if (this.#checks !== undefined) lines.push(readingLine(text, raw?.toString('hex')))
              return { seq, tb: timeBase(seq), text }
            },
          )
    if (this.#checks !== undefined) prove(this.#checks, printed, lines)
    return printed
  }

  /**
   * The same of a file that is written no more, held to what its commits say: each record to its check and time base, and their number
   * to the counts, so that none is passed over where a page of the index was altered. Throws `corrupt`.
   */
  printProven(range: SegmentRange, stream: Stream, asked: Asked): Printed[] {
    const { after, through, limit } = asked
    const printed = this.print(stream, after, through, limit)
    const end = printed.length < limit ? through : (printed.at(-1)?.seq ?? through)
    const [first, last] = [this.#commit(after + 1), this.#commit(end)]
    const before =
      first.first - 1 <= range.base
        ? range.countBefore[stream]
        : this.#commit(first.first - 1).through[stream]
    const [head] = this.#between[stream].get(first.first - 1, after) as [number]
    const [tail] = this.#between[stream].get(end, last.last) as [number]
    if (head + printed.length + tail !== last.through[stream] - before)
      throw new StoreError('corrupt', `records between ${first.first} and ${last.last} are missing`)
    return printed
  }

  #commit(seq: number): CommitRun {
    const commit = this.#checks?.commitOf(seq)
    if (commit === undefined) throw new StoreError('corrupt', `no commit holds record ${seq}`)
    return commit
  }
}

/** Holds records of a file that is written no more to the checks of their lines and to the time bases of their commits. */
function prove(checks: LineChecks, printed: readonly Printed[], lines: readonly string[]): void {
  const found = lineChecks(Buffer.from(lines.join('')), lines.length)
  for (const [index, { seq, tb }] of printed.entries()) {
    const commit = checks.commitOf(seq)
    const check = commit?.checks.readUInt32LE((seq - commit.first) * 4)
    if (check !== found.readUInt32LE(index * 4) || commit?.tb !== tb)
      throw new StoreError('corrupt', `record ${seq} is not what was committed`)
  }
}
