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
/** An alarm does not sit out a long wait: the next try comes this long after the one before, plus the jitter of a first one. */
const HURRY_AFTER_MS: Millis = 10_000
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
  /** An open session ended; true when a single message explains why the peer hung up. */
  closed(closing: Closing): boolean
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
  #attemptedAt: Millis = Number.NEGATIVE_INFINITY
  /** When the next attempt is due, while one is waited for. */
  #dueAt: Millis | undefined
  #failures = 0
  /** The session that ended last was short, and the peer hung up without a reason. */
  #wasThrownOut = false
  /** So was the one before the present one. */
  #followsThrownOut = false
  /** The server of the present session knows us: it was not restarted empty in between. */
  #remembered = false
  /** How many sessions in a row followed such an end on a server that remembers. */
  #thrownOut = 0
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
    this.#dueAt = undefined
    this.#cancel?.()
    const session = this.#session
    if (session === undefined) return
    if (this.#openedAt === undefined) session.abort('stopped')
    else await session.close(withinMs)
  }

  /** An alarm waits to go out: the next attempt comes soon, however long the back-off has become. */
  hurry(): void {
    if (this.#dueAt === undefined) return
    const { clock, random } = this.#options
    const { mono } = clock.now()
    const from = Math.max(mono, this.#attemptedAt + HURRY_AFTER_MS)
    // what comes as soon as any first try stays as it is: alarm upon alarm must not put it off
    if (this.#dueAt <= from + RETRY.firstMsMax) return
    this.#cancel?.()
    this.#retryIn(from - mono + random() * RETRY.firstMsMax)
  }

  /** The server still holds what was said in an earlier session. */
  remembered(): void {
    this.#remembered = true
  }

  #attempt(): void {
    const { open, will, clock, log } = this.#options
    const version = this.#version
    this.#openedAt = undefined
    this.#dueAt = undefined
    this.#attemptedAt = clock.now().mono
    this.#cancel = clock.at(this.#attemptedAt + CONNECT_DEADLINE_MS, () =>
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
    this.#followsThrownOut = this.#wasThrownOut
    this.#remembered = grant.sessionPresent
    this.#options.events.opened(session, grant, this.#version)
  }

  #closed(closing: Closing): void {
    this.#cancel?.()
    this.#session = undefined
    const openedAt = this.#openedAt
    this.#openedAt = undefined
    if (openedAt === undefined) return this.#afterFailure(closing)
    const explained = this.#options.events.closed(closing)
    this.#afterSession(closing, this.#options.clock.now().mono - openedAt, explained)
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
    this.#wasThrownOut = false
    this.#version = 5
    this.#retryIn(backoffDelay(RETRY, this.#failures++, this.#options.random))
  }

  #afterSession(closing: Closing, lastedMs: Millis, explained: boolean): void {
    const { random, events } = this.#options
    this.#version = 5
    if (this.#isTakeover(closing, lastedMs, explained)) {
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
   * Some servers say so (0x8E); Mosquitto 2.0 and every 3.1.1 server just hang up. What shows then is one short session
   * after the other on a server that is always there and remembers us, with no message to explain it (faults.md fact 9).
   */
  #isTakeover(closing: Closing, lastedMs: Millis, explained: boolean): boolean {
    const { by, code } = closing
    this.#thrownOut = this.#followsThrownOut && this.#remembered ? this.#thrownOut + 1 : 0
    this.#wasThrownOut =
      by === 'peer' && code === undefined && lastedMs < SHORT_SESSION_MS && !explained
    if (code === SESSION_TAKEN_OVER) return true
    return this.#wasThrownOut && this.#thrownOut >= SHORT_SESSIONS_MAX - 1
  }

  #retryIn(ms: Millis): void {
    if (this.#stopped) return
    const { clock } = this.#options
    this.#dueAt = clock.now().mono + ms
    this.#cancel = clock.at(this.#dueAt, () => this.#attempt())
  }
}
