// The clock seam: two readings and a timer. Production: runtime/system-clock.ts; tests: virtual time.

import type { Instant, Millis } from '#core/time.ts'

export interface Clock {
  /** Both clocks read together. */
  now(): Instant
  /** Calls back once at or after the monotonic deadline, however far; returns the cancellation. */
  at(monoMs: Millis, call: () => void): () => void
  /**
   * As `at`, but to within some tens of microseconds, for waits of a few milliseconds on a serial line (t3.5); costs processor
   * time. Absent where the clock has nothing better than `at`.
   */
  precisely?(monoMs: Millis, call: () => void): () => void
  /** Looks whether the process stood still until now; called before anything is concluded from time that passed. */
  notice?: (() => void) | undefined
  /** Identity of this boot of the machine; monotonic readings compare only within one. */
  readonly bootId: string
}
