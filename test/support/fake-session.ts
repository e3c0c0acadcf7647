// A broker behind the session seam, in memory and in virtual time: grants, answers and hangs up as a test says.

import type {
  Closing,
  Grant,
  OpenSession,
  Publication,
  Session,
  SessionEvents,
  SessionRequest,
} from '../../agent/uplink/session.ts'

export interface Published extends Publication {
  readonly id: number
  readonly session: number
  /** Topic below the base. */
  readonly leaf: string
}

/** What the broker does with a message: a reason code, no answer, or the end of the connection. */
export type Reaction = number | 'silence' | 'hang up'

export interface FakeBroker {
  readonly open: OpenSession
  /** Everything published, in order. */
  readonly published: readonly Published[]
  readonly requests: readonly SessionRequest[]
  readonly connected: boolean
  /** Most messages in flight at once so far. */
  readonly inFlightMax: number
  readonly bytesInFlightMax: number
  grant: Grant
  /** Refuses connections. */
  refuse: (request: SessionRequest) => Closing | undefined
  /** Leaves connections without CONNACK. */
  mute: boolean
  react: (message: Published) => Reaction
  deliver(topic: string, payload: unknown, retained?: boolean): void
  hangUp(closing?: Partial<Closing>): void
  /** Messages of a topic below the base, parsed. */
  of(leaf: string): Record<string, unknown>[]
}

export function fakeBroker(base: string): FakeBroker {
  const published: Published[] = []
  const requests: SessionRequest[] = []
  let current: { events: SessionEvents; end: (closing: Closing) => void; open: boolean } | undefined
  let packet = 0
  let sessions = 0
  let inFlightMax = 0
  let bytesInFlightMax = 0

  const connect: OpenSession = (request, events): Session => {
    requests.push(request)
    const session = sessions++
    const inFlight = new Map<number, number>()
    let ended = false
    const end = (closing: Closing): void => {
      if (ended) return
      ended = true
      if (current?.events === events) current = undefined
      events.closed(closing)
    }
    const mine = { events, end, open: false }
    current = mine
    queueMicrotask(() => {
      if (ended || broker.mute) return
      const refusal = broker.refuse(request)
      if (refusal !== undefined) return end(refusal)
      mine.open = true
      events.opened(broker.grant)
    })
    const answer = (message: Published): void => {
      const reaction = broker.react(message)
      if (reaction === 'silence' || ended) return
      if (reaction === 'hang up') return end({ cause: 'the broker hung up', by: 'peer' })
      inFlight.delete(message.id)
      events.answered(message.id, reaction)
    }
    return {
      publish: (publication) => {
        if (ended) throw new Error('published on a session that has ended')
        if (publication.qos === 1) packet = (packet % 65_535) + 1
        const id = publication.qos === 0 ? 0 : packet
        const message = { ...publication, id, session, leaf: publication.topic.slice(base.length) }
        published.push(message)
        if (id !== 0) {
          inFlight.set(id, publication.payload.length)
          inFlightMax = Math.max(inFlightMax, inFlight.size)
          const bytes = [...inFlight.values()].reduce((sum, each) => sum + each, 0)
          if (inFlight.size > 1) bytesInFlightMax = Math.max(bytesInFlightMax, bytes)
          queueMicrotask(() => answer(message))
        }
        return id
      },
      subscribe: (_subscriptions, done) => queueMicrotask(() => done([])),
      congested: () => false,
      abort: (cause) => end({ cause, by: 'us' }),
      close: async () => end({ cause: 'closed', by: 'us' }),
    }
  }

  const broker: FakeBroker = {
    open: connect,
    published,
    requests,
    get connected() {
      return current?.open === true
    },
    get inFlightMax() {
      return inFlightMax
    },
    get bytesInFlightMax() {
      return bytesInFlightMax
    },
    grant: { receiveMaximum: 65_535, sessionPresent: false },
    refuse: () => undefined,
    mute: false,
    react: () => 0,
    deliver: (topic, payload, retained = false) =>
      current?.events.message(
        base + topic,
        typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(JSON.stringify(payload)),
        retained,
      ),
    hangUp: (closing = {}) => current?.end({ cause: 'the broker hung up', by: 'peer', ...closing }),
    of: (leaf) =>
      published
        .filter((message) => message.leaf === leaf && message.payload !== '')
        .map(({ payload }) => JSON.parse(payload) as Record<string, unknown>),
  }
  return broker
}
