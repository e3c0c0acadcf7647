// Keeps the head of the chain known outside the journal: once a minute and at the stop, whenever it has moved.
// A marker that cannot be written is said and tried again; whether the journal fell short of it is found at the next start.

import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { Head } from '#ports/store.ts'

const KEEP_MS: Millis = 60_000

export interface HeadKeeperOptions {
  readonly clock: Clock
  readonly log: Log
  readonly epoch: string
  /** The last durable head. */
  readonly head: () => Head
  readonly write: (marker: Head & { epoch: string; wall: Millis }) => Promise<void>
}

/** Writes the head down until it is stopped. */
export class HeadKeeper {
  readonly #options: HeadKeeperOptions
  #cancel: (() => void) | undefined
  #kept = -1
  #writing: Promise<void> = Promise.resolve()

  constructor(options: HeadKeeperOptions) {
    this.#options = options
  }

  start(): void {
    const { clock } = this.#options
    void this.#keep()
    this.#cancel = clock.at(clock.now().mono + KEEP_MS, () => this.start())
  }

  /** Stops, and writes the last head down; resolves when that is done or has failed. */
  stop(): Promise<void> {
    this.#cancel?.()
    return this.#keep()
  }

  /** One write at a time, each of the newest head. */
  #keep(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const { epoch, head, clock, write, log } = this.#options
      const { seq, hash } = head()
      if (seq === this.#kept) return
      try {
        await write({ epoch, seq, hash, wall: Math.round(clock.now().wall) })
        this.#kept = seq
      } catch (error) {
        log.warn('head_not_kept', { seq, cause: String(error) })
      }
    })
    return this.#writing
  }
}
