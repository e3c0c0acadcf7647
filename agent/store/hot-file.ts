// The one file that is written: a commit goes into it in a single transaction, or not at all.
// It keeps the statements, the names and the checkpoint discipline; which file is hot is the journal's decision.

import { assert } from '#core/assert.ts'
import type { ChainPosition } from './audit.ts'
import { commitHash, eventLine, lineChecks, readingLine } from './chain.ts'
import {
  printColumns,
  printStoredEvent,
  type QualityParts,
  qualityParts,
  slotsOf,
} from './columns.ts'
import type { Db, Statement } from './disk.ts'
import { FileNames } from './names.ts'
import { type Columns, type PackedCommit, type PackedEvent, viewColumns } from './pack.ts'
import type { PrintedReadings } from './recent.ts'
import type { Covered, Tail } from './segment.ts'
import { STATE_SUM_ROW, StateSum } from './state-sum.ts'

/** Rows per INSERT: half the CPU of single rows (measured, docs/decisions/0003). */
const ROWS_PER_INSERT = 10
const COLUMNS_PER_ROW = 8
/** Pages in the write-ahead log after which it is copied into the file, once the commit has been answered. */
const CHECKPOINT_PAGES = 1000
/** A log longer than this means that some reader does not end. */
export const WAL_PAGES_MAX = 4096

const rowsSql = (rows: number): string =>
  `INSERT INTO reading (s, p, t, a, v, q, raw, more) VALUES ${Array(rows)
    .fill('(?,?,?,?,?,?,?,?)')
    .join(',')}`

/** A point as the packer numbered it, with its number in this file and its newest slot. */
export interface PortPoint {
  readonly name: string
  /** Number in the hot file, 0 until it has one. */
  id: number
  covered: Mutable<Covered> | undefined
}

/** A quality as the packer numbered it. */
export interface PortQuality {
  readonly name: string
  readonly parts: QualityParts
  id: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export const portQuality = (name: string): PortQuality => ({
  name,
  parts: qualityParts(name),
  id: 0,
})

/** What the journal shares with its hot file while a commit is written. */
export interface CommitContext {
  readonly points: readonly PortPoint[]
  readonly qualities: readonly PortQuality[]
  readonly coverage: Map<string, Mutable<Covered>>
}

/** How the chain stands after a commit, and the last record of each stream in it (0 when it has none). */
export interface Written extends ChainPosition {
  readonly lastReading: number
  readonly lastEvent: number
  readonly printed: PrintedReadings
}

/** Rows on their way into the reading table, ten at a time. */
class ReadingRows {
  readonly #many: Statement
  readonly #one: Statement
  #pending: unknown[] = []

  constructor(db: Db) {
    this.#many = db.prepare(rowsSql(ROWS_PER_INSERT))
    this.#one = db.prepare(rowsSql(1))
  }

  push(s: number, p: number, q: number, from: PackedReadings): void {
    this.#pending.push(s, p, from.t, from.a, from.v, q, from.raw, from.more)
    if (this.#pending.length < ROWS_PER_INSERT * COLUMNS_PER_ROW) return
    const rows = this.#pending
    this.#pending = []
    this.#many.run(rows)
  }

  flush(): void {
    const rows = this.#pending
    this.#pending = []
    for (let at = 0; at < rows.length; at += COLUMNS_PER_ROW)
      this.#one.run(rows.slice(at, at + COLUMNS_PER_ROW))
  }
}

/** Writes commits into one open journal file. */
export class HotFile {
  readonly name: string
  readonly #db: Db
  readonly #points: FileNames
  readonly #qualities: FileNames
  readonly #boots: FileNames
  readonly #rows: ReadingRows
  readonly #sql: Readonly<Record<'begin' | 'commit' | 'rollback', Statement>>
  readonly #insertEvent: Statement
  readonly #insertCommit: Statement
  readonly #insertTimeBase: Statement
  readonly #putState: Statement
  readonly #dropState: Statement
  readonly #putTail: Statement
  readonly #stateSum: StateSum
  #timeBase: number | undefined
  #pages = 0

  constructor(db: Db, name: string) {
    this.name = name
    this.#db = db
    this.#points = new FileNames(db, 'point')
    this.#qualities = new FileNames(db, 'quality')
    this.#boots = new FileNames(db, 'boot')
    this.#rows = new ReadingRows(db)
    this.#sql = {
      begin: db.prepare('BEGIN IMMEDIATE'),
      commit: db.prepare('COMMIT'),
      rollback: db.prepare('ROLLBACK'),
    }
    this.#insertEvent = db.prepare('INSERT INTO event (s, t, type, body) VALUES (?, ?, ?, ?)')
    this.#insertCommit = db.prepare(
      `INSERT INTO commits (first, last, wall, mono, boot, tb, readings, events, checks, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#insertTimeBase = db.prepare('INSERT INTO timebase (first, tb) VALUES (?, ?)')
    this.#putState = db.prepare(
      'INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    )
    this.#dropState = db.prepare('DELETE FROM state WHERE key = ?')
    const state = db.prepare('SELECT key, value FROM state').raw().all()
    this.#stateSum = new StateSum(state as [string, string][])
    this.#putTail = db.prepare(
      `INSERT INTO tail (id, seq, wall, mono, boot, tb) VALUES (1, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, wall = excluded.wall, mono = excluded.mono,
         boot = excluded.boot, tb = excluded.tb`,
    )
    const newest = db.prepare('SELECT tb FROM timebase ORDER BY first DESC LIMIT 1').raw().get()
    this.#timeBase = Array.isArray(newest) ? Number(newest[0]) : undefined
  }

  get db(): Db {
    return this.#db
  }

  /** One transaction. What is thrown inside or by the disk ends this file's use: nothing is tried twice. */
  transaction<T>(call: () => T): T {
    this.#sql.begin.run()
    try {
      const result = call()
      this.#sql.commit.run()
      return result
    } catch (thrown) {
      try {
        this.#sql.rollback.run()
      } catch {
        // SQLite has rolled back by itself; the first error is the one that tells.
      }
      throw thrown
    }
  }

  /** Writes the records of a commit and its link of the chain. Call within a transaction. */
  writeRecords(packed: PackedCommit, before: ChainPosition, context: CommitContext): Written {
    const cursor = new PackedReadings(packed)
    const seqs: number[] = []
    const starts: number[] = []
    const ends: number[] = []
    let lines = ''
    let events = 0
    let lastEvent = 0
    for (let at = 0; at < packed.count; at++) {
      const seq = packed.first + at
      const event = packed.events[events]
      if (event?.at === at) {
        lines += this.#writeEvent(seq, event)
        lastEvent = seq
        events++
        continue
      }
      const text = this.#writeReading(seq, cursor, context)
      seqs.push(seq)
      starts.push(lines.length)
      ends.push(lines.length + text.length)
      lines += readingLine(text, cursor.rawHex)
      cursor.next()
    }
    this.#rows.flush()
    const link = this.#link(packed, before, Buffer.from(lines))
    const printed = { tb: packed.tb, lines, seqs, starts, ends }
    return { ...link, printed, lastReading: seqs.at(-1) ?? 0, lastEvent }
  }

  #writeEvent(seq: number, { type, ts, body }: PackedEvent): string {
    this.#insertEvent.run(seq, ts, type, body)
    return eventLine(printStoredEvent(seq, type, ts, body))
  }

  #writeReading(seq: number, at: PackedReadings, context: CommitContext): string {
    const point = context.points[at.point]
    const quality = context.qualities[at.quality]
    assert(point !== undefined && quality !== undefined, 'a packed name has no entry')
    if (point.id === 0) point.id = this.#points.id(point.name)
    if (quality.id === 0) quality.id = this.#qualities.id(quality.name)
    const { t, a, v, more } = at
    this.#rows.push(seq, point.id, quality.id, at)
    coverPoint(context.coverage, point, t, slotsOf(more))
    return printColumns(seq, { point: point.name, t, a, v, quality: quality.parts, more })
  }

  #link(packed: PackedCommit, before: ChainPosition, lines: Buffer): ChainPosition {
    const { first, tb, bootId: boot } = packed
    const last = first + packed.count - 1
    const { wall, mono } = packed.at
    const hash = commitHash(before.hash, { first, last, wall, mono, boot, tb }, lines)
    const readings = before.readings + packed.readings
    const events = before.events + packed.count - packed.readings
    if (this.#timeBase !== tb) this.#insertTimeBase.run(first, tb)
    this.#timeBase = tb
    const bootNumber = this.#boots.id(boot)
    this.#insertCommit.run(
      ...[first, last, wall, mono, bootNumber, tb],
      ...[readings, events, lineChecks(lines, packed.count), hash],
    )
    this.#pages += 4 + Math.ceil((packed.readings * 48) / 4096) + 2 * packed.events.length
    return { seq: last, hash, readings, events }
  }

  /** Writes the state a commit leads to. Call within the same transaction. */
  writeState(changes: PackedCommit['state']): void {
    if (changes.length === 0) return
    for (const [key, value] of changes) {
      this.#stateSum.set(key, value)
      if (value === null) this.#dropState.run(key)
      else this.#putState.run(key, value)
    }
    this.#putState.run(STATE_SUM_ROW, this.#stateSum.text)
    this.#pages += changes.length + 1
  }

  /** Writes down a moment lived through without a record. Call within a transaction. */
  writeTail({ seq, at, bootId, tb }: Tail): void {
    this.#putTail.run(seq, at.wall, at.mono, bootId, tb)
    this.#pages += 1
  }

  /** Replaces the snapshot of the newest slots. Call within a transaction. */
  writeCoverage(coverage: ReadonlyMap<string, Covered>, through: number, tb: number): void {
    this.#db.exec('DELETE FROM coverage; DELETE FROM coverage_mark')
    const put = this.#db.prepare('INSERT INTO coverage (p, t, slots) VALUES (?, ?, ?)')
    for (const [name, { t, slots }] of coverage) put.run(this.#points.id(name), t, slots)
    this.#db
      .prepare('INSERT INTO coverage_mark (id, through, tb) VALUES (1, ?, ?)')
      .run(through, tb)
    this.#pages += 2 + Math.ceil(coverage.size / 100)
  }

  /** Notes in the register of earlier files that one was sealed. */
  noteSealed(ordinal: number, sha256: string, bytes: number, sealed: number): void {
    this.transaction(() => {
      this.#db
        .prepare('UPDATE segment SET sha256 = ?, bytes = ?, sealed = ? WHERE ordinal = ?')
        .run(sha256, bytes, sealed, ordinal)
    })
  }

  /** Copies the write-ahead log into the file when it has grown; tells the pages that a reader keeps it from. */
  checkpointWhenDue(): number {
    if (this.#pages < CHECKPOINT_PAGES) return 0
    this.#pages = 0
    const row = this.#db.prepare('PRAGMA wal_checkpoint(PASSIVE)').raw().get() as number[]
    const [busy = 0, pages = 0, copied = 0] = row
    return busy !== 0 || copied < pages ? pages - copied : 0
  }

  close(): void {
    this.#db.close()
  }
}

/** Walks the readings of a packed commit; the fields are the columns of the present one. */
class PackedReadings {
  readonly #columns: Columns
  readonly #more: ReadonlyMap<number, string>
  readonly #rawHex: string
  #index = 0
  #rawAt = 0

  constructor(packed: PackedCommit) {
    this.#columns = viewColumns(packed.buffer, packed.readings)
    const { raw } = this.#columns
    this.#rawHex = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('hex')
    this.#more = new Map(packed.more)
  }

  next(): void {
    this.#rawAt += Math.max(0, this.#columns.rawLength[this.#index] ?? 0)
    this.#index++
  }

  get t(): number {
    return this.#columns.t[this.#index] ?? Number.NaN
  }

  get a(): number | null {
    return present(this.#columns.a[this.#index])
  }

  get v(): number | null {
    return present(this.#columns.v[this.#index])
  }

  get point(): number {
    return this.#columns.point[this.#index] ?? -1
  }

  get quality(): number {
    return this.#columns.quality[this.#index] ?? -1
  }

  get more(): string | null {
    return this.#more.get(this.#index) ?? null
  }

  get rawHex(): string | undefined {
    const length = this.#columns.rawLength[this.#index] ?? -1
    const at = this.#rawAt * 2
    return length < 0 ? undefined : this.#rawHex.slice(at, at + length * 2)
  }

  get raw(): Buffer | null {
    const length = this.#columns.rawLength[this.#index] ?? -1
    const { raw } = this.#columns
    return length < 0 ? null : Buffer.from(raw.buffer, raw.byteOffset + this.#rawAt, length)
  }
}

const present = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : value

function coverPoint(
  coverage: Map<string, Mutable<Covered>>,
  point: PortPoint,
  t: number,
  slots: number,
): void {
  const known = point.covered ?? coverage.get(point.name)
  if (known === undefined) {
    point.covered = { t, slots }
    coverage.set(point.name, point.covered)
    return
  }
  point.covered = known
  if (t < known.t || (t === known.t && slots <= known.slots)) return
  known.t = t
  known.slots = slots
}
