// What the marks of time services mean for signed commands.

import { describe, expect, it } from 'vitest'
import { askTimeService, trustByMarks } from '../../../agent/runtime/system-time-service.ts'

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
    expect(trustByMarks((path) => there.includes(path))).toBe(expected)
  })
})

describe('URS-51 the time service', () => {
  const CHRONY = (offset: string, leap: string) =>
    `C0A80001,192.168.0.1,3,1763806488.1,${offset},0.000012,0.000031,-1.2,0.0,0.05,0.01,0.002,64.2,${leap}\n`
  const answers =
    (given: Readonly<Record<string, string>>) =>
    async (program: string): Promise<string | undefined> =>
      given[program]

  it.each<[string, Record<string, string>, string[], object]>([
    [
      'chrony with its offset',
      { chronyc: CHRONY('0.250000', 'Normal') },
      [],
      { trust: 'synchronised', offsetMs: -250, source: 'chrony' },
    ],
    [
      'chrony that lost its servers',
      { chronyc: CHRONY('0.000000', 'Not synchronised'), timedatectl: 'NTPSynchronized=yes\n' },
      [],
      { trust: 'unsynchronised', source: 'chrony' },
    ],
    [
      'systemd where chrony says nothing of sense',
      { chronyc: '506 Cannot talk to daemon', timedatectl: 'NTP=yes\nNTPSynchronized=yes\n' },
      [],
      { trust: 'synchronised', source: 'systemd' },
    ],
    [
      'systemd that has not got there',
      { timedatectl: 'NTP=yes\nNTPSynchronized=no\n' },
      [`${TIMESYNC}/synchronized`],
      { trust: 'unsynchronised', source: 'systemd' },
    ],
    [
      'a mark where no service of systemd runs',
      { timedatectl: 'NTP=no\nNTPSynchronized=no\n' },
      ['/run/chrony/synchronized'],
      { trust: 'synchronised', source: 'mark' },
    ],
    ['nobody', {}, [], { trust: 'unknown', source: 'nobody' }],
  ])('believes %s', async (_what, given, marks, expected) => {
    expect(await askTimeService(answers(given), (path) => marks.includes(path))).toEqual(expected)
  })
})
