// What the agent shows of itself: the status view and the alarm views of the local socket. Reads only.

import { floodView } from '#core/nuisance.ts'
import type { Grade, Occupancy, Plant } from '#core/point.ts'
import { baseTime } from '#core/schedule.ts'
import { alarmList, alarmPayload, type CoreState } from '#core/step.ts'
import type { Millis } from '#core/time.ts'
import { dueAt } from '#core/timer.ts'
import type { Agent } from './agent.ts'
import type { AlarmPathView } from './alarm-path.ts'
import type { CandidateRow } from './approval.ts'

/** What only the composition knows. */
export interface ViewContext {
  readonly agent: Agent
  readonly version: string
  readonly pid: number
  readonly configuration: () => {
    readonly hash: string
    readonly file: string
    readonly acceptedAt: Millis
    readonly rejected?: string
    readonly candidate?: CandidateRow
  }
  readonly clock: () => { readonly synchronised: boolean; readonly offsetMs: Millis }
  readonly alarmPath: () => AlarmPathView | undefined
  readonly backlog: () => Promise<{ readings: number; event: number }>
}

/** The status of the running agent, for `status`. */
export async function statusView(context: ViewContext) {
  const { agent } = context
  const { configuration, loop } = agent
  const { plant, buses, dataDir } = configuration
  const now = loop.now()
  const broker = agent.uplink?.state()
  const states = alarmList(loop.state).filter(
    ({ state, test }) => state !== 'normal' && test !== true,
  )
  const chattering = loop.state.nuisance.chattering.size
  const settings = new Map(buses.map((bus) => [bus.id, bus]))
  return {
    agent: context.version,
    pid: context.pid,
    org: plant.org,
    site: plant.site,
    siteName: plant.siteName,
    gateway: plant.gateway,
    timezone: plant.timezone,
    origin: plant.origin,
    dataDir,
    startedAt: agent.startedAt.wall,
    at: now.wall,
    config: configView(context),
    limitSet: `${plant.limitSet.id} ${plant.limitSet.version}`,
    epoch: loop.state.epoch,
    tb: loop.base.tb,
    head: loop.head,
    ...(loop.lastCommitAt !== undefined && { lastCommitAt: loop.lastCommitAt }),
    points: pointCounts(agent),
    zones: zoneViews(loop.state, now.mono),
    alarms: {
      unacknowledged: states.filter(({ state }) => state.includes('unacknowledged')).length,
      others: states.filter(({ state }) => !state.includes('unacknowledged')).length,
      ...floodOf(loop.state),
      ...(chattering > 0 && { chattering }),
    },
    buses: agent.field.views().map((bus) => {
      const its = settings.get(bus.id)
      const link =
        bus.link.kind === 'down'
          ? { ...bus.link, since: Math.round(baseTime(loop.base, bus.link.since)) }
          : bus.link
      return {
        ...bus,
        link,
        ...(its !== undefined && { protocol: its.protocol, address: addressOf(its) }),
      }
    }),
    recorder: { skipped: agent.recorder.skipped },
    backlog: await context.backlog(),
    ...alarmPathOf(context),
    ...(broker !== undefined && {
      broker: {
        connected: broker.connected,
        address: broker.broker,
        ...(broker.lastError !== undefined && { lastError: broker.lastError }),
      },
    }),
    ...(agent.annunciator !== undefined && { annunciator: agent.annunciator.view() }),
    clock: { ...context.clock(), ...(loop.state.doubtful && { doubtful: true as const }) },
  }
}

function alarmPathOf({ alarmPath }: ViewContext) {
  const view = alarmPath()
  return view === undefined ? {} : { alarmPath: view }
}

function configView({ configuration }: ViewContext) {
  const { hash, file, acceptedAt, rejected, candidate } = configuration()
  const waits = candidate?.declined === undefined ? candidate : undefined
  return {
    hash,
    file,
    acceptedAt,
    ...(rejected !== undefined && { rejected }),
    ...(waits !== undefined && {
      pending: {
        hash: waits.hash,
        since: waits.since,
        signed: waits.signatures.map(({ actor }) => actor.user),
      },
    }),
  }
}

const addressOf = (
  bus: { readonly protocol: string } & ({ host: string; port: number } | { path: string }),
): string => ('path' in bus ? bus.path : `${bus.host}:${bus.port}`)

/** What goes on in each zone; null where nobody knows. */
const zoneViews = (
  { zones }: CoreState,
  mono: Millis,
): readonly { id: string; occupancy: Occupancy | null; leftMs?: Millis }[] =>
  [...zones.values()].map(({ zone, occupancy, stay, cleanUp }) => {
    const timer = (occupancy === 'clean_up' ? cleanUp?.timer : undefined) ?? stay
    return {
      id: zone.id,
      occupancy: occupancy ?? null,
      ...(timer !== undefined && { leftMs: Math.max(0, Math.round(dueAt(timer) - mono)) }),
    }
  })

function pointCounts(agent: Agent) {
  const { points } = agent.configuration.plant
  const counts = { total: points.length, good: 0, uncertain: 0, bad: 0, silent: 0 }
  for (const { id } of points) counts[agent.newest(id)?.q ?? 'silent']++
  return counts
}

/** Reasons and phrases that people choose from. */
function wordsOf({ reasonCodes, reasonLabels = {}, phrases = {} }: Plant) {
  return {
    reasons: reasonCodes.map((code) => {
      const label = reasonLabels[code]
      return { code, ...(label !== undefined && { label }) }
    }),
    phrases: Object.entries(phrases).map(([id, text]) => ({ id, text })),
  }
}

function floodOf(state: CoreState) {
  const flood = floodView(state)
  return flood === undefined ? {} : { flood }
}

/** Alarms that need somebody, or all of them, as published, with what else is known of the occurrence. */
export function alarmsView(agent: Agent, { all }: { readonly all: boolean }) {
  const { state } = agent.loop
  const { timezone, origin } = agent.configuration.plant
  const alarms = alarmList(state)
    .filter((alarm) => all || alarm.state !== 'normal')
    .map((alarm) => ({
      ...(JSON.parse(alarmPayload(state, alarm.alarm)) as AlarmObject),
      ...alarm,
    }))
  const lastReadingAt = agent.lastReadingAt
  return {
    at: agent.loop.now().wall,
    timezone,
    origin,
    ...(lastReadingAt !== undefined && { lastReadingAt }),
    ...floodOf(state),
    words: wordsOf(agent.configuration.plant),
    alarms,
  }
}

interface AlarmObject {
  readonly alarm: string
  readonly occ: string | null
  readonly rev: number
  readonly state: string
  readonly active: boolean
  readonly acked: boolean
  readonly class: string
  readonly priority: number
  readonly grade?: Grade
}
