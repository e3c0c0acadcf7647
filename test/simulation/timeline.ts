// The one queue of everything that happens in a simulation: events in order of true time, and a hash over what they did.
// Decides nothing but the order; between two events all promises settle, so that the same seed runs the same way.

interface Entry {
  readonly due: number
  readonly order: number
  call: (() => void) | undefined
}

/** One turn of node's own loop after so many events: it reports what nobody handled, and lets the test runner live. */
const TURN_EVERY = 256

/** Lets everything that is already promised happen: what is queued for the next tick runs once no promise is left to settle. */
const settle = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** The same, and a turn of node's loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const LAST_EVENTS_MAX = 200
const FNV_PRIME = 16_777_619

/** True time (ms since the simulation began), which no part under test ever sees. */
export class Timeline {
  #now = 0
  #order = 0
  #heap: Entry[] = []
  #low = 0x811c9dc5
  #high = 0x9747b28c
  #last: [at: number, line: string][] = []
  /** Events that were run. */
  events = 0
  #stopped: Error | undefined

  get now(): number {
    return this.#now
  }

  /** Hash over every traced line so far: equal for equal runs. */
  get hash(): string {
    const hex = (half: number) => (half >>> 0).toString(16).padStart(8, '0')
    return hex(this.#low) + hex(this.#high)
  }

  get lastEvents(): readonly string[] {
    return this.#last.map(([at, line]) => `${at.toFixed(1).padStart(13)}  ${line.slice(0, 300)}`)
  }

  /** Calls at a true time (not before now); returns the cancellation. */
  at(due: number, call: () => void): () => void {
    const entry: Entry = { due: Math.max(due, this.#now), order: this.#order++, call }
    this.#push(entry)
    return () => {
      entry.call = undefined
    }
  }

  after(ms: number, call: () => void): () => void {
    return this.at(this.#now + ms, call)
  }

  /** Takes a line into the hash and, where it is worth showing, into the list of last events. */
  trace(line: string, shown = true): void {
    for (let index = 0; index < line.length; index++) {
      const code = line.charCodeAt(index)
      this.#low = Math.imul(this.#low ^ code, FNV_PRIME)
      this.#high = Math.imul(this.#high ^ (code + index), FNV_PRIME)
    }
    this.#low = Math.imul(this.#low ^ Math.round(this.#now), FNV_PRIME)
    if (!shown) return
    this.#last.push([this.#now, line])
    if (this.#last.length > 2 * LAST_EVENTS_MAX) this.#last = this.#last.slice(-LAST_EVENTS_MAX)
  }

  /** Ends the run with an error, after the present event. */
  stop(error: Error): void {
    this.#stopped ??= error
  }

  /** Runs everything due up to a true time. Rejects with the error of the first event that threw, or of `stop`. */
  async run(until: number): Promise<void> {
    await turn()
    for (;;) {
      if (this.#stopped !== undefined) throw this.#stopped
      const [next] = this.#heap
      if (next === undefined || next.due > until) break
      this.#pop()
      const { call } = next
      if (call === undefined) continue
      this.#now = next.due
      this.events++
      call()
      await (this.events % TURN_EVERY === 0 ? turn() : settle())
    }
    await turn()
    if (this.#stopped !== undefined) throw this.#stopped
    this.#now = until
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || !before(entry, parent)) break
      heap[at] = parent
      at = up
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      let least = left
      const one = heap[left]
      const other = heap[right]
      if (one === undefined) break
      if (other !== undefined && before(other, one)) least = right
      const child = heap[least]
      if (child === undefined || !before(child, last)) break
      heap[at] = child
      at = least
    }
    heap[at] = last
  }
}

const before = (one: Entry, other: Entry): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order)
