// HO3 the head known outside the journal: written whole, and a journal that falls short of it is set aside.

import { cpSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import { readHeadMarker, shortfall, writeHeadMarker } from '../../../agent/store/head-marker.ts'
import { openJournal } from '../../../agent/store/quarantine.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { Bench, EPOCH, event, NOON, reading, temporaryDirectory } from './support.ts'

const marker = (seq: number, hash = 'aa', epoch = EPOCH) => ({ epoch, seq, hash, wall: NOON })

describe('the marker', () => {
  it.each([
    ['the same head', marker(5), undefined],
    ['an older head', marker(4, 'bb'), undefined],
    ['a later head', marker(6), /ends at record 5.*ended at 6/],
    ['another chain', marker(5, 'bb'), /chain at record 5 is not/],
    ['another epoch', marker(9, 'bb', 'X'), undefined],
    ['none', undefined, undefined],
  ])('HO3 against %s', (_what, known, words) => {
    const found = shortfall(known, EPOCH, { seq: 5, hash: 'aa' })
    if (words === undefined) expect(found).toBeUndefined()
    else expect(found).toMatch(words)
  })

  it('is read as it was written; what is none counts as none', async () => {
    const dir = temporaryDirectory()
    expect(readHeadMarker(systemDisk, dir)).toBeUndefined()
    await writeHeadMarker(dir, marker(7))
    expect(readHeadMarker(systemDisk, dir)).toEqual(marker(7))
    for (const text of [
      '',
      '{',
      '{"epoch":1}',
      'null',
      '{"epoch":"x","seq":1.5,"hash":"","wall":0}',
    ]) {
      writeFileSync(path.join(dir, 'head.json'), text)
      expect(readHeadMarker(systemDisk, dir)).toBeUndefined()
    }
  })
})

describe('a journal that falls short', () => {
  const open = (dataDir: string) =>
    openJournal({
      ...{ disk: systemDisk, dataDir, origin: 'simulated', log: silentLog, wall: NOON },
      ...{ newEpoch: '01JD9Z8Q5K0000000000000000', mono: 1, bootId: 'boot-2' },
    })

  it('HO3 is set aside: no number is given twice, and no downtime is claimed from it', async () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    bench.commit([reading('a', NOON)])
    bench.close()
    cpSync(path.join(dir, 'journal'), path.join(dir, 'kept'), { recursive: true })
    const later = new Bench(dir)
    const head = later.commit([event('x')])
    later.close()
    await writeHeadMarker(dir, { epoch: EPOCH, wall: NOON, ...head })
    rmSync(path.join(dir, 'journal'), { recursive: true })
    cpSync(path.join(dir, 'kept'), path.join(dir, 'journal'), { recursive: true })
    const { journal, quarantined } = open(dir)
    expect(quarantined).toMatchObject({ kind: 'rolled_back', epoch: EPOCH, head: { seq: 1 } })
    const told = journal
      .batches({ stream: 'event', after: 0, batches: 5 })
      .map(({ text }) => JSON.parse(text))
    expect(told).toMatchObject([
      { seq: 1, type: 'store.quarantined' },
      { seq: 2, type: 'store.rolled_back', known: { seq: 2, hash: head.hash }, head: { seq: 1 } },
    ])
    expect(journal.recovered.coverage.size).toBe(0)
    journal.close()
  })

  it('HO3 that is not there any more is said by the new one, once', async () => {
    const dir = temporaryDirectory()
    const bench = new Bench(dir)
    const head = bench.commit([reading('a', NOON)])
    bench.close()
    await writeHeadMarker(dir, { epoch: EPOCH, wall: NOON, ...head })
    rmSync(path.join(dir, 'journal'), { recursive: true })
    const { journal, lost, quarantined } = open(dir)
    expect([typeof lost, quarantined]).toEqual(['string', undefined])
    const [first] = journal.batches({ stream: 'event', after: 0, batches: 5 })
    expect(JSON.parse(first?.text ?? '')).toMatchObject({
      type: 'store.rolled_back',
      known: { seq: 1 },
    })
    journal.close()
    const again = open(dir)
    expect([again.lost, again.journal.head.seq]).toEqual([undefined, 1])
    again.journal.close()
  })
})
