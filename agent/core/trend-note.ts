// What a transition of an alarm adds to the trend of its point (URS-25): an excursion that begins or grows, a reason given for one.

import type { Transition } from './alarm-state.ts'
import type { AlarmUnit, CoreState } from './state.ts'
import { addToTrend, happenedIn, relateInTrend } from './trend.ts'

/** Only limits and rules make excursions; faults have causes of their own, and a trend is none of itself. */
export function noteInTrend(
  state: CoreState,
  unit: AlarmUnit,
  { type, occurrence }: Transition,
): void {
  const { point, class: alarmClass } = unit.definition
  const its = point === undefined ? undefined : state.points.get(point.id)
  const trend = its?.trend
  if (trend === undefined || its?.alarms.includes(unit) !== true) return
  const { occ, onset, ack } = occurrence
  if (type === 'alarm.activated') {
    const near = state.zones.get(its.point.zone)?.neighbours ?? new Set()
    const begun = {
      t: onset,
      class: alarmClass === 'action' ? ('action' as const) : ('alert' as const),
      occs: [occ],
      related: happenedIn(state.happened.values(), near, onset - trend.rules.relateMs),
    }
    const goesOn = its.alarms.some((other) => other !== unit && other.state.active)
    addToTrend(trend, begun, { goesOn })
  } else if (type === 'alarm.acknowledged' && ack !== undefined)
    relateInTrend(trend, occ, `reason ${ack.reason}`)
  else return
  state.nextTrend = Number.NEGATIVE_INFINITY
}
