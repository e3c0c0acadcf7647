// One durable stream on its way out: reads batches from the store ahead of need, cuts them to what the server takes, and
// asks the outbox (core/outbox.ts) what may go next. It holds a few read batches, never the only copy of anything.
//
// The same lane serves the stream itself (from its cursor, without an end) and a replay (a range, sent again).

import { assert } from '#core/assert.ts'
import {
  type Answer,
  answer,
  goesAlone,
  type Loss,
  lost,
  nothingBeyond,
  type OutboxStep,
  type OutboxVerdict,
  offer,
  openOutbox,
  poke,
  readAfter,
  recordsMax,
  room,
} from '#core/outbox.ts'
import type { Origin } from '#core/point.ts'
import type { Stream } from '#core/record.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { BatchQuery, Store, StreamBatch } from '#ports/store.ts'
import { batchPayload } from './payload.ts'
import { cutBatch, type SizedBatch } from './pieces.ts'

/** Batches asked for at once: enough to fill the window twice. */
const BATCHES_PER_READ: Readonly<Record<Stream, number>> = { readings: 12, event: 32 }
/** Messages are kept well below what brokers take by default; a larger record goes alone. */
const MESSAGE_BYTES_MAX = 48 * 1024
const MESSAGE_BYTES_MIN = 512
const READ_RETRY_MS: Millis = 2000
const PACKET_TOO_LARGE = 0x95

export interface StreamLaneOptions {
  readonly stream: Stream
  /** Everything of the stream up to here needs no sending. */
  readonly cursor: number
  /** Last sequence number to send; absent for the stream itself. */
  readonly through?: number
  readonly replay: boolean
  readonly epoch: string
  readonly origin: Origin
  readonly store: Pick<Store, 'batches'>
  readonly clock: Clock
  readonly log: Log
  /** Called when there may be something to send that was not there before. */
  readonly wake: () => void
  readonly verdict: (verdict: OutboxVerdict) => void
}

export interface StreamMessage {
  readonly first: number
  readonly records: number
  readonly bytes: number
  readonly alone: boolean
}

export class StreamLane {
  readonly #options: StreamLaneOptions
  #box: ReturnType<typeof openOutbox>
  #ready: SizedBatch[] = []
  /** The sequence number after which `#ready` begins. */
  #readyAfter: number
  #reading = false
  /** When the store was asked for what it still owes; infinite when it owes nothing. */
  #askedMono: Millis = Number.POSITIVE_INFINITY
  #pass = 0
  #head = 0
  /** The stream is known to hold nothing between what was read and this. */
  #exhaustedAt = -1
  #learnedBytesMax = MESSAGE_BYTES_MAX
  #cancelWake: (() => void) | undefined
  #wakeAt = 0

  constructor(options: StreamLaneOptions) {
    this.#options = options
    this.#box = openOutbox(options.cursor)
    this.#readyAfter = options.cursor
    this.#head = options.through ?? 0
  }

  get stream(): Stream {
    return this.#options.stream
  }

  get cursor(): number {
    return this.#box.cursor
  }

  /** Highest sequence number of the stream ever put in flight. */
  get published(): number {
    return this.#box.published
  }

  /** Nothing in flight and nothing left to send (of what is committed). */
  get idle(): boolean {
    return (
      this.#box.flights.length === 0 &&
      this.#ready.length === 0 &&
      !this.#reading &&
      Math.max(this.#exhaustedAt, readAfter(this.#box)) >= this.#head
    )
  }

  /** Waiting for a subscriber, a quota or a changed mind of the broker. */
  get paused(): boolean {
    return this.#options.clock.now().mono < this.#box.resumeAt
  }

  /** Since when the store owes an answer, monotonic; infinite when it owes none. */
  get askedMono(): Millis {
    return this.#askedMono
  }

  /** Could send and does not: there is more, and neither the store, the broker nor a pause is waited for. */
  get stuck(): boolean {
    const { flights } = this.#box
    const waits = this.#reading || room(this.#box, this.#options.clock.now().mono) <= 0
    return flights.length === 0 && !waits && !this.idle
  }

  /** Records up to this head are durable. */
  committed(head: number): void {
    if (this.#options.through === undefined) this.#head = Math.max(this.#head, head)
  }

  /** The message that should go out next, if one may; starts reading where more is needed. */
  peek(serverBytesMax: number): StreamMessage | undefined {
    const mono = this.#options.clock.now().mono
    if (room(this.#box, mono) <= 0) {
      this.#wakeWhenResumed(mono)
      return undefined
    }
    this.#rewindIfNeeded()
    for (;;) {
      this.#readAhead()
      const piece = this.#nextPiece(serverBytesMax)
      if (piece === undefined) return undefined
      const { batch, bytes } = piece
      if (bytes > serverBytesMax && this.#actualBytes(batch) > serverBytesMax) {
        this.#passUnsendable(piece)
        continue
      }
      const records = batch.records.length
      return { first: batch.first, records, bytes, alone: goesAlone(this.#box, pieceOf(piece)) }
    }
  }

  /** Puts the peeked message in flight and returns its payload. */
  take(): string {
    const piece = this.#shift()
    const { prev, afterHole } = piece.batch
    assert(
      afterHole === true || prev <= readAfter(this.#box),
      'no record of the stream is left out',
    )
    this.#box = offer(this.#box, pieceOf(piece))
    return this.#payload(piece.batch)
  }

  /** PUBACK of the message that starts at `first`. */
  answered(first: number, code: number, bytes: number): void {
    const flight = this.#box.flights.find((each) => each.first === first)
    if (code === PACKET_TOO_LARGE) this.#learnSize(bytes)
    const final = code === PACKET_TOO_LARGE && flight?.records === 1
    this.#apply(answer(this.#box, first, answerOf(code, final), this.#options.clock.now().mono))
  }

  /** The connection is gone; `code` is the DISCONNECT code, where there was one. */
  lost(loss: Loss, code: number | undefined, bytes: number): void {
    if (code === PACKET_TOO_LARGE && loss === 'alone' && this.#box.flights.length > 0) {
      this.#learnSize(bytes)
    }
    this.#apply(lost(this.#box, loss, this.#options.clock.now().mono))
    this.#restartReading()
  }

  /** Somebody listens: what waits for a subscriber is tried at once. */
  poke(): void {
    this.#box = poke(this.#box)
  }

  close(): void {
    this.#cancelWake?.()
    this.#pass++
  }

  #apply({ box, verdicts }: OutboxStep): void {
    this.#box = box
    for (const verdict of verdicts) this.#options.verdict(verdict)
  }

  #payload(batch: SizedBatch['batch']): string {
    const { epoch, origin, replay, clock } = this.#options
    return batchPayload(batch, { epoch, origin, replay, sent: clock.now().wall })
  }

  #actualBytes(batch: SizedBatch['batch']): number {
    return Buffer.byteLength(this.#payload(batch))
  }

  /** The first ready piece, cut to what the server and the outbox allow. */
  #nextPiece(serverBytesMax: number): SizedBatch | undefined {
    const [head] = this.#ready
    if (head === undefined) return undefined
    const limits = {
      recordsMax: recordsMax(this.#box),
      bytesMax: Math.min(serverBytesMax, this.#learnedBytesMax),
    }
    if (head.bytes > limits.bytesMax || head.batch.records.length > limits.recordsMax) {
      if (head.batch.records.length > 1) this.#ready.splice(0, 1, ...cutBatch(head.batch, limits))
    }
    return this.#ready[0]
  }

  #shift(): SizedBatch {
    const piece = this.#ready.shift()
    assert(piece !== undefined, 'take follows a peek that found something')
    this.#readyAfter = piece.batch.last
    return piece
  }

  /** A single record larger than the server takes: it is passed in order, and said so. */
  #passUnsendable(piece: SizedBatch): void {
    const { first } = this.#shift().batch
    const mono = this.#options.clock.now().mono
    const given = { kind: 'unsendable', code: PACKET_TOO_LARGE } as const
    this.#apply(answer(offer(this.#box, pieceOf(piece)), first, given, mono))
  }

  #learnSize(bytes: number): void {
    this.#learnedBytesMax = Math.max(MESSAGE_BYTES_MIN, Math.floor(bytes / 2))
    this.#options.log.warn('uplink_message_size_reduced', {
      stream: this.#options.stream,
      bytesMax: this.#learnedBytesMax,
    })
  }

  /** What was read ahead is useless once the outbox went back. */
  #rewindIfNeeded(): void {
    if (readAfter(this.#box) !== this.#readyAfter) this.#restartReading()
  }

  #restartReading(): void {
    this.#ready = []
    this.#pass++
    this.#readyAfter = readAfter(this.#box)
    this.#exhaustedAt = -1
  }

  #readAhead(): void {
    const { stream, through } = this.#options
    const wanted = BATCHES_PER_READ[stream]
    if (this.#reading || this.#ready.length > wanted / 2) return
    const after = this.#ready.at(-1)?.batch.last ?? this.#readyAfter
    if (Math.max(this.#exhaustedAt, after) >= this.#head) {
      if (this.#ready.length === 0) this.#nothingLeft()
      return
    }
    void this.#read({ stream, after, batches: wanted, ...(through !== undefined && { through }) })
  }

  async #read(query: BatchQuery): Promise<void> {
    this.#reading = true
    const pass = this.#pass
    const head = this.#head
    const batches = await this.#batches(query)
    if (batches === undefined) return
    this.#reading = false
    if (pass === this.#pass) {
      for (const batch of batches) {
        this.#ready.push(...cutBatch(batch, { recordsMax: 100, bytesMax: MESSAGE_BYTES_MAX }))
      }
      if (batches.length < query.batches) this.#exhaustedAt = head
    }
    this.#options.wake()
  }

  /** Asks the store; undefined when it failed, and is asked again later. */
  async #batches(query: BatchQuery): Promise<readonly StreamBatch[] | undefined> {
    const { store, log, clock, wake, stream } = this.#options
    this.#askedMono = clock.now().mono
    try {
      return await store.batches(query)
    } catch (error) {
      log.error('uplink_store_read_failed', { stream, error: String(error) })
      clock.at(clock.now().mono + READ_RETRY_MS, () => {
        this.#reading = false
        wake()
      })
      return undefined
    } finally {
      this.#askedMono = Number.POSITIVE_INFINITY
    }
  }

  #nothingLeft(): void {
    this.#apply(nothingBeyond(this.#box, this.#options.clock.now().mono))
  }

  #wakeWhenResumed(mono: Millis): void {
    const { resumeAt } = this.#box
    if (resumeAt <= mono || this.#wakeAt === resumeAt) return
    this.#cancelWake?.()
    this.#wakeAt = resumeAt
    this.#cancelWake = this.#options.clock.at(resumeAt, () => {
      this.#wakeAt = 0
      this.#options.wake()
    })
  }
}

const pieceOf = ({ batch }: SizedBatch) => ({
  first: batch.first,
  last: batch.last,
  records: batch.records.length,
})

/** What a PUBACK reason code means for a message of a stream (MQTT 5 §3.4.2.1). */
export function answerOf(code: number, final: boolean): Answer {
  if (code === 0x10) return { kind: 'unheard' }
  if (code < 0x80) return { kind: 'delivered' }
  if (code === 0x97 || code === 0x96 || code === 0x89) return { kind: 'busy' }
  return final ? { kind: 'unsendable', code } : { kind: 'refused', code }
}
