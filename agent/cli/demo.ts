// `demo`: a simulated Cell Factory, the agent and a broker in one process, with a screen that says what is going on.
// Decides ports, people and words; everything monitored is the real agent on real Modbus TCP, and RTU
// on a pseudo-terminal where the machine can make one.

import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'
import { parseDocument } from 'yaml'
import type { Configuration } from '#config/configuration.ts'
import { formatFinding, loadConfiguration } from '#config/load.ts'
import type { Role } from '#core/input.ts'
import { alarmList } from '#core/step.ts'
import { formatDuration, SECOND } from '#core/time.ts'
import type { BusSettings } from '#drivers/profile.ts'
import { type Simulation, SimulationPortError, startSimulation } from '../../simulators/main.ts'
import { parseScript } from '../../simulators/script.ts'
import { composeAgent, type RunningAgent } from '../compose.ts'
import { announceDemo } from '../control/running-demo.ts'
import type { Committed } from '../runtime/loop.ts'
import { pinoLog } from '../runtime/pino-log.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { makeDirectory } from '../runtime/system-directory.ts'
import { demoDirectory } from './demo-directory.ts'
import { type DemoScreen, demoScreen } from './demo-screen.ts'
import { CommandError, EXIT } from './exit-code.ts'
import { type Output, processOutput } from './output.ts'
import { simulatedSite } from './simulated-site.ts'

export interface DemoOptions {
  /** Port of the console, once there is one. */
  readonly port: number
  readonly mqttPort: number
  /** Keeps the data here; otherwise it is thrown away at the end. */
  readonly data?: string
  readonly seed?: number
  readonly speed: number
  readonly forMs?: number
  /** One document a line in place of the screen. */
  readonly json?: boolean
}

const EXAMPLES = path.join(import.meta.dirname, '../../config/examples')
const NETWORKS_ONLY = path.join(EXAMPLES, 'demo.yaml')
const WITH_LINE = path.join(EXAMPLES, 'demo-serial.yaml')
const SCRIPT = path.join(import.meta.dirname, '../../simulators/scripts/demo.txt')
const PULSE_MS = 15 * SECOND
const DEFAULT_SEED = 1

/** People of the demonstration; PINs that are printed protect nothing but the demonstration. */
const PEOPLE: readonly { user: string; name: string; role: Role; pin: string }[] = [
  { user: 'anna', name: 'Anna Bianchi', role: 'technician', pin: '2468' },
  { user: 'marco', name: 'Marco Rossi', role: 'supervisor', pin: '1357' },
  { user: 'giulia', name: 'Giulia Conti', role: 'qa', pin: '8642' },
]

/** Runs the demonstration until Ctrl-C or the given time; the promise is the exit code. */
export async function demo(
  options: DemoOptions,
  output: Output = processOutput(),
): Promise<number> {
  const directory = demoDirectory()
  const dataDir = options.data === undefined ? directory.data : path.resolve(options.data)
  makeDirectory(dataDir)
  let end: (code: number) => void = () => {}
  const ended = new Promise<number>((resolve) => {
    end = resolve
  })
  let asked = false
  const signal = (name: NodeJS.Signals) => {
    // Whoever asks twice wants it at once: ends as the signal alone would, but leaves nothing behind.
    if (asked) process.exit(128 + constants.signals[name])
    asked = true
    end(EXIT.ok)
  }
  process.on('SIGINT', signal)
  process.on('SIGTERM', signal)
  const screen = demoScreen(options.json === true, output)
  const stops: (() => Promise<unknown> | unknown)[] = []
  try {
    const lineDir = directory.line
    const { simulation, file } = await startSimulated(options, lineDir, output)
    stops.unshift(() => simulation.stop())
    const { addresses } = simulation
    const configuration = load(file, { dataDir, lineDir, addresses })
    const running = await startMonitored({ configuration, file, options, output, screen, end })
    stops.unshift(() => running.stop('demo ended'))
    await addPeople(running)
    stops.unshift(announceDemo({ dataDir, pid: process.pid }))
    screen.opening(configuration.plant, placesOf(running, configuration, options, dataDir))
    const pulse = setInterval(() => showPulse(screen, running, configuration), PULSE_MS)
    stops.unshift(() => clearInterval(pulse))
    const timer =
      options.forMs === undefined ? undefined : setTimeout(() => end(EXIT.ok), options.forMs)
    const code = await ended
    clearTimeout(timer)
    screen.ending()
    return code
  } finally {
    for (const stop of stops) await stop()
    directory.remove()
    process.off('SIGINT', signal)
    process.off('SIGTERM', signal)
  }
}

interface Started {
  readonly simulation: Simulation
  /** The example that was taken. */
  readonly file: string
}

/** The instruments of the example, with the serial line where the machine can make one. */
async function startSimulated(
  options: DemoOptions,
  lineDir: string,
  output: Output,
): Promise<Started> {
  try {
    return { simulation: await simulate(WITH_LINE, options, lineDir), file: WITH_LINE }
  } catch (error) {
    if (!(error instanceof SimulationPortError && error.code === 'pty')) throw error
    output.talk(`without a serial line: ${error.message}`)
    return { simulation: await simulate(NETWORKS_ONLY, options, lineDir), file: NETWORKS_ONLY }
  }
}

/** The instruments of an example on ports of the system's choice. */
function simulate(
  file: string,
  { seed = DEFAULT_SEED, speed }: DemoOptions,
  lineDir: string,
): Promise<Simulation> {
  const site = simulatedSite(load(file, { lineDir }))
  const script = parseScript(readFileSync(SCRIPT, 'utf8'))
  if (!site.ok || !script.ok) throw new Error('the demonstration’s own files are broken')
  const spec = {
    ...site.site.spec,
    buses: site.site.spec.buses.map((bus) => ('port' in bus ? { ...bus, port: 0 } : bus)),
  }
  return startSimulation(spec, { clock: systemClock(), seed, speed, script: script.lines })
}

/** What of the examples is chosen for one run. */
interface Chosen {
  readonly dataDir?: string
  /** Where pseudo-terminals appear, under the id of their bus. */
  readonly lineDir: string
  readonly addresses?: Simulation['addresses']
}

/** An example configuration with the ports, paths and data directory of this run. */
function load(file: string, chosen: Chosen): Configuration {
  const loaded = loadConfiguration(file, (name) => adapted(name, chosen), { origin: 'simulated' })
  if (loaded.ok) return loaded.configuration
  throw new Error(loaded.findings.map(formatFinding).join('\n'))
}

function adapted(file: string, { dataDir, lineDir, addresses }: Chosen): string {
  const text = readFileSync(file, 'utf8')
  if (!file.endsWith('.yaml')) return text
  const document = parseDocument(text)
  if (dataDir !== undefined && document.has('gateway')) {
    document.setIn(['gateway', 'dataDir'], dataDir)
  }
  const { buses = [] } = document.toJS() as { buses?: { id: string; path?: string }[] }
  for (const [index, bus] of buses.entries()) {
    const address = addresses?.get(bus.id)
    if (bus.path !== undefined) document.setIn(['buses', index, 'path'], path.join(lineDir, bus.id))
    else if (address !== undefined) document.setIn(['buses', index, 'port'], address.port)
  }
  return document.toString()
}

async function startMonitored({
  configuration,
  file,
  options: { mqttPort },
  output,
  screen,
  end,
}: {
  readonly configuration: Configuration
  readonly file: string
  readonly options: DemoOptions
  readonly output: Output
  readonly screen: DemoScreen
  readonly end: (code: number) => void
}): Promise<RunningAgent> {
  const { plant } = configuration
  const committed = ({ events }: Committed) => {
    for (const { event } of events) screen.event(event, plant)
  }
  try {
    return await composeAgent({
      configuration,
      file,
      accept: true,
      log: pinoLog('fatal'),
      embeddedPort: mqttPort,
      committed,
      shown: (view) => screen.horn(Date.now(), plant, view),
      failed: (error) => {
        output.talk(`the agent stops: ${error.message}`)
        end(EXIT.io)
      },
    })
  } catch (error) {
    throw inWords(error, mqttPort)
  }
}

/** A port in use is the likeliest trouble: said with the flag that changes it. */
function inWords(error: unknown, mqttPort: number): unknown {
  if (!(error instanceof Error)) return error
  if (/in use|EADDRINUSE/.test(error.message)) {
    return new CommandError(
      EXIT.io,
      `port ${mqttPort} for the built-in MQTT broker is in use; choose another: demo --mqtt-port ${mqttPort + 1}`,
    )
  }
  const kind = 'kind' in error ? error.kind : undefined
  if (kind === 'locked') return new CommandError(EXIT.tryLater, error.message)
  if (kind === 'origin') return new CommandError(EXIT.configuration, error.message)
  return error
}

async function addPeople({ people, agent }: RunningAgent): Promise<void> {
  const present = new Set(people.list(agent.loop.now()).map(({ user }) => user))
  for (const { user, name, role, pin } of PEOPLE) {
    if (present.has(user)) continue
    const person = { user, fullName: name, role, pin }
    await people.add(person, { kind: 'box', osUser: 'demo' }, agent.loop.now())
  }
}

function placesOf(
  { broker }: RunningAgent,
  configuration: Configuration,
  { forMs }: DemoOptions,
  dataDir: string,
) {
  const { buses, instruments, annunciator } = configuration
  return {
    brokerUrl: broker?.url ?? '',
    dataDir,
    people: PEOPLE,
    ...(forMs !== undefined && { lasts: formatDuration(forMs) }),
    buses: [
      ...buses.map((bus) => ({
        ...placeOf(bus),
        instruments: instruments.filter((one) => one.bus === bus.id).map(({ id }) => id),
      })),
      ...(annunciator === undefined
        ? []
        : [{ ...placeOf(annunciator.output.bus), instruments: ['horn and stack light'] }]),
    ],
  }
}

const placeOf = (bus: BusSettings): { id: string; address: string } => ({
  id: bus.id,
  address: 'path' in bus ? bus.path : `${bus.host}:${bus.port}`,
})

function showPulse(screen: DemoScreen, { agent }: RunningAgent, { plant }: Configuration): void {
  const open = alarmList(agent.loop.state).filter(({ state }) =>
    state.includes('unacknowledged'),
  ).length
  screen.pulse(agent.loop.now().wall, plant, (point) => agent.newest(point), open)
}
