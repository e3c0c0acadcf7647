// Planted bugs of what follows from what (S7).

import type { Agent } from '../../agent/runtime/agent.ts'
import type { PlantedBug } from './mutant.ts'

const MINUTE = 60_000
/** Buses go down now and then, for long enough. */
const CUTS = { wireCut: 2 * MINUTE, unitOff: 3 * MINUTE }

type State = Agent['loop']['state']

/** Called before each input with the state of the core. */
function beforeInput(agent: Agent, change: (state: State, mono: number) => void): void {
  const { loop } = agent
  const input = loop.input.bind(loop)
  loop.input = (given) => {
    change(loop.state, given.at.mono)
    return input(given)
  }
}

export const consequenceMutants: readonly PlantedBug[] = [
  {
    name: 'an instrument does not know what bus it hangs on',
    caughtBy: ['S7'],
    force: CUTS,
    started: (agent) =>
      beforeInput(agent, ({ instruments }) => {
        for (const unit of instruments.values())
          Object.assign(unit, { instrument: { ...unit.instrument, bus: 'elsewhere' } })
      }),
  },
  {
    name: 'an instrument is given no time once its bus is back',
    caughtBy: ['S7'],
    force: CUTS,
    started: (agent) =>
      beforeInput(agent, ({ points }) => {
        for (const { watch } of points.values()) watch.explained = undefined
      }),
  },
  {
    name: 'what was a consequence once is never said for itself',
    caughtBy: ['S7'],
    force: CUTS,
    started: (agent) =>
      beforeInput(agent, ({ points }, mono) => {
        for (const { watch } of points.values())
          if (watch.explained !== undefined) watch.explained = { ...watch.explained, until: mono }
      }),
  },
]
