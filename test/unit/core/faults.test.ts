// Faults are distinct, never read as normal, and never clear anything (URS-09, URS-66, faults.md A5).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BAD_REASONS, type BadReason } from '#core/quality.ts'
import { convert, toReading } from '#core/reading.ts'
import {
  COUNTER,
  limits,
  PLANT,
  plantOf,
  point,
  site,
  withPoint,
} from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const pressure = () => new CoreRig(plantOf(['b101-dp']))

describe('a value', () => {
  const both = { limited: { high: true, low: true }, stuck: false }
  const raw = new Uint8Array([1, 2])
  const read = (
    value: number,
    conversion: Parameters<typeof point>[0]['conversion'] = {},
    context = both,
  ) =>
    toReading(
      point({ id: 'p', conversion }),
      { point: 'p', t: 0, a: 5, result: { kind: 'value', value, raw } },
      context,
    )

  const range: readonly [number, number] = [-250, 250]
  const highOnly = { limited: { high: true, low: false }, stuck: false }
  const lowOnly = { limited: { high: false, low: true }, stuck: false }
  const cases: [string, ReturnType<typeof read>, object][] = [
    ['plain', read(15.5), { q: 'good', v: 15.5 }],
    ['scaled, then offset', read(100, { scale: 0.1, offset: -5 }), { q: 'good', v: 5 }],
    ['reversed', read(12, { reversed: true }), { q: 'good', v: -12 }],
    ['NaN', read(Number.NaN), { q: 'bad', qc: 'nan' }],
    ['infinite', read(Number.POSITIVE_INFINITY), { q: 'bad', qc: 'nan' }],
    ['infinite only after scaling', read(1e308, { scale: 1e10 }), { q: 'bad', qc: 'nan' }],
    [
      'a sentinel, before its scale',
      read(-9999, { sentinels: [-9999], scale: 0.1 }),
      { q: 'bad', qc: 'sentinel' },
    ],
    [
      'at the upper end, high limit',
      read(250, { range }, highOnly),
      { q: 'uncertain', qc: 'over_range', v: 250 },
    ],
    [
      'beyond the upper end, high limit',
      read(251, { range }, highOnly),
      { q: 'uncertain', qc: 'over_range' },
    ],
    ['at the upper end, low limit only', read(250, { range }, lowOnly), { q: 'good' }],
    [
      'beyond the upper end, low limit only',
      read(251, { range }, lowOnly),
      { q: 'bad', qc: 'out_of_range' },
    ],
    [
      'at the lower end, low limit',
      read(-250, { range }, lowOnly),
      { q: 'uncertain', qc: 'over_range' },
    ],
    [
      'beyond the lower end, high limit only',
      read(-251, { range }, highOnly),
      { q: 'bad', qc: 'out_of_range' },
    ],
    ['without a range nothing is beyond', read(1e9), { q: 'good', v: 1e9 }],
    ['stuck', read(1, {}, { ...both, stuck: true }), { q: 'uncertain', qc: 'stuck', v: 1 }],
  ]
  it.each(cases)('URS-09 %s', (_, reading, expected) => {
    expect(reading).toMatchObject({ ...expected, raw })
    if (reading.q === 'bad') expect(reading).not.toHaveProperty('v')
  })

  it('is never minus zero', () => {
    for (const [decoded, reversed] of [
      [0, true],
      [-0, false],
      [-0, true],
    ] as const) {
      expect(Object.is(convert(decoded, { scale: 1, offset: 0, reversed, sentinels: [] }), 0)).toBe(
        true,
      )
    }
  })

  it('URS-09 no number that is not finite, and no sentinel, is ever good', () => {
    fc.assert(
      fc.property(
        fc.double(),
        fc.double({ noNaN: true }),
        fc.double({ noNaN: true }),
        (value, scale, offset) => {
          const reading = read(value, { scale, offset, sentinels: [7] })
          if (reading.q !== 'bad') expect(Number.isFinite(reading.v)).toBe(true)
          if (value === 7) expect(reading.qc).toBe('sentinel')
        },
      ),
    )
  })
})

describe('a limit of a plain value', () => {
  // temperature alert 22, action 24, deadband 0.5
  it.each([
    [21.999, 'normal', 'normal'],
    [22, 'normal', 'normal'],
    [22.001, 'unacknowledged', 'normal'],
    [24, 'unacknowledged', 'normal'],
    [24.001, 'unacknowledged', 'unacknowledged'],
  ])('URS-08 %d °C: alert %s, action %s', (value, alert, action) => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.slot('b101-t', value)
    expect([core.is('b101-t.alert_high'), core.is('b101-t.action_high')]).toEqual([alert, action])
  })

  it('URS-09 over-range violates its limit though the limit lies beyond the range, beside a fault', () => {
    const plant = plantOf(['b101-t'], (it) => ({
      ...it,
      conversion: { ...it.conversion, range: [0, 20] },
    }))
    const core = new CoreRig(plant)
    core.slot('b101-t', 20)
    expect(core.is('b101-t.action_high')).toBe('unacknowledged')
    expect(core.payload('b101-t.action_high')).toMatchObject({ value: 20, q: 'uncertain' })
    expect(core.is('b101-t.sensor_fault')).toBe('unacknowledged')
  })
})

describe('bad data', () => {
  it.each(BAD_REASONS.filter((reason) => reason !== 'exception'))(
    'URS-09 %s clears nothing',
    (reason) => {
      const core = pressure()
      core.values('b101-dp', -1, -1)
      core.values('b101-dp', reason, reason)
      expect(core.is('b101-dp.inversion')).toBe('unacknowledged')
      expect(core.lastReading('b101-dp')).toMatchObject({ q: 'bad', qc: reason })
    },
  )

  const atOnce: BadReason[] = [
    'nan',
    'sentinel',
    'out_of_range',
    'sensor_fault',
    'flow_fault',
    'laser_fault',
  ]
  it.each(BAD_REASONS)('URS-09 %s speaks of the sensor, or not', (reason) => {
    const core = pressure()
    core.slot('b101-dp', reason)
    expect(core.is('b101-dp.sensor_fault')).toBe(
      atOnce.includes(reason) ? 'unacknowledged' : 'normal',
    )
  })

  // faults.md FB5: exception code, how many in a row, whether it is a sensor fault
  it.each([
    [4, 2, 'normal'],
    [4, 3, 'unacknowledged'],
    [7, 3, 'unacknowledged'],
    [8, 1, 'unacknowledged'],
    [2, 5, 'normal'],
    [6, 5, 'normal'],
  ])('URS-09 exception %d, %d in a row: %s', (exceptionCode, times, state) => {
    const core = pressure()
    for (let index = 0; index < times; index++) {
      core.slot('b101-dp', 'exception', { exceptionCode })
      core.advance(1000)
    }
    expect(core.is('b101-dp.sensor_fault')).toBe(state)
  })

  it('an answer between breaks the row of exceptions', () => {
    const core = pressure()
    for (const fine of [false, false, true, false, false]) {
      core.slot('b101-dp', fine ? 15 : 'exception', { exceptionCode: 4 })
      core.advance(1000)
    }
    expect(core.is('b101-dp.sensor_fault')).toBe('normal')
  })

  it('a sensor fault ends with a good value only', () => {
    const core = pressure()
    core.values('b101-dp', 'nan')
    core.slot('b101-dp', 15, { warning: 'warmup' })
    expect(core.is('b101-dp.sensor_fault')).toBe('unacknowledged')
    core.advance(5000)
    core.values('b101-dp', 15)
    expect(core.is('b101-dp.sensor_fault')).toBe('rtn_unacknowledged')
  })
})

describe('a frozen value', () => {
  it('URS-09 unchanged for longer than the point allows is stuck, alarms, and still counts', () => {
    const core = new CoreRig(plantOf(['c102-rh']))
    core.values('c102-rh', ...Array.from({ length: 13 }, () => 58))
    expect(core.is('c102-rh.frozen')).toBe('normal')
    core.values('c102-rh', 58)
    expect(core.lastReading('c102-rh')).toMatchObject({ q: 'uncertain', qc: 'stuck', v: 58 })
    expect(core.is('c102-rh.frozen')).toBe('unacknowledged')
    expect(core.is('c102-rh.action_high')).toBe('unacknowledged')
    core.values('c102-rh', 50)
    expect(core.is('c102-rh.frozen')).toBe('rtn_unacknowledged')
  })

  it('points that declare nothing are never stuck: hours of zeros are normal', () => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.values('b101-t', ...Array.from({ length: 400 }, () => 0))
    expect(core.events).toEqual([])
  })
})

describe('data loss', () => {
  const FAIL = 'dp-b101.comm_fail'
  /** Silence alone takes a minute here, so that the share of good slots can be seen. */
  const patient = () => new CoreRig(plantOf(['b101-dp'], (it) => ({ ...it, commFailMs: 60_000 })))

  it('URS-66 critical pressure: within 10 s of the last value, without waiting for a sample', () => {
    const core = pressure()
    core.slot('b101-dp', 15)
    core.advance(9999)
    expect(core.is(FAIL)).toBe('normal')
    core.advance(1)
    expect(core.is(FAIL)).toBe('unacknowledged')
    expect(core.payload(FAIL)).toMatchObject({ class: 'fault', priority: 1, onset: START })
  })

  it('URS-66 counts from the start where nothing ever arrived', () => {
    const core = pressure()
    core.advance(10_000)
    expect(core.is(FAIL)).toBe('unacknowledged')
  })

  it.each(['timeout', 'crc', 'parked', 'nan', 'sensor_fault', 'config_changed'] as const)(
    'URS-66 %s for that long is a loss of data',
    (reason) => {
      const core = pressure()
      core.values('b101-dp', 15, reason, reason)
      expect(core.is(FAIL)).toBe('unacknowledged')
    },
  )

  it('an uncertain value is a value', () => {
    const core = pressure()
    for (let index = 0; index < 9; index++) {
      core.slot('b101-dp', 15, { warning: 'warmup' })
      core.advance(5000)
    }
    expect(core.is(FAIL)).toBe('normal')
  })

  it('returns when every point of the instrument is back', () => {
    const core = new CoreRig(plantOf(['b101-t', 'c102-rh']))
    core.advance(60_000)
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    core.slot('b101-t', 20)
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    core.slot('c102-rh', 40)
    expect(core.is('th-b101.comm_fail')).toBe('rtn_unacknowledged')
  })

  it('one point of an instrument suffices', () => {
    const core = new CoreRig(plantOf(['b101-t', 'c102-rh']))
    for (let index = 0; index < 7; index++) {
      core.slot('b101-t', 20)
      core.slot('c102-rh', 'exception', { exceptionCode: 2 })
      core.advance(10_000)
    }
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    expect(String(core.payload('th-b101.comm_fail')['detail'])).toContain('c102-rh')
  })

  // one word a slot: g good, b bad; the alarm after the last one
  it.each([
    ['ggggggggg b', 'normal'],
    ['gggggggg bb', 'unacknowledged'],
    ['bb gggggggg', 'unacknowledged'],
    ['bb ggggggg', 'normal'],
    ['gb gggggggg gggggggg gb', 'normal'],
    ['gbgggggggggbggggggbg', 'unacknowledged'],
  ])('URS-66 fewer than 90 %% of at least ten slots good: %s → %s', (script, state) => {
    const core = patient()
    core.values(
      'b101-dp',
      ...[...script.replaceAll(' ', '')].map((word) => (word === 'g' ? 15 : ('crc' as const))),
    )
    expect(core.is(FAIL)).toBe(state)
  })

  it('URS-66 ends when ten minutes hold enough good slots again', () => {
    const core = patient()
    const twice = [15, 'crc', 15, 'crc'] as const
    core.values('b101-dp', ...Array.from({ length: 30 }, () => twice).flat())
    expect(core.is(FAIL)).toBe('unacknowledged')
    core.values('b101-dp', ...Array.from({ length: 95 }, () => 15))
    expect(core.is(FAIL)).toBe('unacknowledged')
    core.values('b101-dp', 15)
    expect(core.is(FAIL)).toBe('rtn_unacknowledged')
  })

  it('slots while the agent was down neither raise nor count', () => {
    const core = pressure()
    core.values('b101-dp', ...Array.from({ length: 12 }, () => 15))
    core.restart(3_600_000, { reboot: true })
    core.slot('b101-dp', 'agent_down', { t: START + 60_000, slots: 700 })
    expect(core.is(FAIL)).toBe('normal')
    core.values('b101-dp', ...Array.from({ length: 12 }, () => 15))
    expect(core.is(FAIL)).toBe('normal')
  })

  it('URS-28 is still reported after a restart, until every point is heard', () => {
    const core = new CoreRig(plantOf(['b101-t', 'c102-rh']))
    core.advance(60_000)
    core.restart(1000)
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    core.slot('b101-t', 20)
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    core.slot('c102-rh', 40)
    expect(core.is('th-b101.comm_fail')).toBe('rtn_unacknowledged')
  })

  it('URS-66 a grade A counter: one sample period and 15 s', () => {
    const core = new CoreRig(plantOf(['bsc1-p05']))
    core.advance(60_000)
    core.sample('pc-bsc1', { particles_0_5um: 1 })
    core.advance(74_999)
    expect(core.is('pc-bsc1.comm_fail')).toBe('normal')
    core.advance(1)
    expect(core.is('pc-bsc1.comm_fail')).toBe('unacknowledged')
  })

  it('URS-66 whatever the pattern, silence of that length always alarms and less than it never does by itself', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 14_000 }), { maxLength: 9 }), (pauses) => {
        const core = pressure()
        core.slot('b101-dp', 15)
        for (const pause of pauses) {
          core.advance(pause)
          const lost = core.eventsOf('alarm.activated', FAIL).length
          core.slot('b101-dp', 15)
          expect(core.is(FAIL)).not.toBe('unacknowledged')
          expect(lost > 0).toBe(core.eventsOf('alarm.activated', FAIL).length > 0)
        }
        expect(core.eventsOf('alarm.activated', FAIL).length).toBe(
          pauses.filter((pause) => pause >= 10_000).length,
        )
      }),
      { numRuns: 100 },
    )
  })
})

describe('conditions from outside', () => {
  it('raise and return bus and system alarms', () => {
    const core = pressure()
    core.condition('rs485-1.bus_fault', true)
    core.condition('rs485-1.bus_fault', true)
    expect(core.eventsOf('alarm.activated', 'rs485-1.bus_fault').length).toBe(1)
    expect(core.payload('rs485-1.bus_fault')).toMatchObject({
      state: 'unacknowledged',
      class: 'fault',
      detail: 'cable pulled',
    })
    core.condition('rs485-1.bus_fault', false)
    expect(core.is('rs485-1.bus_fault')).toBe('rtn_unacknowledged')
    core.condition('system.uplink_down', true)
    expect(core.payload('system.uplink_down')).toMatchObject({
      class: 'system',
      state: 'unacknowledged',
    })
  })

  it('of a bus that the configuration no longer has are nothing', () => {
    const core = pressure()
    core.condition('gone.bus_fault', false)
    core.condition('gone.bus_fault', true)
    expect(core.events).toEqual([])
    expect(() => core.condition('system.no-such', true)).toThrow('no alarm')
  })
})

describe('calibration', () => {
  const due = (date: string) => ({
    ...plantOf(['bsc1-p05']),
    instruments: [{ ...COUNTER, calibrationDue: date }],
  })
  // the rig starts on 2025-11-22; the date is inclusive
  it.each([
    ['2025-11-23', 'normal'],
    ['2025-11-22', 'normal'],
    ['2025-11-21', 'unacknowledged'],
    ['2024-02-29', 'unacknowledged'],
  ])('URS-55 due on %s: %s', (date, state) => {
    expect(new CoreRig(due(date)).is('pc-bsc1.calibration_due')).toBe(state)
  })

  it('URS-55 becomes due at midnight UTC by itself, and ends with a new date', () => {
    const core = new CoreRig({
      ...due('2025-11-22'),
      points: PLANT.points.filter(({ id }) => id === 'none'),
    })
    core.advance(13 * 3_600_000)
    expect(core.is('pc-bsc1.calibration_due')).toBe('normal')
    core.advance(3_600_000)
    expect(core.is('pc-bsc1.calibration_due')).toBe('unacknowledged')
    core.changePlant(due('2026-11-22'))
    expect(core.is('pc-bsc1.calibration_due')).toBe('rtn_unacknowledged')
  })
})

describe('limits by site only', () => {
  it('URS-08 a point without limits never alarms on its value', () => {
    const plant = withPoint(plantOf(['b101-t']), 'b101-t', { limits: limits() })
    const core = new CoreRig(plant)
    core.values('b101-t', 1e6, -1e6)
    expect(core.events).toEqual([])
    expect([...core.state.alarms.keys()].filter((id) => id.startsWith('b101-t.'))).toEqual([
      'b101-t.sensor_fault',
    ])
  })

  it('URS-18 a limit only at rest does not judge in operation', () => {
    const plant = withPoint(plantOf(['b101-t']), 'b101-t', {
      limits: limits({ actionHigh: { atRest: { value: 26, set: 'site' } }, alertHigh: site(22) }),
    })
    const core = new CoreRig(plant)
    core.values('b101-t', 30)
    expect([core.is('b101-t.alert_high'), core.is('b101-t.action_high')]).toEqual([
      'unacknowledged',
      'normal',
    ])
    core.occupancy('b101', 'at_rest')
    core.values('b101-t', 30)
    expect(core.is('b101-t.action_high')).toBe('unacknowledged')
  })
})
