// Deadlines that share timers: each is called once, never too soon, and one that is called off never.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Deadlines } from '../../../agent/runtime/deadlines.ts'

const DAY = 86_400_000

const TIMER_MS_MAX = 2 ** 31 - 1
const wake = (ms: number, call: () => void) => {
  const timer = setTimeout(call, Math.min(ms, TIMER_MS_MAX))
  return () => clearTimeout(timer)
}

describe('deadlines', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** A clock that starts within a millisecond, as machines do. */
  const started = (offset = 0.4) => new Deadlines(() => performance.now() + offset, wake)
  const called: string[] = []
  beforeEach(() => void called.splice(0))
  const note = (name: string) => () => void called.push(name)

  it('of one millisecond share a timer, and are called in order', () => {
    const deadlines = started()
    const base = performance.now()
    for (const name of ['a', 'b', 'c']) deadlines.at(base + 7.2, note(name))
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(6)
    expect(called).toEqual([])
    vi.advanceTimersByTime(2)
    expect(called).toEqual(['a', 'b', 'c'])
    vi.advanceTimersByTime(1000)
    expect(called).toHaveLength(3)
  })

  it('in one millisecond are none of them called before its own moment', () => {
    const deadlines = started(0)
    const base = performance.now()
    const late: number[] = []
    for (const after of [5.01, 5.5, 5.99]) {
      deadlines.at(base + after, () => late.push(performance.now() - base - after))
    }
    vi.advanceTimersByTime(20)
    expect(late).toHaveLength(3)
    for (const ms of late) expect(ms).toBeGreaterThanOrEqual(0)
    for (const ms of late) expect(ms).toBeLessThan(2)
  })

  it('that were called off are not called, also by one of the same millisecond, and leave no timer', () => {
    const deadlines = started()
    const base = performance.now()
    const cancels: (() => void)[] = []
    deadlines.at(base + 3, () => {
      called.push('first')
      for (const cancel of cancels) cancel()
    })
    cancels.push(deadlines.at(base + 3, note('second')))
    cancels.push(deadlines.at(base + 50, note('third')))
    vi.advanceTimersByTime(100)
    expect(called).toEqual(['first'])
    const off = deadlines.at(base + DAY, note('never'))
    off()
    off()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that are over already are called in a later turn, again and again without stopping the rest', () => {
    const deadlines = started()
    let turns = 0
    const again = (): void => {
      if (turns++ < 5) deadlines.at(performance.now() - 1, again)
    }
    deadlines.at(performance.now() - 1, again)
    expect(turns).toBe(0)
    deadlines.at(performance.now() + 2, note('other'))
    vi.advanceTimersByTime(1)
    expect(turns).toBeLessThan(3)
    vi.advanceTimersByTime(10)
    expect(turns).toBe(6)
    expect(called).toEqual(['other'])
  })

  it('HO17 fifty days ahead are called then, not at once', () => {
    const deadlines = started()
    deadlines.at(performance.now() + 50 * DAY, note('far'))
    vi.advanceTimersByTime(49.9 * DAY)
    expect(called).toEqual([])
    vi.advanceTimersByTime(DAY)
    expect(called).toEqual(['far'])
  })
})
