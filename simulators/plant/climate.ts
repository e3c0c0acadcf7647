// Temperature and humidity of rooms, and the chambers of CO₂ incubators with their doors. Decides true values only;
// noise, resolution and faults belong to the instruments.

import type { Random } from '#core/random.ts'
import { type Fluctuation, fluctuate } from './chance.ts'
import type { Room } from './rooms.ts'

/** How fast a room follows its air handling, s. */
const ROOM_SECONDS = 240
/** Warming of a room by each person in it, K. */
const WARMTH_PER_PERSON_K = 0.25

interface Climate {
  readonly room: Room
  readonly wanderT: Fluctuation
  readonly wanderRh: Fluctuation
  temperatureC: number
  humidityPercent: number
  setTemperatureC: number
  setHumidityPercent: number
}

/** Temperature and humidity of the rooms. */
export class RoomClimate {
  readonly #rooms = new Map<string, Climate>()
  readonly #random: Random

  constructor(rooms: readonly Room[], random: Random) {
    this.#random = random
    for (const room of rooms) {
      if (room.kind === 'incubator') continue
      this.#rooms.set(room.id, {
        room,
        wanderT: { deviation: 0.08, seconds: 300, value: 0 },
        wanderRh: { deviation: 0.6, seconds: 300, value: 0 },
        temperatureC: room.temperatureC + room.people * WARMTH_PER_PERSON_K,
        humidityPercent: room.humidityPercent,
        setTemperatureC: room.temperatureC,
        setHumidityPercent: room.humidityPercent,
      })
    }
  }

  temperature(zone: string): number {
    const climate = this.#rooms.get(zone)
    return climate === undefined ? 20 : climate.temperatureC + climate.wanderT.value
  }

  humidity(zone: string): number {
    const climate = this.#rooms.get(zone)
    return climate === undefined ? 45 : climate.humidityPercent + climate.wanderRh.value
  }

  /** What the air handling aims at; undefined = the nominal value again. */
  setTemperature(zone: string, celsius: number | undefined): void {
    const climate = this.#rooms.get(zone)
    if (climate !== undefined) climate.setTemperatureC = celsius ?? climate.room.temperatureC
  }

  setHumidity(zone: string, percent: number | undefined): void {
    const climate = this.#rooms.get(zone)
    if (climate !== undefined) climate.setHumidityPercent = percent ?? climate.room.humidityPercent
  }

  advance(seconds: number, people: (zone: string) => number): void {
    const share = 1 - Math.exp(-seconds / ROOM_SECONDS)
    for (const [id, climate] of this.#rooms) {
      const goal = climate.setTemperatureC + people(id) * WARMTH_PER_PERSON_K
      climate.temperatureC += (goal - climate.temperatureC) * share
      climate.humidityPercent += (climate.setHumidityPercent - climate.humidityPercent) * share
      fluctuate(climate.wanderT, seconds, this.#random)
      fluctuate(climate.wanderRh, seconds, this.#random)
    }
  }
}

const OUTDOOR_CO2_PPM = 450
const CHAMBER = {
  setTemperatureC: 37,
  setCo2Ppm: 50_000,
  setHumidityPercent: 93,
  /** With the door open the gas is gone in seconds, the warmth in minutes. */
  openCo2Seconds: 8,
  openTemperatureSeconds: 90,
  openHumiditySeconds: 20,
  /** With the door shut the controller brings them back in some minutes. */
  shutCo2Seconds: 75,
  shutTemperatureSeconds: 240,
  shutHumiditySeconds: 600,
} as const

interface Chamber {
  readonly room: string
  readonly wanderCo2: Fluctuation
  readonly wanderT: Fluctuation
  co2Ppm: number
  temperatureC: number
  humidityPercent: number
  setCo2Ppm: number
  setTemperatureC: number
  openDoors: number
}

/** The chambers of the incubators, each named by its zone or, where it has none, by its CO₂ probe. */
export class Incubators {
  readonly #chambers = new Map<string, Chamber>()
  readonly #random: Random

  /** `chambers` gives each chamber's name and the room it stands in. */
  constructor(
    chambers: readonly { readonly name: string; readonly room: string }[],
    random: Random,
  ) {
    this.#random = random
    for (const { name, room } of chambers) {
      this.#chambers.set(name, {
        room,
        wanderCo2: { deviation: 150, seconds: 60, value: 0 },
        wanderT: { deviation: 0.03, seconds: 120, value: 0 },
        co2Ppm: CHAMBER.setCo2Ppm,
        temperatureC: CHAMBER.setTemperatureC,
        humidityPercent: CHAMBER.setHumidityPercent,
        setCo2Ppm: CHAMBER.setCo2Ppm,
        setTemperatureC: CHAMBER.setTemperatureC,
        openDoors: 0,
      })
    }
  }

  has(name: string): boolean {
    return this.#chambers.has(name)
  }

  names(): string[] {
    return [...this.#chambers.keys()]
  }

  co2Ppm(name: string): number {
    const chamber = this.#chambers.get(name)
    if (chamber === undefined) return OUTDOOR_CO2_PPM
    return Math.max(0, chamber.co2Ppm + (chamber.openDoors > 0 ? 0 : chamber.wanderCo2.value))
  }

  temperature(name: string): number {
    const chamber = this.#chambers.get(name)
    return chamber === undefined ? 20 : chamber.temperatureC + chamber.wanderT.value
  }

  humidity(name: string): number {
    return this.#chambers.get(name)?.humidityPercent ?? 45
  }

  doorOpen(name: string): boolean {
    return (this.#chambers.get(name)?.openDoors ?? 0) > 0
  }

  moveDoor(name: string, open: boolean): void {
    const chamber = this.#chambers.get(name)
    if (chamber !== undefined) chamber.openDoors = Math.max(0, chamber.openDoors + (open ? 1 : -1))
  }

  /** What the controller aims at; undefined = the nominal value again. An empty gas bottle is an aim of 0. */
  setCo2(name: string, ppm: number | undefined): void {
    const chamber = this.#chambers.get(name)
    if (chamber !== undefined) chamber.setCo2Ppm = ppm ?? CHAMBER.setCo2Ppm
  }

  setTemperature(name: string, celsius: number | undefined): void {
    const chamber = this.#chambers.get(name)
    if (chamber !== undefined) chamber.setTemperatureC = celsius ?? CHAMBER.setTemperatureC
  }

  advance(seconds: number, roomTemperature: (zone: string) => number): void {
    for (const chamber of this.#chambers.values()) {
      const open = chamber.openDoors > 0
      const toward = (from: number, goal: number, tau: number): number =>
        from + (goal - from) * (1 - Math.exp(-seconds / tau))
      chamber.co2Ppm = open
        ? toward(chamber.co2Ppm, OUTDOOR_CO2_PPM, CHAMBER.openCo2Seconds)
        : toward(chamber.co2Ppm, chamber.setCo2Ppm, CHAMBER.shutCo2Seconds)
      chamber.temperatureC = open
        ? toward(
            chamber.temperatureC,
            roomTemperature(chamber.room),
            CHAMBER.openTemperatureSeconds,
          )
        : toward(chamber.temperatureC, chamber.setTemperatureC, CHAMBER.shutTemperatureSeconds)
      chamber.humidityPercent = open
        ? toward(chamber.humidityPercent, 45, CHAMBER.openHumiditySeconds)
        : toward(chamber.humidityPercent, CHAMBER.setHumidityPercent, CHAMBER.shutHumiditySeconds)
      fluctuate(chamber.wanderCo2, seconds, this.#random)
      fluctuate(chamber.wanderT, seconds, this.#random)
    }
  }
}
