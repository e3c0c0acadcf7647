// What of a configuration can be simulated: its buses, instruments and zones as a specification for the simulators. Pure;
// takes identity, place and sample time from the configuration and nothing of how the agent reads or judges.

import type { Configuration } from '#config/configuration.ts'
import type { Instrument, Point } from '#core/point.ts'
import type { BusSettings, InstrumentSettings, SignalSpec, StatusSpec } from '#drivers/profile.ts'
import { MODELS } from '../../simulators/devices/catalogue.ts'
import type {
  BusSpec,
  GenericQuantity,
  GenericRegister,
  SimulationSpec,
  UnitSpec,
} from '../../simulators/spec.ts'

export interface SimulatedSite {
  readonly spec: SimulationSpec
  /** Things a person should know, e.g. instruments simulated from nothing but their own profile. */
  readonly remarks: readonly string[]
}

/** Hosts that are this machine itself; no other is ever opened. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/

/** What to simulate for a configuration, or everything that cannot be, in words. */
export function simulatedSite(
  configuration: Configuration,
):
  | { readonly ok: true; readonly site: SimulatedSite }
  | { readonly ok: false; readonly faults: string[] } {
  const faults: string[] = []
  const remarks: string[] = []
  const buses = configuration.buses.map((bus): BusSpec | undefined => {
    const units = configuration.instruments
      .filter((instrument) => instrument.bus === bus.id)
      .map((instrument) => unitOf(configuration, instrument, faults, remarks))
    return busOf(
      bus,
      units.filter((unit) => unit !== undefined),
      faults,
    )
  })
  buses.push(outputBus(configuration, faults))
  if (faults.length > 0) return { ok: false, faults }
  if (configuration.plant.origin === 'instrument') {
    remarks.push(
      'an agent on this configuration would record what is simulated here as "instrument"; add origin: simulated to gateway',
    )
  }
  const zones = configuration.plant.zones.map(({ id, grade, within }) => ({
    id,
    grade,
    ...(within === undefined ? {} : { within }),
  }))
  const spec = { zones, buses: buses.filter((bus) => bus !== undefined) }
  return { ok: true, site: { spec, remarks } }
}

function busOf(bus: BusSettings, units: UnitSpec[], faults: string[]): BusSpec | undefined {
  if (bus.protocol === 'modbus-rtu') {
    const { id, protocol, path, baudRate, dataBits, parity, stopBits } = bus
    return { id, protocol, path, baudRate, dataBits, parity, stopBits, units }
  }
  const { id, protocol, host, port } = bus
  if (!LOOPBACK.test(host)) {
    faults.push(
      `bus "${id}": ${host} is not this machine; only loopback addresses are simulated, use host 127.0.0.1`,
    )
    return undefined
  }
  return { id, protocol, host, port, units }
}

/** The output module of horn and light, where it is one that can be simulated. */
function outputBus({ annunciator, plant }: Configuration, faults: string[]): BusSpec | undefined {
  const zone = plant.zones[0]?.id
  if (annunciator === undefined || zone === undefined) return undefined
  const { profile, output } = annunciator
  if (!MODELS.includes(profile)) {
    faults.push(
      `annunciator: there is no simulator of "${profile}"; there is one of moxa-iologik-e1214`,
    )
    return undefined
  }
  const unit = { instrument: 'annunciator', unitId: output.unitId, model: profile, zone }
  return busOf(output.bus, [unit], faults)
}

function unitOf(
  { plant }: Configuration,
  { id, unitId, profile }: InstrumentSettings,
  faults: string[],
  remarks: string[],
): UnitSpec | undefined {
  const points = plant.points.filter((point) => point.instrument === id)
  const place = points.find(({ against }) => against !== undefined) ?? points[0]
  const zone = place?.zone ?? plant.zones[0]?.id
  if (zone === undefined) {
    faults.push(`instrument "${id}": there is no zone it could stand in`)
    return undefined
  }
  const unit = {
    instrument: id,
    unitId,
    model: profile.id,
    zone,
    ...placeOf(place),
    ...figuresOf(plant.instruments.find((instrument) => instrument.id === id)),
  }
  if (MODELS.includes(profile.id)) return unit
  if (profile.sample !== undefined) {
    faults.push(
      `instrument "${id}": there is no simulator of the particle counter "${profile.id}"; there is one of ${MODELS.join(', ')}`,
    )
    return undefined
  }
  const made = registersOf([...profile.signals], profile.status)
  if (typeof made === 'string') {
    faults.push(
      `instrument "${id}": "${profile.id}" cannot be simulated from its profile, since ${made}`,
    )
    return undefined
  }
  remarks.push(
    `instrument "${id}": no simulator of "${profile.id}"; simulated from its own profile, which proves nothing about the profile`,
  )
  return { ...unit, model: 'generic', registers: made }
}

function placeOf(place: Point | undefined): { against?: string; reversed?: boolean } {
  return {
    ...(place?.against === undefined ? {} : { against: place.against }),
    ...(place?.conversion.reversed === true ? { reversed: true } : {}),
  }
}

function figuresOf(instrument: Instrument | undefined): {
  serial?: string
  flowLpm?: number
  sampleSeconds?: number
} {
  const seconds = (instrument?.samplePeriodMs ?? 0) / 1000
  return {
    ...(instrument?.serial === undefined ? {} : { serial: instrument.serial }),
    ...(instrument?.flowLpm === undefined ? {} : { flowLpm: instrument.flowLpm }),
    ...(Number.isInteger(seconds) && seconds >= 1 ? { sampleSeconds: seconds } : {}),
  }
}

const SHOWN_AS: Readonly<Record<string, GenericQuantity>> = {
  differential_pressure: 'differential_pressure',
  temperature: 'temperature',
  relative_humidity: 'relative_humidity',
  co2: 'co2_ppm',
  air_velocity: 'air_velocity',
  contact: 'door',
}
const GENERIC_TYPES = ['u16', 'i16', 'u32', 'i32', 'f32', 'bit'] as const

/** A register table that shows what a profile's signals stand for, and healthy status words; or why there is none. */
function registersOf(
  signals: SignalSpec[],
  status: readonly StatusSpec[],
): GenericRegister[] | string {
  const registers: GenericRegister[] = []
  const taken = new Set<string>()
  for (const { name, quantity, unit, table, address, type, byteOrder, scale, offset } of signals) {
    const known = GENERIC_TYPES.find((candidate) => candidate === type)
    if (known === undefined) return `signal "${name}" is of type ${type}`
    if (offset !== 0) return `signal "${name}" has an offset`
    if (taken.has(`${table} ${address}`)) continue
    taken.add(`${table} ${address}`)
    const shown = SHOWN_AS[quantity]
    const perUnit = quantity === 'co2' && unit === '%' ? 10_000 : 1
    registers.push({
      table,
      address,
      type: known,
      byteOrder,
      scale: scale * perUnit,
      shows:
        shown === undefined ? { kind: 'constant', value: 0 } : { kind: 'plant', quantity: shown },
    })
  }
  for (const { table, address, type, byteOrder, healthy, bits } of status) {
    const known = GENERIC_TYPES.find((candidate) => candidate === type)
    if (known === undefined) return `the status word at ${address} is of type ${type}`
    const calm = bits.reduce((word, bit) => (bit.faultWhen === 0 ? word + 2 ** bit.bit : word), 0)
    registers.push({
      table,
      address,
      type: known,
      byteOrder,
      shows: { kind: 'constant', value: healthy?.[0] ?? calm },
    })
  }
  return registers
}
