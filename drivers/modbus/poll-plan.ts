// The reads of one interval group of one unit, worked out once and used for every poll until the unit teaches better:
// its signals, the status words that speak for them, decoders, requests. Pure but for what it remembers of slow reads.

import { assert } from '#core/assert.ts'
import type { Millis } from '#core/time.ts'
import type { RegisterSpec, StatusSpec } from '../profile.ts'
import { type Decode, decoderOf, isBitTable, widthOf } from './decode.ts'
import { type PlanItem, type PlannedRead, planReads } from './read-plan.ts'
import type { ReadRequest } from './request.ts'
import type { Unit } from './unit.ts'

/** A datum to be read with its place in the reply. */
export interface BoundItem {
  /** Position in the plan's `specs`. */
  readonly index: number
  /** Where it begins in the data of the reply: bytes, or bits of a bit table. */
  readonly offset: number
  /** Bytes kept as raw; 0 for a single bit. */
  readonly size: number
  readonly decode: Decode
}

export interface BoundRead {
  readonly planned: PlannedRead
  readonly request: ReadRequest
  readonly items: readonly BoundItem[]
  /** Polls in a row in which this read, and not the unit, was silent. */
  timeouts: number
  /** Not asked for before this. */
  withheldUntilMono: Millis
}

/** The reads of a list of data. */
export interface RegisterPlan {
  /** The unit's version it was made for. */
  readonly version: number
  readonly specs: readonly RegisterSpec[]
  readonly reads: readonly BoundRead[]
  /** Data that the unit refuses for now, with the exception it gave. */
  readonly refused: readonly { readonly index: number; readonly exceptionCode: number }[]
  /** Reads whose replies cannot be told from late ones of another read by their length. */
  readonly clashes: readonly PlannedRead[]
}

/** The reads of an interval group: `specs` are its signals in the order of `signals`, then the status words. */
export interface PollPlan extends RegisterPlan {
  readonly signals: readonly string[]
  readonly statusWords: readonly StatusSpec[]
  /** For each signal, the positions of the status words (in `statusWords`) that speak for it. */
  readonly statusOf: readonly (readonly number[])[]
}

/** Binds a planned read to the requests and decoders of a unit. */
export function bindRead(
  planned: PlannedRead,
  unitId: number,
  specs: readonly RegisterSpec[],
): BoundRead {
  const { functionCode, address, quantity } = planned
  return {
    planned,
    request: { unitId, functionCode, address, quantity },
    items: planned.items.map(({ index, address: at, width }) => {
      const spec = specs[index]
      assert(spec !== undefined, `no datum ${index} in the plan`)
      const bits = isBitTable(spec)
      return {
        index,
        offset: bits ? at - address : (at - address) * 2,
        size: bits ? 0 : width * 2,
        decode: decoderOf(spec),
      }
    }),
    timeouts: 0,
    withheldUntilMono: Number.NEGATIVE_INFINITY,
  }
}

/** Works out the reads of a list of data, but for those that the unit refuses for now. */
export function planRegisters(
  specs: readonly RegisterSpec[],
  unit: Unit,
  nowMono: Millis,
): RegisterPlan {
  const version = unit.version(nowMono)
  const { unitId } = unit.settings
  const { reads, clashes } = unit.tellApart(planSpecs(specs, unit))
  return {
    version,
    specs,
    clashes,
    reads: reads.map((planned) => bindRead(planned, unitId, specs)),
    refused: specs.flatMap((spec, index) => {
      const exceptionCode = unit.refusedWith(spec)
      return exceptionCode === undefined ? [] : [{ index, exceptionCode }]
    }),
  }
}

/** A datum on trial is planned apart from the others, so that it spoils none of them. */
function planSpecs(specs: readonly RegisterSpec[], unit: Unit): PlannedRead[] {
  const usual: PlanItem[] = []
  const trials: PlanItem[] = []
  specs.forEach((spec, index) => {
    if (unit.refusedWith(spec) !== undefined) return
    const item = { index, table: spec.table, address: spec.address, width: widthOf(spec) }
    if (unit.onTrial(spec)) trials.push(item)
    else usual.push(item)
  })
  const { limits } = unit.settings.profile
  const constraints = { cuts: unit.cuts, forbidden: unit.forbidden() }
  return [
    ...planReads(usual, limits, constraints),
    ...trials.flatMap((item) => planReads([item], limits, constraints)),
  ]
}

/** Works out the reads of a group of signals, with the status words that speak for them. */
export function planPoll(signals: readonly string[], unit: Unit, nowMono: Millis): PollPlan {
  const { profile, id } = unit.settings
  const signalSpecs = signals.map((name) => {
    const spec = profile.signals.find((signal) => signal.name === name)
    assert(spec !== undefined, `${id} has no signal ${name} in profile ${profile.id}`)
    return spec
  })
  const speaksFor = (status: StatusSpec, name: string) => status.signals?.includes(name) ?? true
  const statusWords = profile.status.filter((status) =>
    signals.some((name) => speaksFor(status, name)),
  )
  return {
    ...planRegisters([...signalSpecs, ...statusWords], unit, nowMono),
    signals,
    statusWords,
    statusOf: signals.map((name) =>
      statusWords.flatMap((status, index) => (speaksFor(status, name) ? [index] : [])),
    ),
  }
}
