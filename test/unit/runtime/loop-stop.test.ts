// A loop that is stopped: what came in is still made durable where it is asked for, and nothing comes by time any more, so that a delay
// that ends while the store is being closed is no failure (a demo that was ended said so, and a daemon would have ended with 74).

import { describe, expect, it } from 'vitest'
import { createState } from '#core/step.ts'
import { silentLog } from '#ports/log.ts'
import type { Commit, Store } from '#ports/store.ts'
import { Loop } from '../../../agent/runtime/loop.ts'
import { resumeTimeBase } from '../../../agent/runtime/time-base.ts'
import { plantOf } from '../../support/core-plant.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

function setUp() {
  const clock = virtualClock()
  const commits: Commit[] = []
  const failures: string[] = []
  let closed = false
  let seq = 0
  const store: Store = {
    recovered: {
      ...{ epoch: 'E', created: true, head: { seq: 0, hash: '' }, tb: 0 },
      ...{ state: new Map(), coverage: new Map() },
    },
    commit: async (commit) => {
      if (closed) throw new Error('the store is closed')
      commits.push(commit)
      seq += commit.records.length
      return { seq, hash: '' }
    },
    batches: async () => [],
    count: async () => 0,
    close: async () => {
      closed = true
    },
  }
  const at = clock.now()
  const plant = plantOf(['b101-dp'])
  const { state } = createState({
    ...{ plant, epoch: 'E', seq: 0, tb: 0, at },
    persisted: new Map(),
  })
  const loop = new Loop({
    ...{ clock, store, log: silentLog, state, base: { tb: 0, offsetMs: at.wall - at.mono } },
    listener: {
      committed: () => {},
      unstored: () => {},
      clockStepped: () => {},
      failed: (error) => failures.push(error.message),
    },
  })
  /** A pressure below its limit: an on-delay of 30 s begins. */
  const low = () => {
    const now = clock.now()
    const result = { kind: 'value', value: 9, raw: new Uint8Array(4) } as const
    const t = Math.floor(now.wall / 5000) * 5000
    loop.input({ kind: 'slots', at: now, slots: [{ point: 'b101-dp', t, a: 0, result }] })
  }
  return { clock, loop, store, commits, failures, low }
}

describe('a loop that is stopped', () => {
  it.each(['before', 'after'])(
    'URS-28 ends no delay and begins no group once the store is closed: value %s the stop',
    async (when) => {
      const { clock, loop, store, commits, failures, low } = setUp()
      if (when === 'before') low()
      loop.stop()
      if (when === 'after') low()
      await loop.flush()
      const kept = commits.length
      expect(commits.flatMap(({ records }) => records).length).toBeGreaterThan(0)
      await store.close()
      await clock.advance(60_000)
      expect(failures).toEqual([])
      expect(commits).toHaveLength(kept)
    },
  )
})

describe('a commit', () => {
  it.each([-86_400_000, 86_400_000])(
    'URS-01 URS-51 before a step of the clock is noticed is on the time line of its base, so that the next start finds it: %i ms',
    async (stepMs) => {
      const { clock, loop, commits, low } = setUp()
      const { wall, mono } = clock.now()
      clock.stepWall(stepMs)
      low()
      await loop.flush()
      const [{ at, bootId, tb } = { at: { wall: 0, mono: 0 }, bootId: '', tb: -1 }] = commits
      expect({ at, tb }).toEqual({ at: { wall, mono }, tb: 0 })
      const recovered = { lastCommit: { at, bootId }, state: new Map() }
      expect(resumeTimeBase(recovered, clock.now(), bootId)).toEqual({ stepMs })
      loop.stop()
    },
  )
})
