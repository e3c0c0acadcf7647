// Bytes as on the wire into numbers and text. Decides byte order and type; never scale, unit or plausibility: NaN and
// infinities come out as they are and are judged by the core. What a number cannot hold exactly has no value at all.

import type { ByteOrder, DataType, RegisterSpec } from '../profile.ts'

/** Decodes the bytes from `offset` on; undefined where a JavaScript number cannot hold the value exactly (beyond 2⁵³). */
export type Decode = (bytes: Uint8Array, offset: number) => number | undefined

const BIT_TABLES = ['coil', 'discrete_input']

/** Whether the datum stands in a table of single bits, whatever its type. */
export const isBitTable = (spec: Pick<RegisterSpec, 'table'>): boolean =>
  BIT_TABLES.includes(spec.table)

const REGISTERS: Readonly<Record<Exclude<DataType, `string${number}`>, number>> = {
  u16: 1,
  i16: 1,
  bcd16: 1,
  bit: 1,
  u32: 2,
  i32: 2,
  f32: 2,
  bcd32: 2,
  u64: 4,
  i64: 4,
  f64: 4,
}

/** Bytes of a `stringN`, undefined for numbers. */
function stringBytes(type: DataType): number | undefined {
  return type.startsWith('string') ? Number(type.slice('string'.length)) : undefined
}

/** How many addresses of its table a datum takes: registers, or one coil. */
export function widthOf(spec: Pick<RegisterSpec, 'table' | 'type'>): number {
  if (isBitTable(spec)) return 1
  const bytes = stringBytes(spec.type)
  if (bytes !== undefined) return Math.ceil(bytes / 2)
  return REGISTERS[spec.type as keyof typeof REGISTERS]
}

/**
 * Position on the wire of each byte, most significant first. `ABCD` names the bytes in wire order, A the most
 * significant; on eight bytes the same is done to the four words (CDAB: last word first, BADC: bytes of each word
 * swapped, DCBA: all reversed). On one word only the byte swap counts.
 */
function wirePositions(size: number, order: ByteOrder): readonly number[] {
  const wordsReversed = order === 'CDAB' || order === 'DCBA'
  const bytesSwapped = order === 'BADC' || order === 'DCBA'
  return Array.from({ length: size }, (_, rank) => {
    const word = wordsReversed ? size / 2 - 1 - (rank >> 1) : rank >> 1
    return word * 2 + (bytesSwapped ? 1 - (rank & 1) : rank & 1)
  })
}

const scratch = new Uint8Array(8)
const view = new DataView(scratch.buffer)

const READ: Readonly<Record<string, () => number | undefined>> = {
  u16: () => view.getUint16(0),
  i16: () => view.getInt16(0),
  bit: () => (view.getUint16(0) === 0 ? 0 : 1),
  bcd16: () => bcd(view.getUint16(0), 4),
  u32: () => view.getUint32(0),
  i32: () => view.getInt32(0),
  bcd32: () => bcd(view.getUint32(0), 8),
  f32: () => shortestOfF32(view.getFloat32(0)),
  f64: () => view.getFloat64(0),
  u64: () => exact(view.getBigUint64(0)),
  i64: () => exact(view.getBigInt64(0)),
}

/** A decoder of numbers. Coils are 0 or 1; a string is the number it spells, or NaN. */
export function decoderOf(spec: RegisterSpec): Decode {
  if (isBitTable(spec)) return (bytes, offset) => ((bytes[offset >> 3] ?? 0) >> (offset & 7)) & 1
  const read = READ[spec.type]
  if (read === undefined) return (bytes, offset) => spelledNumber(decodeText(spec, bytes, offset))
  const positions = wirePositions(widthOf(spec) * 2, spec.byteOrder)
  return (bytes, offset) => {
    for (let rank = 0; rank < positions.length; rank++) {
      scratch[rank] = bytes[offset + (positions[rank] ?? 0)] ?? 0
    }
    return read()
  }
}

/** Text of a `stringN`: up to the first NUL, trailing blanks dropped; bytes beyond ASCII come out as Latin-1. */
export function decodeText(spec: RegisterSpec, bytes: Uint8Array, offset: number): string {
  const swapped = spec.byteOrder === 'BADC' || spec.byteOrder === 'DCBA'
  let text = ''
  for (let index = 0; index < (stringBytes(spec.type) ?? 0); index++) {
    const byte = bytes[offset + (swapped ? index ^ 1 : index)] ?? 0
    if (byte === 0) break
    text += String.fromCharCode(byte)
  }
  return text.trimEnd()
}

const spelledNumber = (text: string): number =>
  /^\s*[+-]?(\d+(\.\d*)?|\.\d+)\s*$/.test(text) ? Number(text) : Number.NaN

/** Binary-coded decimal; NaN where a digit is none. */
function bcd(value: number, digits: number): number {
  let number = 0
  for (let shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    const digit = (value >>> shift) & 0xf
    if (digit > 9) return Number.NaN
    number = number * 10 + digit
  }
  return number
}

function exact(value: bigint): number | undefined {
  const number = Number(value)
  return BigInt(number) === value ? number : undefined
}

/** Powers of ten that are exact as numbers. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent)
const DIGITS_MIN = 6
const DIGITS_MAX = 9

/**
 * The number whose shortest decimal restores the given 32-bit float: 15.231 for 15.23099994659424. Any decimal of six
 * digits survives a 32-bit float and none needs more than nine, so it is the first of 6…9 digits that comes back.
 */
export function shortestOfF32(value: number): number {
  const magnitude = Math.abs(value)
  if (value === Math.trunc(value) && magnitude < 1e6) return value + 0 // −0 is 0
  if (!(magnitude >= 1e-5 && magnitude < 1e15)) return shortestByText(value)
  const exponent = Math.floor(Math.log10(magnitude))
  for (let digits = DIGITS_MIN; digits <= DIGITS_MAX; digits++) {
    const places = digits - 1 - exponent
    const power = POWERS[Math.abs(places)] ?? Number.NaN
    const decimal =
      places >= 0 ? Math.round(magnitude * power) / power : Math.round(magnitude / power) * power
    if (Math.fround(decimal) === magnitude) return value < 0 ? -decimal : decimal
  }
  return shortestByText(value)
}

/** The same by printing: slow, for the very small and the very large. NaN and infinities pass. */
function shortestByText(value: number): number {
  for (let digits = 1; digits <= DIGITS_MAX; digits++) {
    const decimal = Number(value.toPrecision(digits))
    if (Math.fround(decimal) === value) return decimal
  }
  return value
}
