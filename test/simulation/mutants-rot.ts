// Planted bugs of what is said of files that rot.

import type { Input } from '#core/input.ts'
import type { Agent } from '../../agent/runtime/agent.ts'
import type { PlantedBug } from './mutant.ts'

const MINUTE = 60_000
/** Files rot while a consumer that was away asks for what is in them. */
const ROT = { rot: MINUTE, consumerGap: 6 * MINUTE, deaf: 6 * MINUTE }

/** The agent, deaf to some of what it would say of itself. */
const without = (agent: Agent, left: (input: Input) => boolean): void => {
  const { loop } = agent
  const input = loop.input.bind(loop)
  loop.input = (given) => input(left(given) ? { kind: 'tick', at: given.at } : given)
}

export const rotMutants: readonly PlantedBug[] = [
  {
    name: 'what a file has lost is passed without a word',
    // to the consumer it is a hole in the stream, or, where only some records went, in the slots of a point
    caughtBy: ['D4', 'D1'],
    retention: true,
    force: ROT,
    started: (agent) =>
      without(agent, (given) => given.kind === 'note' && given.type === 'store.records_lost'),
  },
  {
    name: 'a loss of records is no alarm',
    caughtBy: ['U3'],
    retention: true,
    force: ROT,
    started: (agent) =>
      without(
        agent,
        (given) => given.kind === 'condition' && given.alarm === 'system.storage_fault',
      ),
  },
]
