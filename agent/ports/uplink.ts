// The uplink seam: what the runtime tells the way out, and what comes back in. It never holds the only copy of anything.

import type { Stream } from '#core/record.ts'
import type { Millis } from '#core/time.ts'
import type { Head } from './store.ts'

/** Present state of an alarm as published under `alarm/{alarmId}`: already printed. */
export interface AlarmStateMessage {
  readonly alarm: string
  /** JSON text, or empty when the alarm has ceased to exist. */
  readonly payload: string
}

export interface LiveValue {
  readonly zone: string
  readonly point: string
  readonly payload: string
}

/** A command as it came in: the topic's user and the parsed payload, size- and syntax-checked. */
export interface IncomingCommand {
  readonly command: string
  readonly user: string
  readonly payload: unknown
  readonly retained: boolean
  /** Why the payload could not be read (too large, not JSON); `payload` is then undefined. */
  readonly fault?: string
}

/** What the uplink reports back to be recorded. */
export type UplinkNotice =
  | { readonly kind: 'connected'; readonly protocolVersion: 4 | 5 }
  | { readonly kind: 'disconnected'; readonly cause: string }
  | {
      readonly kind: 'rejected'
      readonly stream: Stream
      readonly first: number
      readonly last: number
      readonly reasonCode: number
      readonly detail: string
      /** Nothing was set aside: the stream waits here and is tried again, since nothing of it is let through. */
      readonly held?: true
      /** A retained state that is refused rather than records; `first` and `last` are then 0. */
      readonly topic?: string
    }
  | { readonly kind: 'no_subscriber'; readonly active: boolean }
  | { readonly kind: 'takeover' }
  /** The test alarm came back from the broker: which occurrence. */
  | { readonly kind: 'echo'; readonly occ: string }
  | { readonly kind: 'command'; readonly command: IncomingCommand }
  | {
      readonly kind: 'confirm'
      readonly stream: Stream
      readonly consumer: string
      readonly through: number
    }
  | {
      readonly kind: 'confirm_refused'
      readonly stream: string
      readonly consumer: string
      readonly detail: string
    }
  | ReplayRefusal
  | { readonly kind: 'cursor'; readonly stream: Stream; readonly sent: number }

/** A replay that was asked for and refused; the answer was given already. */
export interface ReplayRefusal {
  readonly kind: 'replay_refused'
  readonly user: string
  readonly id: string | null
  readonly code: 'invalid' | 'identity_mismatch' | 'store_failed'
  readonly detail: string
}

export interface UplinkState {
  readonly connected: boolean
  readonly broker: string
  /** Contiguously delivered sequence number of each stream. */
  readonly sent: Readonly<Record<Stream, number>>
  readonly lastError?: string
}

/** Something that has to go on: it owes progress since this monotonic moment, infinite when it owes none. */
export interface UplinkTask {
  readonly task: string
  readonly dueMono: Millis
}

export interface Uplink {
  start(): void
  /** What is owed now (runtime/watchdog.ts). */
  progress?(): readonly UplinkTask[]
  /** New records are durable up to this head. */
  committed(head: Head): void
  /** Newest states of alarms: retained, rewritten on each transition and at connect. */
  alarmStates(states: readonly AlarmStateMessage[]): void
  /** Point dictionary and limits in force (printed). */
  meta(payload: string): void
  live(values: readonly LiveValue[]): void
  reply(user: string, payload: string): void
  /** Publishes status again (heartbeat, or something in it changed). */
  status(): void
  state(): UplinkState
  /** Publishes the clean shutdown status where it can, waits at most the given time, and closes. */
  stop(reason: string, withinMs: number): Promise<void>
}
