// SQLite itself, compiled to WebAssembly, on the simulated files: the library's own source is run with a `require` that hands it
// them for node:fs (faults.md §3.2). Gives the store's disk seam the databases it asks for; each process has an instance of its own.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import nodePath from 'node:path'
import type { Db, Statement } from '../../agent/store/disk.ts'
import type { Dice } from './dice.ts'
import type { SimFiles } from './sim-files.ts'

type Value = number | bigint | string | Uint8Array | null
type Row = Record<string, Value>

interface WasmStatement {
  run(values?: Value[]): unknown
  all(values?: Value[]): Row[]
  finalize(): void
  readonly isFinalized: boolean
}

interface WasmDatabase {
  exec(sql: string): void
  prepare(sql: string): WasmStatement
  close(): void
}

interface Sqlite {
  readonly Database: new (path: string, options?: { fileMustExist?: boolean }) => WasmDatabase
}

/** What is used of the global that the type libraries of this project leave out. */
interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: unknown
  readonly Memory: unknown
  readonly Table: unknown
  readonly RuntimeError: unknown
}

const WASM = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly

const FILE = createRequire(import.meta.url).resolve('node-sqlite3-wasm')
let compiled: { readonly load: LoadModule; readonly binary: object } | undefined

type LoadModule = (
  require: (name: string) => unknown,
  module: { exports: unknown },
  exports: unknown,
  dirname: string,
  wasm: unknown,
) => void

function compile() {
  const source = readFileSync(FILE, 'utf8')
  const load = new Function(
    'require',
    'module',
    'exports',
    '__dirname',
    'WebAssembly',
    source,
  ) as LoadModule
  const file = nodePath.join(nodePath.dirname(FILE), 'node-sqlite3-wasm.wasm')
  return { load, binary: new WASM.Module(readFileSync(file)) }
}

/** SQLite for one process, on these files, with the given chance for its randomness. */
export function sqliteOn(files: SimFiles, dice: Dice): Sqlite {
  compiled ??= compile()
  const { load, binary } = compiled
  const module = { exports: {} as unknown }
  const fs = new Proxy(files, {
    get: (target, key) => {
      if (key === 'readFileSync') return () => Buffer.alloc(0)
      const member = Reflect.get(target, key, target) as unknown
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  const crypto = {
    randomFillSync: (into: Uint8Array) => {
      for (let index = 0; index < into.length; index++) into[index] = dice.whole(0, 255)
      return into
    },
  }
  const known: Readonly<Record<string, unknown>> = {
    'node:fs': fs,
    'node:path': nodePath,
    'node:crypto': crypto,
  }
  const wasm = {
    ...{ Instance: WASM.Instance, Memory: WASM.Memory, Table: WASM.Table },
    ...{ RuntimeError: WASM.RuntimeError },
    Module: class {
      constructor(bytes: Uint8Array) {
        // The big one is compiled once for all processes; the library makes small ones of its own.
        // biome-ignore lint/correctness/noConstructorReturn: stands in for WebAssembly.Module
        return bytes.length === 0 ? binary : new WASM.Module(Buffer.from(bytes))
      }
    },
  }
  load((name) => known[name], module, module.exports, nodePath.dirname(FILE), wasm)
  return module.exports as Sqlite
}

/** The codes by which the store tells what SQLite means; this build has the words only. */
const CODES: Readonly<Record<string, string>> = {
  'database disk image is malformed': 'SQLITE_CORRUPT',
  'file is not a database': 'SQLITE_NOTADB',
  'disk I/O error': 'SQLITE_IOERR',
  'database is locked': 'SQLITE_BUSY',
  'database or disk is full': 'SQLITE_FULL',
  'unable to open database file': 'SQLITE_CANTOPEN',
}

/** As the store's own SQLite throws it: with a code. */
function coded<T>(call: () => T): T {
  try {
    return call()
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'SQLite3Error' && !('code' in thrown))
      Object.assign(thrown, { code: CODES[thrown.message] ?? 'SQLITE_ERROR' })
    throw thrown
  }
}

/** Opens a database as the store's disk seam wants it. */
export function openDatabase(sqlite: Sqlite, path: string, create: boolean): Db {
  const db = coded(() => new sqlite.Database(path, { fileMustExist: !create }))
  // One process, one connection: the write-ahead log then needs no shared memory, which there is none of.
  coded(() => db.exec('PRAGMA locking_mode=EXCLUSIVE'))
  const statements = new Set<WasmStatement>()
  return {
    exec: (sql) => coded(() => db.exec(sql)),
    prepare: (sql) => {
      const statement = coded(() => db.prepare(sql))
      statements.add(statement)
      return adapt(statement)
    },
    close: () => {
      for (const statement of statements) giveUp(statement)
      db.close()
    },
  }
}

/** Finalizing tells once more what the last step has thrown: nothing new. */
function giveUp(statement: WasmStatement): void {
  try {
    if (!statement.isFinalized) statement.finalize()
  } catch (thrown) {
    if (!(thrown instanceof Error && thrown.name === 'SQLite3Error')) throw thrown
  }
}

/** A statement that has failed is reset by its next use, which this build then refuses without beginning it. */
function reset<T>(call: () => T): T {
  try {
    return call()
  } catch (thrown) {
    if (thrown instanceof Error && thrown.message.startsWith('Could not reset statement'))
      return call()
    throw thrown
  }
}

function adapt(statement: WasmStatement): Statement {
  let raw = false
  const rows = (parameters: readonly unknown[]): unknown[] =>
    reset(() => coded(() => statement.all(bound(parameters)))).map((row) => {
      for (const [column, value] of Object.entries(row))
        if (value instanceof Uint8Array) row[column] = Buffer.from(value)
      return raw ? Object.values(row) : row
    })
  const adapted: Statement = {
    run: (...parameters) => reset(() => coded(() => statement.run(bound(parameters)))),
    get: (...parameters) => rows(parameters)[0],
    all: (...parameters) => rows(parameters),
    raw: (on = true) => {
      raw = on
      return adapted
    },
  }
  return adapted
}

const bound = (parameters: readonly unknown[]): Value[] =>
  (parameters.length === 1 && Array.isArray(parameters[0]) ? parameters[0] : parameters).map(
    (value: unknown) => (value === undefined ? null : (value as Value)),
  )
