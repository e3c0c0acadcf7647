// What differs between two configurations, as compiled: every value that is judged by, read by or sent by, old beside new, limits
// first (URS-45, URS-54). Tells which changes touch how grade A and B is judged (URS-68); never decides what is done about them.

import { isDeepStrictEqual } from 'node:util'
import type { Grade, Plant } from '#core/point.ts'
import type { InstrumentSettings } from '#drivers/profile.ts'
import type { Configuration } from './configuration.ts'

/** What a change is about, in the order in which changes are shown. */
export const CHANGE_GROUPS = [
  'limits',
  'delays',
  'conversion',
  'decode',
  'data loss',
  'plant',
  'calibration',
  'lines',
  'site',
] as const
export type ChangeGroup = (typeof CHANGE_GROUPS)[number]

export type ChangeValue = string | number | boolean | null | readonly (string | number)[]

/** One value that differs. `from` is absent where it is new, `to` where it is gone. */
export interface Change {
  /** `points.b101-dp.limits.actionLow.atRest.value` */
  readonly key: string
  readonly group: ChangeGroup
  readonly from?: ChangeValue
  readonly to?: ChangeValue
  /** It touches how a grade A or B point is judged: where the site says so, a second person has to agree. */
  readonly second: boolean
}

/** Every difference, limits first. */
export function differences(before: Configuration, after: Configuration): readonly Change[] {
  const [old, now] = [valuesOf(before), valuesOf(after)]
  const high = highGrade(before.plant, after.plant)
  const changes: Change[] = []
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const [from, to] = [old.get(key), now.get(key)]
    if (isDeepStrictEqual(from, to)) continue
    const group = groupOf(key)
    changes.push({
      key,
      group,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      second: needsSecond(key, group, high),
    })
  }
  const rank = ({ group }: Change) => CHANGE_GROUPS.indexOf(group)
  return changes.sort((a, b) => rank(a) - rank(b))
}

type Values = Map<string, ChangeValue>

/** All values of a configuration by a key that does not depend on the order in which things are written. */
function valuesOf({
  plant,
  buses,
  instruments,
  mqtt,
  annunciator,
  approval,
  retentionMs,
  language,
  siteGuidance,
}: Configuration): Values {
  const values: Values = new Map()
  const { org, site, siteName, timezone, gateway, origin } = plant
  flatten(values, 'site', {
    org,
    id: site,
    name: siteName,
    timezone,
    gateway,
    origin,
    approval,
    retentionMs,
    language,
  })
  const { reasonCodes, reasonLabels, phrases, reminders, shelfMs, alarmPath } = plant
  flatten(values, 'site', { reasonCodes, reasonLabels, phrases, reminders, shelfMs, alarmPath })
  flatten(values, 'site.guidance', siteGuidance)
  flatten(values, 'limitSet', plant.limitSet)
  flatten(values, 'mqtt', mqtt)
  flatten(values, 'annunciator', annunciator)
  for (const { id, ...zone } of plant.zones) flatten(values, `zones.${id}`, zone)
  for (const { id, ...bus } of buses) flatten(values, `buses.${id}`, bus)
  const settings = new Map(instruments.map((each) => [each.id, each]))
  for (const { id, ...instrument } of plant.instruments) {
    flatten(values, `instruments.${id}`, instrument)
    flatten(values, `instruments.${id}`, wholeOf(settings.get(id)))
  }
  for (const { id, ...point } of plant.points) {
    flatten(values, `points.${id}`, point)
    flatten(values, `points.${id}.decode`, decodeOf(settings.get(point.instrument), point.signal))
  }
  return values
}

/** What of an instrument's profile holds for the instrument as a whole; its signals stand with the points that use them. */
function wholeOf(settings: InstrumentSettings | undefined): unknown {
  if (settings === undefined) return undefined
  const { unitId, profile } = settings
  const { id, status, sample, identify, limits } = profile
  return { unitId, profile: id, decode: { status, sample, identify, reads: limits } }
}

function decodeOf(settings: InstrumentSettings | undefined, signal: string): unknown {
  const spec = settings?.profile.signals.find(({ name }) => name === signal)
  if (spec === undefined) return undefined
  const { table, address, type, byteOrder } = spec
  return { table, address, type, byteOrder }
}

const isScalar = (value: unknown): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)

/** Puts a value under its key: groups go on by name, lists of groups by number, everything else is one value. */
function flatten(values: Values, key: string, value: unknown): void {
  if (value === undefined) return
  if (isScalar(value)) values.set(key, value)
  else if (Array.isArray(value) && value.every(isScalar)) values.set(key, value as ChangeValue)
  else
    for (const [name, inner] of Object.entries(value as object))
      flatten(values, `${key}.${name}`, inner)
}

const GROUPS: readonly (readonly [RegExp, ChangeGroup])[] = [
  [/^points\.[^.]+\.limits\.(on|off)DelayMs$/, 'delays'],
  [/^points\.[^.]+\.(limits|rules|checks)\.|^limitSet\.|^zones\.[^.]+\.trends\./, 'limits'],
  [
    /^points\.[^.]+\.(conversion\.|unit$|quantity$|sizeUm$)|\.(flowLpm|samplePeriodMs|sampleTimeMs)$/,
    'conversion',
  ],
  [/^(points|instruments)\.[^.]+\.decode\./, 'decode'],
  [/^points\.[^.]+\.(commFailMs|stuckAfterMs|critical|intervalMs)$/, 'data loss'],
  [/^instruments\.[^.]+\.(calibrationDue|serial)$/, 'calibration'],
  [/^(zones|points|instruments)\./, 'plant'],
  [/^(buses|mqtt)\b/, 'lines'],
]

const groupOf = (key: string): ChangeGroup =>
  GROUPS.find(([pattern]) => pattern.test(key))?.[1] ?? 'site'

/** Keys of what has to do with grade A and B before or after: zones, their points, the instruments of these. */
function highGrade(...plants: readonly Plant[]): ReadonlySet<string> {
  const isHigh = (grade: Grade): boolean => grade === 'A' || grade === 'B'
  const keys = plants.flatMap(({ zones, points }) => [
    ...zones.filter(({ grade }) => isHigh(grade)).map(({ id }) => `zones.${id}`),
    ...points
      .filter(({ grade }) => isHigh(grade))
      .flatMap(({ id, instrument }) => [`points.${id}`, `instruments.${instrument}`]),
  ])
  return new Set(keys)
}

/** Names and due dates change no judgement; how a change is agreed to is itself agreed to. */
function needsSecond(key: string, group: ChangeGroup, high: ReadonlySet<string>): boolean {
  if (key === 'site.approval' || key.startsWith('limitSet.')) return true
  if (group === 'calibration' || group === 'lines' || group === 'site' || key.endsWith('.name'))
    return false
  return high.has(key.split('.', 2).join('.'))
}
