// One step's work sheet: records in sequence, changed rows, alarms that moved. Whatever changes an alarm is applied here,
// so that no transition is without its record.

import { deadlineOf, stepAlarm } from './alarm.ts'
import type { AlarmDefinition } from './alarm-set.ts'
import type { AlarmInput, AlarmState, Transition } from './alarm-state.ts'
import { alarmEventBody } from './alarm-view.ts'
import { keepConsequence, noteCauseOver, parentOf } from './consequence.ts'
import { noteActivation } from './first-out.ts'
import { heldAs, hideIn, type ShownState, shownState } from './hold.ts'
import type { StepResult } from './input.ts'
import { marked, type Reading } from './reading.ts'
import type { JournalRecord } from './record.ts'
import {
  type AlarmRow,
  type AlarmUnit,
  alarmKey,
  type CoreState,
  holdKey,
  judgedBy,
} from './state.ts'
import type { Instant, Millis } from './time.ts'
import { noteInTrend } from './trend-note.ts'

export class Turn {
  readonly state: CoreState
  readonly at: Instant
  readonly records: JournalRecord[] = []
  readonly first: number
  urgent = false
  /** A zone, or the plant, has changed: what follows from zones is looked at for every alarm. */
  rezoned = false
  // Nearly every step is good readings and nothing else, thousands a second: it makes no collections that stay empty.
  #changes: Map<string, unknown> | undefined
  #alarms: Set<string> | undefined
  #moved: Set<AlarmUnit> | undefined

  constructor(state: CoreState, at: Instant) {
    this.state = state
    this.at = at
    this.first = state.seq + 1
  }

  get changes(): Map<string, unknown> {
    this.#changes ??= new Map()
    return this.#changes
  }

  /** Alarms whose published state changed. */
  get alarms(): Set<string> {
    this.#alarms ??= new Set()
    return this.#alarms
  }

  /** Alarms that made a transition. */
  get moved(): Set<AlarmUnit> {
    this.#moved ??= new Set()
    return this.#moved
  }

  get hasMoved(): boolean {
    return this.#moved !== undefined && this.#moved.size > 0
  }

  /** Whether anything calls for a look at what stands around alarms. */
  get isUnsettled(): boolean {
    return this.rezoned || this.hasMoved
  }

  /** The state an alarm is shown in. */
  shown({ holds, state: alarm, definition }: AlarmUnit): ShownState {
    return shownState(holds, alarm, definition.latching)
  }

  /** What the step leaves behind. */
  end(): StepResult {
    return {
      records: this.records,
      first: this.first,
      changes: this.#changes ?? NO_CHANGES,
      alarms: this.#alarms === undefined ? NO_ALARMS : [...this.#alarms],
      urgent: this.urgent,
    }
  }
}

const NO_CHANGES: ReadonlyMap<string, unknown> = new Map()
const NO_ALARMS: readonly string[] = []

/**
 * Now on the gateway's time line: the wall as the time base has it, which a clock that steps does not bend before the step
 * is noticed and a new base begins.
 */
export const baseNow = ({ state, at }: Turn): Millis => at.mono + state.offsetMs

/** Writes a reading down; its sequence number. */
export function writeReading(turn: Turn, reading: Reading): number {
  turn.records.push({ kind: 'reading', reading: marked(reading, turn.state) })
  return ++turn.state.seq
}

/** Writes an event down; its sequence number. */
export function writeEvent(
  turn: Turn,
  type: string,
  body: Readonly<Record<string, unknown>>,
): number {
  turn.records.push({ kind: 'event', event: { type, ts: Math.round(turn.at.wall), body } })
  return ++turn.state.seq
}

/** What an event of a person's act carries beside the alarm's own fields. */
export type ActFields = Readonly<Record<string, unknown>>

/** Applies one input to one alarm, with its records; the transitions. */
export function applyToAlarm(
  turn: Turn,
  unit: AlarmUnit,
  input: AlarmInput,
  act: ActFields = {},
): readonly Transition[] {
  const before = unit.state
  const stepped = stepAlarm(unit.definition, before, input, () => occurrenceId(turn))
  if (stepped.state === before) return stepped.transitions
  unit.state = stepped.state
  const transitions = stepped.transitions.map((transition) =>
    withReferences(turn, unit, transition),
  )
  const held = heldAs(unit.holds)
  for (const transition of transitions) {
    const seq = writeEvent(
      turn,
      transition.type,
      alarmEventBody(turn.state, unit.definition, transition, {
        ...act,
        ...(held !== undefined && { held }),
      }),
    )
    if (unit.holds !== undefined) unit.holds = hideIn(unit.holds, transition.occurrence)
    unit.state = { ...unit.state, seq, ts: Math.round(turn.at.wall) }
    noteInTrend(turn.state, unit, transition)
  }
  if (transitions.length > 0) {
    turn.alarms.add(unit.definition.id)
    turn.urgent = true
    turn.moved.add(unit)
    if (held !== undefined) turn.changes.set(holdKey(unit.definition.id), unit.holds)
  }
  const wasSaid = before.active && before.occurrence?.parent === undefined
  if (wasSaid && !unit.state.active) noteCauseOver(turn.state, unit, turn.at.mono)
  keepTimed(turn.state, unit)
  keepConsequence(turn.state, unit)
  keepAlarm(turn, unit)
  return transitions
}

/** An activation with the alarm it may follow from, or that has said it already; the occurrence keeps them. */
function withReferences(turn: Turn, unit: AlarmUnit, transition: Transition): Transition {
  if (transition.type !== 'alarm.activated') return transition
  const firstOut = noteActivation(turn.state, unit, transition.occurrence.occ, turn.at)
  const parent = parentOf(turn.state, unit, turn.at.mono)
  if (firstOut === undefined && parent === undefined) return transition
  const more = {
    ...(firstOut !== undefined && { firstOut }),
    ...(parent !== undefined && { parent }),
  }
  const { occurrence } = unit.state
  if (occurrence !== null) unit.state = { ...unit.state, occurrence: { ...occurrence, ...more } }
  return { ...transition, occurrence: { ...transition.occurrence, ...more } }
}

/** Writes down what is known of an alarm. */
export function keepAlarm({ changes }: Turn, { definition, state }: AlarmUnit): void {
  changes.set(alarmKey(definition.id), alarmRow(definition, state))
}

export const alarmRow = (definition: AlarmDefinition, state: AlarmState): AlarmRow => ({
  state,
  judged: judgedBy(definition),
})

export function keepTimed(state: CoreState, unit: AlarmUnit): void {
  const timed = unit.state.pending !== null || unit.state.returning !== null
  if (timed) state.timed.add(unit)
  else state.timed.delete(unit)
}

/** Lets every delay that has run out take effect. */
export function passDelays(turn: Turn): void {
  for (const unit of turn.state.timed) {
    const deadline = deadlineOf(unit.definition, unit.state)
    if (deadline !== undefined && deadline <= turn.at.mono) {
      applyToAlarm(turn, unit, { kind: 'deadline', at: turn.at })
    }
  }
}

/** The earliest delay of any alarm (monotonic). */
export function nextDelay({ timed }: CoreState): Millis {
  let next = Number.POSITIVE_INFINITY
  for (const { definition, state } of timed)
    next = Math.min(next, deadlineOf(definition, state) ?? next)
  return next
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

function base32(value: number, length: number): string {
  let text = ''
  for (let rest = Math.max(0, Math.floor(value)), index = 0; index < length; index++) {
    text = CROCKFORD.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** Id of an occurrence that begins now: shaped as a ULID, from wall time, epoch and sequence number, without randomness. */
function occurrenceId({ state, at }: Turn): string {
  return `${base32(at.wall, 10)}${state.epoch.slice(-6).padStart(6, '0')}${base32(state.seq + 1, 10)}`
}
