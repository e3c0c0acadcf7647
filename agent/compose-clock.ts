// Connects the watch of the wall clock to a running agent and to the time service of the machine. Decides nothing.

import type { Clock } from '#ports/clock.ts'
import type { ClockTrust } from '#ports/commands.ts'
import type { Log } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import type { Agent } from './runtime/agent.ts'
import { ClockWatch } from './runtime/clock-watch.ts'
import { askTimeService } from './runtime/system-time-service.ts'
import { isTrusted } from './runtime/time-base.ts'

/** Watches the wall clock of a running agent. */
export function watchClock(
  agent: Agent,
  { clock, log, first, store }: { clock: Clock; log: Log; first: ClockTrust; store: Store },
): ClockWatch {
  return new ClockWatch({
    ...{ clock, log, first },
    ask: () => askTimeService(),
    base: () => agent.loop.base,
    doubted: () => agent.loop.state.doubtful,
    isTrusted: (trust, at) => isTrusted(trust, at, store.recovered),
    active: (name) => agent.loop.state.alarms.get(`system.${name}`)?.state.active === true,
    condition: (name, active, detail) =>
      agent.input({
        ...{ kind: 'condition', at: clock.now(), alarm: `system.${name}`, active },
        ...(detail !== undefined && { detail }),
      }),
    note: (type, body) => agent.input({ kind: 'note', at: clock.now(), type, body }),
    trusted: (by) => agent.input({ kind: 'clock_trusted', at: clock.now(), by }),
  })
}
