// The machine of one alarm (alarms.md, ISA-18.2): what an observation, a silence, a deadline or a person makes of its state.
// A pure function of immutable values. Orthogonal facts are kept and the state is derived; bad data never clears.

import type { AlarmDefinition } from './alarm-set.ts'
import {
  type AlarmInput,
  type AlarmState,
  type AlarmStep,
  type Delay,
  NORMAL,
  type Observation,
  type Occurrence,
  type Peak,
  type Pending,
  stateName,
  type Transition,
} from './alarm-state.ts'
import type { Instant, Millis } from './time.ts'

/** Two consecutive samples below the threshold make an inversion (alarms.md). */
const INVERSION_SAMPLES = 2
/** Superseded occurrences listed with the newest one; each of them is on record whatever is listed. */
const SUPERSEDED_MAX = 100

/** One input to one alarm, after whatever was due by then. `newId` gives the id of an occurrence that begins with it. */
export function stepAlarm(
  definition: AlarmDefinition,
  state: AlarmState,
  input: AlarmInput,
  newId: () => string,
): AlarmStep {
  const due = passDeadline(definition, state, input.at, newId)
  const next = take(definition, due.state, input, newId)
  if (due.transitions.length === 0) return next
  return { state: next.state, transitions: [...due.transitions, ...next.transitions] }
}

function take(
  definition: AlarmDefinition,
  state: AlarmState,
  input: AlarmInput,
  newId: () => string,
): AlarmStep {
  switch (input.kind) {
    case 'observation':
      return observe(definition, state, input.observation, input.at, newId)
    case 'bad':
      return still(standStill(state, input.at))
    case 'deadline':
      return still(state)
    case 'acknowledge':
      return acknowledge(definition, state, input)
    case 'reset':
      return end(definition, state, 'alarm.reset', input.value)
    case 'realarm':
      return sayAgain(definition, state, false)
    case 'stand_alone':
      return sayAgain(definition, state, true)
    case 'close':
      return state.occurrence === null
        ? still({ ...NORMAL, seq: state.seq, ts: state.ts })
        : end(definition, state, 'alarm.closed')
  }
}

/** Monotonic moment at which something happens by itself; undefined when nothing does. */
export function deadlineOf({ onDelayMs }: AlarmDefinition, state: AlarmState): Millis | undefined {
  const { pending, returning } = state
  if (pending !== null) {
    if (pending.since !== null) return pending.since + pending.leftMs
    // what had run out, and was not on record when the agent ended, is over wherever it stands
    const heldMs = hasRunOut(pending) ? onDelayMs : pending.heldMs
    if (pending.heldSince !== null) return pending.heldSince + Math.max(0, onDelayMs - heldMs)
  }
  if (returning?.since != null) return returning.since + returning.leftMs
  return undefined
}

const hasRunOut = ({ leftMs }: Delay): boolean => leftMs <= 0

const still = (state: AlarmState): AlarmStep => ({ state, transitions: [] })

function observe(
  definition: AlarmDefinition,
  state: AlarmState,
  observation: Observation,
  at: Instant,
  newId: () => string,
): AlarmStep {
  if (observation.verdict === 'violated') return violated(definition, state, observation, at, newId)
  if (observation.late === true) return still(state)
  if (observation.quality !== 'good') return still(uncertainNormal(state, at))
  if (!state.active) return still(quiet(state, observation.verdict, at))
  if (observation.verdict === 'between') {
    return still(state.returning === null ? state : { ...state, returning: null })
  }
  if (definition.offDelayMs === 0) return returnToNormal(definition, state, at, observation.value)
  const returning =
    state.returning === null ? started(definition.offDelayMs, at) : resumed(state.returning, at)
  return still(returning === state.returning ? state : { ...state, returning })
}

/**
 * A good sample that does not violate breaks a run. It cancels the on-delay only where it is normal (inside limit −
 * deadband): between the two the condition has not gone, so that hovering at the limit cannot put an alarm off for ever.
 */
function quiet(state: AlarmState, verdict: 'between' | 'normal', at: Instant): AlarmState {
  const { pending, run } = state
  if (pending === null && run === null) return state
  if (pending === null || verdict === 'normal') return { ...state, pending: null, run: null }
  return { ...state, pending: resumed(pending, at), run: null }
}

function violated(
  definition: AlarmDefinition,
  state: AlarmState,
  observation: Observation,
  at: Instant,
  newId: () => string,
): AlarmStep {
  if (state.active) return worsened(definition, state, observation)
  const run =
    definition.kind === 'inversion'
      ? { count: (state.run?.count ?? 0) + 1, onset: state.run?.onset ?? observation.t }
      : null
  if (run !== null && run.count < INVERSION_SAMPLES) return still({ ...state, run })
  const before = state.pending
  const pending: Pending = {
    ...(before === null ? started(definition.onDelayMs, at) : resumed(before, at)),
    onset: onsetOf(before, run?.onset ?? observation.t, observation),
    observation,
    peak: worseOf(definition, before?.peak ?? null, observation),
  }
  if (definition.onDelayMs > 0 && observation.late !== true) return still({ ...state, pending })
  return activate(definition, state, pending, { at, unconfirmed: false }, newId)
}

/** The onset is that of the first violating sample; one that is fetched late may turn out to be the first. */
function onsetOf(before: Pending | null, t: Millis, { late }: Observation): Millis {
  if (before === null) return t
  return late === true ? Math.min(before.onset, t) : before.onset
}

/** An uncertain normal sample ends a stand-still of the on-delay, cancels nothing and lets no return run on. */
function uncertainNormal(state: AlarmState, at: Instant): AlarmState {
  const pending =
    state.pending === null ? null : { ...state.pending, ...resumed(state.pending, at) }
  const returning = state.returning === null ? null : stood(state.returning, at)
  return { ...state, pending, returning }
}

function standStill(state: AlarmState, at: Instant): AlarmState {
  if (state.pending === null && state.returning === null) return state
  return {
    ...state,
    pending: state.pending === null ? null : { ...state.pending, ...stood(state.pending, at) },
    returning: state.returning === null ? null : stood(state.returning, at),
  }
}

const started = (leftMs: Millis, at: Instant): Delay => ({
  leftMs,
  since: at.mono,
  heldMs: 0,
  heldSince: null,
})

/** Lets a delay stand still from now on. */
export function stood<D extends Delay>(delay: D, at: Instant): D {
  if (delay.since === null) return delay
  return {
    ...delay,
    leftMs: Math.max(0, delay.leftMs - (at.mono - delay.since)),
    since: null,
    heldSince: at.mono,
  }
}

/** Lets a delay run on from now. */
function resumed<D extends Delay>(delay: D, at: Instant): D {
  if (delay.since !== null) return delay
  const heldMs = delay.heldMs + (delay.heldSince === null ? 0 : at.mono - delay.heldSince)
  return { ...delay, since: at.mono, heldMs, heldSince: null }
}

function passDeadline(
  definition: AlarmDefinition,
  state: AlarmState,
  at: Instant,
  newId: () => string,
): AlarmStep {
  const deadline = deadlineOf(definition, state)
  if (deadline === undefined || at.mono < deadline) return still(state)
  const { pending } = state
  if (pending === null) return returnToNormal(definition, state, at)
  const unconfirmed = pending.since === null && !hasRunOut(pending)
  return activate(definition, state, pending, { at, unconfirmed }, newId)
}

function activate(
  definition: AlarmDefinition,
  state: AlarmState,
  { onset, observation, peak }: Pending,
  { at, unconfirmed }: { readonly at: Instant; readonly unconfirmed: boolean },
  newId: () => string,
): AlarmStep {
  const from = stateName(state, definition.latching)
  const old = state.occurrence
  const transitions: Transition[] =
    old === null ? [] : [{ type: 'alarm.superseded', from, to: 'superseded', occurrence: old }]
  const unseen = old === null ? [] : [...old.superseded, ...(state.acked ? [] : [old.occ])]
  const { value, limit, occupancy, quality, late, detail, priority } = observation
  const occurrence: Occurrence = {
    occ: newId(),
    ...(old !== null && { previous: old.occ }),
    rev: 1,
    onset,
    activated: Math.round(at.wall),
    ...(value !== undefined && { value }),
    ...(peak !== null && { peak }),
    q: quality,
    ...(limit !== undefined && { limit }),
    ...(occupancy !== undefined && { occupancy }),
    ...(unconfirmed && { unconfirmed: true }),
    ...(late === true && { detectedLate: true }),
    ...(detail !== undefined && { detail }),
    ...(priority !== undefined && { priority }),
    superseded: unseen.slice(-SUPERSEDED_MAX),
  }
  transitions.push({ type: 'alarm.activated', from, to: 'unacknowledged', occurrence })
  const next = {
    ...state,
    occurrence,
    active: true,
    acked: false,
    pending: null,
    returning: null,
    run: null,
  }
  return { state: next, transitions }
}

function returnToNormal(
  definition: AlarmDefinition,
  state: AlarmState,
  at: Instant,
  value?: number,
): AlarmStep {
  const { occurrence } = state
  if (occurrence === null) return still(state)
  const from = stateName(state, definition.latching)
  const returned: Occurrence = {
    ...occurrence,
    rev: occurrence.rev + 1,
    returned: Math.round(at.wall),
    ...(value !== undefined && { value }),
  }
  const stays = definition.latching || !state.acked
  const next: AlarmState = {
    ...state,
    occurrence: stays ? returned : null,
    active: false,
    acked: stays && state.acked,
    returning: null,
    run: null,
  }
  const to = stateName(next, definition.latching)
  return { state: next, transitions: [{ type: 'alarm.returned', from, to, occurrence: returned }] }
}

function acknowledge(
  definition: AlarmDefinition,
  state: AlarmState,
  { at, actor, reason, comment, value }: Extract<AlarmInput, { kind: 'acknowledge' }>,
): AlarmStep {
  const { occurrence } = state
  if (occurrence === null || state.acked) return still(state)
  const from = stateName(state, definition.latching)
  const acknowledged: Occurrence = {
    ...occurrence,
    rev: occurrence.rev + 1,
    ...(value !== undefined && { value }),
    ack: {
      user: actor.user,
      name: actor.name,
      role: actor.role,
      ts: Math.round(at.wall),
      reason,
      ...(comment !== undefined && { comment }),
    },
    superseded: [],
  }
  const stays = state.active || definition.latching
  const next = { ...state, occurrence: stays ? acknowledged : null, acked: stays }
  const to = stateName(next, definition.latching)
  return {
    state: next,
    transitions: [{ type: 'alarm.acknowledged', from, to, occurrence: acknowledged }],
  }
}

/**
 * What was acknowledged and goes on is unacknowledged again (alarms.md row 12), and so is whatever has become an alarm of its own; who had
 * acknowledged it is on record.
 */
function sayAgain(definition: AlarmDefinition, state: AlarmState, alone: boolean): AlarmStep {
  const { occurrence } = state
  const applies = alone ? occurrence?.parent !== undefined : state.acked
  if (occurrence === null || !state.active || !applies) return still(state)
  const { ack: _, parent, ...rest } = occurrence
  const rev = rest.rev + 1
  const more = alone ? { worseRev: rev } : parent !== undefined && { parent }
  const again: Occurrence = { ...rest, rev, ...more }
  const from = stateName(state, definition.latching)
  return {
    state: { ...state, occurrence: again, acked: false },
    transitions: [{ type: 'alarm.realarmed', from, to: 'unacknowledged', occurrence: again }],
  }
}

/** The occurrence ends: by a reset, or closed because its limit moved. */
function end(
  definition: AlarmDefinition,
  state: AlarmState,
  type: 'alarm.reset' | 'alarm.closed',
  value?: number,
): AlarmStep {
  const { occurrence } = state
  const from = stateName(state, definition.latching)
  if (occurrence === null || (type === 'alarm.reset' && from !== 'latched_acknowledged'))
    return still(state)
  const ended: Occurrence = {
    ...occurrence,
    rev: occurrence.rev + 1,
    ...(value !== undefined && { value }),
  }
  // A reset ends what was; the delay of what has begun since goes on. A limit that moved is judged anew.
  const { pending, run, seq, ts } = state
  const next = { ...NORMAL, seq, ts, ...(type === 'alarm.reset' && { pending, run }) }
  return { state: next, transitions: [{ type, from, to: 'normal', occurrence: ended }] }
}

/**
 * A violating sample of an active occurrence ends a return under way and may be a new worst. Where it takes action priority
 * (a fault that may hide an excursion), that is a transition of its own: what was acknowledged was the lesser alarm.
 */
function worsened(
  definition: AlarmDefinition,
  state: AlarmState,
  observation: Observation,
): AlarmStep {
  const { occurrence } = state
  const next = state.returning === null ? state : { ...state, returning: null }
  if (occurrence === null) return still(next)
  const { priority } = observation
  if (priority !== undefined && priority < (occurrence.priority ?? definition.priority)) {
    return raisePriority(definition, next, occurrence, observation)
  }
  const peak = worseOf(definition, occurrence.peak ?? null, observation)
  if (peak === null || peak === occurrence.peak) return still(next)
  return still({ ...next, occurrence: { ...occurrence, peak } })
}

function raisePriority(
  definition: AlarmDefinition,
  state: AlarmState,
  { ack: _, ...occurrence }: Occurrence,
  { priority, detail }: Observation,
): AlarmStep {
  const from = stateName(state, definition.latching)
  const rev = occurrence.rev + 1
  const worse: Occurrence = {
    ...occurrence,
    rev,
    worseRev: rev,
    ...(priority !== undefined && { priority }),
    ...(detail !== undefined && { detail }),
  }
  return {
    state: { ...state, occurrence: worse, acked: false },
    transitions: [{ type: 'alarm.worsened', from, to: 'unacknowledged', occurrence: worse }],
  }
}

function worseOf(
  definition: AlarmDefinition,
  peak: Peak | null,
  { value, t }: Observation,
): Peak | null {
  if (value === undefined) return peak
  return peak === null || isWorse(definition, value, peak.value) ? { value, t } : peak
}

/** Worse is further on the wrong side: lower for low limits and inversions, higher for all others. */
function isWorse({ judgement }: AlarmDefinition, value: number, than: number): boolean {
  const low =
    judgement.by === 'inversion' || (judgement.by === 'threshold' && judgement.direction === 'low')
  return low ? value < than : value > than
}
