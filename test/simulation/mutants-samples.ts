// Planted bugs of particle counters.

import type { Input } from '#core/input.ts'
import type { JournalRecord } from '#core/record.ts'
import type { Agent } from '../../agent/runtime/agent.ts'
import type { PlantedBug } from './mutant.ts'

type SampleInput = Extract<Input, { kind: 'sample' }>

/** Changes each sample on its way into the core; undefined keeps it out. */
function sampling(agent: Agent, change: (input: SampleInput) => SampleInput | undefined): void {
  const { loop } = agent
  const input = loop.input.bind(loop)
  loop.input = (given) =>
    input(given.kind === 'sample' ? (change(given) ?? { kind: 'tick', at: given.at }) : given)
}

export const sampleMutants: readonly PlantedBug[] = [
  {
    name: 'a sample of a counter is not harvested now and then',
    caughtBy: ['D1', 'A1'],
    counter: true,
    started: (agent) =>
      sampling(agent, (input) => (input.sample.identity % 7 === 0 ? undefined : input)),
  },
  {
    name: 'a sample of a counter counts as new when it is seen again',
    caughtBy: ['D1'],
    counter: true,
    started: (agent) => {
      let looks = 0
      sampling(agent, (input) => {
        const unit = agent.loop.state.instruments.get(input.instrument)
        if (unit?.counter !== undefined && ++looks % 50 === 0)
          unit.counter = { ...unit.counter, identity: 1 }
        return input
      })
    },
  },
  {
    name: 'the slots of a counter do not follow its samples',
    caughtBy: ['A5', 'D1'],
    counter: true,
    started: (agent) =>
      sampling(agent, (input) => {
        const unit = agent.loop.state.instruments.get(input.instrument)
        const next = agent.loop.baseNow() + input.sample.durationMs * 0.6
        if (unit?.counter !== undefined) unit.counter = { ...unit.counter, next }
        return input
      }),
  },
  {
    name: 'two records of a counter are mixed',
    caughtBy: ['D5', 'D1'],
    counter: true,
    started: (agent) => {
      let before: SampleInput['sample'] | undefined
      sampling(agent, (input) => {
        const mixed = { ...input.sample, counts: before?.counts ?? input.sample.counts }
        before = input.sample
        return { ...input, sample: mixed }
      })
    },
  },
  {
    name: 'the rolling cubic metre is forgotten at a start',
    caughtBy: ['A1'],
    counter: true,
    force: { kill: 10 * 60_000 },
    recovered: (recovered) => ({
      ...recovered,
      state: new Map([...recovered.state].filter(([key]) => !key.startsWith('window/'))),
    }),
  },
  {
    name: 'the rolling cubic metre stays where it was when the clock is set',
    caughtBy: ['A1'],
    counter: true,
    force: { clockStep: 5 * 60_000 },
    started: ({ loop }) => {
      const input = loop.input.bind(loop)
      loop.input = (given) => {
        const windows = [...loop.state.points.values()].map((unit) => [unit, unit.window] as const)
        const result = input(given)
        if (given.kind === 'clock_stepped')
          for (const [unit, window] of windows) unit.window = window
        return result
      }
    },
  },
  {
    name: 'a slot of a counter is left out of each run of missing ones',
    caughtBy: ['D1'],
    counter: true,
    force: { kill: 3 * 60_000 },
    store: (store) => {
      const shorter = (record: JournalRecord): JournalRecord => {
        if (record.kind !== 'reading' || !record.reading.point.startsWith('c1-')) return record
        const { slots = 1, ...reading } = record.reading
        return slots < 2 ? record : { ...record, reading: { ...reading, slots: slots - 1 } }
      }
      return {
        recovered: store.recovered,
        commit: (commit) => store.commit({ ...commit, records: commit.records.map(shorter) }),
        batches: (query) => store.batches(query),
        count: (stream, after) => store.count(stream, after),
        close: () => store.close(),
      }
    },
  },
]
