// Which registers are read together: each datum exactly once and whole, whatever the limits.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type PlanItem,
  type PlannedRead,
  planReads,
  positionKey,
  splitRead,
} from '#drivers/modbus/read-plan.ts'
import { FUNCTION_OF, isBitFunction } from '#drivers/modbus/request.ts'
import { TABLES, type Table } from '#drivers/profile.ts'

const free = { cuts: new Set<number>(), forbidden: new Set<number>() }

const items = fc
  .array(
    fc.record({
      table: fc.constantFrom<Table>(...TABLES),
      address: fc.nat(400),
      width: fc.constantFrom(1, 1, 2, 2, 4, 8),
    }),
    { maxLength: 60 },
  )
  .map((list) =>
    list.map(({ table, address, width }, index): PlanItem => {
      const bits = isBitFunction(FUNCTION_OF[table])
      return { index, table, address, width: bits ? 1 : width }
    }),
  )

const limits = fc.record({
  maxRegistersPerRead: fc.integer({ min: 8, max: 125 }),
  maxGap: fc.nat(20),
})

const keysOf = (read: PlannedRead) =>
  Array.from({ length: read.quantity }, (_, index) =>
    positionKey(read.functionCode, read.address + index),
  )

describe('planReads', () => {
  it('covers each datum exactly once, whole, in its own table, within the limits', () => {
    fc.assert(
      fc.property(items, limits, (list, limit) => {
        const reads = planReads(list, limit, free)
        const covered = reads.flatMap((read) => read.items.map(({ index }) => index))
        expect(covered.toSorted((a, b) => a - b)).toEqual(list.map(({ index }) => index))
        for (const read of reads) {
          const most = isBitFunction(read.functionCode) ? 2000 : limit.maxRegistersPerRead
          expect(read.quantity).toBeGreaterThan(0)
          expect(read.quantity).toBeLessThanOrEqual(most)
          for (const item of read.items) {
            expect(FUNCTION_OF[item.table]).toBe(read.functionCode)
            expect(item.address).toBeGreaterThanOrEqual(read.address)
            expect(item.address + item.width).toBeLessThanOrEqual(read.address + read.quantity)
          }
        }
      }),
    )
  })

  it('reads over no gap wider than allowed, no forbidden address, and past no cut', () => {
    fc.assert(
      fc.property(
        items,
        limits,
        fc.array(fc.nat(400)),
        fc.array(fc.nat(400)),
        (list, limit, bad, cut) => {
          const inItem = new Set(
            list.flatMap((item) =>
              Array.from({ length: item.width }, (_, index) =>
                positionKey(FUNCTION_OF[item.table], item.address + index),
              ),
            ),
          )
          const forbidden = new Set(
            bad.map((address) => positionKey(3, address)).filter((key) => !inItem.has(key)),
          )
          const starts = new Set(
            list.map(({ table, address }) => positionKey(FUNCTION_OF[table], address)),
          )
          const cuts = new Set(
            cut.map((address) => positionKey(4, address)).filter((key) => starts.has(key)),
          )
          for (const read of planReads(list, limit, { cuts, forbidden })) {
            let gap = 0
            for (const key of keysOf(read)) {
              gap = inItem.has(key) ? 0 : gap + 1
              expect(gap).toBeLessThanOrEqual(limit.maxGap)
              expect(forbidden.has(key)).toBe(false)
            }
            for (const item of read.items) {
              const key = positionKey(read.functionCode, item.address)
              if (cuts.has(key)) expect(item.address).toBe(read.address)
            }
          }
        },
      ),
    )
  })

  it('packs what lies together into one read, up to the most the protocol allows', () => {
    const words = Array.from(
      { length: 130 },
      (_, index): PlanItem => ({ index, table: 'input_register', address: index, width: 1 }),
    )
    const wide = { maxRegistersPerRead: 500, maxGap: 0 }
    expect(planReads(words, wide, free).map(({ quantity }) => quantity)).toEqual([125, 5])
    const coils = Array.from(
      { length: 2001 },
      (_, index): PlanItem => ({ index, table: 'coil', address: index, width: 1 }),
    )
    expect(planReads(coils, wide, free).map(({ quantity }) => quantity)).toEqual([2000, 1])
  })

  it('reads a datum wider than the limit alone', () => {
    const wide: PlanItem = { index: 0, table: 'holding_register', address: 0, width: 8 }
    const next: PlanItem = { index: 1, table: 'holding_register', address: 8, width: 1 }
    const reads = planReads([wide, next], { maxRegistersPerRead: 4, maxGap: 0 }, free)
    expect(reads.map(({ address, quantity }) => [address, quantity])).toEqual([
      [0, 8],
      [8, 1],
    ])
  })
})

describe('splitRead', () => {
  it('URS-12 halves until each datum that overlaps no other stands alone, losing none', () => {
    fc.assert(
      fc.property(items, limits, (list, limit) => {
        const pending = [...planReads(list, limit, free)]
        const atoms: PlannedRead[] = []
        for (let read = pending.pop(); read !== undefined; read = pending.pop()) {
          const halves = splitRead(read)
          if (halves === undefined) atoms.push(read)
          else {
            expect(halves[0].address + halves[0].quantity).toBeLessThanOrEqual(halves[1].address)
            pending.push(...halves)
          }
        }
        const found = atoms.flatMap((read) => read.items.map(({ index }) => index))
        expect(found.toSorted((a, b) => a - b)).toEqual(list.map(({ index }) => index))
        for (const { items: inside } of atoms) {
          if (inside.length < 2) continue
          let reached = 0
          inside.forEach((item, position) => {
            if (position > 0) expect(item.address).toBeLessThan(reached)
            reached = Math.max(reached, item.address + item.width)
          })
        }
      }),
    )
  })
})
