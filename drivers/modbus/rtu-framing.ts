// Modbus RTU as a framing: no transaction id, no header, only unit, function, length and CRC to know a reply by. Decides
// what is the reply to the request in flight and what is an echo, a late reply, a stranger or noise; frames are found by
// length and CRC, never by timers, because no adapter keeps t1.5. What cannot be told apart here (a late reply of the same
// unit and length) is kept out by quarantine and by unique reply lengths.

import type { Millis } from '#core/time.ts'
import { crcHolds } from './crc.ts'
import type { Framing, FramingSink, Verdict } from './framing.ts'
import { IDENTIFICATION, identificationLengths } from './identification.ts'
import { leastLength, replyLengths } from './reply.ts'
import { dataLength, type ModbusRequest } from './request.ts'

/** Most bytes of a frame (Modbus over serial line V1.02 §2.5.1); as many are kept to look for one in. */
const FRAME_LENGTH_MAX = 256
const BUFFER_LENGTH = 2 * FRAME_LENGTH_MAX
const EXCEPTION_LENGTH = 5
/** Unit, function, byte count and CRC around the data. */
const OVERHEAD = 5
/** Unit and CRC around a PDU. */
const ENVELOPE = 3
/** Requests given up whose replies may still come. */
const LATE_MAX = 64

export interface RtuTiming {
  /** Time of one character on the wire; 0 where the line is behind a converter. */
  readonly charMs: Millis
  /** Silence kept on the line before a request: t3.5 or the turnaround, whichever is longer. */
  readonly gapMs: Millis
}

/** The silent interval t3.5: 3.5 characters as they are on this line, and 1.75 ms above 19200 bit/s (V1.02 §2.5.1.1). */
export const silentIntervalMs = (baudRate: number, charMs: Millis): Millis =>
  baudRate > 19_200 ? 1.75 : 3.5 * charMs

interface Shape {
  readonly unitId: number
  readonly functionCode: number
  /** Absent where replies have no fixed length. */
  readonly length?: number
}

export class RtuFraming implements Framing {
  readonly flushes = true
  readonly #sink: FramingSink
  readonly #timing: RtuTiming
  readonly #buffer = new Uint8Array(BUFFER_LENGTH)
  #held = 0
  #expected: ModbusRequest | undefined
  /** The request as sent, until its echo has been taken off. */
  #echo: Uint8Array | undefined
  /** Whether the line echoes; undefined until a reply has shown it. */
  #echoes: boolean | undefined
  #freeAtMono: Millis = 0
  #late: Shape[] = []

  constructor(sink: FramingSink, timing: RtuTiming) {
    this.#sink = sink
    this.#timing = timing
  }

  reset(): void {
    this.#held = 0
    this.#expected = undefined
    this.#echoes = undefined
  }

  freeAt(): Millis {
    return this.#freeAtMono
  }

  begin(frame: Uint8Array, request: ModbusRequest, nowMono: Millis): Uint8Array {
    this.#sweep()
    this.#expected = request
    this.#echo = this.#echoes === false ? undefined : frame
    this.#freeAtMono = nowMono + frame.length * this.#timing.charMs + this.#timing.gapMs
    return frame
  }

  push(bytes: Uint8Array, nowMono: Millis): boolean {
    this.#freeAtMono = nowMono + this.#timing.gapMs
    this.#append(bytes)
    if (this.#expected !== undefined) this.#seek(this.#expected)
    else if (this.#held >= FRAME_LENGTH_MAX) this.#sweep()
    return true
  }

  end(): Verdict {
    const request = this.#expected
    this.#expected = undefined
    if (request === undefined) return 'timeout'
    // Echo or not, what is left of the request's own bytes is no sign of the unit.
    if (this.#echo !== undefined && startsLike(this.#buffer, this.#held, this.#echo)) this.#held = 0
    const verdict = this.#judgeRest(request)
    if (verdict === 'timeout' || verdict === 'torn') {
      this.#late.push({
        unitId: request.unitId,
        functionCode: request.functionCode,
        ...(request.functionCode !== IDENTIFICATION && { length: OVERHEAD + dataLength(request) }),
      })
      if (this.#late.length > LATE_MAX) this.#late.shift()
    }
    this.#sweep()
    return verdict
  }

  #append(bytes: Uint8Array): void {
    const room = BUFFER_LENGTH - this.#held
    if (bytes.length > room) {
      // Only noise gets here. The newest bytes are kept: a whole frame still fits.
      const kept = Math.max(0, Math.min(this.#held, FRAME_LENGTH_MAX - bytes.length))
      this.#buffer.copyWithin(0, this.#held - kept, this.#held)
      this.#held = kept
      this.#sink.malformedFrame()
    }
    const taken = bytes.subarray(Math.max(0, bytes.length - (BUFFER_LENGTH - this.#held)))
    this.#buffer.set(taken, this.#held)
    this.#held += taken.length
  }

  /** Looks for the reply at every position, after the echo. */
  #seek(request: ModbusRequest): void {
    if (!this.#stripEcho()) return
    for (let at = 0; at + EXCEPTION_LENGTH <= this.#held; at++) {
      if (this.#buffer[at] !== request.unitId) continue
      const lengths = replyLengths(this.#buffer, at + 1, this.#held, request)
      for (const length of lengths) {
        const size = length + ENVELOPE
        if (at + size > this.#held) break
        if (crcHolds(this.#buffer, at, at + size - 2)) return this.#accept(at, size)
      }
      if (at === 0 && this.#held === (lengths.at(-1) ?? 0) + ENVELOPE) {
        // Header and length are those of the reply, and the line has nothing more: it is the reply, damaged.
        this.#expected = undefined
        this.#held = 0
        this.#sink.malformedFrame()
        return this.#sink.spoilt('crc')
      }
    }
  }

  /** Takes the echo off the front; false while it cannot be told yet whether it is one. */
  #stripEcho(): boolean {
    const echo = this.#echo
    if (echo === undefined) return true
    if (!startsLike(this.#buffer, this.#held, echo)) {
      this.#echo = undefined
      return true
    }
    if (this.#held < echo.length) return false
    this.#drop(echo.length)
    this.#echo = undefined
    this.#echoes = true
    return true
  }

  #accept(at: number, size: number): void {
    if (at > 0) this.#sweepTo(at)
    const frame = Buffer.from(this.#buffer.subarray(0, size))
    this.#drop(size)
    this.#expected = undefined
    this.#echoes ??= false
    this.#sink.reply(frame)
    this.#sweep()
  }

  /** What bytes that hold no reply mean for a request whose time is up. Others' frames say nothing of the unit asked. */
  #judgeRest(request: ModbusRequest): Verdict {
    const length = leastLength(request) + ENVELOPE
    let noise = false
    for (let at = 0; at < this.#held; ) {
      const size = frameSizeAt(this.#buffer, at, this.#held)
      if (size > 0) {
        if (this.#buffer[at] === request.unitId && !this.#isLate(at, size)) return 'frame'
        at += size
        continue
      }
      if (at + length <= this.#held && resembles(this.#buffer, at, request)) return 'crc'
      noise = true
      at++
    }
    return noise ? 'torn' : 'timeout'
  }

  #isLate(at: number, size: number): boolean {
    return this.#late.some((shape) => fits(shape, this.#buffer, at, size))
  }

  #sweep(): void {
    this.#sweepTo(this.#held)
  }

  /** Accounts for the bytes before `end` and drops them: late replies, strangers' frames, noise. */
  #sweepTo(end: number): void {
    let noise = false
    for (let at = 0; at < end; ) {
      const size = frameSizeAt(this.#buffer, at, end)
      if (size === 0) {
        noise = true
        at++
        continue
      }
      const index = this.#late.findIndex((shape) => fits(shape, this.#buffer, at, size))
      if (index >= 0) {
        this.#late.splice(index, 1)
        this.#sink.lateReply()
      } else this.#sink.foreignFrame()
      at += size
    }
    if (noise) this.#sink.malformedFrame()
    this.#drop(end)
  }

  #drop(count: number): void {
    this.#buffer.copyWithin(0, count, this.#held)
    this.#held -= count
  }
}

/** Whether the bytes may be a damaged reply: the unit, and the function or the byte count, are those of the request. */
function resembles(bytes: Uint8Array, at: number, request: ModbusRequest): boolean {
  return (
    bytes[at] === request.unitId &&
    (bytes[at + 1] === request.functionCode ||
      (request.functionCode !== IDENTIFICATION && bytes[at + 2] === dataLength(request)))
  )
}

/** Size of a whole valid reply of any unit at the position, 0 where there is none. */
function frameSizeAt(bytes: Uint8Array, at: number, end: number): number {
  const functionCode = bytes[at + 1] ?? 0
  const plain = functionCode & 0x7f
  if (at + EXCEPTION_LENGTH > end) return 0
  if (functionCode === IDENTIFICATION) return identificationSizeAt(bytes, at, end)
  if ((plain < 1 || plain > 4) && plain !== IDENTIFICATION) return 0
  const size = functionCode >= 0x80 ? EXCEPTION_LENGTH : OVERHEAD + (bytes[at + 2] ?? 0)
  if (size > FRAME_LENGTH_MAX || at + size > end) return 0
  return crcHolds(bytes, at, at + size - 2) ? size : 0
}

function identificationSizeAt(bytes: Uint8Array, at: number, end: number): number {
  for (const length of identificationLengths(bytes, at + 1, end)) {
    const size = length + ENVELOPE
    if (at + size <= end && crcHolds(bytes, at, at + size - 2)) return size
  }
  return 0
}

function fits(shape: Shape, bytes: Uint8Array, at: number, size: number): boolean {
  if (bytes[at] !== shape.unitId) return false
  const functionCode = bytes[at + 1] ?? 0
  if (functionCode === (shape.functionCode | 0x80)) return true
  return functionCode === shape.functionCode && size === (shape.length ?? size)
}

/** Whether the held bytes are a beginning of the pattern, or begin with all of it. */
function startsLike(bytes: Uint8Array, held: number, pattern: Uint8Array): boolean {
  const compared = Math.min(held, pattern.length)
  for (let index = 0; index < compared; index++) {
    if (bytes[index] !== pattern[index]) return false
  }
  return compared > 0
}
