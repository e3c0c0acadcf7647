// The store seam: an append-only journal with the state it leads to. Asynchronous; one writer.
// A commit is durable (fsync) when its promise resolves, and touches one file.

import type { JournalRecord, Stream } from '#core/record.ts'
import type { Instant, Millis } from '#core/time.ts'

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
  /** `prev` is lost or was removed: nothing up to it can be had, and an event says so. */
  readonly afterHole?: true
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
  /** The journal that was here before could not be gone on from; it was set aside whole, and this one begun. */
  readonly quarantined?: Quarantined
  /** Directories of journals set aside of which no record tells yet what was got out. */
  readonly unsalvaged?: readonly string[]
  /** The journal that was here before is not there any more, in words. */
  readonly lost?: string
  /** Earlier files that are damaged: what is read from them is spoilt, and nothing else. */
  readonly damaged?: readonly { readonly file: string; readonly message: string }[]
}

/** A journal that was set aside at a start, and what could be told of it (faults.md HO6). */
export interface Quarantined {
  /** Where it lies, below the data directory: `quarantine/2026-11-25T03-02-57.000Z`. */
  readonly directory: string
  /** The file that was found damaged, and how, in words. */
  readonly file: string
  /** `rolled_back`: records that were durable once are gone. */
  readonly kind: 'corrupt' | 'version' | 'unreadable' | 'rolled_back'
  readonly found: string
  /** Its epoch and the end of its chain, as far as they can be read. */
  readonly epoch?: string
  readonly head?: Head
  /** Wall ms of its last commit that can be read. */
  readonly lastSeen?: number
  /** The file whose state (alarms, people, occupancies) was carried over; absent when none can be read. */
  readonly stateOf?: string
}

/** What was got out of a journal that was set aside. */
export interface Salvaged {
  readonly directory: string
  readonly epoch?: string
  /** First and last sequence number that its newest file is known to have held: each of them was got out or is lost. */
  readonly from?: number
  readonly through?: number
  readonly readings: number
  readonly events: number
  /** Sequence numbers that neither stream has any more, as closed ranges; at most a hundred are named. */
  readonly lost: readonly (readonly [number, number])[]
  readonly lostRecords: number
  /** Nothing of the file can be read, not even what it held. */
  readonly unreadable?: true
  /** State rows to be committed together with the event that tells it; until then the next start tells it again. */
  readonly rows: ReadonlyMap<string, unknown>
  /** Why nothing was tried, in words; it is tried again at the next start. */
  readonly skipped?: string
}

/** A closed range of sequence numbers. */
export type SeqRange = readonly [from: number, through: number]

/** What an earlier file that is damaged or missing has lost; once its rows are committed, it is read around (faults.md HO6). */
export interface FileLoss {
  readonly file: string
  readonly missing: boolean
  /** How it was found, in words. */
  readonly found: string
  /** The records that the file held. */
  readonly from: number
  readonly through: number
  /** Records of it that are still sent. */
  readonly readings: number
  readonly events: number
  /** What is lost, of either stream; at most a hundred ranges are named, of so many. */
  readonly lost: readonly SeqRange[]
  readonly ranges: number
  readonly lostRecords: number
  /** State rows to be committed together with the event that tells it. */
  readonly rows: ReadonlyMap<string, unknown>
}

/** An earlier file that is sealed and still there. */
export interface EarlierFile {
  readonly file: string
  readonly from: number
  readonly through: number
  readonly readings: number
  readonly events: number
  /** Greatest sequence number of each stream up to its end. */
  readonly last: Readonly<Record<Stream, number>>
  /** Head of the chain at its end. */
  readonly hash: string
  /** Of the file as it was sealed. */
  readonly sha256: string
  readonly bytes: number
  /** No record of it was written at a later wall time, ms. */
  readonly until: Millis
}

/** What has to be committed for a file to be removed: the event, with the state rows in the same commit. */
export interface Removal {
  readonly type: string
  readonly body: Readonly<Record<string, unknown>>
  readonly rows: ReadonlyMap<string, unknown>
}

export interface Store {
  readonly recovered: Recovered
  /** Nothing is kept: the disk is out of order, and the agent runs degraded (runtime/degraded.ts). */
  readonly volatile?: true
  /** Gets out what can be read of journals set aside, in the background; empty: there are none, undefined: the store was closed first. */
  salvage?(): Promise<readonly Salvaged[] | undefined>
  /** Names who writes down what earlier files have lost; until then nothing of such a file is given. */
  onLoss?(tell: (loss: FileLoss) => void): void
  /** Names who says that the file that is written cannot be read, each time it is found: what waits in it is not sent. */
  onUnreadable?(tell: (words: string) => void): void
  /** Earlier files that could be removed, oldest first, with the rows of cursors and watermarks as they are durable. */
  earlier?(): Promise<{
    readonly files: readonly EarlierFile[]
    readonly rows: ReadonlyMap<string, string>
  }>
  /** Prepares the removal of a file; it is gone once its rows are committed, also over a restart. One at a time. */
  removal?(file: EarlierFile, why: string): Removal
  commit(commit: Commit): Promise<Head>
  batches(query: BatchQuery): Promise<readonly StreamBatch[]>
  /** Records of a stream above `after`: the backlog figure of `status`. */
  count(stream: Stream, after: number): Promise<number>
  close(): Promise<void>
}
