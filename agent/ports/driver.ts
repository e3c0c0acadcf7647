// The driver seam: one driver owns one bus, polls one instrument at a time, and never throws for what an
// instrument or a wire does wrong: that comes back as a value with a reason.

import type { Sample } from '#core/particle.ts'
import type { RawSignal } from '#core/reading.ts'
import type { Millis } from '#core/time.ts'

/** One poll of one instrument: the signals of one interval group, or its newest sample. */
export interface PollOrder {
  readonly instrument: string
  /** Signal names of the profile; not looked at where `sample` is true, since the whole record is read. */
  readonly signals: readonly string[]
  /** True asks for the newest record of a sampled instrument; false or absent for plain signals. */
  readonly sample?: boolean
  /**
   * A probe of a parked unit: the first request is tried once, without retries; when it is answered, the poll goes on
   * as any other.
   */
  readonly probe: boolean
}

export interface SignalReply {
  readonly signal: string
  readonly result: RawSignal
  /** Monotonic arrival of the reply that carried it (or of the verdict). */
  readonly arrivedMono: Millis
}

/** A sample with the monotonic arrival of the reply that completed it. */
export interface SampleReply {
  readonly sample: Sample
  readonly arrivedMono: Millis
}

export interface PollReply {
  readonly signals: readonly SignalReply[]
  readonly sample?: SampleReply
  /** Why a sampled instrument gave no record. */
  readonly sampleFault?: RawSignal & { kind: 'fault' }
  /**
   * True when the unit did not answer at all (timeout after retries, or gateway target silent): it is then parked.
   * False also when the whole bus is down, which parks nobody.
   */
  readonly silent: boolean
}

/** State of the link below a bus, for bus_fault and for words on the screen. */
export type LinkState =
  /** `noise`: it works, but too many of its replies come damaged; in words (FB3). */
  | { readonly kind: 'up'; readonly noise?: string }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'down'; readonly cause: string; readonly since: Millis }

/** Counters of what was refused or went wrong on the wire; they only rise. */
export interface BusCounters {
  requests: number
  replies: number
  timeouts: number
  lateReplies: number
  foreignFrames: number
  malformedFrames: number
  exceptions: number
  reconnects: number
  retries: number
}

/** What an instrument says of itself; a field is absent where its profile cannot read it or it would not tell. */
export interface Identity {
  readonly model?: string
  readonly serial?: string
  readonly firmware?: string
}

/** An answer to "who are you". `none`: the profile knows no way to ask. */
export type IdentityReply =
  | { readonly kind: 'none' }
  | { readonly kind: 'identity'; readonly identity: Identity }
  | {
      readonly kind: 'fault'
      readonly fault: RawSignal & { kind: 'fault' }
      /** As in a poll reply: the unit did not answer at all and is to be parked. */
      readonly silent: boolean
    }

/** One request with what came back, as it went over the wire (URS-15). */
export interface RecordedExchange {
  /** Monotonic moment the request left. */
  readonly atMono: Millis
  readonly unitId: number
  /** Bytes in hexadecimal, as on the wire. */
  readonly request: string
  /** Everything that came in until the verdict; empty where nothing did. */
  readonly reply: string
  /** How it ended: `data`, `exception`, `timeout`, `crc`, `frame`, `torn`, `disconnected`, or `open` while it has not. */
  readonly verdict: string
  /** From the request to the verdict. */
  readonly tookMs: Millis
}

/** Something that happened on a bus beside requests: a late reply, a stranger's frame, the link gone or back. */
export interface RecordedEvent {
  readonly atMono: Millis
  readonly what: string
}

/** The last of what went over a bus, oldest first; a copy. */
export interface WireRecording {
  readonly exchanges: readonly RecordedExchange[]
  readonly events: readonly RecordedEvent[]
}

/** A unit on a line without transaction ids that may still answer a request which was given up. */
export interface QuarantinedUnit {
  /** The wire: the path of the port, or host and port of the converter. */
  readonly line: string
  readonly unitId: number
  readonly leftMs: Millis
}

/** What the process before may have left on lines without transaction ids. */
export interface PreviousEnd {
  /** Until this monotonic moment it may have sent requests to any unit; minus infinity where it stopped in order. */
  readonly sentUntilMono: Millis
  readonly quarantined: readonly QuarantinedUnit[]
}

export interface BusDriver {
  /** Runs the poll; the caller has one outstanding per bus. Never rejects but for broken invariants. */
  poll(order: PollOrder): Promise<PollReply>
  /**
   * Asks an instrument who it is (URS-14); one outstanding per bus, polls included. Absent where a driver cannot ask.
   * `probe` as in a poll order.
   */
  readIdentity?(instrument: string, probe: boolean): Promise<IdentityReply>
  /** The last frames of one instrument, or of the whole bus, with the events of the bus (URS-15). Absent: not recorded. */
  recorded?(instrument?: string): WireRecording
  link(): LinkState
  /** Called whenever the link state changes. */
  onLink(listener: (state: LinkState) => void): void
  readonly counters: Readonly<BusCounters>
  /** Closes the link; pending polls settle as `disconnected`. Safe to call twice. */
  close(): Promise<void>
}
