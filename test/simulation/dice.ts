// Seeded chance in the words of the simulation. One seed gives many independent streams, so that a draw more in one part
// does not change what another part does.

import { type Random, seededRandom } from '#core/random.ts'

export class Dice {
  readonly random: Random

  constructor(seed: number) {
    this.random = seededRandom(seed)
    for (let skip = 0; skip < 4; skip++) this.random()
  }

  /** An independent stream with a name of its own. */
  stream(name: string): Dice {
    let mixed = Math.floor(this.#base() * 2 ** 32)
    for (let index = 0; index < name.length; index++) {
      mixed = Math.imul(mixed ^ name.charCodeAt(index), 16_777_619)
      mixed ^= mixed >>> 13
    }
    return new Dice(mixed >>> 0)
  }

  #first: number | undefined
  #base(): number {
    this.#first ??= this.random()
    return this.#first
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.random() < probability
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + this.random() * (high - low)
  }

  /** Whole, uniform in [low, high]. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1))
  }

  /** Exponential with the given mean, at most thirty times it. */
  about(mean: number): number {
    return Math.min(30 * mean, -Math.log(1 - this.random()) * mean)
  }

  pick<T>(from: readonly T[]): T {
    const found = from[Math.floor(this.random() * from.length)]
    if (found === undefined) throw new Error('nothing to pick from')
    return found
  }
}
