// A line in use is left alone: by what a running agent says of its buses, and by who holds a serial port. Forced use is on
// record before a byte goes out, or does not happen; a locked port is not even opened.

import { realpathSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { portHolder } from '#drivers/link/port-holder.ts'
import type { CommandError } from '../../../agent/cli/exit-code.ts'
import { probe } from '../../../agent/cli/probe.ts'
import { scan } from '../../../agent/cli/scan.ts'
import type { BusView } from '../../../agent/control/view.ts'
import { type ControlAgent, STATUS, startControlAgent } from '../../support/control-agent.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import { holdPort, portSettings } from '../../support/port-holding.ts'
import { hasSocat, PtyCable, RtuServer } from '../../support/rtu-server.ts'
import { spoken } from '../../support/spoken.ts'

const undo: (() => unknown)[] = []
let agent: ControlAgent
let server: ModbusServer

beforeEach(async () => {
  server = await ModbusServer.start()
  undo.push(() => server.stop())
  server.unit(1).set(3, 0, 0x41f4, 0x7ae1)
  agent = await startControlAgent()
  undo.push(() => agent.stop())
})
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

function uses(...buses: readonly Partial<BusView>[]): void {
  agent.status = () => ({
    ...STATUS,
    buses: buses.map((bus, index) => ({ id: `bus-${index + 1}`, link: { kind: 'up' }, ...bus })),
  })
}

const busOn = (address: string, protocol = 'modbus-tcp'): Partial<BusView> => ({
  address,
  protocol,
})

const question = { reference: '40001' } as const

async function attempt(
  over: Parameters<typeof probe>[0],
): Promise<{ code: number; talk: string; data: string }> {
  const said = spoken()
  try {
    const code = await probe({ ...question, data: agent.dataDir, ...over }, said.output)
    return { code, talk: said.talk(), data: said.data() }
  } catch (fault) {
    const { exitCode, message } = fault as CommandError
    return { code: exitCode, talk: message, data: said.data() }
  }
}

const here = () => ({ host: '127.0.0.1', port: server.port })

describe('URS-60 a network line that an agent uses', () => {
  it('is refused, with who uses it and how to stop it: 75, and nothing is connected', async () => {
    uses(busOn('10.0.0.9:502'), busOn(`127.0.0.1:${server.port}`))
    const { code, talk } = await attempt(here())
    expect(code).toBe(75)
    expect(talk).toMatch(
      /is the bus bus-2 of the agent that runs \(process 4711\).*systemctl stop.*--force --reason/,
    )
    expect(server.connections).toBe(0)
  })

  it('is the same line under another name of the host', async () => {
    uses(busOn(`127.0.0.1:${server.port}`))
    expect((await attempt({ host: 'localhost', port: server.port })).code).toBe(75)
    uses(busOn(`LOCALHOST:${server.port}`))
    expect((await attempt(here())).code).toBe(75)
  })

  it('is another line on another port, host, or where no agent runs', async () => {
    uses(
      busOn(`127.0.0.1:${server.port + 1}`),
      busOn(`10.0.0.9:${server.port}`),
      busOn('/dev/ttyUSB0', 'modbus-rtu'),
    )
    expect((await attempt(here())).code).toBe(0)
    await agent.server.close()
    expect((await attempt(here())).code).toBe(0)
  })

  it('is found by socket and by configuration as well', async () => {
    uses(busOn(`127.0.0.1:${server.port}`))
    const config = path.join(agent.dataDir, 'plant.yaml')
    writeFileSync(config, `gateway: { id: gw, dataDir: ${agent.dataDir} }\n`)
    const bare = { data: path.join(agent.dataDir, 'none') }
    expect((await attempt({ ...here(), ...bare, config })).code).toBe(75)
    expect((await attempt({ ...here(), ...bare, socket: agent.server.path })).code).toBe(75)
  })

  it('is used by force, which is on record first', async () => {
    uses(busOn(`127.0.0.1:${server.port}`))
    const before: number[] = []
    const record = agent.journal.notes
    server.behaviour = ({ socket }, regular) => {
      before.push(record.length)
      socket.write(regular)
    }
    const { code, talk } = await attempt({ ...here(), force: true, reason: 'EE600 changed' })
    expect(code).toBe(0)
    expect(talk).toMatch(/its use by force is recorded\. Readings of bus-1 may fail/)
    expect(before).toEqual([1])
    expect(agent.journal.typed('commissioning.forced')).toMatchObject([
      { tool: 'probe', bus: 'bus-1', reason: 'EE600 changed', via: 'local' },
    ])
  })

  it('is not used when it cannot be recorded: 74', async () => {
    uses(busOn(`127.0.0.1:${server.port}`))
    agent.journal.fail(new Error('disk full'))
    const { code, talk } = await attempt({ ...here(), force: true, reason: 'EE600 changed' })
    expect(code).toBe(74)
    expect(talk).toMatch(/could not be recorded, so it did not happen: .*disk full/)
    expect(server.connections).toBe(0)
  })

  it('is not used when the agent is there and does not say', async () => {
    agent.status = () => {
      throw new Error('broken view')
    }
    const { code, talk } = await attempt(here())
    expect(code).toBe(74)
    expect(talk).toMatch(/cannot be told, since the agent did not say/)
    expect(server.connections).toBe(0)
  })

  it('says nothing of force where nobody uses the line', async () => {
    uses(busOn('10.0.0.9:502'))
    const { code, talk } = await attempt({ ...here(), force: true, reason: 'not needed' })
    expect({ code, talk }).toEqual({ code: 0, talk: '' })
    expect(agent.journal.notes).toEqual([])
  })

  it('is not searched either', async () => {
    uses(busOn(`127.0.0.1:${server.port}`))
    const said = spoken()
    const search = { ...here(), data: agent.dataDir, from: 1, to: 2 }
    await expect(scan(search, said.output)).rejects.toMatchObject({ exitCode: 75 })
    const forced = { ...search, force: true, reason: 'new unit' }
    expect(await scan(forced, said.output)).toBe(0)
    expect(agent.journal.typed('commissioning.forced')).toMatchObject([{ tool: 'scan' }])
  })
})

describe.skipIf(!hasSocat())('URS-60 a serial line in use', () => {
  let cable: PtyCable
  let line: RtuServer

  beforeEach(async () => {
    line = await RtuServer.start()
    undo.push(() => line.stop())
    line.unit(1).set(3, 0, 0x41f4, 0x7ae1)
    cable = new PtyCable(line.port)
    await cable.plug()
    undo.push(() => cable.remove())
  })

  async function hold(): Promise<number> {
    const holding = await holdPort(cable.path)
    undo.push(() => holding.end())
    return holding.pid
  }

  const onCable = () => ({ serial: cable.path, unit: 1 })

  it('is refused when an agent has it, under any of its names', async () => {
    uses(busOn(cable.path, 'modbus-rtu'))
    expect((await attempt(onCable())).code).toBe(75)
    const device = realpathSync(cable.path)
    expect((await attempt({ serial: device, unit: 1 })).code).toBe(75)
    expect(line.requests).toEqual([])
  })

  it('is refused although forced while the agent holds it, with how to stop the agent', async () => {
    uses(busOn(cable.path, 'modbus-rtu'))
    const { code, talk } = await attempt({ ...onCable(), force: true, reason: 'x' })
    expect(code).toBe(75)
    expect(talk).toMatch(
      /holds the serial port for itself, so that --force cannot help; stop the agent first .*kill 4711/,
    )
    expect(agent.journal.notes).toEqual([])
  })

  it('is used by force while the agent has lost it', async () => {
    uses({ ...busOn(cable.path, 'modbus-rtu'), link: { kind: 'down', cause: 'gone', since: 1 } })
    const { code } = await attempt({ ...onCable(), force: true, reason: 'cable changed' })
    expect(code).toBe(0)
    expect(agent.journal.typed('commissioning.forced')).toHaveLength(1)
  })

  it('is never opened while it is locked, since that alone would change its parity', async () => {
    const pid = await hold()
    expect(portHolder(cable.path)).toEqual({
      words: expect.stringContaining(`process ${pid}`),
      locked: true,
    })
    const before = await portSettings(cable.path)
    for (const force of [{}, { force: true, reason: 'x' }]) {
      const { code, talk } = await attempt({ ...onCable(), parity: 'odd', ...force })
      expect(code).toBe(75)
      expect(talk).toMatch(new RegExp(`is locked by .*process ${pid}.*stop that program first`))
    }
    expect(await portSettings(cable.path)).toBe(before)
    expect(line.requests).toEqual([])
  })

  it('is used, with a warning, while a program without a lock has it open', async () => {
    // socat is such a program: it holds the end that it made.
    const { code, talk } = await attempt(onCable())
    expect(code).toBe(0)
    expect(talk).toMatch(/is open in socat \(process \d+\) as well/)
  })
})

it('a client is refused in words by a socket that is no agent’s', async () => {
  const socketPath = path.join(agent.dataDir, 'other.sock')
  const other = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => socket.end('HTTP/1.1 400\n'))
  })
  await new Promise<void>((resolve) => other.listen(socketPath, resolve))
  undo.push(() => new Promise((resolve) => other.close(resolve)))
  const { code, talk } = await attempt({
    ...here(),
    data: path.join(agent.dataDir, 'none'),
    socket: socketPath,
  })
  expect(code).toBe(69)
  expect(talk).toMatch(/is not a cleanroom agent/)
  expect(server.connections).toBe(0)
})
