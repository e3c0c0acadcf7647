// One after the other by name: guesses at one PIN in parallel must not outrun the count of failures, and two changes of people
// must not each believe the other did not happen. Bounded; decides nothing about what waits.

import { PinHasherBusy } from './pin.ts'

/** Works of one name that may wait for the one before them. */
const WAITING_MAX = 8

/** The last turn of each name, and how many wait. */
export class Turns {
  readonly #turns = new Map<string, { last: Promise<unknown>; waiting: number }>()
  readonly #busy: string

  /** `busy`: what is said to whom there is no room for. */
  constructor(busy: string) {
    this.#busy = busy
  }

  /** Runs the work after those of this name before it. Rejects with PinHasherBusy when too many wait. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(name) ?? { last: Promise.resolve(), waiting: 0 }
    if (turn.waiting >= WAITING_MAX) throw new PinHasherBusy(this.#busy)
    turn.waiting++
    this.#turns.set(name, turn)
    const mine = turn.last.then(work, work)
    turn.last = mine
    try {
      return await mine
    } finally {
      turn.waiting--
      if (turn.waiting === 0) this.#turns.delete(name)
    }
  }
}
