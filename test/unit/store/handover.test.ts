import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Head } from '#ports/store.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import {
  Bench,
  copyDirectory,
  DAY_MS,
  event,
  FaultyDisk,
  NOON,
  reading,
  Stopped,
  temporaryDirectory,
} from './support.ts'

const OPERATIONS_MAX = 1000
const TIMEOUT_MS = 60_000

/** A life: a commit on one day, two on the next. Tells what was acknowledged before the disk stopped. */
function live(
  dir: string,
  disk: FaultyDisk,
): { acknowledged: Head | undefined; done: boolean; cause?: unknown } {
  let acknowledged: Head | undefined
  try {
    const bench = new Bench(dir, { disk })
    for (let n = 0; n < 3; n++) {
      const wall = NOON + Math.ceil(n / 2) * DAY_MS
      const records = [reading('a', wall + n, { v: n }), event('note', { n })]
      const state = [{ key: 'n', value: `${n}` }]
      acknowledged = bench.commit(records, { at: { wall, mono: n }, state })
    }
    bench.close()
    return { acknowledged, done: true }
  } catch (cause) {
    return { acknowledged, done: false, cause }
  }
}

function checkSurvivor(dir: string, acknowledged: Head | undefined): void {
  const bench = new Bench(dir, { newEpoch: 'SECOND' })
  const { head, state, lastCommit } = bench.journal.recovered
  const known = acknowledged?.seq ?? 0
  expect(head.seq, 'nothing acknowledged is lost, nothing half done is kept').toSatisfy(
    (seq: number) => seq === known || seq === known + 2,
  )
  if (head.seq === known && acknowledged !== undefined) expect(head).toEqual(acknowledged)
  expect(state.get('n')).toBe(head.seq === 0 ? undefined : `${head.seq / 2 - 1}`)
  expect(lastCommit?.at.mono).toBe(head.seq === 0 ? undefined : head.seq / 2 - 1)
  const leftovers = readdirSync(path.join(dir, 'journal')).filter((name) => name.includes('tmp'))
  expect(leftovers).toEqual([])
  const next = bench.commit([reading('a', NOON)], { at: { wall: NOON + 2 * DAY_MS, mono: 9 } })
  expect(next.seq).toBe(head.seq + 1)
  expect(bench.journal.count('readings', 0)).toBe(head.seq / 2 + 1)
  bench.close()
  expect(verifyJournal(dir, { expected: acknowledged })).toMatchObject({ ok: true, head: next })
}

describe('a new file', () => {
  it('HO2 is durable before it has its name, and its name is before it takes a commit', () => {
    const disk = new FaultyDisk(Number.POSITIVE_INFINITY)
    live(temporaryDirectory(), disk)
    const steps = [
      'BEGIN IMMEDIATE new.tmp',
      'COMMIT new.tmp',
      'close new.tmp',
      'syncFile new.tmp',
      'rename journal-000002-20251123.db',
      'syncDirectory journal',
      'open to write journal-000002-20251123.db',
      'BEGIN IMMEDIATE journal-000002-20251123.db',
      'COMMIT journal-000002-20251123.db',
      'close journal-000001-20251122.db',
    ]
    const start = disk.log.lastIndexOf('open to create new.tmp')
    const places = steps.map((step) => disk.log.indexOf(step, start))
    expect(places).not.toContain(-1)
    expect(places).toEqual([...places].sort((one, other) => one - other))
    const afterwards = disk.log
      .slice(start)
      .filter((step) => /(BEGIN|COMMIT|INSERT).*-000001-/.test(step))
    expect(afterwards, 'nothing is written to the old one any more').toEqual([])
  })
})

describe('HO1 a journal that stops', () => {
  it(
    'at any of its operations, from the first opening over a handover to the end, loses nothing acknowledged',
    () => {
      let stops = 0
      for (let at = 1; at <= OPERATIONS_MAX; at++) {
        const dir = temporaryDirectory()
        const { acknowledged, done, cause } = live(dir, new FaultyDisk(at))
        if (done) break
        expect(cause).toBeInstanceOf(Stopped)
        stops++
        const left = copyDirectory(dir)
        checkSurvivor(left, acknowledged)
      }
      expect(stops).toBeGreaterThan(100)
      expect(stops).toBeLessThan(OPERATIONS_MAX)
    },
    TIMEOUT_MS,
  )
})

describe('HO5 a disk that fails once', () => {
  it(
    'at any of its operations stops the journal, and the next start goes on from what was acknowledged',
    () => {
      let failures = 0
      for (let at = 1; at <= OPERATIONS_MAX; at++) {
        const dir = temporaryDirectory()
        const disk = new FaultyDisk(at, 'io')
        const { acknowledged, done } = live(dir, disk)
        if (disk.operations < at) break
        failures++
        const left = copyDirectory(dir)
        if (existsSync(path.join(left, 'journal'))) {
          if (done) expect(acknowledged?.seq).toBe(6)
          checkSurvivor(left, acknowledged)
        }
      }
      expect(failures).toBeGreaterThan(100)
    },
    TIMEOUT_MS,
  )
})
