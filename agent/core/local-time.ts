// The clock on the wall of the site: what day and time an instant is there, and what a weekly plan says of it. Pure; the rules of
// summer time are those of the time zone data. A time that the clock skips in spring counts as the first moment after the
// gap; one that comes twice in autumn counts the first time. Never reads a clock.

import { HOUR, MINUTE, type Millis } from './time.ts'

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

export const MINUTES_OF_A_DAY = 24 * 60

/** A moment as the site's clock shows it. */
export interface LocalTime {
  readonly day: Weekday
  /** Since midnight, as shown. */
  readonly minute: number
}

const FORMATS = new Map<string, Intl.DateTimeFormat>()

function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = FORMATS.get(timezone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  FORMATS.set(timezone, made)
  return made
}

/** What the site's clock shows at a moment (wall ms). */
export function localTime(wall: Millis, timezone: string): LocalTime {
  const parts = new Map(
    formatOf(timezone)
      .formatToParts(wall)
      .map(({ type, value }) => [type, value]),
  )
  const shown = (parts.get('weekday') ?? '').toLowerCase()
  const day = WEEKDAYS.find((name) => shown.startsWith(name)) ?? 'mon'
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) }
}

/** `07:30` → 450. */
export function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':')
  return Number(hours) * 60 + Number(minutes)
}

/** A stretch of the week: on these days from one time to another, over midnight where `to` is not after `from`. */
export interface Stretch {
  readonly days: readonly Weekday[]
  readonly fromMinute: number
  readonly toMinute: number
}

/** Whether a moment of the site's clock lies in a stretch; its end does not belong to it. */
export function isIn({ days, fromMinute, toMinute }: Stretch, { day, minute }: LocalTime): boolean {
  if (fromMinute < toMinute) return days.includes(day) && minute >= fromMinute && minute < toMinute
  const before = WEEKDAYS[(WEEKDAYS.indexOf(day) + 6) % 7] ?? day
  return (
    (days.includes(day) && minute >= fromMinute) || (days.includes(before) && minute < toMinute)
  )
}

/** A time of day on some days. */
export interface Moments {
  readonly days: readonly Weekday[]
  readonly minute: number
}

/**
 * Whether such a time has come after `since` and not after `now` (wall ms), the way the clock showed it; looks back at most a week.
 * A clock that skipped it has passed it, one that shows it twice shows it once.
 */
export function hasCome(
  { days, minute }: Moments,
  timezone: string,
  { since, now }: { readonly since: Millis; readonly now: Millis },
): boolean {
  const step = 15 * MINUTE
  const from = Math.max(since, now - 7 * MINUTES_OF_A_DAY * MINUTE)
  let before = localTime(from, timezone)
  for (let at = from; at < now; ) {
    at = Math.min(at + step, now)
    const after = localTime(at, timezone)
    if (passed(before, after, minute, days) && !isRepeated(at, after, minute, timezone)) return true
    before = after
  }
  return false
}

/** In the hour that autumn shows twice, an hour ago the clock showed the time already. */
function isRepeated(at: Millis, { day }: LocalTime, minute: number, timezone: string): boolean {
  const earlier = localTime(at - HOUR, timezone)
  return earlier.day === day && earlier.minute >= minute
}

/** Whether the clock went over the minute between two showings less than a day apart; a clock that goes back goes over nothing. */
function passed(
  before: LocalTime,
  after: LocalTime,
  minute: number,
  days: readonly Weekday[],
): boolean {
  if (before.day === after.day)
    return days.includes(after.day) && before.minute < minute && minute <= after.minute
  const nextDay = WEEKDAYS[(WEEKDAYS.indexOf(before.day) + 1) % 7] === after.day
  if (!nextDay) return false
  return (
    (days.includes(before.day) && before.minute < minute) ||
    (days.includes(after.day) && minute <= after.minute)
  )
}
