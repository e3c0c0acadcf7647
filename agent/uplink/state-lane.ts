// The newest of everything that is a state and not a record: status, meta, every alarm, and replies to commands.
// Decides what of it goes out next; keeps one payload per topic, so it cannot grow beyond what is configured.
// It never waits for the store.
//
// Order: status, then what has just changed, then replies, then the rest of a birth (meta, alarms in order).

import type { Loss } from '#core/outbox.ts'
import type { Millis } from '#core/time.ts'

const REPLIES_MAX = 64
const STRIKES_MAX = 3
/** A topic that the broker will not take is left alone for this long. */
const REFUSED_FOR_MS: Millis = 600_000
const PACKET_TOO_LARGE = 0x95

export interface StateMessage {
  /** Topic below the base. */
  readonly leaf: string
  readonly payload: string
  readonly retain: boolean
  /** Must be the only message in flight: it was in flight when the peer hung up. */
  readonly alone: boolean
}

/** Something the broker refuses to take, told once per topic and refusal. */
export interface StateRefusal {
  readonly leaf: string
  /** Reason code, 0 where the broker hung up on it. */
  readonly code: number
}

interface Entry {
  payload: string
  strikes: number
  suspect: boolean
  refusedUntil: Millis
}

export class StateLane {
  /** Retained leaf → what it should say. `status` is among them. */
  readonly #entries = new Map<string, Entry>()
  readonly #fresh = new Set<string>()
  readonly #birth = new Set<string>()
  readonly #replies: StateMessage[] = []
  readonly #inFlight = new Map<string, string>()

  /** Sets what a retained topic should say; an empty payload removes it from the broker and then from here. */
  set(leaf: string, payload: string): void {
    const entry = this.#entries.get(leaf)
    if (entry === undefined) {
      this.#entries.set(leaf, { payload, strikes: 0, suspect: false, refusedUntil: 0 })
    } else {
      entry.payload = payload
    }
    this.#birth.delete(leaf)
    this.#fresh.add(leaf)
  }

  reply(leaf: string, payload: string): void {
    this.#replies.push({ leaf, payload, retain: false, alone: false })
    if (this.#replies.length > REPLIES_MAX) this.#replies.shift()
  }

  /** A new session: everything is said again, status and meta first. */
  reborn(): void {
    this.#inFlight.clear()
    this.#fresh.clear()
    this.#birth.clear()
    for (const leaf of ['status', 'meta']) if (this.#entries.has(leaf)) this.#birth.add(leaf)
    for (const leaf of this.#entries.keys()) this.#birth.add(leaf)
  }

  /** The message that should go out next, if any. */
  next(mono: Millis): StateMessage | undefined {
    const leaf =
      (this.#waits('status', mono) ? 'status' : undefined) ?? this.#first(this.#fresh, mono)
    if (leaf !== undefined) return this.#message(leaf)
    const [reply] = this.#replies
    if (reply !== undefined) return reply
    const rest = this.#first(this.#birth, mono)
    return rest === undefined ? undefined : this.#message(rest)
  }

  /** The message handed out last by `next` is in flight. */
  sent(message: StateMessage): void {
    if (!message.retain) {
      this.#replies.shift()
      return
    }
    this.#fresh.delete(message.leaf)
    this.#birth.delete(message.leaf)
    this.#inFlight.set(message.leaf, message.payload)
  }

  /** The broker answered. Reports the topic when it is given up for now. */
  answered(message: StateMessage, code: number, mono: Millis): StateRefusal | undefined {
    const { leaf, payload, retain } = message
    const entry = this.#entries.get(leaf)
    if (!retain || entry === undefined) return undefined
    if (this.#inFlight.get(leaf) === payload) this.#inFlight.delete(leaf)
    entry.suspect = false
    if (code < 0x80) {
      entry.strikes = 0
      if (entry.payload === '' && payload === '' && !this.#fresh.has(leaf))
        this.#entries.delete(leaf)
      return undefined
    }
    return this.#strike(leaf, entry, code, mono)
  }

  /** The server said beforehand that it takes no packet of this size: nothing is sent. */
  oversize(message: StateMessage, mono: Millis): StateRefusal | undefined {
    this.sent(message)
    this.#inFlight.delete(message.leaf)
    const entry = this.#entries.get(message.leaf)
    if (!message.retain || entry === undefined) return undefined
    entry.refusedUntil = mono + REFUSED_FOR_MS
    this.#birth.add(message.leaf)
    return { leaf: message.leaf, code: PACKET_TOO_LARGE }
  }

  /** The connection is gone. Reports the topic on which the peer keeps hanging up. */
  lost(loss: Loss, mono: Millis): StateRefusal | undefined {
    let refusal: StateRefusal | undefined
    for (const leaf of this.#inFlight.keys()) {
      const entry = this.#entries.get(leaf)
      if (entry === undefined || loss === 'unblamed') continue
      entry.suspect = true
      if (loss === 'alone' || entry.strikes === 0) {
        refusal = this.#strike(leaf, entry, 0, mono) ?? refusal
      }
    }
    this.#inFlight.clear()
    return refusal
  }

  /** True when nothing has to go out and nothing is in flight. */
  idle(mono: Millis): boolean {
    return this.#inFlight.size === 0 && this.next(mono) === undefined
  }

  #strike(leaf: string, entry: Entry, code: number, mono: Millis): StateRefusal | undefined {
    entry.strikes++
    // Given up for now or not, it is still to be said.
    if (!this.#fresh.has(leaf)) this.#birth.add(leaf)
    if (entry.strikes < STRIKES_MAX) return undefined
    entry.strikes = 0
    entry.suspect = false
    entry.refusedUntil = mono + REFUSED_FOR_MS
    return { leaf, code }
  }

  #waits(leaf: string, mono: Millis): boolean {
    const entry = this.#entries.get(leaf)
    const due = this.#fresh.has(leaf) || this.#birth.has(leaf)
    return due && entry !== undefined && mono >= entry.refusedUntil
  }

  #first(queue: Set<string>, mono: Millis): string | undefined {
    for (const leaf of queue) if (this.#waits(leaf, mono)) return leaf
    return undefined
  }

  #message(leaf: string): StateMessage | undefined {
    const entry = this.#entries.get(leaf)
    if (entry === undefined) return undefined
    return { leaf, payload: entry.payload, retain: true, alone: entry.suspect }
  }
}
