// Keeps one session to the broker: when to try, with which protocol version, how long to wait, when to suspect a second
// client of the same id. It never looks at messages. Driven by the injected clock alone.

import { backoffDelay } from '#core/backoff.ts'
import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { Closing, Grant, OpenSession, Session } from './session.ts'

/** Contract §3 "Delivery": full jitter, the first try within 2 s, at most 60 s. */
const RETRY = { firstMsMax: 2000, msMax: 60_000 } as const
/** After a takeover two gateways would throw each other out for ever; give a person time to look (faults.md NE5). */
const TAKEOVER_RETRY = { firstMsMax: 10_000, msMax: 300_000 } as const
/** From the first byte to the CONNACK, name resolution and TLS included. */
const CONNECT_DEADLINE_MS: Millis = 10_000
const SHORT_SESSION_MS: Millis = 10_000
const SHORT_SESSIONS_MAX = 3

const UNSUPPORTED_VERSION = new Set([0x01, 0x84])
const SESSION_TAKEN_OVER = 0x8e
/** DISCONNECT codes by which a server asks to be left alone for a while: busy, quota, rate. */
const BUSY = new Set([0x89, 0x96, 0x97, 0x9f])

export interface ConnectionEvents {
  opened(session: Session, grant: Grant, protocolVersion: 4 | 5): void
  answered(id: number, reasonCode: number): void
  message(topic: string, payload: Uint8Array, retained: boolean): void
  /** An open session ended. */
  closed(closing: Closing): void
  /** An attempt failed; no session was ever open. */
  failed(closing: Closing): void
  takeover(): void
}

export interface ConnectionOptions {
  readonly open: OpenSession
  readonly will: () => { readonly topic: string; readonly payload: string }
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly events: ConnectionEvents
}

export class Connection {
  readonly #options: ConnectionOptions
  #session: Session | undefined
  #version: 4 | 5 = 5
  #openedAt: Millis | undefined
  #failures = 0
  #shortSessions = 0
  #takeovers = 0
  #suspected = false
  #cancel: (() => void) | undefined
  #stopped = true

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** Begins to connect; starting twice is safe. */
  start(): void {
    if (!this.#stopped) return
    this.#stopped = false
    this.#attempt()
  }

  /** Ends the session and tries no more. */
  async stop(withinMs: Millis): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    const session = this.#session
    if (session === undefined) return
    if (this.#openedAt === undefined) session.abort('stopped')
    else await session.close(withinMs)
  }

  #attempt(): void {
    const { open, will, clock, log } = this.#options
    const version = this.#version
    this.#openedAt = undefined
    this.#cancel = clock.at(clock.now().mono + CONNECT_DEADLINE_MS, () =>
      this.#session?.abort(`no CONNACK within ${CONNECT_DEADLINE_MS / 1000} s`),
    )
    log.debug('uplink_connecting', { protocolVersion: version })
    let ended: Closing | undefined
    try {
      const session: Session = open(
        { protocolVersion: version, will: will() },
        {
          opened: (grant) => this.#opened(session, grant),
          answered: (id, code) => this.#options.events.answered(id, code),
          message: (topic, payload, retained) =>
            this.#options.events.message(topic, payload, retained),
          closed: (closing) => {
            ended = closing
            this.#closed(closing)
          },
        },
      )
      if (ended === undefined) this.#session = session
    } catch (error) {
      this.#closed({ cause: (error as Error).message, by: 'us' })
    }
  }

  #opened(session: Session, grant: Grant): void {
    this.#cancel?.()
    this.#openedAt = this.#options.clock.now().mono
    this.#failures = 0
    this.#options.events.opened(session, grant, this.#version)
  }

  #closed(closing: Closing): void {
    this.#cancel?.()
    this.#session = undefined
    const openedAt = this.#openedAt
    this.#openedAt = undefined
    if (openedAt === undefined) return this.#afterFailure(closing)
    this.#options.events.closed(closing)
    this.#afterSession(closing, this.#options.clock.now().mono - openedAt)
  }

  #afterFailure(closing: Closing): void {
    if (
      this.#version === 5 &&
      closing.code !== undefined &&
      UNSUPPORTED_VERSION.has(closing.code)
    ) {
      this.#options.log.warn('uplink_protocol_fallback', { protocolVersion: 4 })
      this.#version = 4
      return this.#retryIn(0)
    }
    this.#options.events.failed(closing)
    this.#shortSessions = 0
    this.#version = 5
    this.#retryIn(backoffDelay(RETRY, this.#failures++, this.#options.random))
  }

  #afterSession(closing: Closing, lastedMs: Millis): void {
    const { random, events } = this.#options
    const wasVersion = this.#version
    this.#version = 5
    const takenOver = this.#isTakeover(closing, lastedMs, wasVersion)
    if (takenOver) {
      if (!this.#suspected) events.takeover()
      this.#suspected = true
      return this.#retryIn(backoffDelay(TAKEOVER_RETRY, this.#takeovers++, random))
    }
    if (lastedMs >= SHORT_SESSION_MS) {
      this.#takeovers = 0
      this.#suspected = false
    }
    if (closing.code !== undefined && BUSY.has(closing.code)) this.#failures++
    this.#retryIn(backoffDelay(RETRY, this.#failures, random))
  }

  /**
   * MQTT 5 servers say so (0x8E). On 3.1.1 all that shows is that one session after the other is short although the
   * broker is always there: an attempt that failed in between speaks for a broker in trouble instead.
   */
  #isTakeover(closing: Closing, lastedMs: Millis, version: 4 | 5): boolean {
    if (closing.code === SESSION_TAKEN_OVER) return true
    const short = version === 4 && closing.by === 'peer' && lastedMs < SHORT_SESSION_MS
    this.#shortSessions = short ? this.#shortSessions + 1 : 0
    return this.#shortSessions >= SHORT_SESSIONS_MAX
  }

  #retryIn(ms: Millis): void {
    if (this.#stopped) return
    const { clock } = this.#options
    this.#cancel = clock.at(clock.now().mono + ms, () => this.#attempt())
  }
}
