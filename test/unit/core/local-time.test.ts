// The clock on the wall of the site: what it shows, and when a time of day has come, over the changes of summer time.

import { describe, expect, it } from 'vitest'
import { hasCome, isIn, localTime, minuteOf, WEEKDAYS, type Weekday } from '#core/local-time.ts'

const ROME = 'Europe/Rome'
const at = (text: string): number => Date.parse(text)
const shows = (text: string, zone = ROME): string => {
  const { day, minute } = localTime(at(text), zone)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${day} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}

describe('what the clock of the site shows', () => {
  it.each([
    ['2025-11-21T08:00:00Z', ROME, 'fri 09:00'],
    ['2025-11-21T23:30:00Z', ROME, 'sat 00:30'],
    ['2025-07-01T08:00:00Z', ROME, 'tue 10:00'],
    ['2026-03-29T00:59:59Z', ROME, 'sun 01:59'],
    ['2026-03-29T01:00:00Z', ROME, 'sun 03:00'],
    ['2026-10-25T00:30:00Z', ROME, 'sun 02:30'],
    ['2026-10-25T01:30:00Z', ROME, 'sun 02:30'],
    ['2026-10-25T01:59:00Z', ROME, 'sun 02:59'],
    ['2025-11-21T08:00:00Z', 'UTC', 'fri 08:00'],
    ['2025-11-21T20:00:00Z', 'Asia/Kathmandu', 'sat 01:45'],
    ['2025-11-21T08:00:00Z', 'America/New_York', 'fri 03:00'],
  ])('%s in %s: %s', (moment, zone, expected) => {
    expect(shows(moment, zone)).toBe(expected)
  })
})

describe('a stretch of the week', () => {
  const day = {
    days: ['mon', 'fri'],
    fromMinute: minuteOf('07:00'),
    toMinute: minuteOf('19:00'),
  } as const
  const night = {
    days: ['fri'],
    fromMinute: minuteOf('22:00'),
    toMinute: minuteOf('06:00'),
  } as const

  it.each([
    [day, 'fri 06:59', false],
    [day, 'fri 07:00', true],
    [day, 'fri 18:59', true],
    [day, 'fri 19:00', false],
    [day, 'sat 12:00', false],
    [night, 'fri 21:59', false],
    [night, 'fri 22:00', true],
    [night, 'sat 05:59', true],
    [night, 'sat 06:00', false],
    [night, 'fri 05:00', false],
    [{ ...night, days: ['sun'] }, 'mon 03:00', true],
    [{ days: ['mon'], fromMinute: 0, toMinute: 0 }, 'mon 13:00', true],
  ] as const)('%o at %s: %s', (stretch, moment, expected) => {
    const [name = '', time = ''] = moment.split(' ')
    const weekday = WEEKDAYS.find((one) => one === name) ?? 'mon'
    expect(
      isIn({ ...stretch, days: [...stretch.days] }, { day: weekday, minute: minuteOf(time) }),
    ).toBe(expected)
  })
})

describe('a time of day that has come', () => {
  const every = (time: string) => ({ days: WEEKDAYS, minute: minuteOf(time) })
  const came = (time: string, since: string, now: string, days: readonly Weekday[] = WEEKDAYS) =>
    hasCome({ ...every(time), days }, ROME, { since: at(since), now: at(now) })

  it.each([
    ['07:30', '2025-11-21T06:29:00Z', '2025-11-21T06:30:00Z', true],
    ['07:30', '2025-11-21T06:29:00Z', '2025-11-21T06:29:59Z', false],
    ['07:30', '2025-11-21T06:30:00Z', '2025-11-22T06:29:00Z', false],
    ['00:00', '2025-11-21T22:59:00Z', '2025-11-21T23:00:00Z', true],
    ['07:30', '2025-11-01T00:00:00Z', '2025-11-21T00:00:00Z', true],
    // skipped by the clock in spring: counts when the clock has gone over it
    ['02:30', '2026-03-29T00:50:00Z', '2026-03-29T01:00:00Z', true],
    // shown twice in autumn: counts once
    ['02:30', '2026-10-25T00:20:00Z', '2026-10-25T00:30:00Z', true],
    ['02:30', '2026-10-25T00:31:00Z', '2026-10-25T02:00:00Z', false],
    // a clock that was set back
    ['07:30', '2025-11-21T08:00:00Z', '2025-11-21T05:00:00Z', false],
  ])('%s between %s and %s: %s', (time, since, now, expected) => {
    expect(came(time, since, now)).toBe(expected)
  })

  it('comes only on its days', () => {
    expect(came('07:30', '2025-11-21T06:00:00Z', '2025-11-21T07:00:00Z', ['sat'])).toBe(false)
    expect(came('07:30', '2025-11-21T06:00:00Z', '2025-11-22T07:00:00Z', ['sat'])).toBe(true)
  })

  it('HO9 comes once a day over a whole year, whichever way it is looked at', () => {
    for (const [time, zone] of [
      ['02:30', ROME],
      ['07:30', ROME],
      ['00:00', 'America/Sao_Paulo'],
    ] as const) {
      let times = 0
      const start = at('2026-01-01T12:00:00Z')
      const moments = every(time)
      for (let hour = 0; hour < 365 * 24; hour++) {
        const since = start + hour * 3_600_000
        if (hasCome(moments, zone, { since, now: since + 3_600_000 })) times++
      }
      expect([time, zone, times]).toEqual([time, zone, 365])
    }
  })
})
