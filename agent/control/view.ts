// What the local socket shows: the state of the agent and of its alarms, as plain data for people's eyes and for scripts.
// Types only. `status --json` and `alarms --json` print exactly these.

import type { Guidance } from '#core/guidance.ts'
import type { Actor, Role } from '#core/input.ts'
import type { Grade, Occupancy, Origin } from '#core/point.ts'
import type { Quality } from '#core/quality.ts'
import type { Millis } from '#core/time.ts'
import type { AnnunciatorView } from '#ports/annunciator.ts'
import type { BusCounters, LinkState } from '#ports/driver.ts'
import type { PersonView } from '#ports/people.ts'

export interface BusView {
  readonly id: string
  readonly protocol?: string
  /** Where it leads, for people: `10.0.0.11:502` or the device path. */
  readonly address?: string
  /** `since` of a link that is down is wall ms here. */
  readonly link: LinkState
  readonly counters?: Readonly<BusCounters>
  /** Share of the last minute that was spent in polls, 0 to 1. */
  readonly utilisation?: number
  /** Instruments on it that do not answer and are only probed. */
  readonly parked?: readonly string[]
}

/** More alarms than people can look at, since when (wall ms), and how many so far. */
export interface FloodView {
  readonly since: Millis
  readonly alarms: number
}

/** What goes on in a zone; null where nobody knows, and the strictest limits apply. */
export interface ZoneView {
  readonly id: string
  readonly occupancy: Occupancy | null
  /** Until its clean-up, or its longest stay, is over. */
  readonly leftMs?: Millis
}

export interface StatusView {
  /** Version of the agent. */
  readonly agent: string
  readonly pid: number
  readonly org: string
  readonly site: string
  readonly siteName: string
  readonly gateway: string
  readonly timezone: string
  readonly origin: Origin
  readonly dataDir: string
  /** Wall ms. */
  readonly startedAt: Millis
  /** Wall ms of this view. */
  readonly at: Millis
  readonly config: {
    /** `sha256:…` of what runs. */
    readonly hash: string
    /** The file named at start. */
    readonly file?: string
    readonly acceptedAt?: Millis
    /** Why the file as it stands now is not what runs; absent when it is. */
    readonly rejected?: string
    /** A changed file that waits for two signatures; see `config show`. */
    readonly pending?: {
      readonly hash: string
      readonly since: Millis
      /** Login names, in order. */
      readonly signed: readonly string[]
    }
  }
  readonly limitSet?: string
  readonly epoch: string
  readonly tb: number
  readonly head: { readonly seq: number; readonly hash: string }
  /** Wall ms; absent before the first commit of this process. */
  readonly lastCommitAt?: Millis
  /** Newest reading of each configured point by quality; `silent` have none yet. */
  readonly points: {
    readonly total: number
    readonly good: number
    readonly uncertain: number
    readonly bad: number
    readonly silent: number
  }
  /** What goes on in each zone, in the order of the configuration. */
  readonly zones?: readonly ZoneView[]
  /** Alarms that are not normal, by what they need. */
  readonly alarms: {
    readonly unacknowledged: number
    readonly others: number
    readonly flood?: FloodView
    /** Alarms that come and go within a minute now. */
    readonly chattering?: number
  }
  readonly buses: readonly BusView[]
  /** Flight records that were due and not made since the start, as they were too many (URS-15). */
  readonly recorder?: { readonly skipped: number }
  readonly backlog: { readonly readings: number; readonly event: number }
  /** Absent when no broker is configured. */
  readonly broker?: {
    readonly connected: boolean
    readonly address: string
    readonly lastError?: string
  }
  /** When a test alarm last went to the broker and back; absent where none is asked for. Times in ms. */
  readonly alarmPath?: {
    readonly provedAt?: Millis
    readonly ageMs: Millis
    readonly tookMs?: Millis
    readonly testing: boolean
  }
  /** Horn and stack light; absent when none is configured. */
  readonly annunciator?: AnnunciatorView
  readonly clock: {
    readonly synchronised: boolean
    readonly offsetMs?: Millis
    /** Readings are flagged, since the clock was not to be believed at the start. */
    readonly doubtful?: true
  }
}

/** Who acknowledged, with what. */
export interface AcknowledgementView {
  readonly user: string
  readonly name?: string
  readonly role?: Role
  readonly ts: Millis
  readonly reason?: string
  readonly comment?: string
}

/** One alarm: the object of `alarm/{alarmId}` (contract §3), with what else is known of the occurrence. */
export interface AlarmView {
  readonly alarm: string
  /** Occurrence id; null when normal. */
  readonly occ: string | null
  readonly rev: number
  readonly state: string
  readonly active: boolean
  readonly acked: boolean
  readonly class: string
  readonly priority: number
  readonly point?: string
  readonly instrument?: string
  readonly bus?: string
  readonly zone?: string
  readonly grade?: Grade
  readonly occupancy?: Occupancy
  readonly limit?: {
    readonly kind: string
    readonly value: number
    readonly unit: string
    readonly set: string
  }
  readonly value?: number
  readonly unit?: string
  readonly peak?: number
  readonly q?: Quality
  readonly detail?: string
  readonly onset?: Millis
  readonly activated?: Millis
  readonly returned?: Millis
  /** Wall ms of the last transition. */
  readonly ts?: Millis
  readonly ack?: AcknowledgementView | null
  readonly unconfirmed?: boolean
  readonly detectedLate?: boolean
  /** Occurrences this one superseded that were not acknowledged. */
  readonly superseded?: readonly string[]
  /** The alarm it may follow from, and the one it is only a consequence of. */
  readonly firstOut?: { readonly alarm: string; readonly occ: string }
  readonly parent?: string
  /** Why it exists and what is to be done. */
  readonly guidance?: Guidance
  /** It proves the way of alarms, and means nothing else. */
  readonly test?: boolean
  /** What stands around it, and how many occurrences that has hidden. */
  readonly held?: {
    readonly since: Millis
    readonly until?: Millis
    readonly workOrder?: string
    readonly by?: { readonly user: string; readonly name: string; readonly role: Role }
    readonly reason?: string
    readonly comment?: string
    readonly hidden: number
  }
  /** It comes and goes: three transitions within a minute. */
  readonly chattering?: boolean
}

export interface AlarmsView {
  /** Wall ms of this view. */
  readonly at: Millis
  readonly timezone: string
  readonly origin: Origin
  /** Wall ms of the newest reading; absent when there is none yet. */
  readonly lastReadingAt?: Millis
  readonly flood?: FloodView
  /** What people choose from when they act. */
  readonly words?: {
    readonly reasons: readonly { readonly code: string; readonly label?: string }[]
    readonly phrases: readonly { readonly id: string; readonly text: string }[]
  }
  readonly alarms: readonly AlarmView[]
}

export interface PeopleView {
  readonly people: readonly PersonView[]
}

/** One value of the configuration that differs, old beside new. */
export interface ChangeView {
  readonly key: string
  readonly group: string
  readonly from?: unknown
  readonly to?: unknown
  /** A second person has to agree to it where the site says so. */
  readonly second: boolean
}

interface SignatureView {
  readonly actor: Actor
  readonly at: Millis
  readonly reason?: string
  readonly comment?: string
}

export interface ConfigurationView {
  readonly hash: string
  readonly file: string
  readonly acceptedAt: Millis
  readonly rejected?: string
  /** A changed file that is not in force: what it changes, and who has signed or declined it. */
  readonly candidate?: {
    readonly hash: string
    readonly since: Millis
    readonly signatures: readonly SignatureView[]
    readonly declined?: SignatureView
    readonly changes: readonly ChangeView[]
  }
}

/** One record of the audit trail, as it stands in the journal. */
export type AuditRecord = Readonly<Record<string, unknown>> & {
  readonly seq: number
  readonly type: string
  readonly ts: Millis
}

/** One page of the audit trail. */
export interface AuditView {
  readonly timezone: string
  readonly records: readonly AuditRecord[]
  /** Where the next page goes on; absent at the end. */
  readonly next?: number
}
