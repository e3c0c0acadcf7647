// What the newest journal file says about where things stopped: chain head, state, coverage, time base.
// It only reads, within named bounds, and refuses a file that is damaged or does not fit its predecessor.

import path from 'node:path'
import { auditCommits, type ChainPosition } from './audit.ts'
import { slotsOf } from './columns.ts'
import type { Db, Disk } from './disk.ts'
import { readNames } from './names.ts'
import {
  type Base,
  type ClosedSegment,
  type Covered,
  openForReading,
  pragma,
  type Tail,
} from './segment.ts'
import { takeSum } from './state-sum.ts'
import { StoreError, toStoreError } from './store-error.ts'

/** Records whose chain is recomputed at every start; `verify` walks all of them. */
export const CHECKED_RECORDS_MAX = 20_000
/** A bigger file has only its small tables checked at the start; sealing checks the whole. */
const QUICK_CHECK_BYTES_MAX = 192 * 1024 * 1024
const COVERAGE_ROWS_PER_READ = 10_000

/** What a journal file holds beside its records. */
export interface HotFacts {
  readonly base: Base
  readonly head: ChainPosition
  readonly lastReading: number
  readonly lastEvent: number
  readonly tb: number
  readonly tail: Tail | undefined
  readonly state: Map<string, string>
  readonly coverage: Map<string, Covered>
  readonly coverageThrough: number
  readonly closed: ClosedSegment[]
  /** What is wrong with the file before this one, where something is. */
  readonly damaged: Damaged[]
}

/** An earlier file that is damaged, and how. */
export interface Damaged {
  readonly file: string
  readonly message: string
}

const corrupt = (name: string, what: string): StoreError =>
  new StoreError(
    'corrupt',
    `${name}: ${what}; keep a copy of it, with its -wal and -shm, for QA and look at the medium`,
    { file: name },
  )

/** SQLite's own check: of the whole file up to a size, of the small tables beyond. */
export function quickCheck(db: Db, name: string, bytes: number): void {
  const targets = bytes <= QUICK_CHECK_BYTES_MAX ? [''] : ['(state)', '(event)', '(coverage)']
  for (const target of targets) {
    const answer = pragma(db, `quick_check${target}`)
    if (answer !== 'ok')
      throw corrupt(name, `quick_check says ${String(answer).replaceAll(/\s+/g, ' ')}`)
  }
}

/** The row that says where a file begins. */
export function readBase(db: Db, name: string): Base {
  const row = db
    .prepare(
      `SELECT epoch, origin, ordinal, day, seq, hash, readings, events,
              last_reading AS lastReading, last_event AS lastEvent FROM base`,
    )
    .get() as Base | undefined
  if (row === undefined) throw corrupt(name, 'it does not say where it begins')
  return row
}

/** Chain position after the newest commit that begins below `before`, or that of the file's beginning. */
function positionBefore<B extends Base | undefined>(
  db: Db,
  base: B,
  before: number,
): ChainPosition | B {
  const row = db
    .prepare(
      `SELECT last AS seq, hash, readings, events FROM commits WHERE first < ? ORDER BY first DESC LIMIT 1`,
    )
    .get(before) as ChainPosition | undefined
  return row ?? base
}

/** Chain position at the end of a file, as its last row says; where it has none, it is that of its beginning. */
export const endPosition = <B extends Base | undefined>(db: Db, base: B): ChainPosition | B =>
  positionBefore(db, base, Number.MAX_SAFE_INTEGER)

function checkTailOfChain(db: Db, name: string, base: Base, end: ChainPosition): void {
  const from = positionBefore(db, base, Math.max(base.seq + 1, end.seq - CHECKED_RECORDS_MAX))
  const result = auditCommits(db, from)
  if ('kind' in result) throw corrupt(name, result.message)
}

const greatest = (db: Db, table: 'reading' | 'event'): number | undefined => {
  const row = db.prepare(`SELECT max(s) FROM ${table}`).raw().get() as [number | null] | undefined
  return row?.[0] ?? undefined
}

interface CommitMoment {
  readonly seq: number
  readonly wall: number
  readonly mono: number
  readonly boot: string
  readonly tb: number
}

export function readTail(db: Db): Tail | undefined {
  const commit = db
    .prepare(
      `SELECT last AS seq, wall, mono, name AS boot, tb
       FROM commits JOIN boot ON boot.id = commits.boot ORDER BY first DESC LIMIT 1`,
    )
    .get() as CommitMoment | undefined
  const tail = db.prepare('SELECT seq, wall, mono, boot, tb FROM tail').get() as
    | CommitMoment
    | undefined
  const newest = tail !== undefined && tail.seq >= (commit?.seq ?? 0) ? tail : commit
  if (newest === undefined) return undefined
  const { seq, wall, mono, boot, tb } = newest
  return { seq, at: { wall, mono }, bootId: boot, tb }
}

/** Takes a reading into the coverage: the newest slot counts, at equal times the longer record. */
export function cover(
  coverage: Map<string, Covered>,
  point: string,
  t: number,
  slots: number,
): void {
  const known = coverage.get(point)
  if (known === undefined || t > known.t || (t === known.t && slots > known.slots))
    coverage.set(point, { t, slots })
}

/** First sequence number of the current time base in this file. */
function timeBaseStart(db: Db, base: Base): number {
  const row = db.prepare('SELECT max(first) FROM timebase').raw().get() as [number | null]
  return row[0] ?? base.seq + 1
}

export function readCoverage(
  db: Db,
  base: Base,
  tb: number,
): Pick<HotFacts, 'coverage' | 'coverageThrough'> {
  const names = readNames(db, 'point')
  const mark = db.prepare('SELECT through, tb FROM coverage_mark').get() as
    | { through: number; tb: number }
    | undefined
  const coverage = new Map<string, Covered>()
  const current = mark !== undefined && mark.tb === tb
  if (current) {
    const rows = db.prepare('SELECT p, t, slots FROM coverage').raw().all()
    for (const [p, t, slots] of rows as [number, number, number][])
      coverage.set(names.get(p) ?? '', { t, slots })
  }
  const coverageThrough = mark?.through ?? base.seq
  coverFrom(db, names, coverage, current ? coverageThrough : timeBaseStart(db, base) - 1)
  return { coverage, coverageThrough }
}

/** Takes the readings above a sequence number into the coverage. */
function coverFrom(
  db: Db,
  names: ReadonlyMap<number, string>,
  coverage: Map<string, Covered>,
  above: number,
): void {
  const read = db
    .prepare(
      `SELECT s, p, t, more FROM reading WHERE s > ? ORDER BY s LIMIT ${COVERAGE_ROWS_PER_READ}`,
    )
    .raw()
  for (let after = above; ; ) {
    const rows = read.all(after) as [number, number, number, string | null][]
    if (rows.length === 0) return
    for (const [s, p, t, more] of rows) {
      cover(coverage, names.get(p) ?? '', t, slotsOf(more))
      after = s
    }
  }
}

/**
 * Newest slots by the newest records of a damaged file; undefined where one of these is missing. What it wrote down of older ones is held
 * to nothing. A start that went on from less than was covered would claim downtime for slots that have a record.
 */
export function recordedCoverage(db: Db, base: Base): Map<string, Covered> | undefined {
  const coverage = new Map<string, Covered>()
  const end = endPosition(db, base).seq
  const above = Math.max(timeBaseStart(db, base) - 1, end - CHECKED_RECORDS_MAX)
  const [there] = db
    .prepare(
      `SELECT (SELECT count(*) FROM reading WHERE s > ?) + (SELECT count(*) FROM event WHERE s > ?)`,
    )
    .raw()
    .get(above, above) as [number]
  if (there !== end - above) return undefined
  coverFrom(db, readNames(db, 'point'), coverage, above)
  return coverage
}

/** The register of the files before this one, oldest first. */
export function readClosed(db: Db): ClosedSegment[] {
  return db
    .prepare(
      `SELECT ordinal, name, first, last, readings, events, last_reading AS lastReading,
              last_event AS lastEvent, hash, sha256, bytes, sealed FROM segment ORDER BY ordinal`,
    )
    .all() as ClosedSegment[]
}

/** The rows of the state, when they are what was written. */
export function readState(db: Db, name: string): Map<string, string> {
  const rows = db.prepare('SELECT key, value FROM state').raw().all() as [string, string][]
  const state = new Map(rows)
  if (!takeSum(state)) throw corrupt(name, 'a row of the state is not what was written')
  return state
}

/** The file before must end exactly where this one begins; else it is damaged, or one of the two was exchanged. */
function checkPredecessor(
  disk: Disk,
  directory: string,
  base: Base,
  closed: ClosedSegment[],
): Damaged[] {
  const previous = closed.at(-1)
  if (previous === undefined) return []
  const { name: file } = previous
  if (disk.size(path.join(directory, file)) === undefined) return []
  try {
    const db = openForReading(disk, path.join(directory, file))
    try {
      const before = readBase(db, file)
      const end = endPosition(db, before)
      const fits = end.seq === base.seq && Buffer.compare(end.hash, base.hash) === 0
      if (fits && before.epoch === base.epoch) return []
      const message = `${file} ends at record ${end.seq}, but the file after it begins after ${base.seq}`
      return [{ file, message }]
    } finally {
      db.close()
    }
  } catch (thrown) {
    const error = toStoreError(thrown, `read ${file}`)
    if (!(error instanceof StoreError)) throw thrown
    return [{ file, message: error.message }]
  }
}

/** Reads and checks the newest file. Throws StoreError `corrupt` in words where it cannot be gone on from. */
export function readHot(disk: Disk, directory: string, name: string, db: Db): HotFacts {
  quickCheck(db, name, disk.size(path.join(directory, name)) ?? 0)
  const base = readBase(db, name)
  const head = endPosition(db, base)
  checkTailOfChain(db, name, base, head)
  const closed = readClosed(db)
  const damaged = checkPredecessor(disk, directory, base, closed)
  const tail = readTail(db)
  const tb = tail?.tb ?? 0
  const state = readState(db, name)
  return {
    base,
    head,
    lastReading: greatest(db, 'reading') ?? base.lastReading,
    lastEvent: greatest(db, 'event') ?? base.lastEvent,
    tb,
    tail,
    state,
    ...readCoverage(db, base, tb),
    closed,
    damaged,
  }
}
