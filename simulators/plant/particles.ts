// Airborne particles: shed by people and by what happens, carried by air between rooms, removed by air changes.
// Decides true concentrations; never what a counter makes of them (devices/lighthouse.ts draws the counts).

import { type AirFlow, OUTSIDE } from './air.ts'
import type { Room } from './rooms.ts'

/** Sizes in µm at which the cumulative concentration is carried; others are interpolated. */
export const SIZES_UM = [0.3, 0.5, 1, 3, 5, 10] as const

/** Cumulative shares relative to ≥ 0.5 µm of what people and movement give off (some 1:120 at 5 µm). */
const SHED: readonly number[] = [2.6, 1, 0.3, 0.03, 0.0083, 0.0012]
/** The same of filtered air: large particles do not come through a filter. */
const FILTERED: readonly number[] = [4, 1, 0.15, 0.001, 0.0001, 0.00001]

/** Particles ≥ 0.5 µm a person in cleanroom garments gives off each second, at work and keeping still. */
export const SHED_PER_SECOND = { working: 5000, still: 800 } as const

/** Cumulative concentrations per m³ at SIZES_UM. */
type Spectrum = number[]

interface Zone {
  readonly room: Room
  readonly now: Spectrum
  readonly supply: readonly number[]
  people: number
  working: boolean
  /** Concentration kept up by a disturbance; absent when none is on. */
  disturbance?: readonly number[]
}

/** Concentration of size ≥ `sizeUm` in a spectrum, interpolated on logarithmic scales. */
export function concentrationAt(spectrum: readonly number[], sizeUm: number): number {
  const first = SIZES_UM[0]
  if (sizeUm <= first) return spectrum[0] ?? 0
  for (let index = 1; index < SIZES_UM.length; index++) {
    const upper = SIZES_UM[index] ?? 0
    const lower = SIZES_UM[index - 1] ?? first
    if (sizeUm > upper) continue
    const above = Math.max(spectrum[index] ?? 0, Number.MIN_VALUE)
    const below = Math.max(spectrum[index - 1] ?? 0, Number.MIN_VALUE)
    const share = Math.log(sizeUm / lower) / Math.log(upper / lower)
    return Math.exp(Math.log(below) * (1 - share) + Math.log(above) * share)
  }
  return spectrum.at(-1) ?? 0
}

/** The particles of all rooms. Lives as long as the plant and moves only when advanced. */
export class Particles {
  readonly #zones = new Map<string, Zone>()
  readonly #outside: readonly number[] = SHED.map((share) => share * 10_000_000)

  constructor(rooms: readonly Room[]) {
    for (const room of rooms) {
      const supply = FILTERED.map((share) => share * room.backgroundPerM3)
      const zone: Zone = { room, supply, now: [...supply], people: room.people, working: true }
      // A room has been in this state for long when the simulation starts.
      const gain = this.#sourcePerSecond(zone) / (room.volumeM3 * room.ventilationPerSecond)
      SHED.forEach((share, index) => {
        zone.now[index] = (supply[index] ?? 0) + share * gain
      })
      this.#zones.set(room.id, zone)
    }
  }

  #sourcePerSecond(zone: Zone): number {
    return zone.people * SHED_PER_SECOND[zone.working ? 'working' : 'still']
  }

  /** True concentration of particles of at least this size, per m³. */
  concentration(zone: string, sizeUm: number): number {
    const state = this.#zones.get(zone)
    return state === undefined ? 0 : concentrationAt(state.now, sizeUm)
  }

  people(zone: string): number {
    return this.#zones.get(zone)?.people ?? 0
  }

  /** So many people from now on, at work or keeping still. */
  setPeople(zone: string, people: number, working: boolean): void {
    const state = this.#zones.get(zone)
    if (state === undefined) return
    state.people = people
    state.working = working
  }

  /**
   * Raises the concentration ≥ `sizeUm` to at least `perM3` and keeps it there until it is ended; the other sizes follow
   * the spectrum of what people give off.
   */
  disturb(zone: string, sizeUm: number, perM3: number): void {
    const state = this.#zones.get(zone)
    if (state === undefined) return
    const scale = perM3 / concentrationAt(SHED, sizeUm)
    state.disturbance = SHED.map((share) => share * scale)
    this.#holdUp(state)
  }

  /** Ends a disturbance: from here on the air changes take the particles away. */
  endDisturbance(zone: string): void {
    const state = this.#zones.get(zone)
    if (state !== undefined) delete state.disturbance
  }

  #holdUp(zone: Zone): void {
    zone.disturbance?.forEach((level, index) => {
      zone.now[index] = Math.max(zone.now[index] ?? 0, level)
    })
  }

  /** Lets so many seconds pass with these flows; `ventilated` says whether a zone's fan runs. */
  advance(seconds: number, flows: readonly AirFlow[], ventilated: (zone: string) => boolean): void {
    const before = new Map([...this.#zones].map(([id, zone]) => [id, [...zone.now]]))
    const spectrumOf = (id: string): readonly number[] =>
      id === OUTSIDE ? this.#outside : (before.get(id) ?? this.#outside)
    for (const [id, zone] of this.#zones) {
      const { room } = zone
      const changes = ventilated(id) ? room.ventilationPerSecond : 0
      const source = this.#sourcePerSecond(zone) / room.volumeM3
      const inflows = flows
        .filter((flow) => flow.to === id || (flow.from === id && flow.mixing > 0))
        .map((flow) => ({
          spectrum: spectrumOf(flow.to === id ? flow.from : flow.to),
          perSecond: ((flow.to === id ? flow.net : 0) + flow.mixing) / room.volumeM3,
        }))
      const exchanged = inflows.reduce((sum, inflow) => sum + inflow.perSecond, 0)
      for (let index = 0; index < SIZES_UM.length; index++) {
        const carried = inflows.reduce(
          (sum, inflow) => sum + inflow.perSecond * (inflow.spectrum[index] ?? 0),
          0,
        )
        const gain = source * (SHED[index] ?? 0) + changes * (zone.supply[index] ?? 0) + carried
        const start = zone.now[index] ?? 0
        zone.now[index] = (start + seconds * gain) / (1 + seconds * (changes + exchanged))
      }
      this.#holdUp(zone)
    }
  }
}
