// Which alarms a plant has: every limit of every point, every rule, every fault, each with class, priority and latching.
// Derived from the plant alone; holds no state.

import type { LimitColumns } from './limit.ts'
import type { Grade, Instrument, Plant, Point, Zone } from './point.ts'
import type { Millis } from './time.ts'
import type { TrendRule } from './trend.ts'

export type AlarmClass = 'action' | 'alert' | 'fault' | 'system'
export type Priority = 1 | 2 | 3

export type AlarmKind =
  | 'action_high'
  | 'alert_high'
  | 'alert_low'
  | 'action_low'
  | 'inversion'
  | 'rolling'
  | 'consecutive'
  | 'x_of_y'
  | 'single_high'
  | 'gap'
  | 'sensor_fault'
  | 'frozen'
  | 'comm_fail'
  | 'calibration_due'
  | 'identity'
  | 'bus_fault'
  | `trend_${TrendRule['kind']}`
  | 'clean_up'
  | 'occupancy'
  | 'system'

/** How a reading is held against the alarm. */
export type Judgement =
  | { readonly by: 'threshold'; readonly direction: 'high' | 'low'; readonly columns: LimitColumns }
  /** The high limits of a particle channel on its rolling cubic metre. */
  | { readonly by: 'rolling'; readonly columns: LimitColumns }
  | { readonly by: 'inversion'; readonly threshold: number }
  | { readonly by: 'consecutive'; readonly count: number }
  | { readonly by: 'x_of_y'; readonly x: number; readonly y: number }
  | { readonly by: 'single_high'; readonly count: number }
  /** Raised and returned by what is found beside the value: faults, data loss, conditions from outside. */
  | { readonly by: 'fault' }
  /** The excursions of the point over days. */
  | { readonly by: 'trend'; readonly rule: TrendRule }

export interface AlarmDefinition {
  readonly id: string
  readonly kind: AlarmKind
  readonly class: AlarmClass
  readonly priority: Priority
  /** Stays to be reset after the condition is gone: grade A action, pressure inversion. */
  readonly latching: boolean
  /** Never shelved by anybody, never suppressed by design (URS-34). */
  readonly critical?: true
  /** It proves the way of alarms, and means nothing else (URS-41). */
  readonly test?: true
  readonly judgement: Judgement
  readonly point?: Point
  readonly instrument?: Instrument
  readonly bus?: string
  readonly zone?: Zone
  readonly grade?: Grade
  readonly onDelayMs: Millis
  readonly offDelayMs: Millis
  readonly deadband: number
}

/** System alarms: `system.<name>`; the agent's own troubles. */
export const SYSTEM_ALARMS: Readonly<Record<string, Priority>> = {
  storage_fault: 1,
  storage_slow: 2,
  storage_low: 1,
  config_rejected: 2,
  config_pending: 3,
  uplink_down: 2,
  uplink_rejected: 2,
  no_subscriber: 2,
  client_takeover: 2,
  certificate_expiring: 2,
  clock_unsynchronised: 2,
  clock_stepped: 3,
  clock_drift: 2,
  unclean_restart: 3,
  overload: 2,
  annunciator_fault: 2,
  alarm_path: 2,
}

/** The alarm by which the way of alarms is proved (URS-41); only where the plant asks for it. Nobody has to acknowledge it. */
export const TEST_ALARM = 'system.alarm_test'

/** The particle size judged by the rolling cubic metre in grade A (Annex 1 Table 5 note 2, limits.md). */
const RARE_SIZE_UM = 5

/** In the order in which they are judged and recorded: the heavier first. */
const LIMIT_ALARMS = [
  ['actionHigh', 'action_high', 'action', 'high'],
  ['actionLow', 'action_low', 'action', 'low'],
  ['alertHigh', 'alert_high', 'alert', 'high'],
  ['alertLow', 'alert_low', 'alert', 'low'],
] as const

/** Every alarm of the plant by id, in order of points, instruments, zones, buses, system. */
export function alarmDefinitions(plant: Plant): ReadonlyMap<string, AlarmDefinition> {
  const zones = new Map(plant.zones.map((zone) => [zone.id, zone]))
  const instruments = new Map(plant.instruments.map((instrument) => [instrument.id, instrument]))
  const incubators = new Set(
    plant.points.filter(({ quantity }) => quantity === 'co2').map(({ zone }) => zone),
  )
  const ofPoints = plant.points.flatMap((point) => {
    const instrument = instruments.get(point.instrument)
    const alarms = pointAlarms(point, zones.get(point.zone), instrument)
    const vital = alarms.some((alarm) => isCritical(alarm, point, incubators))
    return alarms.map((alarm) =>
      isCritical(alarm, point, incubators) || (vital && alarm.class === 'fault')
        ? { ...alarm, critical: true as const }
        : alarm,
    )
  })
  const vital = new Set(
    ofPoints.filter(({ critical }) => critical).map(({ point }) => point?.instrument),
  )
  const all: AlarmDefinition[] = [
    ...ofPoints,
    ...plant.instruments
      .flatMap((instrument) => instrumentAlarms(instrument, plant.points))
      .map((alarm) => {
        const critical = alarm.kind !== 'calibration_due' && vital.has(alarm.instrument?.id)
        return critical ? { ...alarm, critical: true as const } : alarm
      }),
    ...plant.zones.filter(({ cleanUpMs }) => cleanUpMs !== undefined).map(cleanUpAlarm),
    ...plant.zones.map((zone) => ({
      ...fault(`${zone.id}.occupancy`, 'occupancy', 2, {}),
      zone,
      grade: zone.grade,
    })),
    ...plant.buses.map(({ id }) => fault(`${id}.bus_fault`, 'bus_fault', 2, { bus: id })),
    ...Object.entries(SYSTEM_ALARMS).map(([name, priority]) => ({
      ...fault(`system.${name}`, 'system', priority, {}),
      class: 'system' as const,
      ...(priority === 1 && { critical: true as const }),
    })),
    ...(plant.alarmPath === undefined ? [] : [testAlarm()]),
  ]
  return new Map(all.map((definition) => [definition.id, definition]))
}

const testAlarm = (): AlarmDefinition => ({
  ...fault(TEST_ALARM, 'system', 3, {}),
  class: 'system',
  test: true,
})

function pointAlarms(
  point: Point,
  zone: Zone | undefined,
  instrument: Instrument | undefined,
): AlarmDefinition[] {
  const place = {
    point,
    grade: point.grade,
    ...(zone !== undefined && { zone }),
    ...(instrument !== undefined && { instrument }),
  }
  const alarm = (
    kind: AlarmKind,
    alarmClass: AlarmClass,
    judgement: Judgement,
    delays: Pick<AlarmDefinition, 'onDelayMs' | 'offDelayMs' | 'deadband'> = NO_DELAY,
  ): AlarmDefinition => ({
    id: `${point.id}.${kind}`,
    kind,
    class: alarmClass,
    priority: priorityOf(alarmClass, kind, point),
    latching: kind === 'inversion' || (alarmClass === 'action' && point.grade === 'A'),
    judgement,
    ...place,
    ...delays,
  })
  const isSample = instrument?.sampled === true && point.sizeUm !== undefined
  const judged = [...limitAlarms(point, alarm), ...ruleAlarms(point, alarm)]
  return [
    ...judged,
    ...(isSample && point.grade === 'A' ? [alarm('gap', 'fault', { by: 'fault' })] : []),
    alarm('sensor_fault', 'fault', { by: 'fault' }),
    ...(point.stuckAfterMs === undefined ? [] : [alarm('frozen', 'fault', { by: 'fault' })]),
    ...(judged.length === 0 ? [] : (zone?.trends?.rules ?? [])).map((rule) =>
      alarm(`trend_${rule.kind}`, 'alert', { by: 'trend', rule }),
    ),
  ]
}

const NO_DELAY = { onDelayMs: 0, offDelayMs: 0, deadband: 0 }

type MakeAlarm = (
  kind: AlarmKind,
  alarmClass: AlarmClass,
  judgement: Judgement,
  delays?: Pick<AlarmDefinition, 'onDelayMs' | 'offDelayMs' | 'deadband'>,
) => AlarmDefinition

function limitAlarms(point: Point, alarm: MakeAlarm): AlarmDefinition[] {
  const { limits } = point
  const { onDelayMs, offDelayMs, deadband } = limits
  const rolling = isRolling(point)
  const made: AlarmDefinition[] = []
  for (const [key, kind, alarmClass, direction] of LIMIT_ALARMS) {
    const columns = limits[key]
    if (columns === undefined) continue
    if (rolling && direction === 'high') {
      made.push(
        alarm(kind === 'action_high' ? 'rolling' : kind, alarmClass, { by: 'rolling', columns }),
      )
    } else {
      made.push(
        alarm(
          kind,
          alarmClass,
          { by: 'threshold', direction, columns },
          { onDelayMs, offDelayMs, deadband },
        ),
      )
    }
  }
  if (limits.inversion !== undefined) {
    const delays = { onDelayMs: 0, offDelayMs, deadband }
    made.push(
      alarm('inversion', 'action', { by: 'inversion', threshold: limits.inversion }, delays),
    )
  }
  return made
}

function ruleAlarms({ rules }: Point, alarm: MakeAlarm): AlarmDefinition[] {
  if (rules === undefined) return []
  const { consecutive, xOfY, singleHigh } = rules
  return [
    ...(consecutive === undefined
      ? []
      : [alarm('consecutive', 'action', { by: 'consecutive', count: consecutive })]),
    ...(xOfY === undefined
      ? []
      : [alarm('x_of_y', 'action', { by: 'x_of_y', x: xOfY[0], y: xOfY[1] })]),
    ...(singleHigh === undefined
      ? []
      : [alarm('single_high', 'action', { by: 'single_high', count: singleHigh })]),
  ]
}

/** Whether a reading is held against it. */
export const isOfReading = ({ by }: Judgement): boolean => by !== 'fault' && by !== 'trend'

/** Whether the high limits of a channel are judged on the rolling cubic metre only (contract §2). */
export const isRolling = (point: Point): boolean =>
  point.sizeUm !== undefined &&
  (point.rules?.rollingCubicMetre === true || (point.grade === 'A' && point.sizeUm >= RARE_SIZE_UM))

function instrumentAlarms(instrument: Instrument, points: readonly Point[]): AlarmDefinition[] {
  const its = points.filter((point) => point.instrument === instrument.id)
  const worst: Priority = its.some(({ critical, grade }) => critical || grade === 'A')
    ? 1
    : its.some(({ grade }) => grade === 'B')
      ? 2
      : 3
  const place = { instrument }
  return [
    fault(`${instrument.id}.comm_fail`, 'comm_fail', worst, place),
    fault(`${instrument.id}.identity`, 'identity', worst, place),
    ...(instrument.calibrationDue === undefined
      ? []
      : [fault(`${instrument.id}.calibration_due`, 'calibration_due', 3, place)]),
  ]
}

const fault = (
  id: string,
  kind: AlarmKind,
  priority: Priority,
  place: Pick<AlarmDefinition, 'instrument' | 'bus'>,
): AlarmDefinition => ({
  id,
  kind,
  class: 'fault',
  priority,
  latching: false,
  judgement: { by: 'fault' },
  ...place,
  ...NO_DELAY,
})

/**
 * Critical (URS-34): every alarm of a grade A particle point and of a pressure that is critical, or of whatever point the site calls
 * critical; every inversion; the action alarms of an incubator, which is a zone with a CO₂ point. The faults of such a point, and
 * data loss of its instrument, are critical with it, for they hide what would be.
 */
const isCritical = (
  { kind, class: alarmClass }: AlarmDefinition,
  { critical, grade, sizeUm, zone }: Point,
  incubators: ReadonlySet<string>,
): boolean =>
  critical ||
  (grade === 'A' && sizeUm !== undefined) ||
  kind === 'inversion' ||
  (alarmClass === 'action' && incubators.has(zone))

/** The at-rest limits were not reached by the end of the clean-up (URS-19). */
const cleanUpAlarm = (zone: Zone): AlarmDefinition => ({
  id: `${zone.id}.clean_up`,
  kind: 'clean_up',
  class: 'action',
  priority: zone.grade === 'A' || zone.grade === 'B' ? 1 : 2,
  latching: zone.grade === 'A',
  ...(zone.grade === 'A' && { critical: true as const }),
  judgement: { by: 'fault' },
  zone,
  grade: zone.grade,
  ...NO_DELAY,
})

/** Action in grade A and B and every inversion is 1; C and D action and A and B alert 2; the rest 3. A trend is for days, not minutes. */
function priorityOf(alarmClass: AlarmClass, kind: AlarmKind, point: Point): Priority {
  if (kind.startsWith('trend_')) return 3
  const high = point.grade === 'A' || point.grade === 'B'
  if (alarmClass === 'action') return high || kind === 'inversion' || point.critical ? 1 : 2
  if (kind === 'gap') return 1
  return high || point.critical ? 2 : 3
}
