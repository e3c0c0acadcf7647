// What time alone brings about, and what follows from a step: everything of the core that had been given a time, and everything that
// is looked at again once the rest has been done. Calls, in order; decides nothing itself.

import { nextCleanUp, passCleanUps } from './clean-up.ts'
import { nextShelf, passShelves, settleHolds } from './hold-set.ts'
import { nextNuisance, passNuisance, settleNuisance } from './nuisance.ts'
import { nextReminder, passReminders, settleReminders } from './reminder.ts'
import type { CoreState } from './state.ts'
import { nextStay, passStays } from './stay.ts'
import type { Millis } from './time.ts'
import { nextTrendAt, settleTrends } from './trend-watch.ts'
import { nextDelay, passDelays, type Turn } from './turn.ts'

/** Everything that had been given a time and whose time is over. */
export function passDeadlines(turn: Turn): void {
  passDelays(turn)
  passCleanUps(turn)
  passStays(turn)
  passShelves(turn)
  passReminders(turn)
  passNuisance(turn)
}

/** The earliest of these times (monotonic); infinite where nothing has one. */
export const nextPassing = (state: CoreState): Millis =>
  Math.min(
    nextDelay(state),
    nextCleanUp(state.zones.values()),
    nextStay(state),
    nextShelf(state),
    nextReminder(state),
    nextTrendAt(state),
    nextNuisance(state),
  )

/** What follows from all that a step has done, at its end. */
export function settle(turn: Turn): void {
  settleTrends(turn)
  settleHolds(turn)
  settleReminders(turn)
  settleNuisance(turn)
}
