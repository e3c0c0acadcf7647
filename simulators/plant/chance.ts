// Random quantities from a uniform source: Poisson counts, normal deviates, slow fluctuations, and one seed per name.
// Never draws from anything but the source it is given, so that the same seed gives the same plant.

import { type Random, seededRandom } from '#core/random.ts'

/** Below this mean a Poisson number is drawn by multiplication, above it by chopping the mean in parts. */
const DIRECT_MEAN_MAX = 30
/** Above this mean the normal approximation is exact to a few parts in a thousand. */
const NORMAL_MEAN_MIN = 2000

/** A normal deviate of mean 0 and standard deviation 1 (Box and Muller). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()))
  return radius * Math.cos(2 * Math.PI * random())
}

/** A Poisson number of the given mean: what a counter sees of particles that come independently. */
export function poisson(mean: number, random: Random): number {
  if (!(mean > 0)) return 0
  if (mean >= NORMAL_MEAN_MIN) {
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)))
  }
  let total = 0
  let rest = mean
  // A sum of Poisson numbers is Poisson: at most NORMAL_MEAN_MIN / DIRECT_MEAN_MAX rounds.
  while (rest > DIRECT_MEAN_MAX) {
    total += poissonDirect(DIRECT_MEAN_MAX, random)
    rest -= DIRECT_MEAN_MAX
  }
  return total + poissonDirect(rest, random)
}

function poissonDirect(mean: number, random: Random): number {
  const threshold = Math.exp(-mean)
  let product = random()
  let count = 0
  while (product > threshold) {
    product *= random()
    count++
  }
  return count
}

/** A fluctuation around 0 (Ornstein–Uhlenbeck): standard deviation and correlation time in seconds. */
export interface Fluctuation {
  readonly deviation: number
  readonly seconds: number
  value: number
}

/** Moves a fluctuation on by the given seconds. */
export function fluctuate(state: Fluctuation, seconds: number, random: Random): number {
  const keep = Math.exp(-seconds / state.seconds)
  state.value = state.value * keep + state.deviation * Math.sqrt(1 - keep * keep) * normal(random)
  return state.value
}

/** A generator of its own for each name: adding an instrument does not change what the others see. */
export function randomFor(seed: number, name: string): Random {
  return seededRandom((seed ^ hashOf(name)) >>> 0)
}

/** A 32-bit hash of a name (FNV-1a). */
export function hashOf(name: string): number {
  let hash = 0x811c9dc5
  for (const character of name) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  }
  return hash >>> 0
}
