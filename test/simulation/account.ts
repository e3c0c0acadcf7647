// What a consumer knows, from the contract alone: which records it has, which it misses by `prev`, whether a record it knows
// ever changed, whether each point's slots are covered exactly once, and what the retained topics say. Imports nothing.

interface ReadingObject {
  readonly s: number
  readonly p: string
  readonly t: number
  readonly slots?: number
  readonly v?: number
  readonly q: 'good' | 'uncertain' | 'bad'
  readonly qc?: string
}

interface ReadingsMessage {
  readonly epoch: string
  readonly tb: number
  readonly prev: number
  readonly first: number
  readonly last: number
  readonly replay: boolean
  readonly readings: readonly ReadingObject[]
}

interface EventMessage {
  readonly epoch: string
  readonly tb: number
  readonly prev: number
  readonly seq: number
  readonly type: string
  readonly lost?: readonly Range[]
  readonly ranges?: number
  readonly through?: number
}

type Range = readonly [from: number, through: number]

export type StreamName = 'readings' | 'event'

export interface Hole {
  readonly from: number
  readonly to: number
}

/** One stream of one epoch as received: complete up to `through`, and what is there beyond the first hole. */
class Received {
  through = 0
  readonly ahead = new Map<number, number>()
  /** Records beyond `through`, with their time base. */
  readonly waiting = new Map<number, readonly [tb: number, reading: ReadingObject]>()
  highest = 0
  /** Whether all of a hole is told to be lost. */
  readonly #isLost: (after: number, through: number) => boolean

  constructor(isLost: (after: number, through: number) => boolean) {
    this.#isLost = isLost
  }

  take(prev: number, last: number): void {
    this.ahead.set(prev, Math.max(this.ahead.get(prev) ?? 0, last))
    this.highest = Math.max(this.highest, last)
    this.join()
  }

  /** Puts together what fits, also over what is lost. */
  join(): void {
    for (let moved = true; moved; ) {
      moved = false
      for (const [from, to] of this.ahead) {
        if (from > this.through && !this.#isLost(this.through, from)) continue
        this.ahead.delete(from)
        if (to <= this.through) continue
        this.through = to
        moved = true
      }
    }
  }

  /** First hole: records above `from` up to `to` are missing; undefined when nothing is. */
  hole(): Hole | undefined {
    if (this.ahead.size === 0) return undefined
    return { from: this.through, to: Math.min(...this.ahead.keys()) }
  }
}

export interface AccountListener {
  /** A record of either stream, for the first time or again, as it was printed. */
  record(epoch: string, seq: number, printed: string): void
  broken(invariant: string, words: string): void
  /** Whether a stream has a record that is none of what is told to be lost. */
  has(stream: StreamName, after: number, through: number, lost: readonly Range[]): boolean
  /** A message of another epoch than the one before. */
  epochBegan(): void
}

export class Account {
  readonly #listener: AccountListener
  readonly #streams = new Map<string, Received>()
  readonly #slots = new Map<string, { tb: number; next: number; seq: number }>()
  /** Records of the present epoch that cannot be had any more, as events told. */
  lost: Range[] = []
  readonly #over = new Set<string>()
  readonly #intervalOf: (point: string) => number | 'sample' | undefined
  readonly retained = new Map<string, string>()
  epoch = ''
  messages = 0
  readonly #pausing = new Set<string>()

  constructor(
    intervalOf: (point: string) => number | 'sample' | undefined,
    listener: AccountListener,
  ) {
    this.#intervalOf = intervalOf
    this.#listener = listener
  }

  stream(name: StreamName, epoch = this.epoch): Received {
    const key = `${epoch}/${name}`
    const known = this.#streams.get(key)
    if (known !== undefined) return known
    const made = new Received((after, through) => this.#isLost(name, after, through))
    this.#streams.set(key, made)
    return made
  }

  /** Another epoch is another sequence, and the one before never comes back. */
  #enter(epoch: string): void {
    if (epoch === this.epoch) return
    if (this.#over.has(epoch))
      return this.#listener.broken('D3', `a message of epoch ${epoch}, which is over`)
    if (this.epoch !== '') this.#over.add(this.epoch)
    this.epoch = epoch
    this.lost = []
    this.#slots.clear()
    this.#listener.epochBegan()
  }

  /** Up to where both streams of an epoch are complete; of another than the present one nothing counts. */
  stored(epoch: string | undefined): number {
    if (epoch !== this.epoch) return 0
    return Math.min(this.stream('readings').through, this.stream('event').through)
  }

  /** A point that is taken out of the configuration at times, and owes no slots then. */
  mayPause(point: string): void {
    this.#pausing.add(point)
  }

  /** One message by its topic below the base. */
  take(leaf: string, payload: string, retained: boolean): void {
    this.messages++
    if (leaf === 'readings') return this.#readings(payload)
    if (leaf === 'event') return this.#event(payload)
    if (payload === '') this.retained.delete(leaf)
    else this.retained.set(leaf, payload)
    if (retained && (leaf.startsWith('cmd') || leaf.startsWith('reply')))
      this.#listener.broken('D7', `${leaf} was retained`)
  }

  #readings(text: string): void {
    const message = JSON.parse(text) as ReadingsMessage
    const { epoch, tb, prev, first, last, readings } = message
    this.#enter(epoch)
    if (readings.length === 0 || readings.length > 100)
      this.#listener.broken('D3', `${readings.length} records in one message`)
    if (readings[0]?.s !== first || readings.at(-1)?.s !== last || first <= prev)
      this.#listener.broken('D3', `prev ${prev}, first ${first}, last ${last} do not fit`)
    const stream = this.stream('readings')
    const before = stream.through
    let printedTo = 0
    for (const reading of readings) {
      const printed = JSON.stringify(reading)
      const at = text.indexOf(printed, printedTo)
      if (at < 0) this.#listener.broken('D4', `record ${reading.s} is not printed canonically`)
      else printedTo = at + printed.length
      this.#listener.record(epoch, reading.s, printed)
      if (reading.s > before) stream.waiting.set(reading.s, [tb, reading])
    }
    stream.take(prev, last)
    if (stream.through > before) this.#settle(stream)
  }

  #event(text: string): void {
    const event = JSON.parse(text) as EventMessage
    const { epoch, prev, seq } = event
    this.#enter(epoch)
    if (seq <= prev) this.#listener.broken('D3', `event ${seq} with prev ${prev}`)
    this.#listener.record(epoch, seq, text.slice(text.indexOf('"seq":')))
    this.stream('event').take(prev, seq)
    if (event.type === 'store.records_lost') this.#loses(event)
  }

  /** What is lost is not waited for any more. Beyond the ranges that are named, all of the file may be. */
  #loses({ lost = [], ranges = 0, through = 0 }: EventMessage): void {
    this.lost.push(...lost)
    const [, end] = lost.at(-1) ?? [0, 0]
    if (ranges > lost.length) this.lost.push([end + 1, through])
    this.stream('event').join()
    const readings = this.stream('readings')
    readings.join()
    this.#settle(readings)
  }

  /** The hole ends with a record that is lost, and all of the stream in it is. */
  #isLost(stream: StreamName, after: number, through: number): boolean {
    const isTold = this.lost.some(([from, end]) => from <= through && through <= end)
    return isTold && !this.#listener.has(stream, after, through, this.lost)
  }

  /** Slots of what is complete now, in order of sequence. */
  #settle(stream: Received): void {
    const due = [...stream.waiting.keys()]
      .filter((seq) => seq <= stream.through)
      .sort((a, b) => a - b)
    for (const seq of due) {
      const waiting = stream.waiting.get(seq)
      stream.waiting.delete(seq)
      if (waiting !== undefined) this.#cover(...waiting)
    }
  }

  #cover(tb: number, { s, p, t, slots = 1, v, q, qc }: ReadingObject): void {
    const interval = this.#intervalOf(p)
    const { broken } = this.#listener
    if (interval === undefined) return broken('D1', `reading ${s} of ${p}, which nobody configured`)
    if ((v === undefined) !== (q === 'bad') || (q !== 'good' && qc === undefined))
      broken('D6', `record ${s}: value ${v}, quality ${q} ${qc}`)
    // a counter's samples are its slots: what becomes of each is checked where they are accepted
    if (interval === 'sample') return
    if (t % interval !== 0) broken('D1', `record ${s}: ${t} of ${p} is off the grid`)
    const known = this.#slots.get(p)
    const later = known !== undefined && t > known.next
    const paused = later && (this.#pausing.has(p) || this.#lostBetween(known.seq, s))
    if (known !== undefined && known.tb === tb && known.next !== t && !paused) {
      const what = t < known.next ? 'covered twice' : 'not covered'
      broken(
        'D1',
        `record ${s} of ${p}: slots from ${Math.min(t, known.next)} ${what} (expected ${known.next}, got ${t})`,
      )
    }
    this.#slots.set(p, { tb, next: t + slots * interval, seq: s })
  }

  #lostBetween(after: number, before: number): boolean {
    return this.lost.some(([from, through]) => from < before && through > after)
  }
}
