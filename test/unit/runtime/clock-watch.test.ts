// The watch of the wall clock in virtual time: synchronisation won and lost, drift, and the end of doubt.

import { describe, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import {
  ASK_MS,
  ClockWatch,
  DRIFT_FOR_MS,
  UNKNOWN_MS,
  UNSYNCHRONISED_MS,
} from '../../../agent/runtime/clock-watch.ts'
import type { TimeService } from '../../../agent/runtime/system-time-service.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const SYNCHRONISED: TimeService = { trust: 'synchronised', offsetMs: 3, source: 'chrony' }
const LOST: TimeService = { trust: 'unsynchronised', source: 'chrony' }
const NOBODY: TimeService = { trust: 'unknown', source: 'nobody' }

async function started(first: TimeService, options: { doubted?: boolean; active?: boolean } = {}) {
  const clock = virtualClock()
  const { wall, mono } = clock.now()
  const seen: (readonly unknown[])[] = []
  let said = first
  let doubted = options.doubted === true
  const watch = new ClockWatch({
    clock,
    log: silentLog,
    ask: async () => said,
    first: first.trust,
    base: () => ({ tb: 0, offsetMs: wall - mono }),
    doubted: () => doubted,
    isTrusted: (trust) => trust === 'synchronised',
    active: (alarm) => options.active === true && alarm === 'clock_unsynchronised',
    condition: (alarm, active) => seen.push([alarm, active]),
    note: (type, { was, is }) => seen.push([type, was, is]),
    trusted: (by) => {
      doubted = false
      seen.push(['trusted', by])
    },
  })
  await watch.start()
  return {
    watch,
    clock,
    say: (next: TimeService) => {
      said = next
    },
    pass: async (ms: number) => {
      for (let left = ms; left > 0; left -= ASK_MS) await clock.advance(Math.min(left, ASK_MS))
    },
    take: () => seen.splice(0),
  }
}

describe('URS-51 synchronisation', () => {
  it('is on record at the start, and when it is lost and won again, once it was said twice', async () => {
    const { say, pass, take, watch } = await started(SYNCHRONISED)
    expect(take()).toEqual([['clock.synchronised', null, 'synchronised']])
    say(LOST)
    await pass(ASK_MS)
    say(SYNCHRONISED)
    await pass(ASK_MS)
    expect(take()).toEqual([])
    say(LOST)
    await pass(2 * ASK_MS)
    expect(watch.trust()).toBe('unsynchronised')
    say(SYNCHRONISED)
    await pass(2 * ASK_MS)
    expect(take()).toEqual([
      ['clock.unsynchronised', 'synchronised', 'unsynchronised'],
      ['clock.synchronised', 'unsynchronised', 'synchronised'],
    ])
  })

  it.each([
    [LOST, UNSYNCHRONISED_MS],
    [NOBODY, UNKNOWN_MS],
  ])('%j is an alarm after its time, not a poll before, and returns', async (said, after) => {
    const { say, pass, take } = await started(said)
    take()
    await pass(after - ASK_MS)
    expect(take()).toEqual([])
    await pass(ASK_MS)
    expect(take()).toEqual([['clock_unsynchronised', true]])
    await pass(after)
    expect(take()).toEqual([])
    say(SYNCHRONISED)
    await pass(2 * ASK_MS)
    expect(take()).toEqual([
      ['clock.synchronised', said.trust, 'synchronised'],
      ['clock_unsynchronised', false],
    ])
  })

  it('goes on with the alarm of the process before, and ends it', async () => {
    const { say, pass, take } = await started(LOST, { active: true })
    await pass(UNSYNCHRONISED_MS)
    say(SYNCHRONISED)
    await pass(2 * ASK_MS)
    expect(take().filter(([what]) => what === 'clock_unsynchronised')).toEqual([
      ['clock_unsynchronised', false],
    ])
  })

  it('ends the doubt of the start, once', async () => {
    const { say, pass, take } = await started(LOST, { doubted: true })
    await pass(4 * ASK_MS)
    say(SYNCHRONISED)
    await pass(4 * ASK_MS)
    expect(take().filter(([what]) => what === 'trusted')).toEqual([['trusted', 'chrony']])
  })
})

describe('URS-51 drift', () => {
  it('is an alarm once the offset stood for its time, and over when it is small again', async () => {
    const { say, pass, take } = await started(SYNCHRONISED)
    take()
    say({ ...SYNCHRONISED, offsetMs: -201 })
    await pass(DRIFT_FOR_MS)
    expect(take()).toEqual([])
    await pass(ASK_MS)
    expect(take()).toEqual([['clock_drift', true]])
    say({ ...SYNCHRONISED, offsetMs: 101 })
    await pass(ASK_MS)
    expect(take()).toEqual([])
    say({ ...SYNCHRONISED, offsetMs: 100 })
    await pass(ASK_MS)
    expect(take()).toEqual([['clock_drift', false]])
  })

  it('is measured against the time base where no service tells an offset', async () => {
    const { pass, take, clock, watch } = await started(NOBODY)
    take()
    clock.stepWall(300)
    expect(watch.offsetMs()).toBe(300)
    await pass(DRIFT_FOR_MS + ASK_MS)
    expect(take()).toEqual([['clock_drift', true]])
  })
})

it('asks nobody any more once it is stopped', async () => {
  const { watch, clock } = await started(SYNCHRONISED)
  watch.stop()
  expect(clock.timers).toBe(0)
})
