// Every message between its PUBLISH and its PUBACK, by packet id, and the room they take. Bounded by the window.

import type { Millis } from '#core/time.ts'
import { emptyWindow, fits, type Lane, released, taken, type Want } from './window.ts'

export interface Flight {
  readonly lane: Lane
  readonly bytes: number
  readonly alone: boolean
  /** Monotonic moment of its PUBLISH. */
  readonly at: Millis
  readonly answered: (reasonCode: number) => void
}

export class Flights {
  readonly #byId = new Map<number, Flight>()
  #window = emptyWindow

  get size(): number {
    return this.#byId.size
  }

  /** When the message that waits longest was sent. */
  get oldestAt(): Millis | undefined {
    const [oldest] = this.#byId.values()
    return oldest?.at
  }

  /** Bytes of the only message in flight, 0 if there are more or none. */
  get loneBytes(): number {
    const [only] = this.#byId.values()
    return this.#byId.size === 1 ? (only?.bytes ?? 0) : 0
  }

  fits(want: Want, receiveMaximum: number): boolean {
    return fits(this.#window, want, receiveMaximum)
  }

  add(id: number, flight: Flight): void {
    this.#byId.set(id, flight)
    this.#window = taken(this.#window, flight)
  }

  /** The message of a packet id, no longer in flight. */
  take(id: number): Flight | undefined {
    const flight = this.#byId.get(id)
    if (flight === undefined) return undefined
    this.#byId.delete(id)
    this.#window = released(this.#window, flight)
    return flight
  }

  clear(): void {
    this.#byId.clear()
    this.#window = emptyWindow
  }
}
