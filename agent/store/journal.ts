// The journal: commits in one chain over day files, one of which is written. Synchronous; runs in its own thread.
// It decides when a new file begins. It removes only files that a record in it names, and never goes on after a failed write.

import path from 'node:path'
import { assert } from '#core/assert.ts'
import type { Origin } from '#core/point.ts'
import type { Stream } from '#core/record.ts'
import type { Log } from '#ports/log.ts'
import type { BatchQuery, EarlierFile, Head, Recovered } from '#ports/store.ts'
import type { ChainPosition } from './audit.ts'
import { genesisHash } from './chain.ts'
import type { Disk } from './disk.ts'
import {
  HotFile,
  type PortPoint,
  type PortQuality,
  portQuality,
  WAL_PAGES_MAX,
} from './hot-file.ts'
import { LOST_ROW, parseLosses } from './losses.ts'
import type { PackedCommit } from './pack.ts'
import {
  goneRanges,
  PRUNED_ROW,
  type Pruned,
  parsePruned,
  sealedFiles,
  unlinkPruned,
} from './pruning.ts'
import { rangesOf, type SegmentRange } from './ranges.ts'
import { JournalReader, type PackedBatch } from './reader.ts'
import { Recent } from './recent.ts'
import { type HotFacts, readHot, readState } from './recover.ts'
import {
  type Base,
  type ClosedSegment,
  type Covered,
  createSegment,
  dayOf,
  makeDurable,
  openForWriting,
  removeUnfinished,
  segmentNames,
  type Tail,
} from './segment.ts'
import { type DamagedFile, StoreError } from './store-error.ts'

/** A file is left for a new one at the latest after so many records, whatever the clock says. */
export const SEGMENT_RECORDS_MAX = 20_000_000
/** Records after which the newest slots are written down, so that a start reads no more than that. */
const COVERAGE_RECORDS = 65_536

export interface JournalOptions {
  readonly disk: Disk
  readonly dataDir: string
  readonly origin: Origin
  readonly log: Log
  /** Wall time of the opening, ms UTC. */
  readonly wall: number
  /** Epoch of a journal that does not exist yet. */
  readonly newEpoch: string
  /** Monotonic time of the opening, and the boot it counts from; for the first record after a quarantine. */
  readonly mono?: number | undefined
  readonly bootId?: string | undefined
  /** What a journal that does not exist yet starts with. */
  readonly seed?: JournalSeed | undefined
  readonly segmentRecordsMax?: number | undefined
  /** Quota of one file in pages of 4 KiB. */
  readonly pagesMax?: number | undefined
}

/** What is carried over into a new epoch. */
export interface JournalSeed {
  readonly tb: number
  readonly state: ReadonlyMap<string, string>
  readonly coverage: ReadonlyMap<string, Covered>
}

/** Where the journal's files lie. */
export const journalDirectory = (dataDir: string): string => path.join(dataDir, 'journal')

/** The file that marks a directory with its origin for ever (URS-69). */
const originFile = (dataDir: string): string => path.join(dataDir, 'origin')

/** Refuses a directory marked with the other origin; tells whether it is marked at all. */
function checkOrigin(disk: Disk, dataDir: string, origin: Origin): boolean {
  const found = disk.read(originFile(dataDir))?.trim()
  if (found !== undefined && found !== origin) throw wrongOrigin(dataDir, found, origin)
  return found !== undefined
}

const wrongOrigin = (dataDir: string, found: string, origin: Origin): StoreError =>
  new StoreError(
    'origin',
    `${dataDir} holds data of origin "${found}" and never takes "${origin}"; use another data directory`,
  )

function createFirst(options: JournalOptions, directory: string): string {
  const { disk, newEpoch: epoch, origin, wall } = options
  const hash = genesisHash(epoch, origin)
  const base: Base = {
    ...{ epoch, origin, ordinal: 1, day: dayOf(wall), seq: 0, hash },
    ...{ readings: 0, events: 0, lastReading: 0, lastEvent: 0 },
  }
  const seed = options.seed ?? { tb: 0, state: new Map(), coverage: new Map() }
  return createSegment(disk, directory, { base, tail: undefined, closed: [], ...seed })
}

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex')

/** The records and state of one data directory. One at a time: the caller holds the directory's lock. */
export class Journal {
  readonly recovered: Recovered
  readonly #disk: Disk
  readonly #directory: string
  readonly #log: Log
  readonly #options: JournalOptions
  readonly #reader: JournalReader
  readonly #recent: Recent
  readonly #points: PortPoint[] = []
  readonly #qualities: PortQuality[] = []
  readonly #coverage: Map<string, { t: number; slots: number }>
  #hot: HotFile
  #leaving: HotFile | undefined
  #base: Base
  #closed: ClosedSegment[]
  #head: ChainPosition
  #last: Readonly<Record<Stream, number>>
  #tb: number
  #tail: Tail | undefined
  #coverageThrough: number
  #ranges: readonly SegmentRange[] | undefined
  /** What a durable record says to be removed, until it was looked for. */
  #pruned: Pruned | undefined

  private constructor(options: JournalOptions, hot: HotFile, facts: HotFacts, created: boolean) {
    this.#options = options
    this.#disk = options.disk
    this.#directory = journalDirectory(options.dataDir)
    this.#log = options.log
    this.#hot = hot
    this.#base = facts.base
    this.#closed = facts.closed
    this.#head = facts.head
    this.#last = { readings: facts.lastReading, event: facts.lastEvent }
    this.#tb = facts.tb
    this.#tail = facts.tail
    this.#coverage = new Map([...facts.coverage].map(([name, at]) => [name, { ...at }]))
    this.#coverageThrough = facts.coverageThrough
    this.#recent = new Recent(facts.lastReading)
    this.#reader = new JournalReader(this.#disk, this.#directory)
    this.#reader.setHot(hot.name, hot.db)
    for (const row of facts.state) this.#heed(row)
    this.#unlinkPruned()
    this.recovered = {
      epoch: facts.base.epoch,
      created,
      head: this.head,
      tb: facts.tb,
      ...(facts.tail !== undefined && {
        lastCommit: { at: facts.tail.at, bootId: facts.tail.bootId },
      }),
      state: facts.state,
      coverage: facts.coverage,
      ...(facts.damaged.length > 0 && { damaged: facts.damaged }),
    }
  }

  /** Opens the journal of a data directory, or begins one. The caller holds the directory's lock. */
  static open(options: JournalOptions): Journal {
    const { disk, dataDir, origin } = options
    const marked = checkOrigin(disk, dataDir, origin)
    const mark = (): void => {
      if (!marked) disk.write(originFile(dataDir), `${origin}\n`)
    }
    const directory = journalDirectory(dataDir)
    disk.makeDirectory(directory)
    removeUnfinished(disk, directory)
    const newest = segmentNames(disk.list(directory)).at(-1)
    if (newest === undefined) mark()
    const name = newest ?? createFirst(options, directory)
    makeDurable(disk, path.join(directory, name))
    const db = openForWriting(disk, path.join(directory, name), options)
    try {
      const facts = readHot(disk, directory, name, db)
      if (facts.base.origin !== origin) throw wrongOrigin(dataDir, facts.base.origin, origin)
      if (newest !== undefined) mark()
      return new Journal(options, new HotFile(db, name), facts, newest === undefined)
    } catch (thrown) {
      db.close()
      throw thrown
    }
  }

  /** Name of the file that is written. */
  get hotName(): string {
    return this.#hot.name
  }

  get head(): Head {
    return { seq: this.#head.seq, hash: hex(this.#head.hash) }
  }

  /** Makes a commit durable. Whatever is thrown, the journal must not be written again. */
  commit(packed: PackedCommit): Head {
    this.#takeNames(packed)
    assert(packed.first === this.#head.seq + 1, `commit at ${packed.first} on ${this.#head.seq}`)
    assert(packed.count === 0 || packed.tb >= this.#tb, `time base ${packed.tb} after ${this.#tb}`)
    if (this.#handoverDue(packed)) this.#handOver(packed)
    if (packed.count === 0) this.#commitState(packed)
    else this.#commitRecords(packed)
    for (const row of packed.state) this.#heed(row)
    return this.head
  }

  /** Rows of the state that are about the journal itself; they are durable. */
  #heed([key, value]: readonly [string, string | null]): void {
    if (key === LOST_ROW) this.#reader.setLosses(parseLosses(value))
    if (key !== PRUNED_ROW) return
    this.#pruned = parsePruned(value)
    this.#reader.setPruned(goneRanges(this.#pruned))
  }

  /** Removes what a durable record says to be removed. */
  #unlinkPruned(): void {
    const pruned = this.#pruned
    this.#pruned = undefined
    if (pruned === undefined) return
    for (const name of pruned.files) this.#reader.release(name)
    const at = { disk: this.#disk, directory: this.#directory, log: this.#log }
    unlinkPruned(at, pruned, this.#closed)
  }

  #takeNames(packed: PackedCommit): void {
    for (const name of packed.points) this.#points.push({ name, id: 0, covered: undefined })
    for (const name of packed.qualities) this.#qualities.push(portQuality(name))
  }

  #commitState(packed: PackedCommit): void {
    const { at, bootId } = packed
    const tail = { seq: this.#head.seq, at, bootId, tb: this.#tb }
    this.#hot.transaction(() => {
      this.#hot.writeState(packed.state)
      this.#hot.writeTail(tail)
    })
    this.#tail = tail
  }

  #commitRecords(packed: PackedCommit): void {
    if (packed.tb !== this.#tb) this.#forgetCoverage()
    const through = packed.first + packed.count - 1
    const snapshot = through - this.#coverageThrough >= COVERAGE_RECORDS
    const written = this.#hot.transaction(() => {
      const result = this.#hot.writeRecords(packed, this.#head, {
        points: this.#points,
        qualities: this.#qualities,
        coverage: this.#coverage,
      })
      this.#hot.writeState(packed.state)
      if (snapshot) this.#hot.writeCoverage(this.#coverage, through, packed.tb)
      return result
    })
    if (snapshot) this.#coverageThrough = through
    this.#recent.push(written.printed)
    const { seq, hash, readings, events } = written
    this.#head = { seq, hash, readings, events }
    this.#last = {
      readings: written.lastReading || this.#last.readings,
      event: written.lastEvent || this.#last.event,
    }
    this.#tb = packed.tb
    this.#tail = { seq: written.seq, at: packed.at, bootId: packed.bootId, tb: packed.tb }
    this.#ranges = undefined
  }

  #forgetCoverage(): void {
    this.#coverage.clear()
    for (const point of this.#points) point.covered = undefined
  }

  #handoverDue(packed: PackedCommit): boolean {
    const most = this.#options.segmentRecordsMax ?? SEGMENT_RECORDS_MAX
    return dayOf(packed.at.wall) > this.#base.day || this.#head.seq - this.#base.seq >= most
  }

  /** Leaves the hot file for a new one that begins where it ends. Nothing is written to the old one any more. */
  #handOver(packed: PackedCommit): void {
    const { epoch, origin, ordinal, day } = this.#base
    const { seq, hash, readings, events } = this.#head
    const base: Base = {
      ...{ epoch, origin, ordinal: ordinal + 1, day: Math.max(day, dayOf(packed.at.wall)) },
      ...{ seq, hash, readings, events },
      ...{ lastReading: this.#last.readings, lastEvent: this.#last.event },
    }
    const left: ClosedSegment = {
      ...{ ordinal, name: this.#hot.name, first: this.#base.seq + 1, last: seq },
      ...{ readings, events, lastReading: base.lastReading, lastEvent: base.lastEvent, hash },
      ...{ sha256: null, bytes: null, sealed: null },
    }
    const closed = [...this.#closed, left]
    const state = readState(this.#hot.db, this.#hot.name)
    const { coverage } = this
    const start = { base, tb: this.#tb, tail: this.#tail, state, coverage, closed }
    const name = createSegment(this.#disk, this.#directory, start)
    const db = openForWriting(this.#disk, path.join(this.#directory, name), this.#options)
    this.#leaving = this.#hot
    this.#hot = new HotFile(db, name)
    for (const point of this.#points) point.id = 0
    for (const quality of this.#qualities) quality.id = 0
    this.#base = base
    this.#closed = closed
    this.#coverageThrough = seq
    this.#ranges = undefined
    this.#reader.setHot(name, db)
    this.#log.info('store_file_begun', { file: name, seq, left: left.name })
  }

  /** Newest slot of each point in the current time base. */
  get coverage(): ReadonlyMap<string, Covered> {
    return this.#coverage
  }

  /** Housekeeping after a commit has been answered: closes a file left behind, bounds the write-ahead log. */
  idle(): void {
    this.#leaving?.close()
    this.#leaving = undefined
    this.#unlinkPruned()
    const held = this.#hot.checkpointWhenDue()
    if (held > WAL_PAGES_MAX)
      this.#log.warn('store_wal_held', { file: this.#hot.name, pages: held })
  }

  /** Files left behind that are not sealed yet and still there, oldest first. */
  unsealed(): readonly { readonly ordinal: number; readonly file: string }[] {
    return this.#closed
      .filter(({ sha256 }) => sha256 === null)
      .map(({ ordinal, name }) => ({ ordinal, file: path.join(this.#directory, name) }))
      .filter(({ file }) => this.#disk.size(file) !== undefined)
  }

  /** Earlier files that are not there, and that no record says to be lost or removed. */
  missing(): DamagedFile[] {
    return this.#reader.untold(this.#allRanges())
  }

  /** Files that could be removed, oldest first, and the durable rows of cursors and watermarks. */
  earlier(): { files: EarlierFile[]; rows: Map<string, string> } {
    const untouched = this.#reader.untouched(this.#allRanges())
    const rows = this.#hot.db
      .prepare(`SELECT key, value FROM state WHERE key LIKE 'cursor/%' OR key LIKE 'confirm/%'`)
      .raw()
      .all() as [string, string][]
    const files = sealedFiles(this.#closed).filter(({ file }) => untouched.has(file))
    return { files, rows: new Map(rows) }
  }

  /** Lets go of a file, so that it can be sealed or removed; it is opened again when it is read. */
  release(ordinal: number): void {
    for (const segment of this.#closed) {
      if (segment.ordinal === ordinal) this.#reader.release(segment.name)
    }
  }

  /** Notes the hash of a sealed file in the register that every later file carries on. */
  noteSealed(ordinal: number, sha256: string, bytes: number, sealed: number): void {
    this.#hot.noteSealed(ordinal, sha256, bytes, sealed)
    this.#closed = this.#closed.map((segment) =>
      segment.ordinal === ordinal ? { ...segment, sha256, bytes, sealed } : segment,
    )
  }

  batches(query: BatchQuery): PackedBatch[] {
    return this.#reader.batches(this.#allRanges(), this.#recent, query)
  }

  count(stream: Stream, after: number): number {
    return this.#reader.count(this.#allRanges(), stream, after)
  }

  #allRanges(): readonly SegmentRange[] {
    this.#ranges ??= rangesOf(this.#closed, {
      ...{ name: this.#hot.name, first: this.#base.seq + 1, last: this.#head.seq, sha256: null },
      ...{ readings: this.#head.readings, events: this.#head.events },
      ...{ lastReading: this.#last.readings, lastEvent: this.#last.event },
    })
    return this.#ranges
  }

  close(): void {
    this.#reader.close()
    this.#leaving?.close()
    this.#leaving = undefined
    this.#hot.close()
  }
}
