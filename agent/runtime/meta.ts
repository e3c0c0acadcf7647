// The point dictionary with the limits in force (`meta`), and the newest value of a point (`live`), as printed JSON.

import { alarmDefinitions } from '#core/alarm-set.ts'
import { daysOfDate } from '#core/judge.ts'
import type { LimitColumns } from '#core/limit.ts'
import type { Plant, Point } from '#core/point.ts'
import type { Reading } from '#core/reading.ts'
import { DAY, type Millis } from '#core/time.ts'
import type { LiveValue } from '#ports/uplink.ts'

/** A newest value counts for two intervals and a second (contract §3 "Truth of retained state"). */
const VALID_INTERVALS = 2
const VALID_MARGIN_MS: Millis = 1000

interface PublishedLimit {
  readonly alarm: string
  readonly value: number
  readonly occupancy: 'any' | 'at_rest' | 'in_operation'
  readonly set: string
}

/** `meta`: every point with its place, its instrument and its limits by occupancy. */
export function metaPayload(plant: Plant, ts: Millis): string {
  const limits = limitsByPoint(plant)
  const points = plant.points.map((point) => {
    const instrument = plant.instruments.find(({ id }) => id === point.instrument)
    return {
      p: point.id,
      zone: point.zone,
      grade: point.grade,
      ...(point.against !== undefined && { against: point.against }),
      quantity: point.quantity,
      unit: point.unit,
      instrument: point.instrument,
      ...(instrument?.serial !== undefined && { serial: instrument.serial }),
      ...(instrument?.calibrationDue !== undefined && {
        calibrationDue: instrument.calibrationDue,
        ...(Math.floor(ts / DAY) > daysOfDate(instrument.calibrationDue) && { cal: 'overdue' }),
      }),
      intervalMs: point.intervalMs,
      limits: limits.get(point.id) ?? [],
    }
  })
  return JSON.stringify({ v: 1, ts: Math.round(ts), config: plant.hash, points })
}

function limitsByPoint(plant: Plant): Map<string, PublishedLimit[]> {
  const limits = new Map<string, PublishedLimit[]>()
  for (const { id, point, judgement } of alarmDefinitions(plant).values()) {
    if (point === undefined) continue
    const its = limits.get(point.id) ?? []
    if (judgement.by === 'threshold' || judgement.by === 'rolling')
      its.push(...columnsOf(id, judgement.columns))
    if (judgement.by === 'inversion') {
      its.push({ alarm: id, value: judgement.threshold, occupancy: 'any', set: 'site' })
    }
    limits.set(point.id, its)
  }
  return limits
}

function columnsOf(alarm: string, { atRest, inOperation }: LimitColumns): PublishedLimit[] {
  if (atRest !== undefined && inOperation !== undefined && atRest.value === inOperation.value) {
    return [{ alarm, value: atRest.value, occupancy: 'any', set: atRest.set }]
  }
  return [
    ...(atRest === undefined
      ? []
      : [{ alarm, value: atRest.value, occupancy: 'at_rest' as const, set: atRest.set }]),
    ...(inOperation === undefined
      ? []
      : [
          {
            alarm,
            value: inOperation.value,
            occupancy: 'in_operation' as const,
            set: inOperation.set,
          },
        ]),
  ]
}

/** `live/{zone}/{point}`: flat, for dashboards; no value when bad. A sample counts for its own length instead of the poll's. */
function livePayload(point: Point, { t, v, q, a }: Reading, stored = true): string {
  const slotMs = point.sizeUm === undefined ? point.intervalMs : Math.max(point.intervalMs, a ?? 0)
  return JSON.stringify({
    v: 1,
    p: point.id,
    t,
    ...(v !== undefined && { value: v }),
    unit: point.unit,
    q,
    validForMs: slotMs * VALID_INTERVALS + VALID_MARGIN_MS,
    ...(!stored && { stored }),
  })
}

/** Records a second of a plant when everything answers. */
export const recordsPerSecond = ({ points }: Pick<Plant, 'points'>): number =>
  points.reduce((sum, { intervalMs }) => sum + 1000 / intervalMs, 0)

/** The newest values of what a commit holds, in order of the points. */
export const liveValues = (
  { points }: Plant,
  newest: ReadonlyMap<string, Reading>,
  stored: boolean,
): LiveValue[] =>
  points.flatMap((point) => {
    const reading = newest.get(point.id)
    return reading === undefined
      ? []
      : [{ zone: point.zone, point: point.id, payload: livePayload(point, reading, stored) }]
  })

/** Points that are no more, or moved to another zone, leave no newest value behind. */
export function liveGone(before: Plant, next: Plant): LiveValue[] {
  const places = new Set(next.points.map(({ zone, id }) => `${zone}/${id}`))
  return before.points
    .filter(({ zone, id }) => !places.has(`${zone}/${id}`))
    .map(({ zone, id }) => ({ zone, point: id, payload: '' }))
}
