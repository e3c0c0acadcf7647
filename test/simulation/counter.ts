// A particle counter on the wire: samples one after another whether anybody asks or not, keeps only the newest record, and has a
// clock of its own. Written from the kind of register map the makers publish; shares no code with the drivers.

import type { Dice } from './dice.ts'
import { WALL_ZERO } from './machine.ts'
import { forgetOldest } from './remembered.ts'
import { Unit } from './unit.ts'

export interface CounterDraw {
  readonly id: string
  readonly periodMs: number
  readonly pollMs: number
  /** The instrument's clock minus the true one. */
  readonly clockMs: number
  readonly phaseMs: number
}

export const CHANNELS = [
  { name: 'particles_0_5um', sizeUm: 0.5, address: 8, actionHigh: 3000, alertHigh: 1500 },
  { name: 'particles_5um', sizeUm: 5, address: 10, actionHigh: 20, alertHigh: 10 },
] as const
/** Litres in a minute. */
export const FLOW_LPM = 28.3
export const REGISTERS = 14

/** One record, as the instrument keeps it until the next one. */
export interface SampleTruth {
  /** Seconds of the instrument's clock at its end. */
  readonly identity: number
  /** True times. */
  readonly start: number
  readonly end: number
  /** By channel, cumulative. */
  readonly counts: readonly [number, number]
  readonly litres: number
  readonly faulty: boolean
}

export function drawCounter(dice: Dice): CounterDraw | undefined {
  return dice.chance(0.25) ? someCounter(dice) : undefined
}

/** Whichever counter, but one. */
export function someCounter(dice: Dice): CounterDraw {
  const periodMs = dice.pick([20_000, 60_000, 60_000, 60_000])
  return {
    id: 'c1',
    periodMs,
    pollMs: periodMs === 60_000 ? dice.pick([15_000, 20_000]) : 10_000,
    clockMs: dice.pick([0, 400, -90_000, 7_200_000]),
    phaseMs: dice.between(0, periodMs),
  }
}

/** Of which the instrument's truth is still known: most of a day. */
export const SAMPLES_KEPT = 4000

export class CounterUnit extends Unit {
  readonly draw: CounterDraw
  readonly #dice: Dice
  readonly #faults: boolean
  readonly #samples = new Map<number, SampleTruth>()
  readonly #byIdentity = new Map<number, SampleTruth>()

  constructor(draw: CounterDraw, dice: Dice, faults: boolean) {
    super(draw.id, 99, [])
    this.draw = draw
    this.#dice = dice
    this.#faults = faults
  }

  /** The newest record at a true time; undefined before the first. */
  newest(time: number): SampleTruth | undefined {
    const { periodMs, phaseMs } = this.draw
    const ordinal = Math.floor((time - phaseMs) / periodMs) - 1
    return ordinal < 0 ? undefined : this.#sample(ordinal)
  }

  /** A record that was the newest at some time within the last hours. */
  known(identity: number): SampleTruth | undefined {
    return this.#byIdentity.get(identity)
  }

  override answer(functionCode: number, address: number, quantity: number, time: number): Buffer {
    if (functionCode !== 3) return Buffer.of(functionCode | 0x80, 1)
    if (address + quantity > REGISTERS) return Buffer.of(functionCode | 0x80, 2)
    const all = Buffer.alloc(REGISTERS * 2)
    const sample = this.newest(time)
    if (sample !== undefined) {
      all.writeUInt32BE(sample.identity, 0)
      all.writeUInt32BE(this.draw.periodMs / 1000, 4)
      all.writeFloatBE(sample.litres, 8)
      all.writeUInt32BE(sample.faulty ? 1 : 0, 12)
      all.writeUInt32BE(sample.counts[0], 16)
      all.writeUInt32BE(sample.counts[1], 20)
    }
    all.writeUInt32BE(this.#clock(time), 24)
    const pdu = Buffer.of(functionCode, 2 * quantity)
    return Buffer.concat([pdu, all.subarray(address * 2, (address + quantity) * 2)])
  }

  #clock(time: number): number {
    return Math.floor((WALL_ZERO + time + this.draw.clockMs) / 1000)
  }

  #sample(ordinal: number): SampleTruth {
    const known = this.#samples.get(ordinal)
    if (known !== undefined) return known
    const { periodMs, phaseMs } = this.draw
    const start = phaseMs + ordinal * periodMs
    const end = start + periodMs
    // spells of ten samples each: quiet, busy, or beyond the limits
    const spell = this.#dice.stream(`spell ${Math.floor(ordinal / 10)}`).random()
    const dice = this.#dice.stream(`sample ${ordinal}`)
    const large = spell < 0.6 ? (dice.chance(0.1) ? 1 : 0) : dice.whole(0, spell < 0.85 ? 1 : 4)
    const small = large + dice.whole(0, spell < 0.85 ? 40 : 180)
    const sample: SampleTruth = {
      ...{ identity: this.#clock(end), start, end, counts: [small, large] },
      litres: Math.fround((FLOW_LPM * periodMs) / 60_000),
      faulty: this.#faults && dice.chance(0.05),
    }
    this.#samples.set(ordinal, sample)
    this.#byIdentity.set(sample.identity, sample)
    forgetOldest(this.#samples, SAMPLES_KEPT)
    forgetOldest(this.#byIdentity, SAMPLES_KEPT)
    return sample
  }
}
