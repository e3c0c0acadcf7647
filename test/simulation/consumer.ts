// The historian: takes what the broker forwards, asks for what it finds missing, confirms what it has stored. Decides when to
// ask; what it knows is the account's.

import { Account, type AccountListener, type StreamName } from './account.ts'
import type { Broker } from './broker.ts'
import type { Dice } from './dice.ts'
import { CONSUMER } from './site.ts'
import type { Timeline } from './timeline.ts'

export const BASE = 'cr/v1/org/site/gw-01/'
const CONFIRM_MS = 20_000
const ASK_MS = 60_000
const STREAMS: readonly StreamName[] = ['readings', 'event']

export interface ConsumerOptions {
  readonly broker: Broker
  readonly timeline: Timeline
  readonly dice: Dice
  readonly intervalOf: (point: string) => number | 'sample' | undefined
  readonly listener: Omit<AccountListener, 'epochBegan'>
  readonly seen: (what: string) => void
  readonly replied: (user: string, payload: string) => void
}

export class Consumer {
  readonly account: Account
  readonly #options: ConsumerOptions
  readonly #confirmed: Record<StreamName, number> = { readings: 0, event: 0 }
  readonly #asked: Record<StreamName, number> = { readings: -ASK_MS, event: -ASK_MS }
  #present = true
  /** True time since which it hears everything; infinite while it does not. */
  hearsSince = 0
  #subscribed = false
  #orders = 0

  constructor(options: ConsumerOptions) {
    this.#options = options
    this.account = new Account(options.intervalOf, {
      ...options.listener,
      epochBegan: () => {
        this.#confirmed.readings = 0
        this.#confirmed.event = 0
      },
    })
    this.subscribe()
    this.#work()
  }

  /** Up to where it has confirmed a stream. */
  confirmed(stream: StreamName): number {
    return this.#confirmed[stream]
  }

  subscribe(): void {
    if (this.#subscribed) return
    this.#subscribed = true
    this.#hears()
    const self = this
    this.account.retained.clear()
    this.#options.broker.subscribe({
      get present() {
        return self.#present
      },
      receive: (topic, payload, retained) => this.#receive(topic, payload, retained),
    })
  }

  /** Nobody listens for a while. */
  leave(ms: number): void {
    if (!this.#subscribed) return
    const { broker, timeline } = this.#options
    this.#subscribed = false
    this.#hears()
    broker.unsubscribe()
    timeline.after(ms, () => this.subscribe())
  }

  /** Away with a session that the broker keeps. */
  goAway(ms: number): void {
    const { timeline, seen } = this.#options
    seen('consumer away')
    this.#present = false
    this.#hears()
    timeline.after(ms, () => this.#back())
  }

  /** Here again; the retained topics are read afresh, since the broker may have dropped news of them. */
  #back(): void {
    if (this.#present) return
    this.#present = true
    this.#hears()
    this.#options.broker.back()
    if (!this.#subscribed) return
    this.#subscribed = false
    this.subscribe()
  }

  /** The faults end. */
  calm(): void {
    this.#back()
    this.subscribe()
  }

  /** The broker restarted empty: the consumer notices, and subscribes anew. */
  forgotten(): void {
    if (!this.#subscribed) return
    this.#subscribed = false
    this.#present = true
    this.#hears()
    this.#options.broker.unsubscribe()
    this.#options.timeline.after(this.#options.dice.between(1000, 8000), () => this.subscribe())
  }

  #hears(): void {
    const hears = this.#present && this.#subscribed
    this.hearsSince = hears ? this.#options.timeline.now : Number.POSITIVE_INFINITY
  }

  #receive(topic: string, payload: string, retained: boolean): void {
    if (!topic.startsWith(BASE)) return
    const leaf = topic.slice(BASE.length)
    this.account.take(leaf, payload, retained)
    if (leaf.startsWith('reply/')) this.#options.replied(leaf.slice('reply/'.length), payload)
  }

  #work(): void {
    const { timeline } = this.#options
    timeline.after(CONFIRM_MS, () => {
      if (this.#subscribed && this.#present) for (const stream of STREAMS) this.#care(stream)
      this.#work()
    })
  }

  #care(stream: StreamName): void {
    const { broker, timeline, seen } = this.#options
    const { epoch } = this.account
    const received = this.account.stream(stream)
    const hole = received.hole()
    if (hole !== undefined && timeline.now - this.#asked[stream] >= ASK_MS) {
      seen('replay asked for')
      this.#asked[stream] = timeline.now
      const id = `replay-${++this.#orders}`
      const order = {
        v: 1,
        id,
        aud: 'gw-01',
        by: CONSUMER,
        stream,
        epoch,
        from: hole.from + 1,
        to: hole.to,
      }
      broker.publish(`${BASE}cmd/replay/${CONSUMER}`, JSON.stringify(order), false)
    }
    const { through } = received
    if (through <= this.#confirmed[stream]) return
    this.#confirmed[stream] = through
    const confirm = { v: 1, epoch, through }
    broker.publish(`${BASE}confirm/${stream}/${CONSUMER}`, JSON.stringify(confirm), true)
  }
}
