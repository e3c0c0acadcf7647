// Alarm performance (URS-38): a worked month, and figures that agree with counting by hand whatever the alarms do.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AlarmRecord, PerformanceCount } from '#core/performance.ts'
import { DAY, HOUR, MINUTE, SECOND } from '#core/time.ts'

const FROM = Date.UTC(2026, 10, 1)
const TO = FROM + 10 * DAY

let occurrences = 0
const on = (alarm: string, ts: number, more: Partial<AlarmRecord> = {}): AlarmRecord => ({
  ...{ type: 'alarm.activated', ts, alarm, occ: `o${++occurrences}`, priority: 3, activated: ts },
  ...more,
})
const off = (begun: AlarmRecord, ts: number, more: Partial<AlarmRecord> = {}): AlarmRecord => ({
  ...begun,
  ...{ type: 'alarm.returned', ts, from: 'unacknowledged', activated: begun.ts },
  ...more,
})
const ack = (begun: AlarmRecord, ts: number, more: Partial<AlarmRecord> = {}): AlarmRecord => ({
  ...begun,
  ...{ type: 'alarm.acknowledged', ts, activated: begun.ts },
  ...more,
})

const figures = (records: readonly AlarmRecord[], from = FROM, to = TO) => {
  const count = new PerformanceCount({ from, to })
  count.add({ type: 'system.started', ts: FROM - DAY })
  for (const record of records) count.add(record)
  return count.result()
}

describe('URS-38 alarm performance', () => {
  it('counts ten days by hand', () => {
    const flood = Array.from({ length: 12 }, (_, index) =>
      on(`p${index}.action_high`, FROM + DAY + index * 10 * SECOND, { priority: 1 }),
    )
    const chatter = on('door.action_low', FROM + 2 * DAY)
    const again = on('door.action_low', FROM + 2 * DAY + 20 * SECOND)
    const stale = on('old.alert_high', FROM - 2 * DAY)
    const brief = on('brief.alert_high', FROM + 3 * DAY)
    const seen = on('seen.alert_high', FROM + 4 * DAY, { priority: 2 })
    const found = figures([
      stale,
      ...flood,
      ...flood.map((begun) => ack(begun, FROM + DAY + 10 * MINUTE)),
      chatter,
      off(chatter, FROM + 2 * DAY + 10 * SECOND, { from: 'acknowledged' }),
      again,
      off(again, FROM + 2 * DAY + 2 * HOUR),
      brief,
      off(brief, FROM + 3 * DAY + 59 * SECOND),
      seen,
      ack(seen, FROM + 4 * DAY + MINUTE),
      off(seen, FROM + 4 * DAY + 2 * MINUTE, { from: 'acknowledged' }),
      off(stale, FROM + 5 * DAY),
      on('shelved.alert_high', FROM + 6 * DAY, { held: 'shelved' }),
      on('system.alarm_path', FROM + 6 * DAY, { test: true }),
      on('later.alert_high', TO),
    ])
    expect(found).toMatchObject({
      ...{ from: FROM, to: TO, alarms: 16, hidden: 1, perHour: 16 / 240 },
      peak: { alarms: 12, at: FROM + DAY + 110 * SECOND },
      periods: { total: 1440, busy: 1, share: 1 / 1440 },
      chattering: [{ alarm: 'door.action_low', count: 1 }],
      fleeting: [{ alarm: 'brief.alert_high', count: 1 }],
      priorities: { 1: { count: 12 }, 2: { count: 1 }, 3: { count: 3 } },
      acknowledged: { count: 13, worstMs: 10 * MINUTE, byPriority: { 2: { medianMs: MINUTE } } },
      met: {
        ...{ perHour: 'acceptable', peak: false, periods: true, floods: true },
        ...{ chattering: false, fleeting: false, stale: false },
      },
    })
    // the flowing alarms are never acknowledged as gone: they stand for nine days, the old one stood for seven
    expect(found.stale.count).toBe(13)
    expect(found.stale.longest.at(0)).toMatchObject({ forMs: TO - FROM - DAY, standing: true })
    // from the eleventh alarm (100 s) until the fifth newest (70 s) is ten minutes old
    expect(found.floods).toMatchObject({ count: 1, totalMs: 9.5 * MINUTE })
    expect(found.floods.worst).toEqual([
      {
        from: FROM + DAY + 100 * SECOND,
        to: FROM + DAY + 70 * SECOND + 10 * MINUTE,
        alarms: 12,
      },
    ])
    expect(found.top.alarms[0]).toEqual({ alarm: 'door.action_low', count: 2, share: 2 / 16 })
  })

  it.each([
    ['three transitions within a minute', [0, 30, 60], 1],
    ['three within a minute and a second', [0, 30, 61], 0],
    ['two within a minute', [0, 30], 0],
    ['one run of them is counted once', [0, 10, 20, 30, 40, 50], 1],
    ['two runs an hour apart', [0, 10, 20, 3600, 3610, 3620], 2],
  ])('chattering: %s', (_name, seconds, runs) => {
    let begun = on('door.action_low', 0)
    const records = seconds.map((second, index) => {
      const ts = FROM + second * SECOND
      if (index % 2 === 1) return off(begun, ts)
      begun = on('door.action_low', ts)
      return begun
    })
    expect(figures(records).chattering.reduce((all, { count }) => all + count, 0)).toBe(runs)
  })

  it.each([
    ['59 s', 59 * SECOND, 'unacknowledged', 1],
    ['60 s', 60 * SECOND, 'unacknowledged', 0],
    ['100 ms', 100, 'unacknowledged', 1],
    ['99 ms: it only says that something has happened', 99, 'unacknowledged', 0],
    ['59 s, but somebody had seen it', 59 * SECOND, 'acknowledged', 0],
  ])('fleeting: gone after %s', (_name, stood, from, count) => {
    const begun = on('brief.alert_high', FROM)
    expect(figures([begun, off(begun, FROM + stood, { from })]).fleeting).toHaveLength(count)
  })

  it.each([
    ['a day', DAY, 0],
    ['a day and a millisecond', DAY + 1, 1],
  ])('stale: standing for %s', (_name, stood, count) => {
    const begun = on('old.alert_high', FROM)
    expect(figures([begun, off(begun, FROM + stood)]).stale.count).toBe(count)
  })

  it('takes what stands from the list of alarms where the journal no longer holds its beginning', () => {
    const count = new PerformanceCount({ from: FROM, to: TO })
    const { stale } = count.result([
      { alarm: 'old.alert_high', occ: 'o', active: true, activated: FROM - DAY },
      { alarm: 'held.alert_high', occ: 'o', active: true, activated: FROM - DAY, held: {} },
      { alarm: 'gone.alert_high', occ: 'o', active: false, activated: FROM - DAY },
    ])
    expect(stale.longest.map(({ alarm }) => alarm)).toEqual(['old.alert_high'])
  })

  it('measures an acknowledgement from when it was asked for, and each superseded one not at all', () => {
    const begun = on('seen.alert_high', FROM)
    const { acknowledged, realarmed } = figures([
      begun,
      ack(begun, FROM + 10 * SECOND),
      { ...begun, type: 'alarm.realarmed', ts: FROM + 8 * HOUR },
      ack(begun, FROM + 8 * HOUR + 30 * SECOND),
      { type: 'alarm.acknowledged', ts: FROM + 9 * HOUR, alarm: 'x', occ: 'old', with: 'new' },
    ])
    expect(realarmed).toBe(1)
    expect(acknowledged).toMatchObject({ count: 2, medianMs: 20 * SECOND, worstMs: 30 * SECOND })
  })

  it('looks at what the journal holds, and begins anew where the clock was set back', () => {
    const count = new PerformanceCount({ from: FROM, to: TO })
    count.add({ type: 'system.started', ts: FROM + 9 * DAY })
    for (let index = 0; index < 6; index++) count.add(on('a.alert_high', FROM + 9 * DAY + index))
    for (let index = 0; index < 6; index++)
      count.add(on('a.alert_high', FROM + 9 * DAY - HOUR + index))
    const { from, perHour, peak, floods } = count.result()
    expect({ from, perHour, peak: peak.alarms, floods: floods.count }).toEqual({
      ...{ from: FROM + 9 * DAY, perHour: 12 / 24, peak: 6, floods: 0 },
    })
  })

  it('agrees with counting by hand, whatever comes', () => {
    const alarm = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      gap: fc.oneof(fc.integer({ min: 0, max: 20 * SECOND }), fc.integer({ min: 0, max: HOUR })),
      priority: fc.integer({ min: 1, max: 3 }),
      held: fc.boolean(),
      ackAfter: fc.option(fc.integer({ min: 0, max: HOUR })),
    })
    fc.assert(
      fc.property(fc.array(alarm, { maxLength: 120 }), (given) => {
        let now = FROM - MINUTE
        const records: AlarmRecord[] = []
        const waits: number[] = []
        for (const { name, gap, priority, held, ackAfter } of given) {
          now += gap
          const begun = on(name, now, { priority, ...(held && { held: 'shelved' }) })
          records.push(begun)
          if (ackAfter === null) continue
          // recorded at once: order of records, not of their times, is the journal's
          records.push(ack(begun, now + ackAfter))
          if (now + ackAfter >= FROM && now + ackAfter < TO) waits.push(ackAfter)
        }
        const times = records
          .filter(
            ({ type, held, ts }) =>
              type === 'alarm.activated' && held === undefined && ts >= FROM && ts < TO,
          )
          .map(({ ts }) => ts)
        const found = figures(records)
        const window = (at: number): number =>
          times.filter((one) => one <= at && one > at - 10 * MINUTE).length
        const periods = new Map<number, number>()
        for (const ts of times) {
          const index = Math.floor((ts - FROM) / (10 * MINUTE))
          periods.set(index, (periods.get(index) ?? 0) + 1)
        }
        expect(found.alarms).toBe(times.length)
        expect(found.peak.alarms).toBe(Math.max(0, ...times.map(window)))
        expect(found.periods.busy).toBe([...periods.values()].filter((n) => n > 10).length)
        expect(found.floods.count > 0).toBe(times.some((at) => window(at) > 10))
        const split = Object.values(found.priorities).reduce((all, { count }) => all + count, 0)
        expect(split).toBe(times.length)
        expect(found.acknowledged.count).toBe(waits.length)
        if (waits.length > 0) expect(found.acknowledged.worstMs).toBe(Math.max(...waits))
        expect(found.floods.totalMs).toBeLessThanOrEqual(found.to - found.from)
      }),
      { numRuns: 200 },
    )
  })
})
