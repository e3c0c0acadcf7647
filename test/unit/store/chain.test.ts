// What is hashed and summed, to the byte. A journal of today has to prove itself to an agent of later, and to other programs: the
// figures here were computed by another program from the bytes alone (Python's hashlib, and FNV-1a as published).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  commitHash,
  eventLine,
  genesisHash,
  lineCheck,
  lineChecks,
  readingLine,
} from '../../../agent/store/chain.ts'
import { STATE_SUM_ROW, StateSum, takeSum } from '../../../agent/store/state-sum.ts'

const GENESIS = '69f676680379db83b32d0fe7240cb15778c734a003fc3acbdf4a63c32e2baa9b'
const READING = '{"seq":1,"v":1.5}'

describe('URS-46 the chain of a journal', () => {
  it('begins with its epoch and origin', () => {
    expect(genesisHash('01JD3Z8Q5K', 'live').toString('hex')).toBe(GENESIS)
  })

  it('goes on with the header of a commit and the lines of its records', () => {
    const header = { first: 1, last: 2, wall: 1_763_806_500_000, mono: 5000, boot: 'b-1', tb: 3 }
    const lines = readingLine(READING, '3fc00000') + eventLine('{"seq":2}')
    expect(
      commitHash(Buffer.from(GENESIS, 'hex'), header, Buffer.from(lines)).toString('hex'),
    ).toBe('96d55c11126d5fc529f67098d4b3e974cfcb1e17a04b26c8e1fd968d0cc08abd')
  })

  it('HO6 each line has its check, little-endian, in UTF-8', () => {
    const lines = [readingLine(READING, '3fc00000'), eventLine('{"seq":2,"t":"µ"}')]
    expect(lineChecks(Buffer.from(lines.join('')), 2).toString('hex')).toBe('96cc83bb630f6b80')
    expect(lines.map(lineCheck)).toEqual([0xbb83cc96, 0x806b0f63])
    expect(readingLine(READING, undefined)).toBe(`${READING}\n`)
  })
})

describe('HO6 the sum of the state', () => {
  const rows = [
    ['alarm/x', '{"a":1}'],
    ['shelf/y', 'null'],
  ] as const

  it('is that of its rows, in any order, after whatever came and went', () => {
    expect(new StateSum([]).text).toBe('0')
    expect(new StateSum(rows).text).toBe('4237826099')
    const sum = new StateSum([rows[1], ['gone', 'x'], ['alarm/x', 'before']])
    sum.set(...rows[0])
    sum.set('gone', null)
    sum.set('never', null)
    sum.set(STATE_SUM_ROW, 'counts for nothing')
    expect(sum.text).toBe('4237826099')
  })

  it('is taken out of the rows, and found wrong where one character of any has changed', () => {
    expect(takeSum(new Map(rows)), 'a file that has none').toBe(true)
    const kept = new Map<string, string>([...rows, [STATE_SUM_ROW, '4237826099']])
    expect(takeSum(kept)).toBe(true)
    expect([...kept]).toEqual(rows)
    fc.assert(
      fc.property(fc.nat(1), fc.nat(1), fc.nat(6), fc.integer({ min: 1, max: 127 }), (...at) => {
        const [row, part, place, bits] = at
        const changed = rows.map((each) => [...each] as [string, string])
        const text = changed[row]?.[part] ?? ''
        const index = place % text.length
        const other = String.fromCharCode(text.charCodeAt(index) ^ bits)
        changed[row]?.splice(part, 1, text.slice(0, index) + other + text.slice(index + 1))
        expect(takeSum(new Map([...changed, [STATE_SUM_ROW, '4237826099']]))).toBe(false)
      }),
    )
  })
})
