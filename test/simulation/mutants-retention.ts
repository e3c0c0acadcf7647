// Planted bugs of how long records are kept.

import type { Store } from '#ports/store.ts'
import type { Disk } from '../../agent/store/disk.ts'
import type { PlantedBug } from './mutant.ts'

const MINUTE = 60_000
const AWAY = { consumerGap: 6 * MINUTE, deaf: 6 * MINUTE, roomNeeded: 4 * MINUTE }

/** The same store with other rows of watermarks, or another end of each file. */
const telling = (
  store: Store,
  change: (found: Awaited<ReturnType<NonNullable<Store['earlier']>>>) => typeof found,
): Store => ({
  ...store,
  recovered: store.recovered,
  ...(store.earlier && {
    earlier: async () => change((await store.earlier?.()) ?? { files: [], rows: new Map() }),
    removal: (file, why) => store.removal?.(file, why) as never,
  }),
})

/** Removes the oldest file whenever another one is begun, whatever anybody has said. */
const hasty = (disk: Disk): Disk => ({
  ...disk,
  rename: (from, to) => {
    disk.rename(from, to)
    const directory = to.slice(0, to.lastIndexOf('/'))
    const files = disk.list(directory).filter((name) => /^journal-.*\.db$/.test(name))
    const [oldest] = files.sort()
    if (files.length > 2 && oldest !== undefined) disk.remove(`${directory}/${oldest}`)
  },
})

export const retentionMutants: readonly PlantedBug[] = [
  {
    name: 'a file goes that nobody has confirmed',
    caughtBy: ['D8'],
    retention: true,
    force: AWAY,
    earlier: (store) =>
      telling(store, ({ files, rows }) => ({
        files,
        rows: new Map([...rows.keys()].map((key) => [key, String(Number.MAX_SAFE_INTEGER)])),
      })),
  },
  {
    name: 'a file goes before its time is over',
    caughtBy: ['D8'],
    retention: true,
    earlier: (store) =>
      telling(store, ({ files, rows }) => ({
        files: files.map((file) => ({ ...file, until: file.until - 14 * 60 * MINUTE })),
        rows,
      })),
  },
  {
    name: 'a file goes before an event names it',
    caughtBy: ['D8'],
    retention: true,
    disk: hasty,
  },
]
