// Vaisala GMP251 CO₂ probe for incubators, from the manuals excerpted in the design's devices.md §4.1: ppm as float low
// word first, status words that begin at 0 = OK, a start-up time in which the value is not ready, then not reliable.

import type { UnitSpec } from '../spec.ts'
import type { Table } from '../wire/pdu.ts'
import { EXCEPTION, type Refusal, refuse } from '../wire/refusal.ts'
import { AnalogSensor } from './analog-sensor.ts'
import {
  type Field,
  f32LowFirst,
  type InstrumentParts,
  readFields,
  type SimulatedInstrument,
  type SnapshotValue,
  type Step,
  u32HighFirst,
} from './instrument.ts'

const TABLES: readonly Table[] = ['holding_register']
/** Measuring range 0…20 % CO₂. */
const RANGE_PPM = 200_000
/** After power-up no value for some seconds, then one that is not to be relied on yet. */
const READY_MS = 5000
const RELIABLE_MS = 30_000
const CO2_STATUS = { ok: 0, notReliable: 2, notReady: 256 } as const
const DEVICE_STATUS = { ok: 0, critical: 1, error: 2 } as const
/** The integer registers show 0 for a value that is not available: not to be told from no CO₂. */
const NOT_AVAILABLE = 0
/** Compensation: pressure hPa, temperature °C, humidity %, oxygen %; permanent at 512, volatile at 520. */
const COMPENSATION = [1013, 37, 93, 20.9]
const SETTINGS = { address: 512, length: 16 } as const

export class VaisalaGmp251 implements SimulatedInstrument {
  readonly functions = [3, 16, 43]
  readonly #parts: InstrumentParts
  readonly #co2: AnalogSensor
  readonly #temperature: AnalogSensor
  readonly #serial: string
  readonly #settings: number[] = [...COMPENSATION, ...COMPENSATION].flatMap(f32LowFirst)
  readonly #fields: readonly Field[]
  #error = false
  #faulty = false
  #swapped = 0
  /** Absent = on for longer than it takes to be reliable. */
  #poweredMono: number | undefined
  #status: number = CO2_STATUS.ok

  constructor(unit: UnitSpec, parts: InstrumentParts) {
    this.#parts = parts
    this.#co2 = new AnalogSensor(parts, parts.surroundings.co2Ppm, { noise: 40, seconds: 12 })
    this.#temperature = new AnalogSensor(parts, parts.surroundings.temperature, {
      noise: 0.02,
      seconds: 20,
    })
    this.#serial = unit.serial ?? ''
    this.#fields = this.#image()
  }

  get identification(): readonly (readonly [number, string])[] {
    return [
      [0, 'Vaisala'],
      [1, 'GMP251'],
      [2, '1.2.1'],
      [3, 'http://www.vaisala.com/'],
      [4, 'GMP251 Carbon Dioxide Probe'],
      [0x80, this.#serialNow()],
      [0x81, '2026-01-31'],
      [0x82, 'Vaisala/HEL'],
    ]
  }

  #serialNow(): string {
    return this.#swapped === 0 ? this.#serial : `X${this.#swapped}-${this.#serial}`
  }

  get co2Ppm(): number {
    if (this.#error || this.#status === CO2_STATUS.notReady) return Number.NaN
    return Math.max(0, Math.min(RANGE_PPM, this.#co2.value))
  }

  #image(): Field[] {
    const field = (address: number, length: number, words: () => number[]): Field => ({
      tables: TABLES,
      address,
      length,
      words,
    })
    const integer = (value: number): number[] =>
      Number.isNaN(value) ? [NOT_AVAILABLE] : [Math.max(0, Math.min(32_767, Math.round(value)))]
    const broken = (): boolean => this.#error || this.#faulty
    return [
      field(0, 2, () => f32LowFirst(this.co2Ppm)),
      field(2, 2, () => this.#settings.slice(10, 12)),
      field(4, 2, () => f32LowFirst(this.#error ? Number.NaN : this.#temperature.value)),
      field(256, 1, () => integer(this.co2Ppm)),
      field(257, 1, () => integer(this.co2Ppm / 10)),
      field(SETTINGS.address, SETTINGS.length, () => this.#settings),
      field(768, 3, () => [240, 2, 0]),
      field(2048, 1, () => [
        this.#error
          ? DEVICE_STATUS.critical
          : this.#faulty
            ? DEVICE_STATUS.error
            : DEVICE_STATUS.ok,
      ]),
      field(2049, 1, () => [broken() ? CO2_STATUS.notReady : this.#status]),
      field(2050, 1, () => [0]),
      field(2051, 2, () => u32HighFirst(broken() ? 0x100 : 0).toReversed()),
    ]
  }

  tick(step: Step): void {
    const { faults } = this.#parts
    this.#error = faults.active('nan', step.mono) !== undefined
    this.#faulty = faults.active('sensor-fault', step.mono) !== undefined
    this.#swapped = faults.active('swap', step.mono)?.value ?? 0
    this.#co2.measure(step)
    this.#temperature.measure(step)
    const on = step.mono - (this.#poweredMono ?? Number.NEGATIVE_INFINITY)
    this.#status =
      on < READY_MS
        ? CO2_STATUS.notReady
        : on < RELIABLE_MS
          ? CO2_STATUS.notReliable
          : CO2_STATUS.ok
  }

  powerUp(step: Step): void {
    this.#poweredMono = step.mono
    this.#status = CO2_STATUS.notReady
    // The volatile compensation starts from the permanent one.
    this.#settings.splice(8, 8, ...this.#settings.slice(0, 8))
  }

  read(table: Table, address: number, quantity: number): readonly number[] | Refusal {
    return readFields(this.#fields, table, address, quantity)
  }

  write(table: Table, address: number, values: readonly number[]): Refusal | undefined {
    const from = address - SETTINGS.address
    const inside = from >= 0 && from + values.length <= SETTINGS.length
    if (table !== 'holding_register' || !inside) return refuse(EXCEPTION.illegalAddress)
    values.forEach((value, index) => {
      this.#settings[from + index] = value
    })
    return undefined
  }

  snapshot(): Readonly<Record<string, SnapshotValue>> {
    return { co2Ppm: this.co2Ppm, status: this.#status, serial: this.#serialNow() }
  }
}
