import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import type { Db, Disk } from '../../../agent/store/disk.ts'
import { toStoreError } from '../../../agent/store/store-error.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { Bench, event, NOON, reading, temporaryDirectory } from './support.ts'

/** The newest journal file of a directory. */
const newestFile = (dir: string): string => {
  const names = readdirSync(path.join(dir, 'journal')).filter((name) => name.endsWith('.db'))
  return path.join(dir, 'journal', names.sort().at(-1) ?? '')
}

/** A disk whose SQLite answers one statement differently. */
function answering(sql: string, answer: unknown): Disk {
  const wrap = (db: Db): Db => ({
    exec: (text) => db.exec(text),
    close: () => db.close(),
    prepare: (text) => {
      const statement = db.prepare(text)
      if (text !== sql) return statement
      return {
        ...statement,
        raw: () => ({ ...statement, get: () => [answer] }),
      } as typeof statement
    },
  })
  return { ...systemDisk, open: (file, mode) => wrap(systemDisk.open(file, mode)) }
}

describe('what the journal asks of SQLite', () => {
  it.each([
    ['SELECT sqlite_version()', '3.51.2', /SQLite 3\.51\.2 can lose commits; 3\.51\.3 or newer/],
    ['SELECT sqlite_version()', '3.6.99', /can lose commits/],
    ['PRAGMA synchronous', 1, /keeps synchronous at 1 instead of FULL/],
    ['PRAGMA journal_mode', 'delete', /keeps journal_mode at delete instead of wal/],
    ['PRAGMA cell_size_check', 0, /keeps cell_size_check at 0/],
  ])('URS-47 is read back: %s = %s is refused', (sql, answer, says) => {
    const dir = temporaryDirectory()
    const asked = (): Bench => new Bench(dir, { disk: answering(sql, answer) })
    expect(asked).toThrow(expect.objectContaining({ kind: 'version' }))
    expect(asked).toThrow(says)
    new Bench(dir).close()
    expect(asked, 'also of a journal that is there').toThrow(says)
  })

  it.each(['3.51.3', '3.52.0', '4.0.0'])('SQLite %s is new enough', (version) => {
    const disk = answering('SELECT sqlite_version()', version)
    expect(new Bench(temporaryDirectory(), { disk }).journal.head.seq).toBe(0)
  })
})

describe('the write-ahead log', () => {
  const MEBIBYTE = 1024 * 1024
  const group = Array.from({ length: 50 }, (_, n) => reading(`p${n}`, NOON + n))
  const logBytes = (dir: string): number => statSync(`${newestFile(dir)}-wal`).size

  it('stays bounded while commits go on', () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    let most = 0
    for (let n = 0; n < 3000; n++) {
      bench.commit(n % 2 === 0 ? group : [event('x')], { state: [{ key: 'k', value: `${n}` }] })
      if (n % 50 === 0) most = Math.max(most, logBytes(dir))
    }
    expect(most).toBeGreaterThan(MEBIBYTE)
    expect(most).toBeLessThan(8 * MEBIBYTE)
  })

  it('that a reader holds open is said, and shrinks to its bound when the reader ends', () => {
    const dir = temporaryDirectory()
    const said: unknown[] = []
    const log = {
      ...silentLog,
      warn: (name: string, fields?: unknown) => said.push([name, fields]),
    }
    const bench = new Bench(dir, { log })
    bench.commit(group)
    const reader = new Database(newestFile(dir), { readonly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM reading').get()
    const commits = (): void => {
      for (let n = 0; n < 1500; n++)
        bench.commit([event('x')], { state: [{ key: 'k', value: `${n}` }] })
    }
    commits()
    commits()
    expect(said).toContainEqual([
      'store_wal_held',
      expect.objectContaining({ pages: expect.any(Number) }),
    ])
    const held = logBytes(dir)
    expect(held).toBeGreaterThan(16 * MEBIBYTE)
    reader.exec('COMMIT')
    reader.close()
    said.length = 0
    commits()
    expect(said).toEqual([])
    expect(logBytes(dir)).toBeLessThan(held + 8 * MEBIBYTE)
  })
})

describe('a damaged file', () => {
  it.each<[what: string, spoil: (file: string) => void, kind: string, says: RegExp]>([
    [
      'a file that is no database',
      (file) => writeFileSync(file, 'x'.repeat(8192)),
      'corrupt',
      /not a database/,
    ],
    ['an empty file', (file) => truncateSync(file, 0), 'corrupt', /not a journal/],
    [
      'a file cut short',
      (file) => truncateSync(file, statSync(file).size - 8192),
      'corrupt',
      /move|damaged/,
    ],
    [
      'another database',
      (file) => withDb(file, 'PRAGMA application_id = 1'),
      'corrupt',
      /not a journal/,
    ],
    [
      'a later version',
      (file) => withDb(file, 'PRAGMA user_version = 99'),
      'version',
      /version 99/,
    ],
    [
      'an altered reading',
      (file) => withDb(file, 'UPDATE reading SET v = 1'),
      'corrupt',
      /record 1 was altered/,
    ],
    [
      'a removed record',
      (file) => withDb(file, 'DELETE FROM event'),
      'corrupt',
      /record 2 removed/,
    ],
  ])('HO6 refuses %s in words', (_what, spoil, kind, says) => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    bench.commit([reading('a', NOON), event('x')])
    bench.close()
    spoil(newestFile(dir))
    const refused = (): void => {
      try {
        new Bench(dir)
      } catch (thrown) {
        throw toStoreError(thrown, 'open')
      }
    }
    expect(refused).toThrow(expect.objectContaining({ name: 'StoreError', kind }))
    expect(refused).toThrow(says)
  })
})

const withDb = (file: string, sql: string): void => {
  const db = new Database(file)
  db.exec(sql)
  db.close()
}
