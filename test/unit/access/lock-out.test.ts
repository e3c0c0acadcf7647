// Growing delays after wrong PINs, and that no clock can turn them into for ever or into nothing.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterFailure,
  LOCK_MS_MAX,
  lockedForMs,
  lockMs,
  resumeLock,
  UNLOCKED,
} from '../../../agent/access/lock-out.ts'

const MINUTE = 60_000

describe('URS-50 lock-out', () => {
  it.each([
    [0, 0],
    [1, 0],
    [4, 0],
    [5, 1],
    [6, 2],
    [7, 4],
    [8, 8],
    [10, 32],
    [11, 60],
    [12, 60],
    [1e9, 60],
  ])('after %i failures locks for %i minutes', (failures, minutes) => {
    expect(lockMs(failures)).toBe(minutes * MINUTE)
  })

  it('counts from the failure on the monotonic clock', () => {
    let lock = UNLOCKED
    for (let failure = 1; failure <= 4; failure++) lock = afterFailure(lock, 1000)
    expect(lockedForMs(lock, 1000)).toBe(0)
    lock = afterFailure(lock, 1000)
    expect(lockedForMs(lock, 1000)).toBe(MINUTE)
    expect(lockedForMs(lock, 1000 + MINUTE - 1)).toBe(1)
    expect(lockedForMs(lock, 1000 + MINUTE)).toBe(0)
  })

  it('never locks for longer than the maximum, whatever happens', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1e7), { maxLength: 60 }),
        fc.integer({ min: -1e12, max: 1e13 }),
        fc.option(fc.integer({ min: 0, max: 1e13 }), { nil: undefined }),
        (gaps, wall, untilWall) => {
          let mono = 5e5
          let lock = resumeLock({ failures: gaps.length, untilWall }, { wall, mono })
          for (const gap of gaps) {
            expect(lockedForMs(lock, mono)).toBeLessThanOrEqual(LOCK_MS_MAX)
            mono += gap
            lock = afterFailure(lock, mono)
          }
          expect(lockedForMs(lock, mono + LOCK_MS_MAX)).toBe(0)
        },
      ),
    )
  })

  it.each([
    ['is taken up where it was', 1_000_000 + MINUTE, 1_000_000, MINUTE],
    ['is over when its time has passed', 1_000_000, 1_000_001, 0],
    ['is not lengthened by a clock set back', 1_000_000 + MINUTE, 0, MINUTE],
    ['was none', undefined, 1_000_000, 0],
  ])('after a restart a lock %s', (_, untilWall, wall, left) => {
    const lock = resumeLock({ failures: 5, untilWall }, { wall, mono: 77 })
    expect(lockedForMs(lock, 77)).toBe(left)
    expect(lock.failures).toBe(5)
  })
})
