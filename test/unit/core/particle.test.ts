// A particle sample: its identity, its time, its volume, what makes it bad, and the limits on it (URS-03, URS-05).

import { describe, expect, it } from 'vitest'
import type { Sample } from '#core/particle.ts'
import { cabinet, counts, ofAnyVolume, samples, unratedCabinet } from '../../support/cabinet.ts'
import { limits, plantOf, table5, withPoint } from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const MINUTE = 60_000

describe('a sample', () => {
  it('URS-05 is N × 1000 / V: 245 counts in 28.3 L are 8 657 /m³, one is 35.3', () => {
    const core = cabinet()
    samples(core, [[245, 1]])
    expect(core.lastReading('bsc1-p05')).toMatchObject({ v: (245 * 1000) / 28.3, q: 'good' })
    expect(core.lastReading('bsc1-p5')).toMatchObject({
      v: (1 * 1000) / 28.3,
      x: { counts: 1, litres: 28.3, rec: 100 },
    })
  })

  it('URS-01 seen again gives nothing, also after a restart', () => {
    const core = cabinet()
    samples(core, [[20, 0]], { identity: 7 })
    const before = core.readings.length
    core.advance(10_000)
    core.sample('pc-bsc1', counts(20, 0), { identity: 7 })
    core.restart(1000)
    core.sample('pc-bsc1', counts(20, 0), { identity: 7 })
    expect(core.readings.length).toBe(before)
  })

  it.each([
    ['after a reboot of the counter', 4711, 1],
    ['at the end of its 32 bits', 2 ** 32 - 1, 0],
  ])(
    'FB14 record numbers that begin anew %s are new records, with their own counts',
    (_, last, first) => {
      const core = cabinet()
      core.advance(MINUTE)
      core.sample('pc-bsc1', counts(20, 0), { identity: last })
      expect(core.lastReading('bsc1-p05')).toMatchObject({ v: (20 * 1000) / 28.3, q: 'good' })
      core.advance(MINUTE)
      core.sample('pc-bsc1', counts(3, 1), { identity: first })
      expect(core.lastReading('bsc1-p05')).toMatchObject({
        v: (3 * 1000) / 28.3,
        q: 'good',
        x: { rec: first },
      })
    },
  )

  it('lies at the instrument’s end minus its duration, exactly, while the clocks may agree', () => {
    const core = cabinet()
    core.advance(MINUTE + 700)
    const ended = START + MINUTE
    core.sample('pc-bsc1', counts(20, 0), { endedAtInstrument: ended, instrumentNow: ended })
    expect(core.lastReading('bsc1-p05')).toMatchObject({ t: START, a: MINUTE + 700 })
  })

  it.each([
    ['an hour behind', -3_600_000],
    ['a day ahead', 86_400_000],
    ['three seconds ahead', 3000],
  ])('lies on our time line when the instrument’s clock is %s', (_, off) => {
    const core = cabinet()
    for (let minute = 1; minute <= 5; minute++) {
      core.advance(MINUTE)
      const now = Math.floor((core.wall + off) / 1000) * 1000
      core.sample('pc-bsc1', counts(20, 0), { endedAtInstrument: now, instrumentNow: now })
    }
    const times = core.readingsOf('bsc1-p05').map(({ t }) => t)
    for (const [index, t] of times.entries())
      expect(Math.abs(t - (START + index * MINUTE))).toBeLessThan(1500)
    expect(core.readingsOf('bsc1-p05').every(({ slots }) => slots === undefined)).toBe(true)
  })

  // records carry a time, but the instrument's running clock cannot be read; looked at every ten seconds
  it.each([
    ['ours', 0, 0],
    ['20 s behind', -20_000, 20_000],
    ['an hour behind', -3_600_000, 10_000],
    ['an hour ahead', 3_600_000, 10_000],
  ])('without a running clock, times that are %s lie where they may', (_, off, errorMax) => {
    const core = cabinet()
    let seen = 0
    for (let second = 10; second <= 600; second += 10) {
      core.advance(10_000)
      const ended = Math.floor((second - 3) / 60) * MINUTE + 3000
      if (ended < MINUTE || ended === seen) continue
      seen = ended
      core.input({
        kind: 'sample',
        at: core.at,
        instrument: 'pc-bsc1',
        sample: {
          identity: ended,
          endedAtInstrument: START + ended + off,
          durationMs: MINUTE,
          litres: 28.3,
          counts: counts(1, 0),
          faults: [],
          raw: new Uint8Array(),
        },
      })
    }
    // an old-looking first record is only noted, and the sample accounted for as missing
    const readings = core.readingsOf('bsc1-p05').filter(({ q }, index) => q === 'good' || index > 0)
    expect(readings.length).toBeGreaterThanOrEqual(8)
    expect(readings.every(({ q, slots }) => q === 'good' && slots === undefined)).toBe(true)
    for (const { t } of readings) {
      const error = Math.abs(((t - START - 3000 + MINUTE / 2) % MINUTE) - MINUTE / 2)
      expect(error).toBeLessThanOrEqual(errorMax)
    }
  })

  it('without an instrument clock lies a duration before it was first seen', () => {
    const core = cabinet()
    core.advance(MINUTE)
    core.input({
      kind: 'sample',
      at: core.at,
      instrument: 'pc-bsc1',
      sample: {
        identity: 1,
        durationMs: MINUTE,
        litres: 28.3,
        counts: counts(1, 0),
        faults: [],
        raw: new Uint8Array(),
      },
    })
    expect(core.lastReading('bsc1-p05').t).toBe(START)
  })

  it('an old record found at the first look is noted, and is no reading', () => {
    const core = cabinet()
    const old = START - 3_600_000
    core.sample('pc-bsc1', counts(999, 9), {
      endedAtInstrument: old,
      instrumentNow: START,
      identity: 5,
    })
    expect(core.readings).toEqual([])
    core.advance(5000)
    core.sample('pc-bsc1', counts(999, 9), {
      endedAtInstrument: old,
      instrumentNow: START + 5000,
      identity: 5,
    })
    expect(core.readings).toEqual([])
  })

  const volumes: [string, Partial<Sample>, number][] = [
    ['the volume it reports', { litres: 27.5 }, 27.5],
    ['a volume above nominal', { litres: 29.5 }, 29.5],
    ['measured flow × time', { litres: 28, flowLpm: 28 }, 28],
    ['nominal flow × time where it reports none', { flowLpm: 28 }, 28.3],
    ['nominal flow × half the time', { durationMs: 30_000 }, 14.15],
  ]
  it.each(volumes)('URS-05 is normalised by %s', (_, { litres, ...given }, expected) => {
    const core = cabinet()
    core.advance(MINUTE)
    const now = core.wall
    core.input({
      kind: 'sample',
      at: core.at,
      instrument: 'pc-bsc1',
      sample: {
        identity: 1,
        endedAtInstrument: now,
        instrumentNow: now,
        durationMs: MINUTE,
        ...(litres !== undefined && { litres }),
        counts: counts(10, 0),
        faults: [],
        raw: new Uint8Array(),
        ...given,
      },
    })
    expect(core.lastReading('bsc1-p05')).toMatchObject({
      v: (10 * 1000) / expected,
      x: { litres: expected },
    })
  })

  // what makes a sample bad, with its reason
  const faults: [string, Partial<Sample>, string][] = [
    ['a flow fault', { faults: ['flow_fault'] }, 'flow_fault'],
    ['a laser fault', { faults: ['laser_fault', 'flow_fault'] }, 'laser_fault'],
    ['flow 5.1 % under nominal', { flowLpm: 28.3 * 0.949 }, 'flow_fault'],
    ['flow 5.1 % over nominal', { flowLpm: 28.3 * 1.051 }, 'flow_fault'],
    ['a volume 5.1 % over nominal, which would dilute', { litres: 28.3 * 1.051 }, 'flow_fault'],
    ['more large particles than small ones', { counts: counts(1, 2) }, 'config_changed'],
    ['a volume of nothing', { litres: 0 }, 'flow_fault'],
    ['a partial volume', { litres: 26.8 }, 'flow_fault'],
  ]
  it.each(faults)('URS-03 with %s is bad, keeps its counts, and has no value', (_, given, qc) => {
    const core = cabinet()
    samples(core, [[20, 0]], given)
    const reading = core.lastReading('bsc1-p05')
    expect(reading).toMatchObject({ q: 'bad', qc })
    expect(reading.v).toBeUndefined()
  })

  it('URS-03 a volume of nothing is bad where nobody states the flow, too', () => {
    const core = unratedCabinet()
    samples(core, [[20, 0]], { litres: 0 })
    expect(core.lastReading('bsc1-p05')).toMatchObject({ q: 'bad', qc: 'flow_fault' })
  })

  it.each([
    [0.9499, 'bad'],
    [0.95, 'good'],
    [0.9501, 'good'],
    [1.0499, 'good'],
    [1.05, 'good'],
    [1.0501, 'bad'],
  ])('URS-03 flow, or volume, at %d of nominal is %s', (share, q) => {
    for (const given of [{ flowLpm: 28.3 * share }, { litres: 28.3 * share }]) {
      const core = cabinet()
      samples(core, [[20, 0]], given)
      expect(core.lastReading('bsc1-p05').q).toBe(q)
      expect(core.is('bsc1-p05.sensor_fault')).toBe(q === 'bad' ? 'unacknowledged' : 'normal')
    }
  })

  it.each([
    [59_399, 'bad', 'flow_fault'],
    [59_400, 'good', undefined],
    [60_600, 'good', undefined],
    [60_601, 'bad', 'config_changed'],
  ])('a sample of %d ms where 60 s are set is %s', (durationMs, q, qc) => {
    const { plant } = cabinet()
    const instruments = plant.instruments.map((it) => ({ ...it, sampleTimeMs: MINUTE }))
    const core = new CoreRig({ ...plant, instruments })
    samples(core, [[20, 20]], { durationMs, litres: (28.3 * durationMs) / MINUTE })
    const reading = core.lastReading('bsc1-p05')
    expect([reading.q, reading.qc]).toEqual([q, qc])
    expect(core.is('bsc1-p05.sensor_fault')).toBe(q === 'bad' ? 'unacknowledged' : 'normal')
    // what is bad does not enter the rolling cubic metre
    samples(core, [[10, 10]])
    expect(core.is('bsc1-p5.rolling')).toBe(q === 'bad' ? 'normal' : 'unacknowledged')
  })

  it.each([
    [1, 2, 'bad'],
    [2, 2, 'good'],
    [3, 2, 'good'],
  ])('URS-05 %d counts of 0.5 µm and more beside %d of 5 µm and more are %s', (small, large, q) => {
    const core = cabinet()
    samples(core, [[small, large]])
    expect(core.lastReading('bsc1-p5').q).toBe(q)
    expect(core.is('bsc1-p5.sensor_fault')).toBe(q === 'bad' ? 'unacknowledged' : 'normal')
  })

  it('a channel that could not be read is bad by itself', () => {
    const core = cabinet()
    samples(core, [[20, 0]], { counts: { particles_0_5um: 20 } })
    expect(core.lastReading('bsc1-p05').q).toBe('good')
    expect(core.lastReading('bsc1-p5')).toMatchObject({ q: 'bad', qc: 'sensor_fault' })
  })

  it('over the coincidence limit is uncertain and alarms, beside a fault alarm', () => {
    const core = cabinet()
    samples(core, [[10, 0]], { faults: ['overflow'] })
    expect(core.lastReading('bsc1-p05')).toMatchObject({ q: 'uncertain', qc: 'over_range' })
    expect(core.is('bsc1-p05.action_high')).toBe('unacknowledged')
    expect(core.is('bsc1-p5.rolling')).toBe('unacknowledged')
    expect(core.is('bsc1-p05.sensor_fault')).toBe('unacknowledged')
  })
})

describe('limits on a sample', () => {
  // counts in 28.3 L against 3 520 /m³: 99.6 counts
  it.each([
    [99, 28.3, 'normal'],
    [100, 28.3, 'unacknowledged'],
    [3520, 1000, 'normal'],
    [3521, 1000, 'unacknowledged'],
    [35_201, 10_000, 'unacknowledged'],
    [35_200, 10_000, 'normal'],
  ])('URS-20 %d counts in %d L: action %s', (n, litres, state) => {
    const core = unratedCabinet()
    samples(core, [[n, 0]], { litres })
    expect(core.is('bsc1-p05.action_high')).toBe(state)
  })

  it('returns inside limit − deadband where the site gives one', () => {
    const plant = plantOf(['b101-p05'], (it) => ({
      ...it,
      limits: { ...it.limits, deadband: 50_000 },
    }))
    const core = new CoreRig(ofAnyVolume(plant))
    for (const [n, state] of [
      [352_001, 'unacknowledged'],
      [302_001, 'unacknowledged'],
      [302_000, 'rtn_unacknowledged'],
    ] as const) {
      core.advance(MINUTE)
      core.sample('pc-b101', { particles_0_5um: n }, { litres: 1000 })
      expect(core.is('b101-p05.action_high')).toBe(state)
    }
  })

  it('URS-20 alert and action are alarms of their own', () => {
    const core = cabinet()
    samples(core, [[50, 0]])
    expect([core.is('bsc1-p05.alert_high'), core.is('bsc1-p05.action_high')]).toEqual([
      'unacknowledged',
      'normal',
    ])
    samples(core, [[120, 0]])
    expect(core.is('bsc1-p05.action_high')).toBe('unacknowledged')
    expect(core.payload('bsc1-p05.action_high')).toMatchObject({ class: 'action', priority: 1 })
    expect(core.payload('bsc1-p05.alert_high')).toMatchObject({ class: 'alert', priority: 2 })
    samples(core, [[0, 0]])
    expect(core.is('bsc1-p05.action_high')).toBe('latched_unacknowledged')
    expect(core.is('bsc1-p05.alert_high')).toBe('rtn_unacknowledged')
  })

  it('URS-21 ≥5 µm in grade A has no action_high; its alert is judged on the rolling cubic metre', () => {
    const core = cabinet()
    expect(core.is('bsc1-p5.action_high')).toBeUndefined()
    samples(core, [[1, 1]])
    expect(core.is('bsc1-p5.alert_high')).toBe('normal')
    expect(core.is('bsc1-p5.rolling')).toBe('normal')
  })
})

describe('a fault that may hide an excursion', () => {
  it('URS-67 is judged by the strictest of what its sample spans', () => {
    const action = limits({ actionHigh: table5(3520, 352_000) })
    const core = new CoreRig(withPoint(plantOf(['bsc1-p05']), 'bsc1-p05', { limits: action }))
    core.occupancy('bsc-1', 'at_rest')
    core.advance(50_000)
    core.occupancy('bsc-1', 'in_operation')
    core.advance(10_000)
    core.sample('pc-bsc1', { particles_0_5um: 500 }, { faults: ['flow_fault'] })
    expect(core.payload('bsc1-p05.sensor_fault')).toMatchObject({ priority: 1 })
  })

  it('takes action priority when the raw count alone exceeds the limit', () => {
    const core = cabinet()
    samples(core, [[20, 0]], { faults: ['flow_fault'] })
    expect(core.payload('bsc1-p05.sensor_fault')).toMatchObject({
      state: 'unacknowledged',
      priority: 2,
    })
    expect(core.ack('bsc1-p05.sensor_fault').ok).toBe(true)
    samples(core, [[500, 0]], { faults: ['flow_fault'] })
    expect(core.payload('bsc1-p05.sensor_fault')).toMatchObject({
      state: 'unacknowledged',
      priority: 1,
      rev: 3,
      ack: null,
    })
    expect(core.is('bsc1-p05.action_high')).toBe('normal')
    expect(core.ack('bsc1-p05.sensor_fault', { rev: 2 })).toMatchObject({
      ok: false,
      code: 'stale_revision',
    })
    expect(core.ack('bsc1-p05.sensor_fault', { rev: 3 })).toMatchObject({ ok: true })
  })

  it.each([
    [9, 2],
    [10, 1],
  ])('%d counts of a bad sample where a single high one is 10: priority %d', (n, priority) => {
    const plant = plantOf(['b101-p05'], (it) => ({
      ...it,
      rules: { rollingCubicMetre: false, singleHigh: 10 },
    }))
    const core = new CoreRig(plant)
    core.advance(MINUTE)
    core.sample('pc-b101', { particles_0_5um: n }, { faults: ['laser_fault'] })
    expect(core.payload('b101-p05.sensor_fault')).toMatchObject({ active: true, priority })
  })
})
