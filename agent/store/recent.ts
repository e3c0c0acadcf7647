// The newest readings as printed at their commit, so that what is published at once is not read and printed again.
// A window over the journal and never the only copy; bounded by RECENT_MAX. What is kept of a commit is one text with the places of
// its records: a string for each would be thousands that outlive their commit, and the collector's work.

/** Readings kept; at 200 a second this is what an uplink that keeps up needs, several times over. */
export const RECENT_MAX = 4096

/** A run of printed readings with the greatest sequence number of a reading before it. */
export interface RecentRun {
  readonly prev: number
  readonly seqs: readonly number[]
  readonly printed: readonly string[]
  readonly tbs: readonly number[]
}

/** The readings of one commit: their sequence numbers, and where each begins and ends in the lines of the commit. */
export interface PrintedReadings {
  readonly tb: number
  readonly lines: string
  readonly seqs: readonly number[]
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

/** The last readings of the journal in order. */
export class Recent {
  #commits: PrintedReadings[] = []
  #count = 0
  /** Greatest sequence number of a reading that is not kept. */
  #floor: number

  constructor(lastReading: number) {
    this.#floor = lastReading
  }

  /** Takes the readings of a commit, and drops the oldest commits when there are too many. */
  push(commit: PrintedReadings): void {
    if (commit.seqs.length === 0) return
    this.#commits.push(commit)
    this.#count += commit.seqs.length
    while (this.#count > RECENT_MAX) {
      const oldest = this.#commits.shift()
      this.#count -= oldest?.seqs.length ?? 0
      this.#floor = oldest?.seqs.at(-1) ?? this.#floor
    }
  }

  /** At most `limit` readings above `after` up to `through`; undefined when older ones are not kept. */
  after(after: number, through: number, limit: number): RecentRun | undefined {
    if (after < this.#floor) return undefined
    let prev = this.#floor
    const seqs: number[] = []
    const printed: string[] = []
    const tbs: number[] = []
    for (const commit of this.#commits) {
      const { lines, starts, ends, tb } = commit
      const last = commit.seqs.at(-1) ?? 0
      if (last <= after) {
        prev = last
        continue
      }
      const start = firstAbove(commit.seqs, after)
      prev = commit.seqs[start - 1] ?? prev
      const end = Math.min(start + limit - seqs.length, firstAbove(commit.seqs, through))
      for (let at = start; at < end; at++) {
        seqs.push(commit.seqs[at] ?? 0)
        printed.push(lines.slice(starts[at], ends[at]))
        tbs.push(tb)
      }
      if (seqs.length >= limit) break
    }
    return { prev, seqs, printed, tbs }
  }
}

function firstAbove(seqs: readonly number[], seq: number): number {
  let low = 0
  let high = seqs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((seqs[middle] ?? 0) > seq) high = middle
    else low = middle + 1
  }
  return low
}
