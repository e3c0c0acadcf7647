// The swarm: what one seed draws — how large the site is, which fault classes are on and how often they strike.
// Each class is on with probability one half, so that most seeds combine some and leave the others out (faults.md §3.2).

import { HOUR, MINUTE, SECOND } from '#core/time.ts'
import { type CounterDraw, drawCounter } from './counter.ts'
import type { Dice } from './dice.ts'

export const FAULT_CLASSES = [
  'wireLoss',
  'wireLate',
  'wireSplit',
  'wireNoise',
  'wireException',
  'wireCut',
  'wireHalfOpen',
  'unitOff',
  'sensorFault',
  'frozen',
  'kill',
  'powerLoss',
  'stall',
  'diskSlow',
  'diskFail',
  'clockStep',
  'clockDrift',
  'noRtc',
  'brokerCut',
  'brokerDown',
  'brokerForget',
  'brokerDeny',
  'brokerOld',
  'smallWindow',
  'takeover',
  'deaf',
  'consumerGap',
  // what came later is drawn last, so that older seeds draw what they drew
  'hold',
  'reload',
  'diskBad',
  'roomNeeded',
  'poison',
  'rival',
  'rot',
  'twin',
  'hotRot',
] as const
export type FaultClass = (typeof FAULT_CLASSES)[number]

/** What is on only where a run asks for it: its change of epoch is not borne by every check of a long run yet. */
const ASKED_FOR: readonly FaultClass[] = ['hotRot']

/**
 * Rates by class: for what strikes a message, the probability; for what strikes in time, the mean ms between two strikes.
 * Absent or undefined means off.
 */
export type FaultRates = Readonly<Partial<Record<FaultClass, number | undefined>>>

const PER_MESSAGE: readonly FaultClass[] = [
  'wireLoss',
  'wireLate',
  'wireSplit',
  'wireNoise',
  'wireException',
]

export type SignalKind = 'pressure' | 'temperature' | 'humidity' | 'co2'
export const SIGNAL_KINDS: readonly SignalKind[] = ['pressure', 'temperature', 'humidity', 'co2']

export interface PointDraw {
  readonly id: string
  readonly kind: SignalKind
  readonly type: 'f32' | 'i16' | 'i32'
  readonly byteOrder: 'ABCD' | 'CDAB'
  readonly address: number
  readonly intervalMs: number
  readonly onDelayMs: number
  readonly offDelayMs: number
  readonly deadband: number
  readonly stuckAfterMs: number | undefined
  readonly reversed: boolean
}

export interface InstrumentDraw {
  readonly id: string
  readonly unitId: number
  readonly points: readonly PointDraw[]
}

export interface BusDraw {
  readonly id: string
  readonly protocol: 'modbus-tcp' | 'modbus-rtu-over-tcp'
  readonly instruments: readonly InstrumentDraw[]
}

/** How long the journal's files are kept, and how large they become; drawn for some of the sites that have a journal. */
export interface RetentionDraw {
  /** Ms after the end of a file's day; less than none, so that files of the day itself expire within a short run. */
  readonly keepMs: number
  readonly segmentRecords: number
}

export interface Scenario {
  readonly seed: number
  readonly buses: readonly BusDraw[]
  /** A particle counter on a bus of its own. */
  readonly counter: CounterDraw | undefined
  readonly faults: FaultRates
  readonly people: boolean
  /** The real journal on the simulated disk, or the crash-honest store in memory. */
  readonly disk: 'journal' | 'memory'
  /** Absent: everything is kept for ever, in one file a day. */
  readonly retention: RetentionDraw | undefined
  /** Ms of the safety phase. */
  readonly safetyMs: number
}

/** From a second to a minute, mostly slow: what matters is how often something goes wrong, not how often nothing does. */
const INTERVALS = [1, 2, 5, 10, 20, 30, 30, 60, 60, 60].map((seconds) => seconds * SECOND)
const ON_DELAYS = [0, 0, 20 * SECOND, MINUTE, 5 * MINUTE]

export function drawScenario(seed: number, dice: Dice, hours: number, pointsMax = 20): Scenario {
  const size = dice.stream('size')
  const target = Math.min(pointsMax, size.chance(0.75) ? size.whole(2, 5) : size.whole(6, 20))
  const buses: BusDraw[] = []
  let points = 0
  while (points < target) {
    const bus = drawBus(size, buses.length + 1, target - points)
    points += bus.instruments.reduce((sum, instrument) => sum + instrument.points.length, 0)
    buses.push(bus)
  }
  return {
    seed,
    buses,
    counter: drawCounter(dice.stream('counter')),
    faults: drawFaults(dice.stream('faults')),
    people: dice.chance(0.8),
    disk: dice.stream('disk').chance(0.3) ? 'journal' : 'memory',
    retention: drawRetention(dice.stream('retention')),
    safetyMs: hours * HOUR,
  }
}

export const someRetention = (dice: Dice): RetentionDraw => ({
  // the simulation begins at 10:15 UTC
  keepMs: -13 * HOUR + dice.about(HOUR),
  segmentRecords: dice.pick([100, 300, 1000, 3000]),
})

const drawRetention = (dice: Dice): RetentionDraw | undefined =>
  dice.chance(0.6) ? someRetention(dice) : undefined

function drawBus(dice: Dice, ordinal: number, wanted: number): BusDraw {
  const protocol = dice.chance(0.6) ? 'modbus-tcp' : 'modbus-rtu-over-tcp'
  const slow = protocol === 'modbus-rtu-over-tcp'
  const intervalMs = slow ? Math.max(10 * SECOND, dice.pick(INTERVALS)) : dice.pick(INTERVALS)
  const instruments: InstrumentDraw[] = []
  let left = wanted
  const most = dice.whole(1, slow ? 2 : 4)
  while (left > 0 && instruments.length < most) {
    const id = `i${ordinal}-${instruments.length + 1}`
    const count = Math.min(left, dice.whole(1, 3))
    const points: PointDraw[] = []
    let address = dice.whole(0, 500)
    for (let index = 0; index < count; index++) {
      points.push(drawPoint(dice, `${id}-${index + 1}`, intervalMs, address))
      address += dice.whole(2, 9)
    }
    instruments.push({ id, unitId: instruments.length + dice.whole(0, 1) * 10 + 1, points })
    left -= count
  }
  return { id: `b${ordinal}`, protocol, instruments }
}

function drawPoint(dice: Dice, id: string, busMs: number, address: number): PointDraw {
  const intervalMs = dice.chance(0.2) ? busMs * 2 : busMs
  const offDelayMs = dice.chance(0.7) ? 0 : dice.pick([10 * SECOND, MINUTE])
  const onDelayMs = dice.pick(ON_DELAYS)
  const type = dice.pick(['f32', 'f32', 'i16', 'i32'] as const)
  const kind = dice.pick(SIGNAL_KINDS)
  return {
    id,
    kind,
    type,
    byteOrder: dice.pick(['ABCD', 'CDAB'] as const),
    address,
    intervalMs,
    onDelayMs,
    offDelayMs,
    deadband: dice.chance(0.5) ? 0 : 0.25,
    stuckAfterMs: type === 'f32' && dice.chance(0.3) ? intervalMs * 30 : undefined,
    reversed: kind === 'pressure' && dice.chance(0.3),
  }
}

function drawFaults(dice: Dice): FaultRates {
  const rates: Partial<Record<FaultClass, number>> = {}
  for (const fault of FAULT_CLASSES) {
    if (ASKED_FOR.includes(fault)) continue
    const on = dice.chance(0.5)
    const scale = dice.random()
    if (!on) continue
    rates[fault] = PER_MESSAGE.includes(fault) ? 0.001 * 100 ** scale : 6 * MINUTE * 40 ** scale
  }
  return rates
}
