// HO4 HO5 the store in memory: nothing is invented, everything that was not kept is counted, and alarms outlive the gap.

import { describe, expect, it } from 'vitest'
import type { Commit, Recovered, Store } from '#ports/store.ts'
import { recordGap, VolatileStore } from '../../../agent/store/volatile-store.ts'
import { badReading, event, NOON, reading } from './support.ts'

const HEAD = { seq: 100, hash: 'ab'.repeat(32) }
const row = (active: boolean, seq: number): string =>
  JSON.stringify({ state: { active, seq }, judged: '' })
const lastKnown: Recovered = {
  epoch: '01JD3Z8Q5K0000000000000000',
  created: false,
  head: HEAD,
  tb: 2,
  lastCommit: { at: { wall: NOON - 60_000, mono: 1000 }, bootId: 'boot-1' },
  state: new Map([
    ['alarm/a.action_high', row(false, 90)],
    ['alarm/b.action_high', row(true, 91)],
    ['user/jdoe', '{}'],
  ]),
  coverage: new Map([['a', { t: NOON - 60_000, slots: 1 }]]),
}

const volatile = (locks: string[] = []): VolatileStore =>
  new VolatileStore({
    lastKnown,
    reason: 'the disk is full',
    since: { wall: NOON, mono: 61_000 },
    lock: () => {
      locks.push('taken')
      return () => void locks.push('left')
    },
  })

const commit = (records: Commit['records'], state: Commit['state'] = [], tb = 2): Commit => ({
  at: { wall: NOON + 5000, mono: 66_000 },
  bootId: 'boot-1',
  tb,
  first: 101,
  records,
  state,
})

/** A store that is good again, as far as a gap needs one. */
function good(): { store: Store; commits: Commit[] } {
  const commits: Commit[] = []
  const store: Store = {
    recovered: lastKnown,
    commit: async (given) => {
      commits.push(given)
      return { seq: HEAD.seq + given.records.length, hash: 'cd'.repeat(32) }
    },
    batches: async () => [],
    count: async () => 0,
    close: async () => {},
  }
  return { store, commits }
}

describe('a store in memory', () => {
  it('never moves the head, hands nothing out, and does not pretend to count', async () => {
    const store = volatile()
    expect(await store.commit(commit([reading('a', NOON)]))).toEqual(HEAD)
    expect(await store.batches()).toEqual([])
    await expect(store.count()).rejects.toThrow(/out of order/)
  })

  it('holds the lock while it is open, and takes it again', async () => {
    const locks: string[] = []
    const store = volatile(locks)
    await store.close()
    await store.close()
    store.reopen()
    expect(locks).toEqual(['taken', 'left', 'taken'])
  })

  it('has no gap before it was given anything', () => {
    expect(volatile().gap()).toBeUndefined()
  })
})

describe('a gap', () => {
  const given = async (): Promise<VolatileStore> => {
    const store = volatile()
    const activated = event('alarm.activated', {
      alarm: 'a.action_high',
      occ: '01X',
      from: 'normal',
      to: 'unacknowledged',
    })
    await store.commit(
      commit(
        [reading('a', NOON), badReading('b', NOON), activated],
        [
          { key: 'alarm/a.action_high', value: row(true, 103) },
          { key: 'alarm/b.action_high', value: undefined },
          { key: 'user/jdoe', value: '{"forged":true}' },
          { key: 'cursor/event', value: '999' },
        ],
      ),
    )
    return store
  }

  it('URS-34 carries over what stands around alarms: a shelf that ended meanwhile stays ended', async () => {
    const store = volatile()
    const rows = ['hold/a.action_high', 'stay/b101', 'reminder/a.action_high', 'alarms_gone']
    await store.commit(
      commit(
        [],
        rows.map((key) => ({ key, value: undefined })),
      ),
    )
    expect(store.changes().map(({ key }) => key)).toEqual(rows)
  })

  it('URS-49 is one record with from, to, counts, reason and the transitions of alarms', async () => {
    const { store, commits } = good()
    const gap = (await given()).gap()
    if (gap === undefined) throw new Error('no gap')
    const told = await recordGap(store, gap, { wall: NOON + 9000, mono: 70_000 }, 'boot-1')
    expect(commits).toHaveLength(1)
    expect(commits[0]).toMatchObject({
      first: 101,
      tb: 2,
      records: [
        {
          event: {
            type: 'store.gap',
            body: {
              from: NOON,
              to: NOON + 5000,
              readings: 2,
              events: 1,
              reason: 'the disk is full',
              alarms: [{ alarm: 'a.action_high', occ: '01X', to: 'unacknowledged' }],
            },
          },
        },
      ],
    })
    expect(told.recovered.head.seq).toBe(101)
  })

  it('URS-35 names what began and ceased to be suppressed in it', async () => {
    const store = volatile()
    const body = { zone: 'b101', count: 1, alarms: ['b101-t.alert_high'] }
    for (const type of ['suppression.started', 'suppression.ended'])
      await store.commit(commit([{ kind: 'event', event: { type, ts: NOON, body } }], []))
    expect(store.gap()?.alarms).toEqual([
      { type: 'suppression.started', ts: NOON, zone: 'b101', alarms: ['b101-t.alert_high'] },
      { type: 'suppression.ended', ts: NOON, zone: 'b101', alarms: ['b101-t.alert_high'] },
    ])
  })

  it('carries the alarms over with the number of the gap, and neither people nor cursors', async () => {
    const { store, commits } = good()
    const gap = (await given()).gap()
    if (gap === undefined) throw new Error('no gap')
    const { recovered } = await recordGap(store, gap, { wall: NOON + 9000, mono: 70_000 }, 'boot-1')
    expect([...recovered.state]).toEqual([
      ['alarm/a.action_high', row(true, 101)],
      ['user/jdoe', '{}'],
    ])
    expect(commits[0]?.state.map(({ key }) => key)).toEqual([
      'alarm/a.action_high',
      'alarm/b.action_high',
      'moved',
    ])
    expect(recovered.state.has('moved')).toBe(false)
    expect(recovered.coverage, 'its slots are owed').toBe(lastKnown.coverage)
    expect(recovered.lastCommit?.at.mono).toBe(66_000)
  })

  it('URS-51 leaves a clock that stepped in it to be found by whichever start is next, and says what has moved already', async () => {
    const { store, commits } = good()
    const memory = volatile()
    const counter = { key: 'counter/pc', value: '{"next":5}' }
    const stepped = event('clock.stepped', { stepMs: 3_600_000 })
    await memory.commit(commit([], [{ key: 'counter/pc', value: '{"next":1}' }]))
    await memory.commit(commit([stepped], [counter], 3))
    const gap = memory.gap()
    if (gap === undefined) throw new Error('no gap')
    const now = { wall: NOON + 3_600_000, mono: 70_000 }
    const { recovered } = await recordGap(store, gap, now, 'boot-1')
    expect(commits[0]).toMatchObject({
      at: { wall: NOON, mono: 70_000 },
      tb: 2,
      state: [counter, { key: 'moved', value: '3600000' }],
      records: [{ event: { ts: now.wall } }],
    })
    expect(recovered.lastCommit).toEqual({
      at: { wall: NOON + 5000 - 3_600_000, mono: 66_000 },
      bootId: 'boot-1',
    })
    expect(recovered.tb).toBe(2)
    expect(recovered.state.get('moved')).toBe('3600000')
  })

  it('is gone on with from where it stood, when the disk was bad after all', async () => {
    const store = await given()
    expect(store.recovered.state.get('alarm/a.action_high')).toBe(row(true, 103))
    expect(store.recovered.head).toEqual(HEAD)
  })
})
