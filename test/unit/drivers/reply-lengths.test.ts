// Replies without an id are told apart by length: what padding may and may not do. faults.md fact 6.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PlannedRead, positionKey } from '#drivers/modbus/read-plan.ts'
import { type Declared, uniqueLengths } from '#drivers/modbus/reply-lengths.ts'

const read = (address: number, quantity: number): PlannedRead => ({
  functionCode: 3,
  address,
  quantity,
  items: [],
})
const declared = (address: number, width: number): Declared => ({ functionCode: 3, address, width })
const none = new Set<number>()

const shapes = (reads: readonly PlannedRead[]) =>
  reads.map(({ address, quantity }) => [address, quantity])

describe('uniqueLengths', () => {
  it('leaves reads alone whose replies differ anyway, and the same read read twice', () => {
    const limits = { maxRegistersPerRead: 125, maxGap: 0, declared: [], forbidden: none }
    const taken = new Map<number, number>()
    expect(uniqueLengths([read(0, 2), read(10, 4)], taken, limits)).toEqual({
      reads: [read(0, 2), read(10, 4)],
      clashes: [],
    })
    expect(uniqueLengths([read(0, 2)], taken, limits).clashes).toEqual([])
  })

  it.each<[string, Declared[], number, [number, number][], number]>([
    [
      'into a declared neighbour above',
      [declared(0, 2), declared(20, 2), declared(22, 1)],
      0,
      [
        [0, 2],
        [20, 3],
      ],
      0,
    ],
    [
      'into a declared neighbour below',
      [declared(0, 2), declared(19, 1), declared(20, 2)],
      0,
      [
        [0, 2],
        [19, 3],
      ],
      0,
    ],
    [
      'over a gap that may be read over',
      [declared(0, 2), declared(20, 2), declared(23, 2)],
      1,
      [
        [0, 2],
        [20, 5],
      ],
      0,
    ],
    [
      'never over a gap that may not',
      [declared(0, 2), declared(20, 2), declared(23, 2)],
      0,
      [
        [0, 2],
        [20, 2],
      ],
      1,
    ],
    [
      'never into half a datum',
      [declared(0, 2), declared(20, 2), declared(22, 2)],
      0,
      [
        [0, 2],
        [20, 4],
      ],
      0,
    ],
    [
      'not where nothing is declared',
      [declared(0, 2), declared(20, 2)],
      9,
      [
        [0, 2],
        [20, 2],
      ],
      1,
    ],
  ])('pads %s', (_name, list, maxGap, expected, clashes) => {
    const limits = { maxRegistersPerRead: 125, maxGap, declared: list, forbidden: none }
    const result = uniqueLengths([read(0, 2), read(20, 2)], new Map(), limits)
    expect(shapes(result.reads)).toEqual(expected)
    expect(result.clashes).toHaveLength(clashes)
  })

  it('never into a register that is refused, nor beyond the longest read', () => {
    const list = [declared(0, 2), declared(20, 2), declared(22, 1)]
    const reads = [read(0, 2), read(20, 2)]
    const refused = {
      maxRegistersPerRead: 125,
      maxGap: 0,
      declared: list,
      forbidden: new Set([positionKey(3, 22)]),
    }
    expect(uniqueLengths(reads, new Map(), refused).clashes).toHaveLength(1)
    const short = { maxRegistersPerRead: 2, maxGap: 0, declared: list, forbidden: none }
    expect(uniqueLengths(reads, new Map(), short).clashes).toHaveLength(1)
  })

  it('covers what was to be read, and what does not clash has a length of its own', () => {
    const reads = fc.uniqueArray(
      fc.record({ address: fc.nat(100), quantity: fc.integer({ min: 1, max: 4 }) }),
      {
        maxLength: 8,
        selector: ({ address }) => address,
      },
    )
    const lists = fc.array(
      fc.record({ address: fc.nat(110), width: fc.integer({ min: 1, max: 4 }) }),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(reads, lists, fc.nat(3), (wanted, list, maxGap) => {
        const planned = wanted.map(({ address, quantity }) => read(address, quantity))
        const limits = {
          maxRegistersPerRead: 20,
          maxGap,
          declared: list.map(({ address, width }) => declared(address, width)),
          forbidden: none,
        }
        const { reads: padded, clashes } = uniqueLengths(planned, new Map(), limits)
        padded.forEach((result, index) => {
          const before = planned[index] as PlannedRead
          expect(result.address).toBeLessThanOrEqual(before.address)
          expect(result.address + result.quantity).toBeGreaterThanOrEqual(
            before.address + before.quantity,
          )
          expect(result.quantity).toBeLessThanOrEqual(20)
        })
        const apart = padded.filter(
          (_result, index) => !clashes.includes(planned[index] as PlannedRead),
        )
        // The same request twice is no clash: its reply is right for either.
        const requests = new Map(
          apart.map((result) => [`${result.address}+${result.quantity}`, result.quantity]),
        )
        expect(new Set(requests.values()).size).toBe(requests.size)
      }),
    )
  })
})
