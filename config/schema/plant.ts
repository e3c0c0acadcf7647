// Zones, buses, instruments and points, as written. Decides their shape; references are resolved in config/resolve.

import { z } from 'zod'
import { GRADES, OCCUPANCIES } from '#core/point.ts'
import { DAY, HOUR, MINUTE, SECOND } from '#core/time.ts'
import { clockTime, days } from './annunciator.ts'
import { duration, filePath, id, isoDate, range, reference, text } from './atoms.ts'
import { checksSchema, limitsSchema, rulesSchema, SAMPLE_PERIOD_MAX } from './limits.ts'
import { trendsSchema } from './trends.ts'

const INTERVAL_MIN = 1
const interval = (of: string) =>
  duration(
    `time between two slots of ${of}; the nearest of point, instrument, bus and profile counts, else 1s`,
    INTERVAL_MIN,
    DAY,
  ).optional()

const longest = (usual: string) =>
  duration(`longest stay; ${usual} where not given`, MINUTE, 90 * DAY).optional()

const longestSchema = z
  .strictObject({
    in_operation: longest('1d'),
    at_rest: longest('30d'),
    clean_up: longest('1h, in a zone without cleanUp'),
    not_in_use: longest('30d'),
  })
  .describe(
    'how long the zone may stay in a state before the strictest limits apply, with an alarm',
  )

const STATED = ['in_operation', 'at_rest', 'not_in_use'] as const
const stated = (what: string) => z.enum(STATED).describe(what)

const scheduleSchema = z
  .strictObject({
    stretches: z
      .array(
        z
          .strictObject({
            days: days.describe('days on which it begins; every day where not given').optional(),
            from: clockTime('when it begins'),
            to: clockTime('when it ends, on the day after where it is not later than from'),
            state: stated('what goes on then'),
          })
          .describe('a part of the week'),
      )
      .min(1)
      .max(64)
      .describe('parts of the week; the first that holds counts'),
    otherwise: stated('what goes on the rest of the time'),
  })
  .describe('states the occupancy by the clock, in the time zone of the site')

const signalSchema = z
  .strictObject({
    point: reference('id of the contact point that is followed'),
    closed: stated('what goes on while it reads 1; in_operation where not given').optional(),
    open: stated('what goes on while it reads 0; at_rest where not given').optional(),
  })
  .describe('states the occupancy by a contact; while it is lost, the strictest limits apply')

/** An element of `zones:`. */
export const zoneSchema = z
  .strictObject({
    id: id('id of the zone'),
    name: text('name of the zone as people call it'),
    grade: z.enum(GRADES).describe('EU GMP grade; CNC is controlled, not classified'),
    within: reference('id of the zone that surrounds this one').optional(),
    occupancy: z
      .enum(OCCUPANCIES)
      .describe('state before anybody sets one; without it the strictest limits apply until then')
      .optional(),
    cleanUp: duration(
      'clean-up period in which the at-rest limits are to be reached (guidance: under 20min)',
      SECOND,
      8 * HOUR,
    ).optional(),
    longest: longestSchema.optional(),
    schedule: scheduleSchema.optional(),
    signal: signalSchema.optional(),
    trends: trendsSchema.optional(),
  })
  .describe('a room, a cabinet or another place with one grade')

const busCommon = {
  id: id('id of the bus'),
  timeout: duration(
    'how long a reply is waited for: 300ms on modbus-tcp, 500ms on modbus-rtu, 1s on modbus-rtu-over-tcp where not given',
    10,
    MINUTE,
  ).optional(),
  retries: z
    .int()
    .min(0)
    .max(5)
    .describe(
      'how often a request is sent again after a fault that allows it, 0 to 5; 1 where not given',
    )
    .optional(),
  interval: interval('every point of the bus'),
}

const turnaround = duration(
  'silence kept between a reply and the next request; the largest of the profiles on the bus where not given',
  0,
  5 * SECOND,
).optional()

const lateReply = (usual: string) =>
  duration(
    `quarantine of a unit after a timeout, in which a late reply may still come: ${usual} where not given`,
    0,
    5 * MINUTE,
  ).optional()

const host = text('name or IP address of the device, gateway or converter', 253)
const port = (usual: string) => z.int().min(1).max(65_535).describe(`TCP port, 1 to 65535${usual}`)

const BAUD_RATES = [
  300, 600, 1200, 2400, 4800, 9600, 14_400, 19_200, 38_400, 57_600, 115_200, 230_400,
] as const

const line = {
  baudRate: z
    .literal(BAUD_RATES)
    .describe(
      'speed of the serial line in bit/s; what the profiles on the bus agree on, else 19200, where not given',
    )
    .optional(),
  dataBits: z
    .literal([7, 8])
    .describe('data bits of a character, 7 or 8; 8 where not given')
    .optional(),
  parity: z
    .enum(['none', 'even', 'odd'])
    .describe(
      'parity of a character; what the profiles on the bus agree on, else even, where not given',
    )
    .optional(),
  stopBits: z
    .literal([1, 2])
    .describe('stop bits of a character, 1 or 2; 1 where not given')
    .optional(),
}

const PROTOCOL =
  'modbus-tcp for an instrument or a Modbus gateway, modbus-rtu for a serial port of this machine, ' +
  'modbus-rtu-over-tcp for RTU frames through a transparent serial converter'

const tcpBus = z.strictObject({
  ...busCommon,
  protocol: z.literal('modbus-tcp').describe(PROTOCOL),
  host,
  port: port('; 502 where not given').optional(),
})

const rtuBus = z.strictObject({
  ...busCommon,
  protocol: z.literal('modbus-rtu').describe(PROTOCOL),
  path: text(
    'serial port, by-id or by-path: /dev/serial/by-id/…; it keeps its name when adapters are replugged',
    4096,
  ),
  allowUnstablePath: z
    .boolean()
    .describe('accept a path such as /dev/ttyUSB0, which may name another adapter after a restart')
    .optional(),
  ...line,
  turnaround,
  lateReply: lateReply('2s'),
})

const converterBus = z.strictObject({
  ...busCommon,
  protocol: z.literal('modbus-rtu-over-tcp').describe(PROTOCOL),
  host,
  port: port(''),
  ...line,
  turnaround,
  lateReply: lateReply('10s'),
})

/** An element of `buses:`. Serial settings of a converter are only reckoned with; the converter holds its own. */
export const busSchema = z
  .discriminatedUnion('protocol', [tcpBus, rtuBus, converterBus])
  .describe('a shared line to instruments')

/** An element of `points:` of an instrument. */
export const pointSchema = z
  .strictObject({
    id: id('id of the point'),
    signal: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'is no name of a signal')
      .describe("name of a signal of the instrument's profile"),
    zone: reference('id of the zone that the point measures'),
    against: reference(
      'id of the zone that a differential pressure is measured against',
    ).optional(),
    interval: interval('the point'),
    critical: z
      .boolean()
      .describe(
        'a critical point: data loss is an alarm within 10s for a pressure; false where not given',
      )
      .optional(),
    commFail: duration(
      'time without a good value after which data loss is an alarm',
      100,
      DAY,
    ).optional(),
    polarity: z
      .enum(['normal', 'reversed'])
      .describe('reversed turns a pressure sensor that is plumbed the other way')
      .optional(),
    range: range("physical range in the point's unit; a value outside is bad").optional(),
    stuckAfter: duration(
      'an unchanged raw value for longer than this is a stuck sensor; not watched where not given',
      SECOND,
      30 * DAY,
    ).optional(),
    limits: limitsSchema.optional(),
    rules: rulesSchema.optional(),
    checks: checksSchema.optional(),
  })
  .describe('one measured quantity in one zone')

const instrumentOwn = {
  id: id('id of the instrument'),
  profile: text(
    'profile of the instrument model: an id such as ee600, or a path with "/" such as ./my-profile.json',
    4096,
  ),
  bus: reference('id of the bus that the instrument is on'),
  unitId: z
    .int()
    .min(0)
    .max(255)
    .describe(
      "Modbus unit identifier, 0 to 255; the profile's usual one, or 1 on modbus-tcp, where not given",
    )
    .optional(),
  serial: text('serial number of the instrument, in quotes').optional(),
  calibrationDue: isoDate('last day of the calibration').optional(),
  flow: z
    .number()
    .positive()
    .max(1000)
    .describe('nominal sample flow of a particle counter in L/min, such as 28.3')
    .optional(),
  sampleTime: duration(
    "sample time set on a particle counter; the profile's usual one where not given",
    SECOND,
    SAMPLE_PERIOD_MAX,
  ).optional(),
  samplingTube: z
    .strictObject({
      length: z.number().positive().max(50).describe('length of the sampling tube in m'),
      justification: text(
        'reference to the document that justifies a tube longer than 1 m',
      ).optional(),
    })
    .describe('tube between the probe and the particle counter')
    .optional(),
  interval: interval('every point of the instrument'),
}

/** An element of `instruments:` without its points, which are judged one by one. */
export const instrumentOwnSchema = z.strictObject(instrumentOwn).describe('an instrument on a bus')

/** An element of `instruments:`. */
export const instrumentSchema = z
  .strictObject({
    ...instrumentOwn,
    points: z.array(pointSchema).min(1).describe('what the instrument measures'),
  })
  .describe('an instrument on a bus')

/** A path or an id of a limit set. */
export const limitSetReference = filePath(
  'limit set: an id such as annex1-2022, or a path with "/" such as ./site-limits.json',
)

export type ZoneInput = z.infer<typeof zoneSchema>
export type BusInput = z.infer<typeof busSchema>
export type InstrumentInput = z.infer<typeof instrumentOwnSchema>
export type PointInput = z.infer<typeof pointSchema>
