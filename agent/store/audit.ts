// Recomputes the hash chain over commits of one file and names the first record that is not what it was (URS-46).
// It only reads; what follows from a fault (refusing to start, a report) is decided by its callers.

import {
  type CommitHeader,
  commitHash,
  eventLine,
  lineCheck,
  lineChecks,
  readingLine,
} from './chain.ts'
import { printColumns, printStoredEvent, type QualityParts, qualityParts } from './columns.ts'
import type { Db, Statement } from './disk.ts'
import { readNames } from './names.ts'

/** The first thing that does not fit, and where. `seq` is the first record concerned, `through` the last. */
export interface ChainFault {
  readonly kind: 'altered' | 'removed' | 'reordered' | 'added'
  readonly seq: number
  readonly through: number
  readonly message: string
}

/** Where the chain stands after a commit (or before the first one of a file). */
export interface ChainPosition {
  readonly seq: number
  readonly hash: Uint8Array
  readonly readings: number
  readonly events: number
}

interface CommitRow extends CommitHeader {
  readonly readings: number
  readonly events: number
  readonly checks: Buffer
  readonly hash: Buffer
}

/** A record of the file: its line as it would stand at any sequence number. */
interface StoredRecord {
  readonly seq: number
  readonly kind: 'reading' | 'event'
  lineAt(seq: number): string
}

/** Commits read at a time, and records read at a time within them. */
const COMMITS_PER_PAGE = 500
/** Altered records of one commit that are compared with one another to tell a reordering. */
const REORDERED_MAX = 64

const fault = (
  kind: ChainFault['kind'],
  seq: number,
  through: number,
  message: string,
): ChainFault => ({ kind, seq, through, message })

const span = (first: number, last: number): string =>
  first === last ? `record ${first}` : `records ${first}–${last}`

class FileReader {
  readonly #points: ReadonlyMap<number, string>
  readonly #qualities: ReadonlyMap<number, QualityParts>
  readonly #boots: ReadonlyMap<number, string>
  readonly #commits: Statement
  readonly #readings: Statement
  readonly #events: Statement

  constructor(db: Db) {
    this.#points = readNames(db, 'point')
    this.#qualities = new Map(
      [...readNames(db, 'quality')].map(([id, name]) => [id, qualityParts(name)]),
    )
    this.#boots = readNames(db, 'boot')
    this.#commits = db
      .prepare(
        `SELECT first, last, wall, mono, boot, tb, readings, events, checks, hash
         FROM commits WHERE first > ? ORDER BY first LIMIT ${COMMITS_PER_PAGE}`,
      )
      .raw()
    this.#readings = db
      .prepare('SELECT s, p, t, a, v, q, raw, more FROM reading WHERE s BETWEEN ? AND ? ORDER BY s')
      .raw()
    this.#events = db
      .prepare('SELECT s, t, type, body FROM event WHERE s BETWEEN ? AND ? ORDER BY s')
      .raw()
  }

  commitsAfter(first: number): CommitRow[] {
    const rows = this.#commits.all(first) as [
      ...[number, number, number, number, number, number, number, number],
      ...[Buffer, Buffer],
    ][]
    return rows.map(([at, last, wall, mono, boot, tb, readings, events, checks, hash]) => ({
      ...{ first: at, last, wall, mono, boot: this.#boots.get(boot) ?? '', tb },
      ...{ readings, events, checks, hash },
    }))
  }

  records(first: number, last: number): StoredRecord[] {
    const readings = this.#readings.all(first, last) as [
      ...[number, number, number, number | null, number | null, number],
      ...[Buffer | null, string | null],
    ][]
    const records: StoredRecord[] = readings.map(([seq, p, t, a, v, q, raw, more]) => {
      const point = this.#points.get(p) ?? ''
      const quality = this.#qualities.get(q) ?? qualityParts('')
      const columns = { point, t, a, v, quality, more }
      return {
        seq,
        kind: 'reading',
        lineAt: (at) => readingLine(printColumns(at, columns), raw?.toString('hex')),
      }
    })
    const events = this.#events.all(first, last) as [number, number, string, string][]
    if (events.length === 0) return records
    for (const [seq, t, type, body] of events) {
      records.push({
        seq,
        kind: 'event',
        lineAt: (at) => eventLine(printStoredEvent(at, type, t, body)),
      })
    }
    return records.sort((one, other) => one.seq - other.seq)
  }
}

/** Holes and doubles among the records of a commit. */
function checkNumbers(commit: CommitRow, records: readonly StoredRecord[]): ChainFault | undefined {
  let expected = commit.first
  for (const { seq } of records) {
    if (seq > expected)
      return fault('removed', expected, seq - 1, `${span(expected, seq - 1)} removed`)
    if (seq < expected) return fault('added', seq, seq, `record ${seq} stands in the file twice`)
    expected++
  }
  if (expected <= commit.last) {
    const message = `${span(expected, commit.last)} removed`
    return fault('removed', expected, commit.last, message)
  }
  return undefined
}

/** The altered records of a commit, by the check of each line; tells a swap from an alteration. */
function nameAltered(
  commit: CommitRow,
  records: readonly StoredRecord[],
  lines: readonly string[],
): ChainFault {
  const { checks } = commit
  const altered = records.filter(
    (_record, index) => lineCheck(lines[index] ?? '') !== checks.readUInt32LE(index * 4),
  )
  const first = altered[0]
  if (first === undefined) {
    const message = `${span(commit.first, commit.last)}: a record or the commit they share was altered`
    return fault('altered', commit.first, commit.last, message)
  }
  const wanted = checks.readUInt32LE((first.seq - commit.first) * 4)
  const moved = altered
    .slice(1, REORDERED_MAX)
    .find((other) => lineCheck(other.lineAt(first.seq)) === wanted)
  if (moved !== undefined) {
    const message = `record ${first.seq} was reordered: it stands at ${moved.seq}`
    return fault('reordered', first.seq, moved.seq, message)
  }
  return fault('altered', first.seq, first.seq, `record ${first.seq} was altered`)
}

function checkCommit(
  reader: FileReader,
  before: ChainPosition,
  commit: CommitRow,
): ChainFault | ChainPosition {
  if (commit.first !== before.seq + 1 || commit.last < commit.first) {
    return commit.first > before.seq + 1
      ? fault(
          'removed',
          before.seq + 1,
          commit.first - 1,
          `${span(before.seq + 1, commit.first - 1)} removed`,
        )
      : fault(
          'added',
          commit.first,
          commit.last,
          `commit of ${span(commit.first, commit.last)} added`,
        )
  }
  const records = reader.records(commit.first, commit.last)
  const numbers = checkNumbers(commit, records)
  if (numbers !== undefined) return numbers
  const lines = records.map((record) => record.lineAt(record.seq))
  const bytes = Buffer.from(lines.join(''))
  const hash = commitHash(before.hash, commit, bytes)
  const wholeChecks = commit.checks.length === records.length * 4
  if (!hash.equals(commit.hash)) {
    if (wholeChecks) return nameAltered(commit, records, lines)
    const message = `${span(commit.first, commit.last)}: their commit was altered`
    return fault('altered', commit.first, commit.last, message)
  }
  const events = records.reduce((sum, { kind }) => sum + (kind === 'event' ? 1 : 0), 0)
  const after: ChainPosition = {
    seq: commit.last,
    hash,
    readings: before.readings + records.length - events,
    events: before.events + events,
  }
  const counted = after.readings === commit.readings && after.events === commit.events
  const checked = lineChecks(bytes, records.length).equals(commit.checks)
  if (counted && checked) return after
  const message = `the counts or checks of the commit of ${span(commit.first, commit.last)} were altered`
  return fault('altered', commit.first, commit.last, message)
}

/** A record that no commit holds, in one statement, so that a journal in use can be checked. */
function firstBeyond(db: Db, seq: number): number | undefined {
  const last = `(SELECT coalesce(max(last), ${seq}) FROM commits)`
  const [found] = db
    .prepare(
      `SELECT min(s) FROM (SELECT min(s) AS s FROM reading WHERE s > ${last}
       UNION ALL SELECT min(s) FROM event WHERE s > ${last})`,
    )
    .raw()
    .get() as [number | null]
  return found ?? undefined
}

/**
 * Walks the commits after a position to the end of the file: the first fault, or where the chain ends.
 * `visit` is shown each position that holds.
 */
export function auditCommits(
  db: Db,
  from: ChainPosition,
  visit: (position: ChainPosition) => void = () => {},
): ChainFault | ChainPosition {
  const reader = new FileReader(db)
  let position = from
  for (;;) {
    const page = reader.commitsAfter(position.seq)
    if (page.length === 0) break
    for (const commit of page) {
      const result = checkCommit(reader, position, commit)
      if ('kind' in result) return result
      position = result
      visit(position)
    }
  }
  const beyond = firstBeyond(db, from.seq)
  if (beyond === undefined) return position
  return fault('added', beyond, beyond, `record ${beyond} stands in no commit`)
}
