import { copyFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Stream } from '#core/record.ts'
import { type JournalRecord, printEvent, printReading } from '#core/record.ts'
import type { PackedBatch } from '../../../agent/store/reader.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import {
  anyRecord,
  Bench,
  badReading,
  copyDirectory,
  DAY_MS,
  EPOCH,
  event,
  NOON,
  query,
  reading,
  temporaryDirectory,
} from './support.ts'

const print = (record: JournalRecord, seq: number): string =>
  record.kind === 'reading' ? printReading(seq, record.reading) : printEvent(seq, record.event)

function readAll(bench: Bench, stream: Stream, after = 0, batches = 3): PackedBatch[] {
  const found: PackedBatch[] = []
  for (let from = after; ; ) {
    const part = bench.journal.batches({ stream, after: from, batches })
    if (part.length === 0) return found
    found.push(...part)
    from = part.at(-1)?.last ?? from
  }
}

const texts = (batches: readonly PackedBatch[]): string[] =>
  batches.flatMap(({ text }) => text.split('\n'))

const files = (dir: string): string[] =>
  readdirSync(path.join(dir, 'journal'))
    .filter((name) => name.endsWith('.db'))
    .sort()

const anyStep = fc.record({
  records: fc.array(anyRecord, { maxLength: 12 }),
  days: fc.constantFrom(0, 0, 0, 1),
  steps: fc.constantFrom(0, 0, 0, 1),
  restart: fc.constantFrom(false, false, false, true),
})

/** Whether each batch names the one before it as its `prev`. */
const chained = (batches: readonly PackedBatch[], before: number): boolean =>
  batches.every((batch, at) => batch.prev === (batches[at - 1]?.last ?? before))

describe('a new journal', () => {
  it('URS-69 begins an epoch, marks the directory with its origin and refuses the other for ever', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    expect(bench.journal.recovered).toMatchObject({ epoch: EPOCH, created: true, tb: 0 })
    expect(bench.journal.recovered.lastCommit).toBeUndefined()
    bench.close()
    expect(() => new Bench(dir, { origin: 'instrument' })).toThrow(/never takes "instrument"/)
    expect(() => new Bench(dir, { origin: 'instrument' })).toThrow(
      expect.objectContaining({ kind: 'origin' }),
    )
    expect(new Bench(dir, { newEpoch: 'other' }).journal.recovered).toMatchObject({
      epoch: EPOCH,
      created: false,
    })
  })
})

describe('a commit', () => {
  it('contract §3 takes only the next sequence number and never goes back to an older time base', () => {
    const bench = new Bench(temporaryDirectory())
    bench.commit([reading('a', NOON)], { tb: 2 })
    expect(() => bench.commit([reading('a', NOON)], { first: 3, tb: 2 })).toThrow(
      /commit at 3 on 1/,
    )
    expect(() => bench.commit([reading('a', NOON)], { first: 1, tb: 2 })).toThrow(
      /commit at 1 on 1/,
    )
    expect(() => bench.commit([reading('a', NOON)], { first: 2, tb: 1 })).toThrow(
      /time base 1 after/,
    )
  })

  it.each([
    ['a value that is not a number', { v: Number.NaN }],
    ['an infinite value', { v: Number.POSITIVE_INFINITY }],
    ['a time between milliseconds', { t: 0.5 }],
    ['an arrival between milliseconds', { a: 0.5 }],
    ['no slots', { slots: 0 }],
  ])('refuses %s as a broken invariant', (_what, wrong) => {
    const bench = new Bench(temporaryDirectory())
    expect(() => bench.commit([reading('a', NOON, wrong)])).toThrow(/not storable/)
    expect(bench.commit([reading('a', NOON)]).seq).toBe(1)
  })

  it('writes state with its records, and state alone without touching the chain', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    const head = bench.commit([event('x')], {
      state: [
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ],
    })
    const after = bench.commit([], {
      at: { wall: NOON + 5000, mono: 99.25 },
      bootId: 'boot-2',
      state: [
        { key: 'a', value: undefined },
        { key: 'c', value: '3' },
      ],
    })
    expect(after).toEqual(head)
    bench.close()
    const { recovered } = new Bench(dir).journal
    expect(recovered.head).toEqual(head)
    expect([...recovered.state]).toEqual([
      ['b', '2'],
      ['c', '3'],
    ])
    expect(recovered.lastCommit).toEqual({
      at: { wall: NOON + 5000, mono: 99.25 },
      bootId: 'boot-2',
    })
  })

  it('URS-04 keeps raw registers, empty ones too', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    bench.commit([
      reading('a', NOON, { raw: Uint8Array.of(0x41, 0x73, 0, 255) }),
      reading('b', NOON, { raw: Uint8Array.of() }),
      reading('c', NOON),
      reading('d', NOON, { raw: Uint8Array.of(7) }),
    ])
    expect(
      query(
        dir,
        'SELECT point, readings.raw, typeof(r.raw) FROM readings JOIN reading AS r USING (s)',
      ),
    ).toEqual([
      ['a', '417300FF', 'blob'],
      ['b', '', 'blob'],
      ['c', '', 'null'],
      ['d', '07', 'blob'],
    ])
  })
})

describe('what is read', () => {
  it('D4 is byte for byte what was committed: from the window, from files, over days and restarts', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 8 }), fc.nat(100), (steps, from) => {
        const dir = temporaryDirectory()
        let bench = new Bench(dir)
        const expected: Record<Stream, [seq: number, tb: number, text: string][]> = {
          readings: [],
          event: [],
        }
        let seq = 0
        let day = 0
        let tb = 0
        for (const step of steps) {
          day += step.days
          tb += step.steps
          for (const record of step.records) {
            seq++
            const stream = record.kind === 'reading' ? 'readings' : 'event'
            expected[stream].push([seq, tb, print(record, seq)])
          }
          const at = { wall: NOON + day * DAY_MS, mono: seq + 0.125 }
          bench.commit(step.records, { at, tb, state: [{ key: 'seq', value: `${seq}` }] })
          if (!step.restart) continue
          bench.close()
          bench = new Bench(dir)
        }
        const check = (journal: Bench): void => {
          for (const stream of ['readings', 'event'] as const) {
            for (const after of [0, Math.min(from, seq)]) {
              const batches = readAll(journal, stream, after)
              const wanted = expected[stream].filter(([s]) => s > after)
              expect(texts(batches)).toEqual(wanted.map(([, , text]) => text))
              expect(journal.journal.count(stream, after)).toBe(wanted.length)
              expect(
                chained(batches, expected[stream].findLast(([s]) => s <= after)?.[0] ?? 0),
              ).toBe(true)
              const bases = new Map(wanted.map(([s, of]) => [s, of]))
              for (const { first, last, tb: of } of batches)
                expect([bases.get(first), bases.get(last)]).toEqual([of, of])
            }
          }
        }
        check(bench)
        const { head } = bench.journal
        bench.close()
        const again = new Bench(dir)
        expect(again.journal.head).toEqual(head)
        expect(again.journal.recovered.state.get('seq')).toBe(`${seq}`)
        check(again)
        again.close()
        expect(verifyJournal(dir, { expected: head })).toMatchObject({ ok: true, head })
      }),
      { numRuns: 60 },
    )
  })

  it('cuts at 100 readings, at each event and at each time base, and names what came before', () => {
    const bench = new Bench(temporaryDirectory())
    const many = (count: number) => Array.from({ length: count }, (_, n) => reading('a', NOON + n))
    bench.commit([event('start'), ...many(150)])
    bench.commit(many(30))
    bench.commit([...many(5), event('clock.stepped')], { tb: 1 })
    const shape = (batches: readonly PackedBatch[]) =>
      batches.map(({ tb, prev, first, last }) => [tb, prev, first, last])
    const expected = [
      [0, 0, 2, 101],
      [0, 101, 102, 181],
      [1, 181, 182, 186],
    ]
    expect(shape(readAll(bench, 'readings'))).toEqual(expected)
    expect(shape(readAll(bench, 'readings', 0, 1))).toEqual(expected)
    expect(shape(readAll(bench, 'readings', 150))).toEqual([
      [0, 150, 151, 181],
      [1, 181, 182, 186],
    ])
    expect(shape(readAll(bench, 'event'))).toEqual([
      [0, 0, 1, 1],
      [1, 1, 187, 187],
    ])
    expect(
      bench.journal.batches({ stream: 'readings', after: 0, through: 50, batches: 9 }),
    ).toEqual([expect.objectContaining({ prev: 0, first: 2, last: 50 })])
    expect(bench.journal.batches({ stream: 'readings', after: 186, batches: 9 })).toEqual([])
    expect(bench.journal.batches({ stream: 'event', after: 0, batches: 0 })).toEqual([])
  })

  it('counts what waits in each stream without reading it', () => {
    const bench = new Bench(temporaryDirectory())
    let seq = 0
    const after: Record<Stream, number[]> = { readings: [], event: [] }
    for (let n = 0; n < 40; n++) {
      const records = [reading('a', NOON), event('x'), reading('b', NOON)].slice(0, 1 + (n % 3))
      bench.commit(records, { at: { wall: NOON + n * (DAY_MS / 10), mono: n } })
      for (const record of records) {
        seq++
        after[record.kind === 'reading' ? 'readings' : 'event'].push(seq)
      }
    }
    for (const stream of ['readings', 'event'] as const) {
      for (let from = 0; from <= seq + 1; from++) {
        const expected = after[stream].filter((s) => s > from).length
        expect(bench.journal.count(stream, from), `${stream} after ${from}`).toBe(expected)
      }
    }
  })
})

describe('the coverage', () => {
  const covered = (dir: string) => Object.fromEntries(new Bench(dir).journal.recovered.coverage)

  it('URS-01 is the newest slot of each point in the current time base, late records aside', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    bench.commit([reading('gone', NOON)])
    bench.commit(
      [
        reading('a', NOON),
        badReading('b', NOON, 7),
        reading('a', NOON + 1000),
        reading('a', NOON - 5000, { late: true }),
      ],
      { tb: 1 },
    )
    bench.commit([reading('b', NOON - 9000, { late: true })], { tb: 1 })
    const expected = { a: { t: NOON + 1000, slots: 1 }, b: { t: NOON, slots: 7 } }
    expect(Object.fromEntries(bench.journal.coverage)).toEqual(expected)
    bench.close()
    expect(covered(dir)).toEqual(expected)
  })

  it('is found over a snapshot, a handover and a new time base', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    bench.commit([reading('old', NOON), reading('a', NOON)])
    const many = Array.from({ length: 40_000 }, (_, n) => reading('b', NOON + n))
    bench.commit(many)
    bench.commit(many.slice(0, 30_000))
    expect(query(dir, 'SELECT through FROM coverage_mark')).toEqual([[70_002]])
    bench.commit([reading('a', NOON + 1)])
    const before = {
      old: { t: NOON, slots: 1 },
      a: { t: NOON + 1, slots: 1 },
      b: { t: NOON + 39_999, slots: 1 },
    }
    const copy = copyDirectory(dir)
    expect(covered(copy)).toEqual(before)
    bench.commit([], { at: { wall: NOON + DAY_MS, mono: 1 } })
    expect(files(dir)).toHaveLength(2)
    expect(covered(copyDirectory(dir))).toEqual(before)
    bench.commit([reading('a', NOON)], { tb: 1, at: { wall: NOON + DAY_MS, mono: 2 } })
    expect(covered(copyDirectory(dir))).toEqual({ a: { t: NOON, slots: 1 } })
  })
})

describe('a new day file', () => {
  const at = (days: number) => ({ at: { wall: NOON + days * DAY_MS, mono: days } })

  it('begins at UTC midnight of a commit, never goes back, and carries state and chain on', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    bench.commit([reading('a', NOON)], { ...at(0), state: [{ key: 'k', value: 'v' }] })
    bench.commit([event('x')], { at: { wall: NOON + DAY_MS / 2 - 1, mono: 1 } })
    expect(files(dir)).toEqual(['journal-000001-20251122.db'])
    bench.commit([reading('a', NOON)], { at: { wall: NOON + DAY_MS / 2, mono: 2 } })
    bench.commit([reading('a', NOON)], at(-3))
    bench.commit([reading('b', NOON)], at(5))
    expect(files(dir)).toEqual([
      'journal-000001-20251122.db',
      'journal-000002-20251123.db',
      'journal-000003-20251127.db',
    ])
    const { head } = bench.journal
    bench.close()
    const again = new Bench(dir)
    expect(again.journal.recovered).toMatchObject({ head, epoch: EPOCH })
    expect([...again.journal.recovered.state]).toEqual([['k', 'v']])
    expect(readAll(again, 'readings').map(({ prev, first, last }) => [prev, first, last])).toEqual([
      [0, 1, 1],
      [1, 3, 4],
      [4, 5, 5],
    ])
    expect(verifyJournal(dir)).toMatchObject({ ok: true, head, files: 3, readings: 4, events: 1 })
  })

  it('survives a clock beyond all sense', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir, { wall: -1e15 })
    for (const wall of [-9e15, 0, 253_402_300_800_000, 9e15, NOON])
      bench.commit([reading('a', NOON)], { at: { wall, mono: 1 } })
    expect(files(dir)).toEqual([
      'journal-000001-00000000.db',
      'journal-000002-19700101.db',
      'journal-000003-99991231.db',
    ])
    bench.close()
    expect(new Bench(dir).journal.head.seq).toBe(5)
  })

  it('begins after a number of records too, whatever the clock says', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir, { segmentRecordsMax: 3 })
    for (let n = 0; n < 7; n++) bench.commit([reading('a', NOON + n)], at(0))
    expect(files(dir)).toHaveLength(3)
    expect(texts(readAll(bench, 'readings'))).toHaveLength(7)
  })

  it('HO6 says when the file before does not end where the newest begins, and goes on', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    bench.commit([reading('a', NOON)], at(0))
    bench.commit([reading('a', NOON)], at(1))
    bench.close()
    const other = temporaryDirectory()
    const stranger = new Bench(other)
    stranger.commit([reading('a', NOON, { v: 1 })], at(0))
    stranger.close()
    const [first = ''] = files(dir)
    copyFileSync(path.join(other, 'journal', first), path.join(dir, 'journal', first))
    const { recovered } = new Bench(dir).journal
    expect(recovered.damaged).toEqual([
      { file: first, message: expect.stringMatching(/ends at record 1.*begins after 1/) },
    ])
    expect(recovered.head.seq).toBe(2)
  })
})
