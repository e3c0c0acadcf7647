// Vaisala HMP humidity and temperature probe, from the manuals excerpted in the design's devices.md §3.1: floats low word
// first, status 1 = no errors, quiet NaN and never an exception for a value it has not, test registers. No driver code.

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
  u32HighFirst,
} from './instrument.ts'

const NOT_AVAILABLE = 0x8000
const TABLES: readonly Table[] = ['holding_register']
/** Error bits: temperature measurement, humidity measurement, humidity sensor failure. */
const ERROR_BITS = 1 | 2 | 4
/** Settings that may be written: volatile compensation, kept here as plain words. */
const SETTINGS = { address: 0x600, length: 8 } as const

/** Saturation vapour pressure over water in hPa (Magnus). */
const saturationHpa = (celsius: number): number =>
  6.112 * Math.exp((17.62 * celsius) / (243.12 + celsius))

/** Dew point in °C by the inverse of the same. */
export function dewPoint(celsius: number, humidityPercent: number): number {
  const ratio =
    Math.log(Math.max(humidityPercent, 0.01) / 100) + (17.62 * celsius) / (243.12 + celsius)
  return (243.12 * ratio) / (17.62 - ratio)
}

/** Grams of water in a cubic metre of air. */
export const absoluteHumidity = (celsius: number, humidityPercent: number): number =>
  (216.68 * (humidityPercent / 100) * saturationHpa(celsius)) / (273.15 + celsius)

export class VaisalaHmp implements SimulatedInstrument {
  readonly functions = [3, 16, 43]
  readonly #parts: InstrumentParts
  readonly #humidity: AnalogSensor
  readonly #temperature: AnalogSensor
  readonly #serial: string
  readonly #settings: number[] = Array.from({ length: SETTINGS.length }, () => 0)
  readonly #fields: readonly Field[]
  #error = false
  #faulty = false
  #swapped = 0
  #writes = 0

  constructor(unit: UnitSpec, parts: InstrumentParts) {
    this.#parts = parts
    this.#humidity = new AnalogSensor(parts, parts.surroundings.humidity, {
      noise: 0.05,
      seconds: 8,
    })
    this.#temperature = new AnalogSensor(parts, parts.surroundings.temperature, {
      noise: 0.01,
      seconds: 15,
    })
    this.#serial = unit.serial ?? ''
    this.#fields = this.#image()
  }

  get identification(): readonly (readonly [number, string])[] {
    return [
      [0, 'Vaisala'],
      [1, 'HMP4'],
      [2, '1.3.0'],
      [3, 'http://www.vaisala.com/'],
      [4, 'Humidity and Temperature Probe HMP4'],
      [0x80, this.#serialNow()],
      [0x81, '2026-01-31'],
      [0x82, 'Vaisala/HEL'],
    ]
  }

  #serialNow(): string {
    return this.#swapped === 0 ? this.#serial : `X${this.#swapped}-${this.#serial}`
  }

  get humidityPercent(): number {
    return this.#error ? Number.NaN : Math.max(0, Math.min(100, this.#humidity.value))
  }

  get temperatureC(): number {
    return this.#error ? Number.NaN : this.#temperature.value
  }

  #image(): Field[] {
    const field = (address: number, length: number, words: () => number[]): Field => ({
      tables: TABLES,
      address,
      length,
      words,
    })
    const dew = (): number => dewPoint(this.temperatureC, this.humidityPercent)
    const absolute = (): number => absoluteHumidity(this.temperatureC, this.humidityPercent)
    const mixing = (): number => {
      const vapour = (this.humidityPercent / 100) * saturationHpa(this.temperatureC)
      return (622 * vapour) / (1013.25 - vapour)
    }
    const float = (address: number, value: () => number): Field =>
      field(address, 2, () => f32LowFirst(value()))
    const hundredths = (address: number, value: () => number): Field =>
      field(address, 1, () => i16(value() * 100, NOT_AVAILABLE))
    return [
      float(0, () => this.humidityPercent),
      float(2, () => this.temperatureC),
      float(4, () => Number.NaN),
      float(6, dew),
      float(8, dew),
      float(10, () => Number.NaN),
      float(12, () => Number.NaN),
      float(14, absolute),
      float(16, mixing),
      hundredths(256, () => this.humidityPercent),
      hundredths(257, () => this.temperatureC),
      field(258, 1, () => [NOT_AVAILABLE]),
      hundredths(259, dew),
      hundredths(260, dew),
      field(261, 2, () => [NOT_AVAILABLE, NOT_AVAILABLE]),
      hundredths(263, absolute),
      hundredths(264, mixing),
      field(512, 1, () => [this.#healthy() ? 1 : 0]),
      field(513, 1, () => [1]),
      field(514, 1, () => [0]),
      field(515, 2, () => u32HighFirst(this.#healthy() ? 0 : ERROR_BITS).toReversed()),
      field(517, 2, () => u32HighFirst(0x5eed0000 + this.#writes).toReversed()),
      field(SETTINGS.address, SETTINGS.length, () => this.#settings),
      field(7936, 1, () => [0xcfc7]),
      field(7937, 2, () => f32LowFirst(-123.45)),
      field(7939, 4, () => ascii('-123.45', 4)),
    ]
  }

  #healthy(): boolean {
    return !this.#error && !this.#faulty
  }

  tick(step: Step): void {
    const { faults } = this.#parts
    this.#error = faults.active('nan', step.mono) !== undefined
    this.#faulty = faults.active('sensor-fault', step.mono) !== undefined
    this.#swapped = faults.active('swap', step.mono)?.value ?? 0
    this.#humidity.measure(step)
    this.#temperature.measure(step)
  }

  powerUp(): void {
    this.#error = false
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
    // The security hash moves with every change of a setting.
    this.#writes += 1
    return undefined
  }

  snapshot(): Readonly<Record<string, SnapshotValue>> {
    return {
      humidityPercent: this.humidityPercent,
      temperatureC: this.temperatureC,
      serial: this.#serialNow(),
    }
  }
}
