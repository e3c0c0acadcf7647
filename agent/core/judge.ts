// What a reading does to the alarms of its point: limits and rules, sensor fault, frozen, data loss of its instrument.
// Bad readings clear nothing; they stand delays still and raise fault alarms of their own (alarms.md row 19).

import type { AlarmDefinition } from './alarm-set.ts'
import type { AppliedLimit, Observation } from './alarm-state.ts'
import { raiseWhileDown } from './bus-fault.ts'
import { judgeAtRest } from './clean-up.ts'
import {
  isBack,
  isLost,
  isSensorReason,
  lossTimeOf,
  lossWords,
  saysNothing,
  watchRecord,
} from './data-loss.ts'
import { judgeRolling, judgeSample, judgeValue, limitIn, type Verdict } from './evaluate.ts'
import { isIdle, setFault } from './fault.ts'
import { rollingSum } from './particle-window.ts'
import type { Occupancy } from './point.ts'
import type { Reading } from './reading.ts'
import type { AlarmUnit, CoreState, InstrumentUnit, PointUnit } from './state.ts'
import type { Millis } from './time.ts'
import { noteHappening } from './trend-watch.ts'
import { applyToAlarm, type Turn } from './turn.ts'

/** Exception codes 4 and 7 are a sensor fault from the third in a row; 8 (memory parity) at once (faults.md FB5). */
const DEVICE_FAILURES_MAX = 3
/** Data loss is looked for at least this often: a counter may come to take shorter samples. */
const LOSS_CHECK_MS_MAX: Millis = 5000

/** Lets one reading of a point, already written down, take effect. */
export function judgeReading(turn: Turn, unit: PointUnit, reading: Reading): void {
  if (unit.point.quantity === 'contact' && isOther(unit, reading))
    noteHappening(turn, unit.point.zone, `contact ${unit.point.id}`)
  if (reading.v !== undefined && reading.late !== true) {
    unit.newest = reading.v
    unit.newestAt = turn.at.mono
  }
  watchRecord(unit.watch, turn.at.mono, reading)
  judgeSensor(turn, unit, reading)
  if (unit.frozen !== undefined) judgeFrozen(turn, unit.frozen, reading)
  judgeLimits(turn, unit, reading)
  judgeAtRest(turn, unit, reading)
  if (!saysNothing(reading.qc)) judgeLoss(turn, unit)
}

const isOther = ({ newest }: PointUnit, { v }: Reading): boolean =>
  newest !== undefined && v !== undefined && v !== newest

function judgeLimits(turn: Turn, unit: PointUnit, reading: Reading): void {
  const { v } = reading
  for (const alarm of unit.alarms) {
    if (v === undefined) {
      if (turn.state.timed.has(alarm)) applyToAlarm(turn, alarm, { kind: 'bad', at: turn.at })
      continue
    }
    const found = verdictOn(unit, alarm.definition, reading, v)
    if (found.verdict !== 'violated' && isIdle(alarm)) continue
    applyToAlarm(turn, alarm, {
      kind: 'observation',
      at: turn.at,
      observation: observationOf(unit, reading, found),
    })
  }
}

interface Found {
  readonly verdict: Verdict
  readonly value: number
  readonly limit?: AppliedLimit
}

function verdictOn(
  unit: PointUnit,
  { judgement, kind, deadband }: AlarmDefinition,
  reading: Reading,
  v: number,
): Found {
  const overRange = reading.qc === 'over_range'
  const applied = (value: number, set: string, clause?: string): AppliedLimit => ({
    kind,
    value,
    unit: unit.point.unit,
    set,
    ...(clause !== undefined && { clause }),
  })
  switch (judgement.by) {
    case 'threshold': {
      const limit = limitIn(judgement.columns, judgement.direction, occupanciesOf(unit, reading))
      if (limit === undefined) return { verdict: 'normal', value: v }
      const beyond = overRange && isBeyondRange(unit, v, judgement.direction)
      const verdict = beyond
        ? 'violated'
        : reading.x === undefined
          ? judgeValue(v, limit.value, judgement.direction, deadband)
          : judgeSample(reading.x, limit.value, deadband)
      return { verdict, value: v, limit: applied(limit.value, limit.set, limit.clause) }
    }
    case 'rolling': {
      const limit = limitIn(judgement.columns, 'high', occupanciesOf(unit, reading))
      if (limit === undefined) return { verdict: 'normal', value: v }
      const { counts, litres } = rollingSum(unit.window)
      const value = (counts * 1000) / Math.max(litres, 1000)
      const verdict = overRange ? 'violated' : judgeRolling(counts, litres, limit.value)
      return { verdict, value, limit: applied(limit.value, limit.set, limit.clause) }
    }
    case 'inversion': {
      const verdict =
        overRange && isBeyondRange(unit, v, 'low')
          ? 'violated'
          : judgeValue(v, judgement.threshold, 'low', deadband)
      return { verdict, value: v, limit: applied(judgement.threshold, 'site') }
    }
    case 'consecutive':
      return rule(
        unit.window.run >= judgement.count,
        unit.window.run,
        applied(judgement.count, 'site'),
      )
    case 'x_of_y': {
      const hits = unit.window.recent.slice(-judgement.y).reduce<number>((sum, hit) => sum + hit, 0)
      return rule(hits >= judgement.x, hits, applied(judgement.x, 'site'))
    }
    case 'single_high': {
      const counts = reading.x?.counts ?? 0
      return rule(overRange || counts >= judgement.count, counts, applied(judgement.count, 'site'))
    }
    case 'fault':
    case 'trend':
      return { verdict: 'normal', value: v }
  }
}

const rule = (violated: boolean, value: number, limit: AppliedLimit): Found => ({
  verdict: violated ? 'violated' : 'normal',
  value,
  limit: { ...limit, unit: '1' },
})

/** At or beyond the end of the range in this direction; a particle overflow has no upper end but is always beyond. */
function isBeyondRange({ point }: PointUnit, v: number, direction: 'high' | 'low'): boolean {
  const { range } = point.conversion
  if (range === undefined || point.sizeUm !== undefined) return direction === 'high'
  return direction === 'high' ? v >= range[1] : v <= range[0]
}

/** The occupancy that judges a reading; a sample that spans changes is judged by the strictest of all it spans. */
function occupanciesOf({ zone }: PointUnit, reading: Reading): readonly (Occupancy | undefined)[] {
  if (reading.x === undefined || zone.past.length === 0) return [zone.occupancy]
  const spanned = zone.past.filter(({ until }) => reading.t < until)
  return [zone.occupancy, ...spanned.map(({ occupancy }) => occupancy)]
}

function observationOf(
  unit: PointUnit,
  reading: Reading,
  { verdict, value, limit }: Found,
): Observation {
  const { occupancy } = unit.zone
  return {
    verdict,
    quality: reading.q === 'good' ? 'good' : 'uncertain',
    t: reading.t,
    value,
    ...(limit !== undefined && { limit }),
    ...(occupancy !== undefined && { occupancy }),
    ...(reading.late === true && { late: true }),
  }
}

function judgeSensor(turn: Turn, unit: PointUnit, reading: Reading): void {
  const { q, qc, exceptionCode } = reading
  if (q === 'good') {
    // what was measured before the fault does not end it
    if (reading.late === true) return
    unit.deviceFailures = 0
    return setFault(turn, unit.sensorFault, false)
  }
  const failing = qc === 'exception' && (exceptionCode === 4 || exceptionCode === 7)
  unit.deviceFailures = failing ? unit.deviceFailures + 1 : 0
  const parity = qc === 'exception' && exceptionCode === 8
  if (
    isSensorReason(qc) ||
    qc === 'over_range' ||
    parity ||
    unit.deviceFailures >= DEVICE_FAILURES_MAX
  ) {
    const detail = exceptionCode === undefined ? (qc ?? '') : `exception ${exceptionCode}`
    const hides = mayHideExcursion(unit, reading)
    setFault(turn, unit.sensorFault, true, { t: reading.t, detail, ...(hides && { priority: 1 }) })
  }
}

/**
 * What a bad reading shows may be an excursion all the same: a raw count that alone exceeds the limit (alarms.md), or a zero where 0
 * would be one. Its alarm takes action priority.
 */
function mayHideExcursion(unit: PointUnit, reading: Reading): boolean {
  const { q, qc, x } = reading
  if (q !== 'bad') return false
  const zero = qc === 'implausible_zero'
  if (!zero && (x === undefined || x.litres <= 0)) return false
  return unit.alarms.some(({ definition: { judgement, class: alarmClass } }) => {
    if (alarmClass !== 'action') return false
    if (judgement.by === 'single_high') return x !== undefined && x.counts >= judgement.count
    if (judgement.by === 'inversion') return zero && judgement.threshold > 0
    if (judgement.by !== 'threshold' && judgement.by !== 'rolling') return false
    const direction = judgement.by === 'threshold' ? judgement.direction : 'high'
    const limit = limitIn(judgement.columns, direction, occupanciesOf(unit, reading))?.value
    if (limit === undefined) return false
    const verdict = x === undefined ? judgeValue(0, limit, direction, 0) : judgeSample(x, limit, 0)
    return verdict === 'violated'
  })
}

function judgeFrozen(turn: Turn, frozen: AlarmUnit, { q, qc, t }: Reading): void {
  if (qc === 'stuck') setFault(turn, frozen, true, { t, detail: 'raw value unchanged' })
  else if (q === 'good') setFault(turn, frozen, false)
}

/** Data loss as of a record of the point: raised by any point of the instrument, returned when all of them are back. */
function judgeLoss(turn: Turn, unit: PointUnit): void {
  const { mono } = turn.at
  const { commFail, points } = unit.instrument
  if (!commFail.state.active) {
    if (isLost(unit.watch, mono, lossTimeOf(unit))) raiseLoss(turn, unit)
  } else if (points.every((point) => isBack(point.watch, mono, lossTimeOf(point)))) {
    setFault(turn, commFail, false)
    turn.state.nextLossCheck = mono
  }
}

function raiseLoss(turn: Turn, unit: PointUnit): void {
  const { mono, wall } = turn.at
  const { watch, point } = unit
  raiseWhileDown(turn, unit.instrument.instrument.bus)
  setFault(turn, unit.instrument.commFail, true, {
    t: Math.round(wall - (mono - watch.lastUsable)),
    detail: `${point.id}: ${lossWords(watch, mono, lossTimeOf(unit))}`,
  })
}

/** Data loss by time alone: raises what nothing arrived for, and sets the next check. */
export function checkLoss(turn: Turn): void {
  const { state, at } = turn
  if (at.mono < state.nextLossCheck) return
  let next = at.mono + LOSS_CHECK_MS_MAX
  for (const instrument of state.instruments.values())
    next = Math.min(next, checkInstrument(turn, instrument))
  state.nextLossCheck = next
}

function checkInstrument(turn: Turn, instrument: InstrumentUnit): Millis {
  const { mono } = turn.at
  let next = Number.POSITIVE_INFINITY
  for (const unit of instrument.points) {
    const due = unit.watch.lastUsable + lossTimeOf(unit)
    if (due > mono) next = Math.min(next, due)
    else if (!instrument.commFail.state.active) raiseLoss(turn, unit)
  }
  return next
}

/** Calibration due dates, once a day and at every start: overdue from the day after the date (UTC). */
export function checkCalibration(turn: Turn, state: CoreState, day: number): void {
  state.day = day
  const overdue = new Set<string>()
  for (const { calibrationDue, instrument, points } of state.instruments.values()) {
    if (calibrationDue === undefined || instrument.calibrationDue === undefined) continue
    const dueDay = daysOfDate(instrument.calibrationDue)
    // a clock that is not to be believed makes nothing due later than it was
    const isDue = day > dueDay || (state.doubtful && calibrationDue.state.active)
    if (isDue) for (const { point } of points) overdue.add(point.id)
    setFault(turn, calibrationDue, isDue, {
      detail: `calibration was due on ${instrument.calibrationDue}`,
    })
  }
  state.overdue = overdue
}

/** Days since 1970-01-01 of an ISO date (proleptic Gregorian). */
export function daysOfDate(date: string): number {
  const [year = 1970, month = 1, day = 1] = date.split('-').map(Number)
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
