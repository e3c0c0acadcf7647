// The configuration file as a whole. Decides which sections there are; the sections stand beside it.

import { z } from 'zod'
import { DAY, MINUTE } from '#core/time.ts'
import { APPROVALS } from '../configuration.ts'
import { LANGUAGES } from '../guidance.ts'
import { annunciatorSchema } from './annunciator.ts'
import { duration, filePath, id, text, timeZone } from './atoms.ts'
import { busSchema, instrumentSchema, limitSetReference, zoneSchema } from './plant.ts'

/** `site:` */
export const siteSchema = z
  .strictObject({
    org: id('organisation, first level of the MQTT topics'),
    id: id('site, second level of the MQTT topics'),
    name: text('name of the site, shown on screens and reports'),
    timezone: timeZone('IANA time zone for display, such as Europe/Rome or UTC; records are UTC'),
    language: z
      .enum(LANGUAGES)
      .describe('language of the guidance in records and lists; en where not given')
      .optional(),
    approval: z
      .enum(APPROVALS)
      .describe(
        'second_person: two people sign a change of how grade A and B points are judged before it is in force; none where not given',
      )
      .optional(),
  })
  .describe('whose plant this is')

/** `gateway:` */
export const gatewaySchema = z
  .strictObject({
    id: id('this gateway, third level of the MQTT topics'),
    dataDir: filePath('directory that holds everything the agent writes'),
    origin: z
      .enum(['instrument', 'simulated'])
      .describe(
        'where readings come from: simulated where simulators stand in for the instruments; instrument where not given',
      )
      .optional(),
    retention: duration(
      'how long records are kept at least; older day files are removed once everybody has them; for ever where not given',
      DAY,
      36_500 * DAY,
    ).optional(),
  })
  .describe('the machine the agent runs on')

const secretFile = (what: string) => filePath(`file with ${what}`).optional()

/** `mqtt:` */
export const mqttSchema = z
  .strictObject({
    url: text(
      'broker, such as mqtts://broker.example:8883; without user and password',
      2048,
    ).optional(),
    embedded: z
      .boolean()
      .describe('use the built-in broker on 127.0.0.1 in place of a url')
      .optional(),
    caFile: secretFile('the certificates that the broker is trusted by (PEM)'),
    certFile: secretFile('the client certificate of this gateway (PEM)'),
    keyFile: secretFile('the private key of the client certificate (PEM)'),
    usernameFile: secretFile('the user name for the broker'),
    passwordFile: secretFile('the password for the broker'),
    consumers: z
      .array(id('a consumer'))
      .max(16)
      .describe(
        'consumers whose confirm counts: records are kept until each one has confirmed them',
      )
      .optional(),
    live: z
      .boolean()
      .describe('publish the newest value of every point for dashboards; false where not given')
      .optional(),
    commands: z
      .boolean()
      .describe('accept signed commands over MQTT; false where not given')
      .optional(),
    allowPlaintext: z
      .boolean()
      .describe('accept mqtt:// without TLS beyond this machine; false where not given')
      .optional(),
  })
  .describe('way to the MQTT broker; without it nothing is published')

/** `console:` */
export const consoleSchema = z
  .strictObject({
    host: text('address to listen on, such as 127.0.0.1', 253).optional(),
    port: z.int().min(1).max(65_535).describe('TCP port to listen on, 1 to 65535').optional(),
    open: z
      .boolean()
      .describe("let everybody read on the panel's own host without a login; acts always need one")
      .optional(),
  })
  .describe("the operators' console; without this key nothing listens")

const code = (what: string) =>
  z
    .string()
    .regex(/^[a-z0-9_]{1,32}$/, 'is no code')
    .describe(`${what}: 1 to 32 of a-z, 0-9 and "_"`)

/** A text for all, or by language. */
const translated = (what: string, max: number) =>
  z
    .union([
      text(what, max),
      z
        .strictObject({
          en: text(`${what}, in English`, max).optional(),
          it: text(`${what}, in Italian`, max).optional(),
        })
        .refine((texts) => Object.values(texts).some((one) => one !== undefined), {
          error: 'give it in one language at least',
        }),
    ])
    .describe(`${what}: a text, or one for each language`)

/** `reasonCodes:` */
export const reasonCodesSchema = z
  .array(
    z
      .union([
        code('a reason code'),
        z.strictObject({ code: code('a reason code'), label: translated('how it reads', 100) }),
      ])
      .describe('a reason code: 1 to 32 of a-z, 0-9 and "_"; or with the label it is read by'),
  )
  .min(1)
  .max(64)
  .describe('codes accepted as the reason of an acknowledgement, in place of the usual ones')

/** `phrases:` */
export const phrasesSchema = z
  .record(code('a phrase'), translated('the comment it stands for', 500))
  .describe('texts that stand for a comment, by id; chosen with --phrase')

type Step = number | { readonly after: number }
const timeOf = (step: Step): number => (typeof step === 'number' ? step : step.after)

const classReminders = z.strictObject({
  reAlarm: duration(
    'an acknowledged alarm that still goes on is unacknowledged again after this',
    MINUTE,
    30 * DAY,
  ).optional(),
  escalate: z
    .array(
      z.union([
        duration('time from the activation', MINUTE, 30 * DAY),
        z.strictObject({
          after: duration('time from the activation', MINUTE, 30 * DAY),
          contact: id('who is called: the topic escalation/{contact}'),
        }),
      ]),
    )
    .min(1)
    .max(8)
    .refine((steps) => steps.every((step, index) => timeOf(step) > timeOf(steps[index - 1] ?? 0)), {
      error: 'each step must come after the one before',
    })
    .describe(
      'steps of escalation of an unacknowledged alarm: times from its activation, ascending, or { after, contact }',
    )
    .optional(),
})

/** `reminders:` */
export const remindersSchema = z
  .strictObject({
    action: classReminders.describe('action alarms').optional(),
    alert: classReminders.describe('alert alarms').optional(),
    fault: classReminders.describe('faults of instruments and buses').optional(),
    system: classReminders.describe('troubles of the agent itself').optional(),
  })
  .describe('when alarms that nobody looks after are said again, by class; without it, never')

/** `alarmPath:` */
export const alarmPathSchema = z
  .strictObject({
    every: duration(
      'how often a test alarm is sent to the broker and taken back',
      MINUTE,
      30 * DAY,
    ),
    maxAge: duration(
      'how old the last proof may be before system.alarm_path rises',
      MINUTE,
      60 * DAY,
    ),
  })
  .refine(({ every, maxAge }) => maxAge > every, {
    error: 'must be longer than every, or the alarm rises between two tests',
    path: ['maxAge'],
  })
  .describe('the way of alarms is proved by a marked test alarm; without it, never')

const shelf = (what: string) => duration(`the longest ${what} may be shelved`, MINUTE, 7 * DAY)

/** `shelving:` */
export const shelvingSchema = z
  .strictObject({
    action: shelf('an action alarm').optional(),
    alert: shelf('an alert alarm').optional(),
    fault: shelf('a fault').optional(),
    system: shelf('an alarm of the agent itself').optional(),
  })
  .describe(
    'longest shelf by class: 1h, 8h, 1d and 1d where not given; a critical alarm is never shelved',
  )

/** Longest text of a guidance, in characters. */
const GUIDANCE_TEXT_MAX = 500
const guidanceText = (what: string) => text(what, GUIDANCE_TEXT_MAX).optional()

/** `guidance:` */
export const guidanceSchema = z
  .record(
    z
      .string()
      .regex(
        /^[a-z0-9-]{1,32}$|^[a-z0-9-]{1,32}\.[a-z0-9_]{1,32}$|^[a-z_]{1,32}(\.[a-z0-9_]{1,32})?$/,
      )
      .describe(
        'an alarm (b101-dp.action_low), the id of a point, instrument, zone or bus, a kind (action_low), or a kind and a quantity',
      ),
    z.strictObject({
      cause: guidanceText('what usually brings the alarm about'),
      consequence: guidanceText('what follows where nobody acts'),
      action: guidanceText('what whoever sees it has to do'),
    }),
  )
  .describe(
    "the site's own words on alarms, in place of the usual ones; parts left out stay as they are",
  )

const FILES_MAX = 64

export const includeSchema = z
  .union([filePath('a file'), z.array(filePath('a file')).max(FILES_MAX)])
  .describe('further files, relative to this one; their lists are added to these')

/** A whole configuration file. */
export const configurationSchema = z
  .strictObject({
    include: includeSchema.optional(),
    site: siteSchema,
    gateway: gatewaySchema,
    limitSet: limitSetReference,
    mqtt: mqttSchema.optional(),
    console: consoleSchema.optional(),
    reasonCodes: reasonCodesSchema.optional(),
    reminders: remindersSchema.optional(),
    alarmPath: alarmPathSchema.optional(),
    shelving: shelvingSchema.optional(),
    phrases: phrasesSchema.optional(),
    guidance: guidanceSchema.optional(),
    annunciator: annunciatorSchema.optional(),
    zones: z.array(zoneSchema).min(1).describe('the zones of the plant'),
    buses: z.array(busSchema).min(1).describe('the buses of the gateway'),
    instruments: z.array(instrumentSchema).min(1).describe('the instruments on the buses'),
  })
  .describe('configuration of a cleanroom-agent gateway')

export type SiteInput = z.infer<typeof siteSchema>
export type GatewayInput = z.infer<typeof gatewaySchema>
export type RemindersInput = z.infer<typeof remindersSchema>
export type AlarmPathInput = z.infer<typeof alarmPathSchema>
export type ShelvingInput = z.infer<typeof shelvingSchema>
export type PhrasesInput = z.infer<typeof phrasesSchema>
export type GuidanceInput = z.infer<typeof guidanceSchema>
export type MqttInput = z.infer<typeof mqttSchema>
