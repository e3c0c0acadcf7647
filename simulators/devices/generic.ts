// An instrument made of a register table: for models nobody wrote a simulator for. Shows constants and quantities of its
// zone in any type and byte order; has no behaviour of its own and never claims to be a particular product.

import type { GenericQuantity, GenericRegister, UnitSpec } from '../spec.ts'
import type { Table } from '../wire/pdu.ts'
import { EXCEPTION, type Refusal, refuse } from '../wire/refusal.ts'
import { AnalogSensor } from './analog-sensor.ts'
import {
  type Field,
  type InstrumentParts,
  readFields,
  type SimulatedInstrument,
  type SnapshotValue,
  type Step,
} from './instrument.ts'

const NOISE: Readonly<Record<GenericQuantity, number>> = {
  differential_pressure: 0.05,
  temperature: 0.02,
  relative_humidity: 0.1,
  co2_ppm: 20,
  air_velocity: 0.01,
  door: 0,
}
const SETTLING_SECONDS = 2

interface Shown {
  readonly register: GenericRegister
  readonly value: () => number
}

export class GenericInstrument implements SimulatedInstrument {
  readonly functions = [1, 2, 3, 4]
  readonly #parts: InstrumentParts
  readonly #sensors = new Map<GenericQuantity, AnalogSensor>()
  readonly #shown: readonly Shown[]
  readonly #fields: readonly Field[]
  #error = false

  constructor(unit: UnitSpec, parts: InstrumentParts) {
    this.#parts = parts
    this.#shown = (unit.registers ?? []).map((register) => ({
      register,
      value: this.#source(register, unit.reversed === true ? -1 : 1),
    }))
    this.#fields = this.#shown.map(({ register, value }) => ({
      tables: [register.table],
      address: register.address,
      length: lengthOf(register),
      words: () => encode(register, this.#error ? Number.NaN : value() / (register.scale ?? 1)),
    }))
  }

  #source({ shows }: GenericRegister, sign: number): () => number {
    if (shows.kind === 'constant') return () => shows.value
    const { quantity } = shows
    const known = this.#sensors.get(quantity)
    const sense = senseOf(this.#parts, quantity, sign)
    const figures = { noise: NOISE[quantity], seconds: SETTLING_SECONDS }
    const sensor = known ?? new AnalogSensor(this.#parts, sense, figures)
    this.#sensors.set(quantity, sensor)
    // A contact does not settle: it is open or shut.
    return quantity === 'door' ? sense : () => sensor.value
  }

  tick(step: Step): void {
    this.#error = this.#parts.faults.active('nan', step.mono) !== undefined
    for (const sensor of this.#sensors.values()) sensor.measure(step)
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
    return Object.fromEntries(
      this.#shown.map(({ register, value }) => [`${register.table}:${register.address}`, value()]),
    )
  }
}

function senseOf(parts: InstrumentParts, quantity: GenericQuantity, sign: number): () => number {
  const { surroundings } = parts
  switch (quantity) {
    case 'differential_pressure':
      return () => sign * surroundings.differentialPressure()
    case 'temperature':
      return surroundings.temperature
    case 'relative_humidity':
      return surroundings.humidity
    case 'co2_ppm':
      return surroundings.co2Ppm
    case 'air_velocity':
      return surroundings.airVelocity
    case 'door':
      return () => (surroundings.doorOpen() ? 1 : 0)
  }
}

function lengthOf({ type }: GenericRegister): number {
  return type === 'u32' || type === 'i32' || type === 'f32' ? 2 : 1
}

const INTEGER_RANGE = {
  u16: [0, 0xffff],
  i16: [-0x8000, 0x7fff],
  u32: [0, 0xffff_ffff],
  i32: [-0x8000_0000, 0x7fff_ffff],
} as const

/** The words of a number as they go over the wire; what no integer can show is 8000h in its first word, as is usual. */
function encode({ type, byteOrder = 'ABCD' }: GenericRegister, value: number): number[] {
  if (type === 'bit') return [value > 0 ? 1 : 0]
  const bytes = Buffer.alloc(type === 'u16' || type === 'i16' ? 2 : 4)
  if (type === 'f32') bytes.writeFloatBE(value)
  else if (Number.isNaN(value)) bytes.writeUInt16BE(0x8000)
  else {
    const [low, high] = INTEGER_RANGE[type]
    const whole = Math.max(low, Math.min(high, Math.round(value)))
    if (bytes.length === 2) bytes.writeUInt16BE(whole & 0xffff)
    else bytes.writeUInt32BE(whole >>> 0)
  }
  if (byteOrder === 'BADC' || byteOrder === 'DCBA') bytes.swap16()
  const words: number[] = []
  for (let at = 0; at < bytes.length; at += 2) words.push(bytes.readUInt16BE(at))
  return byteOrder === 'CDAB' || byteOrder === 'DCBA' ? words.toReversed() : words
}
