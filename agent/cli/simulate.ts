// `simulate --config FILE`: stands in for the instruments of a configuration on the loopback ports it names, until a
// signal. Decides what is said and how it ends; what is simulated is simulated-site.ts and simulators/.

import { readFileSync } from 'node:fs'
import { formatFinding, loadConfiguration } from '#config/load.ts'
import { type Simulation, SimulationPortError, startSimulation } from '../../simulators/main.ts'
import { formatScriptFault, parseScript, type ScriptLine } from '../../simulators/script.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { CommandError, EXIT } from './exit-code.ts'
import { type Output, printable, processOutput } from './output.ts'
import { type SimulatedSite, simulatedSite } from './simulated-site.ts'

export interface SimulateOptions {
  readonly config: string
  /** A file in the script language (docs/simulators.md); without it nothing happens by itself. */
  readonly script?: string
  /** Same seed, same plant; drawn and printed when not given. */
  readonly seed?: number
  readonly speed: number
  readonly json?: boolean
}

const SEED_MAX = 2 ** 31

/** Simulates until SIGINT or SIGTERM; the promise is the exit code. Throws a CommandError in words. */
export async function simulate(
  options: SimulateOptions,
  output: Output = processOutput(),
): Promise<number> {
  const { site, script } = read(options, output)
  const seed = options.seed ?? Math.floor(Math.random() * SEED_MAX)
  const signal = firstSignal()
  try {
    const simulation = await begin(site, script, seed, options, output)
    sayPlaces(simulation, site, seed, options, output)
    output.talk(`${await signal.came}: the simulation ends`)
    await simulation.stop()
    return EXIT.ok
  } finally {
    signal.forget()
  }
}

/** The site and what happens in it, or a CommandError with everything that is wrong. */
function read(
  { config, script }: SimulateOptions,
  output: Output,
): { site: SimulatedSite; script: readonly ScriptLine[] } {
  const loaded = loadConfiguration(config)
  for (const finding of loaded.findings) {
    if (finding.severity === 'error') output.talk(formatFinding(finding))
  }
  if (!loaded.ok) {
    throw new CommandError(
      EXIT.configuration,
      `${config} cannot be simulated; mend what is listed above`,
    )
  }
  const derived = simulatedSite(loaded.configuration)
  if (!derived.ok) {
    throw complaint(EXIT.configuration, `${config} cannot be simulated`, derived.faults, output)
  }
  return { site: derived.site, script: script === undefined ? [] : readScript(script, output) }
}

/** Says every fault on a line of its own; the error then only sums up. */
function complaint(
  code: typeof EXIT.configuration | typeof EXIT.badData,
  summary: string,
  faults: readonly string[],
  output: Output,
): CommandError {
  for (const fault of faults) output.talk(printable(fault))
  return new CommandError(code, `${summary}; mend what is listed above`)
}

function readScript(file: string, output: Output): readonly ScriptLine[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(EXIT.badData, `the script cannot be read: ${why}`)
  }
  const parsed = parseScript(text)
  if (parsed.ok) return parsed.lines
  const faults = parsed.faults.map((fault) => formatScriptFault(file, fault))
  throw complaint(EXIT.badData, `${file} is not a script`, faults, output)
}

async function begin(
  { spec }: SimulatedSite,
  script: readonly ScriptLine[],
  seed: number,
  { speed, json }: SimulateOptions,
  output: Output,
): Promise<Simulation> {
  const say = (words: string, plantSeconds: number): void => {
    if (json === true) output.data(JSON.stringify({ event: 'happened', plantSeconds, words }))
    else output.data(`${clockOf(plantSeconds)}  ${printable(words)}`)
  }
  try {
    return await startSimulation(spec, { clock: systemClock(), seed, speed, script, say })
  } catch (error) {
    if (error instanceof SimulationPortError) throw new CommandError(EXIT.io, error.message)
    const words = error instanceof Error ? error.message : String(error)
    throw complaint(EXIT.configuration, 'this cannot be simulated', words.split('\n'), output)
  }
}

function sayPlaces(
  { addresses }: Simulation,
  { spec, remarks }: SimulatedSite,
  seed: number,
  { speed, json }: SimulateOptions,
  output: Output,
): void {
  for (const remark of remarks) output.talk(remark)
  for (const bus of spec.buses) {
    const { host, port } = addresses.get(bus.id) ?? { host: '', port: 0 }
    const units = bus.units.map(({ instrument, unitId, model }) => ({ instrument, unitId, model }))
    if (json === true) {
      output.data(JSON.stringify({ event: 'listening', bus: bus.id, host, port, units }))
      continue
    }
    const names = units.map(
      ({ instrument, unitId, model }) => `${instrument} (unit ${unitId}, ${model})`,
    )
    output.data(`${bus.id}  ${port === 0 ? host : `${host}:${port}`}  ${names.join(', ')}`)
  }
  if (json === true) output.data(JSON.stringify({ event: 'running', seed, speed }))
  else output.data(`simulated values only; seed ${seed}, plant speed ${speed}; Ctrl-C ends it`)
}

/** Plant time as hours, minutes and seconds since the start. */
function clockOf(seconds: number): string {
  const whole = Math.floor(seconds + 1e-6)
  const part = (value: number): string => String(value).padStart(2, '0')
  return `${part(Math.floor(whole / 3600))}:${part(Math.floor(whole / 60) % 60)}:${part(whole % 60)}`
}

/** The first SIGINT or SIGTERM; `forget` gives the signals back. */
function firstSignal(): { readonly came: Promise<NodeJS.Signals>; readonly forget: () => void } {
  let hear: (signal: NodeJS.Signals) => void = () => {}
  const came = new Promise<NodeJS.Signals>((resolve) => {
    hear = resolve
  })
  process.once('SIGINT', hear)
  process.once('SIGTERM', hear)
  const forget = (): void => {
    process.removeListener('SIGINT', hear)
    process.removeListener('SIGTERM', hear)
  }
  return { came, forget }
}
