// Whether a clock is to be believed at a start, and whether the time base goes on: same boot, other boot, 1970.

import { describe, expect, it } from 'vitest'
import type { ClockTrust } from '#ports/commands.ts'
import { doubtOf, resumeTimeBase } from '../../../agent/runtime/time-base.ts'

const NOW = Date.UTC(2026, 10, 25, 8)
const IN_1970 = 40_000
const HOUR = 3_600_000

const lastAt = (wall: number, doubtful = false, bootId = 'boot-1') => ({
  lastCommit: { at: { wall, mono: 90_000 }, bootId },
  state: new Map(doubtful ? [['clock', '{"doubtful":true}']] : []),
})
const at = (wall: number, mono = 20_000) => ({ wall, mono })

describe('URS-51 the time base at a start', () => {
  it.each<[string, ReturnType<typeof lastAt>, { wall: number; mono: number }, string, number?]>([
    ['goes on after a power cut of an hour', lastAt(NOW - HOUR), at(NOW), 'boot-2'],
    ['ends where the clock went back', lastAt(NOW), at(NOW - HOUR), 'boot-2', -HOUR],
    ['ends where the machine woke in 1970', lastAt(NOW), at(IN_1970), 'boot-2', IN_1970 - NOW],
    [
      'ends after a boot in 1970: decades are no downtime',
      lastAt(IN_1970),
      at(NOW),
      'boot-2',
      NOW - IN_1970,
    ],
    [
      'ends after a boot whose clock was doubted, an hour late',
      lastAt(NOW - HOUR, true),
      at(NOW),
      'boot-2',
      HOUR,
    ],
    ['goes on within a boot', lastAt(NOW - 10_000), at(NOW, 100_000), 'boot-1'],
    ['goes on within a boot in 1970', lastAt(IN_1970), at(IN_1970 + 10_000, 100_000), 'boot-1'],
    ['ends with a step within a boot', lastAt(NOW), at(NOW + HOUR, 90_000), 'boot-1', HOUR],
  ])('%s', (_what, recovered, now, boot, stepMs) => {
    expect(resumeTimeBase(recovered, now, boot)).toEqual(stepMs === undefined ? {} : { stepMs })
  })

  it('goes on in a store that holds nothing', () => {
    expect(resumeTimeBase({ state: new Map() }, at(IN_1970), 'boot-1')).toEqual({})
  })
})

describe('URS-51 doubt of the clock at a start', () => {
  const cases: [ClockTrust, number, number | undefined, boolean][] = [
    ['synchronised', NOW, NOW - HOUR, false],
    ['synchronised', NOW, NOW + HOUR, false],
    ['unsynchronised', NOW, NOW - HOUR, true],
    ['unknown', NOW, NOW - HOUR, false],
    ['unknown', NOW, NOW + HOUR, true],
    ['unknown', NOW, NOW + 400, false],
    ['unknown', IN_1970, undefined, true],
    ['unknown', NOW, undefined, false],
    ['unsynchronised', IN_1970, undefined, true],
  ]
  it.each(cases)('where the service says %s, at %d after %s: %s', (trust, wall, last, doubted) => {
    const recovered = last === undefined ? {} : lastAt(last)
    expect(doubtOf(trust, at(wall), recovered) !== undefined).toBe(doubted)
  })
})
