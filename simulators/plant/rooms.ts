// The rooms of a cleanroom before anything happens in them: typical figures by grade, and the pressure each is held at.
// Pure; decides nominal values only, never how they evolve (air.ts, particles.ts, climate.ts).

import type { SimulationSpec, UnitSpec, ZoneGrade, ZoneSpec } from '../spec.ts'

export type ZoneKind = 'room' | 'cabinet' | 'incubator'

/** Nominal figures of one zone. */
export interface Room {
  readonly id: string
  readonly grade: ZoneGrade
  readonly kind: ZoneKind
  readonly within?: string
  readonly volumeM3: number
  /** Effective air changes per second: nominal changes × ventilation effectiveness. */
  readonly ventilationPerSecond: number
  /** Concentration ≥ 0.5 µm of the supply air as it reaches the room, i.e. what is found at rest, per m³. */
  readonly backgroundPerM3: number
  /** Pressure above the outside with all doors shut. */
  readonly pressurePa: number
  readonly temperatureC: number
  readonly humidityPercent: number
  readonly people: number
}

interface GradeFigures {
  readonly volumeM3: number
  readonly airChangesPerHour: number
  readonly backgroundPerM3: number
  readonly pressurePa: number
  readonly temperatureC: number
  readonly humidityPercent: number
  readonly people: number
}

/** Share of the supplied air that takes part in diluting a turbulently mixed room. */
const VENTILATION_EFFECTIVENESS = 0.7

/**
 * Typical figures. Grade A is a unidirectional cabinet at 0.45 m/s; B recovers 100:1 in some 16 minutes, C in 20. At
 * rest a 28.3 L sample holds about half a count ≥ 0.5 µm in A, 28 in B.
 */
const FIGURES: Readonly<Record<ZoneGrade, GradeFigures>> = {
  A: {
    volumeM3: 1.2,
    airChangesPerHour: 500,
    backgroundPerM3: 18,
    pressurePa: 60,
    temperatureC: 20.5,
    humidityPercent: 45,
    people: 0,
  },
  B: {
    volumeM3: 60,
    airChangesPerHour: 25,
    backgroundPerM3: 1000,
    pressurePa: 45,
    temperatureC: 20,
    humidityPercent: 45,
    people: 0,
  },
  C: {
    volumeM3: 80,
    airChangesPerHour: 20,
    backgroundPerM3: 15_000,
    pressurePa: 30,
    temperatureC: 20.5,
    humidityPercent: 45,
    people: 1,
  },
  D: {
    volumeM3: 100,
    airChangesPerHour: 15,
    backgroundPerM3: 120_000,
    pressurePa: 15,
    temperatureC: 21,
    humidityPercent: 45,
    people: 1,
  },
  CNC: {
    volumeM3: 150,
    airChangesPerHour: 8,
    backgroundPerM3: 2_000_000,
    pressurePa: 5,
    temperatureC: 22,
    humidityPercent: 45,
    people: 0,
  },
}

const CASCADE_STEP_PA = 15
const CO2_PROBE_MODELS: readonly string[] = ['vaisala-gmp251']

/** All instruments of a specification. */
export const unitsOf = (spec: SimulationSpec): UnitSpec[] => spec.buses.flatMap((bus) => bus.units)

/** The rooms of a specification with every default filled in. */
export function roomsOf(spec: SimulationSpec): Room[] {
  const pressures = cascadeOf(spec)
  return spec.zones.map((zone) => {
    const figures = FIGURES[zone.grade]
    const kind = kindOf(zone, unitsOf(spec))
    const changes = zone.airChangesPerHour ?? figures.airChangesPerHour
    const effectiveness = zone.grade === 'A' ? 1 : VENTILATION_EFFECTIVENESS
    return {
      id: zone.id,
      grade: zone.grade,
      kind,
      ...(zone.within === undefined ? {} : { within: zone.within }),
      volumeM3: zone.volumeM3 ?? (kind === 'incubator' ? 0.2 : figures.volumeM3),
      ventilationPerSecond: (changes * effectiveness) / 3600,
      backgroundPerM3: figures.backgroundPerM3,
      pressurePa: pressures.get(zone.id) ?? figures.pressurePa,
      temperatureC: figures.temperatureC,
      humidityPercent: figures.humidityPercent,
      people: zone.people ?? (kind === 'room' ? figures.people : 0),
    }
  })
}

function kindOf(zone: ZoneSpec, units: readonly UnitSpec[]): ZoneKind {
  if (zone.kind !== undefined) return zone.kind
  if (zone.within === undefined) return 'room'
  const probed = units.some(
    (unit) => unit.zone === zone.id && CO2_PROBE_MODELS.includes(unit.model),
  )
  if (probed) return 'incubator'
  return zone.grade === 'A' ? 'cabinet' : 'room'
}

/** Pressure of each zone: by grade, and one step above whatever it is measured against. */
function cascadeOf(spec: SimulationSpec): Map<string, number> {
  const pressures = new Map<string, number>()
  const fixed = new Set<string>()
  for (const zone of spec.zones) {
    if (zone.pressurePa !== undefined) fixed.add(zone.id)
    pressures.set(zone.id, zone.pressurePa ?? FIGURES[zone.grade].pressurePa)
  }
  const pairs = unitsOf(spec).filter((unit) => unit.against !== undefined)
  // As many rounds as zones settle any cascade; a ring of "against" cannot be satisfied and stays where it is then.
  for (let round = 0; round < spec.zones.length; round++) {
    for (const { zone, against } of pairs) {
      const below = pressures.get(against ?? '') ?? 0
      const here = pressures.get(zone) ?? 0
      if (!fixed.has(zone) && here < below + CASCADE_STEP_PA) {
        pressures.set(zone, below + CASCADE_STEP_PA)
      }
    }
  }
  return pressures
}

/** Pairs of zones with a wall, a leak and possibly a door between them. */
export function neighboursOf(spec: SimulationSpec): (readonly [string, string])[] {
  const pairs = new Map<string, readonly [string, string]>()
  const join = (a: string, b: string): void => {
    if (a !== b) pairs.set([a, b].toSorted().join(' '), [a, b])
  }
  for (const zone of spec.zones) if (zone.within !== undefined) join(zone.id, zone.within)
  for (const unit of unitsOf(spec)) if (unit.against !== undefined) join(unit.zone, unit.against)
  return [...pairs.values()]
}
