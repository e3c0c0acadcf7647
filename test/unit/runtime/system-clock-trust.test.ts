// What the marks of time services mean for signed commands.

import { describe, expect, it } from 'vitest'
import { systemClockTrust } from '../../../agent/runtime/system-clock-trust.ts'

const TIMESYNC = '/run/systemd/timesync'

describe('URS-51 trust in the clock', () => {
  it.each([
    ['unknown', []],
    ['unknown', ['/run/chrony']],
    ['unsynchronised', [TIMESYNC]],
    ['synchronised', [TIMESYNC, `${TIMESYNC}/synchronized`]],
    ['synchronised', ['/run/chrony/synchronized']],
    ['synchronised', [TIMESYNC, '/run/chrony/synchronized']],
  ])('is %s where there is %j', (expected, there) => {
    expect(systemClockTrust((path) => there.includes(path))).toBe(expected)
  })
})
