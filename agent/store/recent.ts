// The newest readings as printed at their commit, so that what is published at once is not read and printed again.
// A window over the journal and never the only copy; bounded by RECENT_MAX.

/** Readings kept; at 200 a second this is what an uplink that keeps up needs, several times over. */
export const RECENT_MAX = 4096

/** A run of printed readings with the greatest sequence number of a reading before it. */
export interface RecentRun {
  readonly prev: number
  readonly seqs: readonly number[]
  readonly printed: readonly string[]
  readonly tbs: readonly number[]
}

/** The last readings of the journal in order. */
export class Recent {
  #seqs: number[] = []
  #printed: string[] = []
  #tbs: number[] = []
  /** Greatest sequence number of a reading that is not kept. */
  #floor: number

  constructor(lastReading: number) {
    this.#floor = lastReading
  }

  push(seq: number, printed: string, tb: number): void {
    this.#seqs.push(seq)
    this.#printed.push(printed)
    this.#tbs.push(tb)
  }

  /** Drops the oldest half when there are too many; called once per commit. */
  trim(): void {
    if (this.#seqs.length <= RECENT_MAX) return
    const dropped = this.#seqs.length - RECENT_MAX / 2
    this.#floor = this.#seqs[dropped - 1] ?? this.#floor
    this.#seqs = this.#seqs.slice(dropped)
    this.#printed = this.#printed.slice(dropped)
    this.#tbs = this.#tbs.slice(dropped)
  }

  /** At most `limit` readings above `after` up to `through`; undefined when older ones are not kept. */
  after(after: number, through: number, limit: number): RecentRun | undefined {
    if (after < this.#floor) return undefined
    const start = this.#firstAbove(after)
    const end = Math.min(start + limit, this.#firstAbove(through))
    return {
      prev: this.#seqs[start - 1] ?? this.#floor,
      seqs: this.#seqs.slice(start, end),
      printed: this.#printed.slice(start, end),
      tbs: this.#tbs.slice(start, end),
    }
  }

  #firstAbove(seq: number): number {
    let low = 0
    let high = this.#seqs.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#seqs[middle] ?? 0) > seq) high = middle
      else low = middle + 1
    }
    return low
  }
}
