// Gets every record that can still be read out of a damaged journal file, by ranges of sequence numbers, into a file of lines
// beside it; every number that is in neither stream is told. It changes nothing of what it reads, and proves nothing: what was
// got out is not checked against the chain.

import { closeSync, fsyncSync, openSync, renameSync, statfsSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { Salvaged } from '#ports/store.ts'
import { printColumns, printStoredEvent, qualityParts } from './columns.ts'
import { attempt } from './damage.ts'
import type { Db, Disk } from './disk.ts'
import { SEGMENT_RECORDS_MAX } from './journal.ts'
import { readNames } from './names.ts'
import { SALVAGED, SALVAGED_RECORDS } from './quarantine.ts'
import { readBase } from './recover.ts'
import { segmentNames } from './segment.ts'

/** Rows read at a time. */
const ROWS_PER_READ = 2000
/** Reads that may fail before the rest is given up: some seconds of bisecting. */
const FAILURES_MAX = 50_000
/** Ranges that cannot be read which are named one by one. */
const LOST_NAMED_MAX = 100
/** More than a file holds: what says that it ends beyond is damaged. */
const RECORDS_MAX = SEGMENT_RECORDS_MAX + 1_000_000
/** A record as a line is about three times its size on file. */
const BYTES_AS_LINES = 3
const WRITE_CHUNK = 256 * 1024

/** The readable rows of a table between two sequence numbers, in order. */
function salvageRows<Row extends readonly unknown[]>(
  read: (from: number, through: number) => readonly Row[],
  range: { readonly from: number; readonly through: number },
  row: (row: Row) => void,
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
        if (at === through || failures > FAILURES_MAX) return
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
export interface Lines {
  write(line: string): void
  finish(): void
  abandon(): void
}

/** Where the lines go, and how many bytes have room there. */
export interface SalvageTarget {
  open(name: string): Lines
  room(directory: string): number
}

/** A bit for each sequence number of a file that was got out. */
class Numbers {
  readonly #from: number
  readonly #count: number
  readonly #bits: Uint8Array
  got = 0

  constructor(from: number, through: number) {
    this.#from = from
    this.#count = Math.max(0, through - from + 1)
    this.#bits = new Uint8Array(Math.ceil(this.#count / 8))
  }

  add(seq: number): void {
    const at = seq - this.#from
    const bit = 1 << (at & 7)
    const before = this.#bits[at >> 3] ?? 0
    if ((before & bit) !== 0) return
    this.#bits[at >> 3] = before | bit
    this.got++
  }

  /** Ranges of what was not got out, the first so many, and how much that is in all. */
  missing(most: number): { readonly ranges: [number, number][]; readonly count: number } {
    const ranges: [number, number][] = []
    let within = false
    for (let at = 0; at < this.#count; at++) {
      const has = ((this.#bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0
      const last = ranges.at(-1)
      if (!has && within && last !== undefined) last[1] = this.#from + at
      else if (!has && ranges.length === most) break
      else if (!has) ranges.push([this.#from + at, this.#from + at])
      within = !has
    }
    return { ranges, count: this.#count - this.got }
  }
}

class LineFile implements Lines {
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
  const found = (sqls: readonly string[]): number[] =>
    sqls.flatMap((sql) => {
      const row = attempt(() => db.prepare(sql).raw().get() as [unknown])
      return Number.isSafeInteger(row?.[0]) ? [Number(row?.[0])] : []
    })
  const begins = found([
    'SELECT seq + 1 FROM base',
    'SELECT min(first) FROM commits',
    'SELECT min(s) FROM reading',
    'SELECT min(s) FROM event',
  ])
  const from = Math.max(1, Math.min(...begins, Number.MAX_SAFE_INTEGER))
  const ends = found([
    'SELECT max(last) FROM commits',
    'SELECT max(s) FROM reading',
    'SELECT max(s) FROM event',
    'SELECT max(seq) FROM tail',
    'SELECT max(through) FROM coverage_mark',
  ]).filter((end) => end - from <= RECORDS_MAX)
  const through = Math.max(from - 1, ...ends)
  const epoch = typeof base?.epoch === 'string' ? { epoch: base.epoch } : {}
  return begins.length === 0 ? { from: 1, through: 0, ...epoch } : { from, through, ...epoch }
}

/** What was got out of a journal; what follows of it for the state is said by who asked. */
export type SalvageResult = Omit<Salvaged, 'rows'>
type Figures = Omit<SalvageResult, 'directory'>

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

function salvageDb(db: Db, name: string, lines: Lines): Figures {
  const points = attempt(() => readNames(db, 'point')) ?? new Map<number, string>()
  const qualities = attempt(() => readNames(db, 'quality')) ?? new Map<number, string>()
  const { epoch, ...range } = rangeOf(db, name)
  lines.write(JSON.stringify({ v: 1, salvaged: name, epoch: epoch ?? null, verified: false }))
  const got = new Numbers(range.from, range.through)
  let readings = 0
  let events = 0
  const limit = `ORDER BY s LIMIT ${ROWS_PER_READ}`
  const rows = <Row extends readonly unknown[]>(sql: string) => {
    const asked = `${sql} WHERE s BETWEEN ? AND ? ${limit}`
    const statement = attempt(() => db.prepare(asked).raw())
    return (from: number, through: number) => (statement?.all(from, through) ?? []) as Row[]
  }
  const take = (seq: number, print: () => string): boolean => {
    const line = attempt(print)
    if (line === undefined) return false
    lines.write(line)
    got.add(seq)
    return true
  }
  salvageRows(
    rows<ReadingRow>('SELECT s, p, t, a, v, q, more FROM reading'),
    range,
    ([s, p, t, a, v, q, more]) => {
      const columns = { point: points.get(p) ?? `#${p}`, t, a, v, more }
      const quality = () => qualityParts(qualities.get(q) ?? 'bad')
      if (take(s, () => printColumns(s, { ...columns, quality: quality() }))) readings++
    },
  )
  salvageRows(rows<EventRow>('SELECT s, t, type, body FROM event'), range, ([s, t, type, body]) => {
    if (take(s, () => soundJson(printStoredEvent(s, type, t, body)))) events++
  })
  const { ranges: lost, count: lostRecords } = got.missing(LOST_NAMED_MAX)
  return { ...(epoch !== undefined && { epoch }), ...range, readings, events, lost, lostRecords }
}

const SYSTEM: SalvageTarget = {
  open: (name) => new LineFile(name),
  room: (directory) => {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  },
}

/** The text, where it is JSON still. */
function soundJson(text: string): string {
  JSON.parse(text)
  return text
}

/** Salvages the newest file of a journal that was set aside; `directory` is absolute. Interrupted, it is done again. */
export function salvage(disk: Disk, directory: string, to: SalvageTarget = SYSTEM): SalvageResult {
  const marker = path.join(directory, SALVAGED)
  const done = attempt(() => JSON.parse(disk.read(marker) ?? '') as Figures)
  if (done !== undefined) return { directory, ...done }
  const none = { directory, readings: 0, events: 0, lost: [], lostRecords: 0 }
  const journal = path.join(directory, 'journal')
  const name = segmentNames(disk.list(journal)).at(-1)
  if (name === undefined) return { ...none, skipped: 'there is no journal file' }
  const file = path.join(journal, name)
  const bytes = (disk.size(file) ?? 0) + (disk.size(`${file}-wal`) ?? 0)
  if (to.room(directory) < bytes * BYTES_AS_LINES * 2) {
    const words = `${directory}: there is no room to salvage ${bytes} bytes; free some and start again`
    return { ...none, skipped: words }
  }
  const lines = to.open(path.join(directory, SALVAGED_RECORDS))
  let result: Figures
  try {
    result = readInto(disk, file, lines)
  } catch (thrown) {
    lines.abandon()
    throw thrown
  }
  lines.finish()
  disk.write(marker, `${JSON.stringify(result)}\n`)
  return { directory, ...result }
}

/** A file that is no database any more gives nothing; that is a result too. */
function readInto(disk: Disk, file: string, lines: Lines): Figures {
  const name = path.basename(file)
  const nothing = { readings: 0, events: 0, lost: [], lostRecords: 0, unreadable: true } as const
  const db = attempt(() => disk.open(file, 'read'))
  if (db === undefined) return nothing
  try {
    if (attempt(() => db.prepare('SELECT s FROM event LIMIT 1')) === undefined) return nothing
    return salvageDb(db, name, lines)
  } finally {
    attempt(() => db.close())
  }
}
