// The machine's disk: node:fs and better-sqlite3 behind the seam of disk.ts.
// It decides nothing about layout; it makes names and contents durable when it says so.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { hashFile } from './digest.ts'
import type { Db, Disk, OpenMode } from './disk.ts'

/** How long a writer waits for a reader's lock. */
const BUSY_MS_MAX = 5000

const isAbsent = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'

function orAbsent<T>(call: () => T): T | undefined {
  try {
    return call()
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined
    throw thrown
  }
}

function withFile(name: string, flags: string, call: (fd: number) => void): void {
  const fd = openSync(name, flags)
  try {
    call(fd)
  } finally {
    closeSync(fd)
  }
}

const sync = (name: string): void => withFile(name, 'r', fsyncSync)

function makeDirectory(directory: string): void {
  const made = mkdirSync(directory, { recursive: true })
  if (made === undefined) return
  // Every new name must be durable in the directory that holds it.
  for (let at = directory; at.length >= made.length; at = path.dirname(at)) sync(path.dirname(at))
}

function write(name: string, text: string): void {
  const temporary = `${name}.tmp`
  withFile(temporary, 'w', (fd) => {
    writeSync(fd, text)
    fsyncSync(fd)
  })
  renameSync(temporary, name)
  sync(path.dirname(name))
}

function lock(name: string): { release(): void } | 'held' {
  const db = new Database(name, { timeout: 0 })
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (thrown) {
    db.close()
    if (thrown instanceof Database.SqliteError && thrown.code.startsWith('SQLITE_BUSY'))
      return 'held'
    throw thrown
  }
  return { release: () => void db.close() }
}

function open(name: string, mode: OpenMode): Db {
  return new Database(name, {
    readonly: mode === 'read',
    fileMustExist: mode !== 'create',
    timeout: BUSY_MS_MAX,
  })
}

/** The production disk. */
export const systemDisk: Disk = {
  list: (directory) => readdirSync(directory),
  makeDirectory,
  size: (name) => orAbsent(() => statSync(name).size),
  read: (name) => orAbsent(() => readFileSync(name, 'utf8')),
  write,
  rename: renameSync,
  remove: (name) => rmSync(name, { force: true }),
  syncFile: sync,
  syncDirectory: sync,
  digest: hashFile,
  open,
  lock,
}
