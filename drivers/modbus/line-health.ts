// Tells a unit in trouble from a line in trouble where bytes do come back: when nothing sound has come from any unit for a while,
// and what comes is damaged, a stranger's, or the gateway's word that it has no path. Pure; what silence alone means is silence.ts.

import { exceptionKind } from './exception.ts'
import type { ReadOutcome } from './request.ts'

/** Requests in a row without a sound reply from anybody after which the line is suspected. */
const FAILURES_MIN = 10
/** So many of them have to show what is wrong; the others may have been met with silence. */
const SIGNS_MIN = 3

const CAUSES = {
  damaged:
    'connected, but nothing whole comes back from any unit; compare baud rate and parity with those of the ' +
    'instruments, and look for noise and for another master',
  strange:
    'connected, but what comes back is from none of the units that were asked; check the unit ids, and whether ' +
    'another master talks on the line',
  gateway:
    'connected, but the gateway has no path to any unit (exception 10); check its serial side and its settings',
} as const

type Sign = keyof typeof CAUSES

export class LineHealth {
  readonly #unitCount: number
  readonly #units = new Set<number>()
  readonly #signs: Record<Sign, number> = { damaged: 0, strange: 0, gateway: 0 }
  #failures = 0

  /** `unitCount`: units configured on the bus. */
  constructor(unitCount: number) {
    this.#unitCount = unitCount
  }

  /** What is wrong with the line, in words; undefined while some unit answers soundly. */
  get cause(): string | undefined {
    if (this.#failures < FAILURES_MIN || this.#units.size < this.#unitCount) return undefined
    const [sign, count] = Object.entries(this.#signs).reduce((most, one) =>
      one[1] > most[1] ? one : most,
    )
    return count < SIGNS_MIN ? undefined : CAUSES[sign as Sign]
  }

  /** A request has ended; `heard`: bytes came in meanwhile. */
  ended(unitId: number, outcome: ReadOutcome, heard: boolean): void {
    if (outcome.kind === 'disconnected') return
    const sign = signOf(outcome, heard)
    if (sign === 'sound') return this.#reset()
    this.#failures++
    this.#units.add(unitId)
    if (sign !== 'silent') this.#signs[sign]++
  }

  #reset(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    this.#units.clear()
    for (const sign of Object.keys(this.#signs)) this.#signs[sign as Sign] = 0
  }
}

function signOf(outcome: ReadOutcome, heard: boolean): Sign | 'sound' | 'silent' {
  switch (outcome.kind) {
    case 'exception':
      return exceptionKind(outcome.code) === 'gateway' ? 'gateway' : 'sound'
    case 'crc':
    case 'frame':
    case 'torn':
      return 'damaged'
    case 'timeout':
      return heard ? 'strange' : 'silent'
    default:
      return 'sound'
  }
}
