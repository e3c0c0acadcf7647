// The commissioning line and the search for units, in virtual time on a fake wire: latency, bytes, and every way in which a
// request ends; who is found, who is suspected, and that nothing is ever sent that writes or that everybody takes.

import { describe, expect, it } from 'vitest'
import { InvariantError } from '#core/assert.ts'
import { diagnose } from '#drivers/commissioning/diagnosis.ts'
import { hexOf } from '#drivers/commissioning/overheard.ts'
import { median } from '#drivers/commissioning/scan.ts'
import type { ReadRequest } from '#drivers/modbus/request.ts'
import type { BusSettings } from '#drivers/profile.ts'
import { commissioningRig, rtuLine, tcpLine } from '../../support/commissioning-rig.ts'
import { rtu } from '../../support/fake-wire.ts'

const read: ReadRequest = { unitId: 43, functionCode: 4, address: 1214, quantity: 2 }
const converter: BusSettings = {
  id: 'line',
  protocol: 'modbus-rtu-over-tcp',
  host: 'converter',
  port: 4001,
  timeoutMs: 300,
  retries: 0,
  lateReplyMs: 10_000,
  turnaroundMs: 20,
}

describe.each([
  ['modbus-tcp', tcpLine],
  ['modbus-rtu', rtuLine],
  ['modbus-rtu-over-tcp', converter],
])('URS-60 a request on %s', (_name, bus) => {
  it('brings data, its latency and every byte', async () => {
    const { wire, line, done } = commissioningRig(bus)
    wire.unit(43).setF32(4, 1214, 15.25)
    const asked = await done(line.ask(read, 300))
    expect(asked.outcome).toEqual({ kind: 'data', data: Uint8Array.of(0x41, 0x74, 0, 0) })
    expect(asked.latencyMs).toBe(5)
    expect(asked.passages.map(({ direction }) => direction)).toEqual(['sent', 'received'])
    expect(hexOf(asked.passages[0]?.bytes ?? Buffer.of())).toBe(
      hexOf(wire.requests[0]?.bytes ?? Buffer.of()),
    )
  })

  it('sends E+E’s request of the manual, byte by byte', async () => {
    const { wire, line, done } = commissioningRig(bus)
    await done(line.ask(read, 300))
    const sent = hexOf(wire.requests[0]?.bytes ?? Buffer.of())
    expect(sent).toContain('2B 04 04 BE 00 02')
  })

  it('tells an exception, and silence', async () => {
    const { wire, line, done } = commissioningRig(bus)
    wire.unit(43)
    expect((await done(line.ask(read, 300))).outcome).toEqual({ kind: 'exception', code: 2 })
    wire.script = () => {}
    const silent = await done(line.ask(read, 300))
    expect(silent.outcome).toEqual({ kind: 'timeout' })
    expect(silent.latencyMs).toBeUndefined()
  })

  it('hears a late answer afterwards, and never takes it for the next', async () => {
    const { wire, line, done } = commissioningRig(bus)
    wire.unit(43).setF32(4, 1214, 15.25)
    wire.script = (_request, regular, send) => send(regular(), 700)
    expect((await done(line.ask(read, 300))).outcome.kind).toBe('timeout')
    const heard = await done(line.listen(2000))
    expect(heard.map(({ direction }) => direction)).toEqual(['received'])
    wire.script = () => {}
    expect((await done(line.ask(read, 300))).outcome.kind).toBe('timeout')
  })

  it('says why a link does not open, and opens it when it can', async () => {
    const { wire, line, done } = commissioningRig(bus)
    wire.refusal = 'there is no such port'
    expect(await done(line.connect())).toBe('there is no such port')
    const asked = await done(line.ask(read, 300))
    expect(asked).toMatchObject({
      outcome: { kind: 'unreachable', cause: 'there is no such port' },
    })
    expect(asked.sentMono).toBeUndefined()
    wire.refusal = undefined
    wire.unit(43).setF32(4, 1214, 1)
    expect((await done(line.ask(read, 300))).outcome.kind).toBe('data')
  })

  it('notices when the link goes in place of an answer, and is open for the next', async () => {
    const { wire, line, done } = commissioningRig(bus)
    wire.unit(43).setF32(4, 1214, 1)
    wire.script = () => wire.hangUp('the other end hung up')
    const asked = await done(line.ask(read, 300))
    expect(asked.outcome).toEqual({ kind: 'unreachable', cause: 'the other end hung up' })
    wire.script = (_request, regular, send) => send(regular(), 5)
    expect((await done(line.ask(read, 300))).outcome.kind).toBe('data')
    expect(wire.connections).toBe(2)
  })

  it('ends what is in flight when it is closed, twice over', async () => {
    const { wire, line, done } = commissioningRig(bus)
    wire.script = () => {}
    await done(line.connect())
    const asking = line.ask(read, 300)
    await done(line.close())
    await done(line.close())
    expect((await done(asking)).outcome.kind).toBe('unreachable')
  })

  it('URS-13 refuses to send what writes, before a byte has left', async () => {
    const { wire, line, done } = commissioningRig(bus)
    await done(line.connect())
    const write = { ...read, functionCode: 6 } as unknown as ReadRequest
    await expect(line.ask(write, 300)).rejects.toThrow(InvariantError)
    expect(wire.requests).toEqual([])
  })
})

describe('URS-60 on a serial line', () => {
  it('keeps the turnaround between two requests', async () => {
    const { wire, line, done } = commissioningRig()
    wire.unit(43).setF32(4, 1214, 1)
    await done(line.ask(read, 300))
    await done(line.ask(read, 300))
    const [first = 0, second = 0] = wire.requests.map(({ atMono }) => atMono)
    expect(second - first).toBeGreaterThanOrEqual(25)
  })

  it('takes the echo of the request off, and shows it among the bytes', async () => {
    const { wire, line, done } = commissioningRig()
    wire.unit(43).setF32(4, 1214, 2)
    wire.script = ({ bytes }, regular, send) => send(Buffer.concat([bytes, regular()]), 5)
    const asked = await done(line.ask(read, 300))
    expect(asked.outcome.kind).toBe('data')
    expect(asked.passages.at(-1)?.bytes.length).toBe(8 + 9)
  })

  it.each([
    ['a flipped bit', (frame: Buffer) => frame.fill(frame.readUInt8(4) ^ 1, 4, 5), 'crc'],
    ['half a reply', (frame: Buffer) => frame.subarray(0, 4), 'torn'],
    ['noise', () => Buffer.of(0xff, 0xfe, 0x81), 'torn'],
    ['another length', () => rtu(43, Buffer.of(4, 2, 0, 1)), 'frame'],
  ] as const)('tells %s', async (_name, damage, kind) => {
    const { wire, line, done } = commissioningRig()
    wire.unit(43).setF32(4, 1214, 2)
    wire.script = (_request, regular, send) => send(damage(regular()), 5)
    expect((await done(line.ask(read, 300))).outcome.kind).toBe(kind)
  })

  it('gives up a line that is never silent, in words', async () => {
    const { clock, wire, line, done } = commissioningRig()
    await done(line.connect())
    const chatter = () => {
      wire.inject(Buffer.of(0xaa))
      clock.at(clock.now().mono + 3, chatter)
    }
    chatter()
    const asked = await done(line.ask(read, 300))
    expect(asked.sentMono).toBeUndefined()
    expect(diagnose(asked, 'modbus-rtu', 300)).toMatch(/never silent.*another master/)
    expect(wire.requests).toEqual([])
  })
})

describe('URS-60 on Modbus TCP', () => {
  it('tells what is no Modbus TCP, and starts afresh for the next request', async () => {
    const { wire, line, done } = commissioningRig(tcpLine)
    wire.script = (_request, _regular, send) => send(rtu(43, Buffer.of(4, 4, 0, 1, 0, 2)), 5)
    const asked = await done(line.ask(read, 300))
    expect(asked.outcome.kind).toBe('frame')
    expect(diagnose(asked, 'modbus-tcp', 300)).toMatch(/modbus-rtu-over-tcp/)
    wire.unit(43).setF32(4, 1214, 2)
    wire.script = (_request, regular, send) => send(regular(), 5)
    expect((await done(line.ask(read, 300))).outcome.kind).toBe('data')
  })

  it('never joins half a reply to the next', async () => {
    const { wire, line, done } = commissioningRig(tcpLine)
    wire.unit(43).setF32(4, 1214, 2)
    wire.script = (_request, regular, send) => send(regular().subarray(0, 9), 5)
    expect((await done(line.ask(read, 300))).outcome.kind).toBe('torn')
    wire.script = (_request, regular, send) => send(regular(), 5)
    expect((await done(line.ask(read, 300))).outcome.kind).toBe('data')
    expect(wire.connections).toBe(2)
  })
})

describe('URS-60 the search for units', () => {
  it('finds whoever answers, with data or an exception, and asks all others once', async () => {
    const { wire, scan } = commissioningRig()
    wire.unit(1).set(3, 0, 7)
    wire.unit(43)
    wire.unit(247).set(3, 0, 7)
    wire.script = ({ unitId }, regular, send) => {
      if (wire.units.has(unitId)) send(regular(), 5)
    }
    const seen: number[] = []
    const report = await scan({ onAsk: (unitId) => seen.push(unitId) })
    expect(report).toEqual({
      units: [
        { unitId: 1, asked: 4, answered: 4, damaged: 0, latencyMs: 5 },
        { unitId: 43, asked: 4, answered: 4, damaged: 0, exceptionCode: 2, latencyMs: 5 },
        { unitId: 247, asked: 4, answered: 4, damaged: 0, latencyMs: 5 },
      ],
      asked: 247,
      interrupted: false,
    })
    expect(seen).toEqual(Array.from({ length: 247 }, (_, index) => index + 1))
    expect(wire.requests).toHaveLength(244 + 3 * 4)
    expect(wire.connections).toBe(1)
  })

  it('URS-13 sends nothing but the one read, and never address 0', async () => {
    const { wire, scan } = commissioningRig()
    wire.script = () => {}
    await scan()
    const sent = new Set(
      wire.requests.map(({ unitId, ...rest }) => [unitId > 0, rest.functionCode]).map(String),
    )
    expect([...sent]).toEqual(['true,3'])
    await expect(scan({ from: 0 })).rejects.toThrow(InvariantError)
  })

  it('suspects two units on one address', async () => {
    const { wire, scan } = commissioningRig()
    let turn = 0
    wire.unit(7).set(3, 0, 1)
    wire.unit(9).set(3, 0, 1)
    wire.script = ({ unitId }, regular, send) => {
      if (!wire.units.has(unitId)) return
      const frame = regular()
      if (unitId === 7 && turn++ % 2 === 0) frame[3] = (frame[3] ?? 0) ^ 0x55
      send(frame, 5)
    }
    const { units, suspicion } = await scan({ to: 10 })
    expect(units).toMatchObject([
      { unitId: 7, answered: 2, damaged: 2 },
      { unitId: 9, answered: 4, damaged: 0 },
    ])
    expect(suspicion).toBeUndefined()
  })

  it('FB18 suspects baud rate and parity when nearly everything comes damaged', async () => {
    const { wire, scan } = commissioningRig()
    wire.script = ({ unitId }, _regular, send) => {
      if (unitId < 20) send(Buffer.of(0xf8, unitId, 0x00, 0xc1, 0x7e), 5)
    }
    const report = await scan({ to: 30 })
    expect(report.suspicion).toBe('settings')
    expect(report.units.every(({ answered }) => answered === 0)).toBe(true)
  })

  it('knows a slow unit by its late answer, also the last one', async () => {
    const { wire, scan } = commissioningRig()
    wire.unit(3).set(3, 0, 1)
    wire.unit(10).set(3, 0, 1)
    wire.script = ({ unitId }, regular, send) => {
      if (wire.units.has(unitId)) send(regular(), 150)
    }
    const { units } = await scan({ to: 10 })
    expect(units).toMatchObject([
      { unitId: 3, answered: 0, lateMs: 150 },
      { unitId: 10, answered: 0, lateMs: 150 },
    ])
  })

  it('takes a gateway’s word that nobody is there for silence', async () => {
    const { wire, scan } = commissioningRig(tcpLine)
    wire.unit(5).set(3, 0, 1)
    const { units } = await scan({ to: 20 })
    expect(units).toMatchObject([{ unitId: 5, answered: 4 }])
  })

  it('knows an instrument that does not look at the unit id', async () => {
    const { wire, scan } = commissioningRig(tcpLine)
    wire.script = ({ frame }, _regular, send) => send(frame(Buffer.of(3, 2, 0, 1)), 2)
    expect((await scan({ to: 8 })).suspicion).toBe('ignores_unit')
  })

  it('stops after the request under way when it is interrupted', async () => {
    const { wire, scan } = commissioningRig()
    wire.script = () => {}
    const stop = new AbortController()
    const report = await scan({
      signal: stop.signal,
      onAsk: (unitId) => {
        if (unitId === 5) stop.abort()
      },
    })
    expect(report).toMatchObject({ interrupted: true, asked: 5, units: [] })
    expect(wire.requests.length).toBeLessThanOrEqual(5)
  })

  it('gives a line up that goes, with what was found until then', async () => {
    const { wire, scan } = commissioningRig()
    wire.unit(1).set(3, 0, 1)
    wire.script = ({ unitId }, regular, send) => {
      if (unitId === 1) return send(regular(), 5)
      wire.refusal = 'the adapter is gone'
      wire.hangUp('the adapter is gone')
    }
    const report = await scan()
    expect(report).toMatchObject({ unreachable: 'the adapter is gone', units: [{ unitId: 1 }] })
    expect(report.asked).toBeLessThan(6)
  })

  it('goes on past an instrument that hangs up on ids that are not its own', async () => {
    const { wire, scan } = commissioningRig(tcpLine)
    wire.unit(15).set(3, 0, 1)
    wire.script = ({ unitId }, regular, send) => {
      if (unitId === 15) send(regular(), 5)
      else wire.hangUp('hung up')
    }
    const report = await scan({ to: 60 })
    expect(report).toMatchObject({ asked: 60, units: [{ unitId: 15, answered: 4 }] })
    expect(report.unreachable).toBeUndefined()
  })

  it('gives up what does nothing but hang up, and says so', async () => {
    const { wire, scan } = commissioningRig(tcpLine)
    wire.script = () => wire.hangUp('hung up')
    expect(await scan()).toMatchObject({ asked: 20, units: [], unreachable: 'hung up' })
    expect(await scan({ to: 5 })).toMatchObject({ asked: 5, unreachable: 'hung up' })
  })

  it.each([
    [[], undefined],
    [[3], 3],
    [[9, 1], 1],
    [[9, 1, 5], 5],
  ])('the median of %j is %s', (numbers, expected) => {
    expect(median(numbers)).toBe(expected)
  })
})
