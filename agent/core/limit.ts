// Limits of a point by occupancy, and the limit sets they may come from (limits.md, contract §2).

import type { Millis } from './time.ts'

export const LIMIT_KINDS = ['actionHigh', 'alertHigh', 'alertLow', 'actionLow'] as const
export type LimitKind = (typeof LIMIT_KINDS)[number]

/** Which limit set a plant runs on; every evaluation records id and version (URS-16). */
export interface LimitSetId {
  readonly id: string
  readonly version: string
}

export interface LimitValue {
  readonly value: number
  /** Id of the limit set the value came from, or `site`. */
  readonly set: string
  /** Clause that the value stands on, where it comes from a set. */
  readonly clause?: string
}

/** The columns of a limit: the value at rest and in operation; absent = no such limit in that state. */
export interface LimitColumns {
  readonly atRest?: LimitValue
  readonly inOperation?: LimitValue
}

/** Everything judged about one point by threshold. Delays and deadband hold for all of its limits. */
export interface PointLimits {
  readonly actionHigh?: LimitColumns
  readonly alertHigh?: LimitColumns
  readonly alertLow?: LimitColumns
  readonly actionLow?: LimitColumns
  /** Inversion threshold (0 for `true`): violated below it in two consecutive samples. */
  readonly inversion?: number
  readonly onDelayMs: Millis
  readonly offDelayMs: Millis
  /** In the point's unit. */
  readonly deadband: number
  readonly justification?: string
}

/** Rules of a particle channel beside the per-sample limits (limits.md, URS-21). */
export interface ParticleRules {
  /** Judge the high limits on the rolling cubic metre; always true for ≥5 µm in grade A. */
  readonly rollingCubicMetre: boolean
  /** n consecutive samples with at least one count. */
  readonly consecutive?: number
  /** x of the last y good samples with at least one count. */
  readonly xOfY?: readonly [x: number, y: number]
  /** A single sample with at least this many counts. */
  readonly singleHigh?: number
  readonly justification?: string
}
