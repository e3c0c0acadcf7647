// What the store's two sides say to each other: requests to the journal's thread, and what comes back.
// Types only.

import type { Origin } from '#core/point.ts'
import type { Stream } from '#core/record.ts'
import type { BatchQuery, EarlierFile, Head, Recovered } from '#ports/store.ts'
import type { PackedCommit } from './pack.ts'
import type { PackedBatch } from './reader.ts'
import type { DamagedFile, StoreErrorKind } from './store-error.ts'

/** What the journal's thread is started with. */
export interface WorkerStart {
  readonly dataDir: string
  readonly origin: Origin
  readonly wall: number
  readonly newEpoch: string
  readonly mono?: number | undefined
  readonly bootId?: string | undefined
  readonly segmentRecordsMax?: number | undefined
  readonly pagesMax?: number | undefined
}

export type Request =
  | { readonly kind: 'commit'; readonly id: number; readonly commit: PackedCommit }
  | { readonly kind: 'batches'; readonly id: number; readonly query: BatchQuery }
  | {
      readonly kind: 'count'
      readonly id: number
      readonly stream: Stream
      readonly after: number
    }
  | {
      readonly kind: 'sealed'
      readonly id: number
      readonly ordinal: number
      readonly sha256: string
      readonly bytes: number
      readonly wall: number
    }
  | { readonly kind: 'release'; readonly id: number; readonly ordinal: number }
  | { readonly kind: 'earlier'; readonly id: number }
  | { readonly kind: 'close'; readonly id: number }

/** Files that could be removed, and the durable rows that say whether they may. */
export interface Earlier {
  readonly files: readonly EarlierFile[]
  readonly rows: ReadonlyMap<string, string>
}

export type Answer = Head | readonly PackedBatch[] | Earlier | number | undefined

/** An error between threads; `bug` is a broken invariant and ends the process. */
export interface ErrorMessage {
  readonly kind: StoreErrorKind | 'bug'
  readonly message: string
  readonly pid?: number | undefined
  readonly damaged?: DamagedFile | undefined
}

export interface UnsealedFile {
  readonly ordinal: number
  readonly file: string
}

export type Response =
  | {
      readonly kind: 'ready'
      readonly recovered: Recovered
      readonly unsealed: readonly UnsealedFile[]
      /** Earlier files that are not there, which nothing is told of yet. */
      readonly missing: readonly DamagedFile[]
    }
  | { readonly kind: 'refused'; readonly error: ErrorMessage }
  | { readonly kind: 'done'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorMessage }
  | { readonly kind: 'unsealed'; readonly unsealed: readonly UnsealedFile[] }
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly event: string
      readonly fields: Readonly<Record<string, unknown>>
    }

/** What a sealing thread says when it is done. */
export type SealResult =
  | { readonly kind: 'sealed'; readonly sha256: string; readonly bytes: number }
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly message: string }
