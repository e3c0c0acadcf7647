// Deadlines on one clock, those of the same millisecond on one timer: fifty buses whose slots begin together wake the process once.
// None is called before its time, or later than a timer of its own would by more than a millisecond. Knows nothing of what is called.

import type { Millis } from '#core/time.ts'

/** setTimeout fires after 1 ms for anything above 2³¹−1 ms, so long waits are chunked (faults.md HO17). */
const TIMER_MS_MAX = 2 ** 31 - 1

interface Entry {
  readonly deadline: Millis
  readonly call: () => void
  /** Where it waits now; undefined once it was called. */
  bucket: Bucket | undefined
}

interface Bucket {
  readonly ms: number
  readonly entries: Set<Entry>
  readonly timer: NodeJS.Timeout
}

export class Deadlines {
  readonly #mono: () => Millis
  readonly #buckets = new Map<number, Bucket>()

  /** `mono`: the clock the deadlines are on, ms. */
  constructor(mono: () => Millis) {
    this.#mono = mono
  }

  /** Calls back once at or after the deadline, however far, and not during this call; returns the cancellation. */
  at(deadline: Millis, call: () => void): () => void {
    const entry: Entry = { deadline, call, bucket: undefined }
    this.#put(entry)
    return () => this.#drop(entry)
  }

  #put(entry: Entry): void {
    const now = this.#mono()
    const ms = Math.ceil(Math.max(entry.deadline, now))
    const bucket = this.#buckets.get(ms) ?? this.#open(ms, entry.deadline - now)
    bucket.entries.add(entry)
    entry.bucket = bucket
  }

  #open(ms: number, waitMs: Millis): Bucket {
    const wait = Math.min(Math.max(Math.ceil(waitMs), 0), TIMER_MS_MAX)
    const timer = setTimeout(() => this.#ring(bucket), wait)
    const bucket: Bucket = { ms, entries: new Set(), timer }
    this.#buckets.set(ms, bucket)
    return bucket
  }

  /** What is not due yet, since timers may be early and long waits are chunked, waits on. */
  #ring(bucket: Bucket): void {
    // Closed first: who asks again for a moment that is over is called in a later turn of the event loop.
    this.#buckets.delete(bucket.ms)
    for (const entry of bucket.entries) {
      if (this.#mono() < entry.deadline) this.#put(entry)
      else {
        entry.bucket = undefined
        entry.call()
      }
    }
  }

  #drop(entry: Entry): void {
    const { bucket } = entry
    entry.bucket = undefined
    if (bucket?.entries.delete(entry) !== true || bucket.entries.size > 0) return
    clearTimeout(bucket.timer)
    if (this.#buckets.get(bucket.ms) === bucket) this.#buckets.delete(bucket.ms)
  }
}
