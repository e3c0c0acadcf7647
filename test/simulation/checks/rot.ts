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
const QUARANTINED = 'store.quarantined'
const TELLING = ['store.records_lost', 'store.damaged']

export class RotChecks {
  readonly #hooks: RotHooks
  readonly #struck = new Set<string>()
  /** Struck while it was the newest. */
  readonly #struckHot = new Set<string>()
  readonly #sealed = new Set<string>()
  /** Struck after their bytes were noted: whatever was altered, it shows. */
  readonly #struckSealed = new Set<string>()
  /** A record that tells of a file, for which an alarm is to be up; undefined: none is owed. */
  #owing: string | undefined

  constructor(hooks: RotHooks) {
    this.#hooks = hooks
  }

  struck(file: string, hot = false): void {
    this.#hooks.seen(hot ? 'rot in the file that is written' : 'rot in an earlier file')
    if (hot) this.#struckHot.add(file)
    this.#struck.add(file)
    if (this.#sealed.has(file)) this.#struckSealed.add(file)
  }

  sealed(file: string): void {
    this.#sealed.add(file)
  }

  /** The journal was set aside; only one whose newest file was struck while it was that is. */
  epochBegan(): void {
    if (this.#struckHot.size === 0)
      this.#hooks.broken('D2', 'a journal was set aside, and nothing befell it')
    for (const files of [this.#struck, this.#struckHot, this.#sealed, this.#struckSealed])
      files.clear()
  }

  /** An accepted event. */
  event(seq: number, type: string, body: Readonly<Record<string, unknown>>): void {
    // any step of it will do: what rose while nothing could be kept has no record of its own
    if (body['alarm'] === STORAGE_FAULT) this.#owing = undefined
    if (type === QUARANTINED) this.#owe(seq, type)
    if (!TELLING.includes(type)) return
    const { broken, seen } = this.#hooks
    const { file, from, through, lostRecords, readings, events } = body as unknown as Told
    seen(`told: ${type}`)
    if (!this.#struck.has(file))
      broken('U3', `record ${seq}: ${type} of ${file}, which is as it was written`)
    this.#owe(seq, type)
    // what is told at a start alone has no figures
    if (from === undefined) return
    const all = through - from + 1
    if (lostRecords + readings + events < all || readings + events > all)
      broken(
        'U3',
        `record ${seq}: of ${all} records ${readings} + ${events} are kept, ${lostRecords} lost`,
      )
  }

  #owe(seq: number, type: string): void {
    if (this.#hooks.stateOf(STORAGE_FAULT) === 'normal') this.#owing = `record ${seq}: ${type}`
  }

  /** While the agent runs and works, and nothing waits for the disk. */
  sweep(): void {
    // what had risen while nothing could be kept is told by the record of the gap, behind that of the new epoch
    if (this.#hooks.stateOf(STORAGE_FAULT) !== 'normal') this.#owing = undefined
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
