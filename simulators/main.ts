// Starts a simulated site: opens a port for each bus and moves the site on with the clock. Decides only what listens where
// and when a step is due; what happens in the site is world.ts, what happens on a wire is wire/.

import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import { type Log, silentLog } from '#ports/log.ts'
import type { FaultKind, FaultOptions } from './faults.ts'
import { randomFor } from './plant/chance.ts'
import type { ScriptLine } from './script.ts'
import type { BusSpec, RtuBusSpec, RtuOverTcpBusSpec, SimulationSpec, TcpBusSpec } from './spec.ts'
import { ConverterServer } from './wire/converter-server.ts'
import type { Address } from './wire/listen.ts'
import { ModbusTcpServer } from './wire/modbus-tcp-server.ts'
import { PseudoTerminal } from './wire/pseudo-terminal.ts'
import type { WireUnit } from './wire/reply-plan.ts'
import type { LineCounts } from './wire/rtu-line.ts'
import { type Snapshot, STEP_MS, World } from './world.ts'

export interface SimulationOptions {
  readonly clock: Clock
  /** Everything random comes from it; default 1. */
  readonly seed?: number
  /** Plant seconds in a second of protocol time; hurries the rooms, not the instruments nor the wire. Default 1. */
  readonly speed?: number
  /** Lines of `parseScript`. */
  readonly script?: readonly ScriptLine[]
  readonly log?: Log
  /** Hears what happens in words a person reads, e.g. for the demo's screen. */
  readonly say?: (words: string, plantSeconds: number) => void
}

export interface Simulation {
  /** Where each bus listens; a pseudo-terminal has its path as host and port 0. */
  readonly addresses: ReadonlyMap<string, Address>
  /** What each serial line has seen: requests, replies, violations of the silent interval; counts that rise. */
  readonly lines: ReadonlyMap<string, Readonly<LineCounts>>
  /** Puts a fault in force on an instrument or a bus. Throws in words. */
  fault(target: string, kind: FaultKind, options?: FaultOptions): void
  /** Ends one kind of fault, or all. Throws in words. */
  clear(target: string, kind?: FaultKind): void
  /** Takes one line of the script language, its time counted from now. Throws in words. */
  event(line: string): void
  snapshot(): Snapshot
  /** Closes every port and ends every process it started. Safe to call twice. */
  stop(): Promise<void>
}

/** A port that could not be opened, in words. */
export class SimulationPortError extends Error {
  readonly bus: string
  readonly code: string

  constructor(bus: string, code: string, words: string) {
    super(words)
    this.name = 'SimulationPortError'
    this.bus = bus
    this.code = code
  }
}

/** What answers on one bus. */
interface OpenBus {
  readonly address: Address
  readonly line?: Readonly<LineCounts>
  tick(mono: Millis): void
  close(): Promise<void>
}

/** After a longer pause of the process than this, the time in between is left out rather than caught up with. */
const CATCH_UP_MS_MAX = 60_000

/**
 * Starts the site. Rejects in words: with an Error for a specification or script that cannot be, with a
 * SimulationPortError for a port that cannot be opened; nothing is left open then.
 */
export async function startSimulation(
  spec: SimulationSpec,
  options: SimulationOptions,
): Promise<Simulation> {
  const { clock, seed = 1, speed = 1, script = [], log = silentLog } = options
  const say = (words: string, plantSeconds: number): void => {
    log.info('simulator_event', { words, plantSeconds })
    options.say?.(words, plantSeconds)
  }
  const world = new World(spec, { seed, speed, script, start: clock.now(), say })
  const buses: OpenBus[] = []
  const closeAll = async (): Promise<void> => {
    await Promise.all(buses.map((bus) => bus.close()))
  }
  const addresses = new Map<string, Address>()
  const lines = new Map<string, Readonly<LineCounts>>()
  try {
    for (const bus of spec.buses) {
      const open = await openBus(bus, world, { clock, seed })
      buses.push(open)
      addresses.set(bus.id, open.address)
      if (open.line !== undefined) lines.set(bus.id, open.line)
      log.info('simulator_listening', { bus: bus.id, ...open.address })
    }
  } catch (error) {
    await closeAll()
    throw error
  }
  const halt = runSteps(clock, world, buses)
  return {
    addresses,
    lines,
    fault: (target, kind, faultOptions) => world.fault(target, kind, faultOptions),
    clear: (target, kind) => world.clear(target, kind),
    event: (line) => world.event(line),
    snapshot: () => world.snapshot(),
    stop: async () => {
      halt()
      await closeAll()
    },
  }
}

/** Takes a step whenever one is due; returns how to stop. */
function runSteps(clock: Clock, world: World, buses: readonly OpenBus[]): () => void {
  let due = clock.now().mono + STEP_MS
  let cancel = (): void => {}
  const run = (): void => {
    const { mono } = clock.now()
    if (mono - due > CATCH_UP_MS_MAX) due = mono
    for (; due <= mono; due += STEP_MS) world.step(due)
    for (const bus of buses) bus.tick(mono)
    cancel = clock.at(due, run)
  }
  cancel = clock.at(due, run)
  return () => cancel()
}

interface BusParts {
  readonly clock: Clock
  readonly seed: number
}

async function openBus(bus: BusSpec, world: World, { clock, seed }: BusParts): Promise<OpenBus> {
  const units: WireUnit[] = bus.units.flatMap(({ instrument, unitId }) => {
    const unit = world.unit(instrument)
    return unit === undefined ? [] : [{ unitId, device: unit.device, faults: unit.faults }]
  })
  const random = randomFor(seed, `wire/${bus.id}`)
  const faults = world.busFaults(bus.id)
  const parts = { clock, random, units, faults }
  if (bus.protocol === 'modbus-rtu') {
    return openTerminal(bus, new PseudoTerminal({ ...parts, path: bus.path, line: bus }))
  }
  const { host, port } = bus
  if (bus.protocol === 'modbus-rtu-over-tcp') {
    return openConverter(bus, new ConverterServer({ ...parts, host, port, line: bus }))
  }
  const unknownUnit = bus.unknownUnit ?? 'silent'
  return openTcp(bus, new ModbusTcpServer({ ...parts, host, port, unknownUnit }))
}

async function openTcp(bus: TcpBusSpec, server: ModbusTcpServer): Promise<OpenBus> {
  try {
    const address = await server.listen()
    return { address, tick: (mono) => server.tick(mono), close: () => server.close() }
  } catch (error) {
    throw portError(bus.id, bus.host, bus.port, error)
  }
}

async function openConverter(bus: RtuOverTcpBusSpec, server: ConverterServer): Promise<OpenBus> {
  try {
    const address = await server.listen()
    const tick = (mono: Millis): void => server.tick(mono)
    return { address, line: server.line.counts, tick, close: () => server.close() }
  } catch (error) {
    throw portError(bus.id, bus.host, bus.port, error)
  }
}

async function openTerminal(bus: RtuBusSpec, terminal: PseudoTerminal): Promise<OpenBus> {
  try {
    await terminal.open()
  } catch (error) {
    await terminal.close()
    const words = error instanceof Error ? error.message : String(error)
    throw new SimulationPortError(
      bus.id,
      'pty',
      `bus "${bus.id}" cannot appear at ${bus.path}: ${words}`,
    )
  }
  const tick = (mono: Millis): void => terminal.tick(mono)
  const address = { host: bus.path, port: 0 }
  return { address, line: terminal.line.counts, tick, close: () => terminal.close() }
}

function portError(bus: string, host: string, port: number, error: unknown): SimulationPortError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is in use; stop what uses it, or give the bus another port',
    EACCES: 'this port needs privileges; give the bus a port above 1023',
    EADDRNOTAVAIL: 'this host is not an address of this machine; use 127.0.0.1',
    ENOTFOUND: 'this host name is not known; use 127.0.0.1',
  }
  const words = why[code] ?? (error instanceof Error ? error.message : String(error))
  return new SimulationPortError(
    bus,
    code,
    `bus "${bus}" cannot listen on ${host}:${port}: ${words}`,
  )
}
