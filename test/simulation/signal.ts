// What one register of one instrument truly holds: a history of steps, drawn from its own stream, that the checks can ask
// about any moment. It visits every region that matters to the alarms: normal, at a limit, between limit and deadband, beyond.

import type { Dice } from './dice.ts'
import type { PointDraw, SignalKind } from './scenario.ts'

/** Limits of a kind of signal in the order of the configuration's keys. */
export interface KindLimits {
  readonly quantity: string
  readonly unit: string
  readonly normal: number
  readonly noise: number
  readonly range: readonly [number, number]
  readonly actionHigh?: number
  readonly alertHigh?: number
  readonly alertLow?: number
  readonly actionLow?: number
  readonly inversion?: number
}

export const KINDS: Readonly<Record<SignalKind, KindLimits>> = {
  pressure: {
    quantity: 'differential_pressure',
    unit: 'Pa',
    normal: 15,
    noise: 0.8,
    range: [-100, 100],
    alertLow: 12.5,
    actionLow: 10,
    inversion: 0,
  },
  temperature: {
    quantity: 'temperature',
    unit: '°C',
    normal: 20,
    noise: 0.5,
    range: [-20, 60],
    actionHigh: 24,
    alertHigh: 22,
    alertLow: 17,
  },
  humidity: {
    quantity: 'relative_humidity',
    unit: '%',
    normal: 45,
    noise: 2,
    range: [0, 100],
    actionHigh: 65,
    alertHigh: 60,
  },
  co2: {
    quantity: 'co2',
    unit: '%',
    normal: 5,
    noise: 0.1,
    range: [0, 20],
    actionHigh: 6,
    alertHigh: 5.5,
    alertLow: 4.5,
    actionLow: 4,
  },
}

/** Scale and "no value" codes of each register type, as written into the profile. */
export const TYPES = {
  f32: { scale: 1, sentinels: [-9999] },
  i16: { scale: 0.005, sentinels: [-32_768] },
  i32: { scale: 0.001, sentinels: [-2_147_483_648] },
} as const

/** One step of the history: from this true time on, the register holds this decoded number. */
export interface Held {
  readonly since: number
  readonly raw: number
  /** In the point's unit and sense; worked out when it is first asked for. */
  value?: number
}

const KEPT_MS = 4 * 3_600_000

export interface SignalFaults {
  readonly sensorFault: boolean
  readonly frozen: boolean
}

export class Signal {
  readonly draw: PointDraw
  readonly kind: KindLimits
  readonly #dice: Dice
  readonly #faults: SignalFaults
  #history: Held[] = []
  #until = 0
  #modeUntil = 0
  #mode: () => number
  #dwellMs: number
  /** From this true time on nothing but normal values. */
  calmFrom = Number.POSITIVE_INFINITY

  constructor(draw: PointDraw, dice: Dice, faults: SignalFaults) {
    this.draw = draw
    this.kind = KINDS[draw.kind]
    this.#dice = dice
    this.#faults = faults
    this.#mode = () => this.#around(this.kind.normal, this.kind.noise)
    this.#dwellMs = draw.intervalMs * dice.between(0.4, 2)
  }

  /** The decoded number that the register holds at a true time. */
  rawAt(time: number): number {
    this.#generate(time)
    return this.#history[this.#indexAt(time)]?.raw ?? Number.NaN
  }

  /** Steps whose number was held at some instant of [from, to]. */
  heldBetween(from: number, to: number): readonly Held[] {
    this.#generate(to)
    return this.#history.slice(this.#indexAt(from), this.#indexAt(to) + 1)
  }

  /** The value in the point's unit and sense: decoded × scale + offset, sign turned where plumbed the other way. */
  valueOf(raw: number): number {
    const { type } = this.draw
    const value = type === 'f32' ? shortest(raw) : raw * TYPES[type].scale
    return (this.draw.reversed ? -value : value) + 0
  }

  /** The same of one step of the history, worked out once. */
  valueHeld(held: Held): number {
    held.value ??= this.valueOf(held.raw)
    return held.value
  }

  isValue(raw: number): boolean {
    return (
      Number.isFinite(raw) && !(TYPES[this.draw.type].sentinels as readonly number[]).includes(raw)
    )
  }

  #indexAt(time: number): number {
    let low = 0
    let high = this.#history.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#history[middle]?.since ?? 0) <= time) low = middle
      else high = middle - 1
    }
    return low
  }

  #generate(until: number): void {
    while (this.#until <= until) {
      if (this.#until >= this.#modeUntil) this.#turn()
      const calm = this.#until >= this.calmFrom
      const raw = calm ? this.#around(this.kind.normal, this.kind.noise) : this.#mode()
      this.#history.push({ since: this.#until, raw })
      this.#until += this.#dice.between(0.2, 1.8) * this.#dwellMs
    }
    const first = this.#history[0]
    if (first !== undefined && first.since < until - 2 * KEPT_MS) {
      this.#history = this.#history.slice(this.#indexAt(until - KEPT_MS))
    }
  }

  /** Enters another mode for a while. */
  #turn(): void {
    const { intervalMs, onDelayMs } = this.draw
    const dice = this.#dice
    const quiet = dice.chance(0.55)
    const long = quiet ? 40 * intervalMs + onDelayMs : 3 * intervalMs + onDelayMs
    this.#modeUntil = this.#until + dice.about(long) + intervalMs * 0.2
    this.#mode = quiet ? () => this.#around(this.kind.normal, this.kind.noise) : this.#excursion()
  }

  #excursion(): () => number {
    const dice = this.#dice
    const { kind } = this
    const edges = [kind.actionHigh, kind.alertHigh, kind.alertLow, kind.actionLow, kind.inversion]
    const edge = dice.pick(edges.filter((each) => each !== undefined))
    const high = edge === kind.actionHigh || edge === kind.alertHigh
    const out = high ? 1 : -1
    const step = kind.noise
    const roll = dice.random()
    if (roll < 0.45) return () => this.#around(edge + out * step * 0.8, step * 0.5)
    if (roll < 0.65) return () => this.#around(edge, step * 0.6)
    if (roll < 0.75) return () => this.#encode(edge)
    if (roll < 0.85) return () => this.#around(edge - out * 0.12, 0.1)
    if (this.#faults.sensorFault && roll < 0.95) return this.#sensorFault()
    if (this.#faults.frozen) {
      const raw = this.#around(kind.normal, step)
      return () => raw
    }
    return () => this.#around(dice.chance(0.5) ? edge + out * step : kind.normal, step * 0.3)
  }

  #sensorFault(): () => number {
    const [sentinel] = TYPES[this.draw.type].sentinels
    const [low, high] = this.kind.range
    const wrong = this.#dice.pick([
      Number.NaN,
      sentinel,
      this.#encode(low),
      this.#encode(high * 1.5),
    ])
    const raw = Number.isNaN(wrong) && this.draw.type !== 'f32' ? sentinel : wrong
    return () => raw
  }

  #around(value: number, spread: number): number {
    return this.#encode(value + this.#dice.between(-1, 1) * spread)
  }

  /** The decoded number nearest to a value in the point's sense. */
  #encode(value: number): number {
    const signed = this.draw.reversed ? -value : value
    const raw = signed / TYPES[this.draw.type].scale
    if (this.draw.type === 'f32') return Math.fround(raw)
    const most = this.draw.type === 'i16' ? 32_767 : 2_147_483_647
    return Math.max(-most, Math.min(most, Math.round(raw)))
  }
}

/** The shortest decimal that restores a 32-bit float: what an f32 stands for (contract §3 "Values"). */
function shortest(single: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(single.toPrecision(digits))
    if (Math.fround(decimal) === single) return decimal
  }
  return Number(single.toPrecision(9))
}
