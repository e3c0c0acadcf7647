// One cause, one annunciation (faults.md S7, FB16): lost data that another alarm has said already is a consequence of that alarm, its
// `parent`, and sounds no horn of its own. It is said for itself once it goes on without that cause, or for more than it.

import { isLost, lossTimeOf } from './data-loss.ts'
import { heldAs } from './hold.ts'
import type { AlarmUnit, CoreState, PointUnit } from './state.ts'
import type { Millis } from './time.ts'

/** The alarm that says already why a loss of data rises at this moment; undefined where none does, or not of all that is lost. */
export function parentOf(state: CoreState, child: AlarmUnit, mono: Millis): string | undefined {
  const lost = lostPoints(state, child, mono)
  const by = lost.map((unit) => explanationOf(state, unit, child, mono))
  return by.includes(undefined) ? undefined : by[0]
}

/** Whether a consequence has become an alarm for itself. */
export const standsAlone = (state: CoreState, child: AlarmUnit, mono: Millis): boolean =>
  lostPoints(state, child, mono).some(
    (unit) => explanationOf(state, unit, child, mono) === undefined,
  )

/** Remembers with the points concerned that an alarm which said why nothing comes, and followed from none itself, is over. */
export function noteCauseOver(state: CoreState, { definition }: AlarmUnit, mono: Millis): void {
  for (const { watch } of concernedBy(state, definition))
    watch.explained = { by: definition.id, until: mono }
}

/** Whether an alarm that goes on was said by another one. */
export const isConsequence = ({ state }: AlarmUnit): boolean =>
  state.active && state.occurrence?.parent !== undefined

export function keepConsequence({ consequences }: CoreState, unit: AlarmUnit): void {
  if (isConsequence(unit)) consequences.add(unit)
  else consequences.delete(unit)
}

/** The points whose lost data an alarm is about, as far as it is lost. */
const lostPoints = (state: CoreState, child: AlarmUnit, mono: Millis): readonly PointUnit[] =>
  child.definition.kind === 'gap'
    ? pointsOf(state, child)
    : pointsOf(state, child).filter((unit) => isLost(unit.watch, mono, lossTimeOf(unit)))

function pointsOf({ points, instruments }: CoreState, { definition }: AlarmUnit) {
  const { kind, point, instrument } = definition
  if (kind === 'comm_fail') return instruments.get(instrument?.id ?? '')?.points ?? []
  const unit = kind === 'gap' ? points.get(point?.id ?? '') : undefined
  return unit === undefined ? [] : [unit]
}

/**
 * What says why a point has no data: an alarm that goes on; or one that is over, for as long as the point may take to be back, which
 * is its comm-fail time, and as long as values come again, the time over which too few good ones count as lost.
 */
function explanationOf(
  state: CoreState,
  unit: PointUnit,
  child: AlarmUnit,
  mono: Millis,
): string | undefined {
  const cause = causeOf(state, unit, child, mono)
  if (cause !== undefined) return cause.definition.id
  const { explained, lastUsable, windowMs } = unit.watch
  if (explained === undefined || explained.by === child.definition.id) return undefined
  const lossMs = lossTimeOf(unit)
  const since = mono - explained.until
  const comes = mono - lastUsable < lossMs && lastUsable > explained.until
  return since < lossMs || (comes && since < windowMs) ? explained.by : undefined
}

/** The widest alarm that says why a point has no data, at least as urgently as the alarm of that loss would; none that follows itself. */
function causeOf(
  { alarms }: CoreState,
  unit: PointUnit,
  child: AlarmUnit,
  mono: Millis,
): AlarmUnit | undefined {
  const { instrument, sensorFault, gap } = unit
  const causes = [
    alarms.get(`${instrument.instrument.bus}.bus_fault`),
    alarms.get(`${instrument.instrument.id}.identity`),
    sensorFault,
    gap,
    isLost(unit.watch, mono, lossTimeOf(unit)) ? instrument.commFail : undefined,
  ]
  return causes.find(
    (cause) =>
      cause !== undefined &&
      cause !== child &&
      cause.state.active &&
      !isConsequence(cause) &&
      isSaid(cause) &&
      urgencyOf(cause) <= urgencyOf(child),
  )
}

/** A shelf is somebody's word about this very cause, with a reason and an end; what else hides an alarm is not. */
const isSaid = ({ holds }: AlarmUnit): boolean => {
  const held = heldAs(holds)
  return held === undefined || held === 'shelved'
}

const urgencyOf = ({ definition, state }: AlarmUnit): number =>
  state.occurrence?.priority ?? definition.priority

function concernedBy(
  { instruments, points }: CoreState,
  { kind, bus, instrument, point }: AlarmUnit['definition'],
): readonly PointUnit[] {
  switch (kind) {
    case 'bus_fault':
      return [...instruments.values()].flatMap((unit) =>
        unit.instrument.bus === bus ? unit.points : [],
      )
    case 'identity':
    case 'comm_fail':
      return instruments.get(instrument?.id ?? '')?.points ?? []
    case 'sensor_fault':
    case 'gap': {
      const unit = points.get(point?.id ?? '')
      return unit === undefined ? [] : [unit]
    }
    default:
      return []
  }
}
