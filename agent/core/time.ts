// Time as the core sees it: two readings taken together, and durations in words.
// The core never reads a clock; an Instant arrives with each input.

/** Milliseconds. Wall values are integers since the Unix epoch (UTC); monotonic ones may be fractional. */
export type Millis = number

/** One moment, read on both clocks at once: `wall` for stamps, `mono` for every delay and deadline. */
export interface Instant {
  readonly wall: Millis
  readonly mono: Millis
}

export const SECOND: Millis = 1000
export const MINUTE: Millis = 60 * SECOND
export const HOUR: Millis = 60 * MINUTE
export const DAY: Millis = 24 * HOUR

const UNITS: Readonly<Record<string, Millis>> = {
  ms: 1,
  s: SECOND,
  min: MINUTE,
  h: HOUR,
  d: DAY,
}

/** Parses `250ms 1s 15min 8h 30d` (a whole or decimal number and one unit); undefined when it is none. */
export function parseDuration(text: string): Millis | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|min|h|d)$/.exec(text.trim())
  const unit = match?.[2] === undefined ? undefined : UNITS[match[2]]
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit
}

/** Prints a duration in the largest unit that holds it whole: 900000 → `15min`. */
export function formatDuration(ms: Millis): string {
  for (const [unit, size] of Object.entries(UNITS).reverse()) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return `${ms}ms`
}
