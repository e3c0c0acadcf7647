// From a decoded signal to a reading: unit, sentinel, range and quality, before any limit is looked at.
// A value is never invented: what cannot be trusted has no value, and says why.

import type { SlotResult } from './input.ts'
import type { Conversion, Point } from './point.ts'
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
  /** The calibration of its instrument was overdue when it was taken (URS-55). */
  readonly overdue?: true
  /** Raw registers (big-endian as on the wire), kept in the store, never published (URS-04). */
  readonly raw?: Uint8Array
}

/** What `toReading` must know of a point beside the point itself. */
export interface ReadingContext {
  /** Whether the point has limits on high, on low values: an end of the range in their direction is over-range. */
  readonly limited: { readonly high: boolean; readonly low: boolean }
  /** True when the raw registers have not changed for longer than the point allows. */
  readonly stuck: boolean
  /** The newest value before, and how far from it this one may lie; absent where the point has no such check. */
  readonly step?: { readonly from: number; readonly most: number } | undefined
}

/** Makes one slot's reading: conversion, sentinels and range are judged here, before any comparison (alarms.md). */
export function toReading(point: Point, slot: SlotResult, context: ReadingContext): Reading {
  const { t, a, result } = slot
  if (result.kind === 'fault') return badReading(point, slot, result)
  const { raw } = result
  const bad = (reason: BadReason): Reading =>
    badReading(point, slot, { kind: 'fault', reason, raw })
  if (!Number.isFinite(result.value)) return bad('nan')
  if (point.conversion.sentinels.includes(result.value)) return bad('sentinel')
  const v = convert(result.value, point.conversion)
  if (!Number.isFinite(v)) return bad('nan')
  const range = judgeRange(v, point.conversion.range, context.limited)
  if (range === 'out_of_range') return bad(range)
  if (v === 0 && point.checks?.zero === true) return bad('implausible_zero')
  const qc = range ?? result.warning ?? doubtOf(v, context)
  // Nearly every reading is a good one, thousands a second: one literal, since spreads cost as much as all that judges it.
  if (qc === undefined && a !== undefined) return { point: point.id, t, a, v, q: 'good', raw }
  const when = { point: point.id, t, ...(a !== undefined && { a }) }
  return qc === undefined ? { ...when, v, q: 'good', raw } : { ...when, v, q: 'uncertain', qc, raw }
}

/** What makes a value doubtful that the instrument itself has no doubt of. */
function doubtOf(v: number, { stuck, step }: ReadingContext): 'stuck' | 'rate' | undefined {
  if (stuck) return 'stuck'
  if (step === undefined) return undefined
  // two decimals do not subtract exactly: what is as far as permitted must not look farther
  const rounding = Number.EPSILON * 4 * (Math.abs(v) + Math.abs(step.from))
  return Math.abs(v - step.from) > step.most + rounding ? 'rate' : undefined
}

/**
 * A reading as it is written down: while the wall clock is doubted a good one is uncertain, since its value stands and its time may
 * not; and one of an instrument whose calibration is overdue says so. Neither changes how it is judged.
 */
export function marked(
  reading: Reading,
  { doubtful, overdue }: { readonly doubtful: boolean; readonly overdue: ReadonlySet<string> },
): Reading {
  if (!doubtful && overdue.size === 0) return reading
  return {
    ...reading,
    ...(doubtful && reading.q === 'good' && { q: 'uncertain', qc: 'clock' }),
    ...(overdue.has(reading.point) && { overdue: true }),
  }
}

/** A slot without a value, or several in a row. */
function badReading(
  point: Point,
  { t, a, slots }: SlotResult,
  { reason, exceptionCode, raw }: RawSignal & { readonly kind: 'fault' },
): Reading {
  return {
    point: point.id,
    t,
    ...(a !== undefined && { a }),
    ...(slots !== undefined && slots > 1 && { slots }),
    q: 'bad',
    qc: reason,
    ...(exceptionCode !== undefined && { exceptionCode }),
    ...(raw !== undefined && { raw }),
  }
}

/** value = decoded × scale + offset, with the sign turned where the sensor is plumbed the other way; never −0. */
export function convert(decoded: number, { scale, offset, reversed }: Conversion): number {
  const value = decoded * scale + offset
  return (reversed ? -value : value) + 0
}

/**
 * A value at or beyond the end of the range in the direction of a limit counts, as uncertain: some sensors clamp silently,
 * and it must violate. Beyond the range otherwise it is impossible.
 */
function judgeRange(
  v: number,
  range: readonly [number, number] | undefined,
  limited: { readonly high: boolean; readonly low: boolean },
): 'over_range' | 'out_of_range' | undefined {
  if (range === undefined) return undefined
  const [low, high] = range
  if ((limited.high && v >= high) || (limited.low && v <= low)) return 'over_range'
  return v > high || v < low ? 'out_of_range' : undefined
}
