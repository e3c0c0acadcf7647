// Randomness is injected: production hands in the system's source, tests a seeded one.

/** A source of uniform numbers in [0, 1). */
export type Random = () => number

/** A small seeded generator (mulberry32) for simulators and tests: same seed, same numbers. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A 26-character ULID of the given wall time: sortable by time, unique by 80 random bits. */
export function ulid(wallMs: number, random: Random): string {
  let time = ''
  let rest = Math.max(0, Math.floor(wallMs))
  for (let index = 0; index < 10; index++) {
    time = CROCKFORD.charAt(rest % 32) + time
    rest = Math.floor(rest / 32)
  }
  let tail = ''
  for (let index = 0; index < 16; index++) tail += CROCKFORD.charAt(Math.floor(random() * 32))
  return time + tail
}
