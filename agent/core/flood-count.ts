// The floods of a period and its busiest ten minutes, from the times of its alarms. Holds the times of ten minutes at the most.

import {
  CALM,
  FLOOD_WINDOW_MS,
  type FloodState,
  floodEndsAt,
  noteAlarm,
  passFlood,
} from './flood.ts'
import type { Millis } from './time.ts'

/** Floods that are listed; all are counted. */
const LISTED_MAX = 10
/** A clock that is slewed may give a record a time a little before the last one's; further back, it was set. */
const CLOCK_SET_BACK_MS: Millis = 1000

export interface Flood {
  readonly from: Millis
  readonly to: Millis
  readonly alarms: number
}

export interface Floods {
  readonly peak: { readonly alarms: number; readonly at?: Millis }
  readonly count: number
  readonly totalMs: Millis
  /** The largest ones. */
  readonly worst: readonly Flood[]
}

export class FloodCount {
  #state: FloodState = CALM
  #window: Millis[] = []
  #last = Number.NEGATIVE_INFINITY
  #peak: { alarms: number; at?: Millis } = { alarms: 0 }
  #count = 0
  #totalMs: Millis = 0
  #worst: Flood[] = []

  /** One more alarm (wall ms). A clock that was set back begins another line of time. */
  note(ts: Millis): void {
    if (ts < this.#last - CLOCK_SET_BACK_MS) {
      this.#end(this.#last)
      this.#state = CALM
      this.#window = []
      this.#last = ts
    }
    const at = Math.max(ts, this.#last)
    this.#last = at
    this.#window.push(at)
    const kept = this.#window.findIndex((one) => one > at - FLOOD_WINDOW_MS)
    if (kept > 0) this.#window.splice(0, kept)
    if (this.#window.length > this.#peak.alarms) this.#peak = { alarms: this.#window.length, at }
    if (passFlood(this.#state, at).flood === null) this.#end(at)
    this.#state = noteAlarm(this.#state, at)
  }

  /** What was found up to `to`, where a flood still under way is cut. */
  result(to: Millis): Floods {
    this.#end(to)
    return {
      peak: this.#peak,
      count: this.#count,
      totalMs: this.#totalMs,
      worst: this.#worst,
    }
  }

  /** The flood under way is over: when it ended by itself, or at `by` at the latest. */
  #end(by: Millis): void {
    const { flood, newest } = this.#state
    if (flood === null) return
    const to = Math.min(floodEndsAt(this.#state) ?? by, by)
    this.#state = { newest, flood: null }
    this.#count++
    this.#totalMs += to - flood.since
    this.#worst = [...this.#worst, { from: flood.since, to, alarms: flood.alarms }]
      .sort((one, other) => other.alarms - one.alarms || one.from - other.from)
      .slice(0, LISTED_MAX)
  }
}
