// D1 of a particle counter's own slots on what was accepted: within a time base each sample, or run of missing ones, begins about where
// the one before ended. A record that comes late may lie before. Uses no code of the agent.

import type { AcceptedRecord } from './accepted.ts'

/** Our clock against the instrument's, which tells whole seconds, and a reply's way. */
const TIME_WITHIN_MS = 6000

export class SampleSlots {
  readonly #periodMs: number
  readonly #broken: (invariant: string, words: string) => void
  /** Where the slots of each channel go on; nothing before its first sample, which tells how long they are. */
  readonly #next = new Map<string, { readonly tb: number; readonly t: number }>()

  constructor(periodMs: number, broken: (invariant: string, words: string) => void) {
    this.#periodMs = periodMs
    this.#broken = broken
  }

  /** One accepted reading of a channel. */
  accepted({ seq, tb, record }: AcceptedRecord): void {
    if (record.kind !== 'reading') return
    const { point, t, slots = 1, x, late } = record.reading
    const known = this.#next.get(point)
    if (known === undefined && x === undefined) return
    const next = known?.tb === tb ? known.t : undefined
    const end = t + slots * this.#periodMs
    if (next !== undefined && late !== true && Math.abs(t - next) > this.#slackMs)
      this.#broken(
        'D1',
        `record ${seq}: slots of ${point} go on at ${t}, ${t > next ? 'not' : 'and again'} from ${next}`,
      )
    this.#next.set(point, { tb, t: Math.max(next ?? end, end) })
  }

  /** Records of a while are not there. */
  gap(): void {
    this.#next.clear()
  }

  /** A start may find a sample in another phase. */
  get #slackMs(): number {
    return this.#periodMs / 2 + TIME_WITHIN_MS
  }
}
