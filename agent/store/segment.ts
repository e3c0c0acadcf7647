// One journal file ("segment"): its name, its pragmas, and how a new one comes into being whole.
// It never writes a record; the pragmas it sets are read back on every open (URS-47).

import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Origin } from '#core/point.ts'
import type { Instant } from '#core/time.ts'
import type { Db, Disk } from './disk.ts'
import { STATE_SUM_ROW, StateSum } from './state-sum.ts'
import { StoreError } from './store-error.ts'

/** 'CREM' — cleanroom environmental monitoring. */
const APPLICATION_ID = 0x4352_454d
const SCHEMA_VERSION = 1
/** SQLite before this can lose a WAL that two connections share (sqlite.org/wal.html#walresetbug). */
const SQLITE_VERSION_MIN = [3, 51, 3] as const
const WAL_BYTES_LIMIT = 64 * 1024 * 1024
/** A backstop only: the journal checkpoints by itself after fewer pages. */
const WAL_AUTOCHECKPOINT_PAGES = 4000
const CACHE_KIB = 2048
const TEMPORARY_NAME = 'new.tmp'

const SCHEMA = readFileSync(path.join(import.meta.dirname, 'schema/001-journal.sql'), 'utf8')

/** Where a file begins. Counts are of the epoch. */
export interface Base {
  readonly epoch: string
  readonly origin: Origin
  readonly ordinal: number
  /** UTC day as yyyymmdd. */
  readonly day: number
  readonly seq: number
  readonly hash: Uint8Array
  readonly readings: number
  readonly events: number
  readonly lastReading: number
  readonly lastEvent: number
}

/** A file that is written no more. */
export interface ClosedSegment {
  readonly ordinal: number
  readonly name: string
  readonly first: number
  readonly last: number
  readonly readings: number
  readonly events: number
  readonly lastReading: number
  readonly lastEvent: number
  readonly hash: Uint8Array
  /** Of the whole sealed file; null until it is sealed. */
  readonly sha256: string | null
  readonly bytes: number | null
  readonly sealed: number | null
}

/** The last moment lived through, with the sequence number reached and the time base. */
export interface Tail {
  readonly seq: number
  readonly at: Instant
  readonly bootId: string
  readonly tb: number
}

export interface Covered {
  readonly t: number
  readonly slots: number
}

/** All that a new file starts with. */
export interface SegmentStart {
  readonly base: Base
  readonly tb: number
  readonly tail: Tail | undefined
  readonly state: ReadonlyMap<string, string>
  readonly coverage: ReadonlyMap<string, Covered>
  readonly closed: readonly ClosedSegment[]
}

const NAME = /^journal-(\d{6})-(\d{8})\.db$/

/** `journal-000012-20251122.db`: ordinal for the order, day for people. */
export const segmentName = (ordinal: number, day: number): string =>
  `journal-${String(ordinal).padStart(6, '0')}-${String(day).padStart(8, '0')}.db`

/** Names of complete journal files in a directory, oldest first. */
export const segmentNames = (names: readonly string[]): string[] =>
  names.filter((name) => NAME.test(name)).sort()

/** Ordinal of a journal file by its name. */
export const segmentOrdinal = (name: string): number => Number(NAME.exec(name)?.[1])

const DAY_MAX = 9999_12_31

/** UTC day of a wall time as yyyymmdd; a clock beyond all sense counts as the last day that a name can hold. */
export function dayOf(wallMs: number): number {
  const date = new Date(wallMs)
  const day = date.getUTCFullYear() * 10_000 + (date.getUTCMonth() + 1) * 100 + date.getUTCDate()
  return day >= 0 && day <= DAY_MAX ? day : wallMs < 0 ? 0 : DAY_MAX
}

/** The single value a pragma answers. */
export function pragma(db: Db, text: string): unknown {
  const row = db.prepare(`PRAGMA ${text}`).raw().get()
  return Array.isArray(row) ? row[0] : undefined
}

function set(db: Db, name: string, value: string | number, reads: string | number = value): void {
  db.exec(`PRAGMA ${name}=${value}`)
  const found = pragma(db, name)
  if (found !== reads) {
    throw new StoreError(
      'version',
      `SQLite keeps ${name} at ${String(found)} instead of ${value}; the journal is not safe on it`,
    )
  }
}

function assertSqliteVersion(db: Db): void {
  const row = db.prepare('SELECT sqlite_version()').raw().get()
  const text = Array.isArray(row) ? String(row[0]) : ''
  const version = text.split('.').map(Number)
  const difference = SQLITE_VERSION_MIN.map((least, index) => (version[index] ?? 0) - least)
  if ((difference.find((step) => step !== 0) ?? 0) < 0) {
    throw new StoreError(
      'version',
      `SQLite ${text} can lose commits; ${SQLITE_VERSION_MIN.join('.')} or newer is needed`,
    )
  }
}

/** Refuses a file that is not a journal of this version. */
export function assertJournalFile(db: Db, name: string): void {
  assertSqliteVersion(db)
  const application = pragma(db, 'application_id')
  const version = pragma(db, 'user_version')
  if (application !== APPLICATION_ID)
    throw new StoreError('corrupt', `${name} is not a journal of this agent; move it aside`, {
      file: name,
    })
  if (version !== SCHEMA_VERSION) {
    throw new StoreError(
      'version',
      `${name} has journal version ${String(version)}, this program writes ${SCHEMA_VERSION}; use the program that wrote it`,
      { file: name },
    )
  }
}

export interface OpenOptions {
  /** Quota of one file in pages of 4 KiB; SQLITE_FULL beyond. Absent: as much as the disk holds. */
  readonly pagesMax?: number | undefined
}

/**
 * Makes durable what an earlier process may have written and not synced: killed between the two, it leaves a commit that every reader
 * sees and that the next power loss takes. What a start finds counts as kept, so it has to be.
 */
export function makeDurable(disk: Disk, file: string): void {
  for (const each of [file, `${file}-wal`]) if (disk.size(each) !== undefined) disk.syncFile(each)
  disk.syncDirectory(path.dirname(file))
}

/** Opens an existing file to be written, with every pragma set and read back. */
export function openForWriting(disk: Disk, file: string, options: OpenOptions = {}): Db {
  const db = disk.open(file, 'write')
  try {
    assertJournalFile(db, path.basename(file))
    set(db, 'journal_mode', 'wal')
    set(db, 'synchronous', 'FULL', 2)
    set(db, 'trusted_schema', 'OFF', 0)
    set(db, 'cell_size_check', 'ON', 1)
    set(db, 'temp_store', 'MEMORY', 2)
    set(db, 'cache_size', -CACHE_KIB)
    set(db, 'mmap_size', 0)
    set(db, 'journal_size_limit', WAL_BYTES_LIMIT)
    set(db, 'wal_autocheckpoint', WAL_AUTOCHECKPOINT_PAGES)
    if (options.pagesMax !== undefined) db.exec(`PRAGMA max_page_count=${options.pagesMax}`)
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

/**
 * Opens a file to be read only. Readers are short: whole result sets, never an open cursor. Where a seal was cut short by a
 * kill or by power, SQLite has first to take back what it had begun, which changes no record.
 */
export function openForReading(disk: Disk, file: string): Db {
  try {
    return openReader(disk, file)
  } catch (thrown) {
    if (!isCutShort(thrown)) throw thrown
    const db = disk.open(file, 'write')
    try {
      assertJournalFile(db, path.basename(file))
    } finally {
      db.close()
    }
    return openReader(disk, file)
  }
}

/** SQLite refuses to read a file with a transaction that was cut short (a hot journal) where it may not write. */
const isCutShort = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  'code' in thrown &&
  typeof thrown.code === 'string' &&
  thrown.code.startsWith('SQLITE_READONLY')

function openReader(disk: Disk, file: string): Db {
  const db = disk.open(file, 'read')
  try {
    assertJournalFile(db, path.basename(file))
    set(db, 'trusted_schema', 'OFF', 0)
    set(db, 'cell_size_check', 'ON', 1)
    set(db, 'cache_size', -CACHE_KIB)
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

/** Removes what a creation that was cut short has left behind. */
export function removeUnfinished(disk: Disk, directory: string): void {
  for (const name of disk.list(directory)) {
    if (name.startsWith(TEMPORARY_NAME)) disk.remove(path.join(directory, name))
  }
}

function insertBase(db: Db, base: Base): void {
  db.prepare(
    `INSERT INTO base (id, epoch, origin, ordinal, day, seq, hash, readings, events, last_reading, last_event)
     VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    base.epoch,
    base.origin,
    base.ordinal,
    base.day,
    base.seq,
    base.hash,
    base.readings,
    base.events,
    base.lastReading,
    base.lastEvent,
  )
}

function insertCoverage(db: Db, start: SegmentStart): void {
  const point = db.prepare('INSERT INTO point (id, name) VALUES (?, ?)')
  const coverage = db.prepare('INSERT INTO coverage (p, t, slots) VALUES (?, ?, ?)')
  let id = 0
  for (const [name, { t, slots }] of start.coverage) {
    id++
    point.run(id, name)
    coverage.run(id, t, slots)
  }
  db.prepare('INSERT INTO coverage_mark (id, through, tb) VALUES (1, ?, ?)').run(
    start.base.seq,
    start.tb,
  )
}

function insertStart(db: Db, start: SegmentStart): void {
  insertBase(db, start.base)
  insertCoverage(db, start)
  const state = db.prepare('INSERT INTO state (key, value) VALUES (?, ?)')
  for (const [key, value] of start.state) state.run(key, value)
  state.run(STATE_SUM_ROW, new StateSum(start.state).text)
  const closed = db.prepare(
    `INSERT INTO segment (ordinal, name, first, last, readings, events, last_reading, last_event, hash, sha256, bytes, sealed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  for (const segment of start.closed) {
    const { ordinal, name, first, last, readings, events, lastReading, lastEvent } = segment
    const { hash, sha256, bytes, sealed } = segment
    closed.run(
      ...[ordinal, name, first, last, readings, events, lastReading, lastEvent],
      ...[hash, sha256, bytes, sealed],
    )
  }
  const { tail } = start
  if (tail === undefined) return
  const { seq, at, bootId, tb } = tail
  db.prepare('INSERT INTO tail (id, seq, wall, mono, boot, tb) VALUES (1, ?, ?, ?, ?, ?)').run(
    seq,
    at.wall,
    at.mono,
    bootId,
    tb,
  )
}

/**
 * Makes a new file whole under a temporary name, makes it durable, and gives it its name in one step.
 * Interrupted anywhere, the file that was written before is still the newest complete one.
 */
export function createSegment(disk: Disk, directory: string, start: SegmentStart): string {
  removeUnfinished(disk, directory)
  const temporary = path.join(directory, TEMPORARY_NAME)
  const db = disk.open(temporary, 'create')
  try {
    assertSqliteVersion(db)
    set(db, 'page_size', 4096)
    set(db, 'synchronous', 'FULL', 2)
    db.exec('BEGIN IMMEDIATE')
    db.exec(SCHEMA)
    insertStart(db, start)
    set(db, 'application_id', APPLICATION_ID)
    set(db, 'user_version', SCHEMA_VERSION)
    db.exec('COMMIT')
    set(db, 'journal_mode', 'wal')
  } finally {
    db.close()
  }
  disk.syncFile(temporary)
  const name = segmentName(start.base.ordinal, start.base.day)
  disk.rename(temporary, path.join(directory, name))
  disk.syncDirectory(directory)
  return name
}
