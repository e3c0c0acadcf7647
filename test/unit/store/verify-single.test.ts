// Commits of one record each, as a quiet plant writes them: what is taken out or put in is still named to the record.

import path from 'node:path'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import { segmentNames } from '../../../agent/store/segment.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import { Bench, event, reading, temporaryDirectory } from './support.ts'

function tampered(...statements: string[]) {
  const dir = temporaryDirectory()
  const bench = new Bench(dir)
  for (let n = 1; n <= 6; n++) bench.commit([n % 3 === 0 ? event('note', { n }) : reading('a', n)])
  bench.close()
  const journal = path.join(dir, 'journal')
  const [name = ''] = segmentNames(systemDisk.list(journal))
  const db = new Database(path.join(journal, name))
  for (const sql of statements) db.exec(sql)
  db.close()
  return verifyJournal(dir)
}

const without = (from: number, through: number) =>
  ['commits WHERE first', 'reading WHERE s', 'event WHERE s'].map(
    (rows) => `DELETE FROM ${rows} BETWEEN ${from} AND ${through}`,
  )

it.each<[what: string, statements: string[], fault: object]>([
  [
    'one commit removed',
    without(3, 3),
    { kind: 'removed', seq: 3, through: 3, message: expect.stringContaining('record 3 removed') },
  ],
  [
    'two removed',
    without(3, 4),
    {
      kind: 'removed',
      seq: 3,
      through: 4,
      message: expect.stringContaining('records 3–4 removed'),
    },
  ],
])('URS-46 verify names %s', (_, statements, fault) => {
  expect(tampered()).toMatchObject({ ok: true, readings: 4, events: 2 })
  expect(tampered(...statements)).toMatchObject({ ok: false, fault })
})
