// U3 for files that rot: what of an earlier file cannot be had any more is told, by number and with an alarm, and nothing is told of
// a file that is as it was written; whoever verifies the journal at the end finds what was altered, and nothing else. That no record
// goes out that was not accepted so is checked where it arrives (D4).

import type { Head } from '#ports/store.ts'
import type { Verified } from '../../../agent/store/verify.ts'

export interface RotHooks {
  readonly broken: (invariant: string, words: string) => void
  readonly seen: (what: string) => void
  /** The state of an alarm, as accepted. */
  readonly stateOf: (alarm: string) => string
}

/** What an event says of a file that is not as it was written. */
interface Told {
  readonly file: string
  readonly from: number
  readonly through: number
  readonly lostRecords: number
  readonly readings: number
  readonly events: number
}

const STORAGE_FAULT = 'system.storage_fault'
const TELLING = ['store.records_lost', 'store.damaged']

export class RotChecks {
  readonly #hooks: RotHooks
  readonly #struck = new Set<string>()
  readonly #sealed = new Set<string>()
  /** Struck after their bytes were noted: whatever was altered, it shows. */
  readonly #struckSealed = new Set<string>()
  /** A record that tells of a file, for which an alarm is to be up; undefined: none is owed. */
  #owing: string | undefined

  constructor(hooks: RotHooks) {
    this.#hooks = hooks
  }

  struck(file: string): void {
    this.#hooks.seen('rot in an earlier file')
    this.#struck.add(file)
    if (this.#sealed.has(file)) this.#struckSealed.add(file)
  }

  sealed(file: string): void {
    this.#sealed.add(file)
  }

  /** An accepted event. */
  event(seq: number, type: string, body: Readonly<Record<string, unknown>>): void {
    if (type === 'alarm.activated' && body['alarm'] === STORAGE_FAULT) this.#owing = undefined
    if (!TELLING.includes(type)) return
    const { broken, seen, stateOf } = this.#hooks
    const { file, from, through, lostRecords, readings, events } = body as unknown as Told
    seen(`told: ${type}`)
    if (!this.#struck.has(file))
      broken('U3', `record ${seq}: ${type} of ${file}, which is as it was written`)
    if (stateOf(STORAGE_FAULT) === 'normal') this.#owing = `record ${seq}: ${type}`
    // what is told at a start alone has no figures
    if (from === undefined) return
    const all = through - from + 1
    if (lostRecords + readings + events < all || readings + events > all)
      broken(
        'U3',
        `record ${seq}: of ${all} records ${readings} + ${events} are kept, ${lostRecords} lost`,
      )
  }

  /** While the agent runs and works, and nothing waits for the disk. */
  sweep(): void {
    if (this.#owing !== undefined) this.#hooks.broken('U3', `${this.#owing}, and no alarm`)
  }

  /** What verifying the whole journal says at the end, with a head that is known from elsewhere. */
  verified(found: Verified, { seq, hash }: Head, present: readonly string[]): void {
    const { broken, seen } = this.#hooks
    const there = present.filter((file) => this.#struckSealed.has(file))
    if (found.ok) {
      if (there.length > 0) broken('U3', `${there.join(', ')} was altered, and nobody finds it`)
      if (found.head.seq !== seq || found.head.hash !== hash)
        broken('U1', `the journal ends at ${found.head.seq}, accepted is ${seq}`)
      return
    }
    const { file, message } = found.fault
    seen('damage found by verifying')
    // where one file ends and the next begins, either may be named
    const next = present[present.indexOf(file) - 1]
    if (![file, next].some((name) => name !== undefined && this.#struck.has(name)))
      broken('U1', `verifying finds fault with ${file}, which nothing befell: ${message}`)
  }
}
