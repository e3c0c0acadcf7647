// CRC-16 of Modbus over serial line (V1.02 §6.2.2): polynomial A001 (reflected), preset FFFF, low byte first on the wire.

const TABLE = new Uint16Array(256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1
  TABLE[byte] = crc
}

/** CRC-16 of bytes[start, end). */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffff
  for (let index = start; index < end; index++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0)
  }
  return crc
}

/** Writes the CRC of bytes[start, end) behind them, low byte first. */
export function putCrc(bytes: Uint8Array, start: number, end: number): void {
  const crc = crc16(bytes, start, end)
  bytes[end] = crc & 0xff
  bytes[end + 1] = crc >>> 8
}

/** Whether the two bytes behind bytes[start, end) are its CRC. */
export function crcHolds(bytes: Uint8Array, start: number, end: number): boolean {
  const crc = crc16(bytes, start, end)
  return bytes[end] === (crc & 0xff) && bytes[end + 1] === crc >>> 8
}
