// Gets every record that can still be read out of a damaged journal file, by ranges of sequence numbers, into a file of lines
// beside it. It changes nothing of what it reads, and proves nothing: what was got out is not checked against the chain.

import { closeSync, fsyncSync, openSync, renameSync, statfsSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { Salvaged } from '#ports/store.ts'
import { printColumns, printStoredEvent, qualityParts } from './columns.ts'
import { attempt } from './damage.ts'
import type { Db, Disk } from './disk.ts'
import { SEGMENT_RECORDS_MAX } from './journal.ts'
import { Ranges } from './losses.ts'
import { readNames } from './names.ts'
import { SALVAGED_RECORDS } from './quarantine.ts'
import { readBase } from './recover.ts'
import { segmentNames } from './segment.ts'

/** Rows read at a time. */
const ROWS_PER_READ = 2000
/** Reads that may fail before the rest is given up: some seconds of bisecting. */
const FAILURES_MAX = 50_000
/** Ranges that cannot be read which are named one by one. */
const LOST_NAMED_MAX = 100
/** A record as a line is about three times its size on file. */
const BYTES_AS_LINES = 3
const WRITE_CHUNK = 256 * 1024

/** The readable rows of a table between two sequence numbers, in order; `lost` is told what cannot be read. */
function salvageRows<Row extends readonly unknown[]>(
  read: (from: number, through: number) => readonly Row[],
  range: { readonly from: number; readonly through: number },
  row: (row: Row) => void,
  lost: (from: number, through: number) => void,
): void {
  let failures = 0
  const walk = (from: number, through: number): void => {
    for (let at = from; at <= through; ) {
      let rows: readonly Row[]
      try {
        rows = read(at, through)
        for (const each of rows) row(each)
      } catch {
        failures++
        if (at === through || failures > FAILURES_MAX) return lost(at, through)
        const middle = at + Math.floor((through - at) / 2)
        walk(at, middle)
        return walk(middle + 1, through)
      }
      if (rows.length < ROWS_PER_READ) return
      at = Number(rows.at(-1)?.[0]) + 1
    }
  }
  walk(range.from, range.through)
}

/** Lines into a file, whole when it has its name. */
class LineFile {
  readonly #name: string
  readonly #fd: number
  #buffer = ''

  constructor(name: string) {
    this.#name = name
    this.#fd = openSync(`${name}.tmp`, 'w', 0o640)
  }

  write(line: string): void {
    this.#buffer += `${line}\n`
    if (this.#buffer.length >= WRITE_CHUNK) this.#flush()
  }

  #flush(): void {
    writeSync(this.#fd, this.#buffer)
    this.#buffer = ''
  }

  finish(): void {
    this.#flush()
    fsyncSync(this.#fd)
    closeSync(this.#fd)
    renameSync(`${this.#name}.tmp`, this.#name)
  }

  abandon(): void {
    closeSync(this.#fd)
  }
}

/** First and last sequence number of a file, from whatever of it can be read. */
function rangeOf(db: Db, name: string): { from: number; through: number; epoch?: string } {
  const base = attempt(() => readBase(db, name))
  const ends = [
    'SELECT max(last) FROM commits',
    'SELECT max(s) FROM reading',
    'SELECT max(s) FROM event',
    'SELECT max(seq) FROM tail',
    'SELECT max(through) FROM coverage_mark',
  ].flatMap((sql) => {
    const row = attempt(() => db.prepare(sql).raw().get() as [number | null])
    return typeof row?.[0] === 'number' ? [row[0]] : []
  })
  const from = (base?.seq ?? 0) + 1
  const through = ends.length === 0 ? from + SEGMENT_RECORDS_MAX : Math.max(...ends)
  return { from, through, ...(base !== undefined && { epoch: base.epoch }) }
}

type ReadingRow = readonly [
  number,
  number,
  number,
  number | null,
  number | null,
  number,
  string | null,
]
type EventRow = readonly [number, number, string, string]

function salvageDb(db: Db, name: string, lines: LineFile): Omit<Salvaged, 'directory'> {
  const points = attempt(() => readNames(db, 'point')) ?? new Map<number, string>()
  const qualities = attempt(() => readNames(db, 'quality')) ?? new Map<number, string>()
  const { epoch, ...range } = rangeOf(db, name)
  lines.write(JSON.stringify({ v: 1, salvaged: name, epoch: epoch ?? null, verified: false }))
  const lost = { readings: new Ranges(), events: new Ranges() }
  let readings = 0
  let events = 0
  const limit = `ORDER BY s LIMIT ${ROWS_PER_READ}`
  const readingRows = db
    .prepare(`SELECT s, p, t, a, v, q, more FROM reading WHERE s BETWEEN ? AND ? ${limit}`)
    .raw()
  const eventRows = db
    .prepare(`SELECT s, t, type, body FROM event WHERE s BETWEEN ? AND ? ${limit}`)
    .raw()
  salvageRows(
    (from, through) => readingRows.all(from, through) as ReadingRow[],
    range,
    ([s, p, t, a, v, q, more]) => {
      const columns = { point: points.get(p) ?? `#${p}`, t, a, v, more }
      const printed = attempt(() =>
        printColumns(s, { ...columns, quality: qualityParts(qualities.get(q) ?? 'bad') }),
      )
      if (printed === undefined) return lost.readings.add(s, s)
      lines.write(printed)
      readings++
    },
    (from, through) => lost.readings.add(from, through),
  )
  salvageRows(
    (from, through) => eventRows.all(from, through) as EventRow[],
    range,
    ([s, t, type, body]) => {
      lines.write(printStoredEvent(s, type, t, body))
      events++
    },
    (from, through) => lost.events.add(from, through),
  )
  const ranges = [...lost.readings.ranges, ...lost.events.ranges].sort(([a], [b]) => a - b)
  const whole = Math.max(0, range.through - range.from + 1)
  return {
    ...(epoch !== undefined && { epoch }),
    readings,
    events,
    lost: ranges.slice(0, LOST_NAMED_MAX),
    lostRecords: ranges.length === 0 ? 0 : Math.max(0, whole - readings - events),
  }
}

/** Salvages the newest file of a journal that was set aside; `directory` is absolute. Interrupted, it is done again. */
export function salvage(disk: Disk, directory: string): Salvaged {
  const none = { directory, readings: 0, events: 0, lost: [], lostRecords: 0 }
  const journal = path.join(directory, 'journal')
  const name = segmentNames(disk.list(journal)).at(-1)
  if (name === undefined) return { ...none, skipped: 'there is no journal file' }
  const file = path.join(journal, name)
  const bytes = (disk.size(file) ?? 0) + (disk.size(`${file}-wal`) ?? 0)
  const { bavail, bsize } = statfsSync(directory)
  if (bavail * bsize < bytes * BYTES_AS_LINES * 2) {
    const words = `${directory}: there is no room to salvage ${bytes} bytes; free some and start again`
    return { ...none, skipped: words }
  }
  const lines = new LineFile(path.join(directory, SALVAGED_RECORDS))
  let result: Omit<Salvaged, 'directory'>
  try {
    result = readInto(disk, file, lines)
  } catch (thrown) {
    lines.abandon()
    throw thrown
  }
  lines.finish()
  disk.write(path.join(directory, 'salvaged.json'), `${JSON.stringify(result)}\n`)
  return { directory, ...result }
}

/** A file that is no database any more gives nothing; that is a result too. */
function readInto(disk: Disk, file: string, lines: LineFile): Omit<Salvaged, 'directory'> {
  const name = path.basename(file)
  const nothing = { readings: 0, events: 0, lost: [], lostRecords: 0 }
  const db = attempt(() => disk.open(file, 'read'))
  if (db === undefined) return nothing
  try {
    if (attempt(() => db.prepare('SELECT s FROM event LIMIT 1')) === undefined) return nothing
    return salvageDb(db, name, lines)
  } finally {
    attempt(() => db.close())
  }
}
