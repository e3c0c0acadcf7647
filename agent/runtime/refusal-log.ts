// Which refused commands are written down one by one and which are only counted, so that a flood of forged ones cannot fill the
// disk. Every refusal is accounted for: what was only counted is told by one summary when the minute is over. Writes nothing itself.

import { MINUTE, type Millis } from '#core/time.ts'

/** Refusals of one user recorded in full within a minute. */
export const RECORDS_PER_USER_MAX = 20
/** Refusals recorded in full within a minute, over all users: names are free to whoever forges. */
export const RECORDS_MAX = 120
/** Users told apart in one minute; the rest are counted as `others`. */
export const USERS_MAX = 32
export const WINDOW_MS: Millis = MINUTE

/** Refusals that were only counted. */
export interface RefusalSummary {
  readonly count: number
  /** User → code → number. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>
}

interface Tally {
  recorded: number
  readonly counted: Map<string, number>
}

/** The refusals of one window; whoever owns it starts a new one when the window is over. */
export class RefusalLog {
  readonly #users = new Map<string, Tally>()
  #recorded = 0

  /** The refusal now: true to be recorded in full, false when it was only counted. */
  admit(user: string, code: string): boolean {
    const tally = this.#tallyOf(user)
    if (tally.recorded < RECORDS_PER_USER_MAX && this.#recorded < RECORDS_MAX) {
      tally.recorded++
      this.#recorded++
      return true
    }
    tally.counted.set(code, (tally.counted.get(code) ?? 0) + 1)
    return false
  }

  /** What was only counted; undefined when everything was recorded. */
  summary(): RefusalSummary | undefined {
    const counts: Record<string, Readonly<Record<string, number>>> = {}
    let count = 0
    for (const [user, { counted }] of this.#users) {
      if (counted.size === 0) continue
      counts[user] = Object.fromEntries(counted)
      for (const number of counted.values()) count += number
    }
    return count === 0 ? undefined : { count, counts }
  }

  #tallyOf(user: string): Tally {
    const name = this.#users.has(user) || this.#users.size < USERS_MAX ? user : OTHERS
    const tally = this.#users.get(name) ?? { recorded: 0, counted: new Map<string, number>() }
    this.#users.set(name, tally)
    return tally
  }
}

/** Not a name that can stand in a topic, so it is nobody's. */
const OTHERS = '(others)'
