// What becomes of bytes on a bad line: a bit turned over, two instruments at once, another speed. Pure, from a seeded
// generator; decides bytes, never moments.

import type { Random } from '#core/random.ts'
import { withCrc } from './crc16.ts'

/** One bit of the frame turned over, anywhere. */
export function withFlippedBit(frame: Buffer, random: Random): Buffer {
  const flipped = Buffer.from(frame)
  const bit = Math.floor(random() * frame.length * 8)
  const at = bit >> 3
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7))
  return flipped
}

/** The same answer as another instrument would give it: other data, a right CRC. */
function asAnother(frame: Buffer): Buffer {
  const other = Buffer.from(frame.subarray(0, -2))
  for (let at = 3; at < other.length; at++) other[at] = (other[at] ?? 0) ^ 0x15
  return withCrc(other)
}

/** Two instruments of one unit id: their bytes collide, or one of them is alone to be heard. */
export function collision(frame: Buffer, random: Random): Buffer {
  const other = asAnother(frame)
  const chance = random()
  if (chance < 0.25) return frame
  if (chance < 0.5) return other
  // On an RS-485 pair driven both ways the outcome is neither: here, where both drive alike it stands.
  return Buffer.from(frame.map((byte, at) => byte & (other[at] ?? 0)))
}

/** What is heard of bytes sent at another speed: other bytes, and fewer or more of them. */
export function scrambled(bytes: Buffer, random: Random): Buffer {
  const length = Math.max(1, Math.round(bytes.length * (0.5 + random())))
  return Buffer.from(
    Array.from({ length }, (_, at) => {
      const byte = bytes[Math.floor((at * bytes.length) / length)] ?? 0
      return ((byte << 1) | (random() < 0.5 ? 1 : 0x80)) & 0xff
    }),
  )
}
