// When two serial numbers are the same one: written by a person and read from an instrument.

import { describe, expect, it } from 'vitest'
import { isSameSerial } from '../../../agent/runtime/identity.ts'

describe('URS-14 serial numbers are equal', () => {
  it.each<[string, string | undefined, boolean]>([
    ['S-1', 'S-1', true],
    [' S-1', 'S-1 ', true],
    ['S-1', 's-1', false],
    ['0200512003', '200512003', true],
    ['200512003', '200512004', false],
    ['12', '12A', false],
    ['18446744073709551615', '18446744073709551614', false],
    ['S-1', undefined, false],
    ['', '0', false],
  ])('%j and %j: %s', (expected, found, same) => {
    expect(isSameSerial(expected, found)).toBe(same)
  })
})
