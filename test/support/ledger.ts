// A consumer's bookkeeping, written from the contract alone: holes by `prev`, byte-identity of every record,
// and each slot of each polled point covered exactly once per time base.

interface ReadingsMessage {
  readonly stream: 'readings'
  readonly epoch: string
  readonly tb: number
  readonly prev: number
  readonly first: number
  readonly last: number
  readonly replay: boolean
  readonly readings: readonly RecordObject[]
}

interface RecordObject {
  readonly s: number
  readonly p: string
  readonly t: number
  readonly slots?: number
  readonly a?: number
  readonly v?: number
  readonly q: 'good' | 'uncertain' | 'bad'
  readonly qc?: string
  readonly ex?: number
  readonly x?: { readonly rec?: number }
}

export interface EventMessage {
  readonly stream: 'event'
  readonly epoch: string
  readonly tb: number
  readonly prev: number
  readonly seq: number
  readonly type: string
  readonly ts: number
  readonly [key: string]: unknown
}

export interface LedgerRecord extends RecordObject {
  readonly epoch: string
  readonly tb: number
}

export class Ledger {
  readonly faults: string[] = []
  readonly readings = new Map<string, LedgerRecord>()
  readonly events = new Map<string, EventMessage>()
  duplicates = 0
  #printed = new Map<string, string>()
  #highest = new Map<string, number>()

  /** Takes one message of either stream as it came. */
  take(text: string): void {
    const message = JSON.parse(text) as ReadingsMessage | EventMessage
    if (message.stream === 'readings') this.#takeReadings(message, text)
    else this.#takeEvent(message, text)
  }

  #takeReadings(message: ReadingsMessage, text: string): void {
    const { epoch, tb, readings } = message
    this.#checkOrder('readings', message.epoch, message.prev, message.first, message.replay)
    if (readings.length === 0 || readings.length > 100)
      this.faults.push(`${readings.length} records in a message`)
    if (readings[0]?.s !== message.first || readings.at(-1)?.s !== message.last) {
      this.faults.push(`first/last ${message.first}/${message.last} are not those of the records`)
    }
    const bodies = text.slice(text.indexOf('"readings":[') + '"readings":['.length, -2)
    let offset = 0
    for (const record of readings) {
      const printed = JSON.stringify(record)
      const at = bodies.indexOf(printed, offset)
      if (at < 0) this.faults.push(`record ${record.s} does not print as it was sent`)
      offset = at + printed.length
      this.#checkIdentity(`${epoch}/${record.s}`, printed)
      this.readings.set(`${epoch}/${record.s}`, { ...record, epoch, tb })
      if ((record.v === undefined) !== (record.q === 'bad'))
        this.faults.push(`record ${record.s}: value and quality disagree`)
      if (record.q !== 'good' && record.qc === undefined)
        this.faults.push(`record ${record.s} has no reason`)
    }
    this.#raise('readings', epoch, message.last)
  }

  #takeEvent(message: EventMessage, text: string): void {
    this.#checkOrder('event', message.epoch, message.prev, message.seq, message['replay'] === true)
    const key = `${message.epoch}/${message.seq}`
    // A field that comes twice is lost to whoever reads JSON.
    if (JSON.stringify(message) !== text) this.faults.push(`event ${key} names a field twice`)
    this.#checkIdentity(
      key,
      message['replay'] === true ? JSON.stringify({ ...message, replay: undefined }) : text,
    )
    this.events.set(key, message)
    this.#raise('event', message.epoch, message.seq)
  }

  /** A consumer has a hole exactly when `prev` is above what it has. */
  #checkOrder(stream: string, epoch: string, prev: number, first: number, replay: boolean): void {
    const have = this.#highest.get(`${stream}/${epoch}`) ?? 0
    if (prev > have && !replay) this.faults.push(`${stream} hole: prev ${prev}, have ${have}`)
    if (first <= prev) this.faults.push(`${stream} first ${first} is not above prev ${prev}`)
  }

  #checkIdentity(key: string, printed: string): void {
    const before = this.#printed.get(key)
    if (before !== undefined) this.duplicates++
    if (before !== undefined && before !== printed)
      this.faults.push(`record ${key} changed: ${before} → ${printed}`)
    this.#printed.set(key, printed)
  }

  #raise(stream: string, epoch: string, seq: number): void {
    const key = `${stream}/${epoch}`
    this.#highest.set(key, Math.max(this.#highest.get(key) ?? 0, seq))
  }

  /** Highest sequence number seen of an epoch's both streams. */
  get highest(): number {
    return Math.max(0, ...this.#highest.values())
  }

  /** Sequence numbers missing from 1 to the highest seen, per epoch. */
  missing(): number[] {
    const gaps: number[] = []
    const epochs = new Set([...this.#highest.keys()].map((key) => key.split('/')[1] ?? ''))
    for (const epoch of epochs) {
      const top = Math.max(
        this.#highest.get(`readings/${epoch}`) ?? 0,
        this.#highest.get(`event/${epoch}`) ?? 0,
      )
      for (let seq = 1; seq <= top; seq++) if (!this.#printed.has(`${epoch}/${seq}`)) gaps.push(seq)
    }
    return gaps
  }

  /** Faults of slot coverage: overlaps, holes and slots off the grid, for polled points of the given intervals. */
  coverageFaults(intervals: Readonly<Record<string, number>>): string[] {
    const faults: string[] = []
    for (const [point, interval] of Object.entries(intervals)) {
      const bases = new Map<string, LedgerRecord[]>()
      for (const record of this.readings.values()) {
        if (record.p !== point) continue
        const key = `${record.epoch}/${record.tb}`
        bases.set(key, [...(bases.get(key) ?? []), record])
      }
      for (const [base, records] of bases) {
        records.sort((one, other) => one.t - other.t)
        let next: number | undefined
        for (const record of records) {
          if (record.t % interval !== 0)
            faults.push(`${point} ${base}: ${record.t} is off the grid`)
          if (next !== undefined && record.t !== next) {
            faults.push(
              `${point} ${base}: ${record.t < next ? 'overlap' : 'hole'} at ${record.t}, expected ${next} (s ${record.s})`,
            )
          }
          next = record.t + (record.slots ?? 1) * interval
        }
      }
    }
    return faults
  }

  ofPoint(point: string): LedgerRecord[] {
    return [...this.readings.values()].filter(({ p }) => p === point).sort((a, b) => a.s - b.s)
  }

  ofType(type: string): EventMessage[] {
    return [...this.events.values()].filter((event) => event.type === type)
  }
}
