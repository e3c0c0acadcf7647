// What is to be simulated, as plain data, and what is wrong with it in words. Decides which instruments stand where;
// never how they behave (devices/) nor what the rooms do (plant/).

/** Grades of EU GMP Annex 1; CNC is controlled, not classified. */
export type ZoneGrade = 'A' | 'B' | 'C' | 'D' | 'CNC'

export interface ZoneSpec {
  readonly id: string
  readonly grade: ZoneGrade
  /** The zone around this one: a cabinet or an incubator stands in its room. */
  readonly within?: string
  /** Default: a cabinet for grade A within another, an incubator where a CO₂ probe stands within a room, else a room. */
  readonly kind?: 'room' | 'cabinet' | 'incubator'
  /** Pressure above the outside with all doors shut; default by grade, and 15 Pa above each zone it is measured against. */
  readonly pressurePa?: number
  readonly volumeM3?: number
  readonly airChangesPerHour?: number
  /** People at work in it when the simulation starts. */
  readonly people?: number
}

/** A register of a generic instrument. */
export interface GenericRegister {
  readonly table: 'coil' | 'discrete_input' | 'input_register' | 'holding_register'
  /** Zero-based. */
  readonly address: number
  readonly type: 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'bit'
  /** Order of the bytes on the wire; default ABCD. */
  readonly byteOrder?: 'ABCD' | 'CDAB' | 'BADC' | 'DCBA'
  /** What it shows: a quantity of its zone, or a constant. */
  readonly shows:
    | { readonly kind: 'constant'; readonly value: number }
    | { readonly kind: 'plant'; readonly quantity: GenericQuantity }
  /** Register content = value / scale; default 1. */
  readonly scale?: number
}

export const GENERIC_QUANTITIES = [
  'differential_pressure',
  'temperature',
  'relative_humidity',
  'co2_ppm',
  'air_velocity',
  'door',
] as const
export type GenericQuantity = (typeof GENERIC_QUANTITIES)[number]

export interface UnitSpec {
  readonly instrument: string
  /** 0..255 */
  readonly unitId: number
  /** Profile id: one of the models of devices/catalogue.ts. */
  readonly model: string
  readonly serial?: string
  readonly zone: string
  /** The zone a differential pressure is measured against; default the outside. */
  readonly against?: string
  /** The sensor's tubes are swapped: it shows the pressure with the other sign. */
  readonly reversed?: boolean
  /** Sample time of a particle counter in whole seconds; default 60. */
  readonly sampleSeconds?: number
  /** Hold time of a particle counter in whole seconds; default 0. */
  readonly holdSeconds?: number
  /** Flow of a particle counter in L/min; default 28.3. */
  readonly flowLpm?: number
  /** Channel sizes of a particle counter in µm, rising; default of the model. */
  readonly channelsUm?: readonly number[]
  /** Registers of a `generic` instrument. */
  readonly registers?: readonly GenericRegister[]
}

interface BusSpecBase {
  readonly id: string
  readonly units: readonly UnitSpec[]
}

export interface TcpBusSpec extends BusSpecBase {
  readonly protocol?: 'modbus-tcp'
  readonly host: string
  /** 0 = chosen by the system. */
  readonly port: number
  /** What happens to a request for a unit that is not there; default `silent`, as an instrument; a gateway says 0x0B. */
  readonly unknownUnit?: 'silent' | 'gateway'
}

/** A serial line: what its speed and character frame make of time. */
export interface LineSettings {
  readonly baudRate?: number
  readonly dataBits?: 7 | 8
  readonly parity?: 'none' | 'even' | 'odd'
  readonly stopBits?: 1 | 2
}

export interface RtuOverTcpBusSpec extends BusSpecBase, LineSettings {
  readonly protocol: 'modbus-rtu-over-tcp'
  readonly host: string
  readonly port: number
}

export interface RtuBusSpec extends BusSpecBase, LineSettings {
  readonly protocol: 'modbus-rtu'
  /** Where the pseudo-terminal is to appear (a symbolic link made by `socat`). */
  readonly path: string
}

export type BusSpec = TcpBusSpec | RtuOverTcpBusSpec | RtuBusSpec

export interface SimulationSpec {
  readonly buses: readonly BusSpec[]
  readonly zones: readonly ZoneSpec[]
}

const UNIT_ID_MAX = 255
const SAMPLE_SECONDS_MAX = 86_399

/** Everything wrong with a specification, each in words; empty when it can be simulated. */
export function faultsOfSpec(spec: SimulationSpec, models: readonly string[]): string[] {
  const faults: string[] = []
  const zones = new Set<string>()
  const names = new Set<string>()
  const claim = (what: string, id: string): void => {
    if (names.has(id)) faults.push(`${what} "${id}": the id is used twice; give each its own`)
    names.add(id)
  }
  for (const zone of spec.zones) {
    claim('zone', zone.id)
    zones.add(zone.id)
  }
  for (const zone of spec.zones) {
    if (zone.within !== undefined && !zones.has(zone.within)) {
      faults.push(`zone "${zone.id}" lies within "${zone.within}", which is not a zone`)
    }
  }
  for (const bus of spec.buses) {
    claim('bus', bus.id)
    const taken = new Map<number, string>()
    for (const unit of bus.units) {
      claim('instrument', unit.instrument)
      const other = taken.get(unit.unitId)
      if (other !== undefined) {
        faults.push(
          `bus "${bus.id}": "${other}" and "${unit.instrument}" both have unit id ${unit.unitId}`,
        )
      }
      taken.set(unit.unitId, unit.instrument)
      faults.push(...faultsOfUnit(unit, zones, models))
    }
  }
  return faults
}

function faultsOfUnit(unit: UnitSpec, zones: Set<string>, models: readonly string[]): string[] {
  const faults: string[] = []
  const say = (words: string): number => faults.push(`instrument "${unit.instrument}": ${words}`)
  if (!models.includes(unit.model)) {
    say(`there is no simulator of "${unit.model}"; there is one of ${models.join(', ')}`)
  }
  if (!Number.isInteger(unit.unitId) || unit.unitId < 0 || unit.unitId > UNIT_ID_MAX) {
    say(`unit id ${unit.unitId} is not between 0 and ${UNIT_ID_MAX}`)
  }
  if (unit.model === 'lighthouse-apex' && !/^\d{1,9}$/.test(unit.serial ?? '0')) {
    say(`serial number "${unit.serial}": this counter has a number of up to 9 digits`)
  }
  if (!zones.has(unit.zone)) say(`its zone "${unit.zone}" is not a zone`)
  if (unit.against !== undefined && !zones.has(unit.against)) {
    say(`the zone "${unit.against}" it measures against is not a zone`)
  }
  const sample = unit.sampleSeconds ?? 60
  if (!Number.isInteger(sample) || sample < 1 || sample > SAMPLE_SECONDS_MAX) {
    say(
      `sample time ${sample} s is not a whole number of seconds between 1 and ${SAMPLE_SECONDS_MAX}`,
    )
  }
  const hold = unit.holdSeconds ?? 0
  if (!Number.isInteger(hold) || hold < 0)
    say(`hold time ${hold} s is not a whole number of seconds`)
  if (unit.flowLpm !== undefined && !(unit.flowLpm > 0))
    say(`flow ${unit.flowLpm} L/min is not above 0`)
  const sizes = unit.channelsUm ?? [0.5]
  if (
    sizes.length < 1 ||
    sizes.length > 8 ||
    sizes.some((size, at) => !(size > (sizes[at - 1] ?? 0)))
  ) {
    say(`channel sizes ${sizes.join(', ')} µm are not 1 to 8 rising sizes`)
  }
  return faults
}
