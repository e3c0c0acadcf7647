// Deadlines on one clock, those of the same millisecond on one timer: fifty buses whose slots begin together wake the process once.
// None is called before its time, or later than a timer of its own would by more than a millisecond. Knows nothing of what is called.

import type { Millis } from '#core/time.ts'

/** Calls once after so many ms, rounded up to whole ones; it may be early, by less than 1 ms or because the wait was long. */
export type Wake = (ms: Millis, call: () => void) => () => void

interface Entry {
  readonly deadline: Millis
  readonly call: () => void
  /** Where it waits now; undefined once it was called. */
  bucket: Bucket | undefined
}

interface Bucket {
  readonly ms: number
  readonly entries: Set<Entry>
  readonly cancel: () => void
}

export class Deadlines {
  readonly #mono: () => Millis
  readonly #wake: Wake
  readonly #buckets = new Map<number, Bucket>()

  /** `mono`: the clock the deadlines are on, ms. */
  constructor(mono: () => Millis, wake: Wake) {
    this.#mono = mono
    this.#wake = wake
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
    const cancel = this.#wake(Math.max(0, Math.ceil(waitMs)), () => this.#ring(bucket))
    const bucket: Bucket = { ms, entries: new Set(), cancel }
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
    bucket.cancel()
    if (this.#buckets.get(bucket.ms) === bucket) this.#buckets.delete(bucket.ms)
  }
}
