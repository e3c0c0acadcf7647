// URS-46 the command that walks a journal: what it says, and with which exit code.

import path from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { Output } from '../../../agent/cli/output.ts'
import { verify } from '../../../agent/cli/verify.ts'
import { segmentNames } from '../../../agent/store/segment.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { Bench, event, NOON, reading, temporaryDirectory } from '../store/support.ts'

function said(): { output: Output; lines: string[] } {
  const lines: string[] = []
  const output = {
    data: (text: string) => void lines.push(text),
    talk: () => {},
    style: (_: unknown, text: string) => text,
  }
  return { output, lines }
}

function journal(): { dir: string; head: { seq: number; hash: string } } {
  const dir = temporaryDirectory()
  const bench = new Bench(dir)
  bench.commit([reading('a', NOON), event('x')])
  const head = bench.commit([reading('a', NOON + 1000)])
  bench.close()
  return { dir, head }
}

const alter = (dir: string): void => {
  const directory = path.join(dir, 'journal')
  const db = new Database(path.join(directory, segmentNames(systemDisk.list(directory))[0] ?? ''))
  db.exec('UPDATE reading SET v = 1 WHERE s = 3')
  db.close()
}

describe('verify', () => {
  it('URS-46 says what holds, with its head, and ends with 0', () => {
    const { dir, head } = journal()
    const { output, lines } = said()
    expect(verify(dir, { progress: false }, output)).toBe(0)
    expect(lines.join('\n')).toContain(`holds: 2 readings and 1 events in 1 file(s)`)
    expect(lines.join('\n')).toContain(`head 3 sha256:${head.hash}`)
  })

  it('URS-46 names the first altered record, and ends with 1', () => {
    const { dir } = journal()
    alter(dir)
    const { output, lines } = said()
    expect(verify(dir, { progress: false }, output)).toBe(1)
    expect(lines[0]).toMatch(/does not hold: .*journal-000001-20251122\.db: record 3 was altered/)
    const json = said()
    expect(verify(dir, { json: true, progress: false }, json.output)).toBe(1)
    expect(JSON.parse(json.lines[0] ?? '')).toMatchObject({
      ok: false,
      fault: { seq: 3, kind: 'altered' },
    })
  })

  it('URS-46 holds a head known from elsewhere against the chain', () => {
    const { dir, head } = journal()
    const against = (known: string) => verify(dir, { head: known, progress: false }, said().output)
    expect(against(`3:${head.hash}`)).toBe(0)
    expect(against(`3:sha256:${head.hash}`)).toBe(0)
    expect(against(`3:${'a'.repeat(64)}`), 'another chain').toBe(1)
    expect(against(`2:${'a'.repeat(64)}`), 'another chain before').toBe(1)
    expect(against(`4:${head.hash}`), 'its end was cut off').toBe(1)
  })

  it('refuses what is no journal, no head, or named twice', () => {
    const { output } = said()
    const { dir } = journal()
    const refusal = (exitCode: number) => expect.objectContaining({ exitCode })
    expect(() => verify(temporaryDirectory(), {}, output)).toThrow(refusal(65))
    expect(() => verify(dir, { head: 'x', progress: false }, output)).toThrow(refusal(64))
    expect(() => verify(dir, { config: 'x.yaml' }, output)).toThrow(refusal(64))
  })
})
