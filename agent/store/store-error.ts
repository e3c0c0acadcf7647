// Why the store cannot do what it was asked, in kinds that tell the caller what to do next.
// It decides nothing: after any error of a write the process stops and starts again (fail-stop).

import type { SeqRange } from '#ports/store.ts'

/**
 * `locked` another instance holds the directory (exit 75); `origin` real and simulated data would mix;
 * `corrupt` a file is damaged or does not fit the chain; `version` a file or SQLite of another version;
 * `full` no space or quota reached; `io` the disk failed; `overload` more requests waiting than allowed;
 * `closed` the store was closed before.
 */
export type StoreErrorKind =
  | 'locked'
  | 'origin'
  | 'corrupt'
  | 'version'
  | 'full'
  | 'io'
  | 'overload'
  | 'closed'

export interface StoreErrorDetail {
  /** Process id of the instance that holds the data directory, where it is known. */
  readonly pid?: number | undefined
  readonly cause?: unknown
  /** Name of the journal file that is at fault, where it is a file and not the machine. */
  readonly file?: string | undefined
  /** The earlier file that is damaged or missing, and what it held by the register of files. */
  readonly damaged?: DamagedFile | undefined
}

/** An earlier file that cannot be read as it should: its records, and what was found, in words. */
export interface DamagedFile {
  readonly file: string
  readonly from: number
  readonly through: number
  readonly readings: number
  readonly events: number
  readonly found: string
  /** Records that could not be proven where no loss was told. */
  readonly unproven?: readonly SeqRange[]
}

/** What the store throws and rejects with. The message says in words what is wrong and what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly kind: StoreErrorKind
  readonly pid: number | undefined
  readonly file: string | undefined
  readonly damaged: DamagedFile | undefined

  constructor(kind: StoreErrorKind, message: string, detail: StoreErrorDetail = {}) {
    super(message, detail.cause === undefined ? {} : { cause: detail.cause })
    this.kind = kind
    this.pid = detail.pid
    this.file = detail.file
    this.damaged = detail.damaged
  }
}

const HINTS: Readonly<Record<'full' | 'io' | 'corrupt', string>> = {
  full: 'the disk or the quota of the journal is full; free space and start again',
  io: 'the disk refused a read or a write; check the medium and start again',
  corrupt: 'a journal file is damaged; keep a copy of it for QA and look at the medium',
}

/**
 * Codes that speak of the file. SQLITE_ERROR and SQLITE_MISMATCH too: the statements are ours and right, so that a table or format
 * they do not find was altered.
 */
const DAMAGED = /^SQLITE_(CORRUPT|NOTADB|ERROR$|MISMATCH$|SCHEMA$|TOOBIG$)/

function kindOfCode(code: string): keyof typeof HINTS {
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC' || code === 'EDQUOT') return 'full'
  if (DAMAGED.test(code)) return 'corrupt'
  return 'io'
}

/** Turns what SQLite or the file system threw into a StoreError; passes on what carries no code (a bug). */
export function toStoreError(thrown: unknown, doing: string): unknown {
  if (thrown instanceof StoreError || !(thrown instanceof Error)) return thrown
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
  if (code === undefined || code.startsWith('ERR_')) return thrown
  const kind = kindOfCode(code)
  return new StoreError(kind, `${doing}: ${thrown.message} (${code}); ${HINTS[kind]}`, {
    cause: thrown,
  })
}
