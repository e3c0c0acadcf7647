// A Mosquitto of its own for one test: a free port, a temporary directory, killed and started again at will.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort } from './free-port.ts'

const program = ['/usr/sbin/mosquitto', 'mosquitto'].find(
  (each) => spawnSync(each, ['-h']).error === undefined,
)

/** True where the package is missing on a developer's machine; on CI its absence is a failure, not a skip. */
export const noMosquitto = program === undefined && process.env['CI'] !== 'true'

export interface Mosquitto {
  readonly port: number
  readonly directory: string
  /** Writes a file into the broker's directory and returns its path. */
  file(name: string, text: string): string
  start(): Promise<void>
  /** SIGKILL: whatever it held in memory is gone. */
  kill(): Promise<void>
  /** SIGHUP: reads its access rules again. */
  reload(): void
  close(): Promise<void>
}

/** Prepares a broker; `configuration` may name files by the directory it is given. */
export async function mosquitto(
  configuration: (directory: string, port: number) => readonly string[] = (_, port) => [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
  ],
): Promise<Mosquitto> {
  if (program === undefined)
    throw new Error('mosquitto is not installed: apt-get install mosquitto')
  const directory = mkdtempSync(path.join(tmpdir(), 'cleanroom-mosquitto-'))
  const port = await freePort()
  const file = (name: string, text: string): string => {
    const target = path.join(directory, name)
    writeFileSync(target, text)
    return target
  }
  let child: ChildProcess | undefined
  const kill = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const exited = once(running, 'exit')
    running.kill('SIGKILL')
    await exited
  }
  return {
    port,
    directory,
    file,
    start: async () => {
      const lines = ['user root', ...configuration(directory, port)]
      const conf = file('mosquitto.conf', `${lines.join('\n')}\n`)
      child = spawn(program, ['-c', conf], { stdio: 'ignore' })
      await listening(port, child)
    },
    kill,
    reload: () => child?.kill('SIGHUP'),
    close: async () => {
      await kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (child.exitCode !== null) throw new Error(`mosquitto exited with ${child.exitCode}`)
    const reached = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (reached) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`mosquitto does not listen on ${port}`)
}
