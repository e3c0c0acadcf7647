// Durable contents in memory, crash-honest: what a commit wrote is there whole or not at all, and stays over every restart.
// Written from the port's words alone, as a second opinion on the real journal.

import { type JournalRecord, printEvent, printReading, type Stream } from '#core/record.ts'
import type { BatchQuery, Commit, Head, Recovered, SeqRange, StreamBatch } from '#ports/store.ts'
import type { Platter } from './store.ts'
import { type DiskFault, diskRefuses } from './survival.ts'

interface Row {
  readonly seq: number
  readonly tb: number
  readonly text: string
}

const READINGS_PER_BATCH = 100

/** What survives every restart. */
export class MemoryDisk {
  readonly epoch: string
  fault: DiskFault | undefined
  readonly rows: Record<Stream, Row[]> = { readings: [], event: [] }
  /** Greatest number of each stream below the first row kept. */
  readonly floor: Record<Stream, number> = { readings: 0, event: 0 }
  readonly state = new Map<string, string>()
  readonly coverage = new Map<string, { t: number; slots: number }>()
  head: Head = { seq: 0, hash: '0'.repeat(64) }
  tb = 0
  created = true
  lastCommit: Recovered['lastCommit']

  constructor(epoch: string) {
    this.epoch = epoch
  }

  /** Forgets rows that every consumer has confirmed. */
  purge(stream: Stream, through: number): void {
    const rows = this.rows[stream]
    const keep = firstAbove(rows, through)
    const last = rows[keep - 1]
    if (last === undefined || keep < 5000) return
    this.floor[stream] = last.seq
    this.rows[stream] = rows.slice(keep)
  }

  /** Whole commits are durable or are not: neither a death nor a power loss finds anything half done. */
  processDied(): void {}

  losePower(): void {}

  goAfter(): void {}

  rot(): void {}

  hotRot(): void {}

  readonly isRotten = false

  salvaged(): readonly string[] {
    return []
  }

  holds(stream: Stream, [after, through]: SeqRange, lost: readonly SeqRange[]): boolean {
    if (this.floor[stream] > after) return true
    const rows = this.rows[stream]
    for (let at = firstAbove(rows, after); at < rows.length; at++) {
      const { seq } = rows[at] ?? { seq: Number.POSITIVE_INFINITY }
      if (seq > through) return false
      if (!lost.some(([from, end]) => from <= seq && seq <= end)) return true
    }
    return false
  }

  lastKnown(): Recovered | undefined {
    return this.created ? undefined : this.#recovered()
  }

  open(): Platter {
    if (this.fault !== undefined) throw diskRefuses(this.fault)
    const recovered = this.#recovered()
    this.created = false
    return {
      recovered,
      commit: (commit) => this.#commit(commit),
      batches: (query) => this.#batches(query),
      count: (stream, after) => {
        const rows = this.rows[stream]
        return rows.length - firstAbove(rows, after)
      },
      close: () => {},
    }
  }

  #recovered(): Recovered {
    return {
      epoch: this.epoch,
      created: this.created,
      head: this.head,
      tb: this.tb,
      ...(this.lastCommit !== undefined && { lastCommit: this.lastCommit }),
      state: new Map(this.state),
      coverage: new Map([...this.coverage].map(([point, run]) => [point, { ...run }])),
    }
  }

  #commit({ first, records, state, tb, at, bootId }: Commit): Head {
    if (this.fault !== undefined) throw diskRefuses(this.fault)
    if (first !== this.head.seq + 1) throw new Error(`commit at ${first} on ${this.head.seq}`)
    if (records.length > 0 && tb !== this.tb) this.coverage.clear()
    if (records.length > 0) this.tb = tb
    records.forEach((record, index) => {
      this.#append(first + index, tb, record)
    })
    for (const { key, value } of state) {
      if (value === undefined) this.state.delete(key)
      else this.state.set(key, value)
    }
    this.lastCommit = { at, bootId }
    const seq = first + records.length - 1
    this.head = { seq, hash: seq.toString(16).padStart(64, '0') }
    return this.head
  }

  #append(seq: number, tb: number, record: JournalRecord): void {
    if (record.kind === 'event') {
      this.rows.event.push({ seq, tb, text: printEvent(seq, record.event) })
      return
    }
    const { point, t, slots = 1 } = record.reading
    this.rows.readings.push({ seq, tb, text: printReading(seq, record.reading) })
    const known = this.coverage.get(point)
    if (known === undefined || t > known.t || (t === known.t && slots > known.slots))
      this.coverage.set(point, { t, slots })
  }

  #batches({ stream, after, through = this.head.seq, batches }: BatchQuery): StreamBatch[] {
    const rows = this.rows[stream]
    const found: StreamBatch[] = []
    let at = firstAbove(rows, after)
    const most = stream === 'readings' ? READINGS_PER_BATCH : 1
    while (found.length < batches) {
      const start = at
      const first = rows[start]
      if (first === undefined || first.seq > through) break
      while (at < rows.length && at - start < most) {
        const row = rows[at]
        if (row === undefined || row.seq > through || row.tb !== first.tb) break
        at++
      }
      found.push({
        stream,
        tb: first.tb,
        prev: rows[start - 1]?.seq ?? this.floor[stream],
        first: first.seq,
        last: rows[at - 1]?.seq ?? first.seq,
        records: rows.slice(start, at).map(({ text }) => text),
        // what was forgotten is passed as the journal passes a file that retention took
        ...(found.length === 0 && after < this.floor[stream] && { afterHole: true as const }),
      })
    }
    return found
  }
}

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
