// Simulated serial lines on what carries them: a converter's TCP port and a pseudo-terminal, spoken to in raw bytes.

import {
  constants,
  existsSync,
  lutimesSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import path from 'node:path'
import { SerialPort } from 'serialport'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../agent/runtime/system-clock.ts'
import { type Simulation, startSimulation } from '../../../simulators/main.ts'
import type { BusSpec, SimulationSpec } from '../../../simulators/spec.ts'
import { linkHolder } from '../../../simulators/wire/link-holder.ts'
import { available, removeDirectory, temporaryDirectory } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import { RawClient } from './raw-client.ts'

const READ_TEST = 'F0 03 1F 00 00 03 17 3E'
const units = [
  { instrument: 'dp-1', unitId: 43, model: 'ee600', zone: 'b101', against: 'c102' },
  { instrument: 'th-1', unitId: 240, model: 'vaisala-hmp', zone: 'b101' },
]
const converter: BusSpec = {
  id: 'conv-1',
  protocol: 'modbus-rtu-over-tcp',
  host: '127.0.0.1',
  port: 0,
  baudRate: 19_200,
  parity: 'none',
  units,
}
const specOf = (bus: BusSpec): SimulationSpec => ({
  zones: [
    { id: 'b101', grade: 'B' },
    { id: 'c102', grade: 'C' },
  ],
  buses: [bus],
})

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function run(bus: BusSpec): Promise<Simulation> {
  const simulation = await startSimulation(specOf(bus), { clock: systemClock() })
  undo.push(() => simulation.stop())
  return simulation
}

async function connect(simulation: Simulation, retryMs = 0): Promise<RawClient> {
  const raw = await RawClient.connect(simulation.addresses.get('conv-1')?.port ?? 0, retryMs)
  undo.push(() => raw.close())
  return raw
}

describe('a converter (RTU over TCP)', () => {
  it('URS-64 passes RTU frames, whole, no sooner than the line can', async () => {
    const simulation = await run(converter)
    const raw = await connect(simulation)
    const begun = performance.now()
    raw.send(READ_TEST)
    expect((await raw.chunk()).toString('hex')).toMatch(/^f00306cfc7e666c2f6/)
    // 8 and 11 characters, two silences and the turnaround at 19 200 8N1.
    expect(performance.now() - begun).toBeGreaterThan(13)
    expect(simulation.lines.get('conv-1')).toMatchObject({ requests: 1, replies: 1, malformed: 0 })
  })

  it('URS-64 takes one client at a time, and the next when that is gone', async () => {
    const simulation = await run(converter)
    const first = await connect(simulation)
    first.send(READ_TEST)
    await first.bytes(11)
    const second = await connect(simulation)
    await second.closed
    first.close()
    await first.closed
    for (let served = false; !served; ) {
      const next = await connect(simulation)
      next.send(READ_TEST)
      served = await next.bytes(11).then(
        () => true,
        () => false,
      )
    }
  })

  it('URS-64 refuses while it is to, and serves again on the same port', async () => {
    const simulation = await run(converter)
    const raw = await connect(simulation)
    simulation.fault('conv-1', 'refuse', { durationMs: 300 })
    await raw.closed
    const back = await connect(simulation, 5000)
    back.send(READ_TEST)
    expect(await back.bytes(11)).toHaveLength(11)
  })
})

describe.skipIf(!available('socat'))('a pseudo-terminal', () => {
  const directory = (): string => {
    const made = temporaryDirectory('simulated-line')
    undo.push(() => removeDirectory(made))
    return made
  }
  const bus = (link: string): BusSpec => ({
    id: 'rs485-1',
    protocol: 'modbus-rtu',
    path: link,
    baudRate: 19_200,
    parity: 'none',
    units,
  })

  interface Port {
    ask(text: string, bytes: number): Promise<Buffer>
    readonly port: SerialPort
  }

  async function serial(link: string): Promise<Port> {
    const port = new SerialPort({ path: link, baudRate: 19_200, autoOpen: false })
    await new Promise<void>((resolve, reject) =>
      port.open((error) => (error ? reject(error) : resolve())),
    )
    undo.push(
      () => new Promise<void>((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve())),
    )
    let received = Buffer.alloc(0)
    let wake: () => void = () => {}
    port.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      wake()
    })
    const ask = async (text: string, bytes: number): Promise<Buffer> => {
      received = Buffer.alloc(0)
      port.write(Buffer.from(text.replaceAll(' ', ''), 'hex'))
      while (received.length < bytes) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return received
    }
    return { ask, port }
  }

  it('URS-64 is a serial port with the instruments behind it, at the speed of the line', async () => {
    const link = path.join(directory(), 'line')
    const simulation = await run(bus(link))
    const port = await serial(link)
    const begun = performance.now()
    expect((await port.ask(READ_TEST, 11)).toString('hex')).toMatch(/^f00306cfc7e666c2f6/)
    expect(performance.now() - begun).toBeGreaterThan(13)
    for (let poll = 0; poll < 20; poll++) {
      // t3.5 at 19 200 8N1 is 1.8 ms, after the first reply as after every other.
      await new Promise((resolve) => setTimeout(resolve, 8))
      await port.ask('2B 03 04 BE 00 02 A2 D5', 9)
    }
    expect(simulation.lines.get('rs485-1')).toMatchObject({
      requests: 21,
      replies: 21,
      silentIntervalViolations: 0,
    })
  })

  it('URS-64 stays while clients come and go, vanishes when unplugged, and comes back', async () => {
    const link = path.join(directory(), 'line')
    const simulation = await run(bus(link))
    for (let visit = 0; visit < 3; visit++) {
      const { ask, port } = await serial(link)
      await ask(READ_TEST, 11)
      await new Promise<void>((resolve) => port.close(() => resolve()))
    }
    const { port } = await serial(link)
    const hungUp = new Promise((resolve) => port.once('close', resolve))
    simulation.fault('rs485-1', 'refuse', { durationMs: 500 })
    await hungUp
    expect(existsSync(link)).toBe(false)
    while (!existsSync(link)) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await (await serial(link)).ask(READ_TEST, 11)).toHaveLength(11)
  })

  it('leaves no process and no link behind, and takes over a link that a killed one left', async () => {
    const link = path.join(directory(), 'line')
    symlinkSync('/dev/pts/99999', link)
    const simulation = await run(bus(link))
    const file = await openFile(link, constants.O_RDWR | constants.O_NOCTTY)
    await file.close()
    await simulation.stop()
    await simulation.stop()
    expect(existsSync(link)).toBe(false)
  })

  it('refuses a link that another one serves, says who that is, and leaves it to it', async () => {
    const link = path.join(directory(), 'line')
    const first = await run(bus(link))
    await expect(run(bus(link))).rejects.toThrow(
      new RegExp(
        `cannot appear at ${link}: socat \\(process \\d+\\) started by .*\\(process ${process.pid}\\) serves a line there; end that simulation`,
      ),
    )
    const { ask } = await serial(link)
    expect(await ask(READ_TEST, 11)).toHaveLength(11)
    expect(first.lines.get('rs485-1')).toMatchObject({ requests: 1, replies: 1 })
  })

  it('comes back when what carries it was killed', async () => {
    const link = path.join(directory(), 'line')
    await run(bus(link))
    // A process being killed is out of sight before its terminal is gone: only a name and a number are a holder.
    const carrier = (): number | undefined => {
      const words = existsSync(link) ? linkHolder(link) : undefined
      const pid = /^socat \(process (\d+)\)/.exec(words ?? '')?.[1]
      return pid === undefined ? undefined : Number(pid)
    }
    const killed = carrier() ?? Number.NaN
    process.kill(killed, 'SIGKILL')
    await until('another terminal behind the link', () => (carrier() ?? killed) !== killed)
    expect(await (await serial(link)).ask(READ_TEST, 11)).toHaveLength(11)
  })

  it('takes over a link of a dead one whose terminal was given to somebody else', async () => {
    const there = directory()
    await run(bus(path.join(there, 'other')))
    const link = path.join(there, 'line')
    symlinkSync(readlinkSync(path.join(there, 'other')), link)
    const before = new Date(Date.now() - 60_000)
    lutimesSync(link, before, before)
    await run(bus(link))
    expect(await (await serial(link)).ask(READ_TEST, 11)).toHaveLength(11)
  })

  it('says in words why it cannot appear', async () => {
    const inside = directory()
    const file = path.join(inside, 'a-file')
    writeFileSync(file, 'not ours')
    await expect(run(bus(file))).rejects.toThrow(/"rs485-1" cannot appear at .*is not ours/)
    await expect(run(bus(path.join(inside, 'no/where')))).rejects.toThrow(
      /the directory .* is not there/,
    )
    expect(existsSync(file)).toBe(true)
  })
})
