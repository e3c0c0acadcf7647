// The plant as the core knows it: zones, instruments and points with everything judged about them.
// Compiled from an accepted configuration (config/compile.ts); immutable while it is in force.

import type { GuidanceTexts } from './guidance.ts'
import type { LimitSetId, ParticleRules, PointLimits } from './limit.ts'
import type { Stretch } from './local-time.ts'
import type { Quantity } from './quantity.ts'
import type { Millis } from './time.ts'
import type { TrendRules } from './trend.ts'

export const GRADES = ['A', 'B', 'C', 'D', 'CNC'] as const
/** EU GMP grade of a zone; CNC is controlled, not classified. */
export type Grade = (typeof GRADES)[number]

export const OCCUPANCIES = ['at_rest', 'in_operation', 'clean_up', 'not_in_use'] as const
export type Occupancy = (typeof OCCUPANCIES)[number]

/** Where readings come from: stated on every message and export (URS-69). */
export type Origin = 'instrument' | 'simulated'

export interface Zone {
  readonly id: string
  readonly name: string
  readonly grade: Grade
  /** The zone that surrounds this one (a cabinet lies within its room). */
  readonly within?: string
  /** State before anybody sets one; absent = unknown, the strictest column applies. */
  readonly occupancy?: Occupancy
  readonly cleanUpMs?: Millis
  /** Longest stay in a state; the usual one (stay.ts) where not given. */
  readonly longestMs?: Readonly<Partial<Record<Occupancy, Millis>>>
  /** What goes on when, in the time zone of the site: the first stretch that holds counts. */
  readonly schedule?: {
    readonly stretches: readonly (Stretch & { readonly state: Occupancy })[]
    readonly otherwise: Occupancy
  }
  readonly trends?: TrendRules
  /** The contact point that tells what goes on. */
  readonly signal?: { readonly point: string; readonly closed: Occupancy; readonly open: Occupancy }
}

export interface Bus {
  readonly id: string
}

export interface Instrument {
  readonly id: string
  readonly bus: string
  readonly serial?: string
  /** ISO date (YYYY-MM-DD), inclusive. */
  readonly calibrationDue?: string
  /** Nominal sample flow in L/min (particle counters). */
  readonly flowLpm?: number
  /** True when its signals come as samples of its own (particle counters). */
  readonly sampled: boolean
  /** Sample plus hold time in ms of a sampled instrument; from the profile until the instrument tells its own. */
  readonly samplePeriodMs?: Millis
  /** Sample time the site has set and attests (ms); a sample of another length is not one of these (limits.md). */
  readonly sampleTimeMs?: Millis
}

/** How a decoded number becomes a value: value = decoded × scale + offset, then polarity. */
export interface Conversion {
  readonly scale: number
  readonly offset: number
  /** `reversed`: a differential pressure sensor plumbed the other way; the value's sign is turned. */
  readonly reversed: boolean
  /** Physical range in the point's unit, where the profile or the point declares one. */
  readonly range?: readonly [number, number]
  /** Decoded numbers (before scale) that mean "no value"; NaN and infinities always do. */
  readonly sentinels: readonly number[]
}

export interface Point {
  readonly id: string
  readonly instrument: string
  readonly signal: string
  readonly zone: string
  readonly grade: Grade
  readonly against?: string
  readonly quantity: Quantity
  readonly unit: string
  /** Slot length in ms (polled points) or poll interval of a sampled instrument. */
  readonly intervalMs: Millis
  readonly critical: boolean
  /** Data-loss time of URS-66. */
  readonly commFailMs: Millis
  readonly conversion: Conversion
  /** Raw value unchanged for longer than this is `stuck`; absent = not watched. */
  readonly stuckAfterMs?: Millis
  readonly checks?: PlausibilityChecks
  /** Particle size of the channel in µm, cumulative (≥ size). */
  readonly sizeUm?: number
  readonly limits: PointLimits
  readonly rules?: ParticleRules
}

/** When the alarms of a class are said again (URS-37). */
export interface ClassReminders {
  /** An acknowledged occurrence that still goes on is unacknowledged again after this. */
  readonly reAlarmMs?: Millis
  /** Steps of escalation of an unacknowledged one, from its activation, ascending. */
  readonly escalateMs?: readonly Millis[]
  /** Whom each step calls; null where the site names nobody. */
  readonly contacts?: readonly (string | null)[]
}

/** What a site calls implausible of a polled point (URS-09, faults.md FB21); each off where not given. */
export interface PlausibilityChecks {
  /** Most that the value may change in a minute, in the point's unit; a faster one is uncertain, `rate`. */
  readonly changePerMinute?: number
  /** A value of exactly 0 is no measurement but a sensor that is off: bad, `implausible_zero`. */
  readonly zero?: true
  readonly justification?: string
}

/** One versioned, hashed unit: what runs (URS-54). */
export interface Plant {
  readonly org: string
  readonly site: string
  readonly siteName: string
  readonly timezone: string
  readonly gateway: string
  readonly origin: Origin
  /** `sha256:…` over the configuration with everything it includes (URS-68). */
  readonly hash: string
  readonly limitSet: LimitSetId
  readonly zones: readonly Zone[]
  readonly buses: readonly Bus[]
  readonly instruments: readonly Instrument[]
  readonly points: readonly Point[]
  /** Codes accepted as the reason of an acknowledgement; `other` needs a comment. */
  readonly reasonCodes: readonly string[]
  /** How a code reads, in the language of the site. */
  readonly reasonLabels?: Readonly<Record<string, string>>
  /** Texts that stand for a comment, by id. */
  readonly phrases?: Readonly<Record<string, string>>
  /** Cause, consequence and action of alarms, by key (guidance.ts). */
  readonly guidance?: GuidanceTexts
  /** How often the way of alarms is proved, and how old a proof may be (URS-41). */
  readonly alarmPath?: { readonly everyMs: Millis; readonly maxAgeMs: Millis }
  /** The longest an alarm may be shelved, by class; the usual time (shelve.ts) where not given. */
  readonly shelfMs?: Readonly<Partial<Record<'action' | 'alert' | 'fault' | 'system', Millis>>>
  readonly reminders?: Readonly<
    Partial<Record<'action' | 'alert' | 'fault' | 'system', ClassReminders>>
  >
}
