// Real processes for integration tests: the agent, a broker, and a consumer; each ended when the test ends.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import mqtt, { type MqttClient } from 'mqtt'

export const root = path.resolve(import.meta.dirname, '../..')

/** True where a test that needs the program can run; in CI a missing program is a failure, not a skip. */
export function available(program: string): boolean {
  const found = spawnSync('which', [program]).status === 0
  if (!found && process.env['CI'] === 'true')
    throw new Error(`${program} is missing; CI must install it`)
  return found
}

export function temporaryDirectory(prefix: string): string {
  return mkdtempSync(path.join(os.tmpdir(), `${prefix}-`))
}

export const removeDirectory = (directory: string): void =>
  rmSync(directory, { recursive: true, force: true })

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

export interface Running {
  readonly child: ChildProcess
  readonly lines: string[]
  /** Resolves with the first line (also an earlier one) that matches. */
  line(pattern: RegExp, withinMs?: number): Promise<string>
  /** Resolves with the exit code (or the signal's name). */
  readonly exit: Promise<number | string>
  stop(signal?: NodeJS.Signals): Promise<number | string>
}

/** Starts a program and collects its lines of stdout and stderr. */
export function start(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Running {
  const child = spawn(command, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const waiting = new Set<(line: string) => void>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      for (const listener of waiting) listener(line)
    })
  }
  const exit = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  const line = (pattern: RegExp, withinMs = 20_000): Promise<string> => {
    const earlier = lines.find((candidate) => pattern.test(candidate))
    if (earlier !== undefined) return Promise.resolve(earlier)
    return new Promise((resolve, reject) => {
      const give = (found?: string, error?: string) => {
        clearTimeout(timer)
        waiting.delete(listener)
        if (found !== undefined) resolve(found)
        else
          reject(
            new Error(`${error} while waiting for ${pattern}:\n${lines.slice(-30).join('\n')}`),
          )
      }
      const listener = (candidate: string) => {
        if (pattern.test(candidate)) give(candidate)
      }
      const timer = setTimeout(() => give(undefined, 'timed out'), withinMs)
      waiting.add(listener)
      void exit.then((code) => give(undefined, `process ended with ${code}`))
    })
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return exit
  }
  return { child, lines, line, exit, stop }
}

/** Runs the command line to its end. */
export async function agentCommand(
  args: readonly string[],
  input?: string,
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['agent/main.ts', ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdin.end(input ?? '')
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code: code ?? signal ?? 'unknown', stdout, stderr }
}

/** The daemon on a configuration file; resolves when it says that it has started. */
export async function startAgent(config: string, env: NodeJS.ProcessEnv = {}): Promise<Running> {
  const running = start(process.execPath, ['agent/main.ts', 'run', '--config', config], { env })
  await running.line(/agent_started/)
  return running
}

export interface Broker extends Running {
  readonly port: number
  readonly url: string
}

/** Mosquitto on a port of its own; `extra` lines go into its configuration. */
export async function startMosquitto(
  directory: string,
  port: number,
  extra: readonly string[] = [],
): Promise<Broker> {
  mkdirSync(directory, { recursive: true })
  const file = path.join(directory, 'mosquitto.conf')
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'log_dest stderr',
    'log_type information',
    'log_type error',
    'log_type notice',
    ...extra,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const running = start('mosquitto', ['-c', file])
  await running.line(/running/)
  return { ...running, port, url: `mqtt://127.0.0.1:${port}` }
}

export interface Consumer {
  readonly client: MqttClient
  /** Resolves when a message (also an earlier one) satisfies the predicate. */
  message(predicate: (topic: string, text: string) => boolean, withinMs?: number): Promise<string>
  readonly messages: { topic: string; text: string; retain: boolean; at: number }[]
  end(): Promise<void>
}

/** A subscriber with a persistent session that keeps everything it hears. */
export async function startConsumer(
  url: string,
  topics: readonly string[],
  clientId = 'test-consumer',
): Promise<Consumer> {
  const client = mqtt.connect(url, {
    clientId,
    clean: false,
    protocolVersion: 5,
    reconnectPeriod: 200,
    properties: { sessionExpiryInterval: 3600 },
  })
  const messages: Consumer['messages'] = []
  const waiting = new Set<(topic: string, text: string) => void>()
  client.on('message', (topic, payload, packet) => {
    const text = payload.toString()
    messages.push({ topic, text, retain: packet.retain, at: performance.now() })
    for (const listener of waiting) listener(topic, text)
  })
  client.on('error', () => {})
  await new Promise<void>((resolve) => client.once('connect', () => resolve()))
  await client.subscribeAsync([...topics], { qos: 1 })
  client.on('connect', () => void client.subscribeAsync([...topics], { qos: 1 }).catch(() => {}))
  return {
    client,
    messages,
    message: (predicate, withinMs = 20_000) => {
      const earlier = messages.find(({ topic, text }) => predicate(topic, text))
      if (earlier !== undefined) return Promise.resolve(earlier.text)
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(listener)
          const seen = messages
            .slice(-12)
            .map(({ topic, text }) => `${topic} ${text.slice(0, 200)}`)
          reject(new Error(`no such message within ${withinMs} ms; last seen:\n${seen.join('\n')}`))
        }, withinMs)
        const listener = (topic: string, text: string) => {
          if (!predicate(topic, text)) return
          clearTimeout(timer)
          waiting.delete(listener)
          resolve(text)
        }
        waiting.add(listener)
      })
    },
    end: async () => {
      await client.endAsync(true)
    },
  }
}
