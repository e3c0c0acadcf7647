// Everything that can move the core, and everything that comes out of one step.
// All ways in (drivers, clock, operators, uplink, configuration) end here; nothing else changes an alarm.

import type { Sample } from './particle.ts'
import type { Occupancy, Plant } from './point.ts'
import type { BadReason } from './quality.ts'
import type { RawSignal } from './reading.ts'
import type { JournalRecord } from './record.ts'
import type { Instant, Millis } from './time.ts'

export const ROLES = ['technician', 'supervisor', 'qa', 'administrator'] as const
export type Role = (typeof ROLES)[number]

/** An authenticated person, and the way the act came in. */
export interface Actor {
  readonly user: string
  readonly name: string
  readonly role: Role
  readonly via: 'local' | 'mqtt' | 'console'
}

/** What states an occupancy where no person does: the zone's schedule, or the contact point that it follows. */
export type Source =
  | { readonly via: 'schedule' }
  | { readonly via: 'signal'; readonly point: string }

/** One slot of one polled point, as the driver answered it (or as nobody could). */
export interface SlotResult {
  readonly point: string
  /** The slot: t ≡ 0 (mod interval), wall ms. */
  readonly t: Millis
  /** Arrival in ms after `t`; absent where nothing arrived. */
  readonly a?: Millis
  /** Consecutive slots covered, only without a value; default 1. */
  readonly slots?: number
  readonly result: RawSignal
}

/** Reply codes of acts and commands (contract §3). */
export const ACT_CODES = [
  'acknowledged',
  'reset',
  'done',
  'already_acknowledged',
  'stale_revision',
  'unknown_occurrence',
  'expired',
  'replayed',
  'bad_signature',
  'not_authorised',
  'identity_mismatch',
  'clock_unsynchronised',
  'store_failed',
  'invalid',
] as const
export type ActCode = (typeof ACT_CODES)[number]

interface ActBase {
  readonly actor: Actor
  /** Id of the MQTT command, where it was one. */
  readonly cmd?: string
}

/** What a person does to the plant. Authentication is done; entitlement and fitness are judged by the core. */
export type Act =
  | (ActBase & {
      readonly kind: 'ack'
      readonly occ: string
      readonly reason: string
      readonly comment?: string
      /** Revision the person saw; an older one is refused only when it got worse since. */
      readonly rev?: number
      /** Alarm id the person named beside the occurrence; must match where given. */
      readonly alarm?: string
    })
  | (ActBase & {
      readonly kind: 'reset'
      readonly occ: string
      readonly reason?: string
      readonly comment?: string
      readonly rev?: number
      readonly alarm?: string
    })
  | (ActBase & {
      readonly kind: 'occupancy'
      readonly zone: string
      readonly state: Occupancy
      readonly reason?: string
      readonly comment?: string
    })
  | (ActBase & {
      readonly kind: 'shelve'
      /** The alarm, by id or by its open occurrence (both have to agree where both are given). */
      readonly alarm?: string
      readonly occ?: string
      /** Expiry, wall ms; the class has a maximum. */
      readonly until: Millis
      readonly reason: string
      readonly comment?: string
    })
  | (ActBase & {
      readonly kind: 'unshelve'
      readonly alarm?: string
      readonly occ?: string
      readonly reason?: string
      readonly comment?: string
    })
  | (ActBase & {
      readonly kind: 'out_of_service'
      /** A point or an instrument. */
      readonly target: string
      readonly workOrder: string
      readonly reason?: string
      readonly comment?: string
    })
  | (ActBase & {
      readonly kind: 'return_to_service'
      readonly target: string
      readonly reason?: string
      readonly comment?: string
    })

export type Input =
  /** Results of polled slots, in order of arrival. */
  | { readonly kind: 'slots'; readonly at: Instant; readonly slots: readonly SlotResult[] }
  /** The record a particle counter shows now; the core tells whether it is new. */
  | {
      readonly kind: 'sample'
      readonly at: Instant
      readonly instrument: string
      readonly sample: Sample
    }
  /** A sampled instrument gave no record at all this time. */
  | {
      readonly kind: 'no_sample'
      readonly at: Instant
      readonly instrument: string
      readonly reason: BadReason
      readonly exceptionCode?: number
    }
  /** A deadline of the state may have come. */
  | { readonly kind: 'tick'; readonly at: Instant }
  | { readonly kind: 'act'; readonly at: Instant; readonly act: Act }
  /** What the schedule or signal of a zone says now; null where the signal is lost. Said again, it changes nothing. */
  | {
      readonly kind: 'source'
      readonly at: Instant
      readonly zone: string
      readonly source: Source
      readonly state: Occupancy | null
    }
  /**
   * How the link of a bus is: down, noisy (it works, badly; both with why), open (nothing has come over it yet), sound (something has).
   */
  | {
      readonly kind: 'link'
      readonly at: Instant
      readonly bus: string
      readonly link:
        | { readonly is: 'down' | 'noisy'; readonly detail: string }
        | { readonly is: 'open' | 'sound' }
    }
  /** An alarm whose condition is judged outside the core: `<instrument>.identity`, `system.<name>`. */
  | {
      readonly kind: 'condition'
      readonly at: Instant
      readonly alarm: string
      readonly active: boolean
      readonly detail?: string
    }
  /** The agent itself stood still for so long until now (paused, starved, blocked): nothing of it says anything of an instrument. */
  | { readonly kind: 'stalled'; readonly at: Instant; readonly ms: Millis }
  /** The wall clock was found more than half a second off the time base: a new one begins. */
  | { readonly kind: 'clock_stepped'; readonly at: Instant; readonly stepMs: Millis }
  /** The wall clock, doubted since the start, is to be believed from now on. */
  | { readonly kind: 'clock_trusted'; readonly at: Instant; readonly by: string }
  /** Something to be recorded that moves no alarm (start, stop, refusal, user added, uplink notices). */
  | {
      readonly kind: 'note'
      readonly at: Instant
      readonly type: string
      readonly body: Readonly<Record<string, unknown>>
      /** Commit at once rather than with the next group. */
      readonly urgent?: boolean
    }
  /** Another configuration comes into force; open occurrences whose limit moved close with that reason. */
  | { readonly kind: 'plant'; readonly at: Instant; readonly plant: Plant; readonly by?: string }

export interface ActReply {
  readonly ok: boolean
  readonly code: ActCode
  readonly alarm?: string
  readonly occ?: string
  readonly rev?: number
  readonly detail?: string
}

/** What one step leaves behind, beside the state it was given, which it changes in place and owns. */
export interface StepResult {
  /** Records in sequence order; they carry on from the state's sequence number without a hole. */
  readonly records: readonly JournalRecord[]
  /** Sequence number of the first record (meaningless when there are none). */
  readonly first: number
  /** State rows that changed: key → value to persist as JSON, undefined to remove. */
  readonly changes: ReadonlyMap<string, unknown>
  /** Alarms whose published state changed (ids; also those that ceased to exist). */
  readonly alarms: readonly string[]
  /** True when the records must be committed at once (anything that moved an alarm, and acts). */
  readonly urgent: boolean
  readonly reply?: ActReply
}
