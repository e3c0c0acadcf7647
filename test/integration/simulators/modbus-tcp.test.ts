// The simulated Modbus TCP server spoken to by raw sockets: golden frames, MBAP rules, and every fault of the wire.

import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../agent/runtime/system-clock.ts'
import type { FaultKind, FaultOptions } from '../../../simulators/faults.ts'
import { type Simulation, startSimulation } from '../../../simulators/main.ts'
import type { SimulationSpec } from '../../../simulators/spec.ts'
import { RawClient } from './raw-client.ts'

const SPEC: SimulationSpec = {
  zones: [
    { id: 'b101', grade: 'B' },
    { id: 'c102', grade: 'C' },
  ],
  buses: [
    {
      id: 'net-1',
      host: '127.0.0.1',
      port: 0,
      units: [
        {
          instrument: 'pc-1',
          unitId: 1,
          model: 'lighthouse-apex',
          zone: 'b101',
          serial: '200512003',
          sampleSeconds: 6,
        },
        { instrument: 'dp-1', unitId: 43, model: 'ee600', zone: 'b101', against: 'c102' },
        { instrument: 'th-1', unitId: 240, model: 'vaisala-hmp', zone: 'b101' },
      ],
    },
    {
      id: 'gw-1',
      host: '127.0.0.1',
      port: 0,
      unknownUnit: 'gateway',
      units: [{ instrument: 'dp-2', unitId: 43, model: 'ee600', zone: 'c102' }],
    },
  ],
}

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function site(): Promise<Simulation> {
  const simulation = await startSimulation(SPEC, { clock: systemClock(), seed: 1 })
  open.push(() => simulation.stop())
  return simulation
}

async function client(simulation: Simulation, bus = 'net-1'): Promise<RawClient> {
  const address = simulation.addresses.get(bus)
  if (address === undefined) throw new Error('not listening')
  const raw = await RawClient.connect(address.port)
  open.push(() => raw.close())
  return raw
}

const READ_DP = '0001 0000 0006 2B 04 04BE 0002'

describe('Modbus TCP', () => {
  it('URS-64 answers the golden requests of the manuals with the right unit, length and id', async () => {
    const raw = await client(await site())
    const rows = [
      // Test registers of the HMP: -12345 and -123.45, low word first.
      ['1234 0000 0006 F0 03 1F00 0003', '1234 0000 0009 F0 03 06 CFC7 E666 C2F6'],
      ['1235 0000 0006 2B 03 0259 0001', '1235 0000 0005 2B 03 02 0000'],
      ['1236 0000 0006 01 06 0018 FFFF', '1236 0000 0006 01 06 0018 FFFF'],
      ['1237 0000 0006 01 03 0004 0002', '1237 0000 0007 01 03 04 0BF3 9203'],
      ['1238 0000 0006 01 04 0100 0001', '1238 0000 0003 01 84 02'],
      ['1239 0000 0002 01 07', '1239 0000 0003 01 87 01'],
    ]
    for (const [request = '', reply = ''] of rows) {
      raw.send(request)
      expect((await raw.frame()).toString('hex')).toBe(reply.replaceAll(' ', '').toLowerCase())
    }
    raw.send('0002 0000 0006 01 03 0000 003C')
    expect(await raw.frame()).toHaveLength(9 + 120)
    raw.send('0003 0000 0006 01 04 0000 0018')
    expect(await raw.frame()).toHaveLength(9 + 48)
  })

  it('URS-64 takes requests cut anywhere and several at once, and answers in order', async () => {
    const raw = await client(await site())
    const request = Buffer.from(READ_DP.replaceAll(' ', ''), 'hex')
    for (let cut = 1; cut < request.length; cut++) {
      raw.write(request.subarray(0, cut))
      await new Promise((resolve) => setImmediate(resolve))
      raw.write(request.subarray(cut))
      expect(await raw.frame()).toHaveLength(13)
    }
    raw.send(`${READ_DP} 0002 0000 0006 F0 03 0200 0001 0003 0000 0006 01 03 0000 0001`)
    expect([(await raw.frame())[1], (await raw.frame())[1], (await raw.frame())[1]]).toEqual([
      1, 2, 3,
    ])
  })

  it('URS-64 a unit that is not there stays silent, behind a gateway it is exception 0Bh', async () => {
    const simulation = await site()
    const raw = await client(simulation)
    raw.send('0001 0000 0006 07 03 0000 0001')
    raw.send(READ_DP.replace('0001', '0002'))
    expect((await raw.frame())[1]).toBe(2)
    const gateway = await client(simulation, 'gw-1')
    gateway.send('0001 0000 0006 07 03 0000 0001')
    expect((await gateway.frame()).toString('hex')).toBe('00010000000307830b')
  })

  it('URS-64 closes the connection on what is not Modbus', async () => {
    const simulation = await site()
    for (const nonsense of [
      '0001 0001 0006 01 03 0000 0001',
      '0001 0000 0000 01',
      '0001 0000 00FF 01',
      '474554202F',
    ]) {
      const raw = await client(simulation)
      raw.send(`${nonsense} 0000 0000`)
      await raw.closed
    }
  })
})

/** The reply to one request under a fault; undefined when the connection is closed instead. */
async function under(
  kind: FaultKind,
  options: FaultOptions = {},
): Promise<{ raw: RawClient; simulation: Simulation }> {
  const simulation = await site()
  const raw = await client(simulation)
  simulation.fault('dp-1', kind, options)
  raw.send(READ_DP)
  return { raw, simulation }
}

describe('faults of the wire on Modbus TCP', () => {
  it('URS-64 silence: no reply, the other units answer, afterwards it does too', async () => {
    const { raw, simulation } = await under('silence')
    raw.send('0002 0000 0006 F0 03 0200 0001')
    expect((await raw.frame())[1]).toBe(2)
    simulation.clear('dp-1')
    raw.send(READ_DP.replace('0001', '0003'))
    expect((await raw.frame())[1]).toBe(3)
  })

  it('URS-64 delay: the reply comes late, behind replies to later requests', async () => {
    const { raw } = await under('delay', { value: 120, times: 1 })
    const asked = performance.now()
    raw.send(READ_DP.replace('0001', '0002'))
    expect((await raw.frame())[1]).toBe(2)
    expect((await raw.frame())[1]).toBe(1)
    expect(performance.now() - asked).toBeGreaterThan(100)
  })

  it.each([
    ['exception', { value: 11 }, '0001000000032b840b'],
    ['exception', {}, '0001000000032b8404'],
    ['busy', {}, '0001000000032b8406'],
  ] as const)('URS-64 %s %o: %s', async (kind, options, reply) => {
    const { raw } = await under(kind, options)
    expect((await raw.frame()).toString('hex')).toBe(reply)
  })

  it.each([
    ['wrong-unit', /^000100000007 2c 04 04/],
    ['wrong-function', /^000100000007 2b 03 04/],
    ['wrong-transaction', /^000000000007 2b 04 04/],
    ['truncate', /^000100000005 2b 04 02/],
  ] as const)('URS-64 %s: %s', async (kind, pattern) => {
    const { raw } = await under(kind)
    const hex = (await raw.frame()).toString('hex')
    expect(hex).toMatch(new RegExp(pattern.source.replaceAll(' ', '')))
  })

  it('URS-64 garbage: random bytes come before the reply', async () => {
    const { raw } = await under('garbage', { value: 5 })
    const bytes = await raw.bytes(5 + 13)
    expect(bytes.subarray(5, 12).toString('hex')).toBe('0001000000072b')
  })

  it('URS-64 split: the reply comes in two pieces; merge: two replies come in one', async () => {
    const { raw, simulation } = await under('split', { value: 40 })
    expect(await raw.chunk()).toHaveLength(7)
    expect(await raw.chunk()).toHaveLength(6)
    simulation.clear('dp-1')
    simulation.fault('dp-1', 'merge', { times: 1 })
    raw.send(READ_DP)
    raw.send(READ_DP)
    expect(await raw.chunk()).toHaveLength(26)
  })

  it('URS-64 disconnect closes instead of answering; a new connection is served', async () => {
    const { raw, simulation } = await under('disconnect', { times: 1 })
    await raw.closed
    const again = await client(simulation)
    again.send(READ_DP)
    expect(await again.frame()).toHaveLength(13)
  })

  it('URS-64 half-open: connections stay, nothing is answered, until it is over', async () => {
    const simulation = await site()
    const raw = await client(simulation)
    simulation.fault('net-1', 'half-open', { durationMs: 300 })
    raw.send(READ_DP)
    const second = await client(simulation)
    second.send(READ_DP)
    while (simulation.snapshot().faults['net-1'] !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    raw.send(READ_DP.replace('0001', '0009'))
    expect((await raw.frame())[1]).toBe(9)
    second.send(READ_DP.replace('0001', '0008'))
    expect((await second.frame())[1]).toBe(8)
  })

  it('URS-64 refuse: open connections are cut, new ones refused; then the same port is open again', async () => {
    const simulation = await site()
    const raw = await client(simulation)
    simulation.fault('net-1', 'refuse', { durationMs: 400 })
    await raw.closed
    await expect(client(simulation)).rejects.toThrow(/ECONNREFUSED/)
    const back = await RawClient.connect(simulation.addresses.get('net-1')?.port ?? 0, 5000)
    open.push(() => back.close())
    back.send(READ_DP)
    expect(await back.frame()).toHaveLength(13)
  })

  it('URS-64 a counter that reboots is silent and then there again', async () => {
    const simulation = await site()
    const raw = await client(simulation)
    simulation.fault('pc-1', 'reboot', { durationMs: 200 })
    raw.send('0001 0000 0006 01 03 0002 0001')
    raw.send('0002 0000 0006 F0 03 0200 0001')
    expect((await raw.frame())[1]).toBe(2)
    for (let answered = false; !answered; ) {
      raw.send('0003 0000 0006 01 03 0002 0001 0004 0000 0006 F0 03 0200 0001')
      answered = (await raw.frame())[1] === 3
    }
    expect((await raw.frame())[1]).toBe(4)
  })
})

describe('starting and stopping', () => {
  it('says in words that a port is in use, and leaves nothing open', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    open.push(() => new Promise<void>((resolve) => taken.close(() => resolve())))
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const spec = {
      ...SPEC,
      buses: SPEC.buses.map((bus, index) => (index === 1 ? { ...bus, port } : bus)),
    }
    await expect(startSimulation(spec as SimulationSpec, { clock: systemClock() })).rejects.toThrow(
      /bus "gw-1" cannot listen on 127.0.0.1:\d+: the port is in use/,
    )
  })

  it('stops twice without harm and closes what was open', async () => {
    const simulation = await site()
    const raw = await client(simulation)
    await simulation.stop()
    await raw.closed
    await simulation.stop()
    await expect(client(simulation)).rejects.toThrow(/ECONNREFUSED/)
  })
})
