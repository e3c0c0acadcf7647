// How busy a bus has been of late: the share of the last minute that was spent in polls. Pure bookkeeping over given moments.

import { MINUTE, type Millis } from '#core/time.ts'

const WINDOW_MS: Millis = MINUTE
const BUCKET_MS: Millis = 5000
const BUCKETS = WINDOW_MS / BUCKET_MS + 1

export class Utilisation {
  readonly #sinceMono: Millis
  readonly #busyMs = new Float64Array(BUCKETS)
  /** Number of the newest bucket, counted from the start of the clock. */
  #newest: number

  constructor(sinceMono: Millis) {
    this.#sinceMono = sinceMono
    this.#newest = Math.floor(sinceMono / BUCKET_MS)
  }

  /** A poll took from one moment to another. */
  polled(fromMono: Millis, toMono: Millis): void {
    for (let at = Math.max(fromMono, toMono - WINDOW_MS); at < toMono; ) {
      const bucket = Math.floor(at / BUCKET_MS)
      const end = Math.min(toMono, (bucket + 1) * BUCKET_MS)
      this.#forget(bucket)
      const index = bucket % BUCKETS
      if (bucket > this.#newest - BUCKETS) {
        this.#busyMs[index] = (this.#busyMs[index] ?? 0) + end - at
      }
      at = end
    }
  }

  /** Share of the last minute (of the time since the start, where that is shorter), 0 to 1. */
  share(nowMono: Millis): number {
    const now = Math.floor(nowMono / BUCKET_MS)
    this.#forget(now)
    // The oldest bucket has begun before the window.
    const fromMono = Math.max(this.#sinceMono, (now - BUCKETS + 1) * BUCKET_MS)
    const busyMs = this.#busyMs.reduce((sum, busy) => sum + busy, 0)
    return nowMono > fromMono ? Math.min(1, busyMs / (nowMono - fromMono)) : 0
  }

  /** Empties the buckets that a later one takes the places of. */
  #forget(bucket: number): void {
    if (bucket <= this.#newest) return
    const passed = Math.min(BUCKETS, bucket - this.#newest)
    for (let step = 0; step < passed; step++) this.#busyMs[(bucket - step) % BUCKETS] = 0
    this.#newest = bucket
  }
}
