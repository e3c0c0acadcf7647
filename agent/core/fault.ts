// Alarms without a limit of their own: raised and returned by what is found beside the value. Decides no finding; a fault that
// stands is not raised again unless it got worse.

import type { Observation } from './alarm-state.ts'
import type { AlarmUnit } from './state.ts'
import type { Millis } from './time.ts'
import { applyToAlarm, type Turn } from './turn.ts'

/** Nothing is under way in this alarm: a sample that does not violate changes nothing. */
export const isIdle = ({ state }: AlarmUnit): boolean =>
  state.occurrence === null && state.pending === null && state.run === null

/** Raises and returns a fault alarm: violated at once, normal only by a good reading. `t` is the onset, wall ms. */
export function setFault(
  turn: Turn,
  alarm: AlarmUnit,
  violated: boolean,
  found: Pick<Observation, 'value' | 'detail' | 'priority' | 'occupancy'> & {
    readonly t?: Millis
  } = {},
): void {
  if (!violated && isIdle(alarm)) return
  if (violated && alarm.state.active && found.priority === undefined) return
  applyToAlarm(turn, alarm, {
    kind: 'observation',
    at: turn.at,
    observation: {
      verdict: violated ? 'violated' : 'normal',
      quality: 'good',
      t: Math.round(turn.at.wall),
      ...found,
    },
  })
}
