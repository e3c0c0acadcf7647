// B1 and B2 by the wire's account: one request at a time on a line, and a unit that stays silent costs its neighbours no more than a
// probe now and then. Knows what was asked when and what came back; uses no code of the agent.

import type { Asked, Line } from '../line.ts'

/** The shortest time-out of the simulated sites is 300 ms. */
const PENDING_MS = 290
/** What a converter line keeps between two frames when nothing else is configured, less a drift of the clock. */
const TURNAROUND_MS = 19.9
/** Silent for so long, a unit is parked and probed with the longest pause. */
const SILENT_MS = 180_000
const WATCHED_MS = 120_000
/** One probe in half a minute, and one more for each end of the span. */
const PROBES_MAX = 6

/** Since when nothing has come over which connection. */
export interface Silence {
  readonly at: number
  readonly connection: number
}

/** B1: a serial line is left silent for its turnaround before the next request, whatever came last. */
export function tooEarly(
  protocol: Line['bus']['protocol'],
  silence: Silence | undefined,
  { sentAt, connection }: Asked,
): string | undefined {
  if (protocol === 'modbus-tcp' || silence?.connection !== connection) return undefined
  const silentMs = sentAt - silence.at
  if (silentMs >= TURNAROUND_MS) return undefined
  return `asked after ${silentMs.toFixed(1)} ms of silence`
}

/** B1: what was asked last has been answered, has gone wrong, or has been waited for. */
export function outstanding(last: Asked | undefined, next: Asked): string | undefined {
  if (last === undefined || last.connection !== next.connection) return undefined
  if (last.heardAt !== undefined || last.spoilt) return undefined
  const sinceMs = next.sentAt - last.sentAt
  if (sinceMs >= PENDING_MS) return undefined
  return `asked again ${sinceMs.toFixed(0)} ms after a request that is still open`
}

/**
 * B2: units of a line that have long been silent are only probed, where there are others to poll. A start and a changed file begin
 * anew; `since` is the last of them. While nothing comes from any unit it is the bus that is down, and nobody is parked: the neighbours have
 * to have answered all that time.
 */
export function overprobed(line: Line, since: number, now: number): string | undefined {
  if (line.units.length < 2 || since > now - SILENT_MS) return undefined
  if (line.connects.some((at) => at > now - SILENT_MS)) return undefined
  for (const { unitId, offFrom, offUntil } of line.units) {
    if (now >= offUntil || offFrom > now - SILENT_MS) continue
    const others = line.units.filter((unit) => unit.unitId !== unitId)
    if (!others.some((other) => answersSince(line, other.unitId, now - SILENT_MS))) continue
    const asked = line.asked.get(unitId) ?? []
    const probes = asked.filter((each) => each.sentAt > now - WATCHED_MS).length
    if (probes > PROBES_MAX)
      return `unit ${unitId} of ${line.bus.id}, silent for ${Math.round((now - offFrom) / 1000)} s, was asked ${probes} times in two minutes`
  }
  return undefined
}

/** Whether a unit was asked and has answered, whatever, each time since then but the newest. */
function answersSince({ asked }: Line, unitId: number, since: number): boolean {
  const newer = (asked.get(unitId) ?? []).filter(({ sentAt }) => sentAt > since).slice(0, -1)
  return newer.length > 0 && newer.every(({ heardAt }) => heardAt !== undefined)
}
