// The plant: rooms, people, doors, air, particles and incubators, moved on together in plant time. Decides what is true
// in the rooms; never what an instrument makes of it (devices/), nor how fast plant time runs (main.ts).

import type { PlantEvent } from '../script.ts'
import type { SimulationSpec } from '../spec.ts'
import { Air, OUTSIDE } from './air.ts'
import { randomFor } from './chance.ts'
import { Incubators, RoomClimate } from './climate.ts'
import { Particles } from './particles.ts'
import { neighboursOf, type Room, roomsOf, unitsOf } from './rooms.ts'

/** The longest step the rooms are moved on at once, s; longer only where plant time is hurried very much. */
const STEP_SECONDS = 0.25
/** Steps in one advance: at 3600 times the speed a step is some six seconds, which the implicit solution bears. */
const STEPS_MAX = 64

/** What is true in one zone now. */
export interface ZoneState {
  readonly pressurePa: number
  readonly per05M3: number
  readonly per5M3: number
  readonly temperatureC: number
  readonly humidityPercent: number
  readonly people: number
  readonly doorOpen: boolean
  readonly co2Ppm?: number
}

/** An effect that ends at its time. */
interface Ending {
  readonly key: string
  readonly atSeconds: number
  readonly end: () => void
}

/** The model of the site. Everything random in it comes from the seed. */
export class Plant {
  readonly #rooms: readonly Room[]
  readonly #air: Air
  readonly #particles: Particles
  readonly #climate: RoomClimate
  readonly #incubators: Incubators
  #endings: Ending[] = []
  #seconds = 0
  #doorsMoved = 0

  constructor(spec: SimulationSpec, seed: number) {
    this.#rooms = roomsOf(spec)
    const rooms = this.#rooms.filter((room) => room.kind !== 'incubator')
    this.#air = new Air(this.#rooms, neighboursOf(spec), randomFor(seed, 'plant/air'))
    this.#particles = new Particles(rooms)
    this.#climate = new RoomClimate(rooms, randomFor(seed, 'plant/climate'))
    this.#incubators = new Incubators(
      chambersOf(spec, this.#rooms),
      randomFor(seed, 'plant/incubators'),
    )
  }

  /** Plant time since the start, s. */
  get seconds(): number {
    return this.#seconds
  }

  /** Names a script may use for a place: zones and incubators. */
  places(): string[] {
    return [...new Set([...this.#rooms.map((room) => room.id), ...this.#incubators.names()])]
  }

  /** Moves plant time on, ending effects exactly when they are due. */
  advance(seconds: number): void {
    const end = this.#seconds + seconds
    const longest = Math.max(STEP_SECONDS, seconds / STEPS_MAX)
    while (this.#seconds < end) {
      const due = this.#endings[0]?.atSeconds ?? Number.POSITIVE_INFINITY
      const until = Math.min(end, Math.max(due, this.#seconds), this.#seconds + longest)
      this.#step(until - this.#seconds)
      this.#seconds = until
      this.#endDue()
    }
  }

  #step(seconds: number): void {
    if (seconds <= 0) return
    this.#air.advance(seconds)
    this.#particles.advance(seconds, this.#air.flows(), (zone) => this.#air.fanRuns(zone))
    this.#climate.advance(seconds, (zone) => this.#particles.people(zone))
    this.#incubators.advance(seconds, (zone) => this.#climate.temperature(zone))
  }

  #endDue(): void {
    while ((this.#endings[0]?.atSeconds ?? Number.POSITIVE_INFINITY) <= this.#seconds) {
      this.#endings.shift()?.end()
    }
  }

  /** Ends an effect later; an effect of the same key that still lasts is replaced, its end forgotten. */
  #later(key: string, forMs: number, end: () => void): void {
    const atSeconds = this.#seconds + forMs / 1000
    this.#endings = this.#endings.filter((ending) => ending.key !== key)
    this.#endings.push({ key, atSeconds, end })
    this.#endings.sort((a, b) => a.atSeconds - b.atSeconds)
  }

  /** Makes something happen now. The names in it were checked with `refusal`. */
  apply(event: PlantEvent): void {
    const { zone } = event
    switch (event.kind) {
      case 'door':
        return this.#openDoor(zone, event.to, event.forMs)
      case 'disturb':
        this.#particles.disturb(zone, event.sizeUm, event.perM3)
        return this.#later(`disturb ${zone}`, event.forMs, () =>
          this.#particles.endDisturbance(zone),
        )
      case 'people':
        return this.#particles.setPeople(zone, event.count, event.working)
      case 'pressure':
        this.#air.setOffset(zone, event.offsetPa)
        return this.#later(`pressure ${zone}`, event.forMs, () => this.#air.setOffset(zone, 0))
      case 'fan':
        this.#air.setFan(zone, false)
        return this.#later(`fan ${zone}`, event.forMs, () => this.#air.setFan(zone, true))
      case 'temperature':
      case 'humidity':
      case 'co2':
        this.#setLevel(event.kind, zone, event.level)
        return this.#later(`${event.kind} ${zone}`, event.forMs, () =>
          this.#setLevel(event.kind, zone),
        )
    }
  }

  #openDoor(zone: string, to: string | undefined, forMs: number): void {
    const behind = to ?? this.#air.neighbourBelow(zone)
    const move = (open: boolean): void => {
      if (this.#incubators.has(zone)) this.#incubators.moveDoor(zone, open)
      else this.#air.moveDoor(zone, behind, open)
    }
    move(true)
    // Doors add up: each opening has an end of its own.
    this.#doorsMoved += 1
    this.#later(`door ${this.#doorsMoved}`, forMs, () => move(false))
  }

  #setLevel(kind: 'temperature' | 'humidity' | 'co2', zone: string, level?: number): void {
    if (kind === 'co2') this.#incubators.setCo2(zone, level)
    else if (kind === 'humidity') this.#climate.setHumidity(zone, level)
    else if (this.#incubators.has(zone)) this.#incubators.setTemperature(zone, level)
    else this.#climate.setTemperature(zone, level)
  }

  /** Why this event cannot happen here, in words; undefined when it can. */
  refusal(event: PlantEvent): string | undefined {
    const rooms = this.#rooms.filter((room) => room.kind !== 'incubator').map((room) => room.id)
    const chambers = this.#incubators.names()
    const anywhere = [...rooms, ...chambers]
    const places =
      event.kind === 'co2'
        ? chambers
        : event.kind === 'door' || event.kind === 'temperature'
          ? anywhere
          : rooms
    if (!places.includes(event.zone)) {
      const what = event.kind === 'co2' ? 'incubator' : 'zone'
      return `there is no ${what} "${event.zone}" for "${event.kind}"; there is ${places.join(', ') || 'none'}`
    }
    if (event.kind !== 'door' || event.to === undefined) return undefined
    if (chambers.includes(event.zone))
      return `an incubator has one door; leave out "to ${event.to}"`
    if (event.to !== OUTSIDE && !rooms.includes(event.to)) {
      return `there is no zone "${event.to}" behind the door; there is ${rooms.join(', ')}, ${OUTSIDE}`
    }
    return event.to === event.zone ? 'a door leads from one zone to another' : undefined
  }

  /** Pressure of a zone above another, or above the outside, Pa. */
  differentialPressure(zone: string, against?: string): number {
    return this.#air.pressure(zone) - (against === undefined ? 0 : this.#air.pressure(against))
  }

  /** True concentration ≥ size, per m³. */
  concentration(zone: string, sizeUm: number): number {
    return this.#particles.concentration(zone, sizeUm)
  }

  /** °C, of the chamber where the place is an incubator. */
  temperature(place: string): number {
    return this.#incubators.has(place)
      ? this.#incubators.temperature(place)
      : this.#climate.temperature(place)
  }

  /** % RH */
  humidity(place: string): number {
    return this.#incubators.has(place)
      ? this.#incubators.humidity(place)
      : this.#climate.humidity(place)
  }

  co2Ppm(place: string): number {
    return this.#incubators.co2Ppm(place)
  }

  doorOpen(place: string): boolean {
    return this.#incubators.has(place)
      ? this.#incubators.doorOpen(place)
      : this.#air.doorOpen(place)
  }

  /** m/s under the filter of a unidirectional cabinet, a draught elsewhere. */
  airVelocity(zone: string): number {
    if (!this.#air.fanRuns(zone)) return 0
    return this.#rooms.find((room) => room.id === zone)?.kind === 'cabinet' ? 0.45 : 0.1
  }

  /** The state of all places, for the snapshot. */
  state(): Readonly<Record<string, ZoneState>> {
    const entries = this.places().map((place): [string, ZoneState] => [
      place,
      {
        pressurePa: this.#air.pressure(place),
        per05M3: this.#particles.concentration(place, 0.5),
        per5M3: this.#particles.concentration(place, 5),
        temperatureC: this.temperature(place),
        humidityPercent: this.humidity(place),
        people: this.#particles.people(place),
        doorOpen: this.doorOpen(place),
        ...(this.#incubators.has(place) ? { co2Ppm: this.co2Ppm(place) } : {}),
      },
    ])
    return Object.fromEntries(entries)
  }
}

/** The chamber a CO₂ probe stands in: its zone where that is an incubator, else one of its own. */
export function chamberOf(
  spec: SimulationSpec,
  unit: { instrument: string; zone: string },
): string {
  const room = roomsOf(spec).find((candidate) => candidate.id === unit.zone)
  return room?.kind === 'incubator' ? unit.zone : unit.instrument
}

function chambersOf(
  spec: SimulationSpec,
  rooms: readonly Room[],
): { name: string; room: string }[] {
  const chambers = rooms
    .filter((room) => room.kind === 'incubator')
    .map((room) => ({ name: room.id, room: room.within ?? '' }))
  for (const unit of unitsOf(spec)) {
    if (unit.model !== 'vaisala-gmp251') continue
    const name = chamberOf(spec, unit)
    if (!chambers.some((chamber) => chamber.name === name)) chambers.push({ name, room: unit.zone })
  }
  return chambers
}
