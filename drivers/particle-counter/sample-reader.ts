// Harvests the newest record of a particle counter. Decides when what was read in several replies is one record: the
// identity stands in the reply that holds the counts, or is read again afterwards and has not changed; and how long a record of
// which a channel was refused is asked for again. Writes nothing.

import { graceOf } from '#core/particle.ts'
import type { Millis } from '#core/time.ts'
import type { PollReply } from '#ports/driver.ts'
import type { Conversation } from '../modbus/conversation.ts'
import type { Fault } from '../modbus/exception.ts'
import type { SampleReader } from '../modbus/modbus-driver.ts'
import { pollRegisters } from '../modbus/register-poll.ts'
import type { Unit } from '../modbus/unit.ts'
import { type SampleRead, sampleOf } from './sample.ts'
import { layoutSample, planSample, type SamplePlan } from './sample-plan.ts'

/** A record that changed while it was read is read again, so many times in all. */
const TRIES_MAX = 3
/** Polls come about as far apart as the last two; a record kept is given while there is time for half a poll more than one. */
const POLLS_LEFT = 1.5

/** A record as it was read. */
type Found = SampleRead & { readonly arrivedMono: Millis }
type FoundOrFault = Found | { readonly kind: 'fault'; readonly fault: Fault }

/** Makes the reader of one instrument. `refusals`: how often a lone register must be refused before it is set aside. */
export function sampleReader(unit: Unit, refusals: number): SampleReader {
  const layout = layoutSample(unit.settings.profile)
  const keeper = new RecordKeeper()
  let plan: SamplePlan | undefined
  const planAt = (nowMono: Millis): SamplePlan => {
    if (plan?.whole.version !== unit.version(nowMono)) plan = planSample(layout, unit, nowMono)
    return plan as SamplePlan
  }
  const once = async (conversation: Conversation, nowMono: Millis) => {
    const { whole, again } = planAt(nowMono)
    const base = { unit, conversation, nowMono, refusals }
    const first = await pollRegisters({ ...base, plan: whole })
    let arrivedMono = Math.max(...first.arrivedMono)
    if (again !== undefined) {
      const second = await pollRegisters({ ...base, plan: again })
      const before = first.results[layout.parts.identity ?? 0]
      const after = second.results[0]
      arrivedMono = second.arrivedMono[0] ?? arrivedMono
      if (after?.kind === 'fault') return { kind: 'fault' as const, fault: after }
      if (before?.kind === 'value' && before.value !== after?.value) return undefined
    }
    return { ...sampleOf(layout, first.results), arrivedMono }
  }
  const read = async (conversation: Conversation, nowMono: Millis): Promise<FoundOrFault> => {
    for (let tried = 0; tried < TRIES_MAX; tried++) {
      const found = await once(conversation, nowMono)
      if (found !== undefined) return found
    }
    return { kind: 'fault', fault: { kind: 'fault', reason: 'busy' } }
  }
  return {
    poll: async (conversation, nowMono): Promise<Omit<PollReply, 'silent'>> => {
      keeper.polled(nowMono)
      let found = await read(conversation, nowMono)
      if (found.kind === 'sample' && keeper.isNew(found)) {
        unit.reconsider(found.refused)
        const again = await read(conversation, nowMono)
        if (isBetter(again, found)) found = again
      }
      const given = keeper.give(found, nowMono)
      unit.reconsider(keeper.kept?.refused ?? [])
      if (given.kind === 'fault') return { signals: [], sampleFault: given.fault }
      const { sample, arrivedMono } = given
      return { signals: [], sample: { sample, arrivedMono } }
    },
  }
}

/** Whether less of the same record was refused this time. */
const isBetter = (again: FoundOrFault, found: Found): again is Found =>
  again.kind === 'sample' &&
  again.sample.identity === found.sample.identity &&
  again.refused.length < found.refused.length

/**
 * Keeps back a record of which a channel was refused that the record before had, for as long as it is no later than any record
 * may be (the core's grace); then gives it without. Given is what was read: nothing is put together from two readings.
 */
class RecordKeeper {
  /** The record kept back, while there is one. */
  kept: Found | undefined
  #sinceMono: Millis = 0
  #polledMono: Millis = Number.NEGATIVE_INFINITY
  #gapMs: Millis = Number.POSITIVE_INFINITY
  /** The record given last, and the channels it lacked. */
  #given: { readonly identity: number; readonly lacked: ReadonlySet<unknown> } | undefined

  polled(nowMono: Millis): void {
    this.#gapMs = nowMono - this.#polledMono
    this.#polledMono = nowMono
  }

  /** Whether a record is seen for the first time, and lacks something. */
  isNew({ sample: { identity }, refused }: Found): boolean {
    const known = this.kept?.sample.identity ?? this.#given?.identity
    return refused.length > 0 && identity !== known && identity !== this.#given?.identity
  }

  /** The record to give now, or why there is none yet. */
  give(found: FoundOrFault, nowMono: Millis): FoundOrFault {
    const { kept } = this
    if (kept === undefined) {
      if (found.kind === 'fault') return found
      this.#sinceMono = nowMono
    } else if (found.kind === 'fault' || found.sample.identity !== kept.sample.identity) {
      // The one that is there now is read by the next poll.
      return this.#done(kept)
    }
    const best = kept === undefined || isBetter(found, kept) ? found : kept
    const [refused] = best.refused
    if (refused === undefined || !this.#isWorthWaiting(best, nowMono)) return this.#done(best)
    this.kept = best
    return { kind: 'fault', fault: refused.fault }
  }

  #isWorthWaiting({ sample, refused }: Found, nowMono: Millis): boolean {
    if (sample.identity === this.#given?.identity) return false
    if (refused.every(({ spec }) => this.#given?.lacked.has(spec))) return false
    const { durationMs, holdMs = 0 } = sample
    const waitedMs = nowMono - this.#sinceMono
    return waitedMs + POLLS_LEFT * this.#gapMs < graceOf({ durationMs, holdMs })
  }

  #done(found: Found): Found {
    const { sample, refused } = found
    this.kept = undefined
    this.#given = { identity: sample.identity, lacked: new Set(refused.map(({ spec }) => spec)) }
    return found
  }
}
