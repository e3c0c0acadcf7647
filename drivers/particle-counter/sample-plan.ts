// Where everything of a particle counter's record stands, as one list of data to be read together. Pure. Decides the
// order of the list and of the reads; what the numbers mean is told in sample.ts.

import { assert } from '#core/assert.ts'
import type { Millis } from '#core/time.ts'
import { planRegisters, type RegisterPlan } from '../modbus/poll-plan.ts'
import type { Unit } from '../modbus/unit.ts'
import type { Profile, RegisterSpec, SampleSpec, SignalSpec, StatusSpec } from '../profile.ts'

/** Parts of a record that stand alone, in the order in which they are read and kept. */
export const PARTS = [
  'identity',
  'time',
  'duration',
  'volume',
  'flow',
  'channelMask',
  'newest',
  'clock',
  'hold',
] as const
export type Part = (typeof PARTS)[number]

/** Parts that describe the instrument rather than the record: they may change without the record changing. */
const APART: readonly Part[] = ['newest', 'clock', 'hold']

/** The data of a record, and the position of each in the list. */
export interface SampleLayout {
  readonly spec: SampleSpec
  readonly specs: readonly RegisterSpec[]
  readonly parts: Readonly<Partial<Record<Part, number>>>
  readonly statusWords: readonly { readonly spec: StatusSpec; readonly index: number }[]
  /** Particle channels in the profile's order, which is the order of the channel mask's bits. */
  readonly channels: readonly { readonly signal: SignalSpec; readonly index: number }[]
}

/** Lays out the record of a profile that has samples. */
export function layoutSample(profile: Profile): SampleLayout {
  const spec = profile.sample
  assert(spec !== undefined, `profile ${profile.id} gives no samples`)
  const specs: RegisterSpec[] = []
  const parts: Partial<Record<Part, number>> = {}
  for (const part of PARTS) {
    const register = spec[part]
    if (register !== undefined) parts[part] = specs.push(register) - 1
  }
  const statusWords = spec.status.map((status) => ({ spec: status, index: specs.push(status) - 1 }))
  const channels = profile.signals
    .filter((signal) => signal.quantity === 'particle_concentration')
    .map((signal) => ({ signal, index: specs.push(signal) - 1 }))
  return { spec, specs, parts, statusWords, channels }
}

/** The reads of a record, that of the identity first. */
export interface SamplePlan {
  readonly whole: RegisterPlan
  /** Reads the identity once more; absent where one reply holds the whole record. */
  readonly again?: RegisterPlan
}

/** Works out the reads of a record. */
export function planSample(layout: SampleLayout, unit: Unit, nowMono: Millis): SamplePlan {
  const plan = planRegisters(layout.specs, unit, nowMono)
  const apart = new Set(APART.map((part) => layout.parts[part]))
  const holds = (read: RegisterPlan['reads'][number], index: number) =>
    read.items.some((item) => item.index === index)
  const identity = layout.parts.identity ?? 0
  const first = plan.reads.filter((read) => holds(read, identity))
  const rest = plan.reads.filter((read) => !first.includes(read))
  const whole = { ...plan, reads: [...first, ...rest] }
  const scattered = rest.some((read) => read.items.some(({ index }) => !apart.has(index)))
  return scattered
    ? { whole, again: planRegisters([layout.spec.identity], unit, nowMono) }
    : { whole }
}
