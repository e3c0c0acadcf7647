import { closeSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, describe, expect, it } from 'vitest'
import type { JournalRecord } from '#core/record.ts'
import { type Log, silentLog } from '#ports/log.ts'
import type { Commit, Store } from '#ports/store.ts'
import { openStore, REQUESTS_MAX, type StoreOptions } from '../../../agent/store/sqlite-store.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import { DAY_MS, EPOCH, event, NOON, reading, temporaryDirectory } from './support.ts'

const stores: Store[] = []

async function open(dataDir: string, options: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore({
    dataDir,
    origin: 'simulated',
    log: silentLog,
    wall: () => NOON,
    newEpoch: () => EPOCH,
    ...options,
  })
  stores.push(store)
  return store
}

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
})

const commitOf = (
  first: number,
  records: readonly JournalRecord[],
  change: Partial<Commit> = {},
): Commit => ({
  at: { wall: NOON, mono: first },
  bootId: 'boot',
  tb: 0,
  first,
  records,
  state: [],
  ...change,
})

const error = (kind: string, message: RegExp) =>
  expect.objectContaining({ name: 'StoreError', kind, message: expect.stringMatching(message) })

/** The only journal file of a directory. */
const fileOf = (dir: string): string => {
  const [name = ''] = readdirSync(path.join(dir, 'journal'))
  return path.join(dir, 'journal', name)
}

describe('the store', () => {
  it('URS-47 commits in the order asked for, several in flight, and goes on after a restart', async () => {
    const dir = path.join(temporaryDirectory(), 'made', 'on', 'the', 'way')
    const store = await open(dir)
    expect(store.recovered).toMatchObject({ created: true, epoch: EPOCH, head: { seq: 0 } })
    const heads = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        store.commit(
          commitOf(2 * n + 1, [reading('a', NOON + n), event('n', { n })], {
            state: [{ key: 'n', value: `${n}` }],
          }),
        ),
      ),
    )
    expect(heads.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, n) => 2 * n + 2))
    const batches = await store.batches({ stream: 'readings', after: 0, batches: 5 })
    expect(batches).toEqual([
      expect.objectContaining({ stream: 'readings', tb: 0, prev: 0, first: 1, last: 99 }),
    ])
    expect(batches[0]?.records[1]).toBe(
      `{"s":3,"p":"a","t":${NOON + 1},"a":12,"v":15.25,"q":"good"}`,
    )
    expect(await store.batches({ stream: 'event', after: 98, batches: 5 })).toEqual([
      {
        ...{ stream: 'event', tb: 0, prev: 98, first: 100, last: 100 },
        records: [`{"seq":100,"type":"n","ts":${NOON},"n":49}`],
      },
    ])
    expect(await store.count('readings', 10)).toBe(45)
    await store.close()
    const again = await open(dir)
    expect(again.recovered).toMatchObject({ created: false, head: heads.at(-1), epoch: EPOCH })
    expect(again.recovered.state.get('n')).toBe('49')
    expect(again.recovered.coverage.get('a')).toEqual({ t: NOON + 49, slots: 1 })
    expect(again.recovered.lastCommit).toEqual({ at: { wall: NOON, mono: 99 }, bootId: 'boot' })
  })

  it('refuses a commit that does not go on from its head as a broken invariant', async () => {
    const store = await open(temporaryDirectory())
    await expect(store.commit(commitOf(2, [event('x')]))).rejects.toThrow(/begins at 2/)
    expect(await store.commit(commitOf(1, [event('x')]))).toMatchObject({ seq: 1 })
  })

  it('says that it is closed, and closes twice', async () => {
    const store = await open(temporaryDirectory())
    await store.close()
    await store.close()
    await expect(store.commit(commitOf(1, []))).rejects.toEqual(error('closed', /open it again/))
    await expect(store.count('event', 0)).rejects.toEqual(error('closed', /closed/))
  })

  it('stops when more commits wait than it may hold: none may follow a hole', async () => {
    const store = await open(temporaryDirectory())
    const asked = Array.from({ length: REQUESTS_MAX + 2 }, (_, n) =>
      store.commit(commitOf(n + 1, [event('x')])),
    )
    const results = await Promise.allSettled(asked)
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(2)
    await expect(store.commit(commitOf(REQUESTS_MAX + 1, [event('x')]))).rejects.toEqual(
      error('overload', /stopped answering/),
    )
  })

  it('bounds what waits for the disk', async () => {
    const store = await open(temporaryDirectory())
    const asked = Array.from({ length: REQUESTS_MAX + 1 }, () => store.count('event', 0))
    const results = await Promise.allSettled(asked)
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([
      { status: 'rejected', reason: error('overload', /wait for the disk/) },
    ])
  })
})

describe('opening', () => {
  it('HO14 refuses a second instance in the same process, naming the holder', async () => {
    const dir = temporaryDirectory()
    await open(dir)
    await expect(open(dir)).rejects.toEqual(error('locked', new RegExp(`process ${process.pid}`)))
    await expect(open(dir)).rejects.toMatchObject({ pid: process.pid })
    await stores.pop()?.close()
    await open(dir)
  })

  it('URS-69 refuses the other origin, also when the journal was moved away', async () => {
    const dir = temporaryDirectory()
    await (await open(dir)).close()
    await expect(open(dir, { origin: 'instrument' })).rejects.toEqual(error('origin', /simulated/))
    rmSync(path.join(dir, 'journal'), { recursive: true })
    await expect(open(dir, { origin: 'instrument' })).rejects.toEqual(error('origin', /simulated/))
    rmSync(path.join(dir, 'origin'))
    await open(dir, { origin: 'instrument' })
  })

  it('URS-69 refuses the other origin when only the mark is gone', async () => {
    const dir = temporaryDirectory()
    await (await open(dir)).close()
    rmSync(path.join(dir, 'origin'))
    await expect(open(dir, { origin: 'instrument' })).rejects.toEqual(error('origin', /simulated/))
    await open(dir)
  })

  it('HO6 sets a damaged journal aside, begins a new epoch that names it, and salvages it', async () => {
    const dir = temporaryDirectory()
    const before = await open(dir)
    await before.commit(commitOf(1, [reading('a', NOON), event('x')]))
    await before.close()
    writeFileSync(fileOf(dir), 'x'.repeat(8192))
    const store = await open(dir)
    const { created, quarantined, head } = store.recovered
    expect(created).toBe(false)
    expect(quarantined).toMatchObject({ kind: 'corrupt', file: path.basename(fileOf(dir)) })
    const [first] = await store.batches({ stream: 'event', after: 0, batches: 1 })
    expect(first).toMatchObject({ first: 1, prev: 0 })
    expect(first?.records[0]).toContain('"store.quarantined"')
    expect(head.seq).toBe(1)
    expect(await store.salvage?.()).toMatchObject([
      { directory: quarantined?.directory, readings: 0, events: 0 },
    ])
    await store.close()
    const again = await open(dir)
    expect(again.recovered.quarantined).toBeUndefined()
    expect(again.recovered.unsalvaged, 'no record tells of it yet').toHaveLength(1)
    const [told] = (await again.salvage?.()) ?? []
    const state = [...(told?.rows ?? [])].map(([key, value]) => ({
      key,
      value: JSON.stringify(value),
    }))
    await again.commit({ ...commitOf(2, [event('store.salvaged')]), state })
    await again.close()
    expect(await (await open(dir)).salvage?.()).toEqual([])
  })

  it('HO6 gives a salvage up when it is closed, says that it did, and begins it again at the next start', async () => {
    const dir = temporaryDirectory()
    const before = await open(dir)
    await before.commit(commitOf(1, [reading('a', NOON), event('x')]))
    await before.close()
    writeFileSync(fileOf(dir), 'x'.repeat(8192))
    const store = await open(dir)
    const salvaged = store.salvage?.()
    await store.close()
    expect(await salvaged).toBeUndefined()
    const again = await open(dir)
    expect(await again.salvage?.()).toMatchObject([{ readings: 0, events: 0 }])
  })
})

describe('a failed commit', () => {
  it('HO4 rejects as `full` and stops the store; the next start has what was acknowledged', async () => {
    const dir = temporaryDirectory()
    const store = await open(dir, { fileBytesMax: 200 * 1024 })
    let head = store.recovered.head
    const group = Array.from({ length: 200 }, (_, n) => reading(`p${n}`, NOON + n))
    const fill = async () => {
      for (let n = 0; n < 1000; n++) head = await store.commit(commitOf(head.seq + 1, group))
    }
    await expect(fill()).rejects.toEqual(error('full', /free space/))
    expect(head.seq).toBeGreaterThan(200)
    await expect(store.commit(commitOf(head.seq + 1, []))).rejects.toEqual(error('full', /full/))
    await expect(store.batches({ stream: 'readings', after: 0, batches: 1 })).rejects.toEqual(
      error('full', /full/),
    )
    await store.close()
    const again = await open(dir)
    expect(again.recovered.head).toEqual(head)
    expect(await again.commit(commitOf(head.seq + 1, group))).toMatchObject({ seq: head.seq + 200 })
    await again.close()
    expect(verifyJournal(dir)).toMatchObject({ ok: true })
  })
})

describe('several commits in flight', () => {
  it('HO5 fail from the first that fails on, with its cause, and none is tried again', async () => {
    const store = await open(temporaryDirectory(), { fileBytesMax: 200 * 1024 })
    const group = Array.from({ length: 200 }, (_, n) => reading(`p${n}`, NOON + n))
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, n) => store.commit(commitOf(200 * n + 1, group))),
    )
    const failed = results.findIndex(({ status }) => status === 'rejected')
    expect(failed).toBeGreaterThan(1)
    expect(results.slice(failed)).toEqual(
      Array.from({ length: 60 - failed }, () => ({
        status: 'rejected',
        reason: error('full', /commit to the journal/),
      })),
    )
  })
})

describe('a damaged file of an earlier day', () => {
  it('spoils what is read from it, and nothing else', async () => {
    const dir = temporaryDirectory()
    const store = await open(dir)
    const onDay = (day: number): Partial<Commit> => ({
      at: { wall: NOON + day * DAY_MS, mono: day },
    })
    await store.commit(commitOf(1, [event('x')], onDay(0)))
    await store.commit(commitOf(2, [event('y')], onDay(1)))
    writeFileSync(fileOf(dir), 'x'.repeat(8192))
    const all = { stream: 'event', after: 0, batches: 10 } as const
    await expect(store.batches(all)).rejects.toEqual(error('corrupt', /not a database/))
    expect(await store.commit(commitOf(3, [event('z')], onDay(1)))).toMatchObject({ seq: 3 })
    expect(await store.batches({ ...all, after: 1 })).toHaveLength(2)
  })
})

describe('the file that is written', () => {
  it('HO6 is said to be unreadable where what waits in it is damaged, and goes on being written', async () => {
    const dir = temporaryDirectory()
    const store = await open(dir)
    const found: string[] = []
    store.onUnreadable?.((words) => found.push(words))
    let head = 0
    for (let turn = 0; turn < 10; turn++) {
      const records = Array.from({ length: 1000 }, (_, n) => reading('a', NOON + head + n))
      head = (await store.commit(commitOf(head + 1, records))).seq
    }
    const db = new Database(fileOf(dir))
    db.pragma('wal_checkpoint(TRUNCATE)')
    db.close()
    const fd = openSync(fileOf(dir), 'r+')
    writeSync(fd, new Uint8Array(20 * 4096).fill(0xa5), 0, 20 * 4096, 40 * 4096)
    closeSync(fd)
    const all = async (): Promise<void> => {
      for (let after = 0; after < head; after += 20_000)
        await store.batches({ stream: 'readings', after, batches: 200 })
    }
    await expect(all()).rejects.toEqual(error('corrupt', /read from the journal/))
    expect(found).toEqual([expect.stringMatching(/malformed/)])
    expect(await store.commit(commitOf(head + 1, [event('x')]))).toMatchObject({ seq: head + 1 })
  })
})

describe('files left behind', () => {
  it('are sealed in the background, with index and hash, and read as before', async () => {
    const dir = temporaryDirectory()
    const sealed: unknown[] = []
    const done = Promise.withResolvers<void>()
    const log: Log = {
      ...silentLog,
      info: (name, fields) => {
        if (name !== 'store_file_sealed') return
        sealed.push(fields)
        if (sealed.length === 2) done.resolve()
      },
      error: (name, fields) => done.reject(new Error(`${name} ${JSON.stringify(fields)}`)),
    }
    const store = await open(dir, { sealDelayMs: 1, log })
    let seq = 1
    for (let day = 0; day < 3; day++) {
      await store.commit(
        commitOf(seq, [reading('a', NOON), event('x')], {
          at: { wall: NOON + day * DAY_MS, mono: day },
        }),
      )
      seq += 2
      await store.batches({ stream: 'event', after: 0, batches: 10 })
    }
    await done.promise
    expect(await store.count('event', 1)).toBe(3)
    const events = await store.batches({ stream: 'event', after: 0, batches: 10 })
    expect(events.map(({ prev, first }) => [prev, first])).toEqual([
      [0, 2],
      [2, 4],
      [4, 6],
    ])
    await store.close()
    expect(readdirSync(path.join(dir, 'journal')).sort()).toEqual([
      'journal-000001-20251122.db',
      'journal-000002-20251123.db',
      'journal-000003-20251124.db',
    ])
    const index = new Database(path.join(dir, 'journal', 'journal-000001-20251122.db'), {
      readonly: true,
    })
    expect(index.pragma('index_info(reading_point_t)')).toHaveLength(4)
    expect(index.pragma('journal_mode', { simple: true })).toBe('delete')
    index.close()
    expect(verifyJournal(dir)).toMatchObject({ ok: true, files: 3 })
    const again = await open(dir, { sealDelayMs: 1, log })
    expect(again.recovered.head.seq).toBe(6)
    expect(sealed).toHaveLength(2)
  })
})
