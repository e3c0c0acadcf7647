// What a damaged file tells of itself, looked at before it is believed: a page that was altered can hold anything in any column, also
// what its type forbids. Pure; throws where a value is none of its kind, and decides nothing about what follows.

import type { ChainPosition } from './audit.ts'
import type { Base, Covered, Tail } from './segment.ts'

const HASH_BYTES = 32

function need(holds: boolean, what: string): void {
  if (!holds) throw new Error(`${what} is damaged`)
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0

/** The position, when it is one. */
export function plausiblePosition<P extends ChainPosition>(position: P): P {
  const { seq, hash, readings, events } = position
  need([seq, readings, events].every(isCount), 'the position in the chain')
  need(hash instanceof Uint8Array && hash.length === HASH_BYTES, 'the hash of the chain')
  return position
}

/** The epoch of a file, whatever else its beginning says. */
export function plausibleEpoch({ epoch }: Base): string {
  need(typeof epoch === 'string' && epoch !== '', 'the epoch')
  return epoch
}

/** Where a file begins, when it says so. */
export function plausibleBase(base: Base): Base {
  plausibleEpoch(base)
  need(base.origin === 'instrument' || base.origin === 'simulated', 'the origin')
  return plausiblePosition(base)
}

/** The moment of the newest commit, when it is one. */
export function plausibleTail(tail: Tail | undefined): Tail | undefined {
  if (tail === undefined) return undefined
  const { seq, at, bootId, tb } = tail
  need(isCount(seq) && isCount(tb) && isCount(at.wall), 'the moment of the last commit')
  need(Number.isFinite(at.mono) && typeof bootId === 'string', 'the boot of the last commit')
  return tail
}

/** State rows that are texts of JSON under names that are texts. */
export function plausibleState(rows: readonly (readonly [string, string])[]): Map<string, string> {
  for (const [key, value] of rows) {
    need(typeof key === 'string' && typeof value === 'string', 'a row of the state')
    JSON.parse(value)
  }
  return new Map(rows)
}

/** Coverage of points by slots that are numbers. */
export function plausibleCoverage(coverage: Map<string, Covered>): Map<string, Covered> {
  for (const [point, { t, slots }] of coverage)
    need(
      typeof point === 'string' && point !== '' && isCount(t) && isCount(slots),
      'the coverage of a point',
    )
  return coverage
}
