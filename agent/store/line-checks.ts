// The check that was written down with each record: a record of an earlier file that does not have it any more is not what was
// committed, and is never sent (faults.md HO6: SQLite has no checksums of its own).

import type { Stream } from '#core/record.ts'
import type { Db, Statement } from './disk.ts'

/** A commit as the reader needs it; counts are of the epoch through it. */
export interface CommitRun {
  readonly first: number
  readonly last: number
  readonly checks: Buffer
  readonly tb: number
  readonly through: Readonly<Record<Stream, number>>
}

const NONE: CommitRun = {
  ...{ first: 0, last: -1, checks: Buffer.alloc(0), tb: 0 },
  through: { readings: 0, event: 0 },
}

/** Reads the checks of a file's commits, one commit at a time. */
export class LineChecks {
  readonly #at: Statement
  #run: CommitRun = NONE

  constructor(db: Db) {
    this.#at = db
      .prepare(
        `SELECT first, last, checks, tb, readings, events FROM commits
         WHERE first <= ? ORDER BY first DESC LIMIT 1`,
      )
      .raw()
  }

  /** The commit that holds a record; undefined where none does. */
  commitOf(seq: number): CommitRun | undefined {
    if (seq < this.#run.first || seq > this.#run.last) {
      const row = this.#at.get(seq) as [number, number, Buffer, number, number, number] | undefined
      if (row === undefined) return undefined
      const [first, last, checks, tb, readings, event] = row
      if (!(checks instanceof Buffer) || checks.length !== (last - first + 1) * 4) return undefined
      this.#run = { first, last, checks, tb, through: { readings, event } }
    }
    return seq <= this.#run.last ? this.#run : undefined
  }
}
