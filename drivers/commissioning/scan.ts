// Looks for units on a line by asking each address for one harmless read. Decides who answered, who answered damaged, and
// what the whole says of the line; asks nothing that writes, and never address 0, to which no unit answers.

import { assert } from '#core/assert.ts'
import type { Millis } from '#core/time.ts'
import type { ReadRequest } from '../modbus/request.ts'
import type { BusSettings } from '../profile.ts'
import { receivedBytes } from './diagnosis.ts'
import type { Asked, Line } from './line.ts'
import { rtuReplies } from './overheard.ts'

export const UNIT_ID_MIN = 1
export const UNIT_ID_MAX = 255
/** Whoever answers is asked so many times more: two units on one address damage one another's replies. */
const CONFIRMATIONS = 3
/**
 * Some instruments hang up on ids that are not theirs, so that one hang-up says nothing; a line that does nothing else so
 * many times is given up.
 */
const HANG_UPS_MAX = 20
/** From so many damaged among all answers on, the settings of the line are suspected (faults: baud or parity). */
const DAMAGED_SHARE = 0.9
/** An instrument that ignores the unit id answers all of at least so many addresses. */
const IGNORING_MIN = 6

export interface FoundUnit {
  readonly unitId: number
  readonly asked: number
  /** Whole replies, exceptions included. */
  readonly answered: number
  readonly damaged: number
  /** The exception it answered with; absent when it gave data. */
  readonly exceptionCode?: number
  /** Median of the whole replies. */
  readonly latencyMs?: Millis
  /** It answered only after the time allowed; so long after its request. */
  readonly lateMs?: Millis
}

export interface ScanReport {
  /** In order of address. */
  readonly units: readonly FoundUnit[]
  /** Addresses asked. */
  readonly asked: number
  /**
   * `settings`: nearly everything came damaged, so that baud rate or parity is suspected (faults: FB18);
   * `ignores_unit`: one instrument answers to all addresses.
   */
  readonly suspicion?: 'settings' | 'ignores_unit'
  readonly interrupted: boolean
  /** Why the line was given up, in words. */
  readonly unreachable?: string
}

export interface ScanOptions {
  readonly line: Line
  readonly protocol: BusSettings['protocol']
  readonly from: number
  readonly to: number
  readonly timeoutMs: Millis
  /** The read that every address is asked for. */
  readonly read: Omit<ReadRequest, 'unitId'>
  /** Ends the search after the request under way. */
  readonly signal: AbortSignal
  readonly onAsk?: (unitId: number, found: number) => void
}

/** Asks every address from `from` to `to`. Never rejects but for a range that holds 0. */
export async function scanLine(options: ScanOptions): Promise<ScanReport> {
  const { from, to } = options
  assert(from >= UNIT_ID_MIN && to <= UNIT_ID_MAX && from <= to, 'addresses are 1 to 255')
  return new Scan(options).run()
}

interface Tally {
  readonly unitId: number
  asked: number
  readonly latencies: Millis[]
  damaged: number
  exceptionCode?: number
  lateMs?: Millis
  gaveData: boolean
  sentMono: Millis
}

class Scan {
  readonly #options: ScanOptions
  readonly #tallies = new Map<number, Tally>()
  /** The other end hung up in place of an answer, so many times, while nothing else has ever come. */
  #hangUps = 0
  #lastHangUp: string | undefined
  #heard = false
  #cause: string | undefined

  constructor(options: ScanOptions) {
    this.#options = options
  }

  async run(): Promise<ScanReport> {
    const { from, to, signal, line, timeoutMs, onAsk } = this.#options
    for (let unitId = from; unitId <= to && !this.#isOver; unitId++) {
      onAsk?.(unitId, this.#found().length)
      await this.#search(unitId)
    }
    // The last address may be slow, too.
    if (!this.#isOver) this.#overhear(await line.listen(timeoutMs), 0)
    const units = this.#found()
    if (!this.#heard && this.#hangUps > 0) this.#cause ??= this.#lastHangUp
    const suspicion = this.#suspicion(units)
    return {
      units,
      asked: this.#tallies.size,
      interrupted: signal.aborted,
      ...(suspicion !== undefined && { suspicion }),
      ...(this.#cause !== undefined && { unreachable: this.#cause }),
    }
  }

  get #isOver(): boolean {
    return this.#options.signal.aborted || this.#cause !== undefined
  }

  async #search(unitId: number): Promise<void> {
    const tally: Tally = {
      unitId,
      asked: 0,
      latencies: [],
      damaged: 0,
      gaveData: false,
      sentMono: 0,
    }
    this.#tallies.set(unitId, tally)
    for (let again = CONFIRMATIONS; again >= 0 && !this.#isOver; again--) {
      const isFirst = tally.asked === 0
      if (!(await this.#ask(tally)) && isFirst) return
    }
  }

  /** Asks once; false when the address said nothing. */
  async #ask(tally: Tally): Promise<boolean> {
    const { line, read, timeoutMs } = this.#options
    const asked = await line.ask({ ...read, unitId: tally.unitId }, timeoutMs)
    tally.asked++
    tally.sentMono = asked.sentMono ?? tally.sentMono
    this.#overhear(asked.passages, tally.unitId)
    const { outcome } = asked
    if (outcome.kind !== 'unreachable') this.#heard = true
    switch (outcome.kind) {
      case 'data':
        tally.gaveData = true
        tally.latencies.push(asked.latencyMs ?? 0)
        return true
      case 'exception':
        if (isGatewaySaying(outcome.code)) return false
        tally.exceptionCode = outcome.code
        tally.latencies.push(asked.latencyMs ?? 0)
        return true
      case 'crc':
      case 'frame':
      case 'torn':
        tally.damaged++
        return true
      case 'timeout':
        return false
      case 'unreachable':
        if (!this.#heard) this.#hangUps++
        if (asked.sentMono === undefined || this.#hangUps >= HANG_UPS_MAX) {
          this.#cause = outcome.cause
        } else this.#lastHangUp = outcome.cause
        return false
    }
  }

  /** Whole replies of addresses asked before: they are there, and slow. Only RTU replies name their sender safely. */
  #overhear(passages: Asked['passages'], present: number): void {
    if (this.#options.protocol === 'modbus-tcp') return
    const received = passages.filter(({ direction }) => direction === 'received')
    const arrivedMono = received.at(-1)?.mono
    if (arrivedMono === undefined) return
    for (const { unitId, exceptionCode } of rtuReplies(receivedBytes(received))) {
      const tally = this.#tallies.get(unitId)
      if (unitId === present || tally === undefined) continue
      tally.lateMs ??= arrivedMono - tally.sentMono
      if (exceptionCode === undefined) tally.gaveData = true
      else tally.exceptionCode ??= exceptionCode
    }
  }

  #found(): FoundUnit[] {
    return [...this.#tallies.values()]
      .filter(({ latencies, damaged, lateMs }) => {
        return latencies.length > 0 || damaged > 0 || lateMs !== undefined
      })
      .map(({ unitId, asked, latencies, damaged, exceptionCode, lateMs, gaveData }) => {
        const latencyMs = median(latencies)
        return {
          unitId,
          asked,
          answered: latencies.length,
          damaged,
          ...(exceptionCode !== undefined && !gaveData && { exceptionCode }),
          ...(latencyMs !== undefined && { latencyMs }),
          ...(lateMs !== undefined && latencies.length === 0 && { lateMs }),
        }
      })
  }

  #suspicion(units: readonly FoundUnit[]): ScanReport['suspicion'] {
    const damaged = units.reduce((sum, unit) => sum + unit.damaged, 0)
    const whole = units.reduce((sum, unit) => sum + unit.answered, 0)
    const isTcp = this.#options.protocol === 'modbus-tcp'
    // One damaged address may be two units; several are the line.
    if (!isTcp && units.length > 1 && damaged >= (damaged + whole) * DAMAGED_SHARE)
      return 'settings'
    const all = this.#tallies.size
    return isTcp && all >= IGNORING_MIN && units.length === all ? 'ignores_unit' : undefined
  }
}

/** Exceptions by which a gateway says that it heard nothing: no unit answered. */
const isGatewaySaying = (code: number): boolean => code === 10 || code === 11

/** The middle of some numbers; of an even number the lower of the two. */
export function median(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((one, other) => one - other)[(numbers.length - 1) >> 1]
}
