import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { printReading } from '#core/record.ts'
import type { Head } from '#ports/store.ts'
import { lineCheck, readingLine } from '../../../agent/store/chain.ts'
import { sealFile } from '../../../agent/store/seal.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import { Bench, badReading, copyDirectory, DAY_MS, event, NOON, reading } from './support.ts'

let original: string
let heads: Head[]

/** Three files: records 1–20, 21–40, 41–60, in commits of five: four readings and an event. */
beforeAll(() => {
  original = mkdtempSync(path.join(os.tmpdir(), 'journal-original-'))
  const bench = new Bench(original)
  heads = []
  for (let n = 0; n < 12; n++) {
    const t = NOON + n * 1000
    const raw = Uint8Array.of(n, 1, 2, 3)
    const records = [
      reading('a', t, { v: n + 0.5, raw }),
      reading('b', t, { v: n + 0.25, raw }),
      badReading('c', t, 3),
      event('note', { n }),
      reading('d', t, { v: n }),
    ]
    const wall = NOON + Math.floor(n / 4) * DAY_MS
    heads.push(bench.commit(records, { at: { wall, mono: n }, tb: n < 6 ? 0 : 1 }))
  }
  bench.close()
})

afterAll(() => rmSync(original, { recursive: true }))

const fileNames = (dir: string): string[] =>
  readdirSync(path.join(dir, 'journal'))
    .filter((name) => name.endsWith('.db'))
    .sort()

const filePath = (dir: string, index: number): string =>
  path.join(dir, 'journal', fileNames(dir)[index] ?? '')

/** A copy in which a change of the file was cut short by power: part of it is in the file, what it was is in its journal. */
function cutShort(dir: string, index: number): string {
  const db = new Database(filePath(dir, index))
  try {
    db.exec('PRAGMA journal_mode=DELETE; PRAGMA cache_size=1; BEGIN IMMEDIATE')
    db.exec(`CREATE TABLE unfinished AS
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n`)
    return copyDirectory(dir)
  } finally {
    db.close()
  }
}

/** Changes one file of a copy with SQL and verifies. */
function tampered(index: number, ...statements: string[]) {
  const dir = copyDirectory(original)
  const db = new Database(filePath(dir, index))
  for (const sql of statements) db.exec(sql)
  db.close()
  return verifyJournal(dir)
}

const found = (kind: string, seq: number, through = seq) => ({
  ok: false,
  fault: { kind, seq, through },
})

describe('URS-46 verify', () => {
  it('confirms a journal that nobody touched, with the head known from elsewhere', () => {
    const [head] = heads.slice(-1)
    const verified = { ok: true, head, files: 3, readings: 48, events: 12, startsAfter: 0 }
    for (const expected of [undefined, ...heads])
      expect(verifyJournal(original, { expected })).toMatchObject(verified)
  })

  it.each<[what: string, file: number, sql: string, kind: string, seq: number, through?: number]>([
    ['a value', 0, 'UPDATE reading SET v = 9 WHERE s = 7', 'altered', 7],
    [
      'a value by its last bit',
      1,
      'UPDATE reading SET v = 6.500000000000001 WHERE s = 31',
      'altered',
      31,
    ],
    ['raw registers', 1, "UPDATE reading SET raw = x'05010204' WHERE s = 26", 'altered', 26],
    ['raw registers removed', 1, 'UPDATE reading SET raw = NULL WHERE s = 26', 'altered', 26],
    ['a slot', 2, 'UPDATE reading SET t = t + 1 WHERE s = 60', 'altered', 60],
    ['an arrival', 2, 'UPDATE reading SET a = NULL WHERE s = 60', 'altered', 60],
    [
      'a span',
      0,
      "UPDATE reading SET more = json_set(more, '$.slots', 4) WHERE s = 3",
      'altered',
      3,
    ],
    ['a quality', 0, 'UPDATE reading SET q = 2 WHERE s = 6', 'altered', 6],
    ['a point', 0, 'UPDATE reading SET p = 2 WHERE s = 6', 'altered', 6],
    ['the name of a point', 1, "UPDATE point SET name = 'z' WHERE name = 'b'", 'altered', 22],
    [
      'the name of a quality',
      1,
      "UPDATE quality SET name = 'bad crc' WHERE name = 'bad timeout'",
      'altered',
      23,
    ],
    ['what an event says', 0, 'UPDATE event SET body = \'{"n":9}\' WHERE s = 9', 'altered', 9],
    ['what kind of event it is', 0, "UPDATE event SET type = 'x' WHERE s = 9", 'altered', 9],
    ['when an event was', 0, 'UPDATE event SET t = t - 1 WHERE s = 9', 'altered', 9],
    ['a removed reading', 1, 'DELETE FROM reading WHERE s = 27', 'removed', 27],
    ['the first record of all removed', 0, 'DELETE FROM reading WHERE s = 1', 'removed', 1],
    [
      'two removed at the end of a commit',
      0,
      'DELETE FROM event WHERE s = 9; DELETE FROM reading WHERE s = 10',
      'removed',
      9,
      10,
    ],
    ['a removed commit', 1, 'DELETE FROM commits WHERE first = 26', 'removed', 26, 30],
    [
      'a commit removed with its records',
      1,
      'DELETE FROM commits WHERE first = 26; DELETE FROM reading WHERE s BETWEEN 26 AND 30; DELETE FROM event WHERE s BETWEEN 26 AND 30',
      'removed',
      26,
      30,
    ],
    [
      'the end of a file removed',
      0,
      'DELETE FROM commits WHERE first = 16; DELETE FROM reading WHERE s > 15; DELETE FROM event WHERE s > 15',
      'removed',
      16,
      20,
    ],
    [
      'a record added at the end',
      2,
      'INSERT INTO reading SELECT 61, p, t, a, v, q, raw, more FROM reading WHERE s = 60',
      'added',
      61,
    ],
    ['an event put over a reading', 0, "INSERT INTO event VALUES (2, 0, 'x', '{}')", 'added', 2],
    [
      'two readings exchanged',
      0,
      'UPDATE reading SET s = 100 WHERE s = 11; UPDATE reading SET s = 11 WHERE s = 12; UPDATE reading SET s = 12 WHERE s = 100',
      'reordered',
      11,
      12,
    ],
    [
      'the moment of a commit',
      0,
      'UPDATE commits SET wall = wall + 1 WHERE first = 6',
      'altered',
      6,
      10,
    ],
    [
      'the monotonic moment of a commit',
      0,
      'UPDATE commits SET mono = mono + 1 WHERE first = 6',
      'altered',
      6,
      10,
    ],
    ['a time base', 0, 'UPDATE commits SET tb = 1 WHERE first = 16', 'altered', 16, 20],
    [
      'where a time base begins',
      1,
      'UPDATE timebase SET first = first + 1 WHERE tb = 1',
      'altered',
      31,
    ],
    ['a time base added', 0, 'INSERT INTO timebase VALUES (6, 0)', 'altered', 6],
    ['the name of the boot', 0, "UPDATE boot SET name = 'x'", 'altered', 1, 5],
    ['a hash', 0, 'UPDATE commits SET hash = zeroblob(32) WHERE first = 6', 'altered', 6, 10],
    ['a check', 0, 'UPDATE commits SET checks = zeroblob(20) WHERE first = 6', 'altered', 6, 10],
    [
      'the checks cut short',
      0,
      "UPDATE commits SET checks = x'00' WHERE first = 6",
      'altered',
      6,
      10,
    ],
    ['a count', 0, 'UPDATE commits SET readings = readings + 1 WHERE first = 6', 'altered', 6, 10],
    ['the epoch', 0, "UPDATE base SET epoch = 'x'", 'altered', 1],
    ['the origin', 0, "UPDATE base SET origin = 'instrument'", 'altered', 1],
    ['the origin of a later file', 1, "UPDATE base SET origin = 'instrument'", 'altered', 21],
    ['the link to the file before', 1, 'UPDATE base SET hash = zeroblob(32)', 'altered', 21],
    ['the counts at the beginning of a file', 1, 'UPDATE base SET events = 5', 'altered', 21],
  ])('finds %s', (_what, file, sql, kind, seq, through = seq) => {
    const result = tampered(file, sql)
    expect(result).toMatchObject(found(kind, seq, through))
    if (!result.ok) expect(result.fault.message).toMatch(/record|time base|chain|file|journal-/)
  })

  it('PE15 U3 finds an alteration whose check was mended too, to the commit', () => {
    const dir = copyDirectory(original)
    const db = new Database(filePath(dir, 0))
    db.exec('UPDATE reading SET v = 9 WHERE s = 7')
    const checks = db.prepare('SELECT checks FROM commits WHERE first = 6').pluck().get() as Buffer
    const altered = { point: 'b', t: NOON + 1000, a: 12, v: 9, q: 'good' } as const
    checks.writeUInt32LE(lineCheck(readingLine(printReading(7, altered), '01010203')), 4)
    db.prepare('UPDATE commits SET checks = ? WHERE first = 6').run(checks)
    db.close()
    const result = verifyJournal(dir)
    expect(result).toMatchObject(found('altered', 6, 10))
    if (!result.ok) expect(result.fault.message).toMatch(/records 6–10: a record or the commit/)
  })

  it('finds the newest commits cut off, by a head known from elsewhere only', () => {
    const dir = copyDirectory(original)
    const db = new Database(filePath(dir, 2))
    db.exec(
      'DELETE FROM commits WHERE first > 50; DELETE FROM reading WHERE s > 50; DELETE FROM event WHERE s > 50',
    )
    db.close()
    expect(verifyJournal(dir)).toMatchObject({ ok: true, head: heads[9] })
    expect(verifyJournal(dir, { expected: heads[11] })).toMatchObject(found('removed', 51, 60))
    expect(verifyJournal(dir, { expected: heads[9] })).toMatchObject({ ok: true })
  })

  it('finds a journal written anew, by a head known from elsewhere', () => {
    const hash = '0'.repeat(64)
    expect(verifyJournal(original, { expected: { seq: 30, hash } })).toMatchObject(
      found('altered', 30),
    )
    expect(verifyJournal(original, { expected: { seq: 31, hash } })).toMatchObject(
      found('altered', 31),
    )
  })

  it('finds a file taken out of the middle', () => {
    const dir = copyDirectory(original)
    rmSync(filePath(dir, 1))
    expect(verifyJournal(dir)).toMatchObject(found('removed', 21, 40))
  })

  it('finds files exchanged', () => {
    const dir = copyDirectory(original)
    const [first, second] = [filePath(dir, 0), filePath(dir, 1)]
    renameSync(first, `${first}.tmp`)
    renameSync(second, first)
    renameSync(`${first}.tmp`, second)
    expect(verifyJournal(dir)).toMatchObject({ ok: false })
  })

  it('finds a change of anything at all in a sealed file', () => {
    const dir = copyDirectory(original)
    const sealed = sealFile(systemDisk, filePath(dir, 0))
    if (sealed.kind !== 'sealed') throw new Error('not sealed')
    const bench = new Bench(dir)
    bench.journal.noteSealed(1, sealed.sha256, sealed.bytes, NOON)
    bench.close()
    expect(verifyJournal(dir)).toMatchObject({ ok: true })
    const db = new Database(filePath(dir, 0))
    db.exec("INSERT INTO state VALUES ('k', 'v')")
    db.close()
    expect(verifyJournal(dir)).toMatchObject(found('altered', 1))
  })

  it.each([0, 1, 2])('PE15 U3 names a file that was cut short (%d)', (index) => {
    const dir = copyDirectory(original)
    const file = filePath(dir, index)
    truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096)
    const result = verifyJournal(dir)
    expect(result.ok).toBe(false)
  })

  it('names a file that is none, and a directory without any', () => {
    const dir = copyDirectory(original)
    writeFileSync(filePath(dir, 1), 'not a database')
    expect(verifyJournal(dir)).toMatchObject({ ok: false, fault: { kind: 'unreadable', seq: 21 } })
    rmSync(path.join(dir, 'journal'), { recursive: true })
    expect(verifyJournal(dir)).toMatchObject({ ok: false, fault: { kind: 'unreadable' } })
  })

  it('HO6 finds each flipped bit that reaches a record, wherever it is', () => {
    const dir = copyDirectory(original)
    const file = filePath(dir, 0)
    const clean = verifyJournal(dir)
    expect(clean.ok).toBe(true)
    const pages = pagesOf(file, ['reading', 'event', 'commits'])
    let flips = 0
    let unnoticed = 0
    for (const page of pages) {
      for (let at = 0; at < 4096; at += 37) {
        flips++
        const undo = flip(file, (page - 1) * 4096 + at)
        const result = verifyJournal(dir)
        undo()
        if (result.ok && JSON.stringify(result) !== JSON.stringify(clean)) throw new Error('wrong')
        if (result.ok && used(file, page, at)) unnoticed++
      }
    }
    expect(flips).toBeGreaterThan(300)
    expect(unnoticed).toBe(0)
  })
})

function pagesOf(file: string, tables: readonly string[]): number[] {
  const db = new Database(file, { readonly: true })
  const pages = tables.flatMap(
    (table) =>
      db
        .prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?')
        .pluck()
        .all(table) as number[],
  )
  db.close()
  return pages
}

/** Whether a byte of a leaf page holds a cell: behind the cell content area's start, no free block being there. */
function used(file: string, page: number, at: number): boolean {
  const bytes = Buffer.alloc(4096)
  const fd = openSync(file, 'r')
  readSync(fd, bytes, 0, 4096, (page - 1) * 4096)
  closeSync(fd)
  return at >= bytes.readUInt16BE(5)
}

function flip(file: string, at: number): () => void {
  const fd = openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, at)
  const write = (value: number) => writeSync(fd, Buffer.of(value), 0, 1, at)
  const before = byte[0] ?? 0
  write(before ^ 0x10)
  return () => {
    write(before)
    closeSync(fd)
  }
}

it('URS-46 says that there is no journal, in an empty directory and where there is none', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'verify-'))
  const fault = (message: RegExp) => ({
    ok: false,
    fault: {
      ...{ file: '', kind: 'unreadable', seq: 0, through: 0 },
      message: expect.stringMatching(message),
    },
  })
  try {
    expect(verifyJournal(dir)).toEqual(fault(/cannot be read/))
    mkdirSync(path.join(dir, 'journal'))
    expect(verifyJournal(dir)).toEqual(fault(/no journal in/))
  } finally {
    rmSync(dir, { recursive: true })
  }
})

describe('HO1 a seal cut short by a kill or by power', () => {
  it('is taken back before the file is read: nothing counts as damaged, and every record is there', () => {
    const dir = cutShort(copyDirectory(original), 1)
    const file = filePath(dir, 1)
    expect(statSync(`${file}-journal`).size).toBeGreaterThan(512)
    expect(() =>
      new Database(file, { readonly: true }).prepare('SELECT * FROM commits').all(),
    ).toThrow(/readonly/)
    const expected = heads.at(-1) as Head
    expect(verifyJournal(dir, { expected })).toMatchObject({ ok: true, head: expected })
    expect(readdirSync(path.dirname(file))).not.toContain(`${path.basename(file)}-journal`)
  })

  it('of the file before the newest one, a start finds nothing damaged', () => {
    const bench = new Bench(cutShort(copyDirectory(original), 1))
    try {
      expect(bench.journal.recovered.damaged ?? []).toEqual([])
    } finally {
      bench.close()
    }
  })
})
