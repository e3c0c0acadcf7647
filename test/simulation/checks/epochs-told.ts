// D2, D3, U1 over a change of epoch: the first record names the journal that was set aside as it is known; every record of its newest
// file is with the consumer, was got out, or is told as lost; and nothing is set aside that nothing befell. Uses no code of the agent.

import type { SeqRange } from '#ports/store.ts'
import type { StreamName } from '../account.ts'
import type { Ended } from './accepted.ts'

export interface EpochHooks {
  broken(invariant: string, words: string): void
  seen(what: string): void
  /** Up to where the consumer has a stream of an epoch. */
  delivered(stream: StreamName, epoch: string): number
  /** The lines that were got out of a journal set aside. */
  salvaged(directory: string): readonly string[]
}

interface Named {
  readonly directory: string
  readonly oldEpoch?: string
  readonly head?: { readonly seq: number; readonly hash: string }
}

interface Salvage {
  readonly directory: string
  readonly lost: readonly SeqRange[]
  readonly lostRecords: number
  readonly unreadable?: true
}

export class EpochChecks {
  readonly #hooks: EpochHooks
  /** The epoch that has just ended, until it is named. */
  #unnamed: Ended | undefined
  /** By the directory where their journals lie: what is not told of yet. */
  readonly #untold = new Map<string, Ended>()
  readonly #told = new Set<string>()
  /** No epoch of this run has carried over what rotted. */
  #stateIsWhole = true

  constructor(hooks: EpochHooks) {
    this.#hooks = hooks
  }

  began(ended: Ended): void {
    this.#unnamed = ended
    this.#stateIsWhole &&= ended.stateIsWhole
    if (!ended.stateIsWhole) this.#hooks.seen('state that rotted')
  }

  /** An accepted event. */
  event(seq: number, type: string, body: Readonly<Record<string, unknown>>): void {
    if (type === 'store.quarantined') this.#named(seq, body as unknown as Named)
    if (type === 'store.state_left_out') this.#leftOut(seq)
    if (type === 'store.salvaged') this.#salvaged(seq, body as unknown as Salvage)
  }

  /** Rows are left out of a state that rotted, and of no other. */
  #leftOut(seq: number): void {
    this.#hooks.seen('told: store.state_left_out')
    if (this.#stateIsWhole)
      this.#hooks.broken('S3', `record ${seq}: rows of a state that is as it was are left out`)
  }

  #named(seq: number, { directory, oldEpoch, head }: Named): void {
    const { broken, seen } = this.#hooks
    const ended = this.#unnamed
    this.#unnamed = undefined
    if (ended === undefined || seq !== 1)
      return broken('D3', `record ${seq} tells of a journal set aside, and no epoch has ended`)
    this.#untold.set(directory, ended)
    seen('told: store.quarantined')
    const { epoch, aside } = ended
    if (aside.epoch !== undefined && oldEpoch !== epoch)
      broken('D3', `the new epoch names ${oldEpoch}, the old one is ${epoch}`)
    // a commit that was never answered may be the last one: its hash is not known
    const { seq: last, hash } = ended.head
    if (aside.head !== last || (hash !== '' && aside.hash !== hash))
      return seen('an old head that rotted')
    if (head?.seq !== last || head.hash !== aside.hash)
      broken(
        'D3',
        `the new epoch names head ${head?.seq} ${head?.hash}, the old one ended at ${last} ${hash}`,
      )
  }

  /** Nothing of the newest file is silently gone. */
  #salvaged(seq: number, { directory, lost, lostRecords, unreadable }: Salvage): void {
    const { broken, seen } = this.#hooks
    const ended = this.#untold.get(directory)
    if (ended === undefined) {
      if (!this.#told.has(directory))
        broken('D2', `record ${seq} tells of ${directory}, which nobody knows`)
      // the row that says so was lost with a file
      return seen('told again: store.salvaged')
    }
    this.#untold.delete(directory)
    this.#told.add(directory)
    seen('told: store.salvaged')
    if (lostRecords > 0) seen('told: records that could not be got out')
    if (unreadable === true) return seen('told: a file that cannot be read')
    const got = this.#gotOut(directory, ended)
    const named = lost.reduce((sum, [from, through]) => sum + through - from + 1, 0)
    let unnamed = lostRecords - named
    for (let number = ended.aside.from; number <= ended.head.seq; number++) {
      if (got.has(number) || lost.some(([from, end]) => from <= number && number <= end)) continue
      if (number <= this.#delivered(ended.epoch) || unnamed-- > 0) continue
      return broken(
        'D2',
        `record ${number} of ${ended.aside.from} to ${ended.head.seq} of ${ended.epoch} was neither delivered nor got out, and is not told as lost`,
      )
    }
  }

  #delivered(epoch: string): number {
    const { delivered } = this.#hooks
    return Math.min(delivered('readings', epoch), delivered('event', epoch))
  }

  /** Numbers that were got out; what is not as it was accepted is not proven, and says so. */
  #gotOut(directory: string, { prints }: Ended): Set<number> {
    const numbers = new Set<number>()
    const [head = '{}', ...lines] = this.#hooks.salvaged(directory)
    if ((JSON.parse(head) as { verified?: boolean }).verified !== false)
      this.#hooks.broken(
        'U1',
        `what was got out of ${directory} does not say that it is not proven`,
      )
    for (const line of lines) {
      const { s, seq = s } = JSON.parse(line) as { s?: number; seq?: number }
      if (seq === undefined) continue
      numbers.add(seq)
      if (!prints.has(seq, line)) this.#hooks.seen('got out as it was not accepted')
    }
    return numbers
  }

  /** At the end: of each journal that was set aside it is told what became of it. */
  settled(): void {
    const [directory] = this.#untold.keys()
    if (this.#unnamed !== undefined)
      this.#hooks.broken('D3', `epoch ${this.#unnamed.epoch} ended, and no record names it`)
    if (directory !== undefined)
      this.#hooks.broken('D2', `nothing tells what was got out of ${directory}`)
  }
}
