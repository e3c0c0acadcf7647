// The limits of one point: what is written, what the limit set gives in its absence, and where each value stands.
// Decides values by occupancy column; whether they are permitted is check/limits.ts' business. Pure.

import type {
  LimitColumns,
  LimitKind,
  LimitValue,
  ParticleRules,
  PointLimits,
} from '#core/limit.ts'
import { LIMIT_KINDS } from '#core/limit.ts'
import type { Grade, PlausibilityChecks } from '#core/point.ts'
import type { KeyPath } from './document.ts'
import { present } from './profile.ts'
import type { ResolvedPoint } from './resolve.ts'
import type { LimitSet } from './schema/limit-set.ts'
import type { PointInput } from './schema/plant.ts'

export const COLUMNS = ['atRest', 'inOperation'] as const
export type Column = (typeof COLUMNS)[number]

export const COLUMN_WORDS: Readonly<Record<Column, string>> = {
  atRest: 'at rest',
  inOperation: 'in operation',
}

/** The size from which the channels of grade A are judged on the rolling cubic metre only (Table 5 note 2). */
const ROLLING_SIZE_UM = 5

/** The maximum of a limit set for a particle size in a grade. */
export function maximumOf(
  set: LimitSet | undefined,
  grade: Grade,
  sizeUm: number | undefined,
  column: Column,
): { readonly value: number; readonly clause: string } | undefined {
  return set?.particles.find((entry) => entry.grade === grade && entry.sizeUm === sizeUm)?.[column]
}

export const isParticle = ({ signal }: ResolvedPoint): boolean =>
  signal?.quantity === 'particle_concentration'

/** True for the channels whose high limits are always judged on the rolling cubic metre. */
export const isAlwaysRolling = (grade: Grade, sizeUm: number | undefined): boolean =>
  grade === 'A' && sizeUm !== undefined && sizeUm >= ROLLING_SIZE_UM

/** The limit that holds in one column: the site's own, else the limit set's maximum. */
export function limitOf(
  point: ResolvedPoint,
  set: LimitSet | undefined,
  kind: LimitKind,
  column: Column,
): LimitValue | undefined {
  const { limits } = point.input
  const own = limits?.[column]?.[kind] ?? limits?.[kind]
  if (own !== undefined) return { value: own, set: 'site' }
  if (kind !== 'actionHigh' || !isParticle(point) || point.zone === undefined) return undefined
  const maximum = maximumOf(set, point.zone.grade, point.signal?.sizeUm, column)
  return maximum && set && { value: maximum.value, set: set.id, clause: maximum.clause }
}

/** Where a limit of a column is written, or would be. */
export function keyOf(input: PointInput, kind: LimitKind, column: Column): KeyPath {
  return input.limits?.[column]?.[kind] === undefined ? ['limits', kind] : ['limits', column, kind]
}

/** All limits of a point with their columns. */
export function compileLimits(point: ResolvedPoint, set: LimitSet | undefined): PointLimits {
  const { limits } = point.input
  const columns: { [K in LimitKind]?: LimitColumns } = {}
  for (const kind of LIMIT_KINDS) {
    const atRest = limitOf(point, set, kind, 'atRest')
    const inOperation = limitOf(point, set, kind, 'inOperation')
    if (atRest === undefined && inOperation === undefined) continue
    columns[kind] = { ...present('atRest', atRest), ...present('inOperation', inOperation) }
  }
  const { inversion } = limits ?? {}
  return {
    ...columns,
    ...(inversion !== undefined &&
      inversion !== false && { inversion: inversion === true ? 0 : inversion }),
    onDelayMs: limits?.onDelay ?? 0,
    offDelayMs: limits?.offDelay ?? 0,
    deadband: limits?.deadband ?? 0,
    ...present('justification', limits?.justification),
  }
}

/** The rules of a particle point; for 5 µm and more in grade A the rolling cubic metre is always on. */
export function compileRules({ input, signal, zone }: ResolvedPoint): ParticleRules | undefined {
  const always = zone !== undefined && isAlwaysRolling(zone.grade, signal?.sizeUm)
  const { rules } = input
  if (signal?.quantity !== 'particle_concentration' || (rules === undefined && !always)) {
    return undefined
  }
  return {
    rollingCubicMetre: always || rules?.rollingCubicMetre === true,
    ...present('consecutive', rules?.consecutive),
    ...present('xOfY', rules?.xOfY),
    ...present('singleHigh', rules?.singleHigh),
    ...present('justification', rules?.justification),
  }
}

/** The checks of a polled point; undefined where none is on. */
export function compileChecks({ checks }: PointInput): PlausibilityChecks | undefined {
  if (checks?.changePerMinute === undefined && checks?.zeroIsFault !== true) return undefined
  return {
    ...present('changePerMinute', checks.changePerMinute),
    ...(checks.zeroIsFault === true && { zero: true }),
    ...present('justification', checks.justification),
  }
}
