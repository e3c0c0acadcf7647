// From a decoded signal to a reading, and plain limits on it: judged before any comparison (URS-08, URS-09).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { convert, toReading } from '#core/reading.ts'
import { limits, plantOf, point, site, withPoint } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

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

  it.each([
    [undefined, undefined],
    [1, undefined],
    [2, 2],
  ])('a run of %s slots without a value tells %s', (slots, told) => {
    const slot = { point: 'p', t: 0, a: 5, ...(slots !== undefined && { slots }) }
    const result = { kind: 'fault', reason: 'timeout' } as const
    expect(toReading(point({ id: 'p' }), { ...slot, result }, both).slots).toBe(told)
  })

  it('URS-09 FB13 no number that is not finite, and no sentinel, is ever good', () => {
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
