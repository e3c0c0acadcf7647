// Harvests the newest record of a particle counter. Decides when what was read in several replies is one record: the
// identity stands in the reply that holds the counts, or is read again afterwards and has not changed. Writes nothing.

import type { PollReply } from '#ports/driver.ts'
import type { Conversation } from '../modbus/conversation.ts'
import type { Fault } from '../modbus/exception.ts'
import type { SampleReader } from '../modbus/modbus-driver.ts'
import { pollRegisters } from '../modbus/register-poll.ts'
import type { Unit } from '../modbus/unit.ts'
import { sampleOf } from './sample.ts'
import { layoutSample, planSample, type SamplePlan } from './sample-plan.ts'

/** A record that changed while it was read is read again, so many times in all. */
const TRIES_MAX = 3

/** Makes the reader of one instrument. `refusals`: how often a lone register must be refused before it is set aside. */
export function sampleReader(unit: Unit, refusals: number): SampleReader {
  const layout = layoutSample(unit.settings.profile)
  let plan: SamplePlan | undefined
  const planAt = (nowMono: number): SamplePlan => {
    if (plan?.whole.version !== unit.version(nowMono)) plan = planSample(layout, unit, nowMono)
    return plan as SamplePlan
  }
  const once = async (conversation: Conversation, nowMono: number) => {
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
  return {
    poll: async (conversation, nowMono): Promise<Omit<PollReply, 'silent'>> => {
      let sampleFault: Fault = { kind: 'fault', reason: 'busy' }
      for (let tried = 0; tried < TRIES_MAX; tried++) {
        const read = await once(conversation, nowMono)
        if (read === undefined) continue
        if (read.kind === 'sample') {
          const { sample, arrivedMono } = read
          return { signals: [], sample: { sample, arrivedMono } }
        }
        sampleFault = read.fault
        break
      }
      return { signals: [], sampleFault }
    },
  }
}
