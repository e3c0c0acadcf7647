// A serial line with several units on it, from the Modbus serial line specification V1.02: who hears what, who answers, and
// when each byte is on the wire. Acts out the faults of the line. Knows nothing of what carries the bytes: a
// pseudo-terminal that passes each as it is sent, or a converter that passes whole frames over TCP.

import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { FaultSet } from '../faults.ts'
import type { LineSettings } from '../spec.ts'
import { withCrc } from './crc16.ts'
import { collision, scrambled, withFlippedBit } from './line-noise.ts'
import { type LineTiming, lineTiming } from './line-timing.ts'
import { garbage, type PlannedReply, planReply, type WireUnit } from './reply-plan.ts'
import { RequestReader } from './rtu-request.ts'
import { Timers } from './timers.ts'

export interface RtuLineOptions {
  readonly clock: Clock
  readonly random: Random
  readonly line: LineSettings
  readonly units: readonly WireUnit[]
  /** `pull`, `half-open`, `echo`, `wrong-baud`. */
  readonly faults: FaultSet
  /** `byte`: each byte is handed on as it has been sent; `frame`: a frame is, when its last byte has. */
  readonly pace: 'byte' | 'frame'
  /** Where bytes go to. */
  readonly deliver: (bytes: Buffer) => void
  /** Time a unit takes to begin its answer beyond t3.5; 2 ms where not given. */
  readonly turnaroundMs?: Millis
  /** Closes the connection, where there is one (fault `disconnect`). */
  readonly hangUp: () => void
}

/** What the line has seen; only rises. */
export interface LineCounts {
  requests: number
  replies: number
  /** Requests that came sooner than t3.5 after the last byte on the line. */
  silentIntervalViolations: number
  /** Bytes that made no request. */
  malformed: number
  /** Requests to a unit that is not there. */
  foreign: number
  /** By how much the last bytes of replies were handed on later than due, in all: time that the carrier lost. */
  lateMs: Millis
}

/** Time a unit takes to begin its answer beyond t3.5. */
const TURNAROUND_MS = 2
/** Silence after which bytes that make no request are given up; longer than t3.5, since carriers dawdle. */
const GIVE_UP_MS = 20
const BROADCAST = 0
/** Share of requests at the wrong speed that make a unit say something at all. */
const NOISE_RATE = 0.3

export class RtuLine {
  readonly counts: LineCounts = {
    requests: 0,
    replies: 0,
    silentIntervalViolations: 0,
    malformed: 0,
    foreign: 0,
    lateMs: 0,
  }
  readonly #options: RtuLineOptions
  readonly #timing: LineTiming
  readonly #timers: Timers
  readonly #reader = new RequestReader()
  readonly #previous = new Map<number, Buffer>()
  /** When the last byte on the line has been sent, as far as is planned. */
  #busyUntil = Number.NEGATIVE_INFINITY
  #lastHeard = Number.NEGATIVE_INFINITY
  #keptBack: Buffer | undefined

  constructor(options: RtuLineOptions) {
    this.#options = options
    this.#timing = lineTiming(options.line)
    this.#timers = new Timers(options.clock)
  }

  /** Forgets what was under way: the carrier was closed. */
  reset(): void {
    this.#timers.clear()
    this.#reader.silence()
    this.#keptBack = undefined
  }

  #now(): Millis {
    return this.#options.clock.now().mono
  }

  /** Bytes from the client. */
  receive(chunk: Buffer): void {
    const { faults, random } = this.#options
    const now = this.#now()
    if (faults.active('pull', now) !== undefined || faults.active('half-open', now) !== undefined)
      return
    if (now - this.#lastHeard > GIVE_UP_MS && this.#reader.silence()) this.counts.malformed += 1
    if (!this.#reader.begun && now < this.#busyUntil + this.#timing.silentIntervalMs) {
      this.counts.silentIntervalViolations += 1
    }
    const start = Math.max(now, this.#busyUntil)
    this.#lastHeard = now
    this.#busyUntil = start + chunk.length * this.#timing.characterMs
    if (faults.active('echo', now) !== undefined) this.#put(chunk, start, 0)
    const wrongBaud = faults.active('wrong-baud', now) !== undefined
    for (const request of this.#reader.push(chunk)) {
      if (!wrongBaud) this.#hear(Buffer.from(request))
      else if (random() < NOISE_RATE)
        this.#reply(scrambled(request, random), { delayMs: 0, splitMs: 0 })
    }
  }

  /** Every unit hears every request; the one it is for answers. */
  #hear(request: Buffer): void {
    this.counts.requests += 1
    const unitId = request[0] ?? 0
    const pdu = request.subarray(1, -2)
    const addressed = this.#options.units.filter((unit) => unit.unitId === unitId)
    if (unitId === BROADCAST && addressed.length === 0) {
      for (const unit of this.#options.units) planReply(unit, pdu, this.#now())
      return
    }
    if (addressed.length === 0) this.counts.foreign += 1
    for (const unit of addressed) this.#answer(unit, pdu)
  }

  #answer(unit: WireUnit, pdu: Buffer): void {
    const { random, hangUp } = this.#options
    const plan = planReply(unit, pdu, this.#now())
    if (plan.kind === 'silent') return
    if (plan.kind === 'disconnect') return hangUp()
    const whole = withCrc(Buffer.concat([Buffer.from([plan.unitId]), plan.pdu]))
    const sent = plan.oldTransaction ? (this.#previous.get(unit.unitId) ?? whole) : whole
    this.#previous.set(unit.unitId, whole)
    if (plan.lost) return
    let frame = plan.flip ? withFlippedBit(sent, random) : sent
    if (plan.collides) frame = collision(frame, random)
    frame = Buffer.concat([garbage(plan.garbageBytes, random), frame])
    if (plan.merge && this.#keptBack === undefined) {
      this.#keptBack = frame
      return
    }
    if (this.#keptBack !== undefined) frame = Buffer.concat([this.#keptBack, frame])
    this.#keptBack = undefined
    this.#reply(frame, plan)
  }

  #reply(frame: Buffer, { delayMs, splitMs }: Pick<PlannedReply, 'delayMs' | 'splitMs'>): void {
    const { turnaroundMs = TURNAROUND_MS } = this.#options
    const due = this.#busyUntil + this.#timing.silentIntervalMs + turnaroundMs + delayMs
    // A late reply leaves the line free until then; at its time it waits for whatever is being sent.
    this.#timers.at(due, () => {
      const start = Math.max(due, this.#busyUntil)
      this.#busyUntil = start + frame.length * this.#timing.characterMs + splitMs
      this.counts.replies += 1
      this.#put(frame, start, splitMs)
    })
  }

  /** Puts bytes on the line from a moment on, a pause after half of them where there is one. */
  #put(frame: Buffer, start: Millis, splitMs: Millis): void {
    const half = splitMs > 0 ? Math.ceil(frame.length / 2) : frame.length
    const { characterMs } = this.#timing
    const endOfHalf = start + half * characterMs
    this.#send(frame.subarray(0, half), start)
    if (half < frame.length) this.#send(frame.subarray(half), endOfHalf + splitMs)
  }

  #send(bytes: Buffer, start: Millis): void {
    const { characterMs } = this.#timing
    if (this.#options.pace === 'frame') {
      this.#timers.at(start + bytes.length * characterMs, () => this.#handOn(bytes))
      return
    }
    let sent = 0
    const pass = (): void => {
      const done = Math.min(bytes.length, Math.floor((this.#now() - start) / characterMs + 1e-9))
      if (done > sent) this.#handOn(bytes.subarray(sent, done))
      sent = Math.max(sent, done)
      if (sent < bytes.length) this.#timers.at(start + (sent + 1) * characterMs, pass)
      else this.counts.lateMs += this.#now() - start - sent * characterMs
    }
    this.#timers.at(start + characterMs, pass)
  }

  #handOn(bytes: Buffer): void {
    const now = this.#now()
    if (this.#options.faults.active('pull', now) !== undefined) return
    // What is on its way to the client has been on the line until now, whatever the plan was.
    this.#busyUntil = Math.max(this.#busyUntil, now)
    this.#options.deliver(bytes)
  }
}
