// The first person of a box: a code that is told once, at a start where nobody is known, and makes exactly one administrator. There
// is no account before it. Decides whether a code is the one that was told and still counts; never keeps it in the clear.

import { createHash, timingSafeEqual } from 'node:crypto'
import { HOUR, type Millis } from '#core/time.ts'

/** How long a code counts after the start; the next start tells another one. */
export const CODE_MS: Millis = HOUR
/** Wrong codes before the right one does not count any more either. */
export const TRIES_MAX = 5

/** Without letters that look alike, so that a code can be copied from a screen. */
const LETTERS = 'ABCDEFGHJKMNPQRSTVWXYZ23456789'
const CODE_LENGTH = 10

/** Ten letters from as many random bytes, in two groups: some 49 bits. */
export function codeOf(bytes: Uint8Array): string {
  const letters = [...bytes.subarray(0, CODE_LENGTH)].map((byte) =>
    LETTERS.charAt(byte % LETTERS.length),
  )
  return `${letters.slice(0, 5).join('')}-${letters.slice(5).join('')}`
}

export type CodeVerdict = 'right' | 'wrong' | 'expired'

/** One code and how often it was guessed at. */
export class FirstRunCode {
  readonly #digest: Buffer
  readonly #untilMono: Millis
  #wrong = 0

  constructor(code: string, nowMono: Millis) {
    this.#digest = digestOf(code)
    this.#untilMono = nowMono + CODE_MS
  }

  /** Judges what somebody typed; letters may be small, and the dash may be missing. */
  judge(code: string, nowMono: Millis): CodeVerdict {
    if (nowMono >= this.#untilMono || this.#wrong >= TRIES_MAX) return 'expired'
    if (timingSafeEqual(digestOf(code), this.#digest)) return 'right'
    this.#wrong++
    return 'wrong'
  }
}

const digestOf = (code: string): Buffer =>
  createHash('sha256')
    .update(code.toUpperCase().replaceAll(/[^A-Z0-9]/g, ''))
    .digest()
