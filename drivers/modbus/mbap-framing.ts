// Modbus TCP as a framing: 16-bit transaction ids, and the check of every reply against the request in flight. What does
// not fit in each respect (id, unit, function, length, byte count) is dropped and counted, and the wait goes on.

import type { Millis } from '#core/time.ts'
import { putCrc } from './crc.ts'
import type { Framing, FramingSink, Verdict } from './framing.ts'
import { MBAP_LENGTH, MbapFramer } from './mbap.ts'
import { replyLengths } from './reply.ts'
import type { ModbusRequest } from './request.ts'

/** A reply to one of this many requests before the present one is late; any other id is nobody's. */
const LATE_IDS_MAX = 4096
const CRC_LENGTH = 2

export class MbapFraming implements Framing {
  readonly flushes = false
  readonly #sink: FramingSink
  #framer = new MbapFramer()
  #transactionId: number
  #expected: ModbusRequest | undefined
  #verdict: Verdict = 'timeout'
  /** The reply found in what is being taken in. */
  #reply: Buffer | undefined

  /** `firstId` is where the transaction ids begin (0–65535). */
  constructor(sink: FramingSink, firstId: number) {
    this.#sink = sink
    this.#transactionId = firstId & 0xffff
  }

  reset(): void {
    this.#framer = new MbapFramer()
    this.#expected = undefined
  }

  freeAt(): Millis {
    return 0
  }

  begin(frame: Uint8Array, request: ModbusRequest): Uint8Array {
    this.#transactionId = (this.#transactionId + 1) & 0xffff
    this.#expected = request
    this.#verdict = 'timeout'
    const length = frame.length - CRC_LENGTH
    const adu = Buffer.allocUnsafe(MBAP_LENGTH - 1 + length)
    adu[0] = this.#transactionId >>> 8
    adu[1] = this.#transactionId & 0xff
    adu[2] = 0
    adu[3] = 0
    adu[4] = length >>> 8
    adu[5] = length & 0xff
    for (let index = 0; index < length; index++) adu[MBAP_LENGTH - 1 + index] = frame[index] ?? 0
    return adu
  }

  /**
   * A reply is handed on only when everything that came with it could be followed: half a reply that was completed by
   * the beginning of another frame looks whole, and gives itself away by what comes behind it.
   */
  push(bytes: Uint8Array): boolean {
    const followed = this.#framer.push(bytes, this.#onAdu)
    const reply = this.#reply
    if (reply === undefined) return followed
    this.#reply = undefined
    if (followed) this.#sink.reply(reply)
    return followed
  }

  end(): Verdict {
    this.#expected = undefined
    return this.#verdict === 'timeout' && this.#framer.held > 0 ? 'torn' : this.#verdict
  }

  readonly #onAdu = (bytes: Uint8Array, start: number, end: number): void => {
    const request = this.#expected
    const id = ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0)
    const age = (this.#transactionId - id) & 0xffff
    if (request === undefined || age !== 0) {
      if (age < LATE_IDS_MAX) this.#sink.lateReply()
      else this.#sink.foreignFrame()
      return
    }
    const unit = start + MBAP_LENGTH - 1
    if (bytes[unit] !== request.unitId) return this.#sink.foreignFrame()
    if (!isAnswer(bytes, unit, end, request)) {
      if (((bytes[unit + 1] ?? 0) & 0x7f) !== request.functionCode) return this.#sink.foreignFrame()
      this.#verdict = 'frame'
      return this.#sink.malformedFrame()
    }
    this.#expected = undefined
    this.#reply = rtuFrame(bytes, unit, end)
  }
}

/** Whether bytes[unit, end) are a whole answer to the request, or a whole exception to it. */
export function isAnswer(
  bytes: Uint8Array,
  unit: number,
  end: number,
  request: ModbusRequest,
): boolean {
  if (bytes[unit] !== request.unitId) return false
  return replyLengths(bytes, unit + 1, end, request).includes(end - unit - 1)
}

/** A copy of bytes[start, end) with its CRC behind it, as the client wants it. */
function rtuFrame(bytes: Uint8Array, start: number, end: number): Buffer {
  const length = end - start
  const frame = Buffer.allocUnsafe(length + CRC_LENGTH)
  for (let index = 0; index < length; index++) frame[index] = bytes[start + index] ?? 0
  putCrc(frame, 0, length)
  return frame
}
