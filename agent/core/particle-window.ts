// The windows over a particle channel that judge rare counts (limits.md): the rolling cubic metre by volume, consecutive
// samples with a count, x of the last y. Only good samples enter. Decides no alarm.

import type { SampleDetail } from './reading.ts'
import type { Millis } from './time.ts'

/** Windows over the samples of one channel; only good samples enter. Persisted. */
export interface ParticleWindow {
  /** Newest last; together hold the rolling cubic metre. */
  readonly rolling: readonly (readonly [t: Millis, counts: number, litres: number])[]
  /** Consecutive good samples with at least one count. */
  readonly run: number
  /** The last good samples, newest last: whether each had a count. */
  readonly recent: readonly (0 | 1)[]
}

export const EMPTY_WINDOW: ParticleWindow = { rolling: [], run: 0, recent: [] }

const CUBIC_METRE_LITRES = 1000
/** Entries of the rolling cubic metre at the most; where samples are smaller, neighbours are taken together. */
const ROLLING_MAX = 256

type RollingEntry = ParticleWindow['rolling'][number]

/**
 * A good sample enters the windows of its channel. `fillMs` is the nominal time to sample a cubic metre, `recentMax` the y
 * of x of y. What is older than twice that time leaves the cubic metre, and nothing that is newer: where sampling was interrupted,
 * a violation of a minute ago is not forgotten with a sample of an hour ago (decision 0030).
 */
export function enterWindow(
  window: ParticleWindow,
  t: Millis,
  { counts, litres }: SampleDetail,
  { fillMs, recentMax }: { readonly fillMs: Millis; readonly recentMax: number },
): ParticleWindow {
  const fresh = window.rolling.filter(([sampled]) => t - sampled <= 2 * fillMs)
  const samples = [...fresh, [t, counts, litres] as const]
  let sum = samples.reduce((total, [, , each]) => total + each, 0)
  let first = 0
  for (
    let each = samples[first]?.[2];
    each !== undefined && sum - each >= CUBIC_METRE_LITRES;
    each = samples[first]?.[2]
  ) {
    sum -= each
    first++
  }
  return {
    rolling: bounded(samples.slice(first)),
    run: counts > 0 ? window.run + 1 : 0,
    recent:
      recentMax === 0
        ? []
        : [...window.recent, counts > 0 ? (1 as const) : (0 as const)].slice(-recentMax),
  }
}

/** The wall clock stepped: samples keep their age. */
export const shiftWindow = (window: ParticleWindow, stepMs: Millis): ParticleWindow => ({
  ...window,
  rolling: window.rolling.map(([t, counts, litres]) => [t + stepMs, counts, litres]),
})

/** Takes neighbours together where there are too many; the window then reaches past 1 m³ by less than one such pair. */
function bounded(entries: readonly RollingEntry[]): readonly RollingEntry[] {
  if (entries.length <= ROLLING_MAX) return entries
  const pairs: RollingEntry[] = []
  for (let index = 0; index < entries.length; index += 2) {
    const [t, counts, litres] = entries[index] ?? [0, 0, 0]
    const [, moreCounts, moreLitres] = entries[index + 1] ?? [0, 0, 0]
    pairs.push([t, counts + moreCounts, litres + moreLitres])
  }
  return pairs
}

/** Counts and litres of the rolling cubic metre. */
export function rollingSum({ rolling }: ParticleWindow): { counts: number; litres: number } {
  let counts = 0
  let litres = 0
  for (const [, each, volume] of rolling) {
    counts += each
    litres += volume
  }
  return { counts, litres }
}

/** Nominal time to sample one cubic metre, ms (35.3 min at 28.3 L/min). */
export const fillTimeMs = (flowLpm: number): Millis => (CUBIC_METRE_LITRES / flowLpm) * 60_000
