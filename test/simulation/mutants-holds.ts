// Planted bugs of what stands around alarms: shelves, out of service, suppression.

import type { Agent } from '../../agent/runtime/agent.ts'
import type { PlantedBug } from './mutant.ts'

const MINUTE = 60_000
const HOLDS = { hold: 2 * MINUTE }

/** Called before each input with everything that something stands around. */
function beforeInput(agent: Agent, change: (unit: Unit) => void): void {
  const { loop } = agent
  const input = loop.input.bind(loop)
  loop.input = (given) => {
    for (const unit of loop.state.alarms.values()) if (unit.holds !== undefined) change(unit)
    return input(given)
  }
}

type Unit = Agent['loop']['state']['alarms'] extends ReadonlyMap<string, infer U> ? U : never

export const holdMutants: readonly PlantedBug[] = [
  {
    name: 'what a shelf hid is not listed when it ends',
    caughtBy: ['A9'],
    force: HOLDS,
    started: (agent) =>
      beforeInput(agent, (unit) => {
        const shelved = unit.holds?.shelved
        if (shelved !== undefined)
          unit.holds = { ...unit.holds, shelved: { ...shelved, hid: [], hidden: 0 } }
      }),
  },
  {
    name: 'a shelved alarm is not judged',
    caughtBy: ['A1', 'U2'],
    force: HOLDS,
    started: (agent) =>
      beforeInput(agent, (unit) => {
        if (!unit.state.active) unit.state = { ...unit.state, pending: null }
      }),
  },
]
