// The rolling cubic metre as a function: as few of the newest samples as make 1 m³, and none that is too old.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  EMPTY_WINDOW,
  enterWindow,
  fillTimeMs,
  type ParticleWindow,
  rollingSum,
} from '#core/particle-window.ts'

const FILL_MS = 100
type Sample = readonly [afterMs: number, counts: number, litres: number]

const entered = (samples: readonly Sample[]): ParticleWindow => {
  let t = 0
  return samples.reduce((window, [afterMs, counts, litres]) => {
    t += afterMs
    return enterWindow(window, t, { counts, litres, rec: t }, { fillMs: FILL_MS, recentMax: 3 })
  }, EMPTY_WINDOW)
}

it('URS-21 holds as few of the newest samples as make a cubic metre, of twice the fill time at most', () => {
  const sample = fc.tuple(
    fc.nat(120),
    fc.nat(3),
    fc.constantFrom(1, 28, 250, 499, 500, 501, 999, 1000, 1001),
  )
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 30 }), (samples) => {
      const all = samples.map(([, counts, litres], index) => {
        const t = samples.slice(0, index + 1).reduce((sum, [afterMs]) => sum + afterMs, 0)
        return [t, counts, litres] as const
      })
      const now = all.at(-1)?.[0] ?? 0
      const young = all.filter(([t]) => now - t <= 2 * FILL_MS)
      const litresFrom = (index: number) =>
        young.slice(index).reduce((sum, [, , litres]) => sum + litres, 0)
      const first = young.findLastIndex((_, index) => litresFrom(index) >= 1000)
      const { rolling, run, recent } = entered(samples)
      expect(rolling).toEqual(young.slice(Math.max(0, first)))
      const counts = all.map(([, each]) => each)
      expect(run).toBe(counts.length - 1 - counts.lastIndexOf(0))
      expect(recent).toEqual(counts.slice(-3).map((each) => (each > 0 ? 1 : 0)))
    }),
  )
})

it('takes neighbours together where samples are small, and loses no count and no litre', () => {
  const one = [0, 1, 1] as const
  expect(entered(Array(256).fill(one)).rolling).toHaveLength(256)
  const many = entered(Array(257).fill(one))
  expect(many.rolling).toHaveLength(129)
  expect(many.rolling.slice(-2)).toEqual([
    [0, 2, 2],
    [0, 1, 1],
  ])
  expect(rollingSum(many)).toEqual({ counts: 257, litres: 257 })
})

it('takes 35.3 minutes at 28.3 litres a minute', () => {
  expect(fillTimeMs(28.3) / 60_000).toBeCloseTo(35.336, 3)
})
