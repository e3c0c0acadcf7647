// The figures of alarm performance as people read them.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AlarmRecord, PerformanceCount } from '#core/performance.ts'
import { DAY, HOUR, SECOND } from '#core/time.ts'
import {
  type PerformanceOptions,
  performance,
  performanceText,
} from '../../../agent/cli/performance.ts'
import { AT, type ControlAgent, startControlAgent } from '../../support/control-agent.ts'

const FROM = Date.UTC(2026, 10, 1)

it('URS-38 reads like this', () => {
  const count = new PerformanceCount({ from: FROM, to: FROM + 2 * DAY })
  const add = (type: string, ts: number, more: Partial<AlarmRecord> = {}) =>
    count.add({ type, ts, alarm: 'b101-dp.action_low', occ: 'o', priority: 1, ...more })
  add('alarm.activated', FROM + HOUR)
  add('alarm.acknowledged', FROM + HOUR + 90 * SECOND, { activated: FROM + HOUR })
  for (let index = 0; index < 11; index++)
    add('alarm.activated', FROM + 3 * HOUR + index * SECOND, {
      ...{ alarm: `t${index}.alert_high`, priority: 2 },
    })
  add('alarm.activated', FROM + 5 * HOUR, { alarm: 'x.alert_low', held: 'shelved' })
  const text = performanceText(count.result(), 'UTC', { style: (_, plain) => plain })
  expect(text).toMatchInlineSnapshot(`
    "Alarm performance from 2026-11-01 01:00:00 +00:00 to 2026-11-03 00:00:00 +00:00 (1 d 23 h)
    12 alarms called somebody (1 more behind a shelf, a suppression or out of service)

    FIGURE                                FOUND                          ISA-18.2
    alarms an hour, average               0.255                          about 6, 12 the most  acceptable
    most in ten minutes                   11                             10 the most           not met
    ten-minute periods with more than 10  1 of 282 (0.355 %)             under 1 %             met
    time in flood                         0.352 % (1 flood, 9 min 56 s)  under 1 %             met
    chattering alarms                     0                              none                  met
    fleeting alarms                       0                              none                  met
    stale for more than a day             12                             none                  not met

    Time until acknowledged: median 1 min 30 s, 95 % 1 min 30 s, worst 1 min 30 s (1)

    Most frequent
    b101-dp.action_low  1  8.33 %
    t0.alert_high       1  8.33 %
    t1.alert_high       1  8.33 %
    t10.alert_high      1  8.33 %
    t2.alert_high       1  8.33 %
    t3.alert_high       1  8.33 %
    t4.alert_high       1  8.33 %
    t5.alert_high       1  8.33 %
    t6.alert_high       1  8.33 %
    t7.alert_high       1  8.33 %

    Stale
    b101-dp.action_low  1 d 23 h, still standing  since 2026-11-01 01:00:00 +00:00
    t0.alert_high       1 d 21 h, still standing  since 2026-11-01 03:00:00 +00:00
    t1.alert_high       1 d 20 h, still standing  since 2026-11-01 03:00:01 +00:00
    t2.alert_high       1 d 20 h, still standing  since 2026-11-01 03:00:02 +00:00
    t3.alert_high       1 d 20 h, still standing  since 2026-11-01 03:00:03 +00:00
    t4.alert_high       1 d 20 h, still standing  since 2026-11-01 03:00:04 +00:00
    t5.alert_high       1 d 20 h, still standing  since 2026-11-01 03:00:05 +00:00
    t6.alert_high       1 d 20 h, still standing  since 2026-11-01 03:00:06 +00:00
    t7.alert_high       1 d 20 h, still standing  since 2026-11-01 03:00:07 +00:00
    t8.alert_high       1 d 20 h, still standing  since 2026-11-01 03:00:08 +00:00

    Floods
    2026-11-01 03:00:10 +00:00  9 min 56 s  11 alarms

    Priorities
    priority 1  1 (8.33 %)   about 5 %   median 1 min 30 s, 95 % 1 min 30 s, worst 1 min 30 s (1)
    priority 2  11 (91.7 %)  about 15 %  none was"
  `)
})

describe('over the local socket', () => {
  let agent: ControlAgent
  beforeEach(async () => {
    agent = await startControlAgent()
  })
  afterEach(() => agent.stop())

  const ask = async (options: PerformanceOptions) => {
    const lines: string[] = []
    const output = { data: (text: string) => lines.push(text), talk: () => {}, style: () => '' }
    const code = await performance({ data: agent.dataDir, progress: false, ...options }, output)
    return { code, text: lines.join('') }
  }

  const started = (ts: number) => {
    agent.audit = async ({ to }) => ({
      timezone: 'UTC',
      records: to !== undefined && ts < to ? [{ seq: 1, type: 'system.started', ts }] : [],
    })
  }

  it('gives the figures up to now', async () => {
    started(AT - 40 * DAY)
    const { code, text } = await ask({ json: true })
    expect(code).toBe(0)
    expect(JSON.parse(text)).toMatchObject({
      ...{ from: AT - 30 * DAY, to: AT, alarms: 0, timezone: 'Europe/Rome' },
    })
  })

  it('URS-01 makes no figures of a time before the journal: nobody watched it', async () => {
    started(AT - DAY)
    await expect(ask({ to: '2025-01-01' })).rejects.toThrow(
      'nothing is on record up to 2025-01-01 01:00:00 +01:00; give a later --to',
    )
  })

  it.each([
    [{ from: '2099-01-01' }, /not before/],
    [{ from: '2025-01-02', to: '2025-01-01' }, /not before/],
    [{ from: 'yesterday' }, /no moment/],
  ])('refuses a period that is none: %o', async (options, why) => {
    await expect(ask(options)).rejects.toThrow(why)
  })
})
