// Raw registers as every type in every byte order, side by side, so that an installer sees which one the manual means.
// Pure; decodes with the very decoders that the driver uses. Marks what looks like a measured value and never chooses.

import { DAY, type Millis, SECOND } from '#core/time.ts'
import { decoderOf } from '../modbus/decode.ts'
import { BYTE_ORDERS, type ByteOrder, type DataType } from '../profile.ts'

/** One register as it came. */
export interface RegisterView {
  readonly address: number
  /** Four hexadecimal digits, high byte first. */
  readonly hex: string
  readonly u16: number
  readonly i16: number
  /** With the two bytes swapped. */
  readonly swappedU16: number
  readonly swappedI16: number
  /** What such a content often stands for, where it is known for that. */
  readonly note?: string
}

/** Registers from `address` on, taken together as one number. */
export interface Interpretation {
  readonly address: number
  readonly type: DataType
  readonly byteOrder: ByteOrder
  /** Null where it is no finite number, or one that cannot be held exactly. */
  readonly value: number | null
  readonly text: string
  /** Looks like something measured or counted; a hint and no more. */
  readonly plausible: boolean
  readonly note?: string
}

export interface Interpretations {
  readonly registers: readonly RegisterView[]
  readonly numbers: readonly Interpretation[]
  /** Printable ASCII, a dot for anything else: as it came, and with the bytes of each register swapped. */
  readonly text: string
  readonly swappedText: string
  /** Nothing can be told from registers that are all zero. */
  readonly allZero: boolean
}

/** Types of several registers, with how many they take. */
const WIDE: readonly (readonly [DataType, number])[] = [
  ['f32', 2],
  ['u32', 2],
  ['i32', 2],
  ['bcd32', 2],
  ['f64', 4],
  ['u64', 4],
  ['i64', 4],
]

/** Interprets the data bytes of a reply that begins at `address`. `wallMs`: now, for times to be known by. */
export function interpretRegisters(
  data: Uint8Array,
  address: number,
  wallMs?: Millis,
): Interpretations {
  const count = data.length >> 1
  const registers = Array.from({ length: count }, (_, index) =>
    viewRegister(data, index * 2, address + index),
  )
  const numbers: Interpretation[] = []
  for (let index = 0; index < count; index++) {
    for (const [type, width] of WIDE) {
      if (index + width > count) continue
      for (const byteOrder of BYTE_ORDERS) {
        numbers.push(interpret(data, { index, address: address + index, type, byteOrder }, wallMs))
      }
    }
  }
  return {
    registers,
    numbers,
    text: textOf(data, 0),
    swappedText: textOf(data, 1),
    allZero: data.every((byte) => byte === 0),
  }
}

/** The bits of a reply, from `address` on. */
export function interpretBits(
  data: Uint8Array,
  address: number,
  quantity: number,
): { readonly address: number; readonly value: 0 | 1 }[] {
  return Array.from({ length: quantity }, (_, index) => ({
    address: address + index,
    value: ((data[index >> 3] ?? 0) >> (index & 7)) & 1 ? 1 : 0,
  }))
}

const decode16 = (type: 'u16' | 'i16', byteOrder: ByteOrder) =>
  decoderOf({ table: 'holding_register', address: 0, type, byteOrder })

const U16 = decode16('u16', 'ABCD')
const I16 = decode16('i16', 'ABCD')
const SWAPPED_U16 = decode16('u16', 'BADC')
const SWAPPED_I16 = decode16('i16', 'BADC')

function viewRegister(data: Uint8Array, offset: number, address: number): RegisterView {
  const u16 = U16(data, offset) ?? 0
  const note = REGISTER_NOTES[u16]
  return {
    address,
    hex: u16.toString(16).toUpperCase().padStart(4, '0'),
    u16,
    i16: I16(data, offset) ?? 0,
    swappedU16: SWAPPED_U16(data, offset) ?? 0,
    swappedI16: SWAPPED_I16(data, offset) ?? 0,
    ...(note !== undefined && { note }),
  }
}

/** Contents that makers use for "no value" (devices: Vaisala and E+E integers, registers that are not there). */
const REGISTER_NOTES: Readonly<Record<number, string>> = {
  32768: '8000h: often "no value"',
  32767: '7FFFh: often "above the range"',
  32769: '8001h: often "below the range"',
  65535: 'FFFFh: often a register that is not there',
}

interface Position {
  readonly index: number
  readonly address: number
  readonly type: DataType
  readonly byteOrder: ByteOrder
}

function interpret(
  data: Uint8Array,
  { index, address, type, byteOrder }: Position,
  wallMs: Millis | undefined,
): Interpretation {
  const decode = decoderOf({ table: 'holding_register', address: 0, type, byteOrder })
  const value = decode(data, index * 2)
  const time = TIME_ORDERS.includes(byteOrder) && isTime(type, value, wallMs)
  const note = time ? timeWords(value) : noteOf(type, value)
  return {
    address,
    type,
    byteOrder,
    value: value !== undefined && Number.isFinite(value) ? value : null,
    text: value === undefined ? 'beyond 2^53' : printNumber(type, value),
    plausible: time || isPlausible(type, value),
    ...(note !== undefined && { note }),
  }
}

function printNumber(type: DataType, value: number): string {
  if (Number.isNaN(value)) return type === 'bcd32' ? '-' : 'NaN'
  return String(value + 0)
}

/** Measured values lie within these magnitudes; of random bits one in nine does. */
const FLOAT_MIN = 0.001
const FLOAT_MAX = 1_000_000
/** Counts in 32 or 64 bits that fill the high words are rare; a wrong byte order fills them nearly always. */
const COUNT_MAX = 1_000_000
/** An instrument's clock, in seconds since 1970, is hardly ever further off than this. */
const CLOCK_OFF_MS_MAX: Millis = 365 * DAY

/** Whether a number looks like something an instrument says. Zero says nothing and is never marked. */
export function isPlausible(type: DataType, value: number | undefined): boolean {
  if (value === undefined || !Number.isFinite(value) || value === 0) return false
  const magnitude = Math.abs(value)
  switch (type) {
    case 'f32':
    case 'f64':
      return magnitude >= FLOAT_MIN && magnitude < FLOAT_MAX
    case 'u32':
    case 'u64':
      return magnitude < COUNT_MAX
    case 'i32':
    case 'i64':
      // A positive one is the same as unsigned, and is marked there.
      return value < 0 && magnitude < COUNT_MAX
    default:
      return false
  }
}

/** No known instrument swaps the bytes of its clock. */
const TIME_ORDERS: readonly ByteOrder[] = ['ABCD', 'CDAB']

const isTime = (
  type: DataType,
  value: number | undefined,
  wallMs: Millis | undefined,
): value is number =>
  (type === 'u32' || type === 'u64') &&
  value !== undefined &&
  wallMs !== undefined &&
  Math.abs(value * SECOND - wallMs) <= CLOCK_OFF_MS_MAX

const timeWords = (seconds: number): string =>
  `as a time: ${new Date(seconds * SECOND).toISOString().slice(0, 19)}Z`

function noteOf(type: DataType, value: number | undefined): string | undefined {
  return (type === 'f32' || type === 'f64') && Number.isNaN(value)
    ? 'NaN: the instrument says that it has no value'
    : undefined
}

function textOf(data: Uint8Array, swap: 0 | 1): string {
  let text = ''
  for (let index = 0; index < data.length; index++) {
    const byte = data[index ^ swap] ?? 0
    text += byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '.'
  }
  return text
}
