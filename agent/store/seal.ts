// Seals a journal file that is written no more: index for trends, SQLite's check, nothing left in the write-ahead
// log, and the SHA-256 of the whole. It never changes a record. Interrupted, it is done again from the start.

import path from 'node:path'
import type { Db, Disk } from './disk.ts'
import type { SealResult } from './protocol.ts'
import { openForWriting, pragma } from './segment.ts'
import { toStoreError } from './store-error.ts'

/**
 * Empties the write-ahead log and gives it up, so that reading the file makes no file beside it (better-sqlite3 is
 * built without URIs, hence without immutable=1). False when a reader is in the way.
 */
function giveUpLog(db: Db): boolean {
  const [busy, pages, copied] = db
    .prepare('PRAGMA wal_checkpoint(TRUNCATE)')
    .raw()
    .get() as number[]
  if (busy !== 0 || pages !== copied) return false
  return pragma(db, 'journal_mode=DELETE') === 'delete'
}

function indexAndCheck(db: Db): SealResult | undefined {
  db.exec('PRAGMA temp_store=FILE')
  db.exec('CREATE INDEX IF NOT EXISTS reading_point_t ON reading (p, t, v, q)')
  const answer = pragma(db, 'quick_check')
  if (answer !== 'ok') return { kind: 'failed', message: `quick_check says ${String(answer)}` }
  return giveUpLog(db) ? undefined : { kind: 'busy' }
}

const isBusy = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  'code' in thrown &&
  typeof thrown.code === 'string' &&
  thrown.code.startsWith('SQLITE_BUSY')

/** Seals one file. Errors are values: a file that cannot be sealed is kept as it is and reported. */
export function sealFile(disk: Disk, file: string): SealResult {
  try {
    const db = openForWriting(disk, file)
    let result: SealResult | undefined
    try {
      result = indexAndCheck(db)
    } finally {
      db.close()
    }
    if (result !== undefined) return result
    disk.syncFile(file)
    return { kind: 'sealed', ...disk.digest(file) }
  } catch (thrown) {
    if (isBusy(thrown)) return { kind: 'busy' }
    const error = toStoreError(thrown, `seal ${path.basename(file)}`)
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
}
