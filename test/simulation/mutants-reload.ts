// Planted bugs of a changed configuration.

import { NORMAL } from '../../agent/core/alarm-state.ts'
import type { Agent } from '../../agent/runtime/agent.ts'
import type { PlantedBug } from './mutant.ts'

const RELOADS = { reload: 60_000 }

/** Called before the core is given another configuration. */
function beforeChange(agent: Agent, change: () => void): void {
  const { loop } = agent
  const input = loop.input.bind(loop)
  loop.input = (given) => {
    if (given.kind === 'plant') change()
    return input(given)
  }
}

export const reloadMutants: readonly PlantedBug[] = [
  {
    name: 'a changed configuration clears every alarm without a word',
    caughtBy: ['U2', 'A3', 'A4', 'A8', 'A1'],
    force: RELOADS,
    started: (agent) =>
      beforeChange(agent, () => {
        for (const unit of agent.loop.state.alarms.values())
          unit.state = { ...NORMAL, seq: unit.state.seq, ts: unit.state.ts }
      }),
  },
  {
    name: 'a changed configuration begins every on-delay anew',
    caughtBy: ['A1'],
    force: RELOADS,
    started: (agent) =>
      beforeChange(agent, () => {
        for (const unit of agent.loop.state.alarms.values())
          unit.state = { ...unit.state, pending: null }
      }),
  },
  {
    name: 'a changed configuration closes every open alarm',
    caughtBy: ['A4'],
    force: RELOADS,
    started: (agent) =>
      beforeChange(agent, () => {
        for (const unit of agent.loop.state.alarms.values())
          unit.definition = { ...unit.definition, onDelayMs: unit.definition.onDelayMs + 1 }
      }),
  },
  {
    name: 'the slot under way is left out when the configuration changes',
    caughtBy: ['D1'],
    force: RELOADS,
    started: ({ field }) => {
      const uncovered = field.uncovered.bind(field)
      field.uncovered = () =>
        new Map([...uncovered()].map(([group, t]) => [group, t + Number(group.split('/').at(-1))]))
    },
  },
]
