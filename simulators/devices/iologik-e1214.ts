// The Moxa ioLogik E1214 from its manual (Modbus/TCP default address mappings): six relays as coils 0 to 5, written by functions 5
// and 15 and read by 1, and the host connection watchdog, which puts the relays into their safe status (off) when no
// request came for its time. The stack light of the simulated Cell Factory hangs on it.

import type { Millis } from '#core/time.ts'
import type { Table } from '../wire/pdu.ts'
import { EXCEPTION, type Refusal, refuse } from '../wire/refusal.ts'
import type { InstrumentParts, SimulatedInstrument, SnapshotValue, Step } from './instrument.ts'

const RELAYS = 6
/** Set on the module: longer than the heartbeat of whoever writes to it. */
const WATCHDOG_MS: Millis = 10_000

export class IoLogikE1214 implements SimulatedInstrument {
  readonly functions = [1, 5, 15]
  readonly #parts: InstrumentParts
  #relays: number[] = new Array<number>(RELAYS).fill(0)
  /** A request came since the last step. */
  #asked = false
  #lastMono: Millis = Number.NEGATIVE_INFINITY
  #writes = 0

  constructor(parts: InstrumentParts) {
    this.#parts = parts
  }

  tick({ mono }: Step): void {
    if (this.#asked) this.#lastMono = mono
    this.#asked = false
    if (mono - this.#lastMono > WATCHDOG_MS) this.#relays.fill(0)
  }

  powerUp(): void {
    this.#relays.fill(0)
  }

  read(table: Table, address: number, quantity: number): readonly number[] | Refusal {
    if (table !== 'coil' || address + quantity > RELAYS) return refuse(EXCEPTION.illegalAddress)
    this.#asked = true
    return this.#relays.slice(address, address + quantity)
  }

  write(table: Table, address: number, values: readonly number[]): Refusal | undefined {
    if (table !== 'coil' || address + values.length > RELAYS)
      return refuse(EXCEPTION.illegalAddress)
    this.#asked = true
    this.#writes++
    // A relay that is stuck takes the command and does not move.
    if (this.#parts.faults.active('frozen', this.#lastMono) !== undefined) return undefined
    for (const [index, value] of values.entries()) this.#relays[address + index] = value
    return undefined
  }

  snapshot(): Readonly<Record<string, SnapshotValue>> {
    const relays = this.#relays.map((value, index): [string, boolean] => [
      `DO${index}`,
      value === 1,
    ])
    return { ...Object.fromEntries(relays), writes: this.#writes }
  }
}
