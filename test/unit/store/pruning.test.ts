// Removing earlier files (URS-52): the event first, then the file; a kill or a power loss anywhere in between ends in the one or the
// other; `verify` takes a missing file for removed only where the chain says so.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import type { EarlierFile } from '#ports/store.ts'
import { PRUNED_ROW, removalOf, unlinkPruned } from '../../../agent/store/pruning.ts'
import { openStore } from '../../../agent/store/sqlite-store.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import { until } from '../../support/until.ts'
import {
  Bench,
  copyDirectory,
  DAY_MS,
  EPOCH,
  event,
  FaultyDisk,
  NOON,
  reading,
  Stopped,
} from './support.ts'

let original: string

/** Four files of 10 records each (nine readings and an event), the first three sealed as far as the register says. */
beforeAll(() => {
  original = mkdtempSync(path.join(os.tmpdir(), 'journal-original-'))
  const bench = new Bench(original)
  for (let day = 0; day < 4; day++) {
    const wall = NOON + day * DAY_MS
    bench.commit(
      [
        ...Array.from({ length: 9 }, (_, n) => reading('a', wall + n * 1000)),
        event('note', { day }),
      ],
      { at: { wall, mono: day }, state: [{ key: 'alarm/a', value: '{"open":true}' }] },
    )
  }
  bench.close()
})
afterAll(() => rmSync(original, { recursive: true }))

const LAST = { at: { wall: NOON + 3 * DAY_MS, mono: 99 } }

const files = (dir: string): string[] =>
  readdirSync(path.join(dir, 'journal'))
    .filter((name) => name.endsWith('.db'))
    .sort()

/** Says of a file that it is sealed; the bytes do not matter here. */
function seal(bench: Bench, ...ordinals: number[]): EarlierFile[] {
  for (const ordinal of ordinals) bench.journal.noteSealed(ordinal, 'ab'.repeat(32), 4096, NOON)
  return bench.journal.earlier().files
}

/** Commits the removal of a file; tells the row that it leads to. */
function prune(bench: Bench, row: string | undefined, file: EarlierFile): string {
  const { type, body, rows } = removalOf(row, file, 'retention')
  const value = JSON.stringify(rows.get(PRUNED_ROW))
  bench.commit([event(type, body)], { ...LAST, state: [{ key: PRUNED_ROW, value }] })
  return value
}

/** `verify` where the seals are not true. */
const verify = (dir: string): ReturnType<typeof verifyJournal> => {
  const name = files(dir).at(-1) ?? ''
  const db = new Database(path.join(dir, 'journal', name))
  db.exec('UPDATE segment SET sha256 = NULL')
  db.close()
  return verifyJournal(dir)
}

describe('D8 URS-52 an earlier file', () => {
  it('is offered once it is sealed, with what it holds and the rows that say how far it was taken', () => {
    const dir = copyDirectory(original)
    const bench = new Bench(dir)
    expect(bench.journal.earlier().files).toEqual([])
    bench.commit([], { ...LAST, state: [{ key: 'cursor/readings', value: '29' }] })
    expect(seal(bench, 2, 3)).toMatchObject([
      {
        ...{ file: files(dir)[1], from: 11, through: 20, readings: 9, events: 1 },
        ...{ last: { readings: 19, event: 20 }, until: Date.UTC(2025, 10, 24) },
      },
      { from: 21, through: 30 },
    ])
    expect([...bench.journal.earlier().rows]).toEqual([['cursor/readings', '29']])
  })

  it('is unlinked after the commit that names it; streams show the hole, and verify holds', () => {
    const dir = copyDirectory(original)
    const bench = new Bench(dir)
    const [first, second] = seal(bench, 1, 2)
    if (first === undefined || second === undefined) throw new Error('not offered')
    const row = prune(bench, undefined, first)
    expect(files(dir)).toHaveLength(3)
    prune(bench, row, second)
    expect(files(dir)).toHaveLength(2)
    expect(bench.journal.earlier().files).toEqual([])
    const [batch] = bench.journal.batches({ stream: 'readings', after: 0, batches: 1 })
    expect(batch).toMatchObject({ prev: 19, first: 21, afterHole: true })
    expect(bench.journal.count('event', 0)).toBe(4)
    bench.close()
    const again = new Bench(dir)
    expect(again.journal.missing(), 'nothing is lost').toEqual([])
    expect(again.journal.recovered.state.get('alarm/a')).toBe('{"open":true}')
    again.close()
    expect(verify(dir)).toMatchObject({ ok: true, startsAfter: 20, removed: 20, readings: 18 })
  })

  it('taken out of the middle leaves a journal that verifies, and one that is no neighbour too', () => {
    const dir = copyDirectory(original)
    const bench = new Bench(dir)
    const [first, , third] = seal(bench, 1, 2, 3)
    if (first === undefined || third === undefined) throw new Error('not offered')
    const row = prune(bench, undefined, third)
    const both = JSON.parse(prune(bench, row, first)) as { gone: unknown[] }
    expect(both.gone).toMatchObject([
      [1, 10, first.hash],
      [21, 30, third.hash],
    ])
    bench.close()
    expect(verify(dir)).toMatchObject({ ok: true, startsAfter: 10, removed: 20 })
  })

  it('the events that named others go with it, and what they named is still known', () => {
    const dir = copyDirectory(original)
    const bench = new Bench(dir)
    const [first] = seal(bench, 1)
    if (first === undefined) throw new Error('not offered')
    let row = prune(bench, undefined, first)
    // The file with that event is left behind, sealed, and removed with all before it.
    bench.commit([event('next day')], { at: { wall: NOON + 4 * DAY_MS, mono: 200 } })
    for (const file of seal(bench, 2, 3, 4)) {
      const { type, body, rows } = removalOf(row, file, 'retention')
      row = JSON.stringify(rows.get(PRUNED_ROW))
      const at = { wall: NOON + 4 * DAY_MS, mono: 201 }
      bench.commit([event(type, body)], { at, state: [{ key: PRUNED_ROW, value: row }] })
    }
    expect(files(dir)).toHaveLength(1)
    bench.close()
    expect(verify(dir)).toMatchObject({ ok: true, startsAfter: 41, removed: 41 })
  })
})

describe('D8 U3 PE15 a file that is gone without such an event', () => {
  it.each([
    [0, 1, 10],
    [1, 11, 20],
    [2, 21, 30],
  ])('file %i is found by verify as removed by hand', (index, seq, through) => {
    const dir = copyDirectory(original)
    rmSync(path.join(dir, 'journal', files(dir)[index] ?? ''))
    expect(verifyJournal(dir)).toMatchObject({
      ok: false,
      fault: { kind: 'removed', seq, through, message: expect.stringMatching(/by hand/) },
    })
  })

  it('is found beside one that retention removed, and so is one put in its place', () => {
    const dir = copyDirectory(original)
    const bench = new Bench(dir)
    const [first] = seal(bench, 1)
    if (first === undefined) throw new Error('not offered')
    prune(bench, undefined, first)
    bench.close()
    rmSync(path.join(dir, 'journal', files(dir)[0] ?? ''))
    expect(verify(dir)).toMatchObject({
      ok: false,
      fault: { kind: 'removed', seq: 1, through: 20 },
    })
  })

  it('an event whose head is not that of the file after it is no excuse', () => {
    const dir = copyDirectory(original)
    const bench = new Bench(dir)
    const [first] = seal(bench, 1)
    if (first === undefined) throw new Error('not offered')
    prune(bench, undefined, { ...first, hash: '0'.repeat(64) })
    bench.close()
    expect(verify(dir)).toMatchObject({ ok: false, fault: { kind: 'altered', seq: 11 } })
  })
})

describe('HO1 HO2 a removal that is interrupted', () => {
  it('at any operation of the disk: the file is there, or the event is; the next start finishes it', () => {
    let [stops, finished] = [0, 0]
    for (let at = 1; at < 500; at += 2) {
      const dir = copyDirectory(original)
      const quiet = new Bench(dir)
      const [file] = seal(quiet, 1)
      if (file === undefined) throw new Error('not offered')
      quiet.close()
      let done = false
      try {
        const bench = new Bench(dir, { disk: new FaultyDisk(at) })
        prune(bench, undefined, file)
        bench.close()
        done = true
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Stopped)
        stops++
      }
      const left = copyDirectory(dir)
      const there = existsSync(path.join(left, 'journal', file.file))
      const again = new Bench(left)
      const told = again.journal.recovered.state.has(PRUNED_ROW)
      if (!there) expect(told, `operation ${at}: unlinked, so it was told`).toBe(true)
      if (told && there) finished++
      expect(existsSync(path.join(left, 'journal', file.file))).toBe(!told)
      again.close()
      expect(verify(left)).toMatchObject({ ok: true, removed: told ? 10 : 0 })
      for (const made of [dir, left]) rmSync(made, { recursive: true })
      if (done) break
    }
    expect(stops).toBeGreaterThan(20)
    expect(finished, 'kills between the event and the unlink').toBeGreaterThan(0)
  }, 30_000)
})

describe('the store', () => {
  it('URS-52 seals, offers and removes a file over its thread', async () => {
    const dir = copyDirectory(original)
    const store = await openStore({
      ...{ dataDir: dir, origin: 'simulated', log: silentLog, sealDelayMs: 1 },
      ...{ wall: () => NOON, newEpoch: () => EPOCH },
    })
    try {
      let offered: readonly EarlierFile[] = []
      await until('a file is sealed', () => {
        void store.earlier?.().then(({ files: found }) => {
          offered = found
        })
        return offered.length >= 1
      })
      const [file] = offered
      const removal = file && store.removal?.(file, 'retention')
      if (file === undefined || removal === undefined) throw new Error('not offered')
      const state = [...removal.rows].map(([key, value]) => ({ key, value: JSON.stringify(value) }))
      const records = [event(removal.type, removal.body)]
      const first = store.recovered.head.seq + 1
      await store.commit({ ...LAST, bootId: 'b', tb: 0, first, records, state })
      await until('it is unlinked', () => !files(dir).includes(file.file))
    } finally {
      await store.close()
    }
    expect(verifyJournal(dir)).toMatchObject({ ok: true, removed: 10 })
  })
})

it('D8 URS-52 the directory is synced once behind the files that were unlinked, and left alone where there are none', () => {
  const sealed = (name: string) => ({
    ...{ ordinal: 1, name, first: 1, last: 10, readings: 9, events: 1, lastReading: 9 },
    ...{ lastEvent: 10, hash: Buffer.alloc(32), sha256: 'ab', bytes: 1, sealed: NOON },
  })
  const closed = ['e-0001-20250101.db', 'e-0002-20250102.db', 'e-0003-20250103.db'].map(sealed)
  const names = closed.map(({ name }) => name)
  const there = new Set(names.slice(1))
  const done: string[] = []
  const disk = {
    ...systemDisk,
    size: (file: string) => (there.has(path.basename(file)) ? 1 : undefined),
    remove: (file: string) => void done.push(`remove ${path.basename(file)}`),
    syncDirectory: (directory: string) => void done.push(`sync ${directory}`),
  }
  const unlink = (files: string[]) =>
    unlinkPruned({ disk, directory: '/j', log: silentLog }, { gone: [], files }, closed)
  expect(unlink([...names, 'of-nobody.db'])).toBe(true)
  expect(done).toEqual([`remove ${names[1]}`, `remove ${names[2]}`, 'sync /j'])
  there.clear()
  expect(unlink(names)).toBe(false)
  expect(done).toHaveLength(3)
})
