// Journals in temporary directories, records of every kind, and disks that stop or fail at the n-th operation.

import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach } from 'vitest'
import { BAD_REASONS, UNCERTAIN_REASONS } from '#core/quality.ts'
import type { Reading } from '#core/reading.ts'
import type { JournalRecord } from '#core/record.ts'
import { silentLog } from '#ports/log.ts'
import type { Commit, Head } from '#ports/store.ts'
import type { Db, Disk, Statement } from '../../../agent/store/disk.ts'
import { Journal, type JournalOptions } from '../../../agent/store/journal.ts'
import { Packer } from '../../../agent/store/pack.ts'
import { segmentNames } from '../../../agent/store/segment.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'

export const NOON = Date.UTC(2025, 10, 22, 12)
export const DAY_MS = 86_400_000
export const EPOCH = '01JD3Z8Q5K0000000000000000'

/** Memory where there is a memory file system: what is tested here does not depend on the medium, and fsync is free. */
const base = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
const made: string[] = []
const opened: { close(): void }[] = []

afterEach(() => {
  for (const journal of opened.splice(0)) {
    try {
      journal.close()
    } catch {
      // Closed by the test, or on a disk that has stopped.
    }
  }
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true })
})

export function temporaryDirectory(): string {
  const dir = mkdtempSync(path.join(base, 'journal-'))
  made.push(dir)
  return dir
}

/** What a killed process leaves: the files as they are, without closing anything. */
export function copyDirectory(dir: string): string {
  const copy = temporaryDirectory()
  cpSync(dir, copy, { recursive: true })
  return copy
}

/** Rows of the newest journal file, as a tool beside the agent would read them. */
export function query(dir: string, sql: string): unknown[] {
  const name = segmentNames(systemDisk.list(path.join(dir, 'journal'))).at(-1) ?? ''
  const db = systemDisk.open(path.join(dir, 'journal', name), 'read')
  try {
    return db.prepare(sql).raw().all()
  } finally {
    db.close()
  }
}

/** A journal with its packer, driven without threads. */
export class Bench {
  readonly journal: Journal
  readonly #packer = new Packer()
  #first: number

  constructor(dataDir: string, options: Partial<JournalOptions> = {}) {
    this.journal = Journal.open({
      disk: systemDisk,
      dataDir,
      origin: 'simulated',
      log: silentLog,
      wall: NOON,
      newEpoch: EPOCH,
      ...options,
    })
    this.#first = this.journal.head.seq + 1
    opened.push(this.journal)
  }

  commit(records: readonly JournalRecord[], change: Partial<Commit> = {}): Head {
    const commit: Commit = {
      at: { wall: NOON, mono: this.#first + 0.5 },
      bootId: 'boot-1',
      tb: 0,
      first: this.#first,
      records,
      state: [],
      ...change,
    }
    const head = this.journal.commit(this.#packer.pack(commit))
    this.#first += records.length
    this.journal.idle()
    return head
  }

  close(): void {
    this.journal.close()
  }
}

export const reading = (point: string, t: number, more: Partial<Reading> = {}): JournalRecord => ({
  kind: 'reading',
  reading: { point, t, a: 12, v: 15.25, q: 'good', ...more },
})

export const badReading = (point: string, t: number, slots = 1): JournalRecord => ({
  kind: 'reading',
  reading: { point, t, q: 'bad', qc: 'timeout', ...(slots > 1 && { slots }) },
})

export const event = (
  type: string,
  body: Readonly<Record<string, unknown>> = {},
): JournalRecord => ({
  kind: 'event',
  event: { type, ts: NOON, body },
})

const wholeTime = fc.integer({ min: 0, max: 4_102_444_800_000 })
const finite = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(-0, 0, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, 0.1 + 0.2, 1e21, 1e-7),
)
const rawBytes = fc.uint8Array({ minLength: 0, maxLength: 12 })

const value = fc.record(
  {
    point: fc.stringMatching(/^[a-z0-9-]{1,8}$/),
    t: wholeTime,
    a: fc.integer({ min: -1000, max: 1_000_000 }),
    v: finite,
    raw: rawBytes,
    late: fc.constant(true as const),
    supersedes: fc.nat(),
    overdue: fc.constant(true as const),
    x: fc.record(
      { counts: fc.nat(), litres: finite, rec: fc.nat(), flow: finite },
      { requiredKeys: ['counts', 'litres'] },
    ),
  },
  { requiredKeys: ['point', 't', 'v'] },
)
const quality = fc.oneof(
  fc.constant({ q: 'good' as const }),
  fc.constantFrom(...UNCERTAIN_REASONS).map((qc) => ({ q: 'uncertain' as const, qc })),
)
const withoutValue = fc.record(
  {
    point: fc.stringMatching(/^[a-z0-9-]{1,8}$/),
    t: wholeTime,
    a: fc.nat(100_000),
    slots: fc.integer({ min: 1, max: 1_000_000 }),
    q: fc.constant('bad' as const),
    qc: fc.constantFrom(...BAD_REASONS),
    exceptionCode: fc.integer({ min: 1, max: 255 }),
    raw: rawBytes,
  },
  { requiredKeys: ['point', 't', 'q', 'qc'] },
)

/** Readings of every quality and shape. */
export const anyReading: fc.Arbitrary<Reading> = fc.oneof(
  fc.tuple(value, quality).map(([of, q]) => ({ ...of, ...q }) as Reading),
  withoutValue.map((of) => of as Reading),
)

/** Readings and events, mixed. */
export const anyRecord: fc.Arbitrary<JournalRecord> = fc.oneof(
  { weight: 4, arbitrary: anyReading.map((of) => ({ kind: 'reading' as const, reading: of })) },
  {
    weight: 1,
    arbitrary: fc
      .record({
        type: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
        ts: wholeTime,
        body: fc.dictionary(fc.string({ unit: 'binary', maxLength: 6 }), fc.jsonValue()),
      })
      .map((of) => ({ kind: 'event' as const, event: of })),
  },
)

/** Thrown by a disk that has stopped; nothing it is asked afterwards has an effect. */
export class Stopped extends Error {}

/** A disk that stops dead (as by kill -9), or fails once with an I/O error, at its n-th operation. */
export class FaultyDisk implements Disk {
  operations = 0
  /** What was done, in order, with the base name of the file concerned. */
  readonly log: string[] = []
  readonly #at: number
  readonly #how: 'stop' | 'io'
  readonly #disk = systemDisk

  constructor(at: number, how: 'stop' | 'io' = 'stop') {
    this.#at = at
    this.#how = how
  }

  #do<T>(what: string, file: string, call: () => T): T {
    this.operations++
    this.log.push(`${what} ${path.basename(file)}`)
    if (this.#how === 'stop' && this.operations >= this.#at) throw new Stopped('stopped')
    if (this.#how === 'io' && this.operations === this.#at)
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' })
    return call()
  }

  list = (directory: string): string[] =>
    this.#do('list', directory, () => this.#disk.list(directory))
  makeDirectory = (directory: string): void =>
    this.#do('makeDirectory', directory, () => this.#disk.makeDirectory(directory))
  size = (file: string): number | undefined => this.#do('size', file, () => this.#disk.size(file))
  read = (file: string): string | undefined => this.#do('read', file, () => this.#disk.read(file))
  write = (file: string, text: string): void =>
    this.#do('write', file, () => this.#disk.write(file, text))
  rename = (from: string, to: string): void =>
    this.#do('rename', to, () => this.#disk.rename(from, to))
  remove = (file: string): void => this.#do('remove', file, () => this.#disk.remove(file))
  syncFile = (file: string): void => this.#do('syncFile', file, () => this.#disk.syncFile(file))
  syncDirectory = (file: string): void =>
    this.#do('syncDirectory', file, () => this.#disk.syncDirectory(file))
  lock: Disk['lock'] = (file) => this.#disk.lock(file)
  digest: Disk['digest'] = (file) => this.#disk.digest(file)

  open: Disk['open'] = (file, mode) => {
    const db = this.#do(`open to ${mode}`, file, () => this.#disk.open(file, mode))
    opened.push({ close: () => void db.close() })
    return this.#wrap(db, file)
  }

  #wrap(db: Db, file: string): Db {
    return {
      exec: (sql) => this.#do(sql.slice(0, 16), file, () => db.exec(sql)),
      prepare: (sql) => this.#statement(db.prepare(sql), sql.slice(0, 16), file),
      close: () => this.#do('close', file, () => db.close()),
    }
  }

  #statement(statement: Statement, sql: string, file: string): Statement {
    const wrapped: Statement = {
      run: (...parameters) => this.#do(sql, file, () => statement.run(...parameters)),
      get: (...parameters) => this.#do(sql, file, () => statement.get(...parameters)),
      all: (...parameters) => this.#do(sql, file, () => statement.all(...parameters)),
      raw: (on = true) => {
        statement.raw(on)
        return wrapped
      },
    }
    return wrapped
  }
}
