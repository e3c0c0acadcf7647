// What may stand around an alarm (alarms.md rows 13 to 17): shelved by a person, suppressed because its zone is not in use, out of
// service under a work order. The alarm beneath goes on as it would; what was hidden meanwhile is remembered, to be listed at the
// end. Values only; what begins and ends them is hold-set.ts.

import { type AlarmState, type AlarmStateName, type Occurrence, stateName } from './alarm-state.ts'
import type { Actor } from './input.ts'
import type { Instant, Millis } from './time.ts'
import { resumeTimer, type Timer } from './timer.ts'

/** The heavier first: it is the one that is shown. */
export const HOLD_KINDS = ['out_of_service', 'suppressed_by_design', 'shelved'] as const
export type HoldKind = (typeof HOLD_KINDS)[number]
/** The state an alarm is shown in. */
export type ShownState = AlarmStateName | HoldKind

/** Occurrences listed with a hold; each is on record whatever is listed, and the count is exact. */
const HID_MAX = 100

/** An occurrence that rose, or stood open, behind a hold. Wall times in ms. */
export interface HiddenOccurrence {
  readonly occ: string
  readonly onset: Millis
  readonly activated: Millis
  readonly returned?: Millis
  readonly peak?: number
}

export interface Hold {
  /** Wall ms. */
  readonly since: Millis
  readonly actor?: Actor
  readonly reason?: string
  readonly comment?: string
  /** When a shelf expires: for people (wall ms), and the timer that decides it. */
  readonly until?: Millis
  readonly timer?: Timer
  readonly workOrder?: string
  readonly hid: readonly HiddenOccurrence[]
  /** How many occurrences were hidden in all. */
  readonly hidden: number
}

export type Holds = Partial<Readonly<Record<HoldKind, Hold>>>

/** The hold an alarm is shown by; undefined where it is shown as it is. */
export const heldAs = (holds: Holds | undefined): HoldKind | undefined =>
  holds === undefined ? undefined : HOLD_KINDS.find((kind) => holds[kind] !== undefined)

/** The state people are shown: the hold, else the alarm's own. */
export const shownState = (
  holds: Holds | undefined,
  state: AlarmState,
  latching: boolean,
): ShownState => heldAs(holds) ?? stateName(state, latching)

/** Remembers an occurrence as hidden, or what became of it, in every hold that stands. */
export function hideIn(holds: Holds, occurrence: Occurrence): Holds {
  const next: Partial<Record<HoldKind, Hold>> = {}
  for (const kind of HOLD_KINDS) {
    const hold = holds[kind]
    if (hold !== undefined) next[kind] = hide(hold, occurrence)
  }
  return next
}

/** A hold with an occurrence in it. */
export function hide(hold: Hold, { occ, onset, activated, returned, peak }: Occurrence): Hold {
  const entry: HiddenOccurrence = {
    occ,
    onset,
    activated,
    ...(returned !== undefined && { returned }),
    ...(peak !== undefined && { peak: peak.value }),
  }
  const others = hold.hid.filter((hidden) => hidden.occ !== occ)
  const isNew = others.length === hold.hid.length
  return {
    ...hold,
    hid: [...others, entry].slice(-HID_MAX),
    hidden: hold.hidden + (isNew ? 1 : 0),
  }
}

/** A hold as published with its alarm. */
export const holdView = ({ since, until, workOrder, actor, reason, comment, hidden }: Hold) => ({
  since,
  ...(until !== undefined && { until }),
  ...(workOrder !== undefined && { workOrder }),
  ...(actor !== undefined && { by: { user: actor.user, name: actor.name, role: actor.role } }),
  ...(reason !== undefined && { reason }),
  ...(comment !== undefined && { comment }),
  hidden,
})

/** Holds as persisted, the shelf's time gone on meanwhile. */
export function resumeHolds(
  holds: Holds | undefined,
  last: { readonly at: Instant; readonly sameBoot: boolean } | undefined,
  at: Instant,
): Holds | undefined {
  const shelf = holds?.shelved
  if (shelf?.timer === undefined) return holds
  return { ...holds, shelved: { ...shelf, timer: resumeTimer(shelf.timer, last, at) } }
}
