// HO6: a journal that cannot be gone on from is set aside whole, a new epoch names it, alarms stay, records are got out.

import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import type { Quarantined } from '#ports/store.ts'
import type { Disk } from '../../../agent/store/disk.ts'
import type { JournalOptions } from '../../../agent/store/journal.ts'
import { carriedOver, covering, openJournal, unsalvaged } from '../../../agent/store/quarantine.ts'
import { salvage } from '../../../agent/store/salvage.ts'
import { segmentNames } from '../../../agent/store/segment.ts'
import { StoreError } from '../../../agent/store/store-error.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import {
  Bench,
  copyDirectory,
  DAY_MS,
  EPOCH,
  event,
  FaultyDisk,
  NOON,
  reading,
  Stopped,
  temporaryDirectory,
} from './support.ts'

const NEW_EPOCH = '01JD9Z8Q5K0000000000000000'
const HOUR = 3_600_000

const options = (dataDir: string, disk: Disk = systemDisk): JournalOptions => ({
  disk,
  dataDir,
  origin: 'simulated',
  log: silentLog,
  wall: NOON + HOUR,
  mono: 9000,
  bootId: 'boot-2',
  newEpoch: NEW_EPOCH,
})

const files = (dir: string): string[] => segmentNames(readdirSync(path.join(dir, 'journal')))
const newest = (dir: string): string => path.join(dir, 'journal', files(dir).at(-1) ?? '')

const alarmRow = (active: boolean, seq: number): string =>
  JSON.stringify({ state: { active, acked: false, seq, ts: NOON, occurrence: null }, judged: 'x' })

/** Two days of records with an alarm that is active, cursors, and a person. */
function filled(groups = 10): string {
  const dir = temporaryDirectory()
  const bench = new Bench(dir, { wall: NOON - DAY_MS })
  const state = [
    { key: 'alarm/a.action_high', value: alarmRow(true, 3) },
    { key: 'cursor/event', value: '2' },
    { key: 'confirm/event/historian', value: '2' },
    { key: 'user/jdoe', value: '{"role":"qa"}' },
  ]
  bench.commit([reading('a', NOON - DAY_MS), event('x')], {
    state,
    at: { wall: NOON - DAY_MS, mono: 1 },
  })
  const group = Array.from({ length: 400 }, (_, n) => reading(`p${n % 40}`, NOON + 1000 * n))
  for (let n = 0; n < groups; n++) bench.commit([...group, event('y', { n })])
  bench.close()
  return dir
}

/** The state once a record tells what was got out. */
const told = (quarantined: Quarantined | undefined): Map<string, string> =>
  new Map([['store/salvaged', JSON.stringify([quarantined?.directory])]])

const withDb = (file: string, sql: string): void => {
  const db = new Database(file)
  db.exec(sql)
  db.close()
}

/** Overwrites pages in the middle of a file. */
function spoilPages(file: string, pages: number): void {
  const bytes = readFileSync(file)
  const middle = Math.floor(bytes.length / 8192) * 4096
  bytes.fill(0xa5, middle, middle + 4096 * pages)
  writeFileSync(file, bytes)
}

describe('a newest file that cannot be gone on from', () => {
  it.each<
    [what: string, spoil: (file: string) => void, kind: string, stateOf: 'newest' | 'earlier']
  >([
    ['pages overwritten', (file) => spoilPages(file, 3), 'corrupt', 'newest'],
    ['no database any more', (file) => writeFileSync(file, 'x'.repeat(8192)), 'corrupt', 'earlier'],
    ['empty', (file) => truncateSync(file, 0), 'corrupt', 'earlier'],
    ['cut to one page', (file) => truncateSync(file, 4096), 'corrupt', 'earlier'],
    ['of a later version', (file) => withDb(file, 'PRAGMA user_version = 99'), 'version', 'newest'],
    [
      'with an altered reading',
      (file) => withDb(file, 'UPDATE reading SET v = 1'),
      'corrupt',
      'newest',
    ],
    [
      'with a record that is no JSON',
      (file) => withDb(file, "UPDATE reading SET more = '{'"),
      'corrupt',
      'newest',
    ],
    [
      'without its state',
      (file) => withDb(file, 'DELETE FROM state; DELETE FROM event'),
      'corrupt',
      'earlier',
    ],
  ])('%s: it is set aside whole and a new epoch goes on', (_what, spoil, kind, stateOf) => {
    const dir = filled()
    const [earlier = '', hot = ''] = files(dir)
    spoil(newest(dir))
    const { journal, quarantined } = openJournal(options(dir))
    expect(quarantined).toMatchObject({
      kind,
      file: hot,
      stateOf: stateOf === 'newest' ? hot : earlier,
      epoch: EPOCH,
    })
    const aside = path.join(dir, quarantined?.directory ?? '')
    expect(files(aside), 'nothing was deleted').toEqual([earlier, hot])

    const { recovered } = journal
    expect(recovered.epoch).toBe(NEW_EPOCH)
    expect(recovered.head.seq).toBe(1)
    const [first] = journal.batches({ stream: 'event', after: 0, batches: 5 })
    expect(JSON.parse(first?.text ?? '')).toMatchObject({
      seq: 1,
      type: 'store.quarantined',
      oldEpoch: EPOCH,
      kind,
    })
    expect(JSON.parse(recovered.state.get('alarm/a.action_high') ?? '')).toMatchObject({
      state: { active: true, seq: 1 },
    })
    expect([...recovered.state.keys()].sort()).toEqual(['alarm/a.action_high', 'user/jdoe'])
    journal.close()
    expect(verifyJournal(dir)).toMatchObject({ ok: true, epoch: NEW_EPOCH })
    expect(openJournal(options(dir)).quarantined, 'it is told once').toBeUndefined()
  })

  it('HO15 leaves a journal of a later version as it was: its own program goes on with it', () => {
    const dir = filled()
    const before = verifyJournal(dir)
    withDb(newest(dir), 'PRAGMA user_version = 99')
    const { journal, quarantined } = openJournal(options(dir))
    journal.close()
    const aside = path.join(dir, quarantined?.directory ?? '')
    withDb(newest(aside), 'PRAGMA user_version = 1')
    expect(verifyJournal(aside)).toEqual(before)
    const again = openJournal(options(aside))
    expect(again.quarantined).toBeUndefined()
    expect(before).toMatchObject({ ok: true, head: again.journal.head })
    again.journal.close()
  })

  it('names head and last moment, and counts the time since as downtime, where they can be read', () => {
    const dir = filled()
    withDb(newest(dir), 'UPDATE reading SET v = 1')
    const { journal, quarantined } = openJournal(options(dir))
    expect(quarantined).toMatchObject({ head: { seq: 4012 }, lastSeen: NOON })
    expect(journal.recovered.lastCommit).toMatchObject({ at: { wall: NOON }, bootId: 'boot-1' })
    expect(journal.recovered.coverage.get('p0')).toEqual({ t: NOON + 360_000, slots: 1 })
  })

  it('claims no downtime for a point of which only a snapshot told, and that has gone', () => {
    const dir = filled()
    const bench = new Bench(dir)
    const row = { key: 'slots_begin', value: '{"a":[0,1],"p0":[0,1]}' }
    bench.commit([event('z')], { state: [row] })
    bench.close()
    const sums = "DELETE FROM coverage; UPDATE state SET value = '1' WHERE key = 'store/sum'"
    withDb(newest(dir), sums)
    const { recovered } = openJournal(options(dir)).journal
    expect(recovered.coverage.get('p0')).toEqual({ t: NOON + 360_000, slots: 1 })
    expect(recovered.coverage.has('a')).toBe(false)
    expect(JSON.parse(recovered.state.get('slots_begin') ?? '')).toEqual({ p0: [0, 1] })
  })

  it('claims no downtime for slots that a lost record may have covered', () => {
    const dir = filled()
    const gone = 'DELETE FROM reading WHERE s = (SELECT max(s) FROM reading)'
    withDb(newest(dir), `${gone}; UPDATE reading SET v = 1`)
    expect(openJournal(options(dir)).journal.recovered.coverage.size).toBe(0)
  })

  it('claims no downtime for slots that a lost file may have covered', () => {
    const dir = filled()
    truncateSync(newest(dir), 4096)
    const { recovered } = openJournal(options(dir)).journal
    expect(recovered.coverage.size).toBe(0)
  })

  it('interrupted at each operation, the next start ends with the same, and never with two of them', () => {
    const whole = filled(0)
    withDb(newest(whole), 'UPDATE reading SET v = 1')
    for (let at = 1; ; at++) {
      const dir = copyDirectory(whole)
      const disk = new FaultyDisk(at)
      let finished = false
      try {
        openJournal(options(dir, disk)).journal.close()
        finished = true
      } catch (thrown) {
        if (!(thrown instanceof Stopped)) throw thrown
      }
      const left = copyDirectory(dir)
      const { journal } = openJournal(options(left))
      const events = journal.batches({ stream: 'event', after: 0, batches: 10 })
      expect(
        events.map(({ text }) => JSON.parse(text).type),
        `stopped at ${at}`,
      ).toEqual(['store.quarantined'])
      expect(
        JSON.parse(journal.recovered.state.get('alarm/a.action_high') ?? '').state.active,
      ).toBe(true)
      const aside = readdirSync(path.join(left, 'quarantine'))
      const kept = aside.filter((name) =>
        existsSync(path.join(left, 'quarantine', name, 'journal')),
      )
      expect(kept).toHaveLength(1)
      journal.close()
      if (finished) {
        expect(at).toBeGreaterThan(40)
        return
      }
    }
  }, 60_000)

  it('refuses what a new file would not mend: a disk that fails', () => {
    const dir = filled()
    const disk: Disk = {
      ...systemDisk,
      open: () => {
        throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' })
      },
    }
    expect(() => openJournal(options(dir, disk))).toThrow(/disk I\/O error/)
    expect(existsSync(path.join(dir, 'quarantine'))).toBe(false)
  })

  it('sets a file aside that the medium does not read any more', () => {
    const dir = filled()
    let refused = 0
    const disk: Disk = {
      ...systemDisk,
      open: (file, mode) => {
        if (mode === 'write' && refused++ === 0) {
          const cause = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_READ' })
          throw new StoreError('io', 'the disk refused a read', { cause })
        }
        return systemDisk.open(file, mode)
      },
    }
    expect(openJournal(options(dir, disk)).quarantined).toMatchObject({ kind: 'unreadable' })
  })
})

describe('salvage', () => {
  it('gets out every record that can be read, with the sequence numbers of the old epoch, and names the rest', () => {
    const dir = filled()
    spoilPages(newest(dir), 3)
    const { quarantined } = openJournal(options(dir))
    const aside = path.join(dir, quarantined?.directory ?? '')
    expect(unsalvaged(systemDisk, dir, new Map())).toEqual([quarantined?.directory])
    const result = salvage(systemDisk, aside)
    expect(unsalvaged(systemDisk, dir, told(quarantined))).toEqual([])
    expect(result.epoch).toBe(EPOCH)
    expect(result.readings).toBeGreaterThan(3000)
    expect(result.readings + result.events + result.lostRecords).toBe(4010)
    expect(result.lostRecords).toBeGreaterThan(0)
    const [head, ...lines] = readFileSync(path.join(aside, 'salvaged.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
    expect(JSON.parse(head ?? '')).toMatchObject({ epoch: EPOCH, verified: false })
    const numbers = lines.map((line) => {
      const { s, seq } = JSON.parse(line) as { s?: number; seq?: number }
      return s ?? seq ?? 0
    })
    expect(new Set(numbers).size).toBe(result.readings + result.events)
    expect(numbers.every((seq) => seq >= 3 && seq <= 4012)).toBe(true)
    const lost = result.lost.reduce((sum, [from, through]) => sum + through - from + 1, 0)
    // A range of readings may hold an event that was read.
    expect(lost).toBeGreaterThanOrEqual(result.lostRecords)
    expect(lost).toBeLessThan(result.lostRecords + 5)
    expect(statSync(path.join(aside, 'salvaged.json')).size).toBeGreaterThan(0)
  })

  it('D2 names what is in neither stream any more, though nothing says that it was there', () => {
    const dir = filled()
    withDb(newest(dir), 'DELETE FROM reading WHERE s BETWEEN 1000 AND 1009 OR s = 2000')
    const { quarantined } = openJournal(options(dir))
    const result = salvage(systemDisk, path.join(dir, quarantined?.directory ?? ''))
    const lost = [
      [1000, 1009],
      [2000, 2000],
    ]
    expect(result).toMatchObject({ from: 3, through: 4012, lost, lostRecords: 11 })
    expect(result.readings + result.events).toBe(4010 - 11)
  })

  it('is told again where the record of it was not durable, without being done again', () => {
    const dir = filled()
    spoilPages(newest(dir), 3)
    const { quarantined } = openJournal(options(dir))
    const aside = path.join(dir, quarantined?.directory ?? '')
    const result = salvage(systemDisk, aside)
    expect(unsalvaged(systemDisk, dir, new Map())).toEqual([quarantined?.directory])
    writeFileSync(newest(aside), 'x')
    expect(salvage(systemDisk, aside)).toEqual(result)
    const state = carriedOver(told(quarantined))
    expect(unsalvaged(systemDisk, dir, state), 'also in a later epoch').toEqual([])
  })

  it('of a file that is no database any more gives nothing, and is over', () => {
    const dir = filled()
    writeFileSync(newest(dir), 'x'.repeat(8192))
    const { quarantined } = openJournal(options(dir))
    const result = salvage(systemDisk, path.join(dir, quarantined?.directory ?? ''))
    expect(result).toMatchObject({ readings: 0, events: 0, unreadable: true })
    expect(unsalvaged(systemDisk, dir, told(quarantined))).toEqual([])
  })
})

describe('state in a new epoch', () => {
  it('drops the cursors of the old one, and keeps alarms, people and everything else', () => {
    const state = new Map([
      ['cursor/readings', '7'],
      ['confirm/event/x', '7'],
      ['alarm/a.gap', alarmRow(false, 0)],
      ['alarms', '["a.gap"]'],
      ['zone/z', '{"occupancy":"at_rest","past":[]}'],
    ])
    expect([...carriedOver(state)]).toEqual([...state].slice(2))
  })

  it('URS-01 owes no slots since an account began where it is not known which were covered', () => {
    const state = new Map([
      ['slots_begin', '{"a":[2,1000]}'],
      ['ledger', '{"a":1000}'],
    ])
    const coverage = new Map([['a', { t: 5000, slots: 1 }]])
    expect(covering(state, coverage)).toEqual({ state, coverage })
    const lost = covering(state, undefined)
    expect([...lost.state.keys()]).toEqual(['ledger'])
    expect(lost.coverage.size).toBe(0)
  })
})
