// Ties what was written together: instruments to buses and profiles, points to signals and zones, with every default of
// contract §2 filled in. Decides defaults; reports references that lead nowhere; never judges limits or timing.

import { minuteOf, WEEKDAYS } from '#core/local-time.ts'
import type { Bus, Zone } from '#core/point.ts'
import type { Millis } from '#core/time.ts'
import { SECOND } from '#core/time.ts'
import type { BusSettings, Profile, SignalSpec } from '#drivers/profile.ts'
import type { Line } from './bus-budget.ts'
import type { Catalogue } from './catalogue.ts'
import { type Place, under } from './document.ts'
import { type Findings, suggest } from './findings.ts'
import type { Model, Written, WrittenInstrument } from './model.ts'
import { present } from './profile.ts'
import type { LimitSet } from './schema/limit-set.ts'
import type { BusInput, InstrumentInput, PointInput, ZoneInput } from './schema/plant.ts'
import { compileTrends } from './trends.ts'

const INTERVAL_DEFAULT: Millis = SECOND

export interface ResolvedBus extends Bus {
  readonly settings: BusSettings
  /** Characters on the line; absent on modbus-tcp. */
  readonly line?: Line
  /** Line settings that are not given and that the profiles on the bus do not agree on. */
  readonly unsettled: readonly (keyof Line)[]
  readonly input: BusInput
  readonly place: Place
}

export interface ResolvedInstrument {
  readonly own: InstrumentInput
  readonly place: Place
  readonly bus?: ResolvedBus
  readonly profile?: Profile
  /** Undefined where it is neither given nor known. */
  readonly unitId?: number
}

export interface ResolvedPoint {
  readonly input: PointInput
  readonly place: Place
  readonly instrument?: ResolvedInstrument
  readonly signal?: SignalSpec
  readonly zone?: Zone
  readonly intervalMs: Millis
}

export interface Resolved {
  readonly model: Model
  readonly limitSet?: LimitSet
  readonly zones: readonly Zone[]
  readonly buses: readonly ResolvedBus[]
  readonly instruments: readonly ResolvedInstrument[]
  readonly points: readonly ResolvedPoint[]
}

/** Resolves every reference of a model, as far as the model is sound. */
export function resolve(model: Model, catalogue: Catalogue, findings: Findings): Resolved {
  const set = model.limitSet
  const limitSet = set && catalogue.limitSet(set.value, set.place)
  const profiles = model.instruments.map(({ own, place }) =>
    own === undefined ? undefined : catalogue.profile(own.profile, under(place, 'profile')),
  )
  const buses = model.buses.map((bus) => resolveBus(bus, profilesOn(bus.value.id, model, profiles)))
  const zones = model.zones.map(({ value }) => zoneOf(value))
  const instruments: ResolvedInstrument[] = []
  const points: ResolvedPoint[] = []
  for (const [index, written] of model.instruments.entries()) {
    const instrument = resolveInstrument(written, profiles[index], buses, model, findings)
    if (instrument) instruments.push(instrument)
    for (const point of written.points) {
      points.push(resolvePoint(point, instrument, zones, model, findings))
    }
  }
  return { model, ...(limitSet && { limitSet }), zones, buses, instruments, points }
}

const profilesOn = (
  bus: string,
  { instruments }: Model,
  profiles: readonly (Profile | undefined)[],
): Profile[] =>
  instruments.flatMap(({ own }, index) => {
    const profile = profiles[index]
    return own?.bus === bus && profile !== undefined ? [profile] : []
  })

/** The keys that have a value. */
const given = (written: NonNullable<ZoneInput['longest']>) =>
  Object.fromEntries(
    Object.entries(written).filter(([, value]) => value !== undefined),
  ) as NonNullable<Zone['longestMs']>

const scheduleOf = ({
  stretches,
  otherwise,
}: NonNullable<ZoneInput['schedule']>): NonNullable<Zone['schedule']> => ({
  stretches: stretches.map(({ days = WEEKDAYS, from, to, state }) => ({
    days,
    fromMinute: minuteOf(from),
    toMinute: minuteOf(to),
    state,
  })),
  otherwise,
})

const zoneOf = (input: ZoneInput): Zone => ({
  id: input.id,
  name: input.name,
  grade: input.grade,
  ...present('within', input.within),
  ...present('occupancy', input.occupancy),
  ...present('cleanUpMs', input.cleanUp),
  ...(input.trends !== undefined && { trends: compileTrends(input.trends) }),
  ...(input.longest !== undefined && { longestMs: given(input.longest) }),
  ...(input.schedule !== undefined && { schedule: scheduleOf(input.schedule) }),
  ...(input.signal !== undefined && {
    signal: {
      point: input.signal.point,
      closed: input.signal.closed ?? 'in_operation',
      open: input.signal.open ?? 'at_rest',
    },
  }),
})

const TIMEOUT_MS = { 'modbus-tcp': 300, 'modbus-rtu': 500, 'modbus-rtu-over-tcp': 1000 } as const
const LATE_REPLY_MS = {
  'modbus-tcp': 0,
  'modbus-rtu': 2000,
  'modbus-rtu-over-tcp': 10_000,
} as const
const PORT_DEFAULT = 502
const RETRIES_DEFAULT = 1
const TURNAROUND_DEFAULT_MS = 20

function resolveBus(
  { value: input, place }: Written<BusInput>,
  profiles: readonly Profile[],
): ResolvedBus {
  const { id, protocol } = input
  const common = {
    id,
    timeoutMs: input.timeout ?? TIMEOUT_MS[protocol],
    retries: input.retries ?? RETRIES_DEFAULT,
    lateReplyMs:
      (protocol === 'modbus-tcp' ? undefined : input.lateReply) ?? LATE_REPLY_MS[protocol],
  }
  if (protocol === 'modbus-tcp') {
    const { host, port } = input
    const settings = { ...common, protocol, host, port: port ?? PORT_DEFAULT }
    return { id, settings, unsettled: [], input, place }
  }
  const line = lineOf(input, profiles)
  const turnarounds = profiles.map(({ limits }) => limits.turnaroundMs)
  const turnaroundMs =
    input.turnaround ?? (turnarounds.length > 0 ? Math.max(...turnarounds) : TURNAROUND_DEFAULT_MS)
  const settings: BusSettings =
    protocol === 'modbus-rtu'
      ? { ...common, protocol, path: input.path, ...line, turnaroundMs }
      : { ...common, protocol, host: input.host, port: input.port, turnaroundMs }
  return { id, settings, line, unsettled: unsettledOf(input, profiles), input, place }
}

type SerialInput = Exclude<BusInput, { protocol: 'modbus-tcp' }>

/** What the profiles on a bus leave the factory with; nothing is said of profiles that do not tell. */
const usualOf = <K extends keyof Line>(key: K, profiles: readonly Profile[]): Line[K][] => [
  ...new Set(
    profiles.flatMap(({ serialDefaults }) => (serialDefaults?.[key] as Line[K] | undefined) ?? []),
  ),
]

/** Settings of the line: as given, else what all profiles on the bus agree on, else those of the Modbus standard. */
function lineOf(input: SerialInput, profiles: readonly Profile[]): Line {
  const agreed = <K extends keyof Line>(key: K): Line[K] | undefined => {
    const usual = usualOf(key, profiles)
    return usual.length === 1 ? usual[0] : undefined
  }
  return {
    baudRate: input.baudRate ?? agreed('baudRate') ?? 19_200,
    dataBits: input.dataBits ?? agreed('dataBits') ?? 8,
    parity: input.parity ?? agreed('parity') ?? 'even',
    stopBits: input.stopBits ?? agreed('stopBits') ?? 1,
  }
}

const LINE_KEYS = ['baudRate', 'dataBits', 'parity', 'stopBits'] as const

const unsettledOf = (input: SerialInput, profiles: readonly Profile[]): (keyof Line)[] =>
  LINE_KEYS.filter((key) => input[key] === undefined && usualOf(key, profiles).length > 1)

function resolveInstrument(
  { own, place }: WrittenInstrument,
  profile: Profile | undefined,
  buses: readonly ResolvedBus[],
  model: Model,
  findings: Findings,
): ResolvedInstrument | undefined {
  if (own === undefined) return undefined
  const bus = buses.find(({ id }) => id === own.bus)
  if (!model.ids.buses.has(own.bus)) {
    findings.error(under(place, 'bus'), {
      problem: `names the bus "${own.bus}", which does not exist`,
      remedy: suggest(own.bus, [...model.ids.buses.keys()], 'buses'),
    })
  }
  const onTcp = bus?.settings.protocol === 'modbus-tcp'
  const unitId = own.unitId ?? profile?.serialDefaults?.unitId ?? (onTcp ? 1 : undefined)
  if (unitId === undefined && bus !== undefined && profile !== undefined) {
    findings.error(under(place, 'unitId'), {
      problem: `is missing, and the profile ${profile.id} knows no usual one`,
      remedy: 'add the Modbus unit identifier that is set on the instrument, 0 to 255',
    })
  }
  return {
    own,
    place,
    ...(bus && { bus }),
    ...(profile && { profile: withSampleTime(profile, own) }),
    ...present('unitId', unitId),
  }
}

/** The profile with the sample time that is set on this very counter. */
const withSampleTime = (profile: Profile, { sampleTime }: InstrumentInput): Profile =>
  profile.sample === undefined || sampleTime === undefined
    ? profile
    : { ...profile, sample: { ...profile.sample, defaultDurationMs: sampleTime } }

function resolvePoint(
  { value: input, place }: Written<PointInput>,
  instrument: ResolvedInstrument | undefined,
  zones: readonly Zone[],
  model: Model,
  findings: Findings,
): ResolvedPoint {
  for (const key of ['zone', 'against'] as const) {
    const name = input[key]
    if (name === undefined || model.ids.zones.has(name)) continue
    findings.error(under(place, key), {
      problem: `names the zone "${name}", which does not exist`,
      remedy: suggest(name, [...model.ids.zones.keys()], 'zones'),
    })
  }
  const signals = instrument?.profile?.signals
  const signal = signals?.find(({ name }) => name === input.signal)
  if (signals !== undefined && signal === undefined) {
    findings.error(under(place, 'signal'), {
      problem: `is "${input.signal}", which is no signal of the profile ${instrument?.profile?.id}`,
      remedy: suggest(
        input.signal,
        signals.map(({ name }) => name),
        'signals',
      ),
    })
  }
  const zone = zones.find(({ id }) => id === input.zone)
  return {
    input,
    place,
    ...(instrument && { instrument }),
    ...(signal && { signal }),
    ...(zone && { zone }),
    intervalMs:
      input.interval ??
      instrument?.own.interval ??
      instrument?.bus?.input.interval ??
      instrument?.profile?.intervalMs ??
      INTERVAL_DEFAULT,
  }
}
