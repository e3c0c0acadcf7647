// Arithmetic of moments: what is left of a time after a stop, and when an alarm goes to and fro too fast.

import { describe, expect, it } from 'vitest'
import { CHATTER_WITHIN_MS, chatters, withMove } from '#core/chatter.ts'
import { baseTime, deviation, firstSlot, monoTime, slotOf, slotsBetween } from '#core/schedule.ts'
import { dueAt, momentNow, resumeTimer, timerFrom } from '#core/timer.ts'

const at = (wall: number, mono: number) => ({ wall, mono })

describe('URS-28 a time that goes on while the agent is away', () => {
  // begun with 1000 left at mono 100; the last commit at wall 5000, mono 300
  const timer = timerFrom(1000, at(4800, 100))
  const last = (sameBoot: boolean) => ({ at: at(5000, 300), sameBoot })

  it.each<[string, Parameters<typeof resumeTimer>[1], ReturnType<typeof at>, number]>([
    ['the same boot, by the monotonic clock', last(true), at(9999, 800), 300],
    ['the same boot, over before', last(true), at(5000, 1500), -400],
    ['a reboot, by the wall clock', last(false), at(5600, 40), 200],
    ['a reboot, over before', last(false), at(7000, 40), -1200],
    ['a reboot with the wall clock set back', last(false), at(4000, 40), 800],
    ['a first start', undefined, at(5600, 40), 1000],
  ])('after %s', (_, since, now, leftMs) => {
    const resumed = resumeTimer(timer, since, now)
    expect(resumed).toEqual({ leftMs, since: now.mono })
    expect(dueAt(resumed)).toBe(now.mono + leftMs)
  })

  it('takes a moment later than the last commit for no earlier than that', () => {
    expect(momentNow(400, last(false), at(5600, 40))).toBe(40 - 600)
    expect(momentNow(250, last(false), at(5600, 40))).toBe(40 - 50 - 600)
  })
})

describe('URS-38 an alarm that chatters', () => {
  it.each<[string, number[], boolean]>([
    ['two transitions', [0, 1], false],
    ['three within the minute', [0, 30_000, CHATTER_WITHIN_MS - 1], true],
    ['three in just the minute', [0, 30_000, CHATTER_WITHIN_MS], true],
    ['three in more', [0, 30_000, CHATTER_WITHIN_MS + 1], false],
    ['three at once', [7, 7, 7], true],
    ['a clock that was set back between', [60_000, 70_000, 10_000], false],
    ['the newest three of four', [0, 100_000, 100_001, 100_002], true],
    ['a first one long ago', [0, 100_000, 100_001], false],
  ])('%s: %j', (_, moves, expected) => {
    expect(chatters(moves.reduce<readonly number[]>(withMove, []))).toBe(expected)
  })
})

describe('URS-51 a time base', () => {
  const base = { tb: 3, offsetMs: 1000 }

  it('turns one clock into the other, and tells how far the wall clock is off it', () => {
    expect([baseTime(base, 50), monoTime(base, 1050)]).toEqual([1050, 50])
    expect([1050, 1051, 1040].map((wall) => deviation(base, at(wall, 50)))).toEqual([0, 1, -10])
  })

  it.each([
    [0, 0, 0],
    [49, 0, 0],
    [50, 0, 0],
    [51, 0, 100],
    [99, 0, 100],
    [100, 100, 100],
    [-1, -100, 0],
  ])('URS-01 at %d of slots of 100: in slot %d, polling may begin with %d', (now, slot, first) => {
    expect([slotOf(now, 100), firstSlot(now, 100)]).toEqual([slot, first])
  })

  it('URS-01 counts the slots up to an end, and none before the first', () => {
    expect([100, 300, 1000, 0].map((end) => slotsBetween(100, end, 100))).toEqual([0, 2, 9, 0])
  })
})
