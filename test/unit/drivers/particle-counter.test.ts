// Harvesting the record of a particle counter: one record and no other, as the instrument holds it.

import { describe, expect, it } from 'vitest'
import type { Sample } from '#core/particle.ts'
import type { Profile, RegisterSpec, SampleSpec, SignalSpec } from '#drivers/profile.ts'
import type { PollReply } from '#ports/driver.ts'
import { brief, instrument, profileOf, signal } from '../../support/driver-rig.ts'
import type { ServerUnit } from '../../support/modbus-server.ts'
import { wireRig } from '../../support/wire-rig.ts'

const input = (address: number, type: RegisterSpec['type'] = 'u32'): RegisterSpec => ({
  table: 'input_register',
  address,
  type,
  byteOrder: 'ABCD',
})
const holding = (address: number, type: RegisterSpec['type'] = 'u32'): RegisterSpec => ({
  ...input(address, type),
  table: 'holding_register',
})

const channel = (
  name: string,
  address: number,
  sizeUm: number,
  over: Partial<SignalSpec> = {},
): SignalSpec =>
  signal(name, address, 'u32', {
    table: 'input_register',
    quantity: 'particle_concentration',
    unit: '/m³',
    sizeUm,
    ...over,
  })

const channels = [channel('p05', 8, 0.5), channel('p1', 10, 1), channel('p5', 12, 5)]

const counter = (
  sample: Partial<SampleSpec> = {},
  signals = channels,
  limits: Partial<Profile['limits']> = {},
) =>
  instrument(
    'apc-1',
    1,
    profileOf(signals, {
      limits: { maxRegistersPerRead: 60, maxGap: 2, turnaroundMs: 0, ...limits },
      sample: {
        identity: { ...input(0), kind: 'instrument_time' },
        duration: { ...input(2), scale: 1 },
        clock: holding(26),
        hold: { ...holding(30), scale: 1 },
        newest: { ...holding(24, 'u16'), equals: 65_535 },
        channelMask: input(73, 'u16'),
        defaultDurationMs: 60_000,
        counts: 'cumulative',
        content: 'counts',
        status: [
          {
            ...input(6),
            bits: [
              { bit: 0, faultWhen: 1, reason: 'laser_fault' },
              { bit: 1, faultWhen: 1, reason: 'flow_fault' },
              { bit: 2, faultWhen: 1, reason: 'overflow' },
            ],
          },
        ],
        ...sample,
      },
    }),
  )

const END = 1_763_806_500

/** A record as a Lighthouse counter shows it. */
function record(unit: ServerUnit, endSeconds: number, counts: readonly number[], status = 0): void {
  unit.setU32(4, 0, endSeconds).setU32(4, 2, 60).setU32(4, 4, 1).setU32(4, 6, status)
  counts.forEach((count, index) => {
    unit.setU32(4, 8 + 2 * index, count)
  })
  unit.set(4, 73, 0b111)
  unit
    .set(3, 24, 0xffff, 1)
    .setU32(3, 26, endSeconds + 7)
    .setU32(3, 28, 0)
    .setU32(3, 30, 2)
}

const sampleOf = (reply: PollReply): Sample => {
  if (reply.sample === undefined) throw new Error(`no sample: ${reply.sampleFault?.reason}`)
  return reply.sample.sample
}

const faultOf = ({ sample, sampleFault }: PollReply): string | number | undefined =>
  sample === undefined && sampleFault !== undefined ? brief(sampleFault) : undefined

describe('a particle counter', () => {
  it('URS-04 gives its record with everything it says of it', async () => {
    const apc = counter()
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), END, [706, 120, 3])
    const reply = await sample(apc)
    expect(reply).toMatchObject({ signals: [], silent: false })
    expect(sampleOf(reply)).toMatchObject({
      identity: END,
      endedAtInstrument: END * 1000,
      instrumentNow: (END + 7) * 1000,
      durationMs: 60_000,
      holdMs: 2000,
      counts: { p05: 706, p1: 120, p5: 3 },
      faults: [],
    })
    expect(sampleOf(reply).litres).toBeUndefined()
    expect(sampleOf(reply).raw.length).toBe(4 + 4 + 2 + 2 + 4 + 4 + 4 + 12)
    expect(
      wire.requests.map(({ functionCode, address, quantity }) => [functionCode, address, quantity]),
    ).toEqual([
      [4, 0, 14],
      [3, 24, 8],
      [4, 73, 1],
      [4, 0, 2],
    ])
  })

  it('needs one request where the record stands together', async () => {
    const apc = counter({}, channels, { maxGap: 60, maxRegistersPerRead: 125 })
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), END, [706, 120, 3])
    for (let address = 14; address < 73; address++) wire.unit(1).set(4, address, 0xdead)
    expect(sampleOf(await sample(apc)).counts).toEqual({ p05: 706, p1: 120, p5: 3 })
    expect(wire.requests).toHaveLength(2)
  })

  it('URS-06 never mixes two records: one that changes while it is read is read again', async () => {
    const apc = counter()
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), END, [1, 1, 1])
    let changed = false
    wire.script = ({ address }, regular, send) => {
      if (address === 73 && !changed) {
        changed = true
        record(wire.unit(1), END + 60, [2, 2, 2])
      }
      send(regular(), 5)
    }
    expect(sampleOf(await sample(apc))).toMatchObject({
      identity: END + 60,
      counts: { p05: 2, p1: 2, p5: 2 },
    })
  })

  it('gives up on a record that never stands still', async () => {
    const apc = counter()
    const { wire, sample } = wireRig([apc])
    let end = END
    wire.script = (_request, regular, send) => {
      record(wire.unit(1), end++, [1, 1, 1])
      send(regular(), 5)
    }
    expect(faultOf(await sample(apc))).toBe('busy')
    expect(wire.requests.length).toBe(12)
  })

  it.each<[string, (unit: ServerUnit) => void, string]>([
    [
      'another client has turned the record index away',
      (unit) => unit.set(3, 24, 3),
      'config_changed',
    ],
    ['it has no record yet', (unit) => unit.setU32(4, 0, 0), 'no_new_sample'],
    ['it refuses the status word', (unit) => unit.remove(4, 6), 'exception 2'],
    ['it refuses the identity', (unit) => unit.remove(4, 0), 'exception 2'],
    [
      'it refuses every channel',
      (unit) => [8, 10, 12].forEach((address) => void unit.remove(4, address)),
      'exception 2',
    ],
  ])('gives no sample when %s', async (_name, spoil, expected) => {
    const apc = counter()
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), END, [706, 120, 3])
    spoil(wire.unit(1))
    expect(faultOf(await sample(apc))).toBe(expected)
  })

  it('does without what it refuses to tell of itself, and without a channel it has not', async () => {
    const apc = counter()
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), END, [706, 120, 3])
    for (const address of [26, 27, 30, 31]) wire.unit(1).remove(3, address)
    wire.unit(1).remove(4, 12)
    const { counts, instrumentNow, holdMs } = sampleOf(await sample(apc))
    expect({ counts, instrumentNow, holdMs }).toEqual({
      counts: { p05: 706, p1: 120 },
      instrumentNow: undefined,
      holdMs: undefined,
    })
  })

  it('leaves out channels that the mask calls inactive: they hold garbage', async () => {
    const apc = counter()
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), END, [706, 0xdeadbeef, 3])
    wire.unit(1).set(4, 73, 0b101)
    expect(sampleOf(await sample(apc)).counts).toEqual({ p05: 706, p5: 3 })
  })

  it.each<[number, string[]]>([
    [0, []],
    [1, ['laser_fault']],
    [6, ['flow_fault', 'overflow']],
    [0xff00, []],
  ])('URS-09 tells the faults of record status %d', async (status, expected) => {
    const apc = counter()
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), END, [706, 120, 3], status)
    expect(sampleOf(await sample(apc)).faults).toEqual(expected)
  })

  it('sums differential counts upwards, and no further than it knows', async () => {
    const apc = counter({ counts: 'differential' })
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), END, [500, 30, 4])
    expect(sampleOf(await sample(apc)).counts).toEqual({ p05: 534, p1: 34, p5: 4 })
    wire.unit(1).set(4, 73, 0b101)
    expect(sampleOf(await sample(apc)).counts).toEqual({ p5: 4 })
  })

  it('URS-05 turns a concentration back into the counts behind it, by the volume it was taken from', async () => {
    const volume = { ...input(14), scale: 0.01 }
    const scattered = channels.map((it) => ({ ...it, scale: 1 }))
    const apc = counter({ content: 'concentration', volume }, scattered)
    const { wire, sample } = wireRig([apc])
    // 1 and 245 counts in 28.3 L: 35.3 and 8657 /m³ (ISO 14644-1).
    record(wire.unit(1), END, [8657, 35, 0])
    wire.unit(1).setU32(4, 14, 2830)
    expect(sampleOf(await sample(apc))).toMatchObject({
      counts: { p05: 245, p1: 1, p5: 0 },
      litres: 28.3,
    })
    wire.unit(1).setU32(4, 14, 0)
    expect(faultOf(await sample(apc))).toBe('flow_fault')
  })

  it('reports the volume and the flow it measured', async () => {
    const apc = counter({
      volume: { ...input(14, 'f32'), scale: 28.316846592 },
      flow: { ...input(16, 'f32'), scale: 28.316846592 },
    })
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), END, [706, 120, 3])
    wire.unit(1).setF32(4, 14, 1).setF32(4, 16, 0.98)
    expect(sampleOf(await sample(apc)).litres).toBeCloseTo(28.3168, 3)
    expect(sampleOf(await sample(apc)).flowLpm).toBeCloseTo(27.7505, 3)
    wire.unit(1).setF32(4, 14, Number.NaN)
    expect(faultOf(await sample(apc))).toBe('nan')
  })

  it('tells records apart by number where they have one, with the time beside it', async () => {
    const apc = counter({ identity: { ...input(0), kind: 'record_number' }, time: input(14) })
    const { wire, sample } = wireRig([apc])
    record(wire.unit(1), 0, [1, 0, 0])
    wire.unit(1).setU32(4, 14, END)
    expect(sampleOf(await sample(apc))).toMatchObject({
      identity: 0,
      endedAtInstrument: END * 1000,
    })
  })

  it('URS-11 is silent, disconnected or busy like any other unit', async () => {
    const apc = counter()
    const { wire, sample, driver, clock } = wireRig([
      apc,
      instrument('other', 2, profileOf([signal('a', 0)])),
    ])
    wire.script = () => undefined
    const silent = await sample(apc)
    expect([faultOf(silent), silent.silent]).toEqual(['timeout', true])
    wire.script = (request, _regular, send) =>
      send(request.frame(Buffer.of(request.functionCode | 0x80, 6)), 5)
    expect(faultOf(await sample(apc))).toBe('busy')
    wire.hangUp('gone')
    const gone = await sample(apc)
    expect([faultOf(gone), gone.silent]).toEqual(['disconnected', false])
    await driver.close()
    expect(clock.timers).toBe(0)
  })

  it('also gives plain signals, such as its temperature', async () => {
    const apc = counter({}, [
      ...channels,
      signal('temperature', 40, 'f32', {
        table: 'input_register',
        quantity: 'temperature',
        unit: '°C',
      }),
    ])
    const { wire, done, driver } = wireRig([apc])
    wire.unit(1).setF32(4, 40, 21.5)
    const reply = await done(
      driver.poll({ instrument: 'apc-1', signals: ['temperature'], probe: false }),
    )
    expect(reply.signals.map(({ result }) => brief(result))).toEqual([21.5])
  })
})
