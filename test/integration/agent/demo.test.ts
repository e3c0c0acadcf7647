// The demonstration as a person starts it: with a serial line where the machine has socat, without one where it has not, and
// with nothing left behind.

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import mqtt from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import {
  available,
  freePort,
  type Running,
  removeDirectory,
  start,
  temporaryDirectory,
} from '../../support/processes.ts'

const running: Running[] = []
const directories: string[] = []

afterEach(async () => {
  for (const agent of running.splice(0)) await agent.stop('SIGKILL')
  for (const directory of directories.splice(0)) removeDirectory(directory)
})

async function demo(env: NodeJS.ProcessEnv = {}): Promise<{ agent: Running; port: number }> {
  const port = await freePort()
  const args = ['agent/main.ts', 'demo', '--mqtt-port', String(port)]
  const agent = start(process.execPath, args, { env })
  running.push(agent)
  await agent.line(/An excursion comes within the first minute/, 40_000)
  return { agent, port }
}

/** Waits for a good live value of a point; the built-in broker speaks MQTT 3.1.1. */
async function goodValue(port: number, leaf: string): Promise<void> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4 })
  const heard = new Promise<void>((resolve) => {
    client.on('message', (topic, payload) => {
      if (topic.endsWith(leaf) && payload.includes('"q":"good"')) resolve()
    })
  })
  await client.subscribeAsync('cr/v1/#')
  await heard
  await client.endAsync(true)
}

/** Command lines of every process of this machine. */
const commandLines = (): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
      } catch {
        return []
      }
    })

describe('URS-64 the demo', () => {
  it.skipIf(!available('socat'))(
    'has a serial line that is read (needs socat), and leaves no socat behind',
    async () => {
      const { agent, port } = await demo()
      const line = /(\/\S+\/rs485-1) th-d103/.exec(agent.lines.join('\n'))?.[1] ?? 'no line'
      expect(commandLines().filter((command) => command.includes(line))).toHaveLength(1)
      await goodValue(port, '/live/d103/d103-t')
      await goodValue(port, '/live/mal-101/mal-corridor-dp')
      expect(await agent.stop('SIGINT')).toBe(0)
      expect(commandLines().filter((command) => command.includes(line))).toEqual([])
      expect(existsSync(path.dirname(path.dirname(line)))).toBe(false)
    },
  )

  it('leaves nothing behind when Ctrl-C is given twice, nor, from the next start on, when it was killed', async () => {
    const temporary = temporaryDirectory('demos')
    directories.push(temporary)
    const ofDemo = () => readdirSync(temporary).filter((name) => name.startsWith('cleanroom-demo-'))
    const killed = await demo({ TMPDIR: temporary })
    const [left] = ofDemo()
    const { agent: beside } = await demo({ TMPDIR: temporary })
    expect(ofDemo()).toHaveLength(2)
    await killed.agent.stop('SIGKILL')
    expect(ofDemo()).toContain(left)
    beside.child.kill('SIGINT')
    beside.child.kill('SIGTERM')
    // Ended by the second of them; of two signals that wait at once, Linux may hand over either first.
    expect([130, 143]).toContain(await beside.exit)
    expect(ofDemo()).toEqual([left])
    const { agent } = await demo({ TMPDIR: temporary })
    expect(ofDemo()).toHaveLength(1)
    expect(ofDemo()).not.toContain(left)
    expect(await agent.stop('SIGINT')).toBe(0)
    expect(ofDemo()).toEqual([])
  })

  it('runs without one where there is no socat, and says so', async () => {
    const bin = path.join(temporaryDirectory('no-socat'), 'bin')
    directories.push(path.dirname(bin))
    mkdirSync(bin)
    symlinkSync(process.execPath, path.join(bin, 'node'))
    const { agent, port } = await demo({ PATH: bin })
    expect(agent.lines.join('\n')).toMatch(/without a serial line: .*needs socat; install it/)
    expect(agent.lines.join('\n')).not.toMatch(/rs485-1 /)
    await goodValue(port, '/live/b101/b101-t')
    expect(await agent.stop('SIGINT')).toBe(0)
  })
})
