// One line for commissioning: asks single read requests on the very links and framings of the drivers, and tells what
// came of each with its bytes and its latency. Unlike the transport of the daemon it never connects again by itself: a
// search asks hundreds of silent addresses, and silence must not open a port afresh. Lets no function code out that writes.

import { assert } from '#core/assert.ts'
import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Link, OpenLink } from '../link/link.ts'
import { assertReads } from '../modbus/client-port.ts'
import { putCrc } from '../modbus/crc.ts'
import type { Framing } from '../modbus/framing.ts'
import { IDENTIFICATION, identificationFrame } from '../modbus/identification.ts'
import type { ModbusRequest } from '../modbus/request.ts'
import type { BusSettings } from '../profile.ts'
import { framingOf, linkOf } from '../registry.ts'
import { type Passage, tapLink } from './tap.ts'

/** An open that takes longer than this is given up. */
const OPEN_MS_MAX: Millis = 5000
/** A deadline served later than this found the process stalled; what has long arrived is then read for as long again. */
const STALL_MS: Millis = 20
/** Bytes kept of one request, sent and received. */
const PASSAGE_BYTES_MAX = 8192
const REQUEST_LENGTH = 8
const DATA_OFFSET = 3
const CRC_LENGTH = 2

const NEVER_SILENT = {
  kind: 'unreachable',
  cause:
    'the line is never silent, so nothing could be sent; another master talks on it, or it floats (check bias and termination)',
} as const

/** How a request ended; `crc frame torn`: something came and could not be used. */
export type AskOutcome =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'exception'; readonly code: number }
  | { readonly kind: 'timeout' | 'crc' | 'frame' | 'torn' }
  | { readonly kind: 'unreachable'; readonly cause: string }

/** A request and what came of it. */
export interface Asked {
  readonly request: ModbusRequest
  readonly outcome: AskOutcome
  /** From the request's leaving to the reply that ended it, ms; absent where none did. */
  readonly latencyMs?: Millis
  /** Monotonic moment at which it left; absent when it never did. */
  readonly sentMono?: Millis
  /** What passed from this request's leaving on, in order. */
  readonly passages: readonly Passage[]
}

export interface LineOptions {
  readonly bus: BusSettings
  readonly clock: Clock
  readonly random: Random
  /** Another way to the wire, for tests; default what the bus settings name. */
  readonly open?: OpenLink
}

interface Pending {
  readonly request: ModbusRequest
  readonly frame: Uint8Array
  readonly timeoutMs: Millis
  readonly resolve: (asked: Asked) => void
  sentMono: Millis | undefined
  graced: boolean
}

export class Line {
  readonly #clock: Clock
  readonly #open: OpenLink
  readonly #framing: Framing
  #link: Link | undefined
  #pending: Pending | undefined
  #passages: Passage[] = []
  #passageBytes = 0
  #receivedMono: Millis = 0
  #cancelDeadline: (() => void) | undefined
  #closed = false

  constructor({ bus, clock, random, open }: LineOptions) {
    this.#clock = clock
    this.#open = tapLink(open ?? linkOf(bus), clock, (passage) => this.#hear(passage))
    const ignore = () => {}
    this.#framing = framingOf(
      bus,
      random,
    )({
      reply: (frame) => this.#answered(frame),
      spoilt: (kind) => this.#settle({ kind }),
      lateReply: ignore,
      foreignFrame: ignore,
      malformedFrame: ignore,
    })
  }

  /** Opens the link unless it is open; the cause in words where it cannot be. */
  connect(): Promise<string | undefined> {
    assert(!this.#closed, 'the line was closed')
    if (this.#link !== undefined) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      let told = false
      const tell = (cause?: string) => {
        cancel()
        if (told) return
        told = true
        if (cause !== undefined) this.#drop()
        resolve(cause)
      }
      const cancel = this.#clock.at(this.#clock.now().mono + OPEN_MS_MAX, () =>
        tell('the link did not open in time; check address, cable and power'),
      )
      this.#link = this.#open({
        opened: () => {
          this.#framing.reset()
          tell()
        },
        received: (bytes) => this.#received(bytes),
        closed: (cause) => {
          this.#drop()
          tell(cause)
          this.#settle({ kind: 'unreachable', cause })
        },
      })
    })
  }

  /** Sends one request and waits for its reply, at most `timeoutMs` from its leaving. One at a time; rejects only for broken invariants. */
  async ask(request: ModbusRequest, timeoutMs: Millis): Promise<Asked> {
    assert(this.#pending === undefined, 'the line has a request in flight already')
    const frame = frameOf(request)
    assertReads(frame)
    this.#forget()
    const cause = await this.connect()
    if (cause !== undefined)
      return { request, outcome: { kind: 'unreachable', cause }, passages: [] }
    return new Promise((resolve) => {
      this.#pending = { request, frame, timeoutMs, resolve, sentMono: undefined, graced: false }
      this.#watch(this.#clock.now().mono + timeoutMs)
      this.#send()
    })
  }

  /** Listens without asking for a while, and tells what came in. */
  async listen(ms: Millis): Promise<readonly Passage[]> {
    const from = this.#passages.length
    await new Promise<void>((resolve) => {
      this.#clock.at(this.#clock.now().mono + ms, resolve)
    })
    return this.#passages.slice(from)
  }

  /** Lets go of the link; safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true
    const link = this.#link
    this.#drop()
    this.#settle({ kind: 'unreachable', cause: 'the line was closed' })
    await link?.destroy()
  }

  #drop(): void {
    const link = this.#link
    this.#link = undefined
    this.#framing.reset()
    void link?.destroy()
  }

  /** Sends as soon as the wire is free, what came in unasked having been dropped. */
  #send(): void {
    const pending = this.#pending
    const link = this.#link
    if (pending === undefined || link === undefined) return
    const freeAt = this.#framing.freeAt()
    if (freeAt > this.#clock.now().mono) {
      this.#clock.at(freeAt, () => this.#send())
    } else if (this.#framing.flushes) {
      link.flush(() => {
        if (this.#pending !== pending || this.#link !== link) return
        if (this.#framing.freeAt() > this.#clock.now().mono) this.#send()
        else this.#transmit(pending, link)
      })
    } else this.#transmit(pending, link)
  }

  #transmit(pending: Pending, link: Link): void {
    this.#forget()
    const now = this.#clock.now().mono
    pending.sentMono = now
    link.write(this.#framing.begin(pending.frame, pending.request, now))
    this.#watch(now + pending.timeoutMs)
  }

  #watch(deadlineMono: Millis): void {
    this.#cancelDeadline?.()
    this.#cancelDeadline = this.#clock.at(deadlineMono, () => {
      const pending = this.#pending
      const now = this.#clock.now().mono
      if (pending === undefined) return
      if (!pending.graced && now - deadlineMono > STALL_MS) {
        pending.graced = true
        this.#watch(now + STALL_MS)
        return
      }
      if (pending.sentMono === undefined) return this.#settle(NEVER_SILENT)
      const kind = this.#framing.end(now)
      this.#settle({ kind })
      // What completes a torn frame would come in front of the next reply, where nothing marks a beginning.
      if (kind === 'torn' && !this.#framing.flushes) this.#drop()
    })
  }

  #received(bytes: Uint8Array): void {
    this.#receivedMono = this.#clock.now().mono
    if (this.#framing.push(bytes, this.#receivedMono)) return
    this.#settle({ kind: 'frame' })
    this.#drop()
  }

  /** A reply in RTU form, checked by the framing in every respect. */
  #answered(frame: Uint8Array): void {
    const functionCode = frame[1] ?? 0
    if (functionCode >= 0x80) this.#settle({ kind: 'exception', code: frame[2] ?? 0 })
    else
      this.#settle({
        kind: 'data',
        data: Uint8Array.from(frame.subarray(DATA_OFFSET, frame.length - CRC_LENGTH)),
      })
  }

  #settle(outcome: AskOutcome): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    this.#cancelDeadline?.()
    this.#cancelDeadline = undefined
    this.#framing.end(this.#clock.now().mono)
    const { request, sentMono } = pending
    const ended = outcome.kind === 'data' || outcome.kind === 'exception'
    pending.resolve({
      request,
      outcome,
      passages: [...this.#passages],
      ...(sentMono !== undefined && { sentMono }),
      ...(sentMono !== undefined && ended && { latencyMs: this.#receivedMono - sentMono }),
    })
  }

  #hear(passage: Passage): void {
    if (this.#passageBytes + passage.bytes.length > PASSAGE_BYTES_MAX) return
    this.#passageBytes += passage.bytes.length
    this.#passages.push(passage)
  }

  #forget(): void {
    this.#passages = []
    this.#passageBytes = 0
  }
}

/** A request as modbus-serial's client would write it: unit, PDU, CRC. */
function frameOf(request: ModbusRequest): Uint8Array {
  if (request.functionCode === IDENTIFICATION) return identificationFrame(request)
  const { unitId, functionCode, address, quantity } = request
  const frame = new Uint8Array(REQUEST_LENGTH)
  const view = new DataView(frame.buffer)
  view.setUint8(0, unitId)
  view.setUint8(1, functionCode)
  view.setUint16(2, address)
  view.setUint16(4, quantity)
  putCrc(frame, 0, REQUEST_LENGTH - CRC_LENGTH)
  return frame
}
