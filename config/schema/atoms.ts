// The small schemas that every file format of the configuration is made of: ids, durations, numbers, references.
// Decides how a single value is written; never what several values mean together (that is config/check).

import { z } from 'zod'
import { DAY, formatDuration, type Millis, parseDuration } from '#core/time.ts'

export const ID_PATTERN = /^[a-z0-9-]{1,32}$/
export const DURATION_PATTERN = /^\d+(\.\d+)?(ms|s|min|h|d)$/

/** An id of the plant: zones, buses, instruments and points share one name space. */
export const id = (what: string) =>
  z.string().regex(ID_PATTERN, 'is no id').describe(`${what}: 1 to 32 of a-z, 0-9 and "-"`)

/** A reference to something that has an id. */
export const reference = (what: string) =>
  z.string().regex(ID_PATTERN, 'is no id (of a-z, 0-9 and "-")').describe(what)

/** Non-empty text of one line. */
export const text = (what: string, lengthMax = 200) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(/^[^\p{Cc}]*$/u, 'is not one line of plain text')
    .describe(what)

/** How every duration is described, so that a number without a unit can be told what it lacks. */
export const DURATION_WORDS = 'a duration such as 250ms, 1s, 15min, 8h or 30d'

const durationOf = (words: string): Millis => {
  const ms = parseDuration(words) ?? Number.NaN
  return Math.round(ms * 1e6) / 1e6
}

/** A duration in words (`250ms 1s 15min 8h 30d`) that becomes whole milliseconds. */
export const duration = (what: string, min: Millis = 0, max: Millis = 365 * DAY) =>
  z
    .string()
    .regex(DURATION_PATTERN, 'is no duration')
    .transform(durationOf)
    .refine((ms) => Number.isInteger(ms), 'is not a whole number of milliseconds')
    .refine(
      (ms) => ms >= min && ms <= max,
      `is not between ${formatDuration(min)} and ${formatDuration(max)}`,
    )
    .describe(`${what}; ${DURATION_WORDS}`)

/** Two ascending numbers. */
export const range = (what: string) =>
  z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, 'does not ascend')
    .describe(`${what}: [lowest, highest]`)

/** A calendar day that exists. */
export const isoDate = (what: string) =>
  z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, 'is no day')
    .refine((day) => {
      const at = new Date(`${day}T00:00:00Z`)
      return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day)
    }, 'is not a day of the calendar')
    .describe(`${what}, as YYYY-MM-DD`)

/** A time zone that this machine knows. */
export const timeZone = (what: string) =>
  text(what, 64).refine((name) => {
    try {
      return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
    } catch {
      return false
    }
  }, 'is no time zone')

/** Path of a file, relative to the file it stands in. */
export const filePath = (what: string) =>
  text(`${what}; relative to the file it stands in, or absolute`, 4096)
