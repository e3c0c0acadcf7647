// Planted bugs between the real journal and the disk: they show only when the power goes.

import type { Db, Disk, Statement } from '../../agent/store/disk.ts'
import type { PlantedBug } from './mutant.ts'

const POWER = { powerLoss: 90_000 }

/** Says what it was told while SQLite does something else. */
const claiming = (value: unknown): Statement => {
  const statement: Statement = {
    run: () => undefined,
    get: () => [value],
    all: () => [[value]],
    raw: () => statement,
  }
  return statement
}

/** A disk whose databases run with another setting of `synchronous` than they are told. */
const synchronous =
  (setting: string) =>
  (disk: Disk): Disk => ({
    ...disk,
    open: (path, mode): Db => {
      const db = disk.open(path, mode)
      return {
        ...db,
        exec: (sql) => db.exec(sql.replace('synchronous=FULL', `synchronous=${setting}`)),
        prepare: (sql) => (sql === 'PRAGMA synchronous' ? claiming(2) : db.prepare(sql)),
      }
    },
  })

export const diskMutants: readonly PlantedBug[] = [
  {
    name: 'synchronous=NORMAL',
    caughtBy: ['D2', 'U1', 'U2'],
    force: POWER,
    disk: synchronous('NORMAL'),
  },
  {
    name: 'synchronous=OFF',
    caughtBy: ['D2', 'U1', 'U2'],
    force: POWER,
    disk: synchronous('OFF'),
  },
  {
    name: 'a disk that lies about having synced',
    caughtBy: ['D2', 'U1', 'U2', 'D3'],
    force: POWER,
    lyingDisk: true,
  },
  {
    name: 'the write-ahead log is thrown away at a start',
    caughtBy: ['D2', 'U1', 'U2'],
    force: { kill: 120_000 },
    disk: (disk) => ({
      ...disk,
      open: (path, mode) => {
        if (mode === 'write') disk.remove(`${path}-wal`)
        return disk.open(path, mode)
      },
    }),
  },
]
