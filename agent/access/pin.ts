// What a PIN may be, and how it is kept: argon2id in the PHC string format, computed off the main thread.
// Never computes synchronously, never runs more than a few hashes at once (a log-in must not starve a 512 MB box).

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'

/** Shortest and longest PIN in characters (code points). Six or more are recommended; sites may demand more. */
export const PIN_LENGTH_MIN = 4
export const PIN_LENGTH_MAX = 64

/** OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. */
const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
const SALT_BYTES = 16
const TAG_BYTES = 32

/** Hashes computed at once, and attempts that may wait for one; more are told to come back. */
const HASHES_AT_ONCE = 2
const HASHES_WAITING_MAX = 32

/** Bounds on the cost of a hash read back from the store, so that an altered row cannot exhaust the box. */
const MEMORY_KIB_MAX = 65_536
const PASSES_MAX = 10
const LANES_MAX = 4

/** A hash whose PIN nobody knows: unknown users are checked against it so that they take as long as known ones. */
const NOBODY: PinHash = {
  memoryKib: MEMORY_KIB,
  passes: PASSES,
  lanes: LANES,
  salt: new Uint8Array(SALT_BYTES),
  tag: new Uint8Array(TAG_BYTES),
}

export interface PinHash {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Uint8Array
  readonly tag: Uint8Array
}

/** Thrown when too many hashes are waiting already; the caller answers "try again". */
export class PinHasherBusy extends Error {
  override readonly name = 'PinHasherBusy'
}

/** Why a PIN is not accepted for this login id, in words; undefined when it is. */
export function pinFault(pin: string, user: string): string | undefined {
  const length = [...pin].length
  if (length < PIN_LENGTH_MIN)
    return `the PIN has ${length} characters; give at least ${PIN_LENGTH_MIN} (6 or more recommended)`
  if (length > PIN_LENGTH_MAX)
    return `the PIN has ${length} characters; give at most ${PIN_LENGTH_MAX}`
  if (/\p{Cc}/u.test(pin)) return 'the PIN holds a control character; use what a keyboard types'
  if (pin.trim() !== pin) return 'the PIN begins or ends with a space; leave it out'
  if (pin.toLowerCase() === user.toLowerCase())
    return 'the PIN is the login name; choose another one'
  return undefined
}

/** Prints a hash in the PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`. */
export function formatPinHash(hash: PinHash): string {
  const { memoryKib, passes, lanes, salt, tag } = hash
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${base64(salt)}$${base64(tag)}`
}

/** Reads a PHC string; undefined when it is none, or costs more than this box may spend on a log-in. */
export function parsePinHash(text: string): PinHash | undefined {
  const match =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/.exec(
      text,
    )
  if (match === null) return undefined
  const [memoryKib, passes, lanes] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (passes < 1 || passes > PASSES_MAX || lanes < 1 || lanes > LANES_MAX) return undefined
  if (memoryKib < 8 * lanes || memoryKib > MEMORY_KIB_MAX) return undefined
  const salt = Buffer.from(match[4] ?? '', 'base64')
  const tag = Buffer.from(match[5] ?? '', 'base64')
  return { memoryKib, passes, lanes, salt, tag }
}

/** Hashes and checks PINs, a few at a time. */
export class PinHasher {
  #running = 0
  readonly #waiting: (() => void)[] = []
  readonly #salt: () => Uint8Array

  /** `salt` gives 16 unpredictable bytes; the system's source unless a test hands in its own. */
  constructor(salt: () => Uint8Array = () => randomBytes(SALT_BYTES)) {
    this.#salt = salt
  }

  /** A new PHC string of the PIN. Rejects with PinHasherBusy when too many wait. */
  async hash(pin: string): Promise<string> {
    const blank = { ...NOBODY, salt: this.#salt() }
    return formatPinHash({ ...blank, tag: await this.#derive(pin, blank) })
  }

  /**
   * Whether the PIN is the hashed one. Takes as long for a person who does not exist (`phc` undefined).
   * Rejects with PinHasherBusy when too many wait.
   */
  async matches(pin: string, phc: string | undefined): Promise<boolean> {
    const known = phc === undefined ? undefined : parsePinHash(phc)
    const hash = known ?? NOBODY
    const tag = await this.#derive(pin, hash)
    return timingSafeEqual(tag, hash.tag) && known !== undefined
  }

  async #derive(pin: string, cost: PinHash): Promise<Buffer> {
    await this.#enter()
    try {
      return await deriveTag(pin, cost)
    } finally {
      this.#leave()
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < HASHES_AT_ONCE) {
      this.#running++
      return
    }
    if (this.#waiting.length >= HASHES_WAITING_MAX)
      throw new PinHasherBusy('too many log-ins at once; try again in a few seconds')
    // The place is handed over by #leave, so #running does not move here.
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
  }
}

function deriveTag(pin: string, cost: PinHash): Promise<Buffer> {
  const parameters = {
    // One form for what different keyboards type as different code points.
    message: pin.normalize('NFKC'),
    nonce: cost.salt,
    parallelism: cost.lanes,
    tagLength: cost.tag.length,
    memory: cost.memoryKib,
    passes: cost.passes,
  }
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (fault, tag) => {
      if (fault === null) resolve(tag)
      else reject(fault)
    })
  })
}

/** Base64 without padding, as PHC strings have it. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
