// Particle samples through the core: identity, volume, what is missing, and the rules that judge rare counts (limits.md).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Sample } from '#core/particle.ts'
import { PLANT, plantOf } from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const MINUTE = 60_000
const cabinet = () => new CoreRig(plantOf(['bsc1-p05', 'bsc1-p5']))
const counts = (small: number, large: number) => ({
  particles_0_5um: small,
  particles_5um: large,
})

/** One sample a minute: counts of ≥0.5 µm and ≥5 µm. */
function samples(
  core: CoreRig,
  rows: readonly (readonly [number, number])[],
  given: Partial<Sample> = {},
) {
  for (const [small, large] of rows) {
    core.advance(MINUTE)
    core.sample('pc-bsc1', counts(small, large), given)
  }
}

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
    ['the volume it reports', { litres: 25 }, 25],
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
    ['more large particles than small ones', { counts: counts(1, 2) }, 'config_changed'],
    ['a volume of nothing', { litres: 0 }, 'flow_fault'],
  ]
  it.each(faults)('URS-03 with %s is bad, keeps its counts, and has no value', (_, given, qc) => {
    const core = cabinet()
    samples(core, [[20, 0]], given)
    const reading = core.lastReading('bsc1-p05')
    expect(reading).toMatchObject({ q: 'bad', qc })
    expect(reading.v).toBeUndefined()
  })

  it.each([
    [0.951, 'good'],
    [1.049, 'good'],
  ])('URS-03 flow at %d of nominal is good', (share, q) => {
    const core = cabinet()
    samples(core, [[20, 0]], { flowLpm: 28.3 * share })
    expect(core.lastReading('bsc1-p05')).toMatchObject({ q, x: { flow: 28.3 * share } })
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
    const core = cabinet()
    samples(core, [[n, 0]], { litres })
    expect(core.is('bsc1-p05.action_high')).toBe(state)
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

describe('the rolling cubic metre', () => {
  it('URS-21 1 018.8 L with 29 counts is no alarm, with 30 it is', () => {
    for (const [n, state] of [
      [29, 'normal'],
      [30, 'unacknowledged'],
    ] as const) {
      const core = cabinet()
      const rows = Array.from({ length: 36 }, (_, index) => [n, index === 0 ? n : 0] as const)
      samples(core, rows)
      expect(core.is('bsc1-p5.rolling'), `${n} counts`).toBe(state)
    }
  })

  it('URS-21 before 1 m³ it rises with the 30th count, whatever the volume', () => {
    const core = cabinet()
    samples(core, [[29, 29]])
    expect(core.is('bsc1-p5.rolling')).toBe('normal')
    samples(core, [[1, 1]])
    expect(core.is('bsc1-p5.rolling')).toBe('unacknowledged')
  })

  it('URS-21 is by volume: what has left the last 1 m³ no longer counts', () => {
    const core = cabinet()
    samples(core, [[30, 30]], { litres: 500 })
    expect(core.is('bsc1-p5.rolling')).toBe('unacknowledged')
    samples(core, [[0, 0]], { litres: 500 })
    expect(core.is('bsc1-p5.rolling')).toBe('unacknowledged')
    samples(core, [[0, 0]], { litres: 500 })
    expect(core.is('bsc1-p5.rolling')).toBe('latched_unacknowledged')
  })

  it('bad samples do not enter', () => {
    const core = cabinet()
    samples(core, [[29, 29]])
    samples(core, [[20, 20]], { faults: ['flow_fault'] })
    expect(core.is('bsc1-p5.rolling')).toBe('normal')
  })

  it('URS-28 survives a restart, and empties when the instrument is another one', () => {
    const core = cabinet()
    samples(core, [[29, 29]])
    core.restart(1000, { reboot: true })
    samples(core, [[1, 1]])
    expect(core.is('bsc1-p5.rolling')).toBe('unacknowledged')
    const other = cabinet()
    samples(other, [[29, 29]])
    const { plant } = other
    const instruments = plant.instruments.map((it) => ({ ...it, serial: '999' }))
    other.restart(1000, { plant: { ...plant, instruments } })
    samples(other, [[1, 1]])
    expect(other.is('bsc1-p5.rolling')).toBe('normal')
  })

  it('empties when the instrument is exchanged while running', () => {
    const core = cabinet()
    samples(core, [[29, 29]])
    const instruments = core.plant.instruments.map((it) => ({ ...it, serial: '999' }))
    core.changePlant({ ...core.plant, instruments })
    samples(core, [[1, 1]])
    expect(core.is('bsc1-p5.rolling')).toBe('normal')
  })

  it('empties when its oldest sample is older than twice the nominal fill time', () => {
    const core = cabinet()
    samples(core, [[29, 29]])
    core.advance(2 * 35.4 * MINUTE)
    core.sample('pc-bsc1', counts(1, 1))
    expect(core.is('bsc1-p5.rolling')).toBe('normal')
  })

  it('agrees with summing everything anew, whatever the samples', () => {
    const sampleArb = fc.record({
      n: fc.integer({ min: 0, max: 12 }),
      litres: fc.constantFrom(28.3, 14.15, 50, 283),
    })
    fc.assert(
      fc.property(fc.array(sampleArb, { maxLength: 60 }), (rows) => {
        const core = cabinet()
        for (const { n, litres } of rows) samples(core, [[n, n]], { litres })
        expect(core.is('bsc1-p5.rolling') !== 'normal').toBe(everExceeded(rows, 29))
      }),
      { numRuns: 60 },
    )
  })
})

/** The rule in its plainest form: the newest samples that together reach 1 m³, N × 1000 > limit × max(V, 1000). */
function everExceeded(rows: readonly { n: number; litres: number }[], limit: number): boolean {
  return rows.some((_, end) => {
    let counted = 0
    let litres = 0
    for (let index = end; index >= 0 && litres < 1000; index--) {
      counted += rows[index]?.n ?? 0
      litres += rows[index]?.litres ?? 0
    }
    return counted * 1000 > limit * Math.max(litres, 1000)
  })
}

describe('rules on rare counts', () => {
  // counts of ≥5 µm, one sample a minute; `x` is a bad sample
  const rows: [string, string, string, string][] = [
    ['an isolated count is recorded and no alarm', '0 1 0 0 1 0', 'consecutive', 'normal'],
    ['two in a row', '0 1 1', 'consecutive', 'unacknowledged'],
    ['a bad sample between does not break', '1 x 1', 'consecutive', 'unacknowledged'],
    ['a bad sample does not count', '1 x x', 'consecutive', 'normal'],
    ['a zero breaks', '1 0 1 0 1', 'consecutive', 'normal'],
    ['latched once gone', '1 1 0', 'consecutive', 'latched_unacknowledged'],
    ['four of thirty', '1 0 1 0 1 0 1 0', 'x_of_y', 'normal'],
    ['five of thirty', '1 0 1 0 1 0 1 0 1', 'x_of_y', 'unacknowledged'],
    ['bad ones are no part of thirty', '1 x 1 x 0 1 x 0 1 x 0 1', 'x_of_y', 'unacknowledged'],
    ['nine counts in one sample', '9', 'single_high', 'normal'],
    ['ten counts in one sample', '10', 'single_high', 'unacknowledged'],
  ]
  it.each(rows)('URS-21 %s: %s → %s %s', (_, script, rule, state) => {
    const core = cabinet()
    for (const word of script.split(' ')) {
      if (word === 'x') samples(core, [[5, 5]], { faults: ['flow_fault'] })
      else samples(core, [[Number(word), Number(word)]])
    }
    expect(core.is(`bsc1-p5.${rule}`)).toBe(state)
  })

  it('URS-21 five counts that are no longer among the last thirty good samples', () => {
    const core = cabinet()
    samples(core, [[1, 1]])
    for (let index = 0; index < 29; index++) samples(core, [[0, 0]])
    for (const n of [1, 0, 1, 0, 1, 0, 1]) samples(core, [[n, n]])
    expect(core.is('bsc1-p5.x_of_y')).toBe('normal')
    samples(core, [
      [0, 0],
      [1, 1],
    ])
    expect(core.is('bsc1-p5.x_of_y')).toBe('unacknowledged')
  })

  it('URS-28 the windows of the rules survive a restart', () => {
    const core = cabinet()
    samples(core, [[1, 1]])
    core.restart(1000)
    samples(core, [[1, 1]])
    expect(core.is('bsc1-p5.consecutive')).toBe('unacknowledged')
  })
})

describe('missing samples', () => {
  it('URS-01 an overdue one is written down at its deadline, and supersedes when it comes late', () => {
    const core = cabinet()
    samples(core, [[20, 0]])
    const before = core.readings.length
    core.advance(MINUTE + 16_000)
    expect(core.readings.length).toBe(before)
    core.advance(1)
    expect(core.lastReading('bsc1-p05')).toMatchObject({
      t: START + MINUTE,
      q: 'bad',
      qc: 'no_new_sample',
    })
    const { seq } = core.readings.filter(({ reading }) => reading.point === 'bsc1-p05').at(-1) ?? {}
    const ended = START + 2 * MINUTE
    core.sample('pc-bsc1', counts(200, 0), {
      endedAtInstrument: ended,
      instrumentNow: Math.floor(core.wall / 1000) * 1000,
    })
    expect(core.lastReading('bsc1-p05')).toMatchObject({
      t: START + MINUTE,
      q: 'good',
      late: true,
      supersedes: seq,
    })
    expect(core.payload('bsc1-p05.action_high')).toMatchObject({
      state: 'unacknowledged',
      onset: START + MINUTE,
      detectedLate: true,
    })
  })

  it('URS-01 those between two records are one record, and no slot is covered twice', () => {
    const core = cabinet()
    samples(core, [[20, 0]])
    core.restart(5 * MINUTE - 1000, { reboot: true })
    core.advance(1000)
    core.sample('pc-bsc1', counts(20, 0))
    const readings = core.readingsOf('bsc1-p05')
    expect(readings.map(({ t, slots, qc }) => [(t - START) / MINUTE, slots ?? 1, qc])).toEqual([
      [0, 1, undefined],
      [1, 4, 'agent_down'],
      [5, 1, undefined],
    ])
  })

  it('URS-09 names the transport’s reason where there is one', () => {
    const core = cabinet()
    samples(core, [[20, 0]])
    core.input({ kind: 'no_sample', at: core.at, instrument: 'pc-bsc1', reason: 'timeout' })
    core.advance(MINUTE + 17_000)
    expect(core.lastReading('bsc1-p05')).toMatchObject({ qc: 'timeout' })
  })

  it('URS-02 a missing sample in grade A is a gap alarm, and the next good one ends it', () => {
    const core = cabinet()
    samples(core, [[20, 0]])
    core.advance(2 * MINUTE)
    expect(core.is('bsc1-p05.gap')).toBe('unacknowledged')
    expect(core.payload('bsc1-p05.gap')).toMatchObject({
      class: 'fault',
      priority: 1,
      onset: START + MINUTE,
    })
    core.sample('pc-bsc1', counts(20, 0))
    expect(core.is('bsc1-p05.gap')).toBe('rtn_unacknowledged')
  })

  it('URS-02 two bad samples in a row are a gap, one is not', () => {
    const core = cabinet()
    samples(core, [[20, 0]])
    samples(core, [[20, 0]], { faults: ['flow_fault'] })
    expect(core.is('bsc1-p05.gap')).toBe('normal')
    samples(core, [[20, 0]], { faults: ['flow_fault'] })
    expect(core.is('bsc1-p05.gap')).toBe('unacknowledged')
  })

  it('URS-02 back-to-back samples seen at each poll of ten seconds make no gap', () => {
    const core = cabinet()
    for (let second = 10; second <= 1800; second += 10) {
      core.advance(10_000)
      const ended = START + 3000 + Math.floor((core.wall - START - 3000) / MINUTE) * MINUTE
      if (ended <= START + 3000) continue
      const identity = (ended - START) / 1000
      core.sample('pc-bsc1', counts(20, 0), {
        endedAtInstrument: ended,
        instrumentNow: core.wall,
        identity,
      })
    }
    expect(core.events).toEqual([])
    expect(core.readingsOf('bsc1-p05').every(({ q }) => q === 'good')).toBe(true)
  })

  it('URS-01 any outages: each slot of the instrument is covered exactly once', () => {
    const eventArb = fc.constantFrom('sample', 'sample', 'sample', 'miss', 'down', 'late')
    fc.assert(
      fc.property(fc.array(eventArb, { minLength: 5, maxLength: 30 }), (script) => {
        const core = cabinet()
        for (const [index, what] of script.entries()) {
          const ended = START + (index + 1) * MINUTE
          const wait = Math.max(0, ended - core.wall)
          if (what === 'down') core.restart(wait)
          else core.advance(wait)
          if (what === 'late') core.advance(20_000)
          if (what === 'sample' || what === 'late') {
            const instrumentNow = Math.floor(core.wall / 1000) * 1000
            core.sample('pc-bsc1', counts(3, 0), {
              endedAtInstrument: ended,
              instrumentNow,
              identity: index,
            })
          }
        }
        const superseded = new Set(core.readings.map(({ reading }) => reading.supersedes))
        const covered = core.readings
          .filter(({ seq, reading }) => reading.point === 'bsc1-p05' && !superseded.has(seq))
          .flatMap(({ reading: { t, slots = 1 } }) =>
            Array.from({ length: slots }, (_, slot) => Math.round((t - START) / MINUTE) + slot),
          )
        const sorted = [...covered].sort((a, b) => a - b)
        expect(sorted).toEqual(
          Array.from({ length: sorted.length }, (_, slot) => (sorted[0] ?? 0) + slot),
        )
      }),
      { numRuns: 200 },
    )
  })
})

describe('occupancy and samples', () => {
  const room = () => new CoreRig(plantOf(['b101-p05']))
  const at10000 = { particles_0_5um: 283 }

  it('URS-18 grade B at 10 000 /m³ alarms at rest and not in operation', () => {
    const core = room()
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    expect(core.is('b101-p05.action_high')).toBe('normal')
    core.occupancy('b101', 'at_rest')
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    expect(core.is('b101-p05.action_high')).toBe('unacknowledged')
    expect(core.payload('b101-p05.action_high')).toMatchObject({
      occupancy: 'at_rest',
      limit: { kind: 'action_high', value: 3520, unit: '/m³', set: 'annex1-2022' },
    })
  })

  // states set 20 s apart within one sample that began at rest
  it.each([
    ['in_operation', ['in_operation']],
    ['in_operation twice', ['in_operation', 'in_operation']],
    ['in operation by way of clean-up', ['clean_up', 'in_operation']],
  ] as const)(
    'URS-67 a sample that began at rest is judged at rest though set to %s',
    (_, states) => {
      const core = room()
      core.occupancy('b101', 'at_rest')
      core.advance(MINUTE)
      core.sample('pc-b101', { particles_0_5um: 1 })
      for (const state of states) {
        core.advance(20_000)
        core.occupancy('b101', state)
      }
      core.advance(MINUTE - 20_000 * states.length)
      core.sample('pc-b101', at10000)
      expect(core.is('b101-p05.action_high')).toBe('unacknowledged')
      core.advance(MINUTE)
      core.sample('pc-b101', at10000)
      expect(core.is('b101-p05.action_high')).toBe('rtn_unacknowledged')
    },
  )

  it('URS-67 no change of occupancy closes an occurrence', () => {
    const core = room()
    core.occupancy('b101', 'at_rest')
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    const occ = core.occ('b101-p05.action_high')
    core.occupancy('b101', 'not_in_use')
    core.occupancy('b101', 'in_operation')
    expect(core.payload('b101-p05.action_high')).toMatchObject({ state: 'unacknowledged', occ })
  })

  it('URS-18 unknown occupancy: the strictest column', () => {
    const zones = PLANT.zones.map(({ occupancy: _, ...zone }) => zone)
    const core = new CoreRig({ ...plantOf(['b101-p05']), zones })
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    expect(core.is('b101-p05.action_high')).toBe('unacknowledged')
  })

  it('URS-28 the occupancy survives a restart', () => {
    const core = room()
    core.occupancy('b101', 'at_rest')
    core.restart(1000, { reboot: true })
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    expect(core.is('b101-p05.action_high')).toBe('unacknowledged')
  })
})

describe('a fault that may hide an excursion', () => {
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
})
