// `probe` on real sockets and a pseudo-terminal: what is shown, what is wrong in words, and every exit code.

import net from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { CommandError } from '../../../agent/cli/exit-code.ts'
import { type ProbeOptions, probe } from '../../../agent/cli/probe.ts'
import { rtu } from '../../support/fake-wire.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import { agentCommand, freePort } from '../../support/processes.ts'
import { hasSocat, PtyCable, RtuServer } from '../../support/rtu-server.ts'
import { type Spoken, spoken } from '../../support/spoken.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function tcpServer(): Promise<ModbusServer> {
  const server = await ModbusServer.start()
  undo.push(() => server.stop())
  return server
}

async function rtuServer(): Promise<RtuServer> {
  const server = await RtuServer.start()
  undo.push(() => server.stop())
  return server
}

async function run(options: ProbeOptions): Promise<Spoken & { readonly code: number }> {
  const said = spoken()
  const code = await probe(options, said.output)
  return { ...said, code }
}

const at = ({ port }: { readonly port: number }) => ({ host: '127.0.0.1', port })

/** Vaisala's test registers (HMP110 and others): i16 −12345, then −123.45 low word first, then text. */
const VAISALA = [0xcfc7, 0xe666, 0xc2f6, 0x2d31, 0x3233, 0x2e34, 0x3500]

describe('URS-60 probe of registers', () => {
  it('shows Vaisala test registers in every type and byte order, the right one marked', async () => {
    const server = await tcpServer()
    server.unit(240).set(3, 7936, ...VAISALA)
    const { code, data } = await run({ ...at(server), unit: 240, reference: '47937', count: 4 })
    expect(code).toBe(0)
    expect(data()).toContain('holding_register 7936 to 7939 (reference 47937 to 47940)')
    expect(data()).toMatch(/^7936 +47937 +CFC7 +53191 +-12345 /m)
    expect(data()).toMatch(/^7937 +f32 .*\* -123\.45 /m)
    expect(data()).toMatch(/answered in \d/)
    expect(data()).toContain('text  "...f..-1"')
  })

  it('takes the address as well as the reference, and says both', async () => {
    const server = await tcpServer()
    server.unit(43).set(4, 1214, 0x1076, 0x4170)
    const byAddress = await run({ ...at(server), unit: 43, table: 'input_register', address: 1214 })
    const byReference = await run({ ...at(server), unit: 43, reference: '31215' })
    const shown = (text: string) => text.replace(/answered in .*/, '')
    expect(shown(byReference.data())).toBe(shown(byAddress.data()))
    expect(byAddress.data()).toMatch(/1214 +f32 .*\* 15\.004019/)
  })

  it('prints one document with --json, frames and latencies of all times included', async () => {
    const server = await tcpServer()
    server.unit(1).set(3, 0, 0x41f4, 0x7ae1)
    const { code, document, talk } = await run({
      ...at(server),
      table: 'holding_register',
      address: 0,
      times: 5,
      frames: true,
      json: true,
    })
    expect(code).toBe(0)
    expect(talk()).toBe('')
    expect(document()).toMatchObject({
      line: { protocol: 'modbus-tcp', host: '127.0.0.1', port: server.port },
      unitId: 1,
      table: 'holding_register',
      address: 0,
      reference: '40001',
      count: 2,
      times: 5,
      asked: 5,
      answered: 5,
      latencyMs: { min: expect.any(Number), median: expect.any(Number), max: expect.any(Number) },
      registers: [
        { address: 0, hex: '41F4' },
        { address: 1, hex: '7AE1' },
      ],
      allZero: false,
    })
    const numbers = document()['numbers'] as { type: string; byteOrder: string; text: string }[]
    expect(
      numbers.find(({ type, byteOrder }) => type === 'f32' && byteOrder === 'ABCD')?.text,
    ).toBe('30.56')
    const frames = document()['frames'] as { direction: string; hex: string }[]
    expect(frames.filter(({ direction }) => direction === 'sent')).toHaveLength(5)
    expect(frames[0]?.hex).toMatch(/00 00 00 06 01 03 00 00 00 02$/)
    expect(server.requests).toHaveLength(5)
    expect(server.connections).toBe(1)
  })

  it('shows coils and inputs as bits', async () => {
    const server = await tcpServer()
    server.unit(1).setBits(1, 10, 1, 0, 1)
    const { data } = await run({ ...at(server), table: 'coil', address: 10, count: 3 })
    expect(data()).toMatch(/^10 +00011 +1\n11 +00012 +0\n12 +00013 +1$/m)
  })

  it('shows the frames in hex', async () => {
    const server = await rtuServer()
    server.unit(43).set(4, 1214, 1, 2)
    const { data } = await run({
      ...at(server),
      protocol: 'modbus-rtu-over-tcp',
      unit: 43,
      reference: '31215',
      frames: true,
    })
    // E+E's own example (EE600 guide), with function 4 in place of 3.
    expect(data()).toMatch(/^sent +0\.\d ms {2}2B 04 04 BE 00 02 17 15$/m)
    expect(data()).toMatch(/^received +\d+\.\d ms {2}2B 04 04 00 01 00 02 /m)
  })

  it('says an exception in words, with what to do: 1', async () => {
    const server = await tcpServer()
    server.unit(1)
    const { code, talk, data } = await run({ ...at(server), reference: '40001' })
    expect(code).toBe(1)
    expect(talk()).toMatch(
      /^Refused with exception 2 \(illegal data address\): .*one lower and one higher/,
    )
    expect(data()).toContain('reference 40001')
    const json = await run({ ...at(server), reference: '40001', json: true })
    expect(json.document()).toMatchObject({ exception: { code: 2 }, answered: 0 })
  })

  it('says silence in words: 1, and asks no more than it takes', async () => {
    const server = await rtuServer()
    const { code, talk } = await run({
      ...at(server),
      protocol: 'modbus-rtu-over-tcp',
      unit: 7,
      reference: '40001',
      timeout: 50,
    })
    expect(code).toBe(1)
    expect(talk()).toMatch(/^No answer within 50 ms: .*A and B/)
  })

  it('hears an answer that comes too late, and says which timeout would do', async () => {
    const server = await tcpServer()
    server.unit(1).set(3, 0, 1, 2)
    server.behaviour = ({ socket }, regular) => void setTimeout(() => socket.write(regular), 400)
    const { code, talk } = await run({ ...at(server), reference: '40001', timeout: 100 })
    expect(code).toBe(1)
    expect(talk()).toMatch(/no answer within 100 ms, but one came after (4|5)\d\d ms/i)
  })

  it('answers no when one of several times failed, and shows the others', async () => {
    const server = await tcpServer()
    server.unit(1).set(3, 0, 5, 6)
    let asked = 0
    server.behaviour = ({ socket }, regular) => void (++asked !== 2 && socket.write(regular))
    const { code, data, talk } = await run({
      ...at(server),
      reference: '40001',
      times: 3,
      timeout: 80,
    })
    expect(code).toBe(1)
    expect(data()).toContain('2 of 3 answered')
    expect(talk()).toMatch(/No answer within 80 ms/)
  })

  it('knows a converter by what it answers to Modbus TCP', async () => {
    // It hands on what comes over its line, whatever it was asked.
    const converter = net.createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write(rtu(1, Buffer.of(3, 4, 0, 1, 0, 2))))
    })
    await new Promise<void>((resolve) => converter.listen(0, '127.0.0.1', resolve))
    undo.push(() => new Promise((resolve) => converter.close(resolve)))
    const { port } = converter.address() as net.AddressInfo
    const { code, talk } = await run({ host: '127.0.0.1', port, reference: '40001' })
    expect(code).toBe(1)
    expect(talk()).toMatch(/is Modbus RTU, not Modbus TCP: .* use the protocol modbus-rtu-over-tcp/)
  })

  it('knows Modbus TCP by how it takes RTU', async () => {
    // As servers do with a header that is none.
    const closing = net.createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => socket.destroy())
    })
    await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve))
    undo.push(() => new Promise((resolve) => closing.close(resolve)))
    const { port } = closing.address() as net.AddressInfo
    const line = { host: '127.0.0.1', port, protocol: 'modbus-rtu-over-tcp', unit: 1 } as const
    const { code, talk } = await run({ ...line, reference: '40001' })
    expect(code).toBe(1)
    expect(talk()).toMatch(/in place of an answer; .* speaks Modbus TCP/)
  })

  it('is not reachable where nobody listens: 69', async () => {
    const port = await freePort()
    const { code, stderr, stdout } = await agentCommand([
      'probe',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--reference',
      '40001',
    ])
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
    expect(stderr).toContain('refused the connection')
  })

  it('is not reachable through a port that is not there: 69', async () => {
    const probing = run({ serial: '/nowhere/tty', unit: 1, reference: '40001' })
    await expect(probing).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringContaining('plug the adapter in'),
    })
  })
})

describe('URS-60 probe refuses what does not fit together: 64', () => {
  const host = { host: '127.0.0.1' }
  const cases: [name: string, options: ProbeOptions, words: RegExp][] = [
    ['no line', { reference: '40001' }, /--host HOST .* or --serial/],
    ['two lines', { ...host, serial: '/dev/x', reference: '40001' }, /two lines/],
    ['no register', host, /--table TABLE --address N .* --reference 40001/],
    ['a register twice', { ...host, table: 'coil', address: 1, reference: '1' }, /either/],
    ['an address without a table', { ...host, address: 1 }, /needs its table/],
    [
      'a reference given as an address',
      { ...host, table: 'coil', address: 400_001 },
      /--reference 400001/,
    ],
    [
      'a reference of another table',
      { ...host, table: 'coil', reference: '40001' },
      /names holding_register/,
    ],
    ['no unit on a line', { serial: '/dev/x', reference: '40001' }, /--unit N/],
    ['a unit that is none', { ...host, unit: 256, reference: '40001' }, /0 to 255/],
    ['everybody on a line', { serial: '/dev/x', unit: 0, reference: '40001' }, /everybody/],
    ['too many registers', { ...host, reference: '40001', count: 126 }, /1 to 125/],
    ['none', { ...host, reference: '40001', count: 0 }, /1 to 125/],
    ['more than there are', { ...host, reference: '465536', count: 2 }, /1 to 1/],
    ['never', { ...host, reference: '40001', times: 0 }, /1 to 1000/],
    [
      'RTU without a port',
      { ...host, protocol: 'modbus-rtu', reference: '40001' },
      /--serial PATH/,
    ],
    [
      'TCP on a serial port',
      { serial: '/dev/x', protocol: 'modbus-tcp', reference: '40001' },
      /--host in place/,
    ],
    [
      'a port number for a serial port',
      { serial: '/dev/x', port: 1, unit: 1, reference: '40001' },
      /--port goes/,
    ],
    [
      'a converter without a port',
      { ...host, protocol: 'modbus-rtu-over-tcp', reference: '40001' },
      /no usual port/,
    ],
    ['a baud rate for a host', { ...host, baud: 9600, reference: '40001' }, /set on the converter/],
    ['stop bits for a host', { ...host, stop: 1, reference: '40001' }, /set on the converter/],
    ['force without a reason', { ...host, reference: '40001', force: true }, /--reason TEXT/],
    ['a blank reason', { ...host, reference: '40001', force: true, reason: ' ' }, /--reason TEXT/],
    ['a reason without force', { ...host, reference: '40001', reason: 'x' }, /goes with --force/],
    [
      'a reason too long',
      { ...host, reference: '40001', force: true, reason: 'x'.repeat(501) },
      /500/,
    ],
    [
      'a reason of two lines',
      { ...host, reference: '40001', force: true, reason: 'a\nb' },
      /one line/,
    ],
    ['an instrument and a host', { ...host, instrument: 'dp-1' }, /leave out --host/],
    ['an instrument and data bits', { dataBits: 7, instrument: 'dp-1' }, /leave out --data-bits/],
  ]
  it.each(cases)('%s', async (_name, options, words) => {
    const said = spoken()
    const refused = await probe(options, said.output).catch((fault: unknown) => fault)
    expect(refused).toBeInstanceOf(CommandError)
    expect(refused).toMatchObject({ exitCode: 64, message: expect.stringMatching(words) })
  })
})

describe.skipIf(!hasSocat())('URS-60 probe on a pseudo-terminal', () => {
  it('reads Vaisala test registers with the settings given', async () => {
    const server = await rtuServer()
    server.unit(240).set(3, 7936, ...VAISALA)
    const cable = new PtyCable(server.port)
    await cable.plug()
    undo.push(() => cable.remove())
    const { code, data } = await run({
      serial: cable.path,
      baud: 19_200,
      parity: 'none',
      stop: 2,
      unit: 240,
      reference: '47937',
      count: 3,
      times: 2,
    })
    expect(code).toBe(0)
    expect(data()).toContain(`${cable.path} 19200 8N2, unit 240`)
    expect(data()).toMatch(/^7937 +f32 .*\* -123\.45 /m)
  })
})
