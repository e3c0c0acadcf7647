// `scan` on real lines: who answers, in words and as JSON; several speeds; progress on a terminal; Ctrl-C; adapters.

import { afterEach, describe, expect, it } from 'vitest'
import { CommandError } from '../../../agent/cli/exit-code.ts'
import { type ProgressStream, type ScanOptions, scan } from '../../../agent/cli/scan.ts'
import { scanAdapters } from '../../../agent/cli/scan-adapters.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import { agentCommand, freePort, root, start } from '../../support/processes.ts'
import { hasSocat, PtyCable, RtuServer } from '../../support/rtu-server.ts'
import { spoken } from '../../support/spoken.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function converter(): Promise<RtuServer> {
  const server = await RtuServer.start()
  undo.push(() => server.stop())
  return server
}

const overTcp = ({ port }: RtuServer): ScanOptions => ({
  host: '127.0.0.1',
  port,
  protocol: 'modbus-rtu-over-tcp',
  timeout: 40,
})

const pipe: ProgressStream = { isTTY: false, write: () => true }

async function run(options: ScanOptions, progress: ProgressStream = pipe) {
  const said = spoken()
  const code = await scan(options, said.output, progress)
  return { ...said, code }
}

describe('URS-60 scan of a line', () => {
  it('finds the units, whatever they answer, and reads only', async () => {
    const server = await converter()
    server.unit(3).set(3, 0, 1)
    server.unit(9)
    const { code, data, talk } = await run({ ...overTcp(server), from: 1, to: 12 })
    expect(code).toBe(0)
    expect(data()).toMatch(/: 2 units found, 12 addresses asked$/m)
    expect(data()).toMatch(/^3 +\d+ ms +answered$/m)
    expect(data()).toMatch(
      /^9 +\d+ ms +answered with exception 2 \(illegal data address\): it is there/m,
    )
    expect(talk()).toBe('')
    expect(new Set(server.requests.map(({ functionCode }) => functionCode))).toEqual(new Set([3]))
    expect(server.requests.every(({ unitId, quantity }) => unitId >= 1 && quantity === 1)).toBe(
      true,
    )
  })

  it('asks what it is told to ask, and prints one document', async () => {
    const server = await converter()
    server.unit(2).set(4, 1214, 7)
    const { code, document } = await run({
      ...overTcp(server),
      to: 3,
      reference: '31215',
      json: true,
    })
    expect(code).toBe(0)
    expect(document()).toEqual({
      from: 1,
      to: 3,
      table: 'input_register',
      address: 1214,
      passes: [
        {
          line: expect.objectContaining({ protocol: 'modbus-rtu-over-tcp', port: server.port }),
          asked: 3,
          interrupted: false,
          units: [
            {
              unitId: 2,
              asked: 4,
              answered: 4,
              damaged: 0,
              latencyMs: expect.any(Number),
              words: 'answered',
            },
          ],
        },
      ],
    })
    expect(server.requests.map(({ functionCode, address }) => [functionCode, address])[0]).toEqual([
      4, 1214,
    ])
  })

  it('FB19 suspects two units on one address by their damaged answers', async () => {
    const server = await converter()
    server.unit(5).set(3, 0, 1)
    server.unit(6).set(3, 0, 1)
    server.behaviour = ({ socket, unitId }, regular) => {
      if (unitId === 5) regular[3] = (regular[3] ?? 0) ^ 0xff
      socket.write(regular)
    }
    const { code, data } = await run({ ...overTcp(server), to: 7 })
    expect(code).toBe(0)
    expect(data()).toMatch(/^5 +- +every answer came damaged: two units may share this address/m)
    expect(data()).toMatch(/^6 +\d+ ms +answered$/m)
  })

  it('FB18 suspects speed and parity, and never learns from garbage', async () => {
    const server = await converter()
    for (let unit = 1; unit <= 5; unit++) server.unit(unit).set(3, 0, 1)
    server.behaviour = ({ socket }) =>
      void socket.write(Buffer.of(0xfc, 0x03, 0x80, 0xff, 0x71, 0x1e))
    const { data, talk } = await run({ ...overTcp(server), to: 5 })
    expect(talk()).toMatch(/baud rate or parity is probably not that of the instruments/)
    expect(data()).not.toMatch(/ answered$/m)
  })

  it('answers no when nothing does: 1, with what to look at', async () => {
    const server = await converter()
    const { code, data, talk } = await run({ ...overTcp(server), to: 2 })
    expect(code).toBe(1)
    expect(data()).toContain('0 units found, 2 addresses asked')
    expect(talk()).toMatch(/Nothing answered: .*A and B.*on the converter/)
  })

  it('knows an instrument on Modbus TCP that does not look at the unit id', async () => {
    const server = await ModbusServer.start()
    undo.push(() => server.stop())
    for (let unit = 1; unit <= 8; unit++) server.unit(unit).set(3, 0, 1)
    const { talk } = await run({ host: '127.0.0.1', port: server.port, to: 8 })
    expect(talk()).toMatch(/Every address answered: this is one instrument/)
  })

  it('shows progress on a terminal and nowhere else, and takes it away again', async () => {
    const server = await converter()
    server.unit(2).set(3, 0, 1)
    const written: string[] = []
    const terminal = { isTTY: true, write: (text: string) => written.push(text) > 0 }
    await run({ ...overTcp(server), to: 4 }, terminal as ProgressStream)
    expect(written).toHaveLength(5)
    expect(written[3]?.startsWith('\r\u001b[K')).toBe(true)
    expect(written[3]).toMatch(/address 4 of 1 to 4, 1 found, at most .* left \(Ctrl-C ends it\)$/)
    expect(written.at(-1)).toBe('\r\u001b[K')
    written.length = 0
    await run({ ...overTcp(server), to: 2 }, { ...terminal, isTTY: false } as ProgressStream)
    expect(written).toEqual([])
  })

  it('is not reachable where nobody listens: 69', async () => {
    const port = await freePort()
    await expect(run({ host: '127.0.0.1', port })).rejects.toMatchObject({ exitCode: 69 })
  })

  it('stops on Ctrl-C with what was found until then: 0', async () => {
    const server = await converter()
    server.unit(1).set(3, 0, 1)
    const asked = new Promise<void>((resolve) => {
      server.behaviour = ({ socket }, regular) => {
        socket.write(regular)
        if (server.requests.length >= 4) resolve()
      }
    })
    const args = [
      '--host',
      '127.0.0.1',
      '--port',
      String(server.port),
      '--protocol',
      'modbus-rtu-over-tcp',
    ]
    const child = start(process.execPath, ['agent/main.ts', 'scan', ...args, '--timeout', '2s'], {
      cwd: root,
    })
    undo.push(() => child.stop('SIGKILL'))
    await asked
    expect(await child.stop('SIGINT')).toBe(0)
    expect(child.lines.join('\n')).toMatch(/1 unit found, \d+ addresse?s? asked, interrupted/)
  })
})

describe('URS-60 scan refuses what does not fit together: 64', () => {
  const host = { host: '127.0.0.1' }
  const cases: [name: string, options: ScanOptions, words: RegExp][] = [
    ['no line', {}, /--host HOST/],
    ['the broadcast', { ...host, from: 0 }, /0 is the broadcast, which is never sent/],
    ['addresses beyond addresses', { ...host, to: 256 }, /within 1 to 255/],
    ['a range the wrong way round', { ...host, from: 9, to: 3 }, /9 to 3 cannot/],
    ['speeds for a host', { ...host, baud: [9600] }, /set on the converter/],
    ['a register twice', { ...host, address: 1, reference: '40001' }, /not both/],
    ['a reference that is none', { ...host, reference: 'x' }, /is no reference/],
    ['force without a reason', { ...host, force: true }, /--reason TEXT/],
  ]
  it.each(cases)('%s', async (_name, options, words) => {
    const refused = await run(options).catch((fault: unknown) => fault)
    expect(refused).toBeInstanceOf(CommandError)
    expect(refused).toMatchObject({ exitCode: 64, message: expect.stringMatching(words) })
  })

  it.each([
    [['scan', '--serial', '/dev/x', '--baud', '9600,fast']],
    [['scan', '--serial', '/dev/x', '--baud', '12']],
    [['scan', '--serial', '/dev/x', '--parity', 'even,mark']],
    [['scan', '--serial', '/dev/x', '--stop', '3']],
    [['scan', 'printers']],
    [['probe', '--host', 'h', '--port', '0', '--reference', '40001']],
    [['probe', '--host', 'h', '--timeout', '5', '--reference', '40001']],
    [['probe', '--host', 'h', '--table', 'registers', '--address', '1']],
    [['probe', '--serial', '/dev/x', '--data-bits', '9']],
  ])('%j', async (argv) => {
    const { code, stderr } = await agentCommand(argv)
    expect(code).toBe(64)
    expect(stderr).toMatch(/^error: /)
  })
})

describe.skipIf(!hasSocat())('URS-60 scan of a serial port', () => {
  it('tries every speed with every parity, one open at a time', async () => {
    const server = await converter()
    server.unit(1).set(3, 0, 1)
    const cable = new PtyCable(server.port)
    await cable.plug()
    undo.push(() => cable.remove())
    const { code, data } = await run({
      serial: cable.path,
      baud: [9600, 19_200],
      parity: ['none', 'even'],
      to: 1,
      timeout: 200,
    })
    expect(code).toBe(0)
    const lines = data()
      .split('\n')
      .filter((line) => line.includes('found'))
      .map((line) => line.replace(`${cable.path} `, ''))
    // A pseudo-terminal has no speed: the unit answers at each.
    expect(lines).toEqual(
      ['9600 8N1', '9600 8E1', '19200 8N1', '19200 8E1'].map(
        (settings) => `${settings}: 1 unit found, 1 address asked`,
      ),
    )
  })
})

describe('URS-60 scan adapters', () => {
  const adapter = {
    device: '/dev/ttyUSB0',
    stable: ['/dev/serial/by-id/usb-FTDI_A1-if00-port0', '/dev/serial/by-path/x'],
    manufacturer: 'FTDI\u001b[2J',
    usb: '0403:6001',
    latencyTimerMs: 16,
    holder: { words: 'node (process 7)', locked: true },
  }

  it('names the path for the configuration and who holds it, and shows nothing that steers a terminal', async () => {
    const said = spoken()
    const list = async () => ({
      adapters: [adapter, { device: '/dev/ttyS0', stable: [] }],
      remarks: ['r'],
    })
    expect(await scanAdapters({}, said.output, list)).toBe(0)
    expect(said.data()).toMatch(
      /^\/dev\/ttyUSB0 +\/dev\/serial\/by-id\/usb-FTDI_A1-if00-port0 .*node \(process 7\), locked +latency timer 16 ms; set it to 1$/m,
    )
    expect(said.data()).toMatch(/^\/dev\/ttyS0 +- \(no stable name\)/m)
    expect(said.data()).not.toContain('\u001b')
    expect(said.talk()).toBe('r')
  })

  it('answers no where there is none: 1', async () => {
    const said = spoken()
    expect(await scanAdapters({}, said.output, async () => ({ adapters: [], remarks: [] }))).toBe(1)
    expect(said.talk()).toMatch(/no serial adapter.*dmesg/)
  })

  it('prints one document, of this machine', async () => {
    const { code, stdout } = await agentCommand(['scan', 'adapters', '--json'])
    expect([0, 1]).toContain(code)
    const { adapters } = JSON.parse(stdout) as { adapters: unknown[] }
    expect(code).toBe(adapters.length > 0 ? 0 : 1)
  })
})
