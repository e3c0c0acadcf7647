// A small plant for tests of the core: a grade A cabinet in a grade B room beside a grade C one, with all kinds of points.

import type { LimitColumns, PointLimits } from '#core/limit.ts'
import type { Conversion, Instrument, Plant, Point, Zone } from '#core/point.ts'

export const SET = 'annex1-2022'

/** A limit of the site, the same in every occupancy. */
export const site = (value: number): LimitColumns => ({
  atRest: { value, set: 'site' },
  inOperation: { value, set: 'site' },
})

/** A maximum of the limit set, by occupancy. */
export const table5 = (atRest: number, inOperation: number): LimitColumns => ({
  atRest: { value: atRest, set: SET, clause: 'Annex 1 Table 5' },
  inOperation: { value: inOperation, set: SET, clause: 'Annex 1 Table 5' },
})

export const limits = (given: Partial<PointLimits> = {}): PointLimits => ({
  onDelayMs: 0,
  offDelayMs: 0,
  deadband: 0,
  ...given,
})

const CONVERSION: Conversion = { scale: 1, offset: 0, reversed: false, sentinels: [] }

type PointGiven = Partial<Omit<Point, 'conversion'>> & {
  readonly id: string
  readonly conversion?: Partial<Conversion>
}

export const point = ({ conversion, ...given }: PointGiven): Point => ({
  instrument: 'dp-b101',
  signal: 'differential_pressure',
  zone: 'b101',
  grade: 'B',
  quantity: 'differential_pressure',
  unit: 'Pa',
  intervalMs: 5000,
  critical: false,
  commFailMs: 60_000,
  limits: limits(),
  ...given,
  conversion: { ...CONVERSION, ...conversion },
})

const particles = (given: PointGiven): Point =>
  point({
    quantity: 'particle_concentration',
    unit: '/m³',
    intervalMs: 10_000,
    commFailMs: 75_000,
    ...given,
  })

export const ZONES: readonly Zone[] = [
  { id: 'bsc-1', name: 'Cabinet', grade: 'A', within: 'b101', occupancy: 'in_operation' },
  { id: 'b101', name: 'Filling room', grade: 'B', occupancy: 'in_operation' },
  { id: 'c102', name: 'Preparation', grade: 'C' },
]

export const COUNTER: Instrument = {
  id: 'pc-bsc1',
  bus: 'net-1',
  serial: '200512003',
  calibrationDue: '2027-03-01',
  flowLpm: 28.3,
  sampled: true,
  samplePeriodMs: 60_000,
}

export const POINTS: readonly Point[] = [
  particles({
    id: 'bsc1-p05',
    instrument: 'pc-bsc1',
    signal: 'particles_0_5um',
    zone: 'bsc-1',
    grade: 'A',
    sizeUm: 0.5,
    limits: limits({ actionHigh: table5(3520, 3520), alertHigh: site(1500) }),
  }),
  particles({
    id: 'bsc1-p5',
    instrument: 'pc-bsc1',
    signal: 'particles_5um',
    zone: 'bsc-1',
    grade: 'A',
    sizeUm: 5,
    limits: limits({ actionHigh: table5(29, 29), alertHigh: site(20) }),
    rules: { rollingCubicMetre: true, consecutive: 2, xOfY: [5, 30], singleHigh: 10 },
  }),
  particles({
    id: 'b101-p05',
    instrument: 'pc-b101',
    signal: 'particles_0_5um',
    grade: 'B',
    sizeUm: 0.5,
    limits: limits({ actionHigh: table5(3520, 352_000) }),
  }),
  point({
    id: 'b101-dp',
    against: 'c102',
    critical: true,
    commFailMs: 10_000,
    conversion: { range: [-250, 250], sentinels: [-9999] },
    limits: limits({
      actionLow: site(10),
      alertLow: site(12.5),
      inversion: 0,
      onDelayMs: 30_000,
      offDelayMs: 0,
      deadband: 0.5,
    }),
  }),
  point({
    id: 'b101-t',
    instrument: 'th-b101',
    signal: 'temperature',
    quantity: 'temperature',
    unit: '°C',
    intervalMs: 10_000,
    limits: limits({
      alertHigh: site(22),
      actionHigh: site(24),
      onDelayMs: 0,
      offDelayMs: 60_000,
      deadband: 0.5,
    }),
  }),
  point({
    id: 'c102-rh',
    instrument: 'th-b101',
    signal: 'relative_humidity',
    zone: 'c102',
    grade: 'C',
    quantity: 'relative_humidity',
    unit: '%',
    intervalMs: 10_000,
    stuckAfterMs: 120_000,
    conversion: { range: [0, 100] },
    limits: limits({
      actionHigh: { atRest: { value: 60, set: 'site' }, inOperation: { value: 55, set: 'site' } },
    }),
  }),
]

export const PLANT: Plant = {
  org: 'org',
  site: 'site',
  siteName: 'Cell Factory',
  timezone: 'Europe/Rome',
  gateway: 'gw-01',
  origin: 'simulated',
  hash: 'sha256:1',
  limitSet: { id: SET, version: '1' },
  zones: ZONES,
  buses: [{ id: 'net-1' }, { id: 'rs485-1' }],
  instruments: [
    COUNTER,
    { id: 'pc-b101', bus: 'net-1', flowLpm: 28.3, sampled: true, samplePeriodMs: 60_000 },
    { id: 'dp-b101', bus: 'rs485-1', sampled: false },
    { id: 'th-b101', bus: 'rs485-1', sampled: false },
  ],
  points: POINTS,
  reasonCodes: ['door_opened', 'intervention', 'known_fault', 'other'],
}

/** The plant with some points only, so that nothing else falls silent. */
export function plantOf(
  ids: readonly string[],
  change: (point: Point) => Point = (it) => it,
): Plant {
  const points = PLANT.points.filter(({ id }) => ids.includes(id)).map(change)
  const used = new Set(points.map(({ instrument }) => instrument))
  return { ...PLANT, points, instruments: PLANT.instruments.filter(({ id }) => used.has(id)) }
}

/** The plant with another setting of one point. */
export const withPoint = (plant: Plant, id: string, change: Partial<Point>): Plant => ({
  ...plant,
  hash: `${plant.hash}+`,
  points: plant.points.map((it) => (it.id === id ? { ...it, ...change } : it)),
})
