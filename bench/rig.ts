// The bench's rig: device server, broker and agent as processes of their own, and what /proc says of them.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'

export const root = path.resolve(import.meta.dirname, '..')
const scratch: string[] = []

/** A directory outside the checkout that `removeScratch` takes away. */
function scratchDirectory(name: string): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), `bench-${name}-`))
  scratch.push(directory)
  return directory
}

/** Removes everything the bench wrote. */
export function removeScratch(): void {
  for (const directory of scratch.splice(0)) rmSync(directory, { recursive: true, force: true })
}

const TICKS_PER_SECOND = 100

export interface Line {
  readonly child: ChildProcess
  /** Resolves with the next line that matches. */
  next(pattern: RegExp): Promise<string>
  onLine(listener: (line: string) => void): void
}

/** Starts a process whose lines of output are read. */
export function startProcess(command: string, args: readonly string[]): Line {
  const child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] })
  const listeners = new Set<(line: string) => void>()
  const ended = new Set<(error: Error) => void>()
  child.once('exit', (code) => {
    for (const reject of ended) reject(new Error(`${command} ${args[0]} ended with ${code}`))
  })
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      for (const listener of listeners) listener(line)
    })
  }
  return {
    child,
    onLine: (listener) => void listeners.add(listener),
    next: (pattern) =>
      new Promise((resolve, reject) => {
        const listener = (line: string) => {
          if (!pattern.test(line)) return
          listeners.delete(listener)
          ended.delete(reject)
          resolve(line)
        }
        listeners.add(listener)
        ended.add(reject)
      }),
  }
}

export async function stopProcess(
  { child }: Line,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

/** CPU seconds (user and system, all threads) that a process has used. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Resident memory of a process in MB (10⁶ bytes). */
export function rssMb(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return (Number(line?.[1]) * 1024) / 1e6
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

export async function startBroker(port: number): Promise<Line> {
  const directory = scratchDirectory('broker')
  const file = path.join(directory, 'mosquitto.conf')
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n`,
  )
  const broker = startProcess('mosquitto', ['-c', file, '-v'])
  await broker.next(/running/)
  return broker
}

export interface Devices {
  readonly line: Line
  readonly port: number
  count(): Promise<number>
  set(unit: number, value: number): void
}

export async function startDevices(): Promise<Devices> {
  const line = startProcess(process.execPath, ['bench/device-server.ts'])
  const port = Number(await line.next(/^\d+$/))
  const tell = (text: string) => void line.child.stdin?.write(`${text}\n`)
  return {
    line,
    port,
    set: (unit, value) => tell(`set ${unit} ${value}`),
    count: async () => {
      const reply = line.next(/^count /)
      tell('count')
      return Number((await reply).split(' ')[1])
    },
  }
}

export interface Load {
  readonly modbusPort: number
  readonly brokerUrl: string
  readonly devices: number
  readonly points: number
  readonly interval: string
  readonly limits?: boolean
}

/** Writes a configuration: every device on a bus of its own, its first points as floats from register 0 on. */
export function writeConfiguration({
  modbusPort,
  brokerUrl,
  devices,
  points,
  interval,
  limits,
}: Load): string {
  const directory = scratchDirectory('agent')
  const signals = Array.from({ length: 16 }, (_, index) => ({
    name: `s${index}`,
    quantity: 'temperature',
    unit: '°C',
    table: 'holding_register',
    address: index * 2,
    type: 'f32',
  }))
  const profile = {
    id: 'bench',
    protocol: 'modbus',
    source: { document: 'bench' },
    limits: { maxGap: 16 },
    signals,
  }
  writeFileSync(path.join(directory, 'bench.json'), JSON.stringify(profile))
  const units = Array.from({ length: devices }, (_, index) => index + 1)
  const lines = [
    'site: { org: bench, id: bench, name: Bench, timezone: UTC }',
    'gateway: { id: gw, dataDir: ./data }',
    'limitSet: annex1-2022',
    `mqtt: { url: "${brokerUrl}" }`,
    'zones:',
    '  - { id: room, name: Room, grade: C, occupancy: in_operation }',
    'buses:',
    ...units.map(
      (unit) =>
        `  - { id: net-${unit}, protocol: modbus-tcp, host: 127.0.0.1, port: ${modbusPort} }`,
    ),
    'instruments:',
    ...units.flatMap((unit) => [
      `  - { id: dev-${unit}, profile: ./bench.json, bus: net-${unit}, unitId: ${unit}, points: [`,
      ...Array.from({ length: points }, (_, index) => {
        const limit =
          limits === true && index === 0
            ? ', limits: { actionHigh: 100, justification: BENCH }'
            : ''
        return `      { id: d${unit}-${index}, signal: s${index}, zone: room, interval: ${interval}${limit} },`
      }),
      '    ] }',
    ]),
  ]
  const file = path.join(directory, 'config.yaml')
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

export async function startAgent(config: string): Promise<Line> {
  const agent = startProcess(process.execPath, ['agent/main.ts', 'run', '--config', config])
  await agent.next(/agent_started/)
  return agent
}

export const seconds = (count: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, count * 1000))

/** Sequence number of the newest record that the agent of a configuration has written, from its journal. */
export function headOf(config: string): number {
  const journal = path.join(path.dirname(config), 'data', 'journal')
  const newest = readdirSync(journal)
    .filter((name) => name.endsWith('.db'))
    .sort()
    .at(-1)
  const db = new Database(path.join(journal, newest ?? ''), { readonly: true })
  try {
    return Number(db.prepare('SELECT max(last) FROM commits').pluck().get())
  } finally {
    db.close()
  }
}
