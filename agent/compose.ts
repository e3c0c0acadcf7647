// The only file that knows every part: builds the agent of a configuration from its parts and hands out how to use it.
// Decides nothing but what is connected to what.

import { randomBytes } from 'node:crypto'
import type { Configuration, Finding } from '#config/configuration.ts'
import type { Stream } from '#core/record.ts'
import { type DriverOptions, openDriver, Quarantines } from '#drivers/registry.ts'
import type { AnnunciatorView } from '#ports/annunciator.ts'
import type { Clock } from '#ports/clock.ts'
import type { ClockTrust } from '#ports/commands.ts'
import type { Log } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import { People } from './access/people.ts'
import { createCommandCheck } from './access/signed-command.ts'
import { agentVersion } from './cli/version.ts'
import { proveAlarmPath } from './compose-alarm-path.ts'
import { annunciatorFactory, carryOutHorn } from './compose-annunciator.ts'
import { watchCertificates } from './compose-certificates.ts'
import { watchClock } from './compose-clock.ts'
import { ConfigurationInForce, type InForceOptions } from './compose-configuration.ts'
import { type DiskWatches, type SurvivingDisk, survivingDisk } from './compose-disk.ts'
import { uplinkFactory } from './compose-uplink.ts'
import { isAskedFor } from './control/audit-query.ts'
import {
  type ControlServer,
  type ControlServerOptions,
  ControlSocketInUse,
  startControlServer,
} from './control/server.ts'
import { Agent } from './runtime/agent.ts'
import type { AlarmPath } from './runtime/alarm-path.ts'
import { auditPage } from './runtime/audit-page.ts'
import type { ClockWatch } from './runtime/clock-watch.ts'
import { Degradable } from './runtime/degraded.ts'
import type { BusPlan } from './runtime/field.ts'
import type { Committed } from './runtime/loop.ts'
import { OccupancySources } from './runtime/occupancy-sources.ts'
import { previousEnd } from './runtime/previous-end.ts'
import { systemClock } from './runtime/system-clock.ts'
import { askTimeService } from './runtime/system-time-service.ts'
import { alarmsView, statusView, type ViewContext } from './runtime/views.ts'
import type { VolatileStore } from './store/volatile-store.ts'
import type { EmbeddedBroker } from './uplink/embedded-broker.ts'

export interface ComposeOptions {
  readonly configuration: Configuration
  /** The file that was named, absolute. */
  readonly file: string
  /** True when the configuration came from the file and is to be kept as accepted; false when it is the accepted one. */
  readonly accept: boolean
  /** What the file says, where that waits for a second person while the accepted one runs (URS-68). */
  readonly candidate?: Configuration
  readonly log: Log
  readonly failed: (error: Error) => void
  readonly committed?: (commit: Committed) => void
  /** Told whenever horn or light show something else. */
  readonly shown?: (view: AnnunciatorView) => void
  /** Port of the built-in broker where the configuration asks for it. */
  readonly embeddedPort?: number
}

/** A running agent and the handles on it. */
export interface RunningAgent {
  readonly agent: Agent
  readonly people: People
  readonly socketPath: string
  readonly broker?: EmbeddedBroker | undefined
  /** Takes another configuration: in force at once, or a candidate where it needs a second person. */
  offer(configuration: Configuration, by: string): Promise<void>
  /** Records that the file is refused, and raises `system.config_rejected`. */
  rejectConfiguration(findings: readonly Finding[]): void
  stop(reason: string): Promise<void>
}

type Changed = InForceOptions['changed']

/** What an agent is composed of beside its store; `quarantines` is the process's, and outlives the agent. */
type Composed = ComposeOptions & { readonly changed: Changed; readonly quarantines: Quarantines }

/** Port of the built-in broker unless told otherwise: MQTT's own. */
const EMBEDDED_PORT = 1883

const systemRandom = (): number => randomBytes(4).readUInt32BE() / 2 ** 32

/**
 * Opens the store, starts everything, and answers once the start is on record. Where the disk of an agent that ran before is
 * out of order, it runs from memory until the disk is good again (runtime/degraded.ts). Rejects in words, with everything
 * closed.
 */
export async function composeAgent(options: ComposeOptions): Promise<RunningAgent> {
  const { configuration, log } = options
  const { dataDir, plant } = configuration
  const clock = systemClock()
  const disk = survivingDisk({ dataDir, origin: plant.origin, clock, log, random: systemRandom })
  let inForce = configuration
  let { candidate } = options
  const changed: Changed = (next, waiting) => {
    inForce = next
    candidate = waiting
  }
  const failed = (error: Error): void => {
    // Room for what the next start has to write down.
    disk.ballast()?.release()
    options.failed(error)
  }
  const quarantines = new Quarantines()
  const agent = await Degradable.start<RunningAgent, VolatileStore>({
    ...{ clock, log, failed },
    openStore: disk.openStore,
    openVolatile: disk.openVolatile,
    recordGap: disk.recordGap,
    probe: disk.probe,
    begin: (store) => {
      const { candidate: _, ...rest } = options
      const now = { ...rest, configuration: inForce, failed, ...(candidate && { candidate }) }
      const start = clock.now()
      quarantines.inherit(previousEnd(store, start, clock.bootId), start.mono)
      return composeOn(store, { ...now, changed, quarantines }, clock, disk)
    },
  })
  return {
    get agent() {
      return agent.running.agent
    },
    get people() {
      return agent.running.people
    },
    get socketPath() {
      return agent.running.socketPath
    },
    get broker() {
      return agent.running.broker
    },
    offer: (next, by) => agent.running.offer(next, by),
    rejectConfiguration: (findings) => agent.running.rejectConfiguration(findings),
    stop: (reason) => agent.stop(reason),
  }
}

/** Starts everything on an open store, and closes everything where that cannot be done. */
async function composeOn(
  store: Store,
  options: Composed,
  clock: Clock,
  disk: SurvivingDisk,
): Promise<RunningAgent> {
  const { configuration, log } = options
  const { plant } = configuration
  const closing: (() => Promise<unknown>)[] = [() => store.close()]
  try {
    const broker = await brokerFor(configuration, options.embeddedPort ?? EMBEDDED_PORT, log)
    if (broker !== undefined) closing.unshift(() => broker.close())
    let sources: OccupancySources | undefined
    let started: Agent | undefined
    let watched: ClockWatch | undefined
    let path: AlarmPath | undefined
    const first = (await askTimeService()).trust
    const clockTrust = (): ClockTrust => watched?.trust() ?? first
    const people = new People({
      rows: store.recovered.state,
      now: clock.now(),
      record: ({ type, body }, changes) =>
        store.volatile === true
          ? Promise.reject(new Error('the disk is out of order; nothing can be recorded'))
          : (started?.loop.note(type, body, changes) ??
            Promise.reject(new Error('not started yet'))),
    })
    const agent = await Agent.start({
      configuration,
      version: agentVersion(),
      clock,
      log,
      store,
      buses: (current) => busPlans(current, { clock, log, quarantines: options.quarantines }),
      quarantined: () => options.quarantines.outstanding(clock.now().mono),
      uplink: uplinkFactory({
        clock,
        random: systemRandom,
        log,
        store,
        broker,
        clockTrust,
        echo: (occ) => path?.echo(occ),
      }),
      annunciator: annunciatorFactory({ clock, log, random: systemRandom, shown: options.shown }),
      failed: options.failed,
      commandCheck: createCommandCheck({
        gateway: plant.gateway,
        person: (user) => people.find(user),
        clockTrust,
      }),
      clockTrust,
      committed: (commit) => {
        sources?.look()
        path?.look()
        options.committed?.(commit)
      },
    })
    started = agent
    closing.unshift(() => agent.stop('start failed'))
    watched = watchClock(agent, { clock, log, first, store })
    closing.unshift(async () => watched?.stop())
    await watched.start()
    const watches = disk.watch(agent, store, { failed: options.failed, clockTrust })
    const certificates = watchCertificates(agent, { clock, log })
    closing.unshift(async () => {
      watches.stop()
      certificates.stop()
    })
    sources = new OccupancySources({
      clock,
      plant: () => agent.configuration.plant,
      state: agent.loop.state,
      newest: (point) => agent.newest(point),
      input: (input) => agent.input(input),
    })
    sources.start()
    closing.unshift(async () => sources?.stop())
    path = proveAlarmPath(agent, { clock, store })
    const looking = [certificates, watched, sources, watches, path]
    const parts = {
      options,
      agent,
      people,
      store,
      clock,
      watches,
      clockWatch: watched,
      looking,
      path,
    }
    return await serve({ ...parts, ...(broker !== undefined && { broker }) })
  } catch (error) {
    for (const close of closing) await close().catch(() => {})
    throw error
  }
}

interface Served {
  readonly options: Composed
  readonly agent: Agent
  readonly people: People
  readonly store: Store
  readonly clock: Clock
  readonly watches: DiskWatches
  readonly clockWatch: ClockWatch
  /** What looks at something now and then, and stops before the agent does. */
  readonly looking: readonly { stop(): void }[]
  readonly path: AlarmPath
  readonly broker?: EmbeddedBroker
}

/** Opens the local socket and keeps account of what was accepted and refused. */
async function serve({
  options,
  agent,
  people,
  store,
  clock,
  watches,
  clockWatch,
  looking,
  path,
  broker,
}: Served): Promise<RunningAgent> {
  const { configuration, log, file, changed, accept, candidate } = options
  const { dataDir } = configuration
  const inForce = await ConfigurationInForce.start(
    { agent, store, file, clock, changed },
    { accept, candidate },
  )
  const view: ViewContext = {
    agent,
    version: agentVersion(),
    pid: process.pid,
    configuration: () => inForce.view(),
    clock: () => ({
      synchronised: clockWatch.trust() === 'synchronised',
      offsetMs: Math.round(clockWatch.offsetMs()),
    }),
    backlog: () => backlog(agent, store),
    alarmPath: () => path.view(),
  }
  const control = await controlFor(store, {
    dataDir,
    people,
    clock,
    log,
    handlers: {
      status: () => statusView(view),
      alarms: (query) => alarmsView(agent, query),
      act: (act) => agent.act(act),
      horn: (command, actor) => carryOutHorn(agent, command, actor),
      audit: async (query) => ({
        timezone: agent.configuration.plant.timezone,
        ...(await auditPage(store, query.after, (event) => isAskedFor(event, query))),
      }),
      configuration: inForce,
      record: (note, changes) => agent.loop.note(note.type, note.body, changes),
    },
  })
  return {
    agent,
    people,
    socketPath: control.path,
    ...(broker !== undefined && { broker }),
    offer: (next, by) => inForce.offer(next, by),
    rejectConfiguration: (findings) => inForce.refuse(findings),
    stop: async (reason) => {
      await control.close()
      for (const each of looking) each.stop()
      await agent.stop(reason)
      await watches.keepHead()
      await broker?.close()
    },
  }
}

/** The local socket; an agent whose disk is out of order goes on without one where it cannot be made. */
async function controlFor(
  store: Store,
  options: ControlServerOptions,
): Promise<Pick<ControlServer, 'path' | 'close'>> {
  try {
    return await startControlServer(options)
  } catch (error) {
    if (store.volatile !== true || error instanceof ControlSocketInUse) throw error
    options.log.error('control_not_possible', { cause: String(error) })
    return { path: '', close: () => Promise.resolve() }
  }
}

function busPlans(
  { buses, instruments }: Configuration,
  parts: Pick<DriverOptions, 'clock' | 'log' | 'quarantines'>,
): BusPlan[] {
  return buses.map((bus) => {
    const its = instruments.filter((instrument) => instrument.bus === bus.id)
    return {
      id: bus.id,
      fingerprint: JSON.stringify([bus, its]),
      open: () => openDriver({ bus, instruments: its, random: systemRandom, ...parts }),
    }
  })
}

/** Records that wait for the broker; where the store cannot count, at the most so many. */
async function backlog(agent: Agent, store: Store): Promise<Record<Stream, number>> {
  const sent = agent.uplink?.state().sent
  if (sent === undefined) return { readings: 0, event: 0 }
  const count = (stream: Stream): Promise<number> =>
    store.volatile === true
      ? Promise.resolve(Math.max(0, store.recovered.head.seq - sent[stream]))
      : store.count(stream, sent[stream])
  return { readings: await count('readings'), event: await count('event') }
}

/** The built-in broker is loaded only where it is asked for. */
async function brokerFor(
  { mqtt }: Configuration,
  port: number,
  log: Log,
): Promise<EmbeddedBroker | undefined> {
  if (mqtt?.embedded !== true) return undefined
  const { startEmbeddedBroker } = await import('./uplink/embedded-broker.ts')
  return startEmbeddedBroker({ port }, log)
}
