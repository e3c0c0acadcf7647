// How a PDU to one unit travels: in an MBAP frame with a transaction id (Modbus TCP), or between unit id and CRC (RTU, also through
// a converter). Decides which bytes are the answer to the request in flight; knows no function code.

import { crcHolds, putCrc } from '../modbus/crc.ts'

export interface Envelope {
  wrap(pdu: Uint8Array): Uint8Array
  /** The next PDU that may be an answer, and what is left; no PDU while more bytes are needed. */
  unwrap(bytes: Uint8Array<ArrayBuffer>, answerBytes: number): Unwrapped
}

interface Unwrapped {
  readonly pdu?: Uint8Array
  readonly rest: Uint8Array<ArrayBuffer>
}

const MBAP_BYTES = 7
const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0)

/** Frames of Modbus TCP; an answer with another id than the last request's is dropped. */
export function mbapEnvelope(unitId: number, firstId: number): Envelope {
  let id = firstId & 0xffff
  return {
    wrap: (pdu) => {
      id = (id + 1) & 0xffff
      return Uint8Array.from([id >> 8, id & 0xff, 0, 0, 0, pdu.length + 1, unitId, ...pdu])
    },
    unwrap: (bytes) => {
      for (let at = 0; ; ) {
        if (bytes.length - at < MBAP_BYTES) return { rest: bytes.slice(at) }
        const length = ((bytes[at + 4] ?? 0) << 8) | (bytes[at + 5] ?? 0)
        if (bytes[at + 2] !== 0 || bytes[at + 3] !== 0 || length < 2 || length > 254)
          return { rest: NOTHING }
        const end = at + 6 + length
        if (bytes.length < end) return { rest: bytes.slice(at) }
        const ours =
          ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0) === id && bytes[at + 6] === unitId
        if (ours) return { pdu: bytes.slice(at + MBAP_BYTES, end), rest: bytes.slice(end) }
        at = end
      }
    },
  }
}

/** Bytes of an exception with unit id and CRC. */
const EXCEPTION_FRAME = 5
const EXCEPTION_BIT = 0x80

/** Frames of Modbus RTU; what does not fit unit id, length and CRC is no answer. */
export function rtuEnvelope(unitId: number): Envelope {
  return {
    wrap: (pdu) => {
      const frame = Uint8Array.from([unitId, ...pdu, 0, 0])
      putCrc(frame, 0, frame.length - 2)
      return frame
    },
    unwrap: (bytes, answerBytes) => {
      for (let at = 0; at < bytes.length; at++) {
        if (bytes[at] !== unitId) continue
        const isException = ((bytes[at + 1] ?? 0) & EXCEPTION_BIT) !== 0
        const length = isException ? EXCEPTION_FRAME : answerBytes + 3
        if (bytes.length - at < length) return { rest: bytes.slice(at) }
        if (!crcHolds(bytes, at, at + length - 2)) continue
        return { pdu: bytes.slice(at + 1, at + length - 2), rest: bytes.slice(at + length) }
      }
      return { rest: NOTHING }
    },
  }
}
