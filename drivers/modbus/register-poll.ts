// Reads a list of data in one conversation: asks for the planned reads, and splits those that are refused until only the
// bad register is bad (URS-12). Gives each datum exactly one result; what a result means is told elsewhere.

import { assert } from '#core/assert.ts'
import type { RawSignal } from '#core/reading.ts'
import type { Millis } from '#core/time.ts'
import type { Answer, Conversation } from './conversation.ts'
import { exceptionFault, type Fault } from './exception.ts'
import { type BoundRead, bindRead, type RegisterPlan } from './poll-plan.ts'
import { type PlannedRead, splitRead } from './read-plan.ts'
import type { Unit } from './unit.ts'

/** Most requests that splitting may add to one poll; the rest is found out in the next. */
const SPLIT_REQUESTS_MAX = 32
/** A read that alone stays silent, twice running, is withheld: so long at first, doubling to the longest. */
const SILENT_READS_MAX = 2
const WITHHELD_MS_MIN: Millis = 1000
const WITHHELD_MS_MAX: Millis = 60_000

export interface RegisterPollOptions {
  readonly unit: Unit
  readonly plan: RegisterPlan
  readonly conversation: Conversation
  readonly nowMono: Millis
  /** How often a lone register must be refused before it is believed (RTU: an exception may be a late one). */
  readonly refusals: number
}

/** What was read, by position in the plan's `specs`. */
export interface RegisterResults {
  readonly results: readonly RawSignal[]
  /** Monotonic arrival of the reply that carried each, or of the verdict. */
  readonly arrivedMono: readonly Millis[]
}

/** Reads everything in the plan. */
export const pollRegisters = (options: RegisterPollOptions): Promise<RegisterResults> =>
  new RegisterPoll(options).run()

class RegisterPoll {
  readonly #unit: Unit
  readonly #plan: RegisterPlan
  readonly #conversation: Conversation
  readonly #startedMono: Millis
  readonly #refusals: number
  readonly #results: (RawSignal | undefined)[]
  readonly #arrivedMono: Millis[]
  #splitRequests = 0

  constructor({ unit, plan, conversation, nowMono, refusals }: RegisterPollOptions) {
    this.#unit = unit
    this.#plan = plan
    this.#conversation = conversation
    this.#startedMono = nowMono
    this.#refusals = refusals
    this.#results = new Array(plan.specs.length).fill(undefined)
    this.#arrivedMono = new Array(plan.specs.length).fill(nowMono)
  }

  async run(): Promise<RegisterResults> {
    for (const { index, exceptionCode } of this.#plan.refused) {
      this.#results[index] = exceptionFault(exceptionCode)
    }
    for (const read of this.#plan.reads) {
      if (this.#startedMono < read.withheldUntilMono) {
        this.#fail(read, { kind: 'fault', reason: 'timeout' }, this.#startedMono)
        continue
      }
      const asked = !this.#conversation.isOver
      const answer = await this.#conversation.read(read.request)
      if (asked) this.#noteSilence(read, answer)
      if (answer.kind === 'refused') await this.#split(read, answer.code)
      else this.#take(read, answer)
    }
    const results = this.#results
    assertWhole(results)
    return { results, arrivedMono: this.#arrivedMono }
  }

  /** Remembers reads that stay silent while the unit answers others, so that they do not eat the bus. */
  #noteSilence(read: BoundRead, answer: Answer): void {
    const silent = answer.kind === 'fault' && answer.fault.reason === 'timeout'
    if (!silent || !this.#conversation.answered) {
      read.timeouts = 0
      return
    }
    read.timeouts++
    if (read.timeouts < SILENT_READS_MAX) return
    const doublings = Math.min(16, read.timeouts - SILENT_READS_MAX)
    const waitMs = Math.min(WITHHELD_MS_MAX, WITHHELD_MS_MIN * 2 ** doublings)
    read.withheldUntilMono = answer.arrivedMono + waitMs
  }

  #take(read: BoundRead, answer: Exclude<Answer, { kind: 'refused' }>): void {
    if (answer.kind === 'fault') return this.#fail(read, answer.fault, answer.arrivedMono)
    for (const { index, offset, size, decode } of read.items) {
      const value = decode(answer.data, offset)
      const raw = copyOf(answer.data, offset, size)
      this.#results[index] =
        value === undefined
          ? { kind: 'fault', reason: 'out_of_range', raw }
          : { kind: 'value', value, raw }
      this.#arrivedMono[index] = answer.arrivedMono
    }
    if (this.#unit.hasTrials) this.#acceptTrials(read)
  }

  #acceptTrials(read: BoundRead): void {
    for (const { index } of read.items) {
      const spec = this.#plan.specs[index]
      if (spec !== undefined && this.#unit.onTrial(spec)) this.#unit.accept(spec)
    }
  }

  #fail(read: BoundRead, fault: Fault, arrivedMono: Millis): void {
    for (const { index } of read.items) {
      this.#results[index] = fault
      this.#arrivedMono[index] = arrivedMono
    }
  }

  /** Halves a refused read until what is refused stands alone; true when something in it was refused alone. */
  async #split(read: BoundRead, code: number): Promise<boolean> {
    const halves = splitRead(read.planned)
    if (halves === undefined) return this.#condemn(read, code)
    let foundBad = false
    for (const half of halves) {
      if (await this.#tryHalf(half, code)) foundBad = true
    }
    if (!foundBad && !this.#conversation.isOver) this.#unit.cutBefore(halves[1])
    return foundBad
  }

  async #tryHalf(half: PlannedRead, code: number): Promise<boolean> {
    const read = bindRead(half, this.#unit.settings.unitId, this.#plan.specs)
    if (this.#splitRequests >= SPLIT_REQUESTS_MAX) {
      this.#fail(read, exceptionFault(code), this.#startedMono)
      return true
    }
    this.#splitRequests++
    const answer = await this.#conversation.read(read.request)
    if (answer.kind === 'refused') return this.#split(read, answer.code)
    this.#take(read, answer)
    return answer.kind === 'fault'
  }

  /** A read that cannot be halved was refused: it is asked again where that could have been a mistake, then set aside. */
  async #condemn(read: BoundRead, code: number): Promise<boolean> {
    for (let refused = 1; refused < this.#refusals; refused++) {
      const answer = await this.#conversation.read(read.request)
      if (answer.kind === 'refused') continue
      this.#take(read, answer)
      return answer.kind === 'fault'
    }
    for (const { index } of read.items) {
      const spec = this.#plan.specs[index]
      assert(spec !== undefined, `no datum ${index} in the plan`)
      this.#unit.refuse(spec, code, this.#startedMono)
    }
    this.#fail(read, exceptionFault(code), this.#startedMono)
    return true
  }
}

function assertWhole(results: readonly (RawSignal | undefined)[]): asserts results is RawSignal[] {
  for (const result of results) assert(result !== undefined, 'the poll left out a datum')
}

/** Raw bytes lie side by side in one buffer until it is full: with a buffer of its own each datum is three objects, not one. */
const SLAB_BYTES = 4096
let slab = new ArrayBuffer(SLAB_BYTES)
let slabUsed = 0

function newRaw(size: number): Uint8Array {
  if (slabUsed + size > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES)
    slabUsed = 0
  }
  const raw = new Uint8Array(slab, slabUsed, size)
  slabUsed += size
  return raw
}

/** A copy of the bytes of a datum, since the reply's buffer is not kept; one byte for a single bit. */
function copyOf(data: Uint8Array, offset: number, size: number): Uint8Array {
  const raw = newRaw(Math.max(1, size))
  if (size === 0) raw[0] = ((data[offset >> 3] ?? 0) >> (offset & 7)) & 1
  for (let index = 0; index < size; index++) raw[index] = data[offset + index] ?? 0
  return raw
}
