// The store seam in memory, for tests of whatever reads from it: same cuts, same bytes, nothing durable.

import type { Reading } from '#core/reading.ts'
import { type JournalRecord, printEvent, printReading, type Stream } from '#core/record.ts'
import type { BatchQuery, Head, Store, StreamBatch } from '#ports/store.ts'

interface Row {
  readonly seq: number
  readonly tb: number
  readonly text: string
}

export interface MemoryStore extends Pick<Store, 'batches' | 'count'> {
  /** Appends records and returns the head. */
  append(records: readonly JournalRecord[]): Head
  readonly head: Head
  tb: number
  /** Makes reads fail or wait, as a disk does. */
  fault: (() => Promise<void>) | undefined
  readonly reads: number
}

const READINGS_PER_BATCH = 100

/** Index of the first row above `after`, by bisection. */
function firstAbove(rows: readonly Row[], after: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle]?.seq ?? 0) > after) high = middle
    else low = middle + 1
  }
  return low
}

export function memoryStore(): MemoryStore {
  const rows: Record<Stream, Row[]> = { readings: [], event: [] }
  let seq = 0
  let reads = 0
  const headOf = (): Head => ({ seq, hash: seq.toString(16).padStart(64, '0') })
  const store: MemoryStore = {
    tb: 0,
    fault: undefined,
    get head() {
      return headOf()
    },
    get reads() {
      return reads
    },
    append: (records) => {
      for (const record of records) {
        seq++
        if (record.kind === 'reading') {
          rows.readings.push({ seq, tb: store.tb, text: printReading(seq, record.reading) })
        } else {
          rows.event.push({ seq, tb: store.tb, text: printEvent(seq, record.event) })
        }
      }
      return headOf()
    },
    batches: async ({ stream, after, through = seq, batches }: BatchQuery) => {
      reads++
      await store.fault?.()
      const all = rows[stream]
      const found: StreamBatch[] = []
      let index = firstAbove(all, after)
      while (found.length < batches) {
        const start = index
        const first = all[start]
        if (first === undefined || first.seq > through) break
        const most = stream === 'readings' ? READINGS_PER_BATCH : 1
        while (index < all.length && index - start < most) {
          const row = all[index]
          if (row === undefined || row.seq > through || row.tb !== first.tb) break
          index++
        }
        found.push({
          stream,
          tb: first.tb,
          prev: all[start - 1]?.seq ?? 0,
          first: first.seq,
          last: all[index - 1]?.seq ?? first.seq,
          records: all.slice(start, index).map(({ text }) => text),
        })
      }
      return found
    },
    count: async (stream, after) => {
      await store.fault?.()
      return rows[stream].length - firstAbove(rows[stream], after)
    },
  }
  return store
}

/** Good readings of one point, one second apart. */
export const readings = (count: number, from = 0, point = 'b101-dp'): JournalRecord[] =>
  Array.from({ length: count }, (_, index): JournalRecord => {
    const reading: Reading = {
      point,
      t: 1_763_806_500_000 + (from + index) * 1000,
      a: 38,
      v: 15 + ((from + index) % 100) / 8,
      q: 'good',
    }
    return { kind: 'reading', reading }
  })

export const event = (
  type = 'alarm.activated',
  body: Readonly<Record<string, unknown>> = {},
): JournalRecord => ({ kind: 'event', event: { type, ts: 1_763_806_500_000, body } })
