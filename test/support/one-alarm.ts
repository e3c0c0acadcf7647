// One alarm and everything that can happen to it, for tests of its machine.

import { expect } from 'vitest'
import { stepAlarm } from '#core/alarm.ts'
import type { AlarmDefinition } from '#core/alarm-set.ts'
import {
  type AlarmInput,
  type AlarmState,
  type AlarmStateName,
  NORMAL,
  type Observation,
  stateName,
} from '#core/alarm-state.ts'
import { actor } from './core-rig.ts'

export const definition = (given: Partial<AlarmDefinition> = {}): AlarmDefinition => ({
  id: 'p.action_high',
  kind: 'action_high',
  class: 'action',
  priority: 2,
  latching: false,
  judgement: { by: 'threshold', direction: 'high', columns: {} },
  onDelayMs: 0,
  offDelayMs: 0,
  deadband: 0,
  ...given,
})

export const at = (mono: number) => ({ wall: 1_000_000 + mono, mono })

export const seen = (
  verdict: Observation['verdict'],
  given: Partial<Observation> & { mono?: number } = {},
): AlarmInput => {
  const { mono = 0, ...observation } = given
  const value = { violated: 10, between: 5, normal: 0 }[verdict]
  return {
    kind: 'observation',
    at: at(mono),
    observation: { verdict, quality: 'good', t: mono, value, ...observation },
  }
}

export const INPUTS = {
  violated: seen('violated'),
  'violated?': seen('violated', { quality: 'uncertain' }),
  'violated late': seen('violated', { late: true }),
  between: seen('between'),
  normal: seen('normal'),
  'normal?': seen('normal', { quality: 'uncertain' }),
  'normal late': seen('normal', { late: true }),
  bad: { kind: 'bad', at: at(0) },
  deadline: { kind: 'deadline', at: at(0) },
  acknowledge: { kind: 'acknowledge', at: at(0), actor: actor(), reason: 'other', comment: 'c' },
  reset: { kind: 'reset', at: at(0) },
  close: { kind: 'close', at: at(0) },
} satisfies Record<string, AlarmInput>
export type InputName = keyof typeof INPUTS

let ids = 0
export const newId = () => `occ-${++ids}`

/** A state reached the way it is reached in life. */
export function reach(name: AlarmStateName, of: AlarmDefinition): AlarmState {
  const path: Record<AlarmStateName, InputName[]> = {
    normal: [],
    unacknowledged: ['violated'],
    acknowledged: ['violated', 'acknowledge'],
    rtn_unacknowledged: ['violated', 'normal'],
    latched_unacknowledged: ['violated', 'normal'],
    latched_acknowledged: ['violated', 'acknowledge', 'normal'],
  }
  const state = path[name].reduce<AlarmState>(
    (before, input) => stepAlarm(of, before, INPUTS[input], newId).state,
    NORMAL,
  )
  expect(stateName(state, of.latching)).toBe(name)
  return state
}
