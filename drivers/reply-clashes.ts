// Which reads of an instrument have replies that cannot be told from late ones of its other reads, as its polls are planned at the
// start. Pure: asks nothing. Decides nothing about whether that may be; check-config warns of it.

import { planPoll, planRegisters, type RegisterPlan } from './modbus/poll-plan.ts'
import type { PlannedRead } from './modbus/read-plan.ts'
import { Unit } from './modbus/unit.ts'
import { layoutSample, planSample } from './particle-counter/sample-plan.ts'
import { type InstrumentSettings, isObjectSpec, type RegisterSpec } from './profile.ts'

/** What is polled together: the signals of one interval, or the newest record of a sampled instrument. */
export interface PolledGroup {
  readonly signals: readonly string[]
  readonly sampled: boolean
}

/** Reads without a reply length of their own, on a bus whose replies carry no transaction id. */
export function replyClashes(
  instrument: InstrumentSettings,
  groups: readonly PolledGroup[],
): PlannedRead[] {
  const { profile } = instrument
  const unit = new Unit(instrument, { untilMono: Number.NEGATIVE_INFINITY }, true)
  const { serial, model, firmware } = profile.identify ?? {}
  const identity = [serial, model, firmware].filter(
    (spec) => spec !== undefined && !isObjectSpec(spec),
  ) as RegisterSpec[]
  const plans: RegisterPlan[] = [planRegisters(identity, unit, 0)]
  for (const { signals, sampled } of groups) {
    if (sampled) {
      const { whole, again } = planSample(layoutSample(profile), unit, 0)
      plans.push(whole, ...(again === undefined ? [] : [again]))
    } else plans.push(planPoll([...signals], unit, 0))
  }
  return plans.flatMap(({ clashes }) => clashes)
}
