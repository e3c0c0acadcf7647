// Limits and rules of one point, as written. Decides the shape; whether a value is permitted is config/check's business.

import { z } from 'zod'
import { DAY, HOUR } from '#core/time.ts'
import { duration, text } from './atoms.ts'

const thresholds = {
  actionHigh: z
    .number()
    .describe(
      "action limit above: a value greater than this is an action alarm, in the point's unit",
    )
    .optional(),
  alertHigh: z
    .number()
    .describe("alert level above: a value greater than this is an alert alarm, in the point's unit")
    .optional(),
  alertLow: z
    .number()
    .describe("alert level below: a value less than this is an alert alarm, in the point's unit")
    .optional(),
  actionLow: z
    .number()
    .describe("action limit below: a value less than this is an action alarm, in the point's unit")
    .optional(),
}

const column = (state: string) =>
  z
    .strictObject(thresholds)
    .describe(`limits that hold ${state} in place of those directly under limits`)
    .optional()

/** `limits:` of a point. */
export const limitsSchema = z
  .strictObject({
    ...thresholds,
    atRest: column('at rest'),
    inOperation: column('in operation and during clean-up'),
    inversion: z
      .union([z.boolean(), z.number()])
      .describe(
        'inversion alarm of a differential pressure: true is below 0, a number is below that many Pa',
      )
      .optional(),
    onDelay: duration(
      'how long a limit must be violated before its alarm rises',
      0,
      DAY,
    ).optional(),
    offDelay: duration('how long a value must be back before the alarm returns', 0, DAY).optional(),
    deadband: z
      .number()
      .min(0)
      .describe("how far inside the limit a value must come back, in the point's unit; 0 or more")
      .optional(),
    justification: text(
      'reference to the document that justifies delays, deadband and alert levels, such as CCS-021',
    ).optional(),
  })
  .describe('limits of the point; keys directly here hold in every occupancy')

/** Samples an x-of-y rule may look back at. */
const SAMPLES_MAX = 10_000

/** `rules:` of a particle point. */
export const rulesSchema = z
  .strictObject({
    rollingCubicMetre: z
      .boolean()
      .describe(
        'judge the high limits on the rolling cubic metre; always true for 5 µm and more in grade A',
      )
      .optional(),
    consecutive: z
      .int()
      .min(2)
      .max(SAMPLES_MAX)
      .describe('alarm when this many samples in a row have a count; a whole number from 2')
      .optional(),
    xOfY: z
      .tuple([z.int().min(1).max(SAMPLES_MAX), z.int().min(1).max(SAMPLES_MAX)])
      .describe('alarm when x of the last y good samples have a count: [x, y], x not above y')
      .optional(),
    singleHigh: z
      .int()
      .min(1)
      .describe('alarm when one sample has at least this many counts; a whole number from 1')
      .optional(),
    justification: text(
      'reference to the document that justifies the rules, such as CCS-014',
    ).optional(),
  })
  .describe('rules for rare counts of a particle point')

/** `checks:` of a polled point. */
export const checksSchema = z
  .strictObject({
    changePerMinute: z
      .number()
      .positive()
      .describe(
        "most that the value can change in a minute, in the point's unit; a faster change is uncertain, rate",
      )
      .optional(),
    zeroIsFault: z
      .boolean()
      .describe(
        'a value of exactly 0 means that the sensor is off or unplugged: bad, implausible_zero; false where not given',
      )
      .optional(),
    justification: text(
      'reference to the document that justifies the checks, such as CCS-040',
    ).optional(),
  })
  .describe('what is implausible of a point that is polled; each off where not given')

/** Longest sample period a counter may be set to. */
export const SAMPLE_PERIOD_MAX = HOUR
