// E+E EE600 differential pressure transmitter, from its manual as excerpted in the design's devices.md §2.1: floats low
// word first, saturation at the measuring range without a word, NaN on a critical error. Knows nothing of drivers.

import type { UnitSpec } from '../spec.ts'
import type { Table } from '../wire/pdu.ts'
import { EXCEPTION, type Refusal, refuse } from '../wire/refusal.ts'
import { AnalogSensor } from './analog-sensor.ts'
import {
  ascii,
  type Field,
  f32LowFirst,
  type InstrumentParts,
  i16,
  readFields,
  type SimulatedInstrument,
  type SnapshotValue,
  type Step,
} from './instrument.ts'

/** Measuring range of the model simulated, Pa: values outside are limited to it, silently. */
const RANGE_PA = 250
const NOT_AVAILABLE = 0x8000
const STATUS_PRESSURE_FAULTY = 0b10
/** FC 03 and 04 read the same registers. */
const TABLES: readonly Table[] = ['holding_register', 'input_register']

/** Pa in each unit the instrument speaks, with the addresses of its float and its integer and the integer's factor. */
const UNITS = [
  { f32: 0x4ba, i16: 0x1009, perPa: 0.101972, factor: 10 },
  { f32: 0x4bc, i16: 0x100a, perPa: 0.01, factor: 100 },
  { f32: 0x4be, i16: 0x100b, perPa: 1, factor: 1 },
  { f32: 0x4c0, i16: 0x100c, perPa: 0.001, factor: 1000 },
  { f32: 0x4c2, i16: 0x100d, perPa: 0.00401463, factor: 100 },
] as const

export class Ee600 implements SimulatedInstrument {
  readonly functions = [3, 4]
  readonly #parts: InstrumentParts
  readonly #sensor: AnalogSensor
  readonly #serial: string
  readonly #fields: readonly Field[]
  #error = false
  #faulty = false
  #swapped = 0

  constructor(unit: UnitSpec, parts: InstrumentParts) {
    this.#parts = parts
    const sign = unit.reversed === true ? -1 : 1
    this.#sensor = new AnalogSensor(parts, () => sign * parts.surroundings.differentialPressure(), {
      noise: 0.05,
      seconds: 1,
    })
    this.#serial = unit.serial ?? ''
    this.#fields = this.#image()
  }

  /** Differential pressure as shown, Pa. */
  get pressurePa(): number {
    if (this.#error) return Number.NaN
    return Math.max(-RANGE_PA, Math.min(RANGE_PA, this.#sensor.value))
  }

  #image(): Field[] {
    const field = (
      address: number,
      length: number,
      words: () => number[],
      whole = false,
    ): Field => ({
      tables: TABLES,
      address,
      length,
      words,
      whole,
    })
    return [
      field(0x00, 8, () => ascii(this.#serialNow(), 8), true),
      field(0x08, 1, () => [0x0103]),
      field(0x09, 8, () => ascii('EE600', 8), true),
      field(0x259, 1, () => [this.#error || this.#faulty ? STATUS_PRESSURE_FAULTY : 0]),
      ...UNITS.map(({ f32, perPa }) => field(f32, 2, () => f32LowFirst(this.pressurePa * perPa))),
      ...UNITS.map(({ i16: address, perPa, factor }) =>
        field(address, 1, () => i16(this.pressurePa * perPa * factor, NOT_AVAILABLE)),
      ),
    ]
  }

  #serialNow(): string {
    return this.#swapped === 0 ? this.#serial : `X${this.#swapped}-${this.#serial}`.slice(0, 16)
  }

  tick(step: Step): void {
    const { faults } = this.#parts
    this.#error = faults.active('nan', step.mono) !== undefined
    this.#faulty = faults.active('sensor-fault', step.mono) !== undefined
    this.#swapped = faults.active('swap', step.mono)?.value ?? 0
    this.#sensor.measure(step)
  }

  powerUp(): void {
    this.#error = false
  }

  read(table: Table, address: number, quantity: number): readonly number[] | Refusal {
    return readFields(this.#fields, table, address, quantity)
  }

  write(): Refusal {
    return refuse(EXCEPTION.illegalFunction)
  }

  snapshot(): Readonly<Record<string, SnapshotValue>> {
    return { pressurePa: this.pressurePa, serial: this.#serialNow() }
  }
}
