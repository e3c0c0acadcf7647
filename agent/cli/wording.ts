// Times, spans and values in words for the screen. Pure; decides nothing and rounds nothing across a limit (alarms.md).

import { DAY, HOUR, MINUTE, type Millis, SECOND } from '#core/time.ts'

/** `2026-11-22 09:42:07 +01:00` in the site's time zone; UTC where the zone is not known here. */
export function localTime(wall: Millis, timezone: string): string {
  const parts = new Map(
    formatOf(timezone)
      .formatToParts(wall)
      .map(({ type, value }) => [type, value]),
  )
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? ''
  const offset = part('timeZoneName').replace('GMT', '') || '+00:00'
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')} ${offset}`
}

/** `09:42:07` on the day of `now`, else `2026-11-21 09:42:07`: for lists that name the zone once. */
export function shortTime(wall: Millis, now: Millis, timezone: string): string {
  const [date, time = ''] = localTime(wall, timezone).split(' ')
  return date === localTime(now, timezone).split(' ')[0] ? time : `${date} ${time}`
}

/** `3 min` `2 h 5 min` `4 d 3 h`: two units at most, rounded down. */
export function span(ms: Millis): string {
  const units: readonly (readonly [string, Millis])[] = [
    ['d', DAY],
    ['h', HOUR],
    ['min', MINUTE],
    ['s', SECOND],
  ]
  const whole = Math.max(0, Math.floor(ms))
  const from = units.findIndex(([, size]) => whole >= size)
  if (from === -1) return '0 s'
  const words: string[] = []
  let rest = whole
  for (const [name, size] of units.slice(from, from + 2)) {
    const count = Math.floor(rest / size)
    rest %= size
    if (count > 0) words.push(`${count} ${name}`)
  }
  return words.join(' ')
}

/** A value with as few digits as tell it apart from its limit, at least four significant ones. */
export function valueAgainst(value: number, limit: number | undefined): string {
  for (let digits = 4; digits <= 17; digits++) {
    const shown = Number(value.toPrecision(digits))
    if (limit === undefined || Math.sign(shown - limit) === Math.sign(value - limit))
      return String(shown)
  }
  return String(value)
}

/** `1 alarm` `3 alarms` */
export const counted = (count: number, one: string, many: string = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** `ALARM FLOOD since 09:42:07: 34 alarms` */
export const floodWords = (
  { since, alarms }: { readonly since: Millis; readonly alarms: number },
  now: Millis,
  timezone: string,
): string => `ALARM FLOOD since ${shortTime(since, now, timezone)}: ${counted(alarms, 'alarm')}`

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone)
  if (known !== undefined) return known
  const format = newFormat(timezone) ?? newFormat('UTC') ?? new Intl.DateTimeFormat()
  formats.set(timezone, format)
  return format
}

function newFormat(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-GB', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'longOffset',
    })
  } catch {
    return undefined
  }
}

/** A value with its unit; a plain number has none to show. */
export const withUnit = (value: number | string, unit: string | undefined): string =>
  unit === undefined || unit === '1' ? String(value) : `${value} ${unit}`
