// What the wall clock does to the state: a step opens a new time base, and a clock that is not to be believed yet flags the readings
// stamped by it. Moves no delay and judges no value: a doubtful time makes no limit doubtful (decision 0010). Knows no time service.

import { assert } from './assert.ts'
import { keepCounter, keepWindow } from './counters.ts'
import { setFault } from './fault.ts'
import { shiftCounter } from './particle.ts'
import { shiftWindow } from './particle-window.ts'
import type { Millis } from './time.ts'
import { shiftTrends } from './trend-watch.ts'
import { type Turn, writeEvent } from './turn.ts'
import { keepZone, shiftZone } from './zone-state.ts'

/** State row that is there while the wall clock is doubted. */
export const CLOCK_KEY = 'clock'

/** State row: by how much the others have moved already with a step that is found only at a start (store/volatile-store.ts). */
export const MOVED_KEY = 'moved'

/** Readings are flagged from now on. */
export function doubtClock(turn: Turn, why: string): void {
  turn.state.doubtful = true
  turn.changes.set(CLOCK_KEY, { doubtful: true })
  writeEvent(turn, 'clock.doubtful', { why })
  turn.urgent = true
}

/** The wall clock is to be believed: readings are flagged no more. `by`: who says so, in words. */
export function trustClock(turn: Turn, by: string): void {
  if (!turn.state.doubtful) return
  turn.state.doubtful = false
  // what hangs on the date is looked at again
  turn.state.day = -1
  turn.changes.set(CLOCK_KEY, undefined)
  writeEvent(turn, 'clock.trusted', { by })
  turn.urgent = true
}

/**
 * A new time base: the event says by how much; what lies on the wall's time line moves with it, no delay does. By `moveMs`, where it
 * has moved for a part already.
 */
export function stepClock(turn: Turn, stepMs: Millis, moveMs: Millis = stepMs): void {
  const { state, at } = turn
  state.tb++
  state.offsetMs = at.wall - at.mono
  for (const unit of state.instruments.values()) {
    if (unit.counter !== undefined) keepCounter(turn, unit, shiftCounter(unit.counter, moveMs))
    for (const channel of unit.channels)
      if (channel.window.rolling.length > 0)
        keepWindow(turn, channel, shiftWindow(channel.window, moveMs))
  }
  for (const unit of state.zones.values()) {
    if (unit.past.length === 0) continue
    shiftZone(unit, moveMs)
    keepZone(turn, unit)
  }
  shiftTrends(turn, moveMs)
  writeEvent(turn, 'clock.stepped', { stepMs })
  turn.urgent = true
  // it has happened and is over: what stays is to be seen by somebody (URS-51)
  const alarm = state.alarms.get('system.clock_stepped')
  assert(alarm !== undefined, 'no alarm system.clock_stepped')
  setFault(turn, alarm, true, { detail: `the clock was set by ${stepMs} ms` })
  setFault(turn, alarm, false)
}
