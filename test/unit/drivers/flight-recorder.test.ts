// URS-15 the driver's end of the flight recorder: the last frames of each unit and the last events of the bus, byte for byte.

import { describe, expect, it } from 'vitest'
import { EXCHANGES_PER_UNIT, FlightRecorder } from '#drivers/modbus/flight-recorder.ts'
import type { InstrumentSettings } from '#drivers/profile.ts'
import { instrument, profileOf, signal } from '../../support/driver-rig.ts'
import { rtu } from '../../support/fake-wire.ts'
import { wireRig } from '../../support/wire-rig.ts'

const units = [1, 2].map((unitId) => instrument(`u${unitId}`, unitId, profileOf([signal('a', 0)])))
const [one, two] = units as [InstrumentSettings, InstrumentSettings]

describe('URS-15 the last frames of a bus', () => {
  it('are kept as they went over the wire, with verdict and time', async () => {
    const { poll, wire, driver } = wireRig(units)
    wire.unit(1).set(3, 0, 7)
    wire.script = (request, regular, send) => {
      if (request.unitId === 1) return send(regular(), 12)
      send(request.frame(Buffer.of(0x83, 4)), 12)
    }
    await poll(one)
    await poll(two)
    const { exchanges } = driver.recorded?.('u1') ?? { exchanges: [] }
    expect(exchanges).toHaveLength(1)
    expect(exchanges[0]).toMatchObject({
      unitId: 1,
      request: wire.requests[0]?.bytes.toString('hex'),
      verdict: 'data',
      tookMs: 12,
    })
    expect(exchanges[0]?.reply).toMatch(/0005010302$|00050103020007$/)
    const all = driver.recorded?.()?.exchanges ?? []
    expect(all.map(({ unitId, verdict }) => `${unitId} ${verdict}`)).toEqual([
      '1 data',
      '2 exception',
    ])
  })

  it('hold what came in too little, too late and unasked', async () => {
    const { poll, wire, driver, clock } = wireRig(units)
    wire.script = (_request, regular, send) => {
      send(regular().subarray(0, 5), 10)
      send(regular(), 2000)
    }
    await poll(one)
    await clock.advance(3000)
    wire.inject(Buffer.from('hello'))
    await clock.advance(1000)
    wire.hangUp('cable cut')
    await clock.advance(3000)
    const recording = driver.recorded?.('u1')
    expect(recording?.exchanges[0]).toMatchObject({ verdict: 'torn' })
    expect(recording?.exchanges[0]?.reply).toHaveLength(10)
    const words = recording?.events.map(({ what }) => what).join('\n')
    expect(words).toMatch(/link up/)
    expect(words).toMatch(/5 bytes nobody asked for: 68656c6c6f/)
    expect(words).toMatch(/link down: cable cut/)
    expect(words).toMatch(/is no Modbus; it was opened afresh/)
  })

  it('are the newest twenty of each unit, however chatty another is, and a stranger has none', () => {
    const recorder = new FlightRecorder()
    for (let turn = 0; turn < 500; turn++) {
      const unitId = turn % 50 === 0 ? 2 : 1
      recorder.sent(unitId, rtu(unitId, Buffer.of(3, 0, turn >> 8, turn & 255)), turn)
      recorder.received(Buffer.alloc(100, turn), turn + 1)
      recorder.settled('data', turn + 2)
      recorder.event(`event ${turn}`, turn)
    }
    const of = (unit?: number) => recorder.recording(unit).exchanges.map(({ atMono }) => atMono)
    expect(of(1)).toEqual(Array.from({ length: EXCHANGES_PER_UNIT }, (_, back) => 480 + back))
    expect(of(2)).toEqual([0, 50, 100, 150, 200, 250, 300, 350, 400, 450])
    expect(of(3)).toEqual([])
    expect(of()).toHaveLength(EXCHANGES_PER_UNIT)
    const { events, exchanges } = recorder.recording()
    expect(events.map(({ what }) => what)).toEqual(
      Array.from({ length: 40 }, (_, back) => `event ${460 + back}`),
    )
    expect(exchanges.at(-1)?.reply).toBe('f3'.repeat(100))
    expect(exchanges.at(-1)?.tookMs).toBe(2)
  })

  it('say how much of an endless reply they left out', () => {
    const recorder = new FlightRecorder()
    recorder.sent(1, Buffer.of(1), 0)
    for (let chunk = 0; chunk < 10; chunk++) recorder.received(Buffer.alloc(100, 0xab), 1)
    recorder.settled('torn', 5)
    expect(recorder.recording(1).exchanges[0]?.reply).toBe(`${'ab'.repeat(264)} and 736 more`)
  })

  it('are of no unit that the bus does not have', async () => {
    const { poll, driver } = wireRig(units)
    await poll(one)
    expect(driver.recorded?.('elsewhere')?.exchanges).toEqual([])
  })
})
