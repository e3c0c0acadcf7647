// The disk seam of the store: the few operations on files and SQLite databases that it needs, all synchronous.
// Types only. Production: system-disk.ts; tests wrap it to fail or to stop at the n-th operation.

/** A prepared statement. `raw` makes rows arrays of columns instead of objects. */
export interface Statement {
  run(...parameters: readonly unknown[]): unknown
  get(...parameters: readonly unknown[]): unknown
  all(...parameters: readonly unknown[]): unknown[]
  raw(on?: boolean): Statement
}

/** An open SQLite database. */
export interface Db {
  exec(sql: string): unknown
  prepare(sql: string): Statement
  close(): unknown
}

/** `create` a new database, `write` to an existing one, or only `read` it. */
export type OpenMode = 'create' | 'write' | 'read'

export interface Disk {
  /** Names in a directory, unsorted. */
  list(directory: string): string[]
  /** Makes a directory with its parents and makes it durable. */
  makeDirectory(directory: string): void
  /** Bytes of a file, undefined where there is none. */
  size(path: string): number | undefined
  /** Text of a file, undefined where there is none. */
  read(path: string): string | undefined
  /** Writes a small file whole: temporary name, fsync, rename, fsync of the directory. */
  write(path: string, text: string): void
  rename(from: string, to: string): void
  remove(path: string): void
  syncFile(path: string): void
  syncDirectory(directory: string): void
  /** SHA-256 of a whole file in lower-case hex, with its bytes. */
  digest(path: string): { readonly sha256: string; readonly bytes: number }
  /** Opens a database file. */
  open(path: string, mode: OpenMode): Db
  /** Takes the exclusive lock of a data directory; the kernel lets go of it when the process ends. */
  lock(path: string): { release(): void } | 'held'
}
