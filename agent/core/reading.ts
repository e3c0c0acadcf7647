// From a decoded signal to a reading: unit, sentinel, range and quality, before any limit is looked at.
// A value is never invented: what cannot be trusted has no value, and says why.

import type { BadReason, Quality, QualityReason, UncertainReason } from './quality.ts'
import type { Millis } from './time.ts'

/** What a driver made of one signal: the decoded number with the bytes it came from, or why there is none. */
export type RawSignal =
  | {
      readonly kind: 'value'
      readonly value: number
      readonly raw: Uint8Array
      /** What the instrument says of its own value (warm-up, over-range): it counts, but only as uncertain. */
      readonly warning?: UncertainReason
    }
  | {
      readonly kind: 'fault'
      readonly reason: BadReason
      /** Modbus exception code where the reason is `exception`. */
      readonly exceptionCode?: number
      /** The registers, where they arrived but must not be believed. */
      readonly raw?: Uint8Array
    }

/** Provenance of a particle reading, published as `x` (contract §3). */
export interface SampleDetail {
  readonly counts: number
  readonly litres: number
  /** The record's identity in the instrument: record number or instrument time in seconds. */
  readonly rec?: number
  /** Measured flow in L/min where the instrument gives one. */
  readonly flow?: number
}

/**
 * One accounted slot of one point (URS-01). `v` is present exactly when `q` is good or uncertain.
 * `t` slot or sample start, wall ms UTC; `a` arrival in ms after `t`; `slots` > 1 only without a value.
 */
export interface Reading {
  readonly point: string
  readonly t: Millis
  readonly a?: Millis
  readonly slots?: number
  readonly v?: number
  readonly q: Quality
  readonly qc?: QualityReason
  readonly exceptionCode?: number
  readonly x?: SampleDetail
  readonly late?: true
  /** Sequence number of the record this one replaces in the ledger. */
  readonly supersedes?: number
  /** Raw registers (big-endian as on the wire), kept in the store, never published (URS-04). */
  readonly raw?: Uint8Array
}
