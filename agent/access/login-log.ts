// Which log-ins are written down one by one and which are only counted, so that neither guessing nor a busy day fills the disk.
// Every failure is accounted for: what was only counted is named in the next record (`unrecorded`, `sinceLast`).

import { MINUTE, type Millis } from '#core/time.ts'

/** Records of failed log-ins within a minute, over all names; beyond it they are counted. */
const RECORDS_PER_MINUTE_MAX = 60

/** A person's good log-ins are recorded this far apart; the acts themselves always are. */
const SUCCESS_APART_MS: Millis = 10 * MINUTE
/** People whose last recorded log-in is remembered; the oldest is forgotten, and recorded again. */
const REMEMBERED_MAX = 1000

/** Decides for each failed log-in whether it gets a record of its own. */
export class LoginLog {
  /** Monotonic moments of the latest records, oldest first; at most RECORDS_PER_MINUTE_MAX. */
  #recorded: Millis[] = []
  #unrecorded = 0
  readonly #succeeded = new Map<string, { readonly mono: Millis; counted: number }>()

  /** A good log-in now: to be recorded, with how many since the last record were only counted; or undefined, counted. */
  admitSuccess(user: string, nowMono: Millis): { readonly sinceLast: number } | undefined {
    const last = this.#succeeded.get(user)
    if (last !== undefined && nowMono - last.mono < SUCCESS_APART_MS) {
      last.counted++
      return undefined
    }
    this.#succeeded.delete(user)
    this.#succeeded.set(user, { mono: nowMono, counted: 0 })
    const oldest = this.#succeeded.keys().next().value
    if (this.#succeeded.size > REMEMBERED_MAX && oldest !== undefined)
      this.#succeeded.delete(oldest)
    return { sinceLast: last?.counted ?? 0 }
  }

  /**
   * The failure now: to be recorded, with how many before it were only counted; or undefined, counted.
   * `always` marks one that moves a person's count, which is few by the lock-out and never only counted;
   * `repeat` one that can succeed under no circumstances (the id is locked and that is on record).
   */
  admit(
    nowMono: Millis,
    kind: 'always' | 'usual' | 'repeat',
  ): { readonly unrecorded: number } | undefined {
    this.#recorded = this.#recorded.filter((mono) => nowMono - mono < MINUTE)
    const full = this.#recorded.length >= RECORDS_PER_MINUTE_MAX
    if (kind === 'repeat' || (kind === 'usual' && full)) {
      this.#unrecorded++
      return undefined
    }
    if (!full) this.#recorded.push(nowMono)
    const unrecorded = this.#unrecorded
    this.#unrecorded = 0
    return { unrecorded }
  }
}
