// Planted bugs of what becomes of a journal whose newest file rots: it is set aside, and a new epoch goes on.

import type { Disk, Statement } from '../../agent/store/disk.ts'
import type { PlantedBug } from './mutant.ts'

const MINUTE = 60_000
/** The file that is written rots, and the next start finds it. */
const HOT_ROT = { hotRot: 4 * MINUTE, kill: 5 * MINUTE }

/** The disk, with others for some of its statements. */
const withStatements =
  (wanted: (path: string, sql: string) => boolean, instead: (real: Statement) => Statement) =>
  (disk: Disk): Disk => ({
    ...disk,
    open: (path, mode) => {
      const db = disk.open(path, mode)
      return {
        ...db,
        prepare: (sql) => {
          const real = db.prepare(sql)
          return wanted(path, sql) ? instead(real) : real
        },
      }
    },
  })

const FIRST_EPOCH = '01SIMULATEDEPOCH0000000000'

export const epochMutants: readonly PlantedBug[] = [
  {
    name: 'a journal that replaces a damaged one goes by its epoch',
    caughtBy: ['D2', 'D3'],
    force: HOT_ROT,
    disk: withStatements(
      (_, sql) => sql.startsWith('INSERT INTO base'),
      (real) => ({ ...real, run: (_, ...rest) => real.run(FIRST_EPOCH, ...rest) }),
    ),
  },
  {
    name: 'a new epoch does not name the head of the old one',
    caughtBy: ['D3'],
    force: HOT_ROT,
    disk: withStatements(
      (path, sql) => path.includes('/quarantine/') && sql.includes('FROM commits WHERE first <'),
      (real) => ({ ...real, get: () => undefined }),
    ),
  },
  {
    name: 'alarms are forgotten with the journal that is set aside',
    caughtBy: ['A3', 'A4', 'A8', 'U2'],
    retention: true,
    force: HOT_ROT,
    recovered: (recovered) => {
      if (recovered.quarantined === undefined) return recovered
      const state = new Map([...recovered.state].filter(([key]) => !key.startsWith('alarm')))
      return { ...recovered, state }
    },
  },
  {
    name: 'what is not got out of a damaged file is not told as lost',
    caughtBy: ['D2'],
    force: HOT_ROT,
    disk: withStatements(
      (path, sql) => path.includes('/quarantine/') && sql.startsWith('SELECT s, p, t'),
      (real) => ({
        ...real,
        raw: (on) => ({
          ...real.raw(on),
          all: (...range) => real.all(...range).slice(0, -5),
        }),
      }),
    ),
    store: (store) => {
      const salvage = store.salvage?.bind(store)
      if (salvage === undefined) return store
      store.salvage = async () =>
        (await salvage())?.map((all) => ({ ...all, lost: [], lostRecords: 0 }))
      return store
    },
  },
  {
    name: 'a journal that is set aside is never looked at again',
    caughtBy: ['D2'],
    retention: true,
    force: HOT_ROT,
    store: (store) => {
      store.salvage = async () => []
      return store
    },
  },
]
