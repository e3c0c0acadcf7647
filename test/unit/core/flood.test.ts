// A flood begins with the eleventh alarm within ten minutes and ends when fewer than five are left of the last ten (URS-38).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CALM,
  FLOOD_ABOVE,
  FLOOD_BELOW,
  FLOOD_WINDOW_MS,
  type FloodState,
  floodEndsAt,
  noteAlarm,
  passFlood,
} from '#core/flood.ts'
import { MINUTE, SECOND } from '#core/time.ts'

const after = (times: readonly number[]): FloodState => times.reduce(noteAlarm, CALM)
const every = (count: number, stepMs: number) =>
  Array.from({ length: count }, (_, index) => index * stepMs)

describe('URS-38 a flood', () => {
  it.each([
    ['ten within ten minutes', every(10, SECOND), false],
    ['eleven within ten minutes', every(11, SECOND), true],
    ['eleven, the first just within the window', [0, ...every(9, 1), FLOOD_WINDOW_MS - 1], true],
    ['eleven, the first just out of it', [0, ...every(9, 1), FLOOD_WINDOW_MS], false],
    ['one a minute for an hour', every(60, MINUTE), false],
  ])('%s: %s → %s', (_name, times, flood) => {
    expect(after(times).flood !== null).toBe(flood)
  })

  it('ends when the fifth newest alarm leaves the window, not a millisecond before', () => {
    const state = after(every(11, SECOND))
    const end = floodEndsAt(state) ?? 0
    expect(end).toBe(6 * SECOND + FLOOD_WINDOW_MS)
    expect(passFlood(state, end - 1).flood).not.toBeNull()
    expect(passFlood(state, end).flood).toBeNull()
  })

  it('is what counting the window says, at every alarm and between', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 4 * MINUTE }), { maxLength: 60 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: 12 * MINUTE }), (steps, rest) => {
        const times: number[] = []
        let state = CALM
        let flood = false
        let now = 0
        const within = (): number => times.filter((at) => at > now - FLOOD_WINDOW_MS).length
        for (const step of steps) {
          // counted at each moment at which an alarm leaves the window
          for (const leaving of times.map((at) => at + FLOOD_WINDOW_MS)) {
            if (leaving <= now || leaving > now + step) continue
            const was = now
            now = leaving
            if (within() < FLOOD_BELOW) flood = false
            now = was
          }
          now += step
          times.push(now)
          if (within() > FLOOD_ABOVE) flood = true
          state = noteAlarm(state, now)
          expect(state.flood !== null).toBe(flood)
        }
        now += rest
        const left = within()
        if (left < FLOOD_BELOW) flood = false
        expect(passFlood(state, now).flood !== null).toBe(flood)
        expect(state.newest.length).toBeLessThanOrEqual(FLOOD_ABOVE + 1)
      }),
      { numRuns: 300 },
    )
  })
})
