// Things to be done a little later, all of which can be called off at once. Decides nothing; never holds more than its
// maximum: beyond it the new thing is not done, as a device that is overrun drops requests.

import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'

const PENDING_MAX = 1024

export class Timers {
  readonly #clock: Clock
  readonly #pending = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls after so many milliseconds; at once when there are none. */
  after(ms: Millis, call: () => void): void {
    if (ms <= 0) call()
    else this.at(this.#clock.now().mono + ms, call)
  }

  /** Calls at a monotonic moment. */
  at(mono: Millis, call: () => void): void {
    if (this.#pending.size >= PENDING_MAX) return
    const cancel = this.#clock.at(mono, () => {
      this.#pending.delete(cancel)
      call()
    })
    this.#pending.add(cancel)
  }

  clear(): void {
    for (const cancel of this.#pending) cancel()
    this.#pending.clear()
  }
}
