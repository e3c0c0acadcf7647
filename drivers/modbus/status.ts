// What a status word says of the values it speaks for. Pure. A fault takes the value away and keeps its bytes; a warning
// leaves the value, which then counts as uncertain. Of several faults the first in the order below is told.

import type { BadReason, UncertainReason } from '#core/quality.ts'
import type { RawSignal } from '#core/reading.ts'
import type { StatusBit, StatusSpec } from '../profile.ts'

export type StatusReason = StatusBit['reason']

/** Heaviest first: a counter without laser counts nothing, whatever its flow is. */
const ORDER: readonly StatusReason[] = [
  'laser_fault',
  'flow_fault',
  'sensor_fault',
  'overflow',
  'warmup',
]

const WARNINGS: Readonly<Partial<Record<StatusReason, UncertainReason>>> = {
  warmup: 'warmup',
  overflow: 'over_range',
}

/** Bits 0–31 of a decoded status word; words wider than 32 bits keep their low half, signed ones their pattern. */
const bitOf = (word: number, bit: number): number =>
  Math.floor((word < 0 ? word + 0x1_0000_0000 : word) / 2 ** bit) % 2

/** Everything a status word complains of, heaviest first. A word that is no number is a sensor fault. */
export function complaintsOf(spec: StatusSpec, word: number): StatusReason[] {
  if (!Number.isFinite(word)) return ['sensor_fault']
  const found = new Set<StatusReason>()
  for (const { bit, faultWhen, reason } of spec.bits) {
    if (bitOf(word, bit) === faultWhen) found.add(reason)
  }
  if (spec.healthy !== undefined && !spec.healthy.includes(word)) {
    found.add(spec.reason ?? 'sensor_fault')
  }
  return ORDER.filter((reason) => found.has(reason))
}

/** What remains of a signal under the heaviest complaint. */
export function underComplaint(result: RawSignal, complaint: StatusReason): RawSignal {
  if (result.kind === 'fault') return result
  const warning = WARNINGS[complaint]
  if (warning !== undefined) return { ...result, warning: result.warning ?? warning }
  return { kind: 'fault', reason: complaint as BadReason, raw: result.raw }
}

/** The heavier of two complaints. */
export function heavier(
  a: StatusReason | undefined,
  b: StatusReason | undefined,
): StatusReason | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return ORDER.indexOf(a) <= ORDER.indexOf(b) ? a : b
}
