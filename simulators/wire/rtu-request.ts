// Finds the requests in what comes down a serial line: a unit knows from the function code how long a request is, and by the
// CRC that it is one. Decides where frames begin and end; never what is answered.

import { crcFits } from './crc16.ts'

const BYTES_MAX = 256
/** Requests with a fixed length: address, function, two words, CRC. */
const FIXED: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6])
const FIXED_BYTES = 8
const IDENTIFICATION_BYTES = 7

/** Collects bytes of a line; `push` returns the whole requests, `silence` forgets what was none. */
export class RequestReader {
  #bytes = Buffer.alloc(0)

  /** Takes bytes in; returns every request that is now whole. */
  push(chunk: Buffer): Buffer[] {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    const requests: Buffer[] = []
    for (let length = lengthOf(this.#bytes); length !== undefined; length = lengthOf(this.#bytes)) {
      if (this.#bytes.length < length || !crcFits(this.#bytes.subarray(0, length))) break
      requests.push(this.#bytes.subarray(0, length))
      this.#bytes = this.#bytes.subarray(length)
    }
    if (this.#bytes.length > BYTES_MAX) this.#bytes = Buffer.alloc(0)
    return requests
  }

  /** Whether a request has begun and is not whole yet. */
  get begun(): boolean {
    return this.#bytes.length > 0
  }

  /** The line has been silent for a frame's gap: what is left was no frame. True when something was thrown away. */
  silence(): boolean {
    const had = this.#bytes.length > 0
    this.#bytes = Buffer.alloc(0)
    return had
  }
}

/** Length of the request at the start of these bytes; undefined while it cannot be known. */
function lengthOf(bytes: Buffer): number | undefined {
  const functionCode = bytes[1]
  if (functionCode === undefined) return undefined
  if (FIXED.has(functionCode)) return FIXED_BYTES
  if (functionCode === 15 || functionCode === 16) {
    const data = bytes[6]
    return data === undefined ? undefined : 9 + data
  }
  if (functionCode === 43) return IDENTIFICATION_BYTES
  // A function nobody knows: the frame is what there is, if the CRC says so.
  return bytes.length >= 4 ? bytes.length : undefined
}
