// Lays the status words over the signals that were read with them. Gives each signal exactly one result.

import { assert } from '#core/assert.ts'
import type { RawSignal } from '#core/reading.ts'
import type { SignalReply } from '#ports/driver.ts'
import type { PollPlan } from './poll-plan.ts'
import type { RegisterResults } from './register-poll.ts'
import { complaintsOf, heavier, type StatusReason, underComplaint } from './status.ts'

/** The replies to an order, in the order of the plan's signals. */
export function signalReplies(
  plan: PollPlan,
  { results, arrivedMono }: RegisterResults,
): SignalReply[] {
  return plan.signals.map((signal, index) => {
    const arrived = arrivedMono[index]
    assert(arrived !== undefined, 'the poll left out', signal)
    return { signal, result: judged(plan, results, index), arrivedMono: arrived }
  })
}

/** A signal with what the status words say of it. A status word that cannot be read says nothing good. */
function judged(plan: PollPlan, results: readonly RawSignal[], index: number): RawSignal {
  const result = results[index]
  assert(result !== undefined, 'the poll left out signal', index)
  const words = plan.statusOf[index]
  if (words === undefined || words.length === 0 || result.kind === 'fault') return result
  let worst: StatusReason | undefined
  for (const position of words) {
    const spec = plan.statusWords[position]
    const word = results[plan.signals.length + position]
    assert(spec !== undefined && word !== undefined, 'the poll left out a status word')
    if (word.kind === 'fault') return { ...word, raw: result.raw }
    worst = heavier(worst, complaintsOf(spec, word.value)[0])
  }
  return worst === undefined ? result : underComplaint(result, worst)
}
