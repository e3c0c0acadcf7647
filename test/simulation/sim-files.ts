// Files on a disk that keeps only what was synced: what was written since is kept in sectors of 512 bytes, any of which may be
// there or not after a power loss, in any order; names are durable once their directory was synced, else in the order they were
// made. The part of node:fs that SQLite's file layer and the store's disk seam use. Knows nothing of what the files hold.

import type { Dice } from './dice.ts'

const SECTOR = 512
const GROWTH = 64 * 1024

export class FileError extends Error {
  readonly code: string
  constructor(code: string, what: string) {
    super(`simulated: ${code}: ${what}`)
    this.code = code
  }
}

/** Bytes with room to grow. */
class Bytes {
  data = Buffer.alloc(0)
  size = 0

  resize(size: number): void {
    if (size > this.data.length) {
      const grown = Buffer.alloc(Math.ceil((size * 1.25) / GROWTH) * GROWTH)
      this.data.copy(grown, 0, 0, this.size)
      this.data = grown
    } else if (size < this.size) this.data.fill(0, size, this.size)
    this.size = size
  }

  write(bytes: Uint8Array, at: number): void {
    if (at + bytes.length > this.size) this.resize(at + bytes.length)
    this.data.set(bytes, at)
  }
}

type Pending = { readonly at: number; readonly bytes: Buffer } | { readonly size: number }

/** One file: what is seen, what is surely on the medium, and what was written since. */
class SimFile {
  readonly seen = new Bytes()
  readonly synced = new Bytes()
  pending: Pending[] = []

  sync(): void {
    for (const change of this.pending) apply(this.synced, change)
    this.pending = []
  }

  /** Some of what was not synced got there, in no order. */
  losePower(dice: Dice): void {
    const left = this.pending
    while (left.length > 0) {
      const [change] = left.splice(dice.whole(0, left.length - 1), 1)
      if (change !== undefined && dice.chance(0.5)) apply(this.synced, change)
    }
    this.seen.resize(0)
    this.seen.resize(this.synced.size)
    this.synced.data.copy(this.seen.data, 0, 0, this.synced.size)
  }
}

function apply(bytes: Bytes, change: Pending): void {
  if ('size' in change) bytes.resize(change.size)
  else bytes.write(change.bytes, change.at)
}

type Naming = readonly [name: string, file: SimFile | undefined]

export interface SimFilesHooks {
  /** Called before each operation that writes, syncs or names; may throw. */
  before(operation: string, path: string): void
}

const CONSTANTS = {
  F_OK: 0,
  R_OK: 4,
  W_OK: 2,
  O_RDONLY: 0,
  O_RDWR: 2,
  O_CREAT: 64,
  O_EXCL: 128,
} as const

export class SimFiles {
  readonly #hooks: SimFilesHooks
  /** Names as seen, and as surely on the medium. */
  #names = new Map<string, SimFile>()
  #durable = new Map<string, SimFile>()
  #renames: Naming[][] = []
  #locks = new Set<string>()
  #open = new Map<number, { path: string; file: SimFile }>()
  #nextHandle = 3
  /** A disk that says it has synced and has not. */
  lying = false

  constructor(hooks: SimFilesHooks) {
    this.#hooks = hooks
  }

  /** The process is gone: handles and locks with it; what it wrote is still seen. */
  processDied(): void {
    this.#open.clear()
    this.#locks.clear()
  }

  losePower(dice: Dice): void {
    this.processDied()
    const kept = dice.whole(0, this.#renames.length)
    for (const naming of this.#renames.slice(0, kept)) this.#name(this.#durable, naming)
    this.#renames = []
    this.#names = new Map(this.#durable)
    for (const file of new Set(this.#names.values())) file.losePower(dice)
  }

  /** Everything that was written to a file is on the medium. */
  isAtRest(path: string): boolean {
    return this.#names.get(path)?.pending.length === 0
  }

  /** Somewhere in a file at rest a bit turns, or a sector becomes something else, by itself. */
  rot(path: string, dice: Dice): void {
    const { seen, synced } = this.#named(path)
    const at = SECTOR * dice.whole(0, Math.ceil(seen.size / SECTOR) - 1)
    const length = Math.min(SECTOR, seen.size - at)
    const sector = Buffer.from(seen.data.subarray(at, at + length))
    const bit = dice.whole(0, 8 * length - 1)
    if (dice.chance(0.5)) sector.fill(dice.pick([0, 0xa5]))
    if (sector.equals(seen.data.subarray(at, at + length)))
      sector[bit >> 3] = (sector[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    for (const bytes of [seen, synced]) bytes.write(sector, at)
  }

  /** The files that are wanted as they are seen now, on a medium of their own that nothing befalls. */
  copy(wanted: (name: string) => boolean = () => true): SimFiles {
    const copy = new SimFiles({ before: () => {} })
    for (const [name, { seen }] of this.#names) {
      if (!wanted(name)) continue
      const file = new SimFile()
      file.seen.write(seen.data.subarray(0, seen.size), 0)
      copy.#names.set(name, file)
    }
    return copy
  }

  /** What SQLite's file layer takes for node:fs. */
  readonly constants = CONSTANTS

  accessSync(path: string): void {
    if (!this.#names.has(path) && !this.#locks.has(path)) throw new FileError('ENOENT', path)
  }

  openSync(path: string, flags: number | string): number {
    const wanted = typeof flags === 'number' ? flags : 0
    let file = this.#names.get(path)
    const directory = typeof flags === 'string'
    if (file === undefined && !directory) {
      if ((wanted & CONSTANTS.O_CREAT) === 0) throw new FileError('ENOENT', path)
      this.#hooks.before('create', path)
      file = new SimFile()
      this.#change([[path, file]])
    }
    const handle = this.#nextHandle++
    this.#open.set(handle, { path, file: file ?? new SimFile() })
    return handle
  }

  closeSync(handle: number): void {
    this.#open.delete(handle)
  }

  /** SQLite's file layer gives the position as a bigint. */
  readSync(
    handle: number,
    into: Uint8Array,
    offset: number,
    length: number,
    position: number | bigint,
  ): number {
    const { seen } = this.#file(handle)
    const at = Number(position)
    const count = Math.max(0, Math.min(length, seen.size - at))
    into.set(seen.data.subarray(at, at + count), offset)
    return count
  }

  writeSync(handle: number, from: Uint8Array, offset: number, length: number, at: number): number {
    const open = this.#open.get(handle)
    this.#hooks.before('write', open?.path ?? '')
    const file = this.#file(handle)
    const bytes = Buffer.from(from.subarray(offset, offset + length))
    file.seen.write(bytes, at)
    for (let done = 0; done < length; ) {
      const size = Math.min(length - done, SECTOR - ((at + done) % SECTOR))
      file.pending.push({ at: at + done, bytes: bytes.subarray(done, done + size) })
      done += size
    }
    return length
  }

  ftruncateSync(handle: number, size: number): void {
    this.#hooks.before('truncate', this.#open.get(handle)?.path ?? '')
    const file = this.#file(handle)
    file.seen.resize(size)
    file.pending.push({ size })
  }

  fstatSync(handle: number): { size: number } {
    return { size: this.#file(handle).seen.size }
  }

  fsyncSync(handle: number): void {
    const open = this.#open.get(handle)
    this.#hooks.before('sync', open?.path ?? '')
    if (this.lying || open === undefined) return
    if (!this.#names.has(open.path)) return this.#syncNames()
    open.file.sync()
    // As SQLite's own layer for Unix does after the first sync of a log it has created (os_unix.c, UNIXFILE_DIRSYNC).
    if (open.path.endsWith('-wal')) this.#syncNames()
  }

  unlinkSync(path: string): void {
    if (!this.#names.has(path)) throw new FileError('ENOENT', path)
    this.#hooks.before('unlink', path)
    this.#change([[path, undefined]])
  }

  mkdirSync(path: string): void {
    if (this.#locks.has(path)) throw new FileError('EEXIST', path)
    this.#locks.add(path)
  }

  rmdirSync(path: string): void {
    this.#locks.delete(path)
  }

  // What the store's disk seam needs beside.

  list(directory: string): string[] {
    const prefix = `${directory}/`
    const its = [...this.#names.keys()].filter((name) => name.startsWith(prefix))
    return [...new Set(its.map((name) => name.slice(prefix.length).split('/')[0] ?? ''))]
  }

  size(path: string): number | undefined {
    const file = this.#names.get(path)
    if (file !== undefined) return file.seen.size
    // a directory is there while something is in it
    return [...this.#names.keys()].some((name) => name.startsWith(`${path}/`)) ? 0 : undefined
  }

  read(path: string): string | undefined {
    return this.#names.has(path) ? this.bytes(path).toString('utf8') : undefined
  }

  /** What a file holds, in place; throws where there is none. */
  bytes(path: string): Buffer {
    const { seen } = this.#named(path)
    return seen.data.subarray(0, seen.size)
  }

  /** Writes a file whole under a temporary name, syncs it, names it, syncs the directory. */
  write(path: string, text: string): void {
    const handle = this.openSync(`${path}.tmp`, CONSTANTS.O_RDWR | CONSTANTS.O_CREAT)
    this.ftruncateSync(handle, 0)
    this.writeSync(handle, Buffer.from(text), 0, Buffer.byteLength(text), 0)
    this.fsyncSync(handle)
    this.closeSync(handle)
    this.rename(`${path}.tmp`, path)
    this.syncDirectory()
  }

  /** Of a file, or of a directory with all that is in it. */
  rename(from: string, to: string): void {
    const its = [...this.#names].filter(([name]) => name === from || name.startsWith(`${from}/`))
    if (its.length === 0) throw new FileError('ENOENT', from)
    this.#hooks.before('rename', to)
    this.#change(
      its.flatMap(([name, file]) => [
        [name, undefined],
        [to + name.slice(from.length), file],
      ]),
    )
  }

  remove(path: string): void {
    if (this.#names.has(path)) this.unlinkSync(path)
  }

  syncFile(path: string): void {
    this.#hooks.before('sync', path)
    if (!this.lying) this.#names.get(path)?.sync()
  }

  syncDirectory(): void {
    this.#hooks.before('sync', 'directory')
    if (!this.lying) this.#syncNames()
  }

  #file(handle: number): SimFile {
    const open = this.#open.get(handle)
    if (open === undefined) throw new FileError('EBADF', String(handle))
    return open.file
  }

  #named(path: string): SimFile {
    const file = this.#names.get(path)
    if (file === undefined) throw new FileError('ENOENT', path)
    return file
  }

  #change(naming: Naming[]): void {
    this.#name(this.#names, naming)
    this.#renames.push(naming)
  }

  #syncNames(): void {
    for (const naming of this.#renames) this.#name(this.#durable, naming)
    this.#renames = []
  }

  #name(names: Map<string, SimFile>, naming: readonly Naming[]): void {
    for (const [name, file] of naming) {
      if (file === undefined) names.delete(name)
      else names.set(name, file)
    }
  }
}
