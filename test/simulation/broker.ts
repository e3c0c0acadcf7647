// A broker behind the uplink's session seam: sessions, retained messages, a will, acknowledgements that may be lost, refusals,
// takeovers, and a memory that may go. Decides only what a broker decides; what is right is the checks' business.

import type {
  Closing,
  OpenSession,
  Publication,
  Session,
  SessionEvents,
  SessionRequest,
} from '../../agent/uplink/session.ts'
import type { Dice } from './dice.ts'
import { Gone } from './gone.ts'
import type { Process } from './machine.ts'
import type { FaultRates } from './scenario.ts'
import type { Timeline } from './timeline.ts'

/** Messages kept for a consumer that is away; what is beyond is lost, oldest first. */
const QUEUE_MAX = 200

export interface Subscriber {
  /** Away subscribers have their messages queued. */
  readonly present: boolean
  receive(topic: string, payload: string, retained: boolean): void
}

export interface BrokerOptions {
  readonly timeline: Timeline
  readonly dice: Dice
  readonly faults: FaultRates
  readonly seen: (what: string) => void
  readonly broken: (invariant: string, words: string) => void
}

interface Connected {
  readonly process: Process
  readonly events: SessionEvents
  readonly request: SessionRequest
  open: boolean
  ended: boolean
  /** What the agent knows of it: a process that is stopped is told of the end once it runs again. */
  told: 'nothing' | 'opened' | 'closed'
  inFlight: number
  /** Nothing overtakes: when the last message each way arrives. */
  upArrival: number
  downArrival: number
}

const QUIET_LATENCY_MS = 20

export class Broker {
  readonly #options: BrokerOptions
  readonly retained = new Map<string, string>()
  #faults: FaultRates
  #subscriber: Subscriber | undefined
  #queued: [topic: string, payload: string][] = []
  #session: Connected | undefined
  #known = false
  #downUntil = 0
  #poison: { readonly topic: string; readonly record: string } | undefined
  #poisonUntil = Number.NEGATIVE_INFINITY
  #denyUntil = 0
  connects: number[] = []
  /** True time since which the present session is open; infinite without one. */
  openSince = Number.POSITIVE_INFINITY
  /** True time at which it refused a message last, and said so. */
  refusedAt = Number.NEGATIVE_INFINITY
  /** What the agent may have taken for delivered and no consumer got. */
  readonly lost = new Gone()
  receiveMaximum = 65_535

  constructor(options: BrokerOptions) {
    this.#options = options
    this.#faults = options.faults
    if (options.faults.smallWindow !== undefined)
      this.receiveMaximum = options.dice.pick([1, 2, 5, 20])
  }

  calm(): void {
    this.#faults = {}
    this.#downUntil = 0
    this.#denyUntil = 0
    this.#poisonUntil = Number.NEGATIVE_INFINITY
  }

  get connected(): boolean {
    return this.#session?.open === true
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscriber = subscriber
    for (const [topic, payload] of this.retained) subscriber.receive(topic, payload, true)
  }

  unsubscribe(): void {
    this.#subscriber = undefined
    this.#loseQueue()
  }

  /** The subscriber is back: what was kept for it comes first. */
  back(): void {
    const queued = this.#queued
    this.#queued = []
    for (const [topic, payload] of queued) this.#subscriber?.receive(topic, payload, false)
  }

  /** Something another client publishes; commands reach the agent only while it is connected. */
  publish(topic: string, payload: string, retain: boolean): void {
    if (this.#options.timeline.now < this.#downUntil) return
    if (retain) this.retained.set(topic, payload)
    const session = this.#session
    if (session?.open === true)
      this.#down(session, () => this.#message(session, topic, payload, false))
  }

  /** Every connection ends; what is on its way is lost, acknowledgements too. */
  cut(closing: Closing = { cause: 'connection reset', by: 'network' }): void {
    const session = this.#session
    if (session === undefined) return
    this.#options.timeline.trace(`broker: ${closing.cause}`)
    this.#end(session, closing, true)
  }

  goDown(ms: number): void {
    this.#downUntil = Math.max(this.#downUntil, this.#options.timeline.now + ms)
    this.cut({ cause: 'broker gone', by: 'peer' })
  }

  /** Restarts without its memory: retained messages, sessions and everything queued are gone. */
  forget(): void {
    this.goDown(2000)
    this.retained.clear()
    this.#loseQueue()
    this.#known = false
    this.#options.seen('broker forgot')
  }

  deny(ms: number): void {
    this.#denyUntil = this.#options.timeline.now + ms
  }

  /** Hangs up on whoever sends the next record of a stream that comes, and on it again, until then. */
  poison(ms: number): void {
    this.#poison = undefined
    this.#poisonUntil = this.#options.timeline.now + ms
  }

  #isPoisoned(topic: string, payload: string): boolean {
    if (this.#options.timeline.now >= this.#poisonUntil) return false
    this.#poison ??= poisonOf(topic, payload)
    return this.#poison.topic === topic && payload.includes(this.#poison.record)
  }

  takeover(): void {
    const old = this.#faults.brokerOld !== undefined
    this.cut({ cause: 'session taken over', by: 'peer', ...(!old && { code: 0x8e }) })
    this.#options.seen('session taken over')
  }

  /** The agent's machine vanished without a word: the broker finds out by keep-alive. */
  vanished(process: Process): void {
    const session = this.#session
    if (session?.process !== process) return
    this.#options.timeline.after(1500, () => {
      if (this.#session === session)
        this.#end(session, { cause: 'keep-alive', by: 'network' }, true)
    })
  }

  opener(process: Process): OpenSession {
    return (request, events): Session => {
      const { timeline, dice } = this.#options
      this.connects.push(timeline.now)
      if (this.connects.length > 400) this.connects.splice(0, 200)
      const mine: Connected = {
        ...{ process, events, request, open: false, ended: false, told: 'nothing' },
        ...{ inFlight: 0, upArrival: 0, downArrival: 0 },
      }
      timeline.after(dice.between(5, 40), () => this.#accept(mine))
      let packet = 0
      return {
        publish: (publication) => {
          if (mine.told !== 'opened') throw new Error('published on a session that is not open')
          if (publication.qos === 1) packet = (packet % 65_535) + 1
          const id = publication.qos === 0 ? 0 : packet
          this.#published(mine, publication, id)
          return id
        },
        subscribe: (subscriptions, done) =>
          this.#down(mine, () => {
            for (const [topic, payload] of this.retained) {
              if (subscriptions.some(({ filter }) => matches(filter, topic)))
                this.#message(mine, topic, payload, true)
            }
            done([])
          }),
        congested: () => false,
        abort: (cause) => {
          this.#leave(mine)
          this.#tellClosed(mine, { cause, by: 'us' })
        },
        close: () => {
          this.#leave(mine, false)
          this.#tellClosed(mine, { cause: 'closed', by: 'us' })
          return Promise.resolve()
        },
      }
    }
  }

  #accept(mine: Connected): void {
    const { timeline } = this.#options
    if (mine.ended || !mine.process.alive) return
    if (timeline.now < this.#downUntil) {
      return this.#end(mine, { cause: 'connection refused', by: 'network' }, false)
    }
    if (mine.request.protocolVersion === 5 && this.#faults.brokerOld !== undefined) {
      return this.#end(mine, { cause: 'unsupported', by: 'refused', code: 0x84 }, false)
    }
    const before = this.#session
    if (before !== undefined)
      this.#end(before, { cause: 'taken over', by: 'peer', code: 0x8e }, true)
    this.#session = mine
    mine.open = true
    this.openSince = timeline.now
    const sessionPresent = this.#known
    this.#known = true
    mine.process.post(() => {
      if (mine.ended) return
      timeline.trace(`broker: session opened, version ${mine.request.protocolVersion}`)
      mine.told = 'opened'
      mine.events.opened({ receiveMaximum: this.receiveMaximum, sessionPresent })
    })
  }

  #published(mine: Connected, { topic, payload, retain, qos }: Publication, id: number): void {
    const { timeline, dice, broken } = this.#options
    if (qos === 1) mine.inFlight++
    if (mine.inFlight > this.receiveMaximum)
      broken('S1', `${mine.inFlight} messages in flight, the server takes ${this.receiveMaximum}`)
    timeline.trace(`mqtt: publish ${topic} ${payload.slice(0, 120)}`, qos === 1)
    mine.upArrival = Math.max(mine.upArrival, timeline.now + dice.between(1, QUIET_LATENCY_MS))
    timeline.at(mine.upArrival, () => {
      if (mine.ended) return this.#options.seen('publish lost on the way')
      if (isStream(topic) && this.#isPoisoned(topic, payload)) {
        this.#options.seen('hung up on a message')
        return this.#end(mine, { cause: 'hung up', by: 'peer' }, true)
      }
      const code = this.#take(mine, topic, payload, retain)
      if (qos === 0) return
      this.#down(mine, () => {
        mine.inFlight--
        mine.events.answered(id, code)
      })
    })
  }

  /** The reason code of a message; an old broker says yes to everything, also to what it drops. */
  #take(mine: Connected, topic: string, payload: string, retain: boolean): number {
    const old = mine.request.protocolVersion === 4
    const stream = isStream(topic)
    if (this.#options.timeline.now < this.#denyUntil && stream) {
      this.#options.seen(old ? 'refusal that looks like success' : 'publish denied')
      if (old) this.lost.addMessage(topic, payload)
      else this.refusedAt = this.#options.timeline.now
      return old ? 0 : 0x87
    }
    if (retain) {
      if (payload === '') this.retained.delete(topic)
      else this.retained.set(topic, payload)
    }
    if (this.#subscriber === undefined) {
      this.#options.seen('no subscriber')
      if (old) this.lost.addMessage(topic, payload)
      return old ? 0 : 0x10
    }
    this.#forward(topic, payload)
    return 0
  }

  #forward(topic: string, payload: string): void {
    const subscriber = this.#subscriber
    if (subscriber === undefined) return
    if (subscriber.present) return subscriber.receive(topic, payload, false)
    this.#queued.push([topic, payload])
    const [oldest] = this.#queued
    if (oldest === undefined || this.#queued.length <= QUEUE_MAX) return
    this.#queued.shift()
    this.lost.addMessage(...oldest)
    this.#options.seen('queue overflowed')
  }

  #loseQueue(): void {
    for (const message of this.#queued) this.lost.addMessage(...message)
    this.#queued = []
  }

  #message(mine: Connected, topic: string, payload: string, retained: boolean): void {
    mine.events.message(topic, Buffer.from(payload), retained)
  }

  /** Something on its way to the agent, in order. */
  #down(mine: Connected, call: () => void): void {
    const { timeline, dice } = this.#options
    mine.downArrival = Math.max(mine.downArrival, timeline.now + dice.between(1, QUIET_LATENCY_MS))
    timeline.at(mine.downArrival, () =>
      mine.process.post(() => {
        if (!mine.ended) call()
        else this.#options.seen('acknowledgement lost')
      }),
    )
  }

  #end(mine: Connected, closing: Closing, withWill: boolean): void {
    if (mine.ended) return
    this.#leave(mine, withWill)
    mine.process.post(() => this.#tellClosed(mine, closing))
  }

  /** Exactly once, by whichever end was first to be told. */
  #tellClosed(mine: Connected, closing: Closing): void {
    if (mine.told === 'closed') return
    mine.told = 'closed'
    mine.events.closed(closing)
  }

  #leave(mine: Connected, withWill = true): void {
    const wasOpen = mine.open
    mine.ended = true
    mine.open = false
    if (this.#session === mine) {
      this.#session = undefined
      this.openSince = Number.POSITIVE_INFINITY
    }
    if (!wasOpen || !withWill) return
    const { topic, payload } = mine.request.will
    this.retained.set(topic, payload)
    if (this.#options.timeline.now >= this.#downUntil) this.#forward(topic, payload)
  }
}

const isStream = (topic: string): boolean => topic.endsWith('/readings') || topic.endsWith('/event')

/** The first record of a message, as it is printed in whatever message it comes again. */
function poisonOf(topic: string, payload: string): { topic: string; record: string } {
  const { first, seq } = JSON.parse(payload) as { first?: number; seq?: number }
  return { topic, record: first === undefined ? `"seq":${seq},` : `{"s":${first},` }
}

function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const given = topic.split('/')
  return (
    wanted.length === given.length && wanted.every((part, at) => part === '+' || part === given[at])
  )
}
