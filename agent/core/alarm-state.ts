// What is known of one alarm and what may happen to it (alarms.md): orthogonal facts, delays as durations, the occurrence's record.
// Types and the state derived from the facts; what happens is `alarm.ts`.

import type { Actor } from './input.ts'
import type { Occupancy } from './point.ts'
import type { Quality } from './quality.ts'
import type { Instant, Millis } from './time.ts'

export const ALARM_STATES = [
  'normal',
  'unacknowledged',
  'acknowledged',
  'rtn_unacknowledged',
  'latched_unacknowledged',
  'latched_acknowledged',
] as const
export type AlarmStateName = (typeof ALARM_STATES)[number]

/** A delay: runs on the monotonic clock, or stands still; what is left is a duration, so that a restart resumes it. */
export interface Delay {
  readonly leftMs: Millis
  /** Monotonic start of the running stretch; null while it stands still. */
  readonly since: Millis | null
  /** Time it has stood still in total, and the monotonic start of the present stand. */
  readonly heldMs: Millis
  readonly heldSince: Millis | null
}

/** A worst value, and the time of its sample (wall ms). */
export interface Peak {
  readonly value: number
  readonly t: Millis
}

/** An on-delay under way, with what it will say when it runs out. */
export interface Pending extends Delay {
  readonly onset: Millis
  /** The newest violating sample, and the worst value since the onset. */
  readonly observation: Observation
  readonly peak: Peak | null
}

/** The limit that applied, as recorded with an occurrence. */
export interface AppliedLimit {
  readonly kind: string
  readonly value: number
  readonly unit: string
  readonly set: string
  readonly clause?: string
}

export interface Acknowledgement {
  readonly user: string
  readonly name: string
  readonly role: string
  readonly ts: Millis
  readonly reason: string
  readonly comment?: string
}

/** Everything an occurrence holds (alarms.md "Other rules"). Wall times in ms. */
export interface Occurrence {
  readonly occ: string
  readonly previous?: string
  readonly rev: number
  readonly onset: Millis
  readonly activated: Millis
  readonly returned?: Millis
  readonly value?: number
  readonly q?: Quality
  readonly peak?: Peak
  readonly limit?: AppliedLimit
  readonly occupancy?: Occupancy
  readonly ack?: Acknowledgement
  /** The on-delay ran out while the data was bad. */
  readonly unconfirmed?: true
  readonly detectedLate?: true
  readonly detail?: string
  /** The earliest alarm that this one may follow from (URS-40). */
  readonly firstOut?: { readonly alarm: string; readonly occ: string }
  /** The alarm that said it already: it sounds for both (consequence.ts). */
  readonly parent?: string
  /** A fault that may hide an excursion takes action priority (alarms.md). */
  readonly priority?: 1
  /** Revision at which it last got worse: who saw an older one has to look again. */
  readonly worseRev?: number
  /** Earlier occurrences nobody acknowledged, superseded by this one. */
  readonly superseded: readonly string[]
}

export interface AlarmState {
  readonly occurrence: Occurrence | null
  readonly active: boolean
  readonly acked: boolean
  /** The first violating sample waits for its on-delay. */
  readonly pending: Pending | null
  /** The return waits for its off-delay. */
  readonly returning: Delay | null
  /** Consecutive violating samples (inversion), with the first one's time. */
  readonly run: { readonly count: number; readonly onset: Millis } | null
  /** Sequence number and wall time of the last transition's event; 0 before the first. */
  readonly seq: number
  readonly ts: Millis
}

export const NORMAL: AlarmState = {
  occurrence: null,
  active: false,
  acked: false,
  pending: null,
  returning: null,
  run: null,
  seq: 0,
  ts: 0,
}

/** What a sample says of the alarm's condition. Only good ones clear; uncertain ones may raise. */
export interface Observation {
  readonly verdict: 'violated' | 'between' | 'normal'
  readonly quality: 'good' | 'uncertain'
  /** Time of the sample, wall ms: the onset where it is the first violating one. */
  readonly t: Millis
  readonly value?: number
  readonly limit?: AppliedLimit
  readonly occupancy?: Occupancy
  /** Fetched after the fact: it raises now, with its true onset. */
  readonly late?: true
  readonly detail?: string
  readonly priority?: 1
}

export type AlarmInput =
  | { readonly kind: 'observation'; readonly at: Instant; readonly observation: Observation }
  /** The newest sample is bad or missing. */
  | { readonly kind: 'bad'; readonly at: Instant }
  | { readonly kind: 'deadline'; readonly at: Instant }
  | {
      readonly kind: 'acknowledge'
      readonly at: Instant
      readonly actor: Actor
      readonly reason: string
      readonly comment?: string
      /** What the point reads at this moment, where it is judged by its value. */
      readonly value?: number
    }
  | { readonly kind: 'reset'; readonly at: Instant; readonly value?: number }
  /** Its re-alarm time is over: what was acknowledged and goes on is to be looked at again. */
  | { readonly kind: 'realarm'; readonly at: Instant }
  /** It is no consequence of another alarm any more: it is said for itself, whoever has acknowledged it as one. */
  | { readonly kind: 'stand_alone'; readonly at: Instant }
  /** The limit moved or the alarm ceased to exist: the occurrence ends with that reason. */
  | { readonly kind: 'close'; readonly at: Instant }

export type TransitionType =
  | 'alarm.activated'
  | 'alarm.worsened'
  | 'alarm.returned'
  | 'alarm.acknowledged'
  | 'alarm.reset'
  | 'alarm.realarmed'
  | 'alarm.superseded'
  | 'alarm.closed'

/** One recorded transition; `occurrence` as it stands after it. */
export interface Transition {
  readonly type: TransitionType
  readonly from: AlarmStateName
  readonly to: AlarmStateName | 'superseded'
  readonly occurrence: Occurrence
}

export interface AlarmStep {
  readonly state: AlarmState
  readonly transitions: readonly Transition[]
}

/** The ISA-18.2 state that the facts amount to. */
export function stateName(
  { occurrence, active, acked }: AlarmState,
  latching: boolean,
): AlarmStateName {
  if (occurrence === null) return 'normal'
  if (active) return acked ? 'acknowledged' : 'unacknowledged'
  if (latching) return acked ? 'latched_acknowledged' : 'latched_unacknowledged'
  return 'rtn_unacknowledged'
}
