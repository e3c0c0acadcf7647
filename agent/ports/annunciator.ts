// The seam of horn and stack light: how the outputs of a module are driven, and what the annunciator shows of itself. Types only;
// drivers/output drives, agent/annunciator decides what is shown.

import type { Indication, OutputName, OutputStates } from '#core/annunciation.ts'
import type { Actor, ActReply } from '#core/input.ts'
import type { Millis } from '#core/time.ts'
import type { AlarmStateMessage } from './uplink.ts'

/** What came of driving the outputs. `fault` in words; never thrown. */
export type OutputReply =
  | { readonly ok: true; readonly arrivedMono: Millis }
  | { readonly ok: false; readonly cause: string }

/** The outputs of one module: the only thing of the agent that writes to a device. */
export interface OutputDriver {
  /** Outputs it drives; any other is left alone. */
  readonly outputs: readonly OutputName[]
  /** Writes all outputs, and reads them back where the module can. One at a time. */
  drive(states: OutputStates): Promise<OutputReply>
  /** Closes the link. Safe to call twice. */
  close(): Promise<void>
}

/** Who asked for a test: a person, or the schedule. */
export type TestedBy = Actor | { readonly via: 'schedule' }

/** The annunciator for people's eyes. */
export interface AnnunciatorView {
  readonly shown: Indication
  /** False while the outputs cannot be driven; `cause` in words. */
  readonly driven: boolean
  readonly cause?: string
  /** Wall ms of the last time the outputs were driven; absent before the first. */
  readonly drivenAt?: Millis
  readonly outputs: readonly OutputName[]
  readonly testing: boolean
  readonly silence?: { readonly until: Millis; readonly by: string }
  readonly lastTest?: { readonly at: Millis; readonly passed: boolean }
}

export interface SilenceRequest {
  readonly actor: Actor
  /** How long; the site's longest where not given. */
  readonly forMs?: Millis
  readonly reason?: string
  readonly comment?: string
}

/** What the agent tells the annunciator, and what people ask of it. */
export interface Annunciator {
  start(): void
  /** Alarm states as committed, or marked unstored when the disk hangs. */
  alarmStates(states: readonly AlarmStateMessage[]): void
  silence(request: SilenceRequest): Promise<ActReply>
  /** Begins a self-test; its result is an event. */
  test(by: TestedBy): Promise<ActReply>
  view(): AnnunciatorView
  /** Drops everything, `healthy` too, where the agent stops; leaves it as it is where another one follows. */
  stop(how: 'drop' | 'leave'): Promise<void>
}
