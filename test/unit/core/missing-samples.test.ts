// Samples that are overdue, late or lost: each slot of the instrument is covered exactly once (URS-01, URS-02).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cabinet, counts, samples } from '../../support/cabinet.ts'
import { START } from '../../support/core-rig.ts'

const MINUTE = 60_000

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

  it('URS-01 a counter that comes back in another phase is late once, not for ever', () => {
    const core = cabinet()
    samples(core, [[20, 0]])
    core.advance(5 * MINUTE + 25_000 - (core.wall - START))
    for (let ended = core.wall, count = 0; count < 4; count++, ended += MINUTE) {
      core.advance(ended - core.wall)
      const instrumentNow = Math.floor(core.wall / 1000) * 1000
      core.sample('pc-bsc1', counts(20, 0), { endedAtInstrument: instrumentNow, instrumentNow })
    }
    const last = core.readingsOf('bsc1-p05').slice(-4)
    expect(last.map(({ q, late }) => [q, late])).toEqual([
      ['good', true],
      ['good', undefined],
      ['good', undefined],
      ['good', undefined],
    ])
    expect(core.is('bsc1-p05.gap')).not.toBe('unacknowledged')
  })

  it.each([
    ['forwards from 1970', 55 * 365 * 86_400_000],
    ['backwards', -7 * 86_400_000],
  ])(
    'URS-02 URS-51 is missed in time after a start that finds the clock set: %s',
    (_way, stepMs) => {
      const core = cabinet()
      samples(core, [[20, 0]])
      core.restart(20_000, { reboot: true, stepMs })
      expect(core.eventsOf('clock.stepped')).toMatchObject([{ body: { stepMs } }])
      core.advance(2 * MINUTE + 16_001)
      const missed = core.readingsOf('bsc1-p05').slice(1)
      expect(missed.map(({ t, slots, qc }) => [t - stepMs - START, slots ?? 1, qc])).toEqual([
        [MINUTE, 1, 'agent_down'],
        [2 * MINUTE, 1, 'no_new_sample'],
      ])
      expect(core.is('bsc1-p05.gap')).toBe('unacknowledged')
    },
  )

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

  it('URS-09 and no longer once the counter has answered, though with nothing new', () => {
    const core = cabinet()
    samples(core, [[20, 0]], { identity: 7 })
    core.input({ kind: 'no_sample', at: core.at, instrument: 'pc-bsc1', reason: 'timeout' })
    core.sample('pc-bsc1', counts(20, 0), { identity: 7 })
    core.advance(MINUTE + 17_000)
    expect(core.lastReading('bsc1-p05')).toMatchObject({ qc: 'no_new_sample' })
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

  // a sample a minute, and a pause that the counter was set to make; one sample and a grace of a tenth of the period are permitted
  it.each([
    [0, 'normal'],
    [60_000, 'normal'],
    [73_000, 'normal'],
    [74_000, 'unacknowledged'],
    [600_000, 'unacknowledged'],
  ])('URS-02 a hold time of %d ms: gap %s', (holdMs, state) => {
    const core = cabinet()
    for (let count = 0; count < 3; count++) {
      core.advance(MINUTE + (count === 0 ? 0 : holdMs))
      core.sample('pc-bsc1', counts(1, 0), { holdMs })
    }
    const raised = core.eventsOf('alarm.activated', 'bsc1-p05.gap').length > 0
    expect(raised ? 'unacknowledged' : 'normal').toBe(state)
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

  it('a wall clock that jumped and was not noticed yet makes no sample missing', () => {
    const core = cabinet()
    samples(core, [[20, 0]])
    core.advance(10_000)
    core.wall += 3_600_000
    core.advance(900)
    expect(core.events).toEqual([])
    core.input({ kind: 'clock_stepped', at: core.at, stepMs: 3_600_000 })
    core.advance(MINUTE - 10_900)
    core.sample('pc-bsc1', counts(20, 0))
    expect(core.readingsOf('bsc1-p05').map(({ q, slots }) => [q, slots])).toEqual([
      ['good', undefined],
      ['good', undefined],
    ])
    expect(core.lastReading('bsc1-p05').t).toBe(START + 3_600_000 + MINUTE)
  })

  it('a garbled duration makes no slots without number', () => {
    const core = cabinet()
    samples(core, [[20, 0]])
    core.advance(MINUTE)
    core.sample('pc-bsc1', counts(20, 0), { durationMs: 0 })
    expect(core.lastReading('bsc1-p05')).toMatchObject({ q: 'bad', qc: 'config_changed' })
    core.advance(MINUTE)
    core.sample('pc-bsc1', counts(20, 0))
    expect(core.readings.length).toBe(6)
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
