// Images of a journal, mutated: verify and recovery say what is wrong, or the records are those that were written; neither throws
// anything else, hangs, or believes an altered record.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { Random } from '#core/random.ts'
import { silentLog } from '#ports/log.ts'
import { openJournal } from '../../../agent/store/quarantine.ts'
import { StoreError, toStoreError } from '../../../agent/store/store-error.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import { FUZZ_MS_MAX, fuzz, pick, whole } from '../../support/fuzz.ts'
import { Bench, DAY_MS, event, NOON, query, reading, temporaryDirectory } from './support.ts'

const timeout = FUZZ_MS_MAX
const PAGE = 4096

interface Image {
  readonly dir: string
  readonly files: ReadonlyMap<string, Buffer>
  readonly records: string
}

/** A journal of two files: a sealed one and the one that goes on. */
function image(): Image {
  const dir = temporaryDirectory()
  const bench = new Bench(dir)
  for (let n = 0; n < 12; n++) {
    const wall = NOON + (n < 6 ? n : DAY_MS + n) * 1000
    const records = [reading('a', wall), event('system.note', { n, text: 'x'.repeat(20 * n) })]
    bench.commit(records, {
      at: { wall, mono: n },
      state: [{ key: 'alarm/a', value: JSON.stringify({ n }) }],
    })
  }
  bench.close()
  const at = path.join(dir, 'journal')
  const names = readdirSync(at).filter((name) => !name.endsWith('-shm'))
  const files = new Map(names.map((name) => [name, readFileSync(path.join(at, name))]))
  return { dir, files, records: recordsOf(dir) }
}

const recordsOf = (dir: string): string =>
  JSON.stringify(query(dir, 'SELECT s, type, body FROM event ORDER BY s'))

/** Bits, bytes and whole pages changed, exchanged or cut off; the header as often as the rest. */
function mutated(random: Random, sound: Buffer): Buffer {
  const bytes = Buffer.from(sound)
  const pages = Math.max(1, Math.floor(bytes.length / PAGE))
  const anyPage = () => whole(random, pages) * PAGE
  for (let change = 1 + whole(random, 3); change > 0; change--) {
    const at = random() < 0.3 ? whole(random, 100) : anyPage() + whole(random, PAGE)
    if (at >= bytes.length) continue
    const kind = whole(random, 6)
    if (kind <= 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << whole(random, 8))
    else if (kind === 2) bytes[at] = pick(random, [0, 1, 0x7f, 0x80, 0xff])
    else if (kind === 3) sound.copy(bytes, anyPage(), anyPage(), sound.length)
    else if (kind === 4) bytes.subarray(at, at + whole(random, 300)).fill(whole(random, 256))
    else bytes.set(sound.subarray(0, PAGE), anyPage())
  }
  return random() < 0.8 ? bytes : bytes.subarray(0, whole(random, bytes.length))
}

/** The directory as it was written, but for one file. */
function spoil(random: Random, { files }: Image, dir: string): void {
  rmSync(dir, { recursive: true })
  const at = path.join(dir, 'journal')
  mkdirSync(at, { recursive: true })
  const [name, sound] = pick(random, [...files])
  for (const [each, bytes] of files) writeFileSync(path.join(at, each), bytes)
  writeFileSync(path.join(at, name), mutated(random, sound))
}

it('HO6 PE15 verify: a fault named with its file and record, or the very records that were written', {
  timeout,
}, () => {
  const original = image()
  const clean = verifyJournal(original.dir)
  expect(clean.ok).toBe(true)
  const dir = temporaryDirectory()
  fuzz({
    name: 'verify of a journal image',
    slow: true,
    accepted: [0.01, 0.9],
    input: (random) => {
      spoil(random, original, dir)
      const result = verifyJournal(dir)
      if (!result.ok) {
        if (result.fault.message === '') expect.fail('a fault without words')
        return false
      }
      // What was not told apart is no record: all records are chained.
      if (!clean.ok || result.head.hash !== clean.head.hash || result.readings !== clean.readings)
        return false
      if (recordsOf(dir) !== original.records) expect.fail('verified, and the records are others')
      return true
    },
  })
})

it('HO6 recovery: the journal goes on, or is set aside for a new one; every other fault is in words', {
  timeout,
}, () => {
  const original = image()
  const dir = temporaryDirectory()
  fuzz({
    name: 'recovery of a journal image',
    slow: true,
    accepted: [0.01, 0.9],
    input: (random) => {
      spoil(random, original, dir)
      let opened: ReturnType<typeof openJournal>
      try {
        opened = openJournal({
          ...{ disk: systemDisk, dataDir: dir, origin: 'simulated', log: silentLog, wall: NOON },
          newEpoch: '01JD3Z8Q5K0000000000000001',
        })
      } catch (error) {
        if (toStoreError(error, 'open') instanceof StoreError) return false
        throw error
      }
      const { journal, quarantined } = opened
      journal.close()
      if (quarantined === undefined) return true
      if (!verifyJournal(dir).ok) expect.fail('a new journal that does not verify')
      return false
    },
  })
})
