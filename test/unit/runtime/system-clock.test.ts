// The machine's clock: waits that are never too short, and precise ones for the silent interval of a serial line.

import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../agent/runtime/system-clock.ts'

const clock = systemClock()
const wait = (ms: number, how: 'at' | 'precisely') =>
  new Promise<number>((resolve) => {
    const due = clock.now().mono + ms
    const call = () => resolve(clock.now().mono - due)
    if (how === 'at') clock.at(due, call)
    else clock.precisely?.(due, call)
  })

describe('the system clock', () => {
  it.each(['at', 'precisely'] as const)('never calls %s too soon', async (how) => {
    for (const ms of [0, 0.3, 1, 1.75, 2.005, 4.01, 12]) {
      expect(await wait(ms, how)).toBeGreaterThanOrEqual(0)
    }
  })

  it('HO17 waits for longer than a timer of the system can, rather than not at all', async () => {
    const calls: number[] = []
    const days = clock.now().mono + 30 * 86_400_000
    const cancels = [
      clock.at(days, () => calls.push(1)),
      clock.precisely?.(days, () => calls.push(2)),
    ]
    await wait(20, 'at')
    expect(calls).toEqual([])
    for (const cancel of cancels) cancel?.()
  })

  it('URS-10 waits 2 ms to within half a millisecond, most of the time', async () => {
    const late: number[] = []
    for (let time = 0; time < 60; time++) late.push(await wait(2.005, 'precisely'))
    const sorted = late.toSorted((one, other) => one - other)
    expect(sorted[Math.floor(sorted.length / 4)]).toBeLessThan(0.5)
  })

  it('calls back once, not during the call, and not after it was called off', async () => {
    let calls = 0
    const count = () => {
      calls++
    }
    clock.precisely?.(clock.now().mono - 1, count)
    expect(calls).toBe(0)
    const cancels = [1, 3, 8].map((ms) => clock.precisely?.(clock.now().mono + ms, count))
    for (const cancel of cancels) cancel?.()
    await wait(15, 'at')
    expect(calls).toBe(1)
  })
})
