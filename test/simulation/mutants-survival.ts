// Planted bugs of an agent that outlives its disk.

import type { PlantedBug } from './mutant.ts'

const BAD_DISK = { diskBad: 5 * 60_000 }

export const survivalMutants: readonly PlantedBug[] = [
  {
    name: 'what became of alarms while the disk was out of order is forgotten',
    caughtBy: ['U2', 'A3', 'A4'],
    force: BAD_DISK,
    gap: (gap) => ({ ...gap, state: gap.state.filter(({ key }) => !key.startsWith('alarm/')) }),
  },
  {
    name: 'no record tells that nothing could be kept',
    caughtBy: ['D8'],
    force: BAD_DISK,
    gap: () => undefined,
  },
  {
    name: 'fewer readings are said to be missing than are',
    caughtBy: ['D8'],
    force: BAD_DISK,
    gap: (gap) => ({ ...gap, readings: Math.max(0, gap.readings - 1), events: gap.events - 1 }),
  },
  {
    name: 'a disk that refuses is taken for a fault of the program when the agent ends',
    caughtBy: ['S4'],
    force: { diskFail: 5 * 60_000 },
    store: (store) => ({
      recovered: store.recovered,
      commit: (commit) =>
        store.commit(commit).catch((error: Error) => {
          throw new TypeError(error.message)
        }),
      batches: (query) => store.batches(query),
      count: (stream, after) => store.count(stream, after),
      close: () => store.close(),
    }),
  },
]
