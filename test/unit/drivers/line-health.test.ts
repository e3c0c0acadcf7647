// A line on which bytes come back and none of them are of use is down as a whole, in words, and back with the first sound reply.

import { describe, expect, it } from 'vitest'
import type { BusSettings } from '#drivers/profile.ts'
import { briefs, instrument, profileOf, rtuBus, signal, tcpBus } from '../../support/driver-rig.ts'
import { rtu, type Script } from '../../support/fake-wire.ts'
import { wireRig } from '../../support/wire-rig.ts'

const profile = profileOf([signal('a', 0)])
const units = [1, 2, 3].map((unitId) => instrument(`u${unitId}`, unitId, profile))

const line = rtuBus({ timeoutMs: 100, lateReplyMs: 200 })

function rig(bus: BusSettings) {
  const made = wireRig(units, bus)
  for (const { unitId } of units) made.wire.unit(unitId).set(3, 0, unitId)
  const round = async () => {
    const found: (string | number)[] = []
    for (const unit of units) found.push(...briefs(await made.poll(unit)))
    await made.clock.advance(300)
    return found
  }
  const rounds = async (count: number) => {
    for (let time = 0; time < count; time++) await round()
  }
  return { ...made, round, rounds, state: () => made.driver.link() }
}

const regularly: Script = (_request, regular, send) => send(regular(), 5)

describe('a line in trouble', () => {
  it('FB18 wrong baud rate: damage from every unit is a bus fault that names the settings, and opens nothing afresh', async () => {
    const { wire, round, rounds, state } = rig(line)
    expect(await round()).toEqual([1, 2, 3])
    let turn = 0
    wire.script = (request, _regular, send) => {
      // Mostly silence, else bytes that make nothing, as at another speed.
      if (turn++ % 2 === 0)
        send(Buffer.from([request.unitId, 0x83, 0xf1, 0x7c, turn & 0xff, 0xe0, 0, 0]), 5)
    }
    await rounds(2)
    expect(state().kind).toBe('up')
    await rounds(6)
    expect(state()).toMatchObject({
      kind: 'down',
      cause: expect.stringMatching(/baud rate and parity/),
    })
    expect(wire.connections).toBe(1)
    wire.script = regularly
    await rounds(2)
    expect(await round()).toEqual([1, 2, 3])
    expect(state().kind).toBe('up')
  })

  it('FB10 answers of units that were not asked are dropped, and persistently a bus fault', async () => {
    const { wire, round, rounds, state, driver } = rig(line)
    wire.script = (request, _regular, send) =>
      send(rtu(request.unitId + 10, Buffer.of(3, 2, 0, 9)), 5)
    await rounds(8)
    expect(driver.counters).toMatchObject({ replies: 0 })
    expect(driver.counters.foreignFrames).toBeGreaterThan(10)
    expect(state()).toMatchObject({
      kind: 'down',
      cause: expect.stringMatching(/none of the units/),
    })
    wire.script = regularly
    await rounds(2)
    expect(await round()).toEqual([1, 2, 3])
    expect(state().kind).toBe('up')
  })

  it('FB7 a gateway without a path (exception 10) is one bus fault, its units are bad `gateway`', async () => {
    const { wire, round, rounds, state } = rig(tcpBus(502, { timeoutMs: 100 }))
    wire.script = (request, _regular, send) => send(request.frame(Buffer.of(0x83, 10)), 5)
    expect(await round()).toEqual(['gateway', 'gateway', 'gateway'])
    await rounds(4)
    expect(state()).toMatchObject({ kind: 'down', cause: expect.stringMatching(/exception 10/) })
    wire.script = regularly
    expect(await round()).toEqual([1, 2, 3])
    expect(state().kind).toBe('up')
  })

  it('URS-12 one unit that garbles is no fault of the line', async () => {
    const { wire, rounds, state } = rig(line)
    wire.script = (request, regular, send) => {
      const frame = regular()
      if (request.unitId === 1) frame[3] = (frame[3] ?? 0) ^ 1
      send(frame, 5)
    }
    await rounds(20)
    expect(state().kind).toBe('up')
  })
})
