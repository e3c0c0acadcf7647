// The one way in: step(state, input) → records, changed rows, alarms that moved. Everything that can change an alarm comes
// through here; time arrives in the input. The state is changed in place and owned by the caller (decision 0002).

import { carryOut } from './acts.ts'
import { NORMAL } from './alarm-state.ts'
import { assert } from './assert.ts'
import { nextLink, passLinks, takeLink } from './bus-fault.ts'
import { CLOCK_KEY, doubtClock, MOVED_KEY, stepClock, trustClock } from './clock.ts'
import { passOverdue, takeNoSample, takeSample } from './counters.ts'
import { forgiveStall } from './data-loss.ts'
import { setFault } from './fault.ts'
import { resumeRecent } from './first-out.ts'
import { forget, isForgotten } from './forget.ts'
import { GONE_KEY, noteGone } from './gone-alarms.ts'
import { type Holds, resumeHolds } from './hold.ts'
import { dropService, settleService } from './hold-set.ts'
import type { ActReply, Input, SlotResult, StepResult } from './input.ts'
import { checkCalibration, checkLoss, judgeReading } from './judge.ts'
import { FLOOD_KEY, keepFlood, noNuisance, resumeFlood } from './nuisance.ts'
import { takeSource } from './occupancy.ts'
import { nextOwnCause, passConsequences } from './own-cause.ts'
import { overdueAt, resumeCounter } from './particle.ts'
import { nextPassing, passDeadlines, settle } from './passing.ts'
import { carryValues, isStuck, permittedStep } from './plausible.ts'
import type { Instrument, Plant } from './point.ts'
import { toReading } from './reading.ts'
import { type Reminder, resumeReminder } from './reminder.ts'
import { resumeAlarm } from './resume-alarm.ts'
import {
  ALARMS_KEY,
  type AlarmRow,
  alarmKey,
  buildUnits,
  type CoreState,
  type CounterRow,
  counterKey,
  HAPPENED_KEY,
  holdKey,
  judgedBy,
  reminderKey,
  type ServiceOut,
  serviceKey,
  sourceOf,
  trendKey,
  type WindowRow,
  windowKey,
  type ZoneRow,
  zoneKey,
} from './state.ts'
import { resumeStays, type StayRow, stayOf } from './stay.ts'
import { DAY, type Instant, type Millis } from './time.ts'
import type { Happening } from './trend.ts'
import { resumeTrends, type TrendRow } from './trend-watch.ts'
import { alarmRow, applyToAlarm, baseNow, Turn, writeEvent, writeReading } from './turn.ts'

import { keepZone, resumeZone, stayKey } from './zone-state.ts'

export { alarmList, alarmPayload } from './alarm-view.ts'
export type { CoreState } from './state.ts'

export interface CreateOptions {
  readonly plant: Plant
  readonly epoch: string
  /** Last sequence number on record. */
  readonly seq: number
  readonly tb: number
  readonly at: Instant
  readonly persisted: ReadonlyMap<string, string>
  readonly lastCommit?: { readonly at: Instant; readonly sameBoot: boolean }
  /** Why the wall clock is not to be believed yet, in words: readings are flagged until it is (clock.ts). */
  readonly doubt?: string
  /** By how much the wall clock stepped since the last commit: a new time base begins. */
  readonly stepMs?: Millis
}

/** The state as the journal left it, under the given plant; what the difference makes is in `result`. */
export function createState(options: CreateOptions): { state: CoreState; result: StepResult } {
  const { plant, epoch, seq, tb, at, persisted, lastCommit, stepMs } = options
  // what is on record lies on the time line of the clock before: it is taken up there, and moves as a whole
  const moved = persisted.get(MOVED_KEY)
  const moveMs = stepMs === undefined ? 0 : stepMs - Number(moved ?? 0)
  const wallBefore = at.wall - moveMs
  const state: CoreState = {
    plant,
    epoch,
    seq,
    tb,
    alarms: new Map(),
    zones: new Map(),
    points: new Map(),
    instruments: new Map(),
    sampled: [],
    timed: new Set(),
    recent: [],
    consequences: new Set(),
    nextOwnCause: at.mono,
    links: new Map(),
    gone: [],
    shelved: new Set(),
    reminded: new Set(),
    nuisance: noNuisance(),
    service: new Map(),
    offsetMs: wallBefore - at.mono,
    doubtful: false,
    overdue: new Set(),
    nextLossCheck: at.mono,
    happened: new Map(),
    nextTrend: Number.POSITIVE_INFINITY,
    day: -1,
  }
  const row = <T>(key: string): T | undefined => {
    const text = persisted.get(key)
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }
  buildUnits(state, plant, at, {
    alarm: (id) => {
      const known = row<AlarmRow>(alarmKey(id))
      return known === undefined ? undefined : resumeAlarm(known.state, lastCommit, at)
    },
    holds: (id) => resumeHolds(row<Holds>(holdKey(id)), lastCommit, at),
    reminder: (id) => resumeReminder(row<Reminder>(reminderKey(id)), lastCommit, at),
    zone: (id) => resumeZone(row<ZoneRow>(zoneKey(id)), lastCommit, at),
    counter: (instrument) => {
      const known = row<CounterRow>(counterKey(instrument.id))
      const same = known !== undefined && known.serial === instrument.serial
      return same ? resumeCounter(known, wallBefore) : undefined
    },
    window: (point, instrument) => {
      const known = row<WindowRow>(windowKey(point.id))
      return known?.source === sourceOf(instrument) ? known : undefined
    },
    watch: () => undefined,
  })
  const turn = new Turn(state, at)
  if (options.doubt !== undefined) doubtClock(turn, options.doubt)
  else if (persisted.has(CLOCK_KEY)) turn.changes.set(CLOCK_KEY, undefined)
  const before = new Map<string, AlarmRow>()
  for (const id of row<string[]>(ALARMS_KEY) ?? []) {
    before.set(id, row<AlarmRow>(alarmKey(id)) ?? { state: NORMAL, judged: '' })
  }
  for (const [key, text] of persisted) if (key.startsWith(serviceKey(''))) keepService(state, text)
  resumeRecent(state, at)
  state.nuisance = resumeFlood(row(FLOOD_KEY), lastCommit, at)
  const trendOf = (id: string) => row<TrendRow>(trendKey(id))?.excursions
  resumeTrends(turn, trendOf, row<Happening[]>(HAPPENED_KEY) ?? [])
  if (stepMs !== undefined) stepClock(turn, stepMs, moveMs)
  if (moved !== undefined) turn.changes.set(MOVED_KEY, undefined)
  state.gone = row<string[]>(GONE_KEY) ?? []
  settleDifference(turn, before)
  for (const id of state.gone) turn.alarms.add(id)
  keepResumed(turn)
  resumeStays(turn, (id) => row<StayRow>(stayKey(id)), lastCommit)
  for (const key of persisted.keys()) if (isForgotten(state, key)) turn.changes.set(key, undefined)
  passTime(turn)
  settle(turn)
  return { state, result: turn.end() }
}

/** A delay that stands still since the agent went down is written down so: a second start must not take that time for run. */
function keepResumed(turn: Turn): void {
  for (const { definition, state } of turn.state.timed)
    turn.changes.set(alarmKey(definition.id), alarmRow(definition, state))
  for (const unit of turn.state.zones.values()) if (unit.cleanUp?.timer) keepZone(turn, unit)
  for (const { definition, holds } of turn.state.shelved)
    turn.changes.set(holdKey(definition.id), holds)
  for (const { definition, reminder } of turn.state.reminded)
    turn.changes.set(reminderKey(definition.id), reminder)
  if (turn.state.nuisance.flood.newest.length > 0) keepFlood(turn)
}

const keepService = ({ service }: CoreState, text: string): void => {
  const out = JSON.parse(text) as ServiceOut
  service.set(out.target, out)
}

/** Carries out one input. */
export function step(state: CoreState, input: Input): StepResult {
  const turn = new Turn(state, input.at)
  passDeadlines(turn)
  const reply = handle(turn, input)
  passTime(turn)
  settle(turn)
  const result = turn.end()
  return reply === undefined ? result : { ...result, reply }
}

/** The earliest moment (monotonic) at which something happens without an input. */
export function nextDeadline(state: CoreState): Millis | undefined {
  let next = Math.min(
    nextPassing(state),
    state.nextLossCheck,
    nextLink(state),
    nextOwnCause(state),
    (state.day + 1) * DAY - state.offsetMs + 1,
  )
  for (const { counter, pollMs } of state.sampled) {
    if (counter === undefined) continue
    next = Math.min(next, overdueAt(counter, pollMs) - state.offsetMs + 1)
  }
  return Number.isFinite(next) ? next : undefined
}

function handle(turn: Turn, input: Input): ActReply | undefined {
  switch (input.kind) {
    case 'slots':
      for (const slot of input.slots) takeSlot(turn, slot)
      return undefined
    case 'sample':
      takeSample(turn, instrumentOf(turn, input.instrument), input.sample)
      return undefined
    case 'no_sample':
      takeNoSample(turn, instrumentOf(turn, input.instrument), input)
      return undefined
    case 'tick':
      return undefined
    case 'act':
      return carryOut(turn, input.act)
    case 'source':
      takeSource(turn, input)
      return undefined
    case 'link':
      takeLink(turn, input)
      return undefined
    case 'condition':
      takeCondition(turn, input)
      return undefined
    case 'clock_stepped':
      stepClock(turn, input.stepMs)
      return undefined
    case 'clock_trusted':
      trustClock(turn, input.by)
      return undefined
    case 'stalled':
      for (const { watch } of turn.state.points.values())
        forgiveStall(watch, turn.at.mono, input.ms)
      return undefined
    case 'note':
      writeEvent(turn, input.type, input.body)
      turn.urgent ||= input.urgent === true
      return undefined
    case 'plant':
      changePlant(turn, input.plant, input.by)
      return undefined
  }
}

/** What time alone brings about. */
function passTime(turn: Turn): void {
  passDeadlines(turn)
  passLinks(turn)
  passOverdue(turn)
  checkLoss(turn)
  passConsequences(turn)
  const day = Math.floor(baseNow(turn) / DAY)
  if (day !== turn.state.day) checkCalibration(turn, turn.state, day)
}

function takeSlot(turn: Turn, slot: SlotResult): void {
  const unit = turn.state.points.get(slot.point)
  assert(unit !== undefined, 'no point', slot.point)
  const { mono } = turn.at
  const stuck = isStuck(unit, slot, mono)
  const step = permittedStep(unit, mono)
  const reading = toReading(unit.point, slot, { limited: unit.limited, stuck, step })
  writeReading(turn, reading)
  judgeReading(turn, unit, reading)
}

function instrumentOf(turn: Turn, id: string) {
  const unit = turn.state.instruments.get(id)
  assert(unit !== undefined, 'no instrument', id)
  return unit
}

function takeCondition(
  turn: Turn,
  { alarm, active, detail }: Extract<Input, { kind: 'condition' }>,
): void {
  const unit = turn.state.alarms.get(alarm)
  assert(unit !== undefined || !alarm.startsWith('system.'), 'no alarm', alarm)
  // a bus that the present configuration no longer has may still report, while its driver closes
  if (unit === undefined) return
  // nobody has to have seen that a test went through: it ends as it began
  if (unit.definition.test === true && !active) {
    if (unit.state.occurrence !== null)
      applyToAlarm(turn, unit, { kind: 'close', at: turn.at }, { reason: 'test_over' })
    return
  }
  setFault(turn, unit, active, detail === undefined ? {} : { detail })
}

function changePlant(turn: Turn, plant: Plant, by: string | undefined): void {
  const { state, at } = turn
  const before = new Map<string, AlarmRow>()
  for (const { definition, state: alarm } of state.alarms.values())
    before.set(definition.id, alarmRow(definition, alarm))
  const zones = new Map(state.zones)
  const points = new Map(state.points)
  const instruments = new Map(state.instruments)
  const alarms = new Map(state.alarms)
  buildUnits(state, plant, at, {
    alarm: (id) => before.get(id)?.state,
    holds: (id) => alarms.get(id)?.holds,
    reminder: (id) => alarms.get(id)?.reminder,
    zone: (id) => {
      const old = zones.get(id)
      return old === undefined || old.past.length === 0 ? undefined : old
    },
    counter: (instrument) => {
      const old = instruments.get(instrument.id)
      return isSame(old?.instrument, instrument) ? old?.counter : undefined
    },
    window: ({ id }, instrument) => {
      const old = points.get(id)
      return isSame(old?.instrument.instrument, instrument) ? old?.window : undefined
    },
    watch: ({ id, intervalMs }) => {
      const old = points.get(id)
      return old?.point.intervalMs === intervalMs ? old.watch : undefined
    },
  })
  for (const unit of state.points.values()) carryValues(points.get(unit.point.id), unit)
  resumeRecent(state, at)
  resumeTrends(turn, (id) => points.get(id)?.trend?.excursions, state.happened.values())
  resumeStays(turn, (id) => stayOf(zones, id), { at, sameBoot: true })
  forget(turn, zones, state.zones, zoneKey)
  forget(turn, zones, state.zones, stayKey)
  forget(turn, alarms, state.alarms, holdKey)
  forget(turn, alarms, state.alarms, reminderKey)
  forget(turn, points, state.points, windowKey)
  forget(turn, points, state.points, trendKey)
  forget(turn, instruments, state.instruments, counterKey)
  settleDifference(turn, before, by)
  state.day = -1
}

const isSame = (old: Instrument | undefined, now: Instrument): boolean =>
  old !== undefined && sourceOf(old) === sourceOf(now)

/**
 * Alarms that ceased to exist, and open occurrences whose limit moved, end with that reason on record; their delays end without a
 * record, and the next sample judges anew (faults.md PE2). Alarms that are new are published.
 */
function settleDifference(turn: Turn, before: ReadonlyMap<string, AlarmRow>, by?: string): void {
  const { state, at } = turn
  const act = { reason: 'config_changed', ...(by !== undefined && { by }) }
  for (const [id, row] of before) {
    const unit = state.alarms.get(id)
    if (unit === undefined) {
      if (row.state.occurrence !== null) {
        const { occ, rev, onset, activated } = row.state.occurrence
        writeEvent(turn, 'alarm.closed', {
          alarm: id,
          occ,
          rev: rev + 1,
          to: 'normal',
          ...act,
          onset,
          activated,
        })
      }
      turn.changes.set(alarmKey(id), undefined)
      turn.alarms.add(id)
      turn.urgent = true
    } else if (row.judged !== '' && row.judged !== judgedBy(unit.definition)) {
      // a delay was begun by the definition before: over a restart it would run out under this one, which nothing has violated
      unit.state = { ...unit.state, pending: null, returning: null }
      applyToAlarm(turn, unit, { kind: 'close', at }, act)
    }
  }
  const ids = [...state.alarms.keys()]
  for (const id of ids) if (!before.has(id)) turn.alarms.add(id)
  if (ids.length !== before.size || ids.some((id) => !before.has(id)))
    turn.changes.set(ALARMS_KEY, ids)
  noteGone(turn, before.keys(), state.alarms)
  turn.rezoned = true
  dropService(turn)
  settleService(turn)
}
