// HO6 U3 the file that is written rots while nobody runs: what a start finds is what was committed, or the file is set aside and that is
// said. SQLite has no checksums and the chain proves records only, so that the state needs a sum of its own.

import { describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import type { Commit, Quarantined, Recovered } from '#ports/store.ts'
import { journalDirectory } from '../../agent/store/journal.ts'
import { Packer } from '../../agent/store/pack.ts'
import { openJournal, renumberAlarm } from '../../agent/store/quarantine.ts'
import { Dice } from './dice.ts'
import { seamOn } from './journal-platter.ts'
import { SimFiles } from './sim-files.ts'
import { DATA_DIR } from './site.ts'

const WALL = 1_763_806_500_000
const COMMITS = 60
const POINTS = 10
const ALARMS = 30
const SEEDS = 40

const commit = (n: number): Commit => ({
  ...{
    at: { wall: WALL + n * 1000, mono: n * 1000 },
    bootId: 'boot',
    tb: 0,
    first: n * POINTS + 1,
  },
  records: Array.from({ length: POINTS }, (_, p) => ({
    kind: 'reading',
    reading: {
      ...{ point: `p${p}`, t: WALL + n * 1000, a: 3, v: n + p / 7, q: 'good' },
      raw: Uint8Array.of(n, p),
    },
  })),
  state: [0, 1, 2].map((k) => ({
    key: `alarm/p${(3 * n + k) % ALARMS}.action_high`,
    value: JSON.stringify({ state: { seq: n * POINTS + 1, occ: `OCC${n}`, acked: k === 0 } }),
  })),
})

interface Start {
  readonly recovered: Recovered
  readonly quarantined: Quarantined | undefined
  readonly records: readonly string[]
}

function start(files: SimFiles): Start {
  const { journal, quarantined } = openJournal({
    ...{ disk: seamOn(files, new Dice(1)), dataDir: DATA_DIR, origin: 'simulated' },
    ...{ log: silentLog, wall: WALL + 3_600_000, newEpoch: 'NEW', mono: 0, bootId: 'boot' },
  })
  const batches = journal.batches({ stream: 'readings', after: 0, batches: 100 })
  const events = journal.batches({ stream: 'event', after: 0, batches: 100 })
  const records = [...batches, ...events].map(({ text }) => text)
  journal.close()
  return { recovered: journal.recovered, quarantined, records }
}

/** A journal of one file, closed in order. */
function written(): SimFiles {
  const files = new SimFiles({ before: () => {} })
  const { journal } = openJournal({
    ...{ disk: seamOn(files, new Dice(1)), dataDir: DATA_DIR, origin: 'simulated' },
    ...{ log: silentLog, wall: WALL, newEpoch: 'OLD', mono: 0, bootId: 'boot' },
  })
  const packer = new Packer()
  for (let n = 0; n < COMMITS; n++) journal.commit(packer.pack(commit(n)))
  journal.close()
  return files
}

const original = written()
const truth = start(original.copy())
const [name = ''] = original.list(journalDirectory(DATA_DIR))

describe('HO6 U3 rot in the file that is written', () => {
  it.each(Array.from({ length: 5 }, (_, index) => index))(
    'is found at the start, or changed nothing: strikes %i of five',
    (part) => {
      for (let seed = part * SEEDS; seed < (part + 1) * SEEDS; seed++) {
        const files = original.copy()
        files.rot(`${journalDirectory(DATA_DIR)}/${name}`, new Dice(seed))
        const struck = Buffer.from(files.bytes(`${journalDirectory(DATA_DIR)}/${name}`))
        const found = start(files)
        const { quarantined, recovered, records } = found
        if (quarantined === undefined) {
          expect(found, `seed ${seed}`).toEqual(truth)
          continue
        }
        const kept = files.bytes(`${DATA_DIR}/${quarantined.directory}/journal/${name}`)
        expect(struck.equals(kept), 'the old file lies there as it was').toBe(true)
        expect(records.join(), 'the new one says so').toContain('store.quarantined')
        if (quarantined.found.includes('a row of the state')) continue
        for (const [key, value] of recovered.state)
          if (key.startsWith('alarm/'))
            expect(value, `seed ${seed}: ${key}`).toBe(
              renumberAlarm(truth.recovered.state.get(key) ?? '{}', 1),
            )
      }
    },
  )
})
