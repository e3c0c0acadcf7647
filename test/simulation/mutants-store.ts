// Planted bugs of the store and of what a start makes of it.

import type { Recovered } from '#ports/store.ts'
import type { PlantedBug } from './mutant.ts'

const MINUTE = 60_000
const KILLS = { kill: 3 * MINUTE }

/** The rows of alarms changed, as a faulty start would read them. */
function withAlarmRows(recovered: Recovered, change: (row: AlarmRow) => void): Recovered {
  const state = new Map(recovered.state)
  for (const [key, text] of state) {
    if (!key.startsWith('alarm/')) continue
    const row = JSON.parse(text) as AlarmRow
    change(row)
    state.set(key, JSON.stringify(row))
  }
  return { ...recovered, state }
}

interface AlarmRow {
  state: {
    occurrence: object | null
    acked: boolean
    active: boolean
    pending: { leftMs: number; since: number | null } | null
    returning: { leftMs: number; since: number | null } | null
  }
}

export const storeMutants: readonly PlantedBug[] = [
  {
    name: 'a commit is acknowledged before it is durable',
    caughtBy: ['D2', 'U2', 'D3'],
    force: KILLS,
    platter: (platter) => {
      let late: (() => void) | undefined
      let seq = platter.recovered.head.seq
      return {
        ...platter,
        commit: (commit) => {
          late?.()
          late = () => void platter.commit(commit)
          seq += commit.records.length
          return { seq, hash: String(seq) }
        },
      }
    },
  },
  {
    name: 'state rows are written in a transaction of their own, later',
    caughtBy: ['U2'],
    force: KILLS,
    platter: (platter) => {
      let late: Parameters<typeof platter.commit>[0]['state'] = []
      return {
        ...platter,
        commit: (commit) => {
          const state = late
          late = commit.state
          return platter.commit({ ...commit, state })
        },
      }
    },
  },
  {
    name: 'the sequence has no high-water mark',
    caughtBy: ['D3', 'S3'],
    force: KILLS,
    recovered: (recovered) => ({
      ...recovered,
      head: { ...recovered.head, seq: Math.max(0, recovered.head.seq - 1) },
    }),
  },
  {
    name: 'which slots are covered is forgotten at a start',
    caughtBy: ['D1'],
    force: KILLS,
    recovered: (recovered) => ({ ...recovered, coverage: new Map() }),
  },
  {
    name: 'where the slots of a time base begin is forgotten at a start',
    caughtBy: ['D1'],
    force: { clockStep: MINUTE, kill: 40_000 },
    recovered: (recovered) => ({
      ...recovered,
      state: new Map([...recovered.state].filter(([key]) => key !== 'slots_begin')),
    }),
  },
  {
    name: 'downtime is covered twice',
    caughtBy: ['D1'],
    force: KILLS,
    recovered: (recovered) => ({
      ...recovered,
      coverage: new Map(
        [...recovered.coverage].map(([point, { t }]) => [point, { t: t - 60_000, slots: 1 }]),
      ),
    }),
  },
  {
    name: 'alarms are forgotten at a start',
    caughtBy: ['A3', 'U2', 'A4'],
    force: KILLS,
    recovered: (recovered) => ({
      ...recovered,
      state: new Map([...recovered.state].filter(([key]) => !key.startsWith('alarm/'))),
    }),
  },
  {
    name: 'acknowledgements are forgotten at a start',
    caughtBy: ['A3', 'U2', 'A4'],
    force: { kill: 8 * MINUTE },
    recovered: (recovered) =>
      withAlarmRows(recovered, ({ state }) => {
        state.acked = false
      }),
  },
  {
    name: 'a start begins every on-delay anew',
    caughtBy: ['A1'],
    force: { kill: MINUTE },
    recovered: (recovered) =>
      withAlarmRows(recovered, ({ state }) => {
        if (state.pending !== null) state.pending.leftMs = 600_000
      }),
  },
  {
    name: 'a start skips every on-delay',
    caughtBy: ['A1'],
    force: { kill: 2 * MINUTE },
    recovered: (recovered) =>
      withAlarmRows(recovered, ({ state }) => {
        if (state.pending !== null) state.pending.leftMs = 0
      }),
  },
  {
    name: 'the time base of before goes on after a step while nobody looked',
    caughtBy: ['D1', 'D3', 'S3'],
    force: { kill: 2 * MINUTE, clockStep: MINUTE },
    recovered: (recovered) => ({ ...recovered, tb: 0 }),
  },
  {
    name: 'a promise of the store resolves before the disk has it',
    caughtBy: ['D2', 'U2', 'D3', 'A6'],
    force: KILLS,
    store: (store) => ({
      recovered: store.recovered,
      commit: (commit) => {
        void store.commit(commit).catch(() => {})
        const seq = commit.first + commit.records.length - 1
        return Promise.resolve({ seq, hash: '' })
      },
      batches: (query) => store.batches(query),
      count: (stream, after) => store.count(stream, after),
      close: () => store.close(),
    }),
  },
  {
    name: 'a batch is left out now and then',
    caughtBy: ['D4', 'S3'],
    store: (store) => {
      let reads = 0
      return {
        recovered: store.recovered,
        commit: (commit) => store.commit(commit),
        batches: async (query) => {
          const batches = await store.batches(query)
          return ++reads % 50 === 0 ? batches.slice(1) : batches
        },
        count: (stream, after) => store.count(stream, after),
        close: () => store.close(),
      }
    },
  },
  {
    name: 'a record is printed anew when it is sent again',
    caughtBy: ['D4'],
    store: (store) => ({
      recovered: store.recovered,
      commit: (commit) => store.commit(commit),
      batches: async (query) =>
        (await store.batches(query)).map((batch) => ({
          ...batch,
          records: batch.records.map((text) => text.replace(/"v":(-?\d+\.\d{3})\d+/, '"v":$1')),
        })),
      count: (stream, after) => store.count(stream, after),
      close: () => store.close(),
    }),
  },
]
