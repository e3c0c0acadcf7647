// Owns the link of one bus: one request in flight, its own deadline for each, and modbus-serial's client between two
// seams, so that the client sees nothing but whole replies that were checked against the request. Never throws for what
// comes over the wire, never lets a writing function code out, never waits without a deadline.

import ModbusSerial from 'modbus-serial'
import { assert } from '#core/assert.ts'
import type { BackoffLimits } from '#core/backoff.ts'
import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { BusCounters, LinkState, WireRecording } from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'
import type { OpenLink } from '../link/link.ts'
import { ClientPort } from './client-port.ts'
import { Connection } from './connection.ts'
import { FlightRecorder } from './flight-recorder.ts'
import type { Framing, FramingSink, Verdict } from './framing.ts'
import { IDENTIFICATION, identificationFrame } from './identification.ts'
import { LineHealth } from './line-health.ts'
import { LineNoise } from './line-noise.ts'
import type { ModbusRequest, ReadOutcome } from './request.ts'
import { SilenceWatch } from './silence.ts'

/** A deadline that is served later than this found the process stalled, not the unit silent (faults.md HO12). */
const STALL_MS: Millis = 20
/** What a request gets on top, once, after a stall: time to read what has long arrived. */
const STALL_GRACE_MS: Millis = 20
/** Waits up to this long are waited for precisely: t3.5 is 2 ms at 19200 bit/s, and a timer of the system is 1 ms late. */
const PRECISE_MS_MAX: Millis = 5

export interface TransportOptions {
  readonly bus: string
  readonly open: OpenLink
  readonly backoff: BackoffLimits
  readonly framing: (sink: FramingSink) => Framing
  readonly timeoutMs: Millis
  /** Units configured on the bus. */
  readonly unitCount: number
  readonly counters: BusCounters
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

interface Pending {
  readonly request: ModbusRequest
  readonly resolve: (outcome: ReadOutcome) => void
  /** Has left; before that it waits for the link or the silent interval. */
  sent: boolean
  deadlineMono: Millis
  /** Bytes came in since it was sent. */
  heard: boolean
  graced: boolean
}

type ClientCallback = (error: unknown, result: { readonly buffer: Buffer }) => void
type Client = InstanceType<typeof ModbusSerial.default>

export class Transport {
  readonly #options: TransportOptions
  readonly #connection: Connection
  readonly #framing: Framing
  readonly #port: ClientPort
  readonly #client: Client
  readonly #silence: SilenceWatch
  readonly #health: LineHealth
  readonly #noise = new LineNoise()
  readonly #linkListeners: ((state: LinkState) => void)[] = []
  readonly #recorder = new FlightRecorder()
  #pending: Pending | undefined
  #cancelTimer: (() => void) | undefined
  /** Those who pause, each with what ends the pause. */
  readonly #pauses = new Set<() => void>()
  #receivedMono: Millis = 0
  #closed = false

  constructor(options: TransportOptions) {
    this.#options = options
    const { counters } = options
    this.#framing = options.framing({
      reply: (frame) => this.#answered(frame),
      spoilt: (verdict) => this.#settle({ kind: verdict, arrivedMono: this.#receivedMono }),
      lateReply: () => {
        counters.lateReplies++
        this.#record('a late reply was dropped')
      },
      foreignFrame: () => {
        counters.foreignFrames++
        this.#record('a frame that answers nothing was dropped')
      },
      malformedFrame: () => {
        counters.malformedFrames++
        this.#record('bytes that are no frame were dropped')
      },
    })
    this.#port = new ClientPort((frame) => this.#transmit(frame))
    this.#client = new ModbusSerial.default(this.#port)
    this.#client.open()
    this.#silence = new SilenceWatch(options.unitCount)
    this.#health = new LineHealth(options.unitCount)
    this.#connection = new Connection({
      ...options,
      onReopen: () => {
        counters.reconnects++
        this.#record('link opened afresh')
      },
      listener: {
        opened: () => this.#onOpened(),
        received: (bytes) => this.#onReceived(bytes),
        remarked: (words) => this.#record(words),
        lost: () => this.#onLost(),
      },
    })
    this.#connection.onState((state) => {
      this.#record(state.kind === 'down' ? `link down: ${state.cause}` : `link ${state.kind}`)
      this.#tellLink()
    })
    this.#connection.start()
  }

  /** The last frames of one unit, or of the whole bus, and what happened on it (URS-15). */
  recorded(unitId?: number): WireRecording {
    return this.#recorder.recording(unitId)
  }

  get link(): LinkState {
    const { state } = this.#connection
    const noise = this.#noise.cause
    return state.kind === 'up' && noise !== undefined ? { ...state, noise } : state
  }

  /** No unit of the bus answers: the line is dead, whatever the units are. */
  get muted(): boolean {
    return this.#silence.muted
  }

  onLink(listener: (state: LinkState) => void): void {
    this.#linkListeners.push(listener)
  }

  /** Sends one request and waits for its reply, at most the bus's timeout. One at a time. */
  read(request: ModbusRequest): Promise<ReadOutcome> {
    assert(this.#pending === undefined, 'a request is in flight already on bus', this.#options.bus)
    return new Promise((resolve) => {
      const now = this.#now()
      const deadlineMono = now + this.#options.timeoutMs
      this.#pending = {
        request,
        resolve,
        sent: false,
        deadlineMono,
        heard: false,
        graced: false,
      }
      if (!this.#connection.isOpen && !this.#connection.isComing) {
        return this.#settle({ kind: 'disconnected', sent: false, arrivedMono: now })
      }
      this.#watch(deadlineMono)
      if (this.#connection.isOpen) this.#send()
    })
  }

  /** Lets the wire rest for a while; over at once when the transport is closed. */
  pause(ms: Millis): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        cancel()
        this.#pauses.delete(end)
        resolve()
      }
      const cancel = this.#options.clock.at(this.#now() + ms, end)
      this.#pauses.add(end)
    })
  }

  /** Closes the link for good; a request in flight ends as `disconnected`. Safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true
    for (const end of this.#pauses) end()
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    await this.#connection.close()
  }

  #now(): Millis {
    return this.#options.clock.now().mono
  }

  #tellLink(): void {
    for (const listener of this.#linkListeners) listener(this.link)
  }

  #reopen(cause: string, down: boolean): void {
    this.#record(cause)
    this.#connection.reopen(cause, down)
  }

  #record(what: string): void {
    this.#recorder.event(what, this.#now())
  }

  /**
   * Sends as soon as the wire is free. What the system has received by then is taken in first: it answers nothing, and it
   * shows that the line is not silent.
   */
  #send(): void {
    const pending = this.#pending
    if (pending === undefined) return
    const { clock } = this.#options
    const freeAt = this.#framing.freeAt()
    const waitMs = freeAt === 0 ? 0 : freeAt - this.#now()
    if (waitMs <= 0) return this.#framing.flushes ? this.#flush(pending) : this.#ask(pending)
    const wake = () => {
      if (this.#pending === pending && this.#connection.isOpen) this.#send()
    }
    if (waitMs <= PRECISE_MS_MAX && clock.precisely !== undefined) clock.precisely(freeAt, wake)
    else clock.at(freeAt, wake)
  }

  #flush(pending: Pending): void {
    this.#connection.flush(() => {
      if (this.#pending !== pending || !this.#connection.isOpen) return
      if (this.#framing.freeAt() > this.#now()) this.#send()
      else this.#ask(pending)
    })
  }

  #ask(pending: Pending): void {
    const { request } = pending
    pending.sent = true
    this.#options.counters.requests++
    if (request.functionCode === IDENTIFICATION) {
      // The client would send for what follows by itself, without silence and deadline (modbus-serial 8.0.25).
      return this.#port.write(identificationFrame(request))
    }
    const { functionCode, unitId, address, quantity } = request
    switch (functionCode) {
      case 1:
        return this.#client.writeFC1(unitId, address, quantity, this.#onClient)
      case 2:
        return this.#client.writeFC2(unitId, address, quantity, this.#onClient)
      case 3:
        return this.#client.writeFC3(unitId, address, quantity, this.#onClient)
      case 4:
        return this.#client.writeFC4(unitId, address, quantity, this.#onClient)
    }
  }

  /** What the client wrote to its port goes out on the wire, with the deadline counted from here. */
  #transmit(frame: Uint8Array): void {
    const pending = this.#pending
    assert(pending !== undefined, 'the client sent something nobody asked for')
    const now = this.#now()
    pending.deadlineMono = now + this.#options.timeoutMs
    this.#watch(pending.deadlineMono)
    const bytes = this.#framing.begin(frame, pending.request, now)
    this.#recorder.sent(pending.request.unitId, bytes, now)
    this.#connection.write(bytes)
  }

  /** A reply, checked: the client takes it apart, but for an identification, which is its bytes. */
  #answered(frame: Buffer): void {
    if (this.#pending?.request.functionCode !== IDENTIFICATION) return this.#port.deliver(frame)
    const { counters } = this.#options
    const arrivedMono = this.#receivedMono
    counters.replies++
    if ((frame[1] ?? 0) >= 0x80) {
      counters.exceptions++
      return this.#settle({ kind: 'exception', code: frame[2] ?? 0, arrivedMono })
    }
    this.#settle({ kind: 'data', data: frame.subarray(3, -2), arrivedMono })
  }

  readonly #onClient: ClientCallback = (error, result) => {
    const arrivedMono = this.#receivedMono
    const { counters } = this.#options
    counters.replies++
    if (error === null || error === undefined) {
      return this.#settle({ kind: 'data', data: result.buffer, arrivedMono })
    }
    const code = (error as { readonly modbusCode?: number }).modbusCode
    if (code !== undefined) {
      counters.exceptions++
      return this.#settle({ kind: 'exception', code, arrivedMono })
    }
    counters.malformedFrames++
    this.#settle({ kind: 'frame', arrivedMono })
  }

  #onOpened(): void {
    this.#framing.reset()
    if (this.#pending !== undefined && !this.#pending.sent) this.#send()
  }

  #onReceived(bytes: Uint8Array): void {
    this.#receivedMono = this.#now()
    this.#recorder.received(bytes, this.#receivedMono)
    this.#silence.heard()
    if (this.#pending !== undefined) this.#pending.heard = true
    const replies = this.#options.counters.replies
    const followed = this.#framing.push(bytes, this.#receivedMono)
    const isSound = this.#health.cause === undefined
    if (isSound && this.#options.counters.replies !== replies) this.#connection.proved()
    if (followed) return
    this.#options.counters.malformedFrames++
    if (this.#pending?.sent === true) {
      this.#settle({ kind: 'frame', arrivedMono: this.#receivedMono })
    }
    this.#reopen('what came over the link is no Modbus; it was opened afresh', false)
  }

  #onLost(): void {
    this.#framing.reset()
    const pending = this.#pending
    if (pending === undefined) return
    this.#settle({ kind: 'disconnected', sent: pending.sent, arrivedMono: this.#now() })
  }

  #settle(outcome: ReadOutcome): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    this.#recorder.settled(outcome.kind, outcome.arrivedMono)
    if (outcome.kind !== 'disconnected') this.#framing.end(this.#now())
    this.#health.ended(pending.request.unitId, outcome, pending.heard)
    const { cause } = this.#health
    if (cause !== undefined) this.#connection.doubt(cause)
    // Where transaction ids tell replies apart, the line is behind a gateway: its damage is the gateway's to see.
    if (this.#framing.flushes && this.#noise.ended(outcome.kind, this.#now())) this.#tellLink()
    pending.resolve(outcome)
  }

  /** One timer serves all deadlines: it is left running when a reply comes, and looks again when it fires. */
  #watch(deadlineMono: Millis): void {
    if (this.#cancelTimer !== undefined || this.#closed) return
    this.#cancelTimer = this.#options.clock.at(deadlineMono, () => {
      this.#cancelTimer = undefined
      this.#onDeadline()
    })
  }

  #onDeadline(): void {
    const pending = this.#pending
    if (pending === undefined) return
    const now = this.#now()
    if (now < pending.deadlineMono) return this.#watch(pending.deadlineMono)
    if (!pending.sent) {
      return this.#settle({ kind: 'disconnected', sent: false, arrivedMono: now })
    }
    if (!pending.graced && now - pending.deadlineMono > STALL_MS) {
      pending.graced = true
      pending.deadlineMono = now + STALL_GRACE_MS
      return this.#watch(pending.deadlineMono)
    }
    this.#expire(pending, now)
  }

  #expire(pending: Pending, now: Millis): void {
    const verdict: Verdict = this.#framing.end(now)
    this.#options.counters.timeouts++
    this.#settle({ kind: verdict, arrivedMono: now })
    if (verdict === 'torn' && !this.#framing.flushes) {
      // What completes it would come in front of the next reply.
      return this.#reopen('a reply broke off half way; the link was opened afresh', false)
    }
    if (pending.heard || !this.#silence.timedOut(pending.request.unitId)) return
    const cause = this.#silence.muted
      ? 'connected, but no unit answers; check the wiring, the unit ids and the power of the instruments'
      : 'nothing came back from several units; the link was opened afresh'
    this.#reopen(cause, this.#silence.muted)
  }
}
