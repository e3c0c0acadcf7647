// The store seam: an append-only journal with the state it leads to. Asynchronous; one writer.
// A commit is durable (fsync) when its promise resolves, and touches one file.

import type { JournalRecord, Stream } from '#core/record.ts'
import type { Instant } from '#core/time.ts'

/** A state row to write in the same transaction; `value` undefined removes it. */
export interface StateChange {
  readonly key: string
  readonly value: string | undefined
}

export interface Commit {
  readonly at: Instant
  readonly bootId: string
  /** Time base of every record in this commit. */
  readonly tb: number
  /** Sequence number of the first record; the store refuses any but its head + 1. */
  readonly first: number
  readonly records: readonly JournalRecord[]
  readonly state: readonly StateChange[]
}

/** The end of the chain: the last sequence number and the hash over everything up to it (lower-case hex). */
export interface Head {
  readonly seq: number
  readonly hash: string
}

/** A message cut from the journal, ready but for the envelope's `sent` and `replay`. */
export interface StreamBatch {
  readonly stream: Stream
  readonly tb: number
  /** Greatest sequence number of the stream below `first`, 0 if none. */
  readonly prev: number
  readonly first: number
  readonly last: number
  /** The printed records: the elements of `readings`, or the one event body from `"seq"` on. */
  readonly records: readonly string[]
}

export interface BatchQuery {
  readonly stream: Stream
  /** Records with a greater sequence number. */
  readonly after: number
  /** Records up to and including this sequence number (default: the head). */
  readonly through?: number
  /** Most batches returned; a batch holds ≤ 100 readings or exactly one event, of one time base. */
  readonly batches: number
}

/** What was found when the store was opened: enough to go on from where it stopped. */
export interface Recovered {
  readonly epoch: string
  /** True when this open created the database. */
  readonly created: boolean
  readonly head: Head
  readonly tb: number
  /** The last commit's moment and boot, absent in a new store. */
  readonly lastCommit?: { readonly at: Instant; readonly bootId: string }
  readonly state: ReadonlyMap<string, string>
  /** Time of the newest slot (or sample start) on record of each point in the current time base, with its span. */
  readonly coverage: ReadonlyMap<string, { readonly t: number; readonly slots: number }>
}

export interface Store {
  readonly recovered: Recovered
  commit(commit: Commit): Promise<Head>
  batches(query: BatchQuery): Promise<readonly StreamBatch[]>
  /** Records of a stream above `after`: the backlog figure of `status`. */
  count(stream: Stream, after: number): Promise<number>
  close(): Promise<void>
}
