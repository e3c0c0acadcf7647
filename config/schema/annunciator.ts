// Horn and stack light as written: the section of the configuration, and the profile of an output module as a file. Decides their
// shape; what belongs together is checked in config/check/annunciator.ts.

import { z } from 'zod'
import { OUTPUTS } from '#core/annunciation.ts'
import { WEEKDAYS } from '#core/local-time.ts'
import { HOUR, MINUTE, SECOND } from '#core/time.ts'
import { duration, id, reference, text } from './atoms.ts'

/** A file of config/outputs. */
export const outputProfileSchema = z
  .strictObject({
    id: id('id of the profile'),
    manufacturer: text('who makes it').optional(),
    model: text('model').optional(),
    protocol: z.literal('modbus').describe('protocol of the module'),
    source: z
      .strictObject({
        document: text('where the addresses come from'),
        confirmedOnHardware: z
          .boolean()
          .describe('somebody has tried it on a real module; false where not given')
          .optional(),
      })
      .describe('source of the map'),
    write: z
      .enum(['single', 'multiple'])
      .describe(
        'single: each coil by function 5; multiple: adjacent coils together by function 15',
      ),
    readBack: z
      .boolean()
      .describe('the coils can be read back by function 1; true where not given')
      .optional(),
    outputs: z
      .array(
        z.strictObject({
          name: z.enum(OUTPUTS).describe('what the coil drives'),
          address: z
            .int()
            .min(0)
            .max(65_535)
            .describe('zero-based address on the wire, 0 to 65535'),
          reference: text('number that the manual prints', 32).optional(),
        }),
      )
      .min(1)
      .max(OUTPUTS.length)
      .describe('coils that may be written; there is no other write'),
    watchdog: text(
      'how the module itself switches off when nothing is written any more',
      500,
    ).optional(),
  })
  .describe('profile of an output module')

/** A time of day. */
export const clockTime = (what: string) =>
  z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is no time of day')
    .describe(`${what}, as HH:MM in the time zone of the site`)

/** Days of the week. */
export const days = z.array(z.enum(WEEKDAYS)).min(1).max(WEEKDAYS.length)

/** `annunciator:` */
export const annunciatorSchema = z
  .strictObject({
    profile: text('output module: an id such as moxa-iologik-e1214, or a path with "/"', 4096),
    bus: reference('id of the bus that the module alone is on'),
    unitId: z
      .int()
      .min(0)
      .max(255)
      .describe('Modbus unit identifier, 0 to 255; 1 where not given')
      .optional(),
    outputs: z
      .array(z.enum(OUTPUTS))
      .min(1)
      .max(OUTPUTS.length)
      .describe('outputs the agent may write; each must be one that the profile names'),
    heartbeat: duration(
      'longest time between two writes; the watchdog of the module must be longer; 2s where not given',
      200,
      MINUTE,
    ).optional(),
    horn: z
      .int()
      .min(1)
      .max(3)
      .describe('the least urgent priority that sounds the horn, 1 to 3; 2 where not given')
      .optional(),
    silence: duration(
      'the longest a person may silence the horn; 5min where not given',
      SECOND,
      HOUR,
    ).optional(),
    selfTest: z
      .strictObject({
        at: clockTime('when lamps and horn are tried'),
        days: days.describe('on which days; every day where not given').optional(),
      })
      .describe('self-test on a schedule; without it only on command')
      .optional(),
  })
  .describe('horn and stack light on a Modbus output module')

export type OutputProfileInput = z.infer<typeof outputProfileSchema>
export type AnnunciatorInput = z.infer<typeof annunciatorSchema>
