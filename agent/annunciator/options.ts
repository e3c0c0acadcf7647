// What an annunciator is given, and what it remembers from one life of the process to the next. Types only.

import type { Moments } from '#core/local-time.ts'
import type { Instant, Millis } from '#core/time.ts'
import type { AnnunciatorView, OutputDriver } from '#ports/annunciator.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { SilenceRow } from './silence.ts'

export interface AnnunciatorSetup {
  readonly heartbeatMs: Millis
  readonly hornPriority: number
  readonly silenceMs: Millis
  readonly selfTest?: Moments
  readonly timezone: string
}

export interface AnnunciatorOptions {
  readonly setup: AnnunciatorSetup
  readonly clock: Clock
  readonly log: Log
  readonly driver: OutputDriver
  /** The row of an earlier life, and the last commit it was written by or before. */
  readonly resumed?: AnnunciatorRow | undefined
  readonly lastCommit?: { readonly at: Instant; readonly sameBoot: boolean } | undefined
  /** Raises and returns an alarm of the agent itself. */
  readonly condition: (alarm: string, active: boolean, detail?: string) => void
  /** Writes an event with the row that goes with it; resolves when durable, undefined where nothing can be recorded. */
  readonly note: (
    type: string,
    body: Readonly<Record<string, unknown>>,
    changes: ReadonlyMap<string, unknown>,
  ) => Promise<void> | undefined
  /** Told whenever something else is shown. */
  readonly shown?: (view: AnnunciatorView) => void
}

/** What is remembered from one life to the next. */
export interface AnnunciatorRow {
  readonly silence?: SilenceRow
  readonly lastTest?: { readonly at: Millis; readonly passed: boolean }
}
