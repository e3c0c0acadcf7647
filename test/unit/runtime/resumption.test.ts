import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closeGrid, resume, slotOf } from '#core/schedule.ts'
import { formatDuration, parseDuration } from '#core/time.ts'

describe('URS-01 slots across a restart', () => {
  const cases: [
    what: string,
    covered: { t: number; slots: number } | undefined,
    now: number,
    missed: object | undefined,
    next: number,
  ][] = [
    ['a new point starts with the slot that contains now', undefined, 12_345, undefined, 12_000],
    [
      'back within the covered slot: the next one is polled',
      { t: 12_000, slots: 1 },
      12_345,
      undefined,
      13_000,
    ],
    [
      'back in the following slot: nothing was missed',
      { t: 11_000, slots: 1 },
      12_345,
      undefined,
      12_000,
    ],
    [
      'back one slot later: one was missed',
      { t: 10_000, slots: 1 },
      12_345,
      { t: 11_000, slots: 1 },
      12_000,
    ],
    ['back after a long time', { t: 10_000, slots: 1 }, 60_400, { t: 11_000, slots: 49 }, 60_000],
    [
      'the last record covered a run',
      { t: 10_000, slots: 20 },
      60_000,
      { t: 30_000, slots: 30 },
      60_000,
    ],
    ['late in a slot: the next one is the first', undefined, 12_600, undefined, 13_000],
    [
      'late in a slot after a stop: that slot was missed',
      { t: 10_000, slots: 1 },
      12_600,
      { t: 11_000, slots: 2 },
      13_000,
    ],
    ['exactly at a boundary', { t: 10_000, slots: 1 }, 11_000, undefined, 11_000],
  ]
  it.each(cases)('%s', (_what, covered, now, missed, next) => {
    expect(resume(covered, now, 1000)).toEqual({ next, ...(missed && { missed }) })
  })

  it('property: covered, missed and next join without hole or overlap', () => {
    const interval = fc.integer({ min: 1, max: 600 }).map((n) => n * 100)
    fc.assert(
      fc.property(
        interval,
        fc.nat(100_000),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(10_000_000),
        (ms, at, slots, down) => {
          const covered = { t: slotOf(at, ms), slots }
          const now = at + down
          const { missed, next } = resume(covered, now, ms)
          const end = covered.t + slots * ms
          expect(missed === undefined ? end : missed.t).toBe(missed === undefined ? next : end)
          if (missed) expect(missed.t + missed.slots * ms).toBe(next)
          expect(next).toBeGreaterThanOrEqual(slotOf(now, ms))
          expect(next % ms).toBe(0)
        },
      ),
    )
  })

  it('closes the old grid up to the slot that contains now when an interval changes', () => {
    expect(closeGrid({ t: 10_000, slots: 1 }, 15_500, 1000)).toEqual({ t: 11_000, slots: 4 })
    expect(closeGrid({ t: 10_000, slots: 1 }, 10_500, 1000)).toBeUndefined()
  })
})

describe('durations in words', () => {
  it.each([
    ['250ms', 250],
    ['1s', 1000],
    ['15min', 900_000],
    ['8h', 28_800_000],
    ['30d', 2_592_000_000],
    ['1.5s', 1500],
    ['', undefined],
    ['5', undefined],
    ['5 minutes', undefined],
    ['-1s', undefined],
    ['1m', undefined],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })
  it('prints the largest whole unit', () => {
    expect([250, 1000, 900_000, 28_800_000, 90_000, 0].map(formatDuration)).toEqual([
      '250ms',
      '1s',
      '15min',
      '8h',
      '90s',
      '0ms',
    ])
  })
})
