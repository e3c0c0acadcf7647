// An earlier file that is damaged or gone: what can still be proven is given as it was, what is lost is told by number, and the
// hole shows in `prev`.

import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { STREAMS, type Stream } from '#core/record.ts'
import { silentLog } from '#ports/log.ts'
import type { FileLoss } from '#ports/store.ts'
import { examine } from '../../../agent/store/examine.ts'
import {
  countIn,
  covers,
  isIn,
  LOST_ROW,
  type Losses,
  united,
  withLoss,
} from '../../../agent/store/losses.ts'
import type { PackedBatch } from '../../../agent/store/reader.ts'
import { openStore } from '../../../agent/store/sqlite-store.ts'
import { type DamagedFile, StoreError } from '../../../agent/store/store-error.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { until } from '../../support/until.ts'
import {
  Bench,
  copyDirectory,
  DAY_MS,
  EPOCH,
  event,
  NOON,
  reading,
  temporaryDirectory,
} from './support.ts'

const COMMITS_PER_DAY = 40
const RECORDS_PER_COMMIT = 12
const PER_DAY = COMMITS_PER_DAY * RECORDS_PER_COMMIT

let original: string
/** Every record as it is published, by sequence number. */
const truth = new Map<number, { stream: Stream; text: string }>()

const numberOf = (line: string): number => Number(/^\{"s(?:eq)?":(\d+)/.exec(line)?.[1])

const files = (dir: string): string[] =>
  readdirSync(path.join(dir, 'journal'))
    .filter((name) => name.endsWith('.db'))
    .sort()

const fileOf = (dir: string, index: number): string =>
  path.join(dir, 'journal', files(dir)[index] ?? '')

function readAll(bench: Bench, stream: Stream): PackedBatch[] {
  const all: PackedBatch[] = []
  for (let after = 0; ; ) {
    const batches = bench.journal.batches({ stream, after, batches: 3 })
    if (batches.length === 0) return all
    all.push(...batches.filter(({ text }) => text !== ''))
    after = batches.at(-1)?.last ?? 0
  }
}

/** Three files of 480 records each, every sixth an event. */
beforeAll(() => {
  original = mkdtempSync(path.join(os.tmpdir(), 'journal-original-'))
  const bench = new Bench(original)
  for (let day = 0; day < 3; day++) {
    for (let n = 0; n < COMMITS_PER_DAY; n++) {
      const wall = NOON + day * DAY_MS
      const records = Array.from({ length: RECORDS_PER_COMMIT }, (_, at) =>
        at % 6 === 5
          ? event('note', { n, at, text: 'x'.repeat(40) })
          : reading(`p${at}`, wall + n * 1000, { v: n + at / 7, raw: Uint8Array.of(n, at) }),
      )
      bench.commit(records, { at: { wall, mono: day * 1000 + n }, tb: n < 20 ? day : day + 1 })
    }
  }
  for (const stream of STREAMS)
    for (const { text } of readAll(bench, stream))
      for (const line of text.split('\n')) truth.set(numberOf(line), { stream, text: line })
  bench.close()
  expect(truth.size).toBe(3 * PER_DAY)
})
afterAll(() => rmSync(original, { recursive: true }))

/** What reading a stream to its end says is damaged; undefined when all of it was read. */
function damagedBy(bench: Bench, stream: Stream): DamagedFile | undefined {
  try {
    readAll(bench, stream)
    return undefined
  } catch (thrown) {
    if (thrown instanceof StoreError && thrown.damaged !== undefined) return thrown.damaged
    throw thrown
  }
}

/** The batch after a record; none where what is found there would have to be told first. */
function firstAfter(bench: Bench, stream: Stream, after: number): readonly PackedBatch[] {
  try {
    return bench.journal.batches({ stream, after, batches: 1 })
  } catch (thrown) {
    if (thrown instanceof StoreError && thrown.damaged !== undefined) return []
    throw thrown
  }
}

/** Reads both streams as the agent does: what is found damaged is examined, told in a commit, and read around. */
function readThrough(dir: string): {
  batches: PackedBatch[]
  losses: Losses
  examinations: number
} {
  const bench = new Bench(dir, { newEpoch: 'SECOND' })
  let losses: Losses = new Map()
  const batches: PackedBatch[] = []
  let examinations = 0
  for (const stream of STREAMS) {
    for (let found = damagedBy(bench, stream); found !== undefined; ) {
      const examined = examine(systemDisk, path.join(dir, 'journal'), found)
      expect(covers(losses.get(found.file), examined.lost), 'each time more is told').toBe(false)
      losses = withLoss(losses, found.file, examined.lost)
      const value = JSON.stringify(Object.fromEntries(losses))
      const at = { wall: NOON + 2 * DAY_MS, mono: 9 }
      const told = { at, tb: 3, state: [{ key: LOST_ROW, value }] }
      bench.commit([event('store.records_lost')], told)
      found = damagedBy(bench, stream)
      examinations++
    }
    batches.push(...readAll(bench, stream))
  }
  bench.close()
  return { batches, losses, examinations }
}

/** What a consumer may hold against it: a changed record, a record gone that nothing tells, a hole that does not show. */
function faultsOf({ batches, losses }: ReturnType<typeof readThrough>): string[] {
  const faults: string[] = []
  const lost: Record<Stream, ReturnType<typeof united>> = {
    readings: united(...[...losses.values()].map(({ readings }) => readings)),
    event: united(...[...losses.values()].map((of) => of.event)),
  }
  const seen = new Set<number>()
  const have: Record<Stream, number> = { readings: 0, event: 0 }
  for (const { stream, prev, first, last, text, afterHole } of batches) {
    const lines = text.split('\n')
    for (const line of lines) {
      const seq = numberOf(line)
      seen.add(seq)
      if (seq <= 3 * PER_DAY && truth.get(seq)?.text !== line) faults.push(`${seq} changed`)
    }
    if (numberOf(lines[0] ?? '') !== first || numberOf(lines.at(-1) ?? '') !== last)
      faults.push(`${first}–${last} is not what it holds`)
    const between = [...truth].filter(
      ([seq, of]) => of.stream === stream && seq > have[stream] && seq < first,
    )
    if (between.length > 0 && prev <= have[stream]) faults.push(`no hole shows before ${first}`)
    if (prev > have[stream] && afterHole !== true) faults.push(`a hole before ${first} is not told`)
    const inside = [...truth].filter(
      ([seq, of]) => of.stream === stream && seq > first && seq < last && !seen.has(seq),
    )
    if (inside.length > 0) faults.push(`${inside[0]?.[0]} is missing within a message`)
    have[stream] = last
  }
  for (const [seq, { stream }] of truth)
    if (!seen.has(seq) && !isIn(lost[stream], seq)) faults.push(`${seq} is gone and not told`)
  return faults
}

/** Overwrites part of a file, as bit rot and bad sectors do. */
function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(file, 'r+')
  writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
}

/** The first page of a table, counted from 0. */
function rootPage(file: string, table: string): number {
  const db = new Database(file, { readonly: true })
  const roots = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').raw()
  const [page] = roots.get(table) as [number]
  db.close()
  return page - 1
}

describe('HO6 D2 an earlier file that is damaged', () => {
  it('gives every record that is proven, byte for byte, and tells the others by number', () => {
    const dir = copyDirectory(original)
    const pages = statSync(fileOf(dir, 0)).size / 4096
    let some = 0
    for (let page = 1; page < pages; page += 4) {
      const copy = copyDirectory(original)
      overwrite(fileOf(copy, 0), page * 4096, new Uint8Array(4096).fill(0xa5))
      const result = readThrough(copy)
      expect(faultsOf(result), `page ${page}`).toEqual([])
      const lost = countIn(result.losses.get(files(dir)[0] ?? '')?.readings ?? [])
      if (lost > 0 && lost < PER_DAY) some++
    }
    expect(some, 'pages that cost some records and not all').toBeGreaterThan(0)
  })

  it('is told in one piece, also where SQLite finds a page at fault at its first touch and not again', () => {
    const file = readFileSync(fileOf(original, 0))
    const leaves = Array.from({ length: file.length / 4096 - 1 }, (_, index) => index + 1).filter(
      (page) => file[page * 4096] === 0x0d,
    )
    expect(leaves.length).toBeGreaterThan(5)
    for (const page of leaves) {
      const copy = copyDirectory(original)
      // the pointer to the page's first cell leads to its last bytes
      overwrite(fileOf(copy, 0), page * 4096 + 8, Uint8Array.of(0x0f, 0xfe))
      const result = readThrough(copy)
      expect(faultsOf(result), `page ${page}`).toEqual([])
      expect(result.examinations, `page ${page}`).toBeLessThanOrEqual(2)
    }
  })

  it.each(['timebase', 'commits', 'event', 'reading', 'base', 'state'])(
    'D2 names in `prev` the record before, whatever record a reading begins with: first page of %s gone',
    (table) => {
      const copy = copyDirectory(original)
      const page = rootPage(fileOf(copy, 0), table)
      overwrite(fileOf(copy, 0), page * 4096, new Uint8Array(4096).fill(0xff))
      const { losses } = readThrough(copy)
      const lost = losses.get(files(copy)[0] ?? '')
      const bench = new Bench(copy, { newEpoch: 'SECOND' })
      for (const stream of STREAMS) {
        let before = 0
        for (const [seq, { stream: its }] of truth) {
          if (its !== stream || seq > PER_DAY) continue
          // as after a message that was set aside: from right before a record
          const [batch] = firstAfter(bench, stream, seq - 1)
          const told = lost?.[stream].findLast(([, end]) => end < seq)?.[1] ?? 0
          if (batch?.first === seq)
            expect(batch.prev, `${stream} ${seq}`).toBe(Math.max(before, told))
          before = seq
        }
      }
      bench.close()
    },
  )

  it('never gives a record that differs, nor one less in silence, whatever is overwritten', () => {
    const size = statSync(fileOf(original, 1)).size
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(size - 1), fc.uint8Array({ minLength: 1, maxLength: 64 })), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.nat(1),
        (changes, index) => {
          const dir = copyDirectory(original)
          for (const [at, bytes] of changes) overwrite(fileOf(dir, index), at, bytes)
          expect(faultsOf(readThrough(dir))).toEqual([])
          rmSync(dir, { recursive: true })
        },
      ),
      { numRuns: Number(process.env['DAMAGES'] ?? 10) },
    )
  })

  it('with a commit that names fewer records than it has checks is read around', () => {
    const dir = copyDirectory(original)
    overwrite(fileOf(dir, 0), 86_201, Uint8Array.of(0, 10))
    expect(faultsOf(readThrough(dir))).toEqual([])
  })

  it('U3 a changed value that SQLite does not notice is not sent', () => {
    const dir = copyDirectory(original)
    const db = new Database(fileOf(dir, 0))
    db.exec('UPDATE reading SET v = v + 1 WHERE s = 25')
    db.close()
    const result = readThrough(dir)
    expect(faultsOf(result)).toEqual([])
    expect([...result.losses.values()]).toEqual([{ readings: [[25, 25]], event: [] }])
  })

  it.each(['point', 'quality', 'timebase', 'commits', 'event', 'reading', 'base'])(
    'with the first page of its table %s gone is read around',
    (table) => {
      const dir = copyDirectory(original)
      const page = rootPage(fileOf(dir, 1), table)
      overwrite(fileOf(dir, 1), page * 4096, new Uint8Array(4096).fill(0xff))
      expect(faultsOf(readThrough(dir))).toEqual([])
    },
  )

  it('that is gone altogether is told whole, the streams go on, and a restart does not tell it again', () => {
    const dir = copyDirectory(original)
    const name = files(dir)[1] ?? ''
    rmSync(fileOf(dir, 1))
    const before = new Bench(dir)
    expect(before.journal.missing()).toEqual([
      expect.objectContaining({
        ...{ file: name, from: PER_DAY + 1, through: 2 * PER_DAY },
        ...{ readings: (PER_DAY * 5) / 6, events: PER_DAY / 6 },
      }),
    ])
    before.close()
    const result = readThrough(dir)
    expect(faultsOf(result)).toEqual([])
    const again = new Bench(dir)
    expect(again.journal.missing()).toEqual([])
    expect(damagedBy(again, 'readings')).toBeUndefined()
    expect(again.journal.count('readings', 0)).toBeGreaterThan(0)
  })

  it('shows the hole in `prev` where several are gone, and counts what is left', () => {
    const dir = copyDirectory(original)
    for (const index of [1, 0]) rmSync(fileOf(dir, index))
    const bench = new Bench(dir)
    expect(() => readAll(bench, 'readings'), 'never in silence').toThrow(/not there any more/)
    bench.close()
    const { batches } = readThrough(dir)
    const [first] = batches.filter(({ stream }) => stream === 'readings')
    expect(first).toMatchObject({ prev: 2 * PER_DAY - 1, first: 2 * PER_DAY + 1, afterHole: true })
    const again = new Bench(dir)
    expect(again.journal.count('readings', 0)).toBe((PER_DAY * 5) / 6)
    expect(again.journal.count('event', 3 * PER_DAY)).toBe(2)
  })
})

describe('the store', () => {
  it('HO6 tells who listens what an earlier file has lost, once, and gives the rest when that is committed', async () => {
    const dir = copyDirectory(original)
    const page = rootPage(fileOf(dir, 0), 'event')
    overwrite(fileOf(dir, 0), page * 4096, new Uint8Array(4096).fill(0x5a))
    const store = await openStore({
      ...{ dataDir: dir, origin: 'simulated', log: silentLog, sealDelayMs: 1e9 },
      ...{ wall: () => NOON, newEpoch: () => EPOCH },
    })
    try {
      const told: FileLoss[] = []
      store.onLoss?.((loss) => told.push(loss))
      const all = { stream: 'event', after: 0, batches: 200 } as const
      await expect(store.batches(all)).rejects.toMatchObject({ kind: 'corrupt' })
      await expect(store.batches(all)).rejects.toMatchObject({ kind: 'corrupt' })
      await until('the loss is told', () => told.length > 0)
      const [loss] = told
      expect(loss).toMatchObject({ file: files(dir)[0], missing: false, from: 1, through: PER_DAY })
      expect((loss?.lostRecords ?? 0) + (loss?.readings ?? 0) + (loss?.events ?? 0)).toBe(PER_DAY)
      const state = [...(loss?.rows ?? [])].map(([key, value]) => ({
        key,
        value: JSON.stringify(value),
      }))
      const first = store.recovered.head.seq + 1
      const at = { wall: NOON + 2 * DAY_MS, mono: 5000 }
      await store.commit({ at, bootId: 'b', tb: 3, first, records: [event('told')], state })
      expect((await store.batches(all)).length).toBeGreaterThan(3)
      expect(told).toHaveLength(1)
    } finally {
      await store.close()
    }
  })
})

describe('a long stretch of a damaged file without an event', () => {
  it('is passed in steps, so that commits get their turn, and the next event is found', async () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    bench.commit([event('first')])
    bench.commit(Array.from({ length: 9000 }, (_, n) => reading('a', NOON + n)))
    bench.commit([event('last')])
    bench.commit([event('next day')], { at: { wall: NOON + DAY_MS, mono: 9 } })
    const [file = ''] = files(dir)
    const value = JSON.stringify({ [file]: { readings: [[2, 5]], event: [[2, 5]] } })
    bench.commit([], { state: [{ key: LOST_ROW, value }] })
    const [one, pause] = bench.journal.batches({ stream: 'event', after: 0, batches: 9 })
    expect([one?.first, pause?.text, pause?.last]).toEqual([1, '', 4004])
    bench.close()
    const store = await openStore({
      ...{ dataDir: dir, origin: 'simulated', log: silentLog, sealDelayMs: 1e9 },
      ...{ wall: () => NOON, newEpoch: () => EPOCH },
    })
    try {
      const all = await store.batches({ stream: 'event', after: 0, batches: 9 })
      expect(all.map(({ prev, first }) => [prev, first])).toEqual([
        [0, 1],
        [5, 9002],
        [9002, 9003],
      ])
      expect(all[1]?.afterHole).toBe(true)
    } finally {
      await store.close()
    }
  })
})
