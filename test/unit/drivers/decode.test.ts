// Bytes on the wire into numbers: every type in every byte order, against an encoder that shares nothing with the decoder.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decoderOf, decodeText, shortestOfF32, widthOf } from '#drivers/modbus/decode.ts'
import { BYTE_ORDERS, type ByteOrder, type DataType, type RegisterSpec } from '#drivers/profile.ts'

const specOf = (type: DataType, byteOrder: ByteOrder = 'ABCD'): RegisterSpec => ({
  table: 'holding_register',
  address: 0,
  type,
  byteOrder,
})

/** Big-endian bytes re-ordered by cutting and joining registers, as a manual would describe it. */
function onWire(bigEndian: Buffer, order: ByteOrder): Buffer {
  let registers: Buffer[] = []
  for (let at = 0; at < bigEndian.length; at += 2) registers.push(bigEndian.subarray(at, at + 2))
  if (order === 'CDAB' || order === 'DCBA') registers = registers.reverse()
  if (order === 'BADC' || order === 'DCBA') {
    registers = registers.map((register) => Buffer.from(register).reverse())
  }
  return Buffer.concat(registers)
}

const decode = (type: DataType, order: ByteOrder, wire: Uint8Array, offset = 0) =>
  decoderOf(specOf(type, order))(wire, offset)

const order = fc.constantFrom(...BYTE_ORDERS)

const bytes = (size: number, write: (buffer: Buffer) => void): Buffer => {
  const buffer = Buffer.alloc(size)
  write(buffer)
  return buffer
}

describe('decode(encode(x)) = x', () => {
  const integers: [DataType, number, number, (buffer: Buffer, value: number) => void][] = [
    ['u16', 0, 0xffff, (buffer, value) => buffer.writeUInt16BE(value)],
    ['i16', -0x8000, 0x7fff, (buffer, value) => buffer.writeInt16BE(value)],
    ['u32', 0, 0xffffffff, (buffer, value) => buffer.writeUInt32BE(value)],
    ['i32', -0x80000000, 0x7fffffff, (buffer, value) => buffer.writeInt32BE(value)],
    ['bcd16', 0, 9999, (buffer, value) => buffer.write(String(value).padStart(4, '0'), 'hex')],
    ['bcd32', 0, 99999999, (buffer, value) => buffer.write(String(value).padStart(8, '0'), 'hex')],
  ]
  it.each(integers)('%s in every byte order', (type, min, max, write) => {
    fc.assert(
      fc.property(fc.integer({ min, max }), order, fc.nat(3), (value, byteOrder, offset) => {
        const size = widthOf(specOf(type)) * 2
        const wire = onWire(
          bytes(size, (buffer) => write(buffer, value)),
          byteOrder,
        )
        const shifted = Buffer.concat([Buffer.alloc(offset, 0xee), wire])
        expect(decode(type, byteOrder, shifted, offset)).toBe(value)
      }),
    )
  })

  it.each(['u64', 'i64'] as const)(
    '%s, and no value at all where a number cannot hold it',
    (type) => {
      const min = type === 'u64' ? 0n : -(2n ** 63n)
      const max = type === 'u64' ? 2n ** 64n - 1n : 2n ** 63n - 1n
      fc.assert(
        fc.property(fc.bigInt({ min, max }), order, (value, byteOrder) => {
          const wire = onWire(
            bytes(8, (buffer) => {
              if (type === 'u64') buffer.writeBigUInt64BE(value)
              else buffer.writeBigInt64BE(value)
            }),
            byteOrder,
          )
          const decoded = decode(type, byteOrder, wire)
          if (decoded === undefined) {
            expect(value > 2n ** 53n || value < -(2n ** 53n)).toBe(true)
            expect(BigInt(Number(value))).not.toBe(value)
          } else expect(BigInt(decoded)).toBe(value)
        }),
      )
      const small = bytes(8, (buffer) => buffer.writeBigInt64BE(2n ** 53n - 1n))
      expect(decode(type, 'ABCD', small)).toBe(Number.MAX_SAFE_INTEGER)
      const large = bytes(8, (buffer) => buffer.writeBigInt64BE(2n ** 53n + 1n))
      expect(decode(type, 'ABCD', large)).toBeUndefined()
    },
  )

  it('f64 as it is', () => {
    fc.assert(
      fc.property(fc.double(), order, (value, byteOrder) => {
        const wire = onWire(
          bytes(8, (buffer) => buffer.writeDoubleBE(value)),
          byteOrder,
        )
        expect(decode('f64', byteOrder, wire)).toBe(value)
      }),
    )
  })

  it('f32 as the shortest decimal that restores it', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), order, (value, byteOrder) => {
        const wire = onWire(
          bytes(4, (buffer) => buffer.writeFloatBE(value)),
          byteOrder,
        )
        const decoded = decode('f32', byteOrder, wire) as number
        expect(Math.fround(decoded) === value).toBe(true)
        expect(decoded).toBe(shortestByTrying(value))
      }),
      { numRuns: 20_000 },
    )
  })

  it('f32 of a decimal of up to six digits is that decimal', () => {
    fc.assert(
      fc.property(fc.integer({ min: -999_999, max: 999_999 }), fc.nat(6), (digits, places) => {
        const decimal = Number(`${digits}e-${places}`)
        expect(shortestOfF32(Math.fround(decimal))).toBe(decimal === 0 ? 0 : decimal)
      }),
    )
  })
})

/** The slow way: print with more and more digits until it comes back. */
function shortestByTrying(value: number): number {
  if (value === 0) return 0
  for (let digits = 1; digits <= 9; digits++) {
    const decimal = Number(value.toPrecision(digits))
    if (Math.fround(decimal) === value) return decimal
  }
  return value
}

describe('golden vectors', () => {
  const vectors: [string, DataType, ByteOrder, string, number | undefined][] = [
    ['Vaisala test float (register 7938)', 'f32', 'CDAB', 'e666c2f6', -123.45],
    ['Vaisala test integer (register 7937)', 'i16', 'ABCD', 'cfc7', -12345],
    ['Vaisala HMP relative humidity', 'f32', 'CDAB', '7ae141f4', 30.56],
    ['Vaisala GMP251 CO2 (the manual rounds to 465.66)', 'f32', 'CDAB', 'd47a43e8', 465.65997],
    ['E+E EE872 CO2', 'f32', 'CDAB', '0b0044a1', 1288.3438],
    ['Climet channel 1', 'u32', 'ABCD', '00012132', 74034],
    ['XY-MD02 below zero', 'i16', 'ABCD', 'ff33', -205],
    ['quiet NaN', 'f32', 'ABCD', '7fc00000', Number.NaN],
    ['infinity', 'f32', 'ABCD', '7f800000', Number.POSITIVE_INFINITY],
    ['BCD with a digit that is none', 'bcd16', 'ABCD', '12a4', Number.NaN],
    ['COMET serial number', 'bcd32', 'ABCD', '07960001', 7960001],
    ['one word, CDAB: nothing to swap', 'u16', 'CDAB', '0102', 0x0102],
    ['one word, BADC: bytes swapped', 'u16', 'BADC', '0102', 0x0201],
    ['one word, DCBA: bytes swapped', 'u16', 'DCBA', '0102', 0x0201],
    ['eight bytes, CDAB: words reversed', 'u64', 'CDAB', '0708050603040102', undefined],
    ['eight bytes, BADC', 'u64', 'BADC', '0000000000000201', 0x0102],
    ['a bit in a register', 'bit', 'ABCD', '0001', 1],
    ['a string that spells a number', 'string8', 'ABCD', '2d3132332e343500', -123.45],
    ['a string that does not', 'string4', 'ABCD', '2d2d2d2e', Number.NaN],
  ]
  it.each(vectors)('%s', (_name, type, byteOrder, wire, expected) => {
    expect(decode(type, byteOrder, Buffer.from(wire, 'hex'))).toBe(expected)
  })

  it('numbers the bytes of a u64 as the letters say', () => {
    const of = (byteOrder: ByteOrder, wire: string) =>
      decode('u64', byteOrder, Buffer.from(wire, 'hex'))
    expect(of('ABCD', '0000010203040506')).toBe(0x010203040506)
    expect(of('CDAB', '0506030401020000')).toBe(0x010203040506)
    expect(of('BADC', '0000020104030605')).toBe(0x010203040506)
    expect(of('DCBA', '0605040302010000')).toBe(0x010203040506)
  })

  it('coils are read bit by bit, the first in the lowest bit', () => {
    const coil = decoderOf({ table: 'coil', address: 0, type: 'bit', byteOrder: 'ABCD' })
    const data = Uint8Array.of(0b0000_0101, 0b0000_0010)
    expect([0, 1, 2, 3, 8, 9].map((offset) => coil(data, offset))).toEqual([1, 0, 1, 0, 0, 1])
  })

  it('strings end at the first NUL, and the first character may stand in the low byte', () => {
    const wire = Buffer.from('ABCD\0\0')
    expect(decodeText(specOf('string6'), wire, 0)).toBe('ABCD')
    expect(decodeText(specOf('string6', 'BADC'), Buffer.from('BADC\0\0'), 0)).toBe('ABCD')
    expect(widthOf(specOf('string5'))).toBe(3)
  })
})
