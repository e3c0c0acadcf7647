// Cuts a stream of bytes into lines, with a bound on what may be held. Pure but for its own buffer; knows no JSON.

const LINE_FEED = 0x0a

export type Cut =
  | { readonly ok: true; readonly lines: readonly Uint8Array[] }
  /** A line grew beyond the bound; nothing after it can be trusted, so the stream is over. */
  | { readonly ok: false; readonly lines: readonly Uint8Array[] }

/** Collects lines of at most `bytesMax` bytes without their end; empty ones are skipped. */
export class LineCutter {
  readonly #bytesMax: number
  #held: Uint8Array[] = []
  #heldBytes = 0
  #over = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes of a line that has not ended yet. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Takes the next bytes and gives the lines that ended in them. */
  push(chunk: Uint8Array): Cut {
    const lines: Uint8Array[] = []
    let from = 0
    while (!this.#over && from < chunk.length) {
      const end = chunk.indexOf(LINE_FEED, from)
      const part = chunk.subarray(from, end === -1 ? chunk.length : end)
      this.#hold(part)
      if (end === -1) break
      from = end + 1
      if (this.#over) break
      const line = this.#take()
      if (line.length > 0) lines.push(line)
    }
    return { ok: !this.#over, lines }
  }

  #hold(part: Uint8Array): void {
    this.#heldBytes += part.length
    if (this.#heldBytes > this.#bytesMax) {
      this.#over = true
      this.#held = []
      return
    }
    if (part.length > 0) this.#held.push(part)
  }

  #take(): Uint8Array {
    const line = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return line ?? new Uint8Array(0)
  }
}
