// Ranges of what is lost: the same as the sets of numbers they stand for.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SeqRange } from '#ports/store.ts'
import {
  countIn,
  covers,
  isIn,
  type LostOfFile,
  outside,
  parseLosses,
  Ranges,
  united,
  withLoss,
} from '../../../agent/store/losses.ts'

const END = 40
const numbers = Array.from({ length: END + 2 }, (_, index) => index)
const range: fc.Arbitrary<SeqRange> = fc
  .tuple(fc.integer({ min: 1, max: END }), fc.nat(8))
  .map(([from, length]) => [from, Math.min(END, from + length)])
const ranges = fc.array(range, { maxLength: 8 })
const within = (all: readonly SeqRange[]) =>
  numbers.filter((seq) => all.some(([from, through]) => from <= seq && seq <= through))
/** Ascending, and none touches the next: the shortest way of saying it. */
const isShortest = (all: readonly SeqRange[]) =>
  all.every(([from, through], index) => from <= through && from > (all[index - 1]?.[1] ?? -1) + 1)

describe('ranges of what is lost', () => {
  it('united are the numbers of all, each told once', () => {
    fc.assert(
      fc.property(ranges, ranges, (some, others) => {
        const union = united(some, others)
        const expected = within([...some, ...others])
        expect(within(union)).toEqual(expected)
        expect(isShortest(union)).toBe(true)
        expect(countIn(union)).toBe(expected.length)
        expect(numbers.filter((seq) => isIn(union, seq))).toEqual(expected)
      }),
    )
  })

  it('outside of some is what the whole has and they have not', () => {
    fc.assert(
      fc.property(range, ranges, (whole, given) => {
        const without = united(given)
        const gone = new Set(within(without))
        const left = outside(whole, without)
        expect(within(left)).toEqual(within([whole]).filter((seq) => !gone.has(seq)))
        expect(isShortest(left)).toBe(true)
      }),
    )
  })

  it('of a file grow by what is found, cover it then, and survive their row', () => {
    fc.assert(
      fc.property(ranges, ranges, ranges, (readings, event, more) => {
        const lost: LostOfFile = { readings: united(readings), event: united(event) }
        const known = withLoss(new Map(), 'a', lost)
        expect(covers(undefined, lost)).toBe(false)
        expect(covers(known.get('a'), lost)).toBe(true)
        const other: LostOfFile = { readings: [], event: united(more) }
        const isNew = within(more).some((seq) => !isIn(lost.event, seq))
        expect(covers(known.get('a'), other)).toBe(!isNew)
        const both = withLoss(withLoss(known, 'b', other), 'a', other)
        expect(both.get('a')).toEqual({
          readings: lost.readings,
          event: united(event, more),
        })
        expect(both.get('b')).toEqual(other)
        expect(parseLosses(JSON.stringify(Object.fromEntries(both)))).toEqual(both)
      }),
    )
    expect(parseLosses(undefined)).toEqual(new Map())
    expect(parseLosses(null)).toEqual(new Map())
  })

  it('are named up to ten thousand', () => {
    const many = new Ranges()
    for (let index = 1; index < 10_000; index++) many.add(2 * index, 2 * index)
    expect(many.full).toBe(false)
    many.add(20_000, 20_000)
    expect(many.full).toBe(true)
  })
})
