// D8 for retention: a file of the journal goes only after an event that is durable has named it, and that event may be there only
// when the consumer has confirmed all that the file held, and, unless room was needed, its time was over. Keeps its own account.

import type { Stream } from '#core/record.ts'
import type { Commit, SeqRange } from '#ports/store.ts'

const DAY = 86_400_000

export interface RemovalHooks {
  /** Up to where the consumer has confirmed a stream. */
  readonly confirmed: (stream: Stream) => number
  /** The agent's wall clock. */
  readonly wall: () => number
  /** Ms that a file is kept after the end of its day; undefined: for ever. */
  readonly keepMs: number | undefined
  readonly broken: (invariant: string, words: string) => void
  readonly seen: (what: string) => void
}

interface Named {
  readonly file: string
  readonly from: number
  readonly through: number
  readonly why: string
}

/** A commit under way, and what was so when it was given: a start that finds it may have another clock. */
interface Committing {
  readonly commit: Commit
  readonly wall: number
  readonly confirmed: Readonly<Record<Stream, number>>
}

export class RemovalChecks {
  readonly #hooks: RemovalHooks
  /** Files that a durable event names. */
  readonly #named = new Set<string>()
  #committing: Committing | undefined
  /** Sequence numbers of each stream that are durable and not removed. */
  readonly #held: Record<Stream, number[]> = { readings: [], event: [] }
  #opening = false
  #unlinkedWhileOpening: string[] = []

  constructor(hooks: RemovalHooks) {
    this.#hooks = hooks
  }

  committing(commit: Commit): void {
    const { wall, confirmed } = this.#hooks
    const confirmedThen = { readings: confirmed('readings'), event: confirmed('event') }
    this.#committing = { commit, wall: wall(), confirmed: confirmedThen }
  }

  /** The commit before is on the disk. True when it names a file that is to go. */
  durable(): boolean {
    const before = this.#named.size
    const committing = this.#committing
    this.#committing = undefined
    committing?.commit.records.forEach((record, index) => {
      const stream = record.kind === 'reading' ? 'readings' : 'event'
      this.#held[stream].push(committing.commit.first + index)
      if (record.kind === 'event' && record.event.type === 'store.pruned')
        this.#name(record.event.body as unknown as Named, committing)
    })
    return this.#named.size > before
  }

  /** Whether a stream has a record on file between two numbers, beside what is lost. */
  holds(stream: Stream, [after, through]: SeqRange, lost: readonly SeqRange[]): boolean {
    return this.#held[stream].some(
      (seq) =>
        after < seq && seq <= through && !lost.some(([from, end]) => from <= seq && seq <= end),
    )
  }

  /** Another epoch begins, with so many events. */
  epochBegan(events: number): void {
    this.#committing = undefined
    this.#named.clear()
    this.#held.readings = []
    this.#held.event = Array.from({ length: events }, (_, at) => at + 1)
  }

  opening(): void {
    this.#opening = true
    this.#unlinkedWhileOpening = []
  }

  /** A start has found the journal up to here: a commit that was never answered is there, or it is not. */
  opened(seq: number): void {
    const last = this.#committing?.commit
    const whole = last !== undefined && last.first + last.records.length - 1 <= seq
    if (whole) this.durable()
    this.#committing = undefined
    this.#opening = false
    for (const file of this.#unlinkedWhileOpening) this.#check(file)
    if (this.#unlinkedWhileOpening.length > 0) this.#hooks.seen('removed by the next start')
  }

  unlinked(path: string): void {
    const file = path.slice(path.lastIndexOf('/') + 1)
    if (!/^journal-\d+-\d+\.db$/.test(file)) return
    if (this.#opening) this.#unlinkedWhileOpening.push(file)
    else this.#check(file)
  }

  #check(file: string): void {
    this.#hooks.seen('file removed')
    if (!this.#named.has(file))
      this.#hooks.broken('D8', `${file} was removed, and no durable record names it`)
  }

  #name({ file, from, through, why }: Named, { wall, confirmed }: Committing): void {
    const { keepMs, broken, seen } = this.#hooks
    seen(`removal for ${why}`)
    this.#named.add(file)
    for (const stream of ['readings', 'event'] as const) {
      const last = this.#held[stream].findLast((seq) => seq >= from && seq <= through)
      if (last !== undefined && confirmed[stream] < last)
        broken('D8', `${file} goes with ${stream} ${last}, confirmed is ${confirmed[stream]}`)
      this.#held[stream] = this.#held[stream].filter((seq) => seq > through)
    }
    if (keepMs === undefined) return broken('D8', `${file} goes, and everything is to be kept`)
    const [, year, month, day] = /-(\d{4})(\d\d)(\d\d)\.db$/.exec(file) ?? []
    const over = Date.UTC(Number(year), Number(month) - 1, Number(day)) + DAY + keepMs
    if (why === 'retention' && wall < over)
      broken('D8', `${file} goes ${Math.round((over - wall) / 1000)} s before its time is over`)
  }
}
