// CRC-16/MODBUS, bit by bit from the serial line specification V1.02 §2.5.1.2 (polynomial A001h, start FFFFh), low byte
// first on the wire. Decides whether a frame is whole; nothing else.

const POLYNOMIAL = 0xa001

/** The CRC of these bytes as a number. */
export function crc16(bytes: Buffer): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  }
  return crc
}

/** The bytes followed by their CRC. */
export function withCrc(bytes: Buffer): Buffer {
  const crc = crc16(bytes)
  return Buffer.concat([bytes, Buffer.from([crc & 0xff, crc >>> 8])])
}

/** Whether the last two bytes are the CRC of those before. */
export const crcFits = (frame: Buffer): boolean =>
  frame.length >= 4 && crc16(frame.subarray(0, -2)) === frame.readUInt16LE(frame.length - 2)
