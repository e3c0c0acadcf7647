// What nobody looks after is said again (URS-37, alarms.md row 12): an unacknowledged occurrence escalates step by step, an acknowledged
// one that goes on is unacknowledged again after its re-alarm time. When, the site says, by class; what is held is not reminded of.

import { heldAs } from './hold.ts'
import type { ClassReminders } from './point.ts'
import { contactOf } from './reminder-contacts.ts'
import { type AlarmUnit, type CoreState, reminderKey } from './state.ts'
import type { Instant, Millis } from './time.ts'
import { dueAt, resumeTimer, type Timer, timerFrom } from './timer.ts'
import { applyToAlarm, type Turn, writeEvent } from './turn.ts'

/** What an occurrence is to be reminded of, and how far it has come. */
export interface Reminder {
  readonly occ: string
  readonly kind: 'escalate' | 'realarm'
  /** Steps of escalation taken. */
  readonly step: number
  /** Absent after the last step. */
  readonly timer?: Timer
}

/** Lets reminders follow from what became of alarms in this step. */
export function settleReminders(turn: Turn): void {
  if (!turn.isUnsettled) return
  const { state, moved, rezoned } = turn
  if (state.plant.reminders === undefined && state.reminded.size === 0) return
  // another configuration may remind of other classes
  for (const unit of rezoned ? state.alarms.values() : moved) {
    const wanted = wantedKind(turn.state, unit)
    const occ = unit.state.occurrence?.occ
    const { reminder } = unit
    // another configuration may call others for the steps that were taken
    if (rezoned && (reminder?.step ?? 0) > 0) turn.alarms.add(unit.definition.id)
    if (wanted === undefined || occ === undefined) {
      if (reminder !== undefined) setReminder(turn, unit, undefined)
    } else if (reminder?.kind !== wanted.kind || reminder.occ !== occ) {
      const { kind, afterMs } = wanted
      const fresh = { kind, step: 0, timer: timerFrom(afterMs, turn.at) }
      setReminder(turn, unit, { ...(isUnseen(unit, reminder) ? reminder : fresh), occ })
    }
  }
}

/**
 * Whether the occurrence that was reminded of was superseded with nobody having seen it: the steps go on for the one that followed, or
 * an alarm that comes and goes would never reach anybody (decision 0026).
 */
const isUnseen = ({ state }: AlarmUnit, reminder: Reminder | undefined): reminder is Reminder =>
  reminder?.kind === 'escalate' && state.occurrence?.superseded.includes(reminder.occ) === true

function wantedKind(
  { plant }: CoreState,
  { definition, state, holds }: AlarmUnit,
): { readonly kind: Reminder['kind']; readonly afterMs: Millis } | undefined {
  const { escalateMs, reAlarmMs }: ClassReminders = plant.reminders?.[definition.class] ?? {}
  if (state.occurrence === null || definition.test === true || heldAs(holds) !== undefined)
    return undefined
  if (!state.acked) {
    const afterMs = escalateMs?.[0]
    return afterMs === undefined ? undefined : { kind: 'escalate', afterMs }
  }
  if (!state.active || reAlarmMs === undefined) return undefined
  return { kind: 'realarm', afterMs: reAlarmMs }
}

function setReminder(turn: Turn, unit: AlarmUnit, reminder: Reminder | undefined): void {
  unit.reminder = reminder
  turn.changes.set(reminderKey(unit.definition.id), reminder)
  if (reminder?.timer === undefined) turn.state.reminded.delete(unit)
  else turn.state.reminded.add(unit)
}

/** Takes every step that is due, each once, in order; several where the agent was away. */
export function passReminders(turn: Turn): void {
  for (const unit of turn.state.reminded) {
    for (
      let { reminder } = unit;
      reminder?.timer !== undefined && dueAt(reminder.timer) <= turn.at.mono;
      reminder = unit.reminder
    ) {
      if (reminder.kind === 'escalate') escalate(turn, unit, reminder, reminder.timer)
      else {
        setReminder(turn, unit, undefined)
        applyToAlarm(turn, unit, { kind: 'realarm', at: turn.at })
      }
    }
  }
}

function escalate(turn: Turn, unit: AlarmUnit, reminder: Reminder, timer: Timer): void {
  const { definition, state: alarm } = unit
  const times = turn.state.plant.reminders?.[definition.class]?.escalateMs ?? []
  const { occ, kind } = reminder
  const step = reminder.step + 1
  const afterMs = times[step - 1] ?? 0
  const next = times[step]
  const contact = contactOf(turn.state.plant, definition, step)
  setReminder(turn, unit, {
    occ,
    kind,
    step,
    // from the step that was due, not from when it was taken: time away is not given twice
    ...(next !== undefined && { timer: { leftMs: next - afterMs, since: dueAt(timer) } }),
  })
  writeEvent(turn, 'alarm.escalated', {
    alarm: definition.id,
    occ,
    rev: alarm.occurrence?.rev,
    step,
    afterMs,
    ...(contact !== undefined && { contact }),
    class: definition.class,
    priority: alarm.occurrence?.priority ?? definition.priority,
  })
  turn.alarms.add(definition.id)
  turn.urgent = true
}

/** The earliest step due (monotonic). */
export function nextReminder({ reminded }: CoreState): Millis {
  let next = Number.POSITIVE_INFINITY
  for (const { reminder } of reminded)
    if (reminder?.timer !== undefined) next = Math.min(next, dueAt(reminder.timer))
  return next
}

/** A reminder as persisted, its time gone on meanwhile. */
export const resumeReminder = (
  reminder: Reminder | undefined,
  last: { readonly at: Instant; readonly sameBoot: boolean } | undefined,
  at: Instant,
): Reminder | undefined =>
  reminder?.timer === undefined
    ? reminder
    : { ...reminder, timer: resumeTimer(reminder.timer, last, at) }
