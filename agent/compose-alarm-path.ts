// Connects the proof of the alarm path to a running agent and its journal. Decides nothing.

import { TEST_ALARM } from '#core/alarm-set.ts'
import type { Clock } from '#ports/clock.ts'
import type { Store } from '#ports/store.ts'
import type { Agent } from './runtime/agent.ts'
import { ALARM_PATH_ROW, AlarmPath } from './runtime/alarm-path.ts'

/** Proves the alarm path of the configuration in force, as long as that asks for it. */
export function proveAlarmPath(
  agent: Agent,
  { clock, store }: { readonly clock: Clock; readonly store: Store },
): AlarmPath {
  const { recovered } = store
  const last = recovered.lastCommit
  const { loop } = agent
  const path = new AlarmPath({
    clock,
    plant: () => agent.configuration.plant,
    open: () => loop.state.alarms.get(TEST_ALARM)?.state.occurrence?.occ,
    condition: (alarm, active, detail) =>
      agent.input({
        ...{ kind: 'condition', at: clock.now(), alarm, active },
        ...(detail !== undefined && { detail }),
      }),
    keep: (row) => loop.changeState(new Map([[ALARM_PATH_ROW, row]])),
    row: recovered.state.get(ALARM_PATH_ROW),
    last: last && { at: last.at, sameBoot: last.bootId === clock.bootId },
  })
  path.look()
  return path
}
