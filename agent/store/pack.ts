// A commit packed for the journal's thread: readings as columns in one buffer that is handed over, not copied.
// It checks what the columns cannot hold (a broken invariant, not a fault) and decides nothing else.

import { assert } from '#core/assert.ts'
import type { Reading } from '#core/reading.ts'
import { type JournalEvent, type JournalRecord, printReading } from '#core/record.ts'
import type { Instant } from '#core/time.ts'
import type { Commit } from '#ports/store.ts'
import { packMore, qualityName } from './columns.ts'

/**
 * Records of one commit. What piled up while the disk paused goes in one, since the state it leads to belongs to all of it: this is
 * beyond what the loop lets wait (200,000).
 */
export const RECORDS_PER_COMMIT_MAX = 262_144
/** Different points, and different qualities, of one process. */
export const NAMES_MAX = 65_536

/** An event of a packed commit. */
export interface PackedEvent {
  /** Position among the records of the commit. */
  readonly at: number
  readonly type: string
  readonly ts: number
  readonly body: string
}

export interface PackedCommit {
  readonly at: Instant
  readonly bootId: string
  readonly tb: number
  readonly first: number
  readonly count: number
  readonly readings: number
  /** Columns of the readings, see `viewColumns`. */
  readonly buffer: ArrayBuffer
  /** Names that got their number with this commit, in order. */
  readonly points: readonly string[]
  readonly qualities: readonly string[]
  /** Column `more` of the readings that have one: index among the readings, text. */
  readonly more: readonly (readonly [number, string])[]
  readonly events: readonly PackedEvent[]
  readonly state: readonly (readonly [string, string | null])[]
}

/** Typed arrays over the buffer of a packed commit. NaN stands for absent in `a` and `v`. */
export interface Columns {
  readonly t: Float64Array
  readonly a: Float64Array
  readonly v: Float64Array
  /** Position among the records of the commit. */
  readonly at: Uint32Array
  readonly point: Uint16Array
  readonly quality: Uint16Array
  /** Length of the raw registers, −1 where there are none. */
  readonly rawLength: Int32Array
  readonly raw: Uint8Array
}

const BYTES_PER_READING = 3 * 8 + 2 * 4 + 2 * 2

/** Lays typed arrays over the buffer of `readings` readings. */
export function viewColumns(buffer: ArrayBuffer, readings: number): Columns {
  let at = 0
  const take = (bytes: number): number => {
    const start = at
    at += bytes * readings
    return start
  }
  return {
    t: new Float64Array(buffer, take(8), readings),
    a: new Float64Array(buffer, take(8), readings),
    v: new Float64Array(buffer, take(8), readings),
    at: new Uint32Array(buffer, take(4), readings),
    rawLength: new Int32Array(buffer, take(4), readings),
    point: new Uint16Array(buffer, take(2), readings),
    quality: new Uint16Array(buffer, take(2), readings),
    raw: new Uint8Array(buffer, at),
  }
}

/** Text outside JSON goes into the file as UTF-8, which has no half surrogates. */
function checkText(text: string): void {
  if (!text.isWellFormed())
    assert(false, `text with half a surrogate pair: ${JSON.stringify(text)}`)
}

/** Gives names numbers, and tells which are new since it was last asked. */
class Interner {
  readonly #numbers = new Map<string, number>()
  #fresh: string[] = []

  number(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    const number = this.#numbers.size
    assert(number < NAMES_MAX, `more than ${NAMES_MAX} different names in the journal`)
    checkText(name)
    this.#numbers.set(name, number)
    this.#fresh.push(name)
    return number
  }

  takeFresh(): readonly string[] {
    const fresh = this.#fresh
    if (fresh.length > 0) this.#fresh = []
    return fresh
  }
}

const isWhole = Number.isSafeInteger

function checkReading(reading: Reading): void {
  const { t, a, v, slots } = reading
  const sound =
    isWhole(t) &&
    (a === undefined || isWhole(a)) &&
    (v === undefined || Number.isFinite(v)) &&
    (slots === undefined || (isWhole(slots) && slots > 0))
  if (!sound) assert(false, `not storable: ${printReading(0, reading)}`)
}

function packEvent(event: JournalEvent, at: number): PackedEvent {
  assert(isWhole(event.ts), `event ${event.type} has time ${event.ts}, not whole milliseconds`)
  checkText(event.type)
  return { at, type: event.type, ts: event.ts, body: JSON.stringify(event.body) }
}

/** How many readings there are, and how many raw bytes in them. */
function measure(records: readonly JournalRecord[]): { readings: number; rawLength: number } {
  let readings = 0
  let rawLength = 0
  for (const record of records) {
    if (record.kind !== 'reading') continue
    readings++
    rawLength += record.reading.raw?.length ?? 0
  }
  return { readings, rawLength }
}

/** Copies a few bytes: a loop is faster than `set` for the four or eight of a datum. */
function copyRaw(from: Uint8Array, to: Uint8Array, at: number): number {
  for (let index = 0; index < from.length; index++) to[at + index] = from[index] ?? 0
  return at + from.length
}

/** Packs commits in the order in which the journal's thread gets them; one packer per thread. */
export class Packer {
  readonly #points = new Interner()
  readonly #qualities = new Interner()

  pack(commit: Commit): PackedCommit {
    const { records } = commit
    assert(records.length <= RECORDS_PER_COMMIT_MAX, `a commit of ${records.length} records`)
    assert(isWhole(commit.at.wall), `commit at wall time ${commit.at.wall}`)
    assert(Number.isFinite(commit.at.mono), `commit at monotonic time ${commit.at.mono}`)
    checkText(commit.bootId)
    const { readings, rawLength } = measure(records)
    const buffer = new ArrayBuffer(readings * BYTES_PER_READING + rawLength)
    const columns = viewColumns(buffer, readings)
    const more: [number, string][] = []
    const events: PackedEvent[] = []
    let index = 0
    let rawAt = 0
    for (const [at, record] of records.entries()) {
      if (record.kind === 'event') {
        events.push(packEvent(record.event, at))
        continue
      }
      const { reading } = record
      this.#putReading(columns, index, reading)
      columns.at[index] = at
      if (reading.raw !== undefined) rawAt = copyRaw(reading.raw, columns.raw, rawAt)
      const rare = packMore(reading)
      if (rare !== undefined) more.push([index, rare])
      index++
    }
    return {
      at: commit.at,
      bootId: commit.bootId,
      tb: commit.tb,
      first: commit.first,
      count: records.length,
      readings,
      buffer,
      points: this.#points.takeFresh(),
      qualities: this.#qualities.takeFresh(),
      more,
      events,
      state: commit.state.map(({ key, value }) => [key, value ?? null]),
    }
  }

  #putReading(columns: Columns, index: number, reading: Reading): void {
    checkReading(reading)
    columns.t[index] = reading.t
    columns.a[index] = reading.a ?? Number.NaN
    columns.v[index] = reading.v ?? Number.NaN
    columns.point[index] = this.#points.number(reading.point)
    columns.quality[index] = this.#qualities.number(qualityName(reading))
    columns.rawLength[index] = reading.raw?.byteLength ?? -1
  }
}
