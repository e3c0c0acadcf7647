// Records that are known to be gone on their way, by stream and number: lost by the broker, or refused and said so.

import type { SeqRange } from '#ports/store.ts'
import type { StreamName } from './account.ts'

export class Gone {
  readonly #ranges: Record<StreamName, SeqRange[]> = { readings: [], event: [] }

  add(stream: StreamName, first: number, last: number): void {
    this.#ranges[stream].push([first, last])
  }

  /** What a message of a stream holds; others are no matter. */
  addMessage(topic: string, payload: string): void {
    if (topic.endsWith('/event')) {
      // what an event tells may have a first and a last of its own
      const { seq } = JSON.parse(payload) as { readonly seq: number }
      this.add('event', seq, seq)
    }
    if (topic.endsWith('/readings')) {
      const { first, last } = JSON.parse(payload) as Record<'first' | 'last', number>
      this.add('readings', first, last)
    }
  }

  of(stream: StreamName): readonly SeqRange[] {
    return this.#ranges[stream]
  }

  /** Another epoch has numbers of its own. */
  clear(): void {
    this.#ranges.readings = []
    this.#ranges.event = []
  }

  /** What arrived after all is not asked about any more. */
  forget(stream: StreamName, through: number): void {
    if (this.#ranges[stream].length < 1000) return
    this.#ranges[stream] = this.#ranges[stream].filter(([, last]) => last > through)
  }
}
