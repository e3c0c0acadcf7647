// The seam of one connection to a broker: from CONNECT to its end, never longer. Types only.
// A session holds no queue and replays nothing: what is unanswered when it ends is the caller's to send again.

import type { Millis } from '#core/time.ts'

export interface SessionRequest {
  readonly protocolVersion: 4 | 5
  readonly will: { readonly topic: string; readonly payload: string }
}

/** What the server grants (MQTT 5 CONNACK properties; 3.1.1 knows none of it). */
export interface Grant {
  readonly receiveMaximum: number
  /** The server remembers this client id: it has neither been restarted empty nor let the session expire. */
  readonly sessionPresent: boolean
  /** Bytes of a whole packet. */
  readonly maximumPacketSize?: number
}

export interface Closing {
  readonly cause: string
  /** Who ended it: the server by a CONNACK or DISCONNECT code or by hanging up, the way there, or this side. */
  readonly by: 'refused' | 'peer' | 'network' | 'us'
  /** CONNACK or DISCONNECT reason code, where there was one. */
  readonly code?: number
}

export interface SessionEvents {
  opened(grant: Grant): void
  /** PUBACK of the message with this packet id; 0 is success, 0x10 no matching subscribers (MQTT 5 §3.4.2.1). */
  answered(id: number, reasonCode: number): void
  message(topic: string, payload: Uint8Array, retained: boolean): void
  /** Exactly once, also when it was never opened. */
  closed(closing: Closing): void
}

export interface Publication {
  readonly topic: string
  readonly payload: string
  readonly qos: 0 | 1
  readonly retain: boolean
}

export interface Subscription {
  readonly filter: string
  readonly qos: 0 | 1
  /** Show the RETAIN flag as it was published (MQTT 5 §3.8.3.1), so that a retained command is known at once. */
  readonly retainAsPublished: boolean
  /** What this client publishes itself is not wanted back (MQTT 5; 3.1.1 sends it all the same). */
  readonly noLocal: boolean
}

export interface Session {
  /** Sends at once and returns the packet id (0 for QoS 0). Only between `opened` and `closed`. */
  publish(publication: Publication): number
  /** Subscribes; reports the filters that were refused. */
  subscribe(
    subscriptions: readonly Subscription[],
    done: (refused: readonly string[]) => void,
  ): void
  /** True while the socket has not taken what was written: nothing of low value should be added. */
  congested(): boolean
  /** Ends the connection without a word; `closed` follows before this returns. */
  abort(cause: string): void
  /** Sends DISCONNECT, so that the will is discarded, and closes; resolves when closed or after the given time. */
  close(withinMs: Millis): Promise<void>
}

/** Begins a connection. Throws in words when it cannot even begin (a secret file is missing). */
export type OpenSession = (request: SessionRequest, events: SessionEvents) => Session
