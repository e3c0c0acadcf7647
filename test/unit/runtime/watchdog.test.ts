// URS-63 no task dies silently, and no task is blamed for a stretch in which the whole process stood still.

import { describe, expect, it } from 'vitest'
import type { Clock } from '#ports/clock.ts'
import { silentLog } from '#ports/log.ts'
import { DEAD_MS, type Progress, STALL_MS, Watchdog } from '../../../agent/runtime/watchdog.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

function setUp(due: () => number) {
  const virtual = virtualClock()
  let lag = 0
  const clock: Clock = {
    bootId: virtual.bootId,
    now: () => {
      const { wall, mono } = virtual.now()
      return { wall: wall + lag, mono: mono + lag }
    },
    at: (mono, call) => virtual.at(mono - lag, call),
  }
  const told: string[] = []
  const watchdog = new Watchdog({
    clock,
    log: silentLog,
    tasks: (): Progress[] => [{ task: 'poll loop of bus net-1', dueMono: due() }],
    stalled: (from, to) => told.push(`stalled ${to.mono - from.mono}`),
    failed: (error) => told.push(error.message),
  })
  watchdog.start()
  return {
    told,
    watchdog,
    virtual,
    clock,
    /** The process stands still: its timers come late. */
    stall: (ms: number) => {
      lag += ms
    },
  }
}

describe('the watchdog', () => {
  it('URS-63 ends the process with a reason when a task makes no progress', async () => {
    const { told, virtual } = setUp(() => 5000)
    await virtual.advance(DEAD_MS)
    expect(told).toEqual([])
    await virtual.advance(1000)
    expect(told).toEqual(['poll loop of bus net-1 has made no progress for 31 s'])
    await virtual.advance(60_000)
    expect(told, 'once').toHaveLength(1)
  })

  it('HO10 HO12 whoever looks first after a pause makes it known, once', async () => {
    const { told, stall, watchdog, virtual } = setUp(() => Number.POSITIVE_INFINITY)
    watchdog.notice()
    stall(STALL_MS + 400)
    watchdog.notice()
    expect(told, 'late by less than a second').toEqual([])
    stall(4000)
    watchdog.notice()
    watchdog.notice()
    await virtual.advance(1000)
    expect(told).toEqual([`stalled ${STALL_MS + 4400}`])
  })

  it('leaves alone who owes nothing, or goes on', async () => {
    let due = Number.POSITIVE_INFINITY
    const { told, virtual } = setUp(() => due)
    await virtual.advance(120_000)
    for (let n = 0; n < 10; n++) {
      due = virtual.now().mono
      await virtual.advance(DEAD_MS - 1000)
    }
    expect(told).toEqual([])
  })

  it('HO10 tells a pause of the process, and blames no task for it', async () => {
    const { told, virtual, stall } = setUp(() => 5000)
    await virtual.advance(20_000)
    stall(60_000)
    await virtual.advance(500)
    expect(told).toEqual(['stalled 60500'])
    await virtual.advance(DEAD_MS - 1000)
    expect(told).toHaveLength(1)
    await virtual.advance(2000)
    expect(told.at(-1)).toMatch(/no progress/)
  })

  it('HO12 does not tell what is shorter than its bound', async () => {
    const { told, virtual, stall, watchdog } = setUp(() => Number.POSITIVE_INFINITY)
    await virtual.advance(2000)
    stall(STALL_MS)
    await virtual.advance(2000)
    expect(told).toEqual([])
    watchdog.stop()
    expect(virtual.timers).toBe(0)
  })
})
