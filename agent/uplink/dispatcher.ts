// Whose message goes next on the open session, and what its answer means to whom: lanes in order of precedence through one
// bounded window (URS-57). It opens no connection and writes no notice; it holds no message but those in flight.

import type { Loss } from '#core/outbox.ts'
import type { Stream } from '#core/record.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import { Flights } from './flights.ts'
import type { Replays } from './replays.ts'
import type { Closing, Grant, Session } from './session.ts'
import type { StateLane, StateMessage, StateRefusal } from './state-lane.ts'
import type { StreamLane } from './stream-lane.ts'
import type { Lane } from './window.ts'

/** A broker that owes an answer for this long is not one to wait for. */
const PUBACK_MS_MAX: Millis = 30_000
/** Bytes of a PUBLISH beside topic and payload: fixed header, topic length, packet id, property length. */
const PACKET_OVERHEAD = 16
const NO_SUBSCRIBER = 0x10
/** DISCONNECT codes that say nothing about the messages in flight: closing down, busy, timeout, takeover, moved … */
const INNOCENT = new Set([0x89, 0x8b, 0x8d, 0x8e, 0x93, 0x96, 0x97, 0x98, 0x9c, 0x9d, 0x9f, 0xa0])

export interface DispatcherOptions {
  readonly base: string
  readonly clock: Clock
  readonly states: StateLane
  readonly lanes: Readonly<Record<Stream, StreamLane>>
  readonly replays: Replays
  /** A state was taken over; `heard` is whether anybody subscribes to it, as far as the broker says. */
  readonly taken: (heard: boolean) => void
  readonly refused: (refusal: StateRefusal) => void
}

interface Message {
  readonly lane: Lane
  readonly topic: string
  readonly retain: boolean
  readonly bytes: number
  readonly alone: boolean
  /** Takes the payload out of its lane: called only when it is sent at once. */
  readonly take: () => string
  readonly answered: (reasonCode: number) => void
}

export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #flights = new Flights()
  #session: Session | undefined
  #grant: Grant = { receiveMaximum: 1, sessionPresent: false }
  /** PUBACKs of this session: shows that the broker answers at all. */
  #answers = 0
  #cancelWatch: (() => void) | undefined
  #pumping = false
  #again = false
  #lastWords = false
  #whenIdle: (() => void) | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  get session(): Session | undefined {
    return this.#session
  }

  /** A session is open, and nothing is on its way: whatever may go could go. */
  get free(): boolean {
    return this.#session !== undefined && this.#flights.size === 0 && !this.#lastWords
  }

  /** A session is open: everything that waits may go. */
  open(session: Session, grant: Grant): void {
    this.#session = session
    this.#grant = grant
    this.#answers = 0
  }

  /** The session is gone; all in flight goes back to its lanes, blamed where the peer hung up on it. Returns the blame. */
  closed(closing: Closing): Loss {
    const { states, lanes, replays, refused } = this.#options
    const loss = this.#lossOf(closing)
    const bytes = this.#flights.loneBytes
    this.#session = undefined
    this.#cancelWatch?.()
    this.#cancelWatch = undefined
    this.#flights.clear()
    const refusal = states.lost(loss, this.#mono())
    if (refusal !== undefined) refused(refusal)
    lanes.event.lost(loss, closing.code, bytes)
    lanes.readings.lost(loss, closing.code, bytes)
    replays.current?.lost(loss, closing.code, bytes)
    this.#whenIdle?.()
    return loss
  }

  /** PUBACK of a packet id. */
  answered(id: number, reasonCode: number): void {
    const flight = this.#flights.take(id)
    if (flight === undefined) return
    this.#answers++
    flight.answered(reasonCode)
    this.pump()
  }

  /** Sends all that may go now. */
  pump(): void {
    this.#again = true
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#again) {
        this.#again = false
        while (this.#sendNext()) this.#again = false
      }
    } finally {
      this.#pumping = false
    }
    if (this.#flights.size === 0) this.#whenIdle?.()
  }

  /** From now on only states and events go out; resolves when they are through, or after the given time. */
  lastWords(withinMs: Millis): Promise<void> {
    this.#lastWords = true
    const { clock, lanes, states } = this.#options
    const done = () =>
      this.#session === undefined ||
      (this.#flights.size === 0 &&
        states.idle(this.#mono()) &&
        (lanes.event.idle || lanes.event.paused))
    return new Promise((resolve) => {
      const finish = () => {
        cancel()
        this.#whenIdle = undefined
        resolve()
      }
      const cancel = clock.at(this.#mono() + withinMs, finish)
      this.#whenIdle = () => {
        if (done()) finish()
      }
      this.pump()
    })
  }

  /** Sends the message of highest precedence, if there is one and the window has room for it. */
  #sendNext(): boolean {
    if (this.#session === undefined) return false
    const { states, lanes, replays } = this.#options
    const state = states.next(this.#mono())
    if (state !== undefined) return this.#sendState(state)
    const event = this.#sendFrom('event', lanes.event)
    if (event !== undefined) return event
    if (this.#lastWords) return false
    const readings = this.#sendFrom('readings', lanes.readings)
    if (readings !== undefined) return readings
    const replay = replays.lane()
    return replay === undefined ? false : (this.#sendFrom('replay', replay) ?? false)
  }

  #sendState(message: StateMessage): boolean {
    const { states, base, taken, refused } = this.#options
    const { leaf, payload, retain, alone } = message
    const topic = base + leaf
    const bytes = Buffer.byteLength(payload) + topic.length + PACKET_OVERHEAD
    const report = (refusal: StateRefusal | undefined) => {
      if (refusal !== undefined) refused(refusal)
    }
    if (bytes > this.#packetBytesMax()) {
      report(states.oversize(message, this.#mono()))
      return true
    }
    return this.#send({
      lane: 'state',
      topic,
      retain,
      bytes,
      alone,
      take: () => {
        states.sent(message)
        return payload
      },
      answered: (code) => {
        report(states.answered(message, code, this.#mono()))
        if (code < 0x80) taken(code !== NO_SUBSCRIBER)
      },
    })
  }

  /** undefined: the lane has nothing to send now; false: it has, but it does not fit. */
  #sendFrom(name: Lane, lane: StreamLane): boolean | undefined {
    const topic = this.#options.base + lane.stream
    const next = lane.peek(this.#packetBytesMax() - topic.length - PACKET_OVERHEAD)
    if (next === undefined) return undefined
    const { first, records, bytes, alone } = next
    return this.#send({
      lane: name,
      topic,
      retain: false,
      bytes,
      alone,
      take: () => lane.take(),
      answered: (code) => {
        lane.answered(first, code, bytes)
        if (name === 'replay' && code === 0) this.#options.replays.delivered(lane, records)
      },
    })
  }

  #send({ lane, topic, retain, bytes, alone, take, answered }: Message): boolean {
    const session = this.#session
    if (session === undefined) return false
    if (!this.#flights.fits({ lane, bytes, alone }, this.#grant.receiveMaximum)) return false
    const payload = take()
    const id = session.publish({ topic, payload, qos: 1, retain })
    this.#flights.add(id, { lane, bytes, alone, at: this.#mono(), answered })
    this.#watchAnswers()
    return true
  }

  #packetBytesMax(): number {
    return this.#grant.maximumPacketSize ?? Number.POSITIVE_INFINITY
  }

  /** Whether the messages in flight can have been the reason. */
  #lossOf({ by, code }: Closing): Loss {
    const owed = by === 'us' && this.#owed() && this.#answers > 0
    const hungUp = by === 'peer' && (code === undefined || !INNOCENT.has(code))
    if (this.#flights.size === 0 || !(hungUp || owed)) return 'unblamed'
    return this.#flights.size === 1 ? 'alone' : 'crowd'
  }

  #owed(): boolean {
    const { oldestAt } = this.#flights
    return oldestAt !== undefined && this.#mono() - oldestAt >= PUBACK_MS_MAX
  }

  /** Watches the answer that is owed longest: one timer, re-armed for whichever that is by then. */
  #watchAnswers(): void {
    const { oldestAt } = this.#flights
    if (oldestAt === undefined || this.#cancelWatch !== undefined) return
    this.#cancelWatch = this.#options.clock.at(oldestAt + PUBACK_MS_MAX, () => {
      this.#cancelWatch = undefined
      if (this.#owed()) this.#session?.abort(`no PUBACK for ${PUBACK_MS_MAX / 1000} s`)
      else this.#watchAnswers()
    })
  }

  #mono(): Millis {
    return this.#options.clock.now().mono
  }
}
