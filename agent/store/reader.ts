// Messages cut from the journal, across its files, and how many records wait: read only, whole results, bounded.
// Where a message is cut may differ from time to time; the records in it never do.

import path from 'node:path'
import type { Stream } from '#core/record.ts'
import type { BatchQuery } from '#ports/store.ts'
import { printColumns, printStoredEvent, type QualityParts, qualityParts } from './columns.ts'
import type { Db, Disk, Statement } from './disk.ts'
import { readNames } from './names.ts'
import type { Recent } from './recent.ts'
import { openForReading } from './segment.ts'

/** Contract §3: at most 100 records a message. */
export const READINGS_PER_BATCH = 100
/** Batches answered to one query, however many were asked for. */
export const BATCHES_MAX = 200
/** Earlier files kept open at the same time. */
const OPEN_FILES_MAX = 2

/** A batch on its way between threads: the printed records in one text, one a line. */
export interface PackedBatch {
  readonly stream: Stream
  readonly tb: number
  readonly prev: number
  readonly first: number
  readonly last: number
  readonly text: string
}

/** What the reader must know of a file: its records, and the last of each stream before it and in it. */
export interface SegmentRange {
  readonly name: string
  /** Last sequence number before the file, and of the file. */
  readonly base: number
  readonly last: number
  /** Greatest sequence number of each stream before the file (0 if none), and through it. */
  readonly lastBefore: Readonly<Record<Stream, number>>
  readonly lastThrough: Readonly<Record<Stream, number>>
  /** Records of each stream in the epoch before the file, and through it. */
  readonly countBefore: Readonly<Record<Stream, number>>
  readonly countThrough: Readonly<Record<Stream, number>>
}

interface Printed {
  readonly seq: number
  readonly tb: number
  readonly text: string
}

const TABLE: Readonly<Record<Stream, string>> = { readings: 'reading', event: 'event' }

/** Reads one file. Names are read again when a number is not known yet (the hot file grows). */
class SegmentReader {
  readonly db: Db
  readonly #readings: Statement
  readonly #events: Statement
  readonly #timeBases: Statement
  readonly #before: Readonly<Record<Stream, Statement>>
  readonly #between: Readonly<Record<Stream, Statement>>
  readonly #commitAt: Statement
  #points: ReadonlyMap<number, string>
  #qualities: ReadonlyMap<number, QualityParts>

  constructor(db: Db) {
    this.db = db
    this.#readings = db
      .prepare(
        'SELECT s, p, t, a, v, q, more FROM reading WHERE s > ? AND s <= ? ORDER BY s LIMIT ?',
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
    this.#before = perStream((table) => `SELECT max(s) FROM ${table} WHERE s <= ?`)
    this.#between = perStream((table) => `SELECT count(*) FROM ${table} WHERE s > ? AND s <= ?`)
    this.#commitAt = db
      .prepare(
        'SELECT last, readings, events FROM commits WHERE first <= ? ORDER BY first DESC LIMIT 1',
      )
      .raw()
    this.#points = readNames(db, 'point')
    this.#qualities = this.#readQualities()
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

  /** Greatest sequence number of a stream up to and including `seq` in this file. */
  lastUpTo(stream: Stream, seq: number): number | undefined {
    const [found] = this.#before[stream].get(seq) as [number | null]
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

  print(stream: Stream, after: number, through: number, limit: number): Printed[] {
    const bases = this.#timeBases.all() as [number, number][]
    let at = 0
    const timeBase = (seq: number): number => {
      while ((bases[at + 1]?.[0] ?? Number.POSITIVE_INFINITY) <= seq) at++
      return bases[at]?.[1] ?? 0
    }
    if (stream === 'event') {
      const rows = this.#events.all(after, through, limit) as [number, string, number, string][]
      return rows.map(([seq, type, t, body]) => ({
        seq,
        tb: timeBase(seq),
        text: printStoredEvent(seq, type, t, body),
      }))
    }
    const rows = this.#readings.all(after, through, limit) as [
      ...[number, number, number, number | null, number | null, number, string | null],
    ][]
    return rows.map(([seq, p, t, a, v, q, more]) => {
      const columns = { point: this.#point(p), t, a, v, quality: this.#quality(q), more }
      return { seq, tb: timeBase(seq), text: printColumns(seq, columns) }
    })
  }
}

/** Cuts printed records into batches: never more than a stream allows, never over two time bases. */
export function cut(
  stream: Stream,
  prev: number,
  records: readonly Printed[],
  batchesMax: number,
): PackedBatch[] {
  const most = stream === 'readings' ? READINGS_PER_BATCH : 1
  const batches: PackedBatch[] = []
  let before = prev
  let start = 0
  while (start < records.length && batches.length < batchesMax) {
    const tb = records[start]?.tb ?? 0
    let end = start + 1
    while (end < records.length && end - start < most && records[end]?.tb === tb) end++
    const part = records.slice(start, end)
    const first = part[0]?.seq ?? 0
    const last = part.at(-1)?.seq ?? 0
    const text = part.map((record) => record.text).join('\n')
    batches.push({ stream, tb, prev: before, first, last, text })
    before = last
    start = end
  }
  return batches
}

/** Reads over the files of a journal. The hot file is read through its writer's own connection. */
export class JournalReader {
  readonly #disk: Disk
  readonly #directory: string
  readonly #open = new Map<string, SegmentReader>()
  #hot: { readonly name: string; readonly reader: SegmentReader } | undefined

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /** Names the file that is read through the given connection from now on. */
  setHot(name: string, db: Db): void {
    this.#hot = { name, reader: new SegmentReader(db) }
  }

  /** Closes an earlier file, so that it can be sealed or removed. */
  release(name: string): void {
    this.#open.get(name)?.db.close()
    this.#open.delete(name)
  }

  close(): void {
    for (const name of [...this.#open.keys()]) this.release(name)
  }

  #reader(name: string): SegmentReader | undefined {
    if (this.#hot?.name === name) return this.#hot.reader
    const known = this.#open.get(name)
    if (known !== undefined) return known
    const file = path.join(this.#directory, name)
    if (this.#disk.size(file) === undefined) return undefined
    const oldest = [...this.#open.keys()][0]
    if (oldest !== undefined && this.#open.size >= OPEN_FILES_MAX) this.release(oldest)
    const reader = new SegmentReader(openForReading(this.#disk, file))
    this.#open.set(name, reader)
    return reader
  }

  /** Batches of a stream; `ranges` are all files, oldest first, the hot one last. */
  batches(ranges: readonly SegmentRange[], recent: Recent, query: BatchQuery): PackedBatch[] {
    const { stream, after } = query
    const wanted = Math.min(query.batches, BATCHES_MAX)
    const through = Math.min(query.through ?? Number.MAX_SAFE_INTEGER, ranges.at(-1)?.last ?? 0)
    const limit = wanted * (stream === 'readings' ? READINGS_PER_BATCH : 1)
    if (stream === 'readings') {
      const run = recent.after(after, through, limit)
      if (run !== undefined) {
        const records = run.seqs.map((seq, index) => ({
          seq,
          tb: run.tbs[index] ?? 0,
          text: run.printed[index] ?? '',
        }))
        return cut(stream, run.prev, records, wanted)
      }
    }
    const batches: PackedBatch[] = []
    for (const range of ranges) {
      if (batches.length >= wanted || range.base >= through) break
      if (range.lastThrough[stream] <= after || range.lastThrough[stream] <= range.base) continue
      const reader = this.#reader(range.name)
      if (reader === undefined) continue
      const left = wanted - batches.length
      const most = left * (stream === 'readings' ? READINGS_PER_BATCH : 1)
      const prev = reader.lastUpTo(stream, after) ?? range.lastBefore[stream]
      batches.push(...cut(stream, prev, reader.print(stream, after, through, most), left))
    }
    return batches
  }

  /** Records of a stream above `after` that are still on file. */
  count(ranges: readonly SegmentRange[], stream: Stream, after: number): number {
    const present = ranges.filter((range) => this.#has(range.name))
    const total = present.at(-1)?.countThrough[stream] ?? 0
    for (const range of present) {
      if (after >= range.last) continue
      if (after <= range.base) return total - range.countBefore[stream]
      const reader = this.#reader(range.name)
      if (reader !== undefined) return total - reader.countThrough(range, stream, after)
    }
    return 0
  }

  #has(name: string): boolean {
    return (
      this.#hot?.name === name ||
      this.#open.has(name) ||
      this.#disk.size(path.join(this.#directory, name)) !== undefined
    )
  }
}
