// Messages cut from the journal, across its files, and how many records wait: read only, whole results, bounded.
// Where a message is cut may differ from time to time; the records in it never do.

import path from 'node:path'
import type { Stream } from '#core/record.ts'
import type { BatchQuery, SeqRange } from '#ports/store.ts'
import { CarefulReader } from './careful-reader.ts'
import { damageOf } from './damage.ts'
import type { Db, Disk } from './disk.ts'
import { isIn, type Losses, outside, Ranges } from './losses.ts'
import type { SegmentRange } from './ranges.ts'
import type { Recent } from './recent.ts'
import { openForReading } from './segment.ts'
import { type Printed, SegmentReader } from './segment-reader.ts'
import { type DamagedFile, StoreError } from './store-error.ts'

/** Contract §3: at most 100 records a message. */
export const READINGS_PER_BATCH = 100
/** Batches answered to one query, however many were asked for. */
export const BATCHES_MAX = 200
/** Records of a damaged file looked at for one query: some tens of milliseconds. */
const CAREFUL_RECORDS = 4000
/** Earlier files kept open at the same time. */
const OPEN_FILES_MAX = 2

/** A batch on its way between threads: the printed records in one text, one a line. */
export interface PackedBatch {
  readonly stream: Stream
  readonly tb: number
  readonly prev: number
  readonly first: number
  readonly last: number
  /** The printed records; empty where nothing more was looked at after `last`, and one has to ask on from there. */
  readonly text: string
  /** `prev` is a record that is lost or was removed: there is a hole, and an event that tells it. */
  readonly afterHole?: true
}

/** Cuts printed records into batches: never more than a stream allows, never over two time bases. */
function cut(
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
  #damaged: { readonly name: string; readonly reader: CarefulReader } | undefined
  #losses: Losses = new Map()
  #pruned: readonly SeqRange[] = []

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /** Names the file that is read through the given connection from now on. */
  setHot(name: string, db: Db): void {
    this.#hot = { name, reader: new SegmentReader(db) }
  }

  /** What is told as lost is read around from now on. */
  setLosses(losses: Losses): void {
    this.#losses = losses
  }

  /** What is told as removed is not looked for any more, whether it is still there or not. */
  setPruned(pruned: readonly SeqRange[]): void {
    this.#pruned = pruned
  }

  /** Closes an earlier file, so that it can be sealed or removed. */
  release(name: string): void {
    this.#open.get(name)?.db.close()
    this.#open.delete(name)
    if (this.#damaged?.name !== name) return
    this.#damaged.reader.db.close()
    this.#damaged = undefined
  }

  close(): void {
    for (const name of [...this.#open.keys()]) this.release(name)
    if (this.#damaged !== undefined) this.release(this.#damaged.name)
  }

  #reader(name: string): SegmentReader | undefined {
    if (this.#hot?.name === name) return this.#hot.reader
    const known = this.#open.get(name)
    if (known !== undefined) return known
    const file = path.join(this.#directory, name)
    if (this.#disk.size(file) === undefined) return undefined
    const oldest = [...this.#open.keys()][0]
    if (oldest !== undefined && this.#open.size >= OPEN_FILES_MAX) this.release(oldest)
    const db = openForReading(this.#disk, file)
    try {
      const reader = new SegmentReader(db, true)
      this.#open.set(name, reader)
      return reader
    } catch (thrown) {
      db.close()
      throw thrown
    }
  }

  /**
   * Batches of a stream; `ranges` are all files, oldest first, the hot one last. Throws `corrupt` with `damaged` where an earlier file is
   * damaged or missing and no record says so yet.
   */
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
      const part = { stream, after, through, batches: wanted - batches.length }
      batches.push(...this.#fromFile(range, part))
      if (batches.at(-1)?.text === '') break
    }
    return batches
  }

  #fromFile(range: SegmentRange, query: Required<BatchQuery>): PackedBatch[] {
    if (this.#hot?.name === range.name) return this.#readable(range, query)
    try {
      return this.#readable(range, query)
    } catch (thrown) {
      this.release(range.name)
      throw damagedFile(range, thrown)
    }
  }

  #readable(range: SegmentRange, query: Required<BatchQuery>): PackedBatch[] {
    const { stream, batches } = query
    const [from, through] = askedOf(range, query)
    if (isIn(this.#pruned, range.last)) return []
    if (this.#losses.has(range.name)) return this.#careful(range, query)
    const reader = this.#reader(range.name)
    if (reader === undefined) throw new StoreError('corrupt', `${range.name} is not there any more`)
    const limit = batches * perBatch(stream)
    const asked = { after: from - 1, through, limit }
    const records =
      reader === this.#hot?.reader
        ? reader.print(stream, from - 1, through, limit)
        : reader.printProven(range, stream, asked)
    const prev = reader.lastBetween(stream, range.base + 1, from - 1) ?? range.lastBefore[stream]
    return this.#withHole(cut(stream, prev, records, batches), stream)
  }

  /** Marks the first batch where it comes after records that are told as lost or removed. */
  #withHole(batches: PackedBatch[], stream: Stream): PackedBatch[] {
    const [first, ...rest] = batches
    if (first === undefined || !this.#isTold(stream, first.prev)) return batches
    return [{ ...first, afterHole: true }, ...rest]
  }

  /** Batches of what is proven of a damaged file, so many records looked at; a batch never reaches over a hole. */
  #careful(range: SegmentRange, query: Required<BatchQuery>): PackedBatch[] {
    const { stream, batches: wanted } = query
    const lost = this.#losses.get(range.name)
    const pieces = outside(askedOf(range, query), lost?.[stream] ?? [])
    const other = lost?.[stream === 'event' ? 'readings' : 'event'] ?? []
    const unproven = new Ranges()
    const batches: PackedBatch[] = []
    let left = CAREFUL_RECORDS
    for (const [from, through] of pieces) {
      const reader = this.#carefulReader(range.name)
      const records: Printed[] = []
      const most = (wanted - batches.length) * perBatch(stream)
      let seq = from
      for (; seq <= through && left > 0 && records.length < most; seq++, left--) {
        const proof = reader.record(seq)
        if (proof.kind === 'lost') {
          if (!isIn(other, seq)) unproven.add(seq, seq)
        } else if (proof.stream === stream) records.push(proof.printed)
      }
      const prev = this.#prevOf(range, { stream, from, lost: lost?.[stream] ?? [] })
      const piece = cut(stream, prev, records, wanted - batches.length)
      batches.push(...this.#withHole(piece, stream))
      if (batches.length >= wanted) break
      if (left === 0 && seq <= range.last) {
        batches.push(pauseAfter(stream, seq - 1))
        break
      }
    }
    if (unproven.ranges.length > 0) throw new Unproven(unproven.ranges)
    return batches
  }

  /** Greatest sequence number of the stream before a piece: proven on file, else lost, else before the file. */
  #prevOf(
    { name, base, lastBefore }: SegmentRange,
    { stream, from, lost }: { stream: Stream; from: number; lost: readonly SeqRange[] },
  ): number {
    const hole = lost.findLast(([, end]) => end < from)?.[1]
    const reader = this.#carefulReader(name)
    // Where it lies farther back a lower one does: between it and the piece nothing is lost.
    const least = Math.max((hole ?? base) + 1, from - CAREFUL_RECORDS)
    for (let seq = from - 1; seq >= least; seq--) {
      const proof = reader.record(seq)
      if (proof.kind === 'proven' && proof.stream === stream) return seq
    }
    return hole ?? lastBefore[stream]
  }

  #carefulReader(name: string): CarefulReader {
    if (this.#damaged?.name === name) return this.#damaged.reader
    this.#damaged?.reader.db.close()
    this.#damaged = undefined
    const file = path.join(this.#directory, name)
    if (this.#disk.size(file) === undefined)
      throw new StoreError('corrupt', `${name} is not there any more`)
    const reader = new CarefulReader(openForReading(this.#disk, file))
    this.#damaged = { name, reader }
    return reader
  }

  #isTold(stream: Stream, seq: number): boolean {
    return (
      isIn(this.#pruned, seq) || [...this.#losses.values()].some((lost) => isIn(lost[stream], seq))
    )
  }

  /** Records of a stream above `after` that are still on file; where a file cannot tell, as if all of it were. */
  count(ranges: readonly SegmentRange[], stream: Stream, after: number): number {
    const present = ranges.filter((range) => this.#has(range.name))
    const total = present.at(-1)?.countThrough[stream] ?? 0
    for (const range of present) {
      if (after >= range.last) continue
      if (after <= range.base) return total - range.countBefore[stream]
      try {
        const reader = this.#reader(range.name)
        if (reader !== undefined) return total - reader.countThrough(range, stream, after)
      } catch (thrown) {
        if (damageOf(thrown) === undefined || range.name === this.#hot?.name) throw thrown
        return total - range.countBefore[stream]
      }
    }
    return 0
  }

  /** Files that are not there, and that nothing is told of. */
  untold(ranges: readonly SegmentRange[]): DamagedFile[] {
    return ranges
      .filter((range) => !this.#has(range.name) && range.last > range.base)
      .filter(({ name, last }) => !this.#losses.has(name) && !isIn(this.#pruned, last))
      .map((range) => asDamaged(range, `${range.name} is not there any more`))
  }

  /** Names of the files that are there and not known to be damaged. */
  untouched(ranges: readonly SegmentRange[]): Set<string> {
    const whole = ranges.filter(
      ({ name, last }) => this.#has(name) && !this.#losses.has(name) && !isIn(this.#pruned, last),
    )
    return new Set(whole.map(({ name }) => name))
  }

  #has(name: string): boolean {
    return (
      this.#hot?.name === name ||
      this.#open.has(name) ||
      this.#disk.size(path.join(this.#directory, name)) !== undefined
    )
  }
}

/** The part of a file that is asked for. */
const askedOf = (
  { base, last }: SegmentRange,
  { after, through }: Required<BatchQuery>,
): SeqRange => [Math.max(after, base) + 1, Math.min(through, last)]

const perBatch = (stream: Stream): number => (stream === 'readings' ? READINGS_PER_BATCH : 1)

/** Says that nothing more was looked at after a record, so that commits get their turn: it is to be asked for on from there. */
const pauseAfter = (stream: Stream, seq: number): PackedBatch => ({
  ...{ stream, tb: 0, prev: seq, first: seq, last: seq },
  text: '',
})

/** Records that were proven when the file was examined, and are not any more. */
class Unproven extends Error {
  readonly ranges: readonly SeqRange[]

  constructor(ranges: readonly SeqRange[]) {
    super(`record ${ranges[0]?.[0]} is not what was committed`)
    this.ranges = ranges
  }
}

/** What was thrown while an earlier file was read, as damage of that file where it is; else as it was. */
function damagedFile(range: SegmentRange, thrown: unknown): unknown {
  const damage = damageOf(thrown)
  // What carries no code of the disk comes of what was read: the same code reads every other file.
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'ERR_NONE'
  const coded = !code.startsWith('ERR_')
  if (damage === undefined && coded) return thrown
  const found = damage?.found ?? String(thrown)
  const words = found.includes(range.name) ? found : `${range.name}: ${found}`
  const unproven = thrown instanceof Unproven ? { unproven: thrown.ranges } : {}
  const damaged = { ...asDamaged(range, words), ...unproven }
  const detail = { file: range.name, cause: thrown, damaged }
  return new StoreError('corrupt', words, detail)
}

function asDamaged(range: SegmentRange, found: string): DamagedFile {
  const { name: file, base, last, countBefore, countThrough } = range
  return {
    ...{ file, from: base + 1, through: last, found },
    readings: countThrough.readings - countBefore.readings,
    events: countThrough.event - countBefore.event,
  }
}
