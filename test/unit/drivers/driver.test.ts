// The Modbus driver in virtual time: status words, reads that stay silent, retries, stalls, and its promises to the caller.

import { describe, expect, it } from 'vitest'
import type { BusSettings, StatusSpec } from '#drivers/profile.ts'
import type { PollReply } from '#ports/driver.ts'
import {
  briefs,
  driverOf,
  instrument,
  pollAll,
  profileOf,
  rtuBus,
  signal,
  tcpBus,
} from '../../support/driver-rig.ts'
import { FakeWire } from '../../support/fake-wire.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { wireRig } from '../../support/wire-rig.ts'

const word = (address: number, over: Partial<StatusSpec> = {}): StatusSpec => ({
  table: 'holding_register',
  address,
  type: 'u16',
  byteOrder: 'ABCD',
  bits: [],
  ...over,
})

describe('status words', () => {
  const profile = profileOf([signal('co2', 0, 'f32'), signal('temperature', 2, 'f32')], {
    status: [
      word(4, { bits: [{ bit: 0, faultWhen: 1, reason: 'sensor_fault' }] }),
      word(5, {
        signals: ['co2'],
        bits: [
          { bit: 1, faultWhen: 1, reason: 'warmup' },
          { bit: 8, faultWhen: 1, reason: 'sensor_fault' },
        ],
      }),
    ],
  })
  const probe = instrument('probe', 1, profile)

  it.each<[string, number, number, (number | string)[], (string | undefined)[]]>([
    ['healthy', 0, 0, [5.1, 37], [undefined, undefined]],
    ['warming up: the value counts as uncertain', 0, 2, [5.1, 37], ['warmup', undefined]],
    ['a fault of one signal', 0, 0x100, ['sensor_fault', 37], [undefined, undefined]],
    ['a fault of all', 1, 2, ['sensor_fault', 'sensor_fault'], [undefined, undefined]],
  ])(
    'URS-09 FB15 the status word read with its values: %s',
    async (_name, first, second, expected, warnings) => {
      const { poll, wire } = wireRig([probe])
      wire.unit(1).setF32(3, 0, 5.1).setF32(3, 2, 37).set(3, 4, first, second)
      const { signals } = await poll(probe)
      expect(briefs({ signals, silent: false })).toEqual(expected)
      expect(
        signals.map(({ result }) => (result.kind === 'value' ? result.warning : undefined)),
      ).toEqual(warnings)
      expect(signals.map(({ result }) => result.raw?.length)).toEqual([4, 4])
      expect(wire.requests).toHaveLength(1)
    },
  )

  it('a status word that cannot be read says nothing good', async () => {
    const { poll, wire } = wireRig([probe])
    wire.unit(1).setF32(3, 0, 5.1).setF32(3, 2, 37).set(3, 4, 0)
    expect(briefs(await poll(probe))).toEqual(['exception 2', 37])
  })
})

describe('values', () => {
  it('FB13 NaN comes out as NaN, and what a number cannot hold has no value', async () => {
    const odd = instrument('x', 1, profileOf([signal('nan', 0, 'f32'), signal('big', 2, 'u64')]))
    const { poll, wire } = wireRig([odd])
    wire.unit(1).set(3, 0, 0x7fc0, 0, 0x0020, 0, 0, 1)
    expect(briefs(await poll(odd))).toEqual([Number.NaN, 'out_of_range'])
  })

  it('coils and discrete inputs, each with its own function code', async () => {
    const odd = instrument(
      'x',
      1,
      profileOf(
        [
          signal('door', 3, 'bit', { table: 'discrete_input' }),
          signal('fan', 0, 'bit', { table: 'coil' }),
          signal('pump', 9, 'bit', { table: 'coil' }),
        ],
        { limits: { maxRegistersPerRead: 125, maxGap: 16, turnaroundMs: 0 } },
      ),
    )
    const { poll, wire } = wireRig([odd])
    wire.unit(1).setBits(2, 3, 1).setBits(1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    expect(briefs(await poll(odd))).toEqual([1, 1, 1])
    expect(
      wire.requests.map(({ functionCode, address, quantity }) => [functionCode, address, quantity]),
    ).toEqual([
      [1, 0, 10],
      [2, 3, 1],
    ])
  })
})

describe('time', () => {
  const one = instrument('one', 1, profileOf([signal('a', 0), signal('b', 10)]))
  const two = instrument('two', 2, profileOf([signal('a', 0)]))

  it('the first poll waits for the connection rather than losing its slot', async () => {
    const { poll, wire } = wireRig([two])
    wire.unit(2).set(3, 0, 7)
    expect(briefs(await poll(two))).toEqual([7])
  })

  it('keeps the turnaround of an instrument on a serial line only', async () => {
    const limits = { maxRegistersPerRead: 125, maxGap: 0, turnaroundMs: 400 }
    const slow = instrument('slow', 1, profileOf([signal('a', 0), signal('b', 10)], { limits }))
    const took = async (bus: BusSettings) => {
      const { poll, wire, clock } = wireRig([slow], bus)
      wire.unit(1).set(3, 0, 1).set(3, 10, 2)
      await poll(slow)
      const started = clock.now().mono
      expect(briefs(await poll(slow))).toEqual([1, 2])
      return clock.now().mono - started
    }
    expect(await took(tcpBus(502, { timeoutMs: 300 }))).toBeLessThan(400)
    expect(await took(rtuBus())).toBeGreaterThanOrEqual(800)
  })

  it('tells when the reply arrived', async () => {
    const { poll, wire, clock } = wireRig([two])
    wire.unit(2).set(3, 0, 7)
    await poll(two)
    const started = clock.now().mono
    wire.script = (_request, regular, send) => send(regular(), 123)
    const { signals } = await poll(two)
    expect(signals[0]?.arrivedMono).toBe(started + 123)
  })

  it('URS-11 FB1 asks a silent unit 1 + retries times, one timeout each, and a probe once', async () => {
    const { poll, wire, clock } = wireRig([one, two])
    wire.unit(2).set(3, 0, 7)
    wire.script = ({ unitId }, regular, send) => {
      if (unitId === 2) send(regular(), 5)
    }
    await poll(two)
    const started = clock.now().mono
    const reply = await poll(one)
    expect(clock.now().mono - started).toBe(600)
    expect(briefs(reply)).toEqual(['timeout', 'timeout'])
    expect(reply.silent).toBe(true)
    await poll(one, true)
    expect(clock.now().mono - started).toBe(900)
  })

  it('FB1 a probe that is answered has all its tries for what is left', async () => {
    const { poll, wire } = wireRig([one])
    wire.unit(1).set(3, 0, 1)
    const asked: number[] = []
    wire.script = ({ address }, regular, send) => {
      asked.push(address)
      if (address !== 10) send(regular(), 5)
    }
    expect(briefs(await poll(one, true))).toEqual([1, 'timeout'])
    expect(asked).toEqual([0, 10, 10])
  })

  it('a read that alone stays silent is withheld, so that it does not eat the bus', async () => {
    const { poll, wire, clock } = wireRig([one])
    wire.unit(1).set(3, 0, 1).set(3, 10, 2)
    wire.script = ({ address }, regular, send) => {
      if (address !== 10) send(regular(), 5)
    }
    const spent: number[] = []
    for (let turn = 0; turn < 6; turn++) {
      const started = clock.now().mono
      const reply = await poll(one)
      expect(briefs(reply)).toEqual([1, 'timeout'])
      expect(reply.silent).toBe(false)
      spent.push(clock.now().mono - started)
      await clock.advance(100)
    }
    expect(spent.map((ms) => ms > 100)).toEqual([true, true, false, false, false, false])
    wire.script = (_request, regular, send) => send(regular(), 5)
    await clock.advance(1000)
    expect(briefs(await poll(one))).toEqual([1, 2])
  })

  it('HO12 a stall of the process is not blamed on the unit', async () => {
    // A clock whose timers are served late, as after a stall: the deadline's timer comes before what the socket holds.
    const clock = virtualClock()
    const wire = new FakeWire(clock, 'mbap')
    wire.unit(2).set(3, 0, 7)
    let lateMs = 0
    const stalling = {
      ...clock,
      at: (mono: number, call: () => void) => clock.at(mono + lateMs, call),
    }
    const driver = driverOf(tcpBus(502, { timeoutMs: 300, retries: 0 }), [two], {
      clock: stalling,
      open: wire.open,
    })
    await clock.advance(10)
    lateMs = 100
    wire.script = (_request, regular, send) => send(regular(), 402)
    let reply: PollReply | undefined
    void pollAll(driver, two).then((result) => {
      reply = result
    })
    await clock.advance(1000)
    expect(reply && briefs(reply)).toEqual([7])
    expect(driver.counters.timeouts).toBe(0)
  })

  it('one poll at a time, of an instrument of the bus, for signals of its profile', async () => {
    const { driver, done, wire } = wireRig([two])
    wire.unit(2).set(3, 0, 7)
    const first = driver.poll({ instrument: 'two', signals: ['a'], probe: false })
    await expect(driver.poll({ instrument: 'two', signals: ['a'], probe: false })).rejects.toThrow(
      /one poll at a time/,
    )
    await done(first)
    await expect(driver.poll({ instrument: 'nobody', signals: [], probe: false })).rejects.toThrow(
      /not on this bus/,
    )
    await expect(driver.poll({ instrument: 'two', signals: ['z'], probe: false })).rejects.toThrow(
      /no signal z/,
    )
    await expect(
      driver.poll({ instrument: 'two', signals: [], sample: true, probe: false }),
    ).rejects.toThrow(/no samples/)
  })

  it('S2 reconnects within the envelope of its back-off, the first time within a second', async () => {
    const { wire, clock, driver } = wireRig([two])
    wire.refusal = 'refused'
    await clock.advance(1100)
    expect(wire.connections).toBeGreaterThanOrEqual(2)
    const state = driver.link()
    await clock.advance(600_000)
    expect(driver.link()).toEqual(state)
    expect(wire.connections).toBeGreaterThan(600_000 / 30_000)
    expect(wire.connections).toBeLessThan(200)
    wire.refusal = undefined
    await clock.advance(31_000)
    expect(driver.link().kind).toBe('up')
  })

  it('is not called up while each connection breaks before it has brought anything', async () => {
    const { wire, clock, driver, poll } = wireRig([two])
    wire.unit(2).set(3, 0, 7)
    await poll(two)
    const states: string[] = []
    driver.onLink((state) => states.push(state.kind))
    wire.hangUp('gone')
    wire.script = () => wire.hangUp('another client holds it')
    for (let turn = 0; turn < 20; turn++) {
      await poll(two)
      await clock.advance(5000)
    }
    expect(states.filter((kind) => kind === 'up')).toHaveLength(1)
    wire.script = (_request, regular, send) => send(regular(), 5)
    await clock.advance(31_000)
    expect(briefs(await poll(two))).toEqual([7])
    expect(states.at(-1)).toBe('up')
  })

  it('a poll that pauses for a busy unit ends at once when the driver is closed', async () => {
    const { clock, wire, driver, poll } = wireRig([two])
    wire.unit(2).set(3, 0, 7)
    await poll(two)
    wire.script = (request, _regular, send) => send(request.frame(Buffer.of(0x83, 6)), 5)
    let reply: PollReply | undefined
    void pollAll(driver, two).then((result) => {
      reply = result
    })
    await clock.advance(50)
    await driver.close()
    await clock.advance(0)
    expect(reply && briefs(reply)).toEqual(['disconnected'])
    expect(clock.timers).toBe(0)
  })

  it('FB11 a stream that cannot be followed costs a retry on a fresh connection, not the slot', async () => {
    const { wire, poll, driver } = wireRig([two])
    wire.unit(2).set(3, 0, 7)
    await poll(two)
    let garbage = 1
    wire.script = (_request, regular, send) =>
      send(garbage-- > 0 ? Buffer.from('garbage') : regular(), 5)
    expect(briefs(await poll(two))).toEqual([7])
    expect(driver.counters).toMatchObject({ reconnects: 1, retries: 1, malformedFrames: 1 })
  })

  it('leaves no timer behind when it is closed', async () => {
    const { clock, driver, poll, wire } = wireRig([two], tcpBus(502, { timeoutMs: 300 }))
    wire.unit(2).set(3, 0, 7)
    await poll(two)
    await driver.close()
    expect(clock.timers).toBe(0)
  })
})
