// From the data of a record to a sample: counts made cumulative, concentrations turned back into counts, invalid
// channels left out, status words into faults. Pure. Whether the sample is new, and what it weighs, the core decides.

import type { Sample, SampleFault } from '#core/particle.ts'
import type { RawSignal } from '#core/reading.ts'
import { SECOND } from '#core/time.ts'
import type { Fault } from '../modbus/exception.ts'
import { complaintsOf, type StatusReason } from '../modbus/status.ts'
import type { RegisterSpec } from '../profile.ts'
import type { Part, SampleLayout } from './sample-plan.ts'

/** Parts without which a sample is still one, where the instrument refuses them. */
const DISPENSABLE: readonly Part[] = ['time', 'clock', 'hold']

/** A warm-up of the sensor spoils a count as any fault of the sensor does. */
const FAULT_OF: Readonly<Record<StatusReason, SampleFault>> = {
  laser_fault: 'laser_fault',
  flow_fault: 'flow_fault',
  sensor_fault: 'sensor_fault',
  warmup: 'sensor_fault',
  overflow: 'overflow',
}

/** A valid channel that the instrument refused, and how. */
interface RefusedChannel {
  readonly spec: RegisterSpec
  readonly fault: Fault
}

export interface SampleRead {
  readonly kind: 'sample'
  readonly sample: Sample
  /** Channels that the sample lacks though they are valid. */
  readonly refused: readonly RefusedChannel[]
}

export type SampleOrFault = SampleRead | { readonly kind: 'fault'; readonly fault: Fault }

const failed = (fault: Fault): SampleOrFault => ({ kind: 'fault', fault })

/** Makes a sample of what was read, or says why there is none. `results` are in the order of the layout. */
export function sampleOf(layout: SampleLayout, results: readonly RawSignal[]): SampleOrFault {
  const parts: Partial<Record<Part, number>> = {}
  for (const [part, index] of Object.entries(layout.parts) as [Part, number][]) {
    const result = results[index]
    if (result === undefined) continue
    if (result.kind === 'value') {
      if (!Number.isFinite(result.value))
        return failed({ kind: 'fault', reason: 'nan', raw: result.raw })
      parts[part] = result.value
    } else if (!DISPENSABLE.includes(part) || result.reason !== 'exception') return failed(result)
  }
  const { spec } = layout
  if (spec.newest !== undefined && parts.newest !== spec.newest.equals) {
    return failed({ kind: 'fault', reason: 'config_changed' })
  }
  const identity = parts.identity ?? 0
  if (identity === 0 && spec.identity.kind === 'instrument_time') {
    return failed({ kind: 'fault', reason: 'no_new_sample' })
  }
  const faults = faultsOf(layout, results)
  if (!Array.isArray(faults)) return failed(faults)
  const counts = countsOf(layout, results, parts)
  if (counts.kind === 'fault') return failed(counts)
  const endedAt = parts.time ?? (spec.identity.kind === 'instrument_time' ? identity : undefined)
  const sample: Sample = {
    identity,
    durationMs: durationOf(layout, parts),
    counts: counts.counts,
    faults,
    raw: rawOf(results),
    ...(endedAt !== undefined && { endedAtInstrument: endedAt * SECOND }),
    ...(parts.clock !== undefined && { instrumentNow: parts.clock * SECOND }),
    ...(parts.hold !== undefined && { holdMs: parts.hold * (spec.hold?.scale ?? 1) * SECOND }),
    ...(parts.volume !== undefined && { litres: parts.volume * (spec.volume?.scale ?? 1) }),
    ...(parts.flow !== undefined && { flowLpm: parts.flow * (spec.flow?.scale ?? 1) }),
  }
  return { kind: 'sample', sample, refused: counts.refused }
}

function durationOf({ spec }: SampleLayout, parts: Partial<Record<Part, number>>): number {
  return parts.duration === undefined
    ? spec.defaultDurationMs
    : parts.duration * (spec.duration?.scale ?? 1) * SECOND
}

function faultsOf(layout: SampleLayout, results: readonly RawSignal[]): SampleFault[] | Fault {
  const faults = new Set<SampleFault>()
  for (const { spec, index } of layout.statusWords) {
    const word = results[index]
    if (word === undefined) continue
    if (word.kind === 'fault') return word
    for (const complaint of complaintsOf(spec, word.value)) faults.add(FAULT_OF[complaint])
  }
  return [...faults]
}

type Counts = {
  readonly kind: 'counts'
  readonly counts: Record<string, number>
  readonly refused: readonly RefusedChannel[]
}

/** Cumulative counts of the channels that are valid and were read; a fault where none was. */
function countsOf(
  layout: SampleLayout,
  results: readonly RawSignal[],
  parts: Partial<Record<Part, number>>,
): Counts | Fault {
  const { spec, channels } = layout
  const litres = spec.content === 'concentration' ? litresOf(layout, parts) : undefined
  if (spec.content === 'concentration' && !(litres !== undefined && litres > 0)) {
    return { kind: 'fault', reason: 'flow_fault' }
  }
  const refused: RefusedChannel[] = []
  let fault: Fault | undefined
  const read = new Map<string, number>()
  channels.forEach(({ signal, index }, position) => {
    if (!isValid(parts.channelMask, position)) return
    const result = results[index]
    if (result === undefined) return
    if (result.kind === 'fault') {
      if (result.reason === 'exception') refused.push({ spec: signal, fault: result })
      else fault ??= result
      return
    }
    const value = litres === undefined ? result.value : countOf(result.value, signal, litres)
    if (Number.isFinite(value)) read.set(signal.name, value)
  })
  // What took the whole poll down is no matter of one channel.
  fault ??= read.size === 0 ? refused[0]?.fault : undefined
  if (fault !== undefined) return fault
  return {
    kind: 'counts',
    refused,
    counts: spec.counts === 'differential' ? summed(layout, read) : Object.fromEntries(read),
  }
}

const isValid = (mask: number | undefined, position: number): boolean =>
  mask === undefined ||
  Math.floor((mask < 0 ? mask + 0x1_0000_0000 : mask) / 2 ** position) % 2 === 1

/** The sampled volume that the instrument based its concentration on. */
function litresOf(layout: SampleLayout, parts: Partial<Record<Part, number>>): number | undefined {
  const { spec } = layout
  if (parts.volume !== undefined) return parts.volume * (spec.volume?.scale ?? 1)
  if (parts.flow === undefined) return undefined
  return (parts.flow * (spec.flow?.scale ?? 1) * durationOf(layout, parts)) / (60 * SECOND)
}

/** The whole number of particles behind a concentration per m³. */
const countOf = (
  value: number,
  { scale, offset }: { scale: number; offset: number },
  litres: number,
) => Math.round(((value * scale + offset) * litres) / 1000)

/** Differential counts summed upwards; a channel above one that is missing cannot be summed, and is missing too. */
function summed(
  { channels }: SampleLayout,
  read: ReadonlyMap<string, number>,
): Record<string, number> {
  const counts: Record<string, number> = {}
  let sum = 0
  const largestFirst = channels.toSorted((a, b) => (b.signal.sizeUm ?? 0) - (a.signal.sizeUm ?? 0))
  for (const { signal } of largestFirst) {
    const count = read.get(signal.name)
    if (count === undefined) break
    sum += count
    counts[signal.name] = sum
  }
  return counts
}

/** The registers of all data, in the order of the layout. */
function rawOf(results: readonly RawSignal[]): Uint8Array {
  const pieces = results.map((result) => result.raw ?? new Uint8Array(0))
  const raw = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let offset = 0
  for (const piece of pieces) {
    raw.set(piece, offset)
    offset += piece.length
  }
  return raw
}
