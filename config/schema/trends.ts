// Trend rules of a zone, as written (Annex 1 9.11). Decides the shape; what a trend is, the core says.

import { z } from 'zod'
import { DAY, HOUR, MINUTE } from '#core/time.ts'
import { duration, text } from './atoms.ts'

/** Excursions a rule may ask for: fewer than the core remembers. */
const COUNT_MAX = 100
const OVER_MAX = 365 * DAY

const count = (of: string) => z.int().min(2).max(COUNT_MAX).describe(`${of}; a whole number from 2`)

/** `trends:` of a zone. */
export const trendsSchema = z
  .strictObject({
    rising: z
      .strictObject({
        over: duration(
          'time in which excursions are counted, and the time before it',
          HOUR,
          OVER_MAX,
        ),
        atLeast: count('fewest excursions that are a trend, where they are more than before'),
      })
      .describe('a rising number of excursions of a point, from action limits or alert levels')
      .optional(),
    consecutiveAlerts: z
      .strictObject({
        count: count('alert excursions of a point in a row'),
        within: duration('each begins within this time after the one before', MINUTE, OVER_MAX),
      })
      .describe('consecutive excursions from an alert level, none of which became an action')
      .optional(),
    isolatedActions: z
      .strictObject({
        count: count('isolated action excursions of a point'),
        over: duration('time in which they are counted', HOUR, OVER_MAX),
        apart: duration(
          'one that follows another sooner than this is counted with it',
          MINUTE,
          30 * DAY,
        ),
      })
      .describe(
        'regular but isolated excursions from an action limit, which may have a common cause',
      )
      .optional(),
    relate: duration(
      'what happened this long before an excursion is noted with it: occupancy, contacts, maintenance; 15min where not given',
      MINUTE,
      DAY,
    ).optional(),
    justification: text(
      'reference to the document that justifies the trend rules, such as CCS-060',
    ),
  })
  .describe(
    'trend rules for every point of the zone with limits (Annex 1 9.11); without them, none',
  )

export type TrendsInput = z.infer<typeof trendsSchema>
