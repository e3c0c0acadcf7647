// MBAP framing of Modbus TCP: cuts a byte stream into ADUs. Decides only where a frame begins and ends; whose it is and
// whether it answers anything is judged by the transport. Memory is bounded by one ADU (260 bytes).

export const MBAP_LENGTH = 7
/** Most bytes of an ADU: MBAP header of 7 and a PDU of 253 (Modbus Messaging on TCP/IP V1.0b §3.1.2). */
export const ADU_LENGTH_MAX = 260
/** The length field counts the unit identifier and the PDU (function code and at least one byte, or nothing else). */
const LENGTH_FIELD_MIN = 2
const LENGTH_FIELD_MAX = 254

/** Called for each whole ADU; the bytes are valid during the call only. `end` is exclusive. */
export type OnAdu = (bytes: Uint8Array, start: number, end: number) => void

/**
 * Cuts a stream into ADUs, however it was split or merged on the way. Once a header cannot be one (protocol identifier
 * not 0, impossible length) the stream is lost for good, because nothing in it marks a beginning: `push` returns false,
 * and only a fresh connection helps.
 */
export class MbapFramer {
  readonly #rest = new Uint8Array(ADU_LENGTH_MAX)
  #held = 0

  /** Bytes of an ADU that has begun and not ended. */
  get held(): number {
    return this.#held
  }

  /** Takes bytes in; false when the stream cannot be followed any more. */
  push(chunk: Uint8Array, onAdu: OnAdu): boolean {
    let position = 0
    if (this.#held > 0) {
      position = this.#complete(chunk, onAdu)
      if (position < 0) return false
    }
    while (position < chunk.length) {
      const length = aduLength(chunk, position, chunk.length)
      if (length < 0) return false
      if (length === 0 || position + length > chunk.length) {
        this.#rest.set(chunk.subarray(position))
        this.#held = chunk.length - position
        return true
      }
      onAdu(chunk, position, position + length)
      position += length
    }
    return true
  }

  /** Completes the ADU begun earlier; returns the position behind it in the chunk, or −1 when the stream is lost. */
  #complete(chunk: Uint8Array, onAdu: OnAdu): number {
    let position = 0
    while (position < chunk.length) {
      const length = aduLength(this.#rest, 0, this.#held)
      if (length < 0) return -1
      const wanted = (length === 0 ? MBAP_LENGTH : length) - this.#held
      const taken = Math.min(wanted, chunk.length - position)
      this.#rest.set(chunk.subarray(position, position + taken), this.#held)
      this.#held += taken
      position += taken
      if (length !== 0 && this.#held === length) {
        this.#held = 0
        onAdu(this.#rest, 0, length)
        return position
      }
    }
    return aduLength(this.#rest, 0, this.#held) < 0 ? -1 : position
  }
}

/** Length of the ADU at `start`, 0 when its header is not whole yet, −1 when it cannot be a header. */
function aduLength(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 2 && bytes[start + 2] !== 0) return -1
  if (end - start > 3 && bytes[start + 3] !== 0) return -1
  if (end - start < 6) return 0
  const length = ((bytes[start + 4] ?? 0) << 8) | (bytes[start + 5] ?? 0)
  if (length < LENGTH_FIELD_MIN || length > LENGTH_FIELD_MAX) return -1
  return 6 + length
}
