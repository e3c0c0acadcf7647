// Particle samples: identity, normalisation, and the windows that judge rare counts (limits.md).

import type { Millis } from './time.ts'

/** Faults that a counter reports of its own sample; any of them but `overflow` makes the sample bad. */
export type SampleFault = 'laser_fault' | 'flow_fault' | 'sensor_fault' | 'overflow'

/** One record of a particle counter, as it stands in the instrument. Counts are cumulative (≥ size). */
export interface Sample {
  /** What tells samples apart: record number, or instrument time in whole seconds. */
  readonly identity: number
  /** End of the sample by the instrument's clock, wall ms, where the record carries a time. */
  readonly endedAtInstrument?: Millis
  /** The instrument's clock at arrival, wall ms (1 s resolution), where it can be read. */
  readonly instrumentNow?: Millis
  readonly durationMs: Millis
  /** Hold time between samples in ms where it can be read. */
  readonly holdMs?: Millis
  /** Volume reported by the instrument in litres. */
  readonly litres?: number
  /** Flow reported by the instrument in L/min. */
  readonly flowLpm?: number
  /** Raw counts by signal name; a signal that could not be read is absent. */
  readonly counts: Readonly<Record<string, number>>
  readonly faults: readonly SampleFault[]
  /** The registers of the record and its status, as read. */
  readonly raw: Uint8Array
}
