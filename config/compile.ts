// From a resolved, fault-free configuration to the one that runs: plant, buses, instruments, broker, hash.
// Decides nothing that a check has not permitted; reads no file.

import { createHash } from 'node:crypto'
import type { GuidanceTexts } from '#core/guidance.ts'
import type { Instrument, Origin, Plant, Point } from '#core/point.ts'
import { type Millis, SECOND } from '#core/time.ts'
import type { InstrumentSettings } from '#drivers/profile.ts'
import type {
  AnnunciatorSettings,
  Configuration,
  MqttSettings,
  SourceFile,
} from './configuration.ts'
import { resolveFrom } from './document.ts'
import { guidanceTexts } from './guidance.ts'
import { compileChecks, compileLimits, compileRules, isParticle } from './limits.ts'
import type { Written } from './model.ts'
import { present } from './profile.ts'
import type { Resolved, ResolvedInstrument, ResolvedPoint } from './resolve.ts'
import type {
  GuidanceInput,
  MqttInput,
  RemindersInput,
  ShelvingInput,
} from './schema/configuration.ts'
import type { LimitSet } from './schema/limit-set.ts'
import { codeOf, inLanguage, labelsOf, REASON_CODES } from './words.ts'

/** Compiles what was resolved; undefined when a part that is needed is missing, which was then reported. */
export function compile(
  resolved: Resolved & { readonly annunciator?: AnnunciatorSettings },
  sources: readonly SourceFile[],
  origin: Origin | undefined,
): Configuration | undefined {
  const { model, limitSet, annunciator } = resolved
  // The bus of the output module is not polled.
  const buses = resolved.buses.filter(({ id }) => id !== annunciator?.output.bus.id)
  const { site, gateway, mqtt } = model
  if (site === undefined || gateway === undefined || limitSet === undefined) return undefined
  const language = site.value.language ?? 'en'
  const reasons = model.reasonCodes ?? REASON_CODES
  const siteGuidance = model.guidance && ownGuidance(model.guidance.value)
  const points = resolved.points.flatMap((point) => compilePoint(point, limitSet) ?? [])
  const plant: Plant = {
    org: site.value.org,
    site: site.value.id,
    siteName: site.value.name,
    timezone: site.value.timezone,
    gateway: gateway.value.id,
    origin: origin ?? gateway.value.origin ?? 'instrument',
    hash: hashOf(sources),
    limitSet: { id: limitSet.id, version: limitSet.version },
    zones: resolved.zones,
    buses: buses.map(({ id }) => ({ id })),
    instruments: resolved.instruments.map(instrumentOf),
    points,
    reasonCodes: reasons.map(codeOf),
    reasonLabels: labelsOf(reasons, language),
    ...(model.phrases && {
      phrases: Object.fromEntries(
        Object.entries(model.phrases.value).map(([id, said]) => [id, inLanguage(said, language)]),
      ),
    }),
    ...(model.alarmPath && {
      alarmPath: { everyMs: model.alarmPath.value.every, maxAgeMs: model.alarmPath.value.maxAge },
    }),
    ...(model.shelving && { shelfMs: shelvesOf(model.shelving.value) }),
    guidance: guidanceTexts(language, siteGuidance),
    ...(model.reminders && { reminders: remindersOf(model.reminders.value) }),
  }
  return {
    plant,
    buses: buses.map(({ settings }) => settings),
    instruments: resolved.instruments.flatMap((instrument) => settingsOf(instrument) ?? []),
    ...(mqtt && { mqtt: mqttOf(mqtt) }),
    ...(annunciator && { annunciator }),
    dataDir: resolveFrom(gateway.place.document, gateway.value.dataDir).path,
    ...present('retentionMs', gateway.value.retention),
    approval: site.value.approval ?? 'none',
    language,
    ...(siteGuidance && { siteGuidance }),
    sources,
  }
}

/** The longest shelves that the site names. */
const shelvesOf = ({ action, alert, fault, system }: ShelvingInput) => ({
  ...present('action', action),
  ...present('alert', alert),
  ...present('fault', fault),
  ...present('system', system),
})

/** What the site says of its alarms; parts it leaves out are not there. */
const ownGuidance = (given: GuidanceInput): GuidanceTexts =>
  Object.fromEntries(
    Object.entries(given).map(([key, { cause, consequence, action }]) => [
      key,
      {
        ...present('cause', cause),
        ...present('consequence', consequence),
        ...present('action', action),
      },
    ]),
  )

/** Reminders by class, as the core takes them. */
function remindersOf(input: RemindersInput): NonNullable<Plant['reminders']> {
  const classes = (['action', 'alert', 'fault', 'system'] as const).flatMap((name) => {
    const { reAlarm, escalate } = input[name] ?? {}
    const times = escalate?.map((step) => (typeof step === 'number' ? step : step.after))
    const contacts = escalate?.map((step) => (typeof step === 'number' ? null : step.contact))
    const named = contacts?.some((contact) => contact !== null) ? contacts : undefined
    const when = { ...present('reAlarmMs', reAlarm), ...present('escalateMs', times) }
    return [[name, { ...when, ...present('contacts', named) }]]
  })
  return Object.fromEntries(classes)
}

/** `sha256:…` over the content of every file, each with its length so that no two cuts of a text look alike. */
export function hashOf(sources: readonly SourceFile[]): string {
  const hash = createHash('sha256')
  for (const { text } of sources) {
    const bytes = Buffer.from(text)
    hash.update(`${bytes.length}\n`).update(bytes)
  }
  return `sha256:${hash.digest('hex')}`
}

function instrumentOf({ own, profile }: ResolvedInstrument): Instrument {
  return {
    id: own.id,
    bus: own.bus,
    ...present('serial', own.serial),
    ...present('calibrationDue', own.calibrationDue),
    ...present('flowLpm', own.flow),
    sampled: profile?.sample !== undefined,
    ...present('samplePeriodMs', profile?.sample?.defaultDurationMs),
    ...(profile?.sample !== undefined && present('sampleTimeMs', own.sampleTime)),
  }
}

function settingsOf(instrument: ResolvedInstrument): InstrumentSettings | undefined {
  const { own, profile, unitId } = instrument
  if (profile === undefined || unitId === undefined) return undefined
  return { id: own.id, bus: own.bus, unitId, profile }
}

/** A point with everything judged about it; undefined where a reference of it leads nowhere. */
export function compilePoint(point: ResolvedPoint, set: LimitSet | undefined): Point | undefined {
  const { input, instrument, signal, zone, intervalMs } = point
  if (instrument === undefined || signal === undefined || zone === undefined) return undefined
  const commFailMs = commFailOf(point)
  const rules = compileRules(point)
  return {
    id: input.id,
    instrument: instrument.own.id,
    signal: input.signal,
    zone: zone.id,
    grade: zone.grade,
    ...present('against', input.against),
    quantity: signal.quantity,
    unit: signal.unit,
    intervalMs,
    critical: input.critical ?? false,
    commFailMs,
    conversion: {
      scale: signal.scale,
      offset: signal.offset,
      reversed: input.polarity === 'reversed',
      ...present('range', rangeOf(point)),
      sentinels: signal.invalid.filter((value) => value !== 'nan'),
    },
    ...present('stuckAfterMs', input.stuckAfter ?? signal.stuckAfterMs),
    ...present('checks', compileChecks(input)),
    ...present('sizeUm', signal.sizeUm),
    limits: compileLimits(point, set),
    ...present('rules', rules),
  }
}

/** The physical range in the point's own sense: the point's, else the profile's, turned where the sensor is. */
export function rangeOf({ input, signal }: ResolvedPoint): readonly [number, number] | undefined {
  if (input.range !== undefined || signal?.range === undefined) return input.range
  const [low, high] = signal.range
  return input.polarity === 'reversed' ? [-high, -low] : [low, high]
}

const COMM_FAIL_CRITICAL_PRESSURE_MS: Millis = 10 * SECOND
const COMM_FAIL_GRADE_A_COUNTER_MS: Millis = 15 * SECOND
const COMM_FAIL_INTERVALS = 3

/** Time without good data after which it is an alarm (URS-66, contract §2). */
export function commFailOf(point: ResolvedPoint): Millis {
  const { input, instrument, signal, zone, intervalMs } = point
  if (input.commFail !== undefined) return input.commFail
  if (input.critical === true && signal?.quantity === 'differential_pressure') {
    return COMM_FAIL_CRITICAL_PRESSURE_MS
  }
  const sample = instrument?.profile?.sample
  if (sample !== undefined && isParticle(point) && zone?.grade === 'A') {
    return sample.defaultDurationMs + COMM_FAIL_GRADE_A_COUNTER_MS
  }
  const period = sample === undefined ? intervalMs : Math.max(sample.defaultDurationMs, intervalMs)
  return Math.max(COMM_FAIL_INTERVALS * period, silenceOf(point))
}

/** The longest that a unit which answers again may have been left alone: timeout, quarantine, one interval. */
export function silenceOf({ instrument, intervalMs }: ResolvedPoint): Millis {
  const settings = instrument?.bus?.settings
  return (settings?.timeoutMs ?? 0) + (settings?.lateReplyMs ?? 0) + intervalMs
}

function mqttOf({ value, place }: Written<MqttInput>): MqttSettings {
  const file = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : resolveFrom(place.document, name).path
  return {
    ...present('url', value.url),
    embedded: value.embedded ?? false,
    ...present('caFile', file(value.caFile)),
    ...present('certFile', file(value.certFile)),
    ...present('keyFile', file(value.keyFile)),
    ...present('usernameFile', file(value.usernameFile)),
    ...present('passwordFile', file(value.passwordFile)),
    consumers: value.consumers ?? [],
    live: value.live ?? false,
    commands: value.commands ?? false,
  }
}
