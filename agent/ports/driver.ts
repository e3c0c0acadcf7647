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
  | { readonly kind: 'up' }
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

export interface BusDriver {
  /** Runs the poll; the caller has one outstanding per bus. Never rejects but for broken invariants. */
  poll(order: PollOrder): Promise<PollReply>
  link(): LinkState
  /** Called whenever the link state changes. */
  onLink(listener: (state: LinkState) => void): void
  readonly counters: Readonly<BusCounters>
  /** Closes the link; pending polls settle as `disconnected`. Safe to call twice. */
  close(): Promise<void>
}
