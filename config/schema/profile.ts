// A profile as a file: what an instrument model is, as data (contract §2). No code, no expressions.
// Decides the shape and what a register can hold; whether the map is true only the instrument tells.

import { z } from 'zod'
import { QUANTITIES } from '#core/quantity.ts'
import { DAY, HOUR, SECOND } from '#core/time.ts'
import { BYTE_ORDERS, type DataType, TABLES } from '#drivers/profile.ts'
import { duration, id, range, text } from './atoms.ts'

const EIGHT_BYTE_ORDERS = {
  ABCDEFGH: 'ABCD',
  GHEFCDAB: 'CDAB',
  BADCFEHG: 'BADC',
  HGFEDCBA: 'DCBA',
} as const

const byteOrder = z
  .enum([...BYTE_ORDERS, ...(Object.keys(EIGHT_BYTE_ORDERS) as (keyof typeof EIGHT_BYTE_ORDERS)[])])
  .transform((order) =>
    order in EIGHT_BYTE_ORDERS ? EIGHT_BYTE_ORDERS[order as 'ABCDEFGH'] : (order as 'ABCD'),
  )
  .describe('order of the bytes on the wire, or its eight-byte form; ABCD where not given')
  .optional()

const dataType = z
  .string()
  .regex(
    /^(u16|i16|u32|i32|u64|i64|f32|f64|bcd16|bcd32|bit|string[1-9]\d{0,2})$/,
    'is no data type',
  )
  .transform((type) => type as DataType)
  .describe('data type: u16 i16 u32 i32 u64 i64 f32 f64 bcd16 bcd32 bit, or stringN with N bytes')

const register = {
  table: z.enum(TABLES).describe('Modbus table'),
  address: z.int().min(0).max(65_535).describe('zero-based address on the wire, 0 to 65535'),
  type: dataType,
  byteOrder,
}

const scale = (what: string) =>
  z
    .number()
    .refine((value) => value !== 0, 'is 0, which makes every value 0')
    .describe(`${what}; 1 where not given`)
    .optional()

const registerSpec = (what: string) => z.strictObject(register).describe(what)
const scaledSpec = (what: string, unit: string) =>
  z.strictObject({ ...register, scale: scale(`factor that gives ${unit}`) }).describe(what)

const signalSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'is no name of a signal (of letters, digits, "_" and "-")')
      .describe('name of the signal, such as particles_0_5um or differential_pressure'),
    quantity: z.enum(QUANTITIES).describe('physical quantity'),
    unit: text('unit after scale and offset', 16),
    ...register,
    reference: text('number that the manual prints', 32).optional(),
    scale: scale('factor: value = decoded × scale + offset'),
    offset: z.number().describe('added after the scale; 0 where not given').optional(),
    range: range('physical range after scale and offset; a value outside is bad').optional(),
    invalid: z
      .array(z.union([z.literal('nan'), z.number()]))
      .max(32)
      .describe('decoded values, before scale and offset, that mean "no value": "nan" or numbers')
      .optional(),
    stuckAfter: duration(
      'an unchanged raw value for longer than this is a stuck sensor',
      SECOND,
      30 * DAY,
    ).optional(),
    sizeUm: z
      .number()
      .positive()
      .max(1000)
      .describe(
        'particle size in µm, cumulative; read from a name such as particles_0_5um where not given',
      )
      .optional(),
    sourcePage: z.int().min(1).describe('page of the source document').optional(),
  })
  .describe('one value that the instrument gives')

const statusSchema = z
  .strictObject({
    ...register,
    bits: z
      .array(
        z
          .strictObject({
            bit: z.int().min(0).max(31).describe('number of the bit, 0 is the least significant'),
            faultWhen: z.literal([0, 1]).describe('value of the bit that means the fault, 0 or 1'),
            reason: z
              .enum(['sensor_fault', 'flow_fault', 'laser_fault', 'warmup', 'overflow'])
              .describe('what the bit says'),
          })
          .describe('one bit of the status word'),
      )
      .max(32)
      .describe('bits that mean a fault')
      .optional(),
    healthy: z
      .array(z.int())
      .max(32)
      .describe('whole words that mean healthy; any other word is a fault')
      .optional(),
    reason: z
      .enum(['sensor_fault', 'warmup'])
      .describe('what a word that is not healthy means; sensor_fault where not given')
      .optional(),
    signals: z
      .array(text('name of a signal', 64))
      .max(64)
      .describe('signals that the word speaks for; all of the instrument where not given')
      .optional(),
  })
  .describe('a status word read with the signals it speaks for')

const sampleSchema = z
  .strictObject({
    identity: z
      .strictObject({
        kind: z.enum(['record_number', 'instrument_time']).describe('what tells samples apart'),
        ...register,
      })
      .describe('what tells a new record from one already seen'),
    time: registerSpec('end of the sample by the instrument, seconds since 1970').optional(),
    clock: registerSpec("the instrument's running clock, seconds since 1970").optional(),
    duration: scaledSpec('sample time', 'seconds').optional(),
    hold: scaledSpec('hold time between samples', 'seconds').optional(),
    volume: scaledSpec('sampled volume', 'litres').optional(),
    flow: scaledSpec('measured flow', 'L/min').optional(),
    defaultDuration: duration('sample time where the instrument does not tell it', SECOND, HOUR),
    counts: z
      .enum(['cumulative', 'differential'])
      .describe('whether a channel counts this size and greater, or up to the next size only'),
    content: z
      .enum(['counts', 'concentration'])
      .describe('whether a channel holds counts of the sample or a concentration'),
    status: z.array(statusSchema).max(16).describe('status words of the record').optional(),
    channelMask: registerSpec('bit k says that the k-th particle signal is valid').optional(),
    newest: z
      .strictObject({ ...register, equals: z.int().describe('value the register must hold') })
      .describe(
        'register that must hold a value for the record to be the newest; only read, never written',
      )
      .optional(),
  })
  .describe('how the samples of a particle counter are told apart and normalised')

const identifySpec = (what: string) =>
  z
    .union([
      registerSpec(`register of the ${what}`),
      z
        .strictObject({
          object: z
            .int()
            .min(0)
            .max(255)
            .describe(
              'id of the object: 1 product code, 2 version, 4 product name; 128 and above are the maker’s',
            ),
        })
        .describe(`object of Read Device Identification (function 43/14) that holds the ${what}`),
    ])
    .describe(what)
    .optional()

/** A profile file. */
export const profileSchema = z
  .strictObject({
    id: id('id of the profile'),
    manufacturer: text('who makes the instrument').optional(),
    model: text('model of the instrument').optional(),
    protocol: z.literal('modbus').describe('field protocol'),
    serialDefaults: z
      .strictObject({
        baudRate: z.int().min(300).max(1_000_000).describe('usual speed in bit/s').optional(),
        dataBits: z.literal([7, 8]).describe('usual data bits').optional(),
        parity: z.enum(['none', 'even', 'odd']).describe('usual parity').optional(),
        stopBits: z.literal([1, 2]).describe('usual stop bits').optional(),
        unitId: z.int().min(0).max(255).describe('usual Modbus unit identifier').optional(),
      })
      .describe('settings the instrument leaves the factory with')
      .optional(),
    source: z
      .strictObject({
        document: text('document that the map was taken from', 500),
        revision: text('revision of the document').optional(),
        confirmedOnHardware: z
          .boolean()
          .describe('true once the map was tried on the instrument itself; false where not given')
          .optional(),
        note: text('what is inferred or uncertain in the map', 1000).optional(),
      })
      .describe('where the map comes from'),
    limits: z
      .strictObject({
        maxRegistersPerRead: z
          .int()
          .min(1)
          .max(125)
          .describe('most registers in one request; 125 where not given')
          .optional(),
        maxGap: z
          .int()
          .min(0)
          .max(125)
          .describe('most unused registers a request may read through; 0 where not given')
          .optional(),
        turnaroundMs: z
          .int()
          .min(0)
          .max(5000)
          .describe(
            'silence kept before the next request on a serial line, in ms; 20 where not given',
          )
          .optional(),
      })
      .describe('what the instrument bears')
      .optional(),
    interval: duration('usual time between two slots', 1, DAY).optional(),
    signals: z.array(signalSchema).min(1).max(256).describe('what the instrument gives'),
    status: z.array(statusSchema).max(16).describe('status words of the instrument').optional(),
    sample: sampleSchema.optional(),
    identify: z
      .strictObject({
        model: identifySpec('model'),
        serial: identifySpec('serial number'),
        firmware: identifySpec('firmware'),
      })
      .describe(
        'how model and serial number are read: each from a register, or from an object of function 43/14',
      )
      .optional(),
  })
  .describe('profile of an instrument model')

export type ProfileInput = z.infer<typeof profileSchema>
export type RegisterInput = z.infer<z.ZodObject<typeof register>>
