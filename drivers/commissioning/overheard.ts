// What else can be read in bytes that were received: whole RTU replies of any unit, and the two framings taken for one
// another. Pure; a help to people who look for a fault, never a way to a value.

import { crcHolds } from '../modbus/crc.ts'

const EXCEPTION_LENGTH = 5
const OVERHEAD = 5
const FRAME_LENGTH_MAX = 256

/** A whole reply with a right CRC. */
export interface OverheardReply {
  readonly unitId: number
  readonly functionCode: number
  /** Present when it is an exception. */
  readonly exceptionCode?: number
  /** Position of its last byte in the bytes. */
  readonly end: number
}

/** Every whole RTU reply to a read in the bytes, whoever sent it; the request's own echo is none. */
export function rtuReplies(bytes: Uint8Array): OverheardReply[] {
  const found: OverheardReply[] = []
  for (let at = 0; at + EXCEPTION_LENGTH <= bytes.length; ) {
    const size = replySizeAt(bytes, at)
    if (size === 0) {
      at++
      continue
    }
    const functionCode = bytes[at + 1] ?? 0
    found.push({
      unitId: bytes[at] ?? 0,
      functionCode: functionCode & 0x7f,
      ...(functionCode >= 0x80 && { exceptionCode: bytes[at + 2] ?? 0 }),
      end: at + size - 1,
    })
    at += size
  }
  return found
}

function replySizeAt(bytes: Uint8Array, at: number): number {
  const functionCode = bytes[at + 1] ?? 0
  const plain = functionCode & 0x7f
  if (plain < 1 || plain > 4) return 0
  const size = functionCode >= 0x80 ? EXCEPTION_LENGTH : OVERHEAD + (bytes[at + 2] ?? 0)
  if (size > FRAME_LENGTH_MAX || at + size > bytes.length) return 0
  return crcHolds(bytes, at, at + size - 2) ? size : 0
}

/** Whether the bytes begin like Modbus TCP: protocol identifier 0 and a length that fits what follows. */
export function looksLikeMbap(bytes: Uint8Array): boolean {
  if (bytes.length < 9 || bytes[2] !== 0 || bytes[3] !== 0) return false
  const length = ((bytes[4] ?? 0) << 8) | (bytes[5] ?? 0)
  return length >= 3 && length <= 254 && bytes.length >= 6 + length
}

/** Bytes as people read them: `2B 03 04`. */
export const hexOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ')
