// Interpretation of raw registers, references and exceptions: tables from the manuals, and properties
// against an encoder written apart from the decoders.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exceptionWords } from '#drivers/commissioning/exception-words.ts'
import { interpretBits, interpretRegisters, isPlausible } from '#drivers/commissioning/interpret.ts'
import { parseReference, referenceOf } from '#drivers/commissioning/reference.ts'
import { BYTE_ORDERS, type ByteOrder, TABLES, type Table } from '#drivers/profile.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** The bytes of a big-endian number as they stand on the wire in an order, written from its definition. */
function onWire(big: Buffer, order: ByteOrder): Buffer {
  const words = Array.from({ length: big.length / 2 }, (_, index) =>
    big.subarray(index * 2, index * 2 + 2),
  )
  const placed = order === 'CDAB' || order === 'DCBA' ? words.toReversed() : words
  const swap = order === 'BADC' || order === 'DCBA'
  return Buffer.concat(placed.map((word) => (swap ? Buffer.from(word).reverse() : word)))
}

describe('URS-60 raw registers in every type and byte order', () => {
  const golden: [name: string, hex: string, type: string, order: ByteOrder, text: string][] = [
    ['Vaisala humidity 41F47AE1', '41F4 7AE1', 'f32', 'ABCD', '30.56'],
    ['the same, low word first', '7AE1 41F4', 'f32', 'CDAB', '30.56'],
    ['the same, bytes swapped', 'F441 E17A', 'f32', 'BADC', '30.56'],
    ['the same, reversed', 'E17A F441', 'f32', 'DCBA', '30.56'],
    ['Vaisala test C2F6E666', 'C2F6 E666', 'f32', 'ABCD', '-123.45'],
    ['as Vaisala sends it', 'E666 C2F6', 'f32', 'CDAB', '-123.45'],
    ['a record number', '0000 04B4', 'u32', 'ABCD', '1204'],
    ['the same, low word first', '04B4 0000', 'u32', 'CDAB', '1204'],
    ['a negative count', 'FFFF FFFB', 'i32', 'ABCD', '-5'],
    ['binary-coded decimal', '1234 5678', 'bcd32', 'ABCD', '12345678'],
    ['a double', '4037 0000 0000 0000', 'f64', 'ABCD', '23'],
    ['a double, last word first', '0000 0000 0000 4037', 'f64', 'CDAB', '23'],
    ['a long count', '0000 0000 0001 E240', 'u64', 'ABCD', '123456'],
    ['a negative long count', 'FFFF FFFF FFFF FFFF', 'i64', 'ABCD', '-1'],
    ['quiet NaN', '7FC0 0000', 'f32', 'ABCD', 'NaN'],
    ['infinity', '7F80 0000', 'f32', 'ABCD', 'Infinity'],
    ['more than a number can hold', 'FFFF FFFF FFFF FFFF', 'u64', 'ABCD', 'beyond 2^53'],
    ['no binary-coded decimal', 'ABCD EF00', 'bcd32', 'ABCD', '-'],
  ]
  it.each(golden)('%s: %s as %s %s is %s', (_name, hex, type, order, text) => {
    const found = interpretRegisters(bytes(hex), 100).numbers.filter(
      (number) => number.address === 100 && number.type === type && number.byteOrder === order,
    )
    expect(found.map((number) => number.text)).toEqual([text])
  })

  it('marks the one byte order that makes sense of a golden vector', () => {
    for (const order of BYTE_ORDERS) {
      const { numbers } = interpretRegisters(onWire(bytes('C2F6E666'), order), 0)
      const marked = numbers.filter(({ type, plausible }) => type === 'f32' && plausible)
      expect(marked.map(({ byteOrder, text }) => `${byteOrder} ${text}`)).toEqual([
        `${order} -123.45`,
      ])
    }
  })

  it('shows Vaisala test registers 7936 to 7938 as the manual prints them', () => {
    const { registers, numbers } = interpretRegisters(bytes('CFC7 E666 C2F6'), 7936)
    expect(registers[0]).toMatchObject({ address: 7936, hex: 'CFC7', i16: -12_345, u16: 53_191 })
    const test = numbers.find(({ address, type, byteOrder }) => {
      return address === 7937 && type === 'f32' && byteOrder === 'CDAB'
    })
    expect(test).toMatchObject({ value: -123.45, plausible: true })
  })

  it('finds any float in its own byte order', () => {
    const float = fc.float({ min: Math.fround(0.001), max: 999_999, noNaN: true })
    fc.assert(
      fc.property(float, fc.constantFrom(...BYTE_ORDERS), (value, order) => {
        const big = Buffer.alloc(4)
        big.writeFloatBE(value)
        const number = interpretRegisters(onWire(big, order), 0).numbers.find(
          ({ type, byteOrder }) => type === 'f32' && byteOrder === order,
        )
        expect(Math.fround(number?.value ?? Number.NaN)).toBe(value)
        expect(number?.plausible).toBe(true)
      }),
    )
  })

  it('covers every address with every width that fits, whatever came', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 40 }), (raw) => {
        const data = raw.subarray(0, raw.length & ~1)
        const count = data.length / 2
        const { registers, numbers } = interpretRegisters(data, 10)
        expect(registers).toHaveLength(count)
        expect(numbers).toHaveLength(4 * (4 * Math.max(0, count - 1) + 3 * Math.max(0, count - 3)))
        for (const { value, text } of numbers) {
          expect(value === null || Number.isFinite(value)).toBe(true)
          expect(text).not.toBe('')
        }
      }),
    )
  })

  it('says nothing of zeros, and notes what stands for "no value"', () => {
    const zeros = interpretRegisters(bytes('0000 0000'), 0)
    expect(zeros.allZero).toBe(true)
    expect(zeros.numbers.filter(({ plausible }) => plausible)).toEqual([])
    const notes = interpretRegisters(bytes('8000 7FFF 8001 FFFF 7FC0'), 0).registers
    expect(notes.map(({ note }) => note?.slice(0, 5))).toEqual([
      '8000h',
      '7FFFh',
      '8001h',
      'FFFFh',
      undefined,
    ])
  })

  it('knows the clock of an instrument by the time it is', () => {
    const now = Date.UTC(2026, 10, 22, 9, 0)
    const big = Buffer.alloc(4)
    big.writeUInt32BE(now / 1000 - 3600)
    const noted = (wall?: number) =>
      interpretRegisters(big, 0, wall).numbers.flatMap(({ note }) => note ?? [])
    expect(noted(now)).toEqual(['as a time: 2026-11-22T08:00:00Z'])
    expect(noted()).toEqual([])
    expect(noted(now + 400 * 86_400_000)).toEqual([])
  })

  it('shows text as it came and with its bytes swapped', () => {
    const found = interpretRegisters(bytes('2D31 3233 2E34 3500'), 0)
    expect(found).toMatchObject({ text: '-123.45.', swappedText: '1-32' + '4..5' })
  })

  it('shows bits from the lowest on', () => {
    expect(
      interpretBits(bytes('05 01'), 7, 9)
        .map(({ value }) => value)
        .join(''),
    ).toBe('101000001')
    expect(interpretBits(bytes('05'), 7, 1)).toEqual([{ address: 7, value: 1 }])
  })

  it.each([
    ['f32', 0, false],
    ['f32', 0.0009, false],
    ['f32', 0.001, true],
    ['f32', -999_999, true],
    ['f64', 1e6, false],
    ['u32', 999_999, true],
    ['u32', 1e6, false],
    ['i32', -5, true],
    ['i32', 5, false],
    ['u16', 5, false],
    ['f32', Number.NaN, false],
    ['f32', undefined, false],
  ] as const)('%s %s plausible: %s', (type, value, expected) => {
    expect(isPlausible(type, value)).toBe(expected)
  })
})

describe('URS-60 references', () => {
  it.each([
    ['40001', undefined, 'holding_register', 0],
    ['49999', undefined, 'holding_register', 9998],
    ['400001', undefined, 'holding_register', 0],
    ['465536', undefined, 'holding_register', 65_535],
    ['4x0001', undefined, 'holding_register', 0],
    ['4X7937', undefined, 'holding_register', 7936],
    ['30009', undefined, 'input_register', 8],
    ['31215', 'input_register', 'input_register', 1214],
    ['10001', undefined, 'discrete_input', 0],
    ['00001', undefined, 'coil', 0],
    ['1215', 'input_register', 'input_register', 1214],
    ['7', 'holding_register', 'holding_register', 6],
    ['60001', 'holding_register', 'holding_register', 60_000],
  ] as const)('%s with table %s is %s %i', (text, given, table, address) => {
    expect(parseReference(text, given)).toEqual({ ok: true, location: { table, address } })
  })

  it.each([
    ['40000', undefined, /outside 1 to 65536/],
    ['465537', undefined, /outside 1 to 65536/],
    ['1215', undefined, /does not name its table/],
    ['60001', undefined, /does not name its table/],
    ['30009', 'holding_register', /names input_register, but the table given is holding_register/],
    ['0', 'coil', /outside/],
    ['forty', 'coil', /is no reference/],
    ['-1', 'coil', /is no reference/],
    ['4x', undefined, /is no reference/],
    ['', undefined, /is no reference/],
  ] as const)('refuses %s with table %s in words', (text, given, words) => {
    const parsed = parseReference(text, given)
    expect(parsed).toMatchObject({ ok: false, problem: expect.stringMatching(words) })
  })

  it('and addresses are the same thing both ways', () => {
    const location = fc.record({
      table: fc.constantFrom<Table>(...TABLES),
      address: fc.integer({ min: 0, max: 65_535 }),
    })
    fc.assert(
      fc.property(location, (place) => {
        expect(parseReference(referenceOf(place))).toEqual({ ok: true, location: place })
      }),
    )
  })
})

describe('exceptions in words', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 65, 66, 67, 75])(
    '%i has a name and a remedy',
    (code) => {
      const { name, remedy } = exceptionWords(code)
      expect(name).not.toBe('not defined')
      expect(remedy.length).toBeGreaterThan(20)
    },
  )

  it('says so of every other code', () => {
    expect(exceptionWords(9)).toEqual({
      code: 9,
      name: 'not defined',
      remedy: 'see the manual of the instrument',
    })
  })
})
