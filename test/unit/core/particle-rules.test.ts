// The rules that judge rare counts: the rolling cubic metre by volume, n consecutive, x of y, a single high (URS-21).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cabinet, counts, samples, unratedCabinet } from '../../support/cabinet.ts'

const MINUTE = 60_000

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
    const core = unratedCabinet()
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

  it.each([
    [69, 'unacknowledged'],
    [71, 'normal'],
  ])('of a counter whose flow nobody states holds a sample of %d minutes ago: %s', (age, state) => {
    const core = unratedCabinet()
    samples(core, [[29, 29]])
    core.advance(age * MINUTE)
    core.sample('pc-bsc1', counts(1, 1))
    expect(core.is('bsc1-p5.rolling')).toBe(state)
  })

  it('URS-21 A1 forgets no sample that is newer: an interruption ends no alarm', () => {
    const core = cabinet()
    samples(core, [[0, 0]])
    core.advance(68 * MINUTE)
    samples(core, [[30, 30]])
    core.advance(2 * MINUTE)
    samples(core, [[0, 0]])
    expect(core.is('bsc1-p5.rolling')).toBe('unacknowledged')
    core.advance(2 * 35.4 * MINUTE)
    samples(core, [[0, 0]])
    expect(core.is('bsc1-p5.rolling')).toBe('latched_unacknowledged')
  })

  it('URS-21 A1 forgets no sample that is newer: an interruption hides no excursion', () => {
    const core = cabinet()
    samples(core, [[9, 9]])
    core.advance(68 * MINUTE)
    samples(core, [[20, 20]])
    core.advance(2 * MINUTE)
    samples(core, [[9, 9]])
    expect(core.is('bsc1-p5.rolling')).toBe('normal')
    samples(core, [[1, 1]])
    expect(core.is('bsc1-p5.rolling')).toBe('unacknowledged')
  })

  it.each([3 * 60 * MINUTE, -3 * 60 * MINUTE])(
    'URS-21 URS-51 HO8 keeps its samples through a step of the wall clock by %i ms, also over a restart, and forgets none too late',
    (stepMs) => {
      for (const restart of [false, true]) {
        const core = cabinet()
        samples(core, [[29, 29]])
        core.stepWall(stepMs)
        if (restart) core.restart(1000)
        samples(core, [[1, 1]])
        expect(core.is('bsc1-p5.rolling'), `restart: ${restart}`).toBe('unacknowledged')
        core.advance(2 * 35.4 * MINUTE)
        samples(core, [[0, 0]])
        expect(core.is('bsc1-p5.rolling')).toBe('latched_unacknowledged')
      }
    },
  )

  it('takes neighbours together where samples are small, and judges the same', () => {
    const core = cabinet()
    const litres = 28.3 / 10
    for (let index = 0; index < 800; index++) {
      core.advance(6000)
      core.sample('pc-bsc1', counts(1, index % 27 === 0 ? 1 : 0), { litres, durationMs: 6000 })
    }
    const rows = JSON.parse(core.persisted.get('window/bsc1-p5') ?? '{}') as {
      rolling: [number, number, number][]
    }
    expect(rows.rolling.length).toBeLessThanOrEqual(256)
    const volume = rows.rolling.reduce((sum, [, , each]) => sum + each, 0)
    expect(volume).toBeGreaterThanOrEqual(1000)
    expect(volume).toBeLessThan(1012)
    expect(core.is('bsc1-p5.rolling')).toBe('normal')
    for (let index = 0; index < 20; index++) {
      core.advance(6000)
      core.sample('pc-bsc1', counts(1, 1), { litres, durationMs: 6000 })
    }
    expect(core.is('bsc1-p5.rolling')).toBe('unacknowledged')
  })

  it('agrees with summing everything anew, whatever the samples', () => {
    const sampleArb = fc.record({
      n: fc.integer({ min: 0, max: 12 }),
      litres: fc.constantFrom(28.3, 27.4, 50, 283),
    })
    fc.assert(
      fc.property(fc.array(sampleArb, { maxLength: 60 }), (rows) => {
        const core = unratedCabinet()
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
