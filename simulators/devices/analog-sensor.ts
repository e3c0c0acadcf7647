// A measuring chain such as every transmitter has: it follows what it senses, with noise, resolution and its faults
// (frozen, drift). Decides one number; what a critical error shows is the maker's affair (ee600, vaisala-*).

import { normal } from '../plant/chance.ts'
import type { InstrumentParts, Step } from './instrument.ts'

export interface SensorFigures {
  /** Standard deviation of the noise, in the sensor's unit. */
  readonly noise: number
  /** Response time, s. */
  readonly seconds: number
}

/** One measured value; `measure` moves it on. */
export class AnalogSensor {
  readonly #parts: InstrumentParts
  readonly #sense: () => number
  readonly #figures: SensorFigures
  #followed: number
  #value: number

  constructor(parts: InstrumentParts, sense: () => number, figures: SensorFigures) {
    this.#parts = parts
    this.#sense = sense
    this.#figures = figures
    this.#followed = sense()
    this.#value = this.#followed
  }

  /** The value as the instrument has it, before range, rounding and errors. */
  get value(): number {
    return this.#value
  }

  measure({ mono, seconds }: Step): void {
    const { faults, random } = this.#parts
    const share = 1 - Math.exp(-seconds / this.#figures.seconds)
    this.#followed += (this.#sense() - this.#followed) * share
    const noise = this.#figures.noise * normal(random)
    if (faults.active('frozen', mono) !== undefined) return
    const drift = faults.active('drift', mono)
    const minutes = drift === undefined ? 0 : (mono - drift.sinceMono) / 60_000
    this.#value = this.#followed + noise + (drift?.value ?? 0) * minutes
  }
}
