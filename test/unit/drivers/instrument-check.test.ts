// Everything a profile declares, read once: what is asked together, what is tried again, and what the agent makes of it.

import { describe, expect, it } from 'vitest'
import type { Instrument, Plant, Point } from '#core/point.ts'
import { checkInstrument, declaredBy } from '#drivers/commissioning/instrument-check.ts'
import type { InstrumentSettings, Profile } from '#drivers/profile.ts'
import { judgeSignals } from '../../../agent/cli/probe-judgement.ts'
import {
  type CommissioningRig,
  commissioningRig,
  rtuLine,
  tcpLine,
} from '../../support/commissioning-rig.ts'
import { instrument, profileOf, signal } from '../../support/driver-rig.ts'

const profile = profileOf(
  [
    signal('pressure', 10, 'f32', { byteOrder: 'CDAB', unit: 'Pa', range: [-250, 250] }),
    signal('temperature', 12, 'i16', { scale: 0.1, unit: '°C', invalid: [-32_768] }),
    signal('gone', 20),
  ],
  {
    status: [
      {
        table: 'holding_register',
        address: 30,
        type: 'u16',
        byteOrder: 'ABCD',
        bits: [{ bit: 1, faultWhen: 1, reason: 'sensor_fault' }],
        signals: ['temperature'],
      },
    ],
    identify: {
      serial: { table: 'input_register', address: 0, type: 'string8', byteOrder: 'ABCD' },
    },
  },
)
const subject = instrument('dp-1', 43, profile)

const check = (
  { line, clock, done }: CommissioningRig,
  of: InstrumentSettings = subject,
  late = 0,
) => done(checkInstrument({ line, clock, instrument: of, timeoutMs: 100, lateReplyMs: late }))

/** An instrument that has all of the profile but `gone`. */
function furnished(rig: CommissioningRig): void {
  rig.wire
    .unit(43)
    .set(3, 10, 0xe666, 0x42f6)
    .set(3, 12, 215)
    .set(3, 30, 0)
    .set(4, 0, 0x4534, 0x3731, 0x3100, 0)
}

const place = { id: 'dp-1', bus: 'bus-1', sampled: false } satisfies Instrument

const pointOn = (name: string, over: Partial<Point> = {}): Point => ({
  id: `p-${name}`,
  instrument: 'dp-1',
  signal: name,
  zone: 'b101',
  grade: 'B',
  quantity: 'differential_pressure',
  unit: 'Pa',
  intervalMs: 1000,
  critical: false,
  commFailMs: 3000,
  conversion: { scale: 1, offset: 0, reversed: false, range: [-250, 250], sentinels: [] },
  limits: { onDelayMs: 0, offDelayMs: 0, deadband: 0 },
  ...over,
})

const plantOf = (points: readonly Point[]): Plant => ({
  org: 'o',
  site: 's',
  siteName: 'S',
  timezone: 'UTC',
  gateway: 'g',
  origin: 'instrument',
  hash: 'sha256:0',
  limitSet: { id: 'x', version: '1' },
  zones: [{ id: 'b101', name: 'Room', grade: 'B' }],
  buses: [{ id: 'bus-1' }],
  instruments: [place],
  points,
  reasonCodes: [],
})

describe('URS-60 everything of an instrument', () => {
  it('is read in as few reads as the profile allows, and singly where that is refused', async () => {
    const rig = commissioningRig(tcpLine)
    furnished(rig)
    const found = await check(rig)
    const values = found.data.map(({ role, name, result, text }) => [
      role,
      name,
      text ?? (result.kind === 'value' ? result.value : result.reason),
    ])
    expect(values).toEqual([
      ['signal', 'pressure', 123.45],
      ['signal', 'temperature', 215],
      ['signal', 'gone', 'exception'],
      ['status', 'status 30', 0],
      ['identify', 'serial', 'E4711'],
    ])
    expect(found.complaints.get('status 30')).toEqual([])
    expect(
      rig.wire.requests.map(({ functionCode, address, quantity }) => [
        functionCode,
        address,
        quantity,
      ]),
    ).toEqual([
      [3, 10, 3],
      [3, 20, 1],
      [3, 30, 1],
      [4, 0, 4],
    ])
  })

  it('finds the one register that spoils a block', async () => {
    const rig = commissioningRig(tcpLine)
    furnished(rig)
    rig.wire.unit(43).remove(3, 12)
    const found = await check(rig)
    const faults = found.data.map(({ result }) =>
      result.kind === 'fault' ? result.reason : 'read',
    )
    expect(faults).toEqual(['read', 'exception', 'exception', 'read', 'read'])
  })

  it('asks a unit that has never answered once, and no more', async () => {
    const rig = commissioningRig(rtuLine)
    rig.wire.script = () => {}
    const found = await check(rig)
    expect(rig.wire.requests).toHaveLength(1)
    expect(
      new Set(found.data.map(({ result }) => result.kind === 'fault' && result.reason)),
    ).toEqual(new Set(['timeout']))
  })

  it('waits a late answer out where it could be taken for another', async () => {
    const rig = commissioningRig(rtuLine)
    furnished(rig)
    let silent = 0
    rig.wire.script = ({ address }, regular, send) => {
      const late = address === 20 && silent++ === 0
      send(regular(), late ? 900 : 5)
    }
    const found = await check(rig, subject, 2000)
    const [, lone, status] = rig.wire.requests
    expect((status?.atMono ?? 0) - (lone?.atMono ?? 0)).toBeGreaterThan(2000)
    expect(found.data[3]?.result).toMatchObject({ kind: 'value', value: 0 })
  })

  it('asks again after a damaged answer and of a busy instrument, a few times', async () => {
    const rig = commissioningRig(rtuLine)
    furnished(rig)
    rig.wire.unit(43).set(3, 20, 5)
    const seen = new Map<number, number>()
    rig.wire.script = ({ address, frame }, regular, send) => {
      const time = (seen.get(address) ?? 0) + 1
      seen.set(address, time)
      if (address === 20 && time <= 2) return send(frame(Buffer.of(0x83, 6)), 5)
      const reply = regular()
      if (address === 10 && time === 1) reply[4] = (reply[4] ?? 0) ^ 1
      if (address === 30) reply[4] = (reply[4] ?? 0) ^ 1
      send(reply, 5)
    }
    const found = await check(rig)
    expect(
      found.data.map(({ result }) => (result.kind === 'value' ? result.value : result.reason)),
    ).toEqual([123.45, 215, 5, 'crc', expect.any(Number)])
    expect(Object.fromEntries(seen)).toMatchObject({ 10: 2, 20: 3, 30: 2 })
  })

  it('says nothing good when the line goes', async () => {
    const rig = commissioningRig(tcpLine)
    rig.wire.refusal = 'no way'
    const found = await check(rig)
    for (const { result } of found.data)
      expect(result).toEqual({ kind: 'fault', reason: 'disconnected' })
    expect(found.signals.every(({ result }) => result.kind === 'fault')).toBe(true)
  })

  it('declares every part of a particle counter once', () => {
    const spec = { table: 'input_register', address: 0, type: 'u32', byteOrder: 'ABCD' } as const
    const counter: Profile = {
      ...profile,
      sample: {
        identity: { ...spec, kind: 'record_number' },
        duration: { ...spec, address: 2, scale: 1 },
        defaultDurationMs: 60_000,
        counts: 'cumulative',
        content: 'counts',
        status: [{ ...spec, address: 6, bits: [] }],
      },
    }
    expect(declaredBy(counter).map(({ role, name }) => `${role} ${name}`)).toEqual([
      'signal pressure',
      'signal temperature',
      'signal gone',
      'status status 30',
      'sample identity',
      'sample duration',
      'sample record status 6',
      'identify serial',
    ])
  })
})

describe('URS-60 what the agent would make of it', () => {
  async function judged(
    points: readonly Point[],
    change: (rig: CommissioningRig) => void = () => {},
  ) {
    const rig = commissioningRig(tcpLine)
    furnished(rig)
    rig.wire.unit(43).set(3, 20, 1)
    change(rig)
    return judgeSignals(await check(rig), plantOf(points), place)
  }
  const pressure = pointOn('pressure')

  it('is the value of each point, and of each signal without one as the profile has it', async () => {
    const reversed = pointOn('pressure', {
      id: 'p-turned',
      conversion: { ...pressure.conversion, reversed: true },
    })
    const found = await judged([pressure, reversed])
    expect(
      found.map(({ spec, point, value, unit, words }) => [spec.name, point, value, unit, words]),
    ).toEqual([
      ['pressure', 'p-pressure', 123.45, 'Pa', 'good'],
      ['pressure', 'p-turned', -123.45, 'Pa', 'good'],
      ['temperature', undefined, 21.5, '°C', 'good'],
      ['gone', undefined, 1, '1', 'good'],
    ])
  })

  it.each([
    [
      'out of range, with the byte order that would fit',
      [0x42f6, 0xe666],
      /^bad: .*-250 to 250 Pa.*as ABCD it would be 123\.45 Pa: is the byteOrder right/,
    ],
    ['NaN', [0x0000, 0x7fc0], /^bad: the instrument says that it has no value \(NaN\)$/],
  ] as const)('pressure %s', async (_name, words, expected) => {
    const [first] = await judged([pressure], ({ wire }) => {
      wire.unit(43).set(3, 10, ...words)
    })
    expect(first).toMatchObject({ quality: 'bad', words: expect.stringMatching(expected) })
    expect(first?.value).toBeUndefined()
  })

  it('so small that nobody measures it is shown with the byte order that would fit', async () => {
    const [first] = await judged([pressure], ({ wire }) => {
      // 15.004019 Pa of an EE600, sent high word first.
      wire.unit(43).set(3, 10, 0x4170, 0x1076)
    })
    expect(first).toMatchObject({ quality: 'good' })
    expect(first?.words).toMatch(
      /^good; as ABCD it would be 15\.004019 Pa: is the byteOrder right\?$/,
    )
  })

  it('over-range counts where a limit lies in its direction, as in the agent', async () => {
    const limited = pointOn('pressure', {
      conversion: { ...pressure.conversion, range: [-250, 100] },
      limits: {
        ...pressure.limits,
        actionHigh: { atRest: { value: 50, set: 'site' }, inOperation: { value: 50, set: 'site' } },
      },
    })
    const [first] = await judged([limited])
    expect(first).toMatchObject({ quality: 'uncertain', reason: 'over_range', value: 123.45 })
  })

  it('a sentinel, a fault of the status word and an exception take the value away, in words', async () => {
    const sentinel = await judged([], ({ wire }) => wire.unit(43).set(3, 12, 0x8000))
    expect(sentinel[1]?.words).toMatch(/declares invalid/)
    const fault = await judged([], ({ wire }) => wire.unit(43).set(3, 30, 2))
    expect(fault.map(({ quality }) => quality)).toEqual(['good', 'bad', 'good'])
    expect(fault[1]?.words).toMatch(/status word reports a fault of the sensor/)
    const gone = await judged([], ({ wire }) => wire.unit(43).remove(3, 20))
    expect(gone[2]?.words).toMatch(/^bad: exception 2 \(illegal data address\)/)
    const mute = await judged([], ({ wire }) => wire.unit(43).remove(3, 30))
    expect(mute[1]).toMatchObject({ quality: 'bad', reason: 'exception' })
  })
})
