// What every simulated instrument is, and what it is given. Types only, and the words of a register image: encodings are
// written here from the makers' tables, independently of the drivers that decode them.

import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'
import type { FaultSet } from '../faults.ts'
import type { ModbusDevice, Table } from '../wire/pdu.ts'
import { EXCEPTION, type Refusal, refuse } from '../wire/refusal.ts'

/** One step of protocol time, i.e. of real time, whatever the speed of the plant. */
export interface Step {
  readonly mono: Millis
  readonly wall: Millis
  readonly seconds: number
}

export type SnapshotValue = number | string | boolean

export interface SimulatedInstrument extends ModbusDevice {
  /** Lets the instrument measure, sample and keep time for one step. Not called while it has no power. */
  tick(step: Step): void
  /** Power comes back, or comes for the first time. `memoryLost`: its record buffer is empty. */
  powerUp(step: Step, memoryLost: boolean): void
  /** What it shows now, for people and tests. */
  snapshot(): Readonly<Record<string, SnapshotValue>>
}

/** What an instrument senses of the plant; functions, so that it always senses the present. */
export interface Surroundings {
  /** Pascal between its two ports. */
  readonly differentialPressure: () => number
  readonly temperature: () => number
  readonly humidity: () => number
  readonly co2Ppm: () => number
  readonly airVelocity: () => number
  readonly doorOpen: () => boolean
  /** True concentration of particles of at least this size, per m³. */
  readonly concentration: (sizeUm: number) => number
}

/** What an instrument is made of, beside its data. */
export interface InstrumentParts {
  readonly surroundings: Surroundings
  readonly faults: FaultSet
  readonly random: Random
}

/** A stretch of registers of one or more tables and what it holds at the moment of reading. */
export interface Field {
  readonly tables: readonly Table[]
  readonly address: number
  /** Length in registers. */
  readonly length: number
  readonly words: () => readonly number[]
  /** True where the maker demands that it is read whole. */
  readonly whole?: boolean
}

/** Reads registers out of fields; an address that no field covers is refused with exception 2. */
export function readFields(
  fields: readonly Field[],
  table: Table,
  address: number,
  quantity: number,
): readonly number[] | Refusal {
  const words: number[] = []
  while (words.length < quantity) {
    const at = address + words.length
    const field = fields.find(
      (candidate) =>
        candidate.tables.includes(table) &&
        at >= candidate.address &&
        at < candidate.address + candidate.length,
    )
    if (field === undefined) return refuse(EXCEPTION.illegalAddress)
    const from = at - field.address
    const take = Math.min(field.length - from, quantity - words.length)
    if (field.whole === true && take < field.length) return refuse(EXCEPTION.illegalAddress)
    const content = field.words()
    for (let index = from; index < from + take; index++) words.push(content[index] ?? 0)
  }
  return words
}

/** Unsigned 32 bits, high word first (ABCD). */
export const u32HighFirst = (value: number): number[] => [
  (Math.floor(value) >>> 16) & 0xffff,
  Math.floor(value) & 0xffff,
]

/** 32-bit float, low word first (CDAB): what E+E calls Modbus float format and Vaisala least significant word first. */
export function f32LowFirst(value: number): number[] {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatBE(value)
  // A quiet NaN, as the makers print it.
  if (Number.isNaN(value)) bytes.writeUInt32BE(0x7fc00000)
  return [bytes.readUInt16BE(2), bytes.readUInt16BE(0)]
}

/** Signed 16 bits, rounded, limited to what fits; `notAvailable` for NaN. */
export function i16(value: number, notAvailable: number): number[] {
  if (Number.isNaN(value)) return [notAvailable]
  return [Math.max(-32_768, Math.min(32_767, Math.round(value))) & 0xffff]
}

/** Text, two characters a register, the first in the high byte, padded with NUL. */
export function ascii(text: string, registers: number): number[] {
  const bytes = Buffer.alloc(2 * registers)
  bytes.write(text.slice(0, 2 * registers), 'latin1')
  return Array.from({ length: registers }, (_, index) => bytes.readUInt16BE(2 * index))
}
