// One poll of one unit, request by request: how often each is asked, and when there is no point in asking on. Decides
// retries (contract §2), the pauses of a busy unit, and the quarantine of a silent one; interprets no register.

import { assert } from '#core/assert.ts'
import type { RawSignal } from '#core/reading.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { BusCounters } from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'
import { exceptionFault, exceptionKind, type Fault } from './exception.ts'
import type { ModbusRequest, ReadOutcome } from './request.ts'
import type { Transport } from './transport.ts'
import type { Unit } from './unit.ts'

/** A busy unit is asked again after this long (faults.md FB6), so many times. */
const BUSY_PAUSE_MS: Millis = 200
const BUSY_RETRIES_MAX = 3

/** Silent polls in a row after which a unit counts as silent where each is followed by a quarantine. */
const SILENCES_BEFORE_PARKING = 2

/** The bus as a conversation needs it. */
export interface Bus {
  readonly id: string
  readonly log: Log
  readonly transport: Transport
  readonly clock: Clock
  readonly counters: BusCounters
  /** Retries after a CRC or frame error, and after a timeout where replies are told apart by id. */
  readonly retries: number
  /** Quarantine of a unit after a timeout; 0 where transaction ids suffice. */
  readonly lateReplyMs: Millis
}

/** What came of a request after all its tries. `refused`: the unit has not got what was asked for. */
export type Answer =
  | { readonly kind: 'data'; readonly data: Uint8Array; readonly arrivedMono: Millis }
  | { readonly kind: 'refused'; readonly code: number; readonly arrivedMono: Millis }
  | { readonly kind: 'fault'; readonly fault: Fault; readonly arrivedMono: Millis }

type Failure = Answer & { readonly kind: 'fault' }

export class Conversation {
  readonly #bus: Bus
  readonly #unit: Unit
  #tries: number
  #answered = false
  /** Why nothing more is asked in this poll. */
  #over: Failure | undefined

  /** `probe`: the first request is tried once. */
  constructor(bus: Bus, unit: Unit, probe: boolean, nowMono: Millis) {
    this.#bus = bus
    this.#unit = unit
    this.#tries = probe ? 1 : 1 + bus.retries
    if (nowMono < unit.quarantine.untilMono) this.#end({ kind: 'fault', reason: 'parked' }, nowMono)
  }

  /** The unit gave no sign of life, and the bus did or might have. */
  get silent(): boolean {
    const reason = this.#over?.fault.reason
    if (this.#answered || this.#bus.transport.muted) return false
    if (this.#bus.lateReplyMs === 0) return reason === 'timeout'
    // One lost reply costs a unit its quarantine and no more; who is silent again after it is parked.
    const silent = reason === 'timeout' || reason === 'parked'
    return silent && this.#unit.silences >= SILENCES_BEFORE_PARKING
  }

  /** Whether the unit has answered anything in this poll. */
  get answered(): boolean {
    return this.#answered
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  /** Asks until there is an answer or no point in asking. */
  async read(request: ModbusRequest): Promise<Answer> {
    let busyRetries = 0
    for (let tried = 1; this.#over === undefined; tried++) {
      if (this.#bus.lateReplyMs > 0) await this.#rest()
      const outcome = await this.#bus.transport.read(request)
      this.#unit.freeAtMono = outcome.arrivedMono + this.#unit.settings.profile.limits.turnaroundMs
      if (outcome.kind === 'data') {
        this.#heard()
        this.#unit.busy = false
        return outcome
      }
      const tries = this.#bus.transport.muted ? 1 : this.#tries
      this.#report(request, outcome, tried)
      const failure = this.#judge(outcome, tried < tries, busyRetries)
      if (failure !== undefined) return failure
      this.#bus.counters.retries++
      if (outcome.kind !== 'exception' || exceptionKind(outcome.code) !== 'busy') continue
      busyRetries++
      tried--
      await this.#bus.transport.pause(BUSY_PAUSE_MS)
    }
    assert(this.#over !== undefined, 'a conversation ends for a reason')
    return this.#over
  }

  /** On a serial line an instrument is given the pause between a reply and the next request that its profile asks for. */
  async #rest(): Promise<void> {
    const { clock, transport } = this.#bus
    const restMs = this.#unit.freeAtMono - clock.now().mono
    if (restMs > 0) await transport.pause(restMs)
  }

  /** Everything somebody at the wire needs to know of a request that got no data. */
  #report(
    request: ModbusRequest,
    outcome: Exclude<ReadOutcome, { kind: 'data' }>,
    tried: number,
  ): void {
    const { id: bus, log } = this.#bus
    const { id: instrument } = this.#unit.settings
    const exceptionCode = outcome.kind === 'exception' ? outcome.code : undefined
    log.debug('read_failed', {
      bus,
      instrument,
      ...request,
      outcome: outcome.kind,
      exceptionCode,
      tried,
    })
  }

  #heard(): void {
    this.#answered = true
    this.#unit.silences = 0
    this.#tries = 1 + this.#bus.retries
  }

  /** What the outcome of a try means: the answer to the request, or undefined to try again. */
  #judge(
    outcome: Exclude<ReadOutcome, { kind: 'data' }>,
    triesLeft: boolean,
    busyRetries: number,
  ): Answer | undefined {
    const { arrivedMono } = outcome
    switch (outcome.kind) {
      case 'exception':
        return this.#judgeException(outcome.code, arrivedMono, triesLeft, busyRetries)
      case 'frame':
      case 'crc':
        if (triesLeft) return undefined
        this.#heard()
        return { kind: 'fault', fault: { kind: 'fault', reason: outcome.kind }, arrivedMono }
      case 'torn':
        this.#answered = true
        if (this.#bus.lateReplyMs > 0) {
          this.#quarantine(arrivedMono)
          return this.#end({ kind: 'fault', reason: 'crc' }, arrivedMono)
        }
        if (triesLeft) return undefined
        return { kind: 'fault', fault: { kind: 'fault', reason: 'frame' }, arrivedMono }
      case 'timeout':
        if (this.#bus.lateReplyMs > 0) this.#quarantine(arrivedMono)
        else if (triesLeft) return undefined
        if (!this.#answered) this.#unit.silences++
        return this.#end({ kind: 'fault', reason: 'timeout' }, arrivedMono)
      case 'disconnected':
        if (outcome.sent && this.#bus.lateReplyMs > 0) this.#quarantine(arrivedMono)
        return this.#end({ kind: 'fault', reason: 'disconnected' }, arrivedMono)
    }
  }

  #judgeException(
    code: number,
    arrivedMono: Millis,
    triesLeft: boolean,
    busyRetries: number,
  ): Answer | undefined {
    const fault = exceptionFault(code)
    switch (exceptionKind(code)) {
      case 'silent':
        return triesLeft ? undefined : this.#end(fault, arrivedMono)
      case 'gateway':
        return this.#end(fault, arrivedMono)
      case 'busy':
        this.#heard()
        if (!this.#unit.busy && busyRetries < BUSY_RETRIES_MAX) return undefined
        this.#unit.busy = true
        return this.#end(fault, arrivedMono)
      case 'illegal':
        this.#heard()
        return { kind: 'refused', code, arrivedMono }
      case 'failed':
        this.#heard()
        return { kind: 'fault', fault, arrivedMono }
    }
  }

  #quarantine(fromMono: Millis): void {
    this.#unit.quarantine.untilMono = fromMono + this.#bus.lateReplyMs
  }

  #end(fault: RawSignal & { kind: 'fault' }, arrivedMono: Millis): Failure {
    this.#over = { kind: 'fault', fault, arrivedMono }
    return this.#over
  }
}
