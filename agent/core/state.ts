// The state of the core: what is remembered of alarms, zones, points and counters, and how a start brings it back.
// Changed in place by `step` and owned by the loop; every persisted row is a JSON value of its own.

import { type AlarmDefinition, alarmDefinitions, isOfReading, isRolling } from './alarm-set.ts'
import { type AlarmState, NORMAL } from './alarm-state.ts'
import { assert } from './assert.ts'
import type { LinkTrouble } from './bus-fault.ts'
import { isConsequence } from './consequence.ts'
import { type LossWatch, newLossWatch } from './data-loss.ts'
import { directionsOf } from './evaluate.ts'
import type { RecentActivation } from './first-out.ts'
import type { Holds } from './hold.ts'
import type { Actor, Source } from './input.ts'
import { neighboursOf } from './neighbours.ts'
import type { Nuisance } from './nuisance.ts'
import { type CounterState, newCounter, periodOf } from './particle.ts'
import { EMPTY_WINDOW, type ParticleWindow } from './particle-window.ts'
import type { Instrument, Occupancy, Plant, Point, Zone } from './point.ts'
import type { Reminder } from './reminder.ts'
import type { Instant, Millis } from './time.ts'
import type { Timer } from './timer.ts'
import { type Happening, newTrend, type Trend } from './trend.ts'

/** One alarm with what it is. */
export interface AlarmUnit {
  definition: AlarmDefinition
  state: AlarmState
  /** What stands around it: shelved, suppressed, out of service. */
  holds?: Holds | undefined
  reminder?: Reminder | undefined
}

/** A point or an instrument that is out of service. */
export interface ServiceOut {
  readonly target: string
  /** Wall ms. */
  readonly since: Millis
  readonly actor: Actor
  readonly workOrder: string
  readonly reason?: string
  readonly comment?: string
}

export interface ZoneUnit {
  readonly zone: Zone
  occupancy: Occupancy | undefined
  /** What it was before, until when (wall ms), oldest first: a sample may span several changes. Empty when nobody set one. */
  past: readonly PastOccupancy[]
  /** The clean-up under way, or the last one that failed, until its alarm returns. */
  cleanUp: CleanUp | null
  /** How long it may stay in its state; undefined where that is unknown. */
  stay: Timer | undefined
  /** What its schedule or signal said last (occupancy-source.ts). */
  sourced: Sourced | undefined
  /** When clean-ups began in the last hour (wall ms on the time base), oldest first. */
  cleanUpStarts: readonly Millis[]
  /** The zone itself, those it shares a boundary with, and those within or around it. */
  readonly neighbours: ReadonlySet<string>
  /** Particle points of the zone. */
  readonly particles: PointUnit[]
}

/** What a schedule or signal said; `refused` where the rules forbade it then. */
export interface Sourced {
  readonly via: Source['via']
  readonly state: Occupancy | null
  readonly refused?: true
}

/** A clean-up of a zone (clean-up.ts). Times are wall ms on the time base. */
export interface CleanUp {
  readonly since: Millis
  /** Null once it is over. */
  readonly timer: Timer | null
  /** Who ended operation: what the end of the clean-up brings about is attributed to them. */
  readonly by: Actor | Source
  readonly then: 'at_rest' | 'not_in_use'
  /** The newest sample of each particle point since, held against its limit at rest. */
  readonly seen: Readonly<
    Record<string, { readonly t: Millis; readonly value: number; readonly reached: boolean }>
  >
}

export interface PastOccupancy {
  readonly occupancy: Occupancy | undefined
  readonly until: Millis
}

/** A zone as persisted, once somebody has set its occupancy. */
export type ZoneRow = Pick<ZoneUnit, 'occupancy' | 'past'> &
  Partial<Pick<ZoneUnit, 'cleanUp' | 'cleanUpStarts' | 'sourced'>>

export const zoneRow = ({
  occupancy,
  past,
  cleanUp,
  cleanUpStarts,
  sourced,
}: ZoneUnit): ZoneRow => ({
  occupancy,
  past,
  ...(cleanUp !== null && { cleanUp }),
  ...(cleanUpStarts.length > 0 && { cleanUpStarts }),
  ...(sourced !== undefined && { sourced }),
})

/** One point with everything that judges it, prepared so that a reading costs no look-ups. */
export interface PointUnit {
  readonly point: Point
  readonly zone: ZoneUnit
  readonly limited: { readonly high: boolean; readonly low: boolean }
  readonly rolling: boolean
  /** Limit and rule alarms. */
  readonly alarms: readonly AlarmUnit[]
  readonly sensorFault: AlarmUnit
  readonly frozen: AlarmUnit | undefined
  readonly gap: AlarmUnit | undefined
  readonly watch: LossWatch
  readonly instrument: InstrumentUnit
  /** Last raw registers and since when (monotonic) they have not changed. */
  raw: Uint8Array | undefined
  unchangedSince: Millis
  /** Exception codes 4 and 7 in a row. */
  deviceFailures: number
  /** The newest value, for the record of acts, and when (monotonic) it came. */
  newest: number | undefined
  newestAt: Millis
  window: ParticleWindow
  /** Where its zone has trend rules. */
  readonly trend: Trend | undefined
}

export interface InstrumentUnit {
  readonly instrument: Instrument
  readonly points: PointUnit[]
  readonly commFail: AlarmUnit
  readonly calibrationDue: AlarmUnit | undefined
  /** Channels of a sampled instrument, smallest size first. */
  readonly channels: PointUnit[]
  counter: CounterState | undefined
  /** How often its record is looked at: a sample is seen up to this long after its end. */
  pollMs: Millis
}

export interface CoreState {
  plant: Plant
  readonly epoch: string
  /** Last sequence number given. */
  seq: number
  tb: number
  readonly alarms: Map<string, AlarmUnit>
  readonly zones: Map<string, ZoneUnit>
  readonly points: Map<string, PointUnit>
  readonly instruments: Map<string, InstrumentUnit>
  /** Those of them that take samples of their own. */
  sampled: readonly InstrumentUnit[]
  /** Alarms with a delay under way. */
  readonly timed: Set<AlarmUnit>
  /** Excursions that began within the last minute, oldest first. */
  recent: readonly RecentActivation[]
  /** Alarms that another one has said already, as long as they go on (consequence.ts). */
  readonly consequences: Set<AlarmUnit>
  /** Monotonic moment at which these are looked at next. */
  nextOwnCause: Millis
  /** Links that are not as they should be (bus-fault.ts). */
  readonly links: Map<string, LinkTrouble>
  /** Alarms to be said again. */
  readonly reminded: Set<AlarmUnit>
  /** Too many alarms at once, and which of them come and go. */
  nuisance: Nuisance
  /** Alarms that are not configured any more (gone-alarms.ts). */
  gone: readonly string[]
  /** Alarms on the shelf. */
  readonly shelved: Set<AlarmUnit>
  /** Points and instruments out of service, by id. */
  readonly service: Map<string, ServiceOut>
  /** The time base: wall = mono + offset, fixed until a clock step is noticed (core/schedule.ts). */
  offsetMs: Millis
  /** The wall clock is not to be believed: readings are flagged (clock.ts). */
  doubtful: boolean
  /** Points whose instrument's calibration is overdue today. */
  overdue: ReadonlySet<string>
  /** Monotonic moment before which no point can reach its comm-fail time. */
  nextLossCheck: Millis
  /** What happened lately, by zone and what it was. */
  happened: Map<string, Happening>
  /** Moment (wall, time base) at which time alone may change a trend. */
  nextTrend: Millis
  /** Day (UTC, days since 1970) of the last calibration check. */
  day: number
}

/** When the journal was last written to; absent at a first start. */
export interface LastCommit {
  readonly at: Instant
  readonly sameBoot: boolean
}

export const alarmKey = (id: string): string => `alarm/${id}`
export const zoneKey = (id: string): string => `zone/${id}`
export const counterKey = (instrument: string): string => `counter/${instrument}`
export const holdKey = (alarm: string): string => `hold/${alarm}`
export const reminderKey = (alarm: string): string => `reminder/${alarm}`
export const serviceKey = (target: string): string => `service/${target}`
export const windowKey = (point: string): string => `window/${point}`
export const trendKey = (point: string): string => `trend/${point}`
export const HAPPENED_KEY = 'happened'
/** Ids of every alarm of the plant in force, so that a later start knows which have ceased to exist. */
export const ALARMS_KEY = 'alarms'

/** An alarm as persisted: its state, and the limits it was judged by. */
export interface AlarmRow {
  readonly state: AlarmState
  readonly judged: string
}

/** A counter's memory as persisted, with the serial number it belongs to. */
export type CounterRow = CounterState & { readonly serial?: string }

/** A window as persisted, with the instrument it was sampled by: another one empties it (limits.md). */
export type WindowRow = ParticleWindow & { readonly source: string }

/** Which very instrument samples come from. */
export const sourceOf = ({ id, serial }: Instrument): string => `${id}/${serial ?? ''}`

/** The limits of an alarm as compared between configurations. */
export const judgedBy = (definition: AlarmDefinition): string => {
  const { judgement, deadband, onDelayMs, offDelayMs, latching } = definition
  return JSON.stringify([judgement, deadband, onDelayMs, offDelayMs, latching])
}

/** Builds the units of a plant around what is known of its alarms, zones, counters and windows. */
export function buildUnits(
  state: CoreState,
  plant: Plant,
  at: Instant,
  known: {
    readonly alarm: (id: string) => AlarmState | undefined
    readonly holds: (id: string) => Holds | undefined
    readonly reminder: (id: string) => Reminder | undefined
    readonly zone: (id: string) => ZoneRow | undefined
    readonly counter: (instrument: Instrument) => CounterState | undefined
    readonly window: (point: Point, instrument: Instrument) => ParticleWindow | undefined
    readonly watch: (point: Point) => LossWatch | undefined
  },
): void {
  state.plant = plant
  for (const map of [state.alarms, state.zones, state.points, state.instruments]) map.clear()
  state.timed.clear()
  state.shelved.clear()
  state.reminded.clear()
  state.consequences.clear()
  for (const definition of alarmDefinitions(plant).values()) {
    const { id } = definition
    const unit: AlarmUnit = {
      definition,
      state: known.alarm(id) ?? NORMAL,
      holds: known.holds(id),
      reminder: known.reminder(id),
    }
    if (unit.reminder?.timer !== undefined) state.reminded.add(unit)
    if (unit.holds?.shelved !== undefined) state.shelved.add(unit)
    state.alarms.set(id, unit)
    if (unit.state.pending !== null || unit.state.returning !== null) state.timed.add(unit)
    if (isConsequence(unit)) state.consequences.add(unit)
  }
  for (const zone of plant.zones) {
    const set = known.zone(zone.id)
    state.zones.set(zone.id, {
      zone,
      occupancy: set === undefined ? zone.occupancy : set.occupancy,
      past: set?.past ?? [],
      // a zone that has no time for it any more is not cleaned up by itself
      cleanUp: zone.cleanUpMs === undefined ? null : (set?.cleanUp ?? null),
      cleanUpStarts: set?.cleanUpStarts ?? [],
      stay: undefined,
      sourced: (zone.schedule ?? zone.signal) === undefined ? undefined : set?.sourced,
      neighbours: neighboursOf(plant, zone),
      particles: [],
    })
  }
  for (const instrument of plant.instruments) {
    const counter = instrument.sampled
      ? (known.counter(instrument) ?? newCounter(instrument, at.mono + state.offsetMs))
      : undefined
    state.instruments.set(instrument.id, {
      instrument,
      points: [],
      channels: [],
      commFail: alarmUnit(state, `${instrument.id}.comm_fail`),
      calibrationDue: state.alarms.get(`${instrument.id}.calibration_due`),
      counter,
      pollMs: 0,
    })
  }
  state.sampled = [...state.instruments.values()].filter(({ counter }) => counter !== undefined)
  for (const point of plant.points) {
    const { instrument } = instrumentUnit(state, point)
    addPoint(state, point, {
      at,
      window: known.window(point, instrument) ?? EMPTY_WINDOW,
      watch: known.watch(point) ?? newLossWatch(at.mono, slotMsOf(state, point)),
    })
  }
  state.nextLossCheck = at.mono
}

function addPoint(
  state: CoreState,
  point: Point,
  { window, watch, at }: Pick<PointUnit, 'window' | 'watch'> & { readonly at: Instant },
): void {
  const instrument = instrumentUnit(state, point)
  const zone = state.zones.get(point.zone)
  assert(zone !== undefined, `point ${point.id} lies in a zone that does not exist: ${point.zone}`)
  const alarms = [...state.alarms.values()].filter(
    ({ definition }) => definition.point === point && isOfReading(definition.judgement),
  )
  const unit: PointUnit = {
    point,
    zone,
    instrument,
    alarms,
    window,
    watch,
    limited: directionsOf(alarms.map(({ definition }) => definition.judgement)),
    rolling: isRolling(point),
    sensorFault: alarmUnit(state, `${point.id}.sensor_fault`),
    frozen: state.alarms.get(`${point.id}.frozen`),
    gap: state.alarms.get(`${point.id}.gap`),
    raw: undefined,
    unchangedSince: at.mono,
    deviceFailures: 0,
    newest: undefined,
    newestAt: at.mono,
    trend: zone.zone.trends === undefined ? undefined : newTrend(zone.zone.trends),
  }
  state.points.set(point.id, unit)
  instrument.points.push(unit)
  if (point.sizeUm !== undefined) zone.particles.push(unit)
  if (instrument.instrument.sampled && point.sizeUm !== undefined) {
    instrument.channels.push(unit)
    instrument.pollMs = Math.max(instrument.pollMs, point.intervalMs)
    instrument.channels.sort((one, other) => (one.point.sizeUm ?? 0) - (other.point.sizeUm ?? 0))
  }
}

/** Length of a slot: the interval, or the sample period of a counter's channel. */
function slotMsOf(state: CoreState, point: Point): Millis {
  const counter = state.instruments.get(point.instrument)?.counter
  return counter === undefined || point.sizeUm === undefined ? point.intervalMs : periodOf(counter)
}

function alarmUnit(state: CoreState, id: string): AlarmUnit {
  const unit = state.alarms.get(id)
  assert(unit !== undefined, `no alarm ${id}`)
  return unit
}

function instrumentUnit(state: CoreState, { id, instrument }: Point): InstrumentUnit {
  const unit = state.instruments.get(instrument)
  assert(
    unit !== undefined,
    `point ${id} is read by an instrument that does not exist: ${instrument}`,
  )
  return unit
}
