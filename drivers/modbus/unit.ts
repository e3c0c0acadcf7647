// What is remembered of one unit between polls: registers it refuses, how far its reads may reach, whether it was busy or
// late. Decides when a refused register is tried again; asks nothing itself.

import type { Millis } from '#core/time.ts'
import type { InstrumentSettings, Profile, RegisterSpec } from '../profile.ts'
import { widthOf } from './decode.ts'
import type { Quarantine } from './quarantine.ts'
import { type PlannedRead, positionKey } from './read-plan.ts'
import { type Declared, type UniqueLengths, uniqueLengths } from './reply-lengths.ts'
import { FUNCTION_OF } from './request.ts'

/** A refused register is tried again after this long, doubling to the longest. */
const REFUSED_MS_MIN: Millis = 1000
const REFUSED_MS_MAX: Millis = 60_000

interface Refusal {
  readonly exceptionCode: number
  readonly attempts: number
  readonly untilMono: Millis
  /** Its time has come: it is asked for again, by itself. */
  trial: boolean
}

export class Unit {
  readonly settings: InstrumentSettings
  readonly cuts = new Set<number>()
  readonly quarantine: Quarantine
  /** It answered nothing but "busy" when last asked: do not press it. */
  busy = false
  /** No request to it before this, on lines where the pauses of instruments count. */
  freeAtMono: Millis = Number.NEGATIVE_INFINITY
  /** Polls in a row that ended in silence. */
  silences = 0
  readonly #refused = new Map<RegisterSpec, Refusal>()
  readonly #tellsByLength: boolean
  readonly #declared: readonly Declared[]
  /** Reply lengths in use, of all plans of one version. */
  #lengths = { version: 0, taken: new Map<number, number>() }
  #version = 0
  #nextTrialMono: Millis = Number.POSITIVE_INFINITY

  /** `tellsByLength`: replies on this bus carry no id, so that their lengths have to tell them apart. */
  constructor(settings: InstrumentSettings, quarantine: Quarantine, tellsByLength: boolean) {
    this.settings = settings
    this.quarantine = quarantine
    this.#tellsByLength = tellsByLength
    this.#declared = declaredBy(settings.profile)
  }

  /** Changes whenever reads have to be planned anew. */
  version(nowMono: Millis): number {
    if (nowMono < this.#nextTrialMono) return this.#version
    for (const refusal of this.#refused.values()) {
      if (refusal.untilMono <= nowMono) refusal.trial = true
    }
    this.#scheduleTrial()
    this.#version++
    return this.#version
  }

  /** The exception that a register was refused with, undefined when it is read as usual or on trial. */
  refusedWith(spec: RegisterSpec): number | undefined {
    const refusal = this.#refused.get(spec)
    return refusal === undefined || refusal.trial ? undefined : refusal.exceptionCode
  }

  /** Whether any register may be on trial. */
  get hasTrials(): boolean {
    return this.#refused.size > 0
  }

  onTrial(spec: RegisterSpec): boolean {
    return this.#refused.get(spec)?.trial === true
  }

  /** Sets a register aside: it alone was refused. */
  refuse(spec: RegisterSpec, exceptionCode: number, nowMono: Millis): void {
    const attempts = this.#refused.get(spec)?.attempts ?? 0
    const waitMs = Math.min(REFUSED_MS_MAX, REFUSED_MS_MIN * 2 ** Math.min(attempts, 16))
    const untilMono = nowMono + waitMs
    this.#refused.set(spec, { exceptionCode, attempts: attempts + 1, untilMono, trial: false })
    this.#scheduleTrial()
    this.#version++
  }

  /** A register on trial was read: it is one like the others again. */
  accept(spec: RegisterSpec): void {
    if (!this.#refused.delete(spec)) return
    this.#scheduleTrial()
    this.#version++
  }

  /** Registers that were set aside are tried again with the next reads, whatever their time. */
  reconsider(registers: readonly { readonly spec: RegisterSpec }[]): void {
    for (const { spec } of registers) {
      const refusal = this.#refused.get(spec)
      if (refusal !== undefined) refusal.trial = true
    }
    if (registers.length === 0) return
    this.#scheduleTrial()
    this.#version++
  }

  /** A read was refused as a whole though its halves were not: it is never again asked for in one. */
  cutBefore({ functionCode, address }: PlannedRead): void {
    this.cuts.add(positionKey(functionCode, address))
    this.#version++
  }

  /** Pads the reads of one more plan so that their replies can be told from those of all others. */
  tellApart(reads: readonly PlannedRead[]): UniqueLengths {
    if (!this.#tellsByLength) return { reads, clashes: [] }
    if (this.#lengths.version !== this.#version) {
      this.#lengths = { version: this.#version, taken: new Map() }
    }
    const { maxRegistersPerRead, maxGap } = this.settings.profile.limits
    return uniqueLengths(reads, this.#lengths.taken, {
      maxRegistersPerRead,
      maxGap,
      declared: this.#declared,
      forbidden: this.forbidden(),
    })
  }

  /** Addresses no read may touch, not even to bridge a gap. */
  forbidden(): Set<number> {
    const keys = new Set<number>()
    for (const spec of this.#refused.keys()) {
      for (let index = 0; index < widthOf(spec); index++) {
        keys.add(positionKey(FUNCTION_OF[spec.table], spec.address + index))
      }
    }
    return keys
  }

  #scheduleTrial(): void {
    let next = Number.POSITIVE_INFINITY
    for (const { trial, untilMono } of this.#refused.values()) {
      if (!trial) next = Math.min(next, untilMono)
    }
    this.#nextTrialMono = next
  }
}

/** All registers that a profile declares: they are there, so they may be read along. */
function declaredBy({ signals, status, sample, identify }: Profile): Declared[] {
  const parts = sample === undefined ? [] : [...Object.values(sample), ...sample.status]
  return [...signals, ...status, ...parts, ...Object.values(identify ?? {})]
    .filter(isRegister)
    .map((spec) => ({
      functionCode: FUNCTION_OF[spec.table],
      address: spec.address,
      width: widthOf(spec),
    }))
}

const isRegister = (part: unknown): part is RegisterSpec =>
  typeof part === 'object' && part !== null && 'table' in part && 'address' in part
