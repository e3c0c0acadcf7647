// Structure-aware fuzzing: what is sound is cut, spliced, repeated and flipped, in bytes and in the members of JSON. A run goes on for
// `FUZZ` inputs; where that is not given, for a million in CI, where the targets of one file have two minutes, and for 20,000 in
// at most two seconds elsewhere. A target too slow for a million has two seconds everywhere. `FUZZ_SEED` draws others.

import { expect } from 'vitest'
import { type Random, seededRandom } from '#core/random.ts'

const ordered = process.env['FUZZ']
const inCi = process.env['CI'] === 'true'
export const INPUTS = Number(ordered ?? (inCi ? 1_000_000 : 20_000))
export const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const SHORT_MS = 2000
/** What the targets of a file have in CI, the slow ones apart: a busy machine makes fewer inputs rather than the tests late. */
const FILE_MS = 120_000
let leftMs = FILE_MS
/** One input that takes this long hangs. Collecting garbage on a busy machine stays far below. */
const HANG_MS = 3000

/** Time that a run of `FUZZ` inputs may take, ms, for vitest. */
export const FUZZ_MS_MAX = 60_000 + (ordered === undefined ? FILE_MS : INPUTS * 20)

export interface FuzzTarget {
  readonly name: string
  /** Makes one input and checks what comes of it; true when it was accepted. Throws (or fails) when it must not. */
  readonly input: (random: Random) => boolean
  /** Shares of inputs accepted between which the mutations reach both sides of the target. */
  readonly accepted: readonly [least: number, most: number]
  /** Makes too few inputs a second for a million in CI. */
  readonly slow?: boolean
}

function boxMs(slow: boolean): number {
  if (ordered !== undefined) return Number.POSITIVE_INFINITY
  return inCi && !slow ? Math.max(SHORT_MS, leftMs) : SHORT_MS
}

/**
 * Counts inputs, from 1 to as many as are to be made or time allows, for targets that go through them themselves, and says how many
 * they were. Looks at the time every so often.
 */
export function* inputs(name: string): Generator<number> {
  const from = performance.now()
  const until = from + boxMs(false)
  let made = 0
  while (made < INPUTS && (made % 256 !== 0 || performance.now() < until)) yield ++made
  const tookMs = performance.now() - from
  leftMs -= tookMs
  console.info(`fuzz ${name}: ${made} inputs, ${Math.round((made * 1000) / tookMs)} a second`)
}

/** Runs the target and says how many inputs it took at what pace. */
export function fuzz({ name, input, accepted: [least, most], slow = false }: FuzzTarget): void {
  const box = boxMs(slow)
  const random = seededRandom(SEED)
  const from = performance.now()
  let accepted = 0
  let made = 0
  let last = from
  while (made < INPUTS && last - from < box) {
    made++
    if (input(random)) accepted++
    const now = performance.now()
    if (now - last > HANG_MS)
      expect.fail(`${name}: input ${made} took ${Math.round(now - last)} ms`)
    last = now
  }
  leftMs -= last - from
  const share = accepted / made
  const pace = Math.round((made * 1000) / (last - from))
  console.info(
    `fuzz ${name}: ${made} inputs, ${pace} a second, ${(share * 100).toFixed(1)} % accepted`,
  )
  expect(share, `${name}: share accepted`).toBeGreaterThan(least)
  expect(share, `${name}: share accepted`).toBeLessThan(most)
}

export const whole = (random: Random, below: number): number => Math.floor(random() * below)
export const pick = <T>(random: Random, list: readonly T[]): T =>
  list[whole(random, list.length)] as T

/** Values that programs stumble over. */
const STRANGE: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 1.5, -0, 2 ** 53, -(2 ** 31), 1e308, 1e-7, 4_294_967_296],
  ...['', ' ', 'x', '\u0000', '\u202e', '\ud800', 'a/b', '#', '+', '..', '__proto__', '%s', '🙂'],
  ...[[], {}, [[]], [{}], { a: 1 }, ['a', 1, null], 'y'.repeat(3000), { v: 1 }],
]
const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'v',
  'id',
  '',
  '0',
  'length',
  'ts',
  'é',
  'sig',
]

type Members = Record<string, unknown>
const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null

/** A deep copy of a JSON value, many times as fast as structuredClone. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isMembers(value)) return value
  const copy: Members = {}
  for (const key of Object.keys(value)) copy[key] = copyOf(value[key])
  return copy
}

/** A deep copy of a JSON value with up to three members or elements changed, dropped, added or nested. */
export function mutateJson(random: Random, sound: unknown): unknown {
  const root: Members = { root: copyOf(sound) }
  for (let change = whole(random, 4); change > 0; change--) {
    let holder = root
    let key = 'root'
    while (isMembers(holder[key]) && random() < 0.8) {
      const inner = holder[key] as Members
      const keys = Object.keys(inner)
      if (keys.length === 0) break
      holder = inner
      key = pick(random, keys)
    }
    alter(random, holder, key)
  }
  return root['root']
}

function alter(random: Random, holder: Members, key: string): void {
  const value = holder[key]
  const kind = whole(random, 6)
  if (kind === 0) holder[key] = copyOf(pick(random, STRANGE))
  else if (kind === 1 && Array.isArray(holder)) holder.splice(Number(key), 1)
  else if (kind === 1) delete holder[key]
  else if (kind === 2) define(holder, pick(random, KEYS), pick(random, STRANGE))
  else if (kind === 3) holder[key] = [value]
  else if (typeof value === 'number') holder[key] = value + pick(random, [-1, 1, 0.5, 1e15])
  else if (typeof value === 'string') holder[key] = mutateText(random, value)
  else holder[key] = { [pick(random, KEYS)]: value }
}

/** Own members only, also of the name `__proto__`. */
function define(holder: Members, key: string, value: unknown): void {
  if (Array.isArray(holder)) holder.push(copyOf(value))
  else
    Object.defineProperty(holder, key, {
      ...{ value: copyOf(value), enumerable: true, configurable: true, writable: true },
    })
}

/** A text with a character flipped, cut out, put in or doubled. */
export function mutateText(random: Random, text: string): string {
  const at = whole(random, text.length + 1)
  const char = String.fromCharCode(whole(random, pick(random, [0x80, 0x100, 0x1_0000])))
  switch (whole(random, 4)) {
    case 0:
      return text.slice(0, at) + char + text.slice(at)
    case 1:
      return text.slice(0, at) + char + text.slice(at + 1)
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + whole(random, 8))
    default:
      return text.slice(0, at) + text.slice(whole(random, at + 1))
  }
}

/** Bytes with bits flipped, set, cut, repeated or made of noise; sometimes as they were. */
export function mutateBytes(random: Random, sound: Uint8Array): Buffer {
  let bytes = Buffer.from(sound)
  for (let change = whole(random, 4); change > 0; change--) {
    const at = whole(random, bytes.length + 1)
    const to = at + whole(random, Math.min(64, bytes.length - at + 1))
    const noise = Buffer.from(Array.from({ length: whole(random, 4) }, () => whole(random, 256)))
    const kind = whole(random, 5)
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << whole(random, 8))
    else if (kind === 1) bytes[at] = pick(random, [0, 0xff, 0x7f, 0x80, 0x22, 0x7b, 0x0a])
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)])
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)])
    else bytes = Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)])
  }
  return bytes
}

/** The JSON of a value that was changed as JSON, and then perhaps as bytes. */
export function mutatedJson(random: Random, sound: unknown): Buffer {
  const bytes = Buffer.from(JSON.stringify(mutateJson(random, sound)) ?? 'null')
  return random() < 0.3 ? mutateBytes(random, bytes) : bytes
}
