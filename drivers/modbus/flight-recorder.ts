// The flight recorder of one bus (URS-15): the last requests of each unit with the bytes that came back, and the last events of
// the line. Keeps bytes in buffers made once, so that recording costs a copy and no garbage; decides nothing, forgets the oldest.

import type { Millis } from '#core/time.ts'
import type { RecordedEvent, RecordedExchange, WireRecording } from '#ports/driver.ts'

/** Requests kept of each unit: 40 frames. */
export const EXCHANGES_PER_UNIT = 20
/** Events of the bus that are kept. */
const EVENTS_MAX = 40
/** Units of a bus (Modbus knows no more). */
const UNITS_MAX = 256
const REQUEST_LENGTH = 12
/** Longest reply: 253 bytes of PDU, header or CRC around it; what goes beyond is counted, not kept. */
const REPLY_LENGTH_MAX = 264
const WORDS_LENGTH_MAX = 200

interface Slot {
  atMono: Millis
  tookMs: Millis
  verdict: string
  order: number
  requestLength: number
  replyLength: number
  /** Bytes of the reply that were not kept. */
  more: number
  readonly request: Uint8Array
  reply: Uint8Array
}

interface Track {
  readonly unitId: number
  readonly slots: Slot[]
  next: number
}

/** Bytes of a reply are first kept in so many; a unit that sends more is given the full length. */
const REPLY_LENGTH_USUAL = 40

export class FlightRecorder {
  readonly #tracks = new Map<number, Track>()
  readonly #events: RecordedEvent[] = []
  #nextEvent = 0
  #open: Slot | undefined
  #order = 0

  /** A request has left. */
  sent(unitId: number, bytes: Uint8Array, nowMono: Millis): void {
    const slot = this.#slotOf(unitId)
    slot.atMono = nowMono
    slot.tookMs = 0
    slot.verdict = 'open'
    slot.order = this.#order++
    slot.replyLength = 0
    slot.more = 0
    slot.requestLength = Math.min(bytes.length, REQUEST_LENGTH)
    for (let index = 0; index < slot.requestLength; index++) {
      slot.request[index] = bytes[index] ?? 0
    }
    this.#open = slot
  }

  /** Bytes have come in; they belong to the request under way, or to nobody. */
  received(bytes: Uint8Array, nowMono: Millis): void {
    const slot = this.#open
    if (slot === undefined) {
      const some = hex(bytes, Math.min(bytes.length, EVENT_BYTES_MAX))
      this.event(`${bytes.length} bytes nobody asked for: ${some}`, nowMono)
      return
    }
    const room = REPLY_LENGTH_MAX - slot.replyLength
    const taken = Math.min(bytes.length, room)
    if (slot.replyLength + taken > slot.reply.length) {
      const wider = new Uint8Array(REPLY_LENGTH_MAX)
      wider.set(slot.reply)
      slot.reply = wider
    }
    for (let index = 0; index < taken; index++) {
      slot.reply[slot.replyLength + index] = bytes[index] ?? 0
    }
    slot.replyLength += taken
    slot.more += bytes.length - taken
  }

  /** The request under way has ended. */
  settled(verdict: string, nowMono: Millis): void {
    const slot = this.#open
    if (slot === undefined) return
    slot.verdict = verdict
    slot.tookMs = nowMono - slot.atMono
    this.#open = undefined
  }

  /** Something happened on the line, in words. */
  event(what: string, nowMono: Millis): void {
    this.#events[this.#nextEvent] = { atMono: nowMono, what: what.slice(0, WORDS_LENGTH_MAX) }
    this.#nextEvent = (this.#nextEvent + 1) % EVENTS_MAX
  }

  /** The newest exchanges of one unit, or of all units together, and the events; oldest first. */
  recording(unitId?: number): WireRecording {
    const exchanges: { readonly order: number; readonly exchange: RecordedExchange }[] = []
    for (const track of this.#tracks.values()) {
      if (unitId !== undefined && track.unitId !== unitId) continue
      for (const slot of track.slots) {
        exchanges.push({ order: slot.order, exchange: exchangeOf(track.unitId, slot) })
      }
    }
    exchanges.sort((one, other) => one.order - other.order)
    return {
      exchanges: exchanges.slice(-EXCHANGES_PER_UNIT).map(({ exchange }) => exchange),
      events: [
        ...this.#events.slice(this.#nextEvent),
        ...this.#events.slice(0, this.#nextEvent),
      ].filter((event) => event !== undefined),
    }
  }

  #slotOf(unitId: number): Slot {
    let track = this.#tracks.get(unitId)
    if (track === undefined) {
      if (this.#tracks.size >= UNITS_MAX) this.#tracks.clear()
      track = { unitId, slots: [], next: 0 }
      this.#tracks.set(unitId, track)
    }
    let slot = track.slots[track.next]
    if (slot === undefined) {
      slot = {
        atMono: 0,
        tookMs: 0,
        verdict: 'open',
        order: 0,
        requestLength: 0,
        replyLength: 0,
        more: 0,
        request: new Uint8Array(REQUEST_LENGTH),
        reply: new Uint8Array(REPLY_LENGTH_USUAL),
      }
      track.slots[track.next] = slot
    }
    track.next = (track.next + 1) % EXCHANGES_PER_UNIT
    return slot
  }
}

/** Bytes of a stray chunk that its event shows. */
const EVENT_BYTES_MAX = 64

function exchangeOf(unitId: number, slot: Slot): RecordedExchange {
  const { atMono, tookMs, verdict, request, requestLength, reply, replyLength, more } = slot
  return {
    atMono,
    unitId,
    request: hex(request, requestLength),
    reply: more === 0 ? hex(reply, replyLength) : `${hex(reply, replyLength)} and ${more} more`,
    verdict,
    tookMs,
  }
}

const hex = (bytes: Uint8Array, length: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('hex')
