// How far each named consumer has stored the streams, as it confirms itself; and when what it never confirmed has to be
// sent again. Pure bookkeeping: it never publishes and forgets nothing it has accepted (URS-48, faults.md NE7).

import { STREAMS, type Stream } from '#core/record.ts'
import type { Millis } from '#core/time.ts'

/** A watermark that stands still below what was sent for this long means that something was lost on the way. */
export const LAG_MS_MAX: Millis = 300_000
const LAG_MS_CAP: Millis = 3_600_000

export type Watermarks = Readonly<Record<Stream, Readonly<Record<string, number>>>>

export type Verdict =
  | { readonly kind: 'accepted'; readonly through: number }
  | { readonly kind: 'unchanged' }
  /** Possibly published by an earlier life of the process: believed once this one has published as far. */
  | { readonly kind: 'deferred' }
  | { readonly kind: 'refused'; readonly detail: string }

interface Progress {
  lowest: number
  since: Millis
  resent: number
}

export class Confirms {
  readonly #consumers: readonly string[]
  readonly #marks: Record<Stream, Map<string, number>>
  readonly #deferred: Record<Stream, Map<string, number>> = {
    readings: new Map(),
    event: new Map(),
  }
  readonly #progress: Partial<Record<Stream, Progress>> = {}

  constructor(consumers: readonly string[], known: Watermarks) {
    this.#consumers = consumers
    const marksOf = (stream: Stream) =>
      new Map(consumers.map((consumer) => [consumer, known[stream][consumer] ?? 0]))
    this.#marks = { readings: marksOf('readings'), event: marksOf('event') }
  }

  /** True when this consumer's word counts. */
  counts(consumer: string): boolean {
    return this.#consumers.includes(consumer)
  }

  /** A watermark came in. `published` is the highest number of the stream sent in this life; `head` of the journal. */
  take(
    stream: Stream,
    consumer: string,
    mark: { through: number; retained: boolean; published: number; head: number },
  ): Verdict {
    const { through, retained, published, head } = mark
    if (through <= (this.#marks[stream].get(consumer) ?? 0)) return { kind: 'unchanged' }
    if (through <= published) return this.#accept(stream, consumer, through)
    if (retained && through <= head) {
      this.#deferred[stream].set(consumer, through)
      return { kind: 'deferred' }
    }
    return {
      kind: 'refused',
      detail: `through ${through} is beyond what was published (${published}); was it meant for another gateway?`,
    }
  }

  /** More was published: watermarks that waited for it, now accepted. */
  published(stream: Stream, published: number): { consumer: string; through: number }[] {
    const accepted: { consumer: string; through: number }[] = []
    for (const [consumer, through] of this.#deferred[stream]) {
      if (through > published) continue
      this.#deferred[stream].delete(consumer)
      if (through > (this.#marks[stream].get(consumer) ?? 0)) {
        this.#accept(stream, consumer, through)
        accepted.push({ consumer, through })
      }
    }
    return accepted
  }

  /** The lowest watermark of all named consumers; undefined where nobody is named. */
  lowest(stream: Stream): number | undefined {
    const marks = this.#consumers.map((consumer) => this.#marks[stream].get(consumer) ?? 0)
    return marks.length === 0 ? undefined : Math.min(...marks)
  }

  /** Ranges that have waited too long for their confirmation; each is reported again only after twice the time. */
  overdue(
    sent: Readonly<Record<Stream, number>>,
    mono: Millis,
  ): { stream: Stream; from: number; to: number }[] {
    return STREAMS.flatMap((stream) => {
      const lowest = this.lowest(stream)
      if (lowest === undefined) return []
      const known = this.#progress[stream]
      if (known === undefined || known.lowest !== lowest || lowest >= sent[stream]) {
        this.#progress[stream] = { lowest, since: mono, resent: 0 }
        return []
      }
      if (mono - known.since < Math.min(LAG_MS_CAP, LAG_MS_MAX * 2 ** known.resent)) return []
      this.#progress[stream] = { lowest, since: mono, resent: known.resent + 1 }
      return [{ stream, from: lowest + 1, to: sent[stream] }]
    })
  }

  #accept(stream: Stream, consumer: string, through: number): Verdict {
    this.#marks[stream].set(consumer, through)
    return { kind: 'accepted', through }
  }
}
