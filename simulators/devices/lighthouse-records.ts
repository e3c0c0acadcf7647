// The record buffer of a Lighthouse counter: one record a finished sample, selected by an index that counts from the
// oldest, −1 meaning the last one stored, whichever that is. Decides which record is visible; never what is in it.

/** One finished sample as the counter keeps it. */
export interface CounterRecord {
  /** Instrument time at the end of the sample, s since 1970. */
  readonly endSeconds: number
  readonly sampleSeconds: number
  readonly location: number
  /** Bits of register 30008. */
  readonly status: number
  /** Cumulative raw counts by channel, smallest size first. */
  readonly counts: readonly number[]
  readonly temperatureC: number
  readonly humidityPercent: number
  /** Channels above their threshold. */
  readonly alarms: number
}

/** Records the counter keeps; then the oldest makes way. */
export const RECORDS_MAX = 3000
export const LAST_RECORD = -1

/** The buffer with its index register. */
export class RecordBuffer {
  #records: CounterRecord[] = []
  #index = LAST_RECORD

  get count(): number {
    return this.#records.length
  }

  get index(): number {
    return this.#index
  }

  store(record: CounterRecord): void {
    this.#records.push(record)
    if (this.#records.length > RECORDS_MAX) this.#records.shift()
  }

  /** Empties the buffer. */
  clear(): void {
    this.#records = []
    this.#index = LAST_RECORD
  }

  /** Selects a record; false when there is none of that index. */
  select(index: number): boolean {
    if (index !== LAST_RECORD && (index < 0 || index >= this.#records.length)) return false
    this.#index = index
    return true
  }

  /** The record the input registers show; undefined while there is none. */
  visible(): CounterRecord | undefined {
    return this.#index === LAST_RECORD ? this.#records.at(-1) : this.#records[this.#index]
  }
}
