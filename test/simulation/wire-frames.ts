// Modbus frames as the simulated wire makes and spoils them: MBAP and RTU, from the specifications. Pure but for the dice.

import type { Dice } from './dice.ts'
import type { BusDraw } from './scenario.ts'

export interface WireRequest {
  readonly protocol: BusDraw['protocol']
  readonly transactionId: number
  readonly unitId: number
  readonly functionCode: number
  readonly address: number
  readonly quantity: number
}

/** CRC of Modbus over serial line, V1.02 appendix B, low byte first. */
function crcOf(bytes: Uint8Array): Buffer {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return Buffer.of(crc & 0xff, crc >> 8)
}

/** Reads one whole request; undefined when the bytes are anything else. */
export function readRequest(protocol: BusDraw['protocol'], bytes: Buffer): WireRequest | undefined {
  const tcp = protocol === 'modbus-tcp'
  if (bytes.length !== (tcp ? 12 : 8)) return undefined
  const at = tcp ? 6 : 0
  if (tcp ? bytes.readUInt16BE(4) !== 6 : !crcOf(bytes.subarray(0, 6)).equals(bytes.subarray(6)))
    return undefined
  return {
    protocol,
    transactionId: tcp ? bytes.readUInt16BE(0) : 0,
    unitId: bytes.readUInt8(at),
    functionCode: bytes.readUInt8(at + 1),
    address: bytes.readUInt16BE(at + 2),
    quantity: bytes.readUInt16BE(at + 4),
  }
}

/** Frames a reply PDU to a request, of its unit and id or of others. */
export function frameOf(
  request: WireRequest,
  pdu: Buffer,
  { unitId = request.unitId, transactionId = request.transactionId } = {},
): Buffer {
  if (request.protocol !== 'modbus-tcp') {
    const body = Buffer.concat([Buffer.of(unitId), pdu])
    return Buffer.concat([body, crcOf(body)])
  }
  const header = Buffer.alloc(7)
  header.writeUInt16BE(transactionId & 0xffff, 0)
  header.writeUInt16BE(pdu.length + 1, 4)
  header[6] = unitId
  return Buffer.concat([header, pdu])
}

/**
 * A reply as a wire or a bad gateway spoils it. On TCP the checksum of the transport protects the data, so that only what a
 * gateway does wrong is left: ids, units, lengths. On a serial line any bits flip, at most three: those the CRC must catch.
 */
export function damaged(request: WireRequest, frame: Buffer, dice: Dice): Buffer {
  const tcp = request.protocol === 'modbus-tcp'
  const pdu = tcp ? frame.subarray(7) : frame.subarray(1, -2)
  switch (dice.whole(0, 4)) {
    case 0:
      return frameOf(request, pdu, { unitId: (request.unitId + dice.whole(1, 200)) & 0xff })
    case 1:
      return tcp
        ? frameOf(request, pdu, { transactionId: request.transactionId - dice.whole(1, 9) })
        : Buffer.concat([Buffer.from([0, 0xff, 0x13].slice(dice.whole(0, 2))), frame])
    case 2:
      return frame.subarray(0, dice.whole(1, frame.length - 1))
    case 3:
      return frameOf(request, Buffer.concat([pdu, Buffer.of(dice.whole(0, 255))]))
    default:
      return tcp ? frameOf(request, Buffer.of((pdu[0] ?? 0) ^ 0x10, 1)) : flipped(frame, dice)
  }
}

/** What another instrument of the same unit id answers to the same request: the same registers, with what it holds. */
export function otherReply(request: WireRequest, frame: Buffer, dice: Dice): Buffer {
  const pdu = Buffer.from(frame.subarray(1, -2))
  for (let at = 2; at < pdu.length; at++) pdu[at] = dice.whole(0, 255)
  return frameOf(request, pdu)
}

/**
 * Two replies over each other on a serial line, the other one begun somewhat earlier or later. Of random bytes a CRC of 16 bits lets
 * one in 65,536 through, which nobody can tell; here none does.
 */
export function collided(frame: Buffer, other: Buffer, dice: Dice): Buffer {
  const shift = dice.whole(0, 3)
  const mixed = Buffer.alloc(frame.length + shift)
  frame.copy(mixed)
  for (let at = 0; at < other.length && at + shift < mixed.length; at++)
    mixed[at + shift] = (mixed[at + shift] ?? 0) & (other[at] ?? 0xff)
  const body = mixed.subarray(0, frame.length)
  if (crcOf(body.subarray(0, -2)).equals(body.subarray(-2))) body[0] = (body[0] ?? 0) ^ 0x80
  return mixed
}

function flipped(frame: Buffer, dice: Dice): Buffer {
  const copy = Buffer.from(frame)
  const bits = new Set<number>()
  const wanted = dice.whole(1, 3)
  while (bits.size < wanted) bits.add(dice.whole(0, frame.length * 8 - 1))
  for (const bit of bits) copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}
