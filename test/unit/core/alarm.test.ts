// The machine of one alarm: every pair of state and input is named here with what comes of it (URS-27, alarms.md).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deadlineOf, stepAlarm } from '#core/alarm.ts'
import type { AlarmDefinition } from '#core/alarm-set.ts'
import {
  ALARM_STATES,
  type AlarmInput,
  type AlarmState,
  type AlarmStateName,
  NORMAL,
  type Observation,
  stateName,
  type Transition,
} from '#core/alarm-state.ts'
import { actor } from '../../support/core-rig.ts'

const definition = (given: Partial<AlarmDefinition> = {}): AlarmDefinition => ({
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

const at = (mono: number) => ({ wall: 1_000_000 + mono, mono })

const seen = (
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

const INPUTS = {
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
type InputName = keyof typeof INPUTS

let ids = 0
const newId = () => `occ-${++ids}`

/** A state reached the way it is reached in life. */
function reach(name: AlarmStateName, of: AlarmDefinition): AlarmState {
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

// A dot: nothing happens, and nothing is recorded.
const U = 'unacknowledged'
const A = 'acknowledged'
const R = 'rtn_unacknowledged'
const LU = 'latched_unacknowledged'
const LA = 'latched_acknowledged'
const N = 'normal'
type Row = Record<InputName, string>
const NOT_LATCHING: Partial<Record<AlarmStateName, Row>> = {
  normal: {
    violated: U,
    'violated?': U,
    'violated late': U,
    between: '.',
    normal: '.',
    'normal?': '.',
    'normal late': '.',
    bad: '.',
    deadline: '.',
    acknowledge: '.',
    reset: '.',
    close: '.',
  },
  unacknowledged: {
    violated: '.',
    'violated?': '.',
    'violated late': '.',
    between: '.',
    normal: R,
    'normal?': '.',
    'normal late': '.',
    bad: '.',
    deadline: '.',
    acknowledge: A,
    reset: '.',
    close: N,
  },
  acknowledged: {
    violated: '.',
    'violated?': '.',
    'violated late': '.',
    between: '.',
    normal: N,
    'normal?': '.',
    'normal late': '.',
    bad: '.',
    deadline: '.',
    acknowledge: '.',
    reset: '.',
    close: N,
  },
  rtn_unacknowledged: {
    violated: U,
    'violated?': U,
    'violated late': U,
    between: '.',
    normal: '.',
    'normal?': '.',
    'normal late': '.',
    bad: '.',
    deadline: '.',
    acknowledge: N,
    reset: '.',
    close: N,
  },
}
const LATCHING: Partial<Record<AlarmStateName, Row>> = {
  normal: {
    violated: U,
    'violated?': U,
    'violated late': U,
    between: '.',
    normal: '.',
    'normal?': '.',
    'normal late': '.',
    bad: '.',
    deadline: '.',
    acknowledge: '.',
    reset: '.',
    close: '.',
  },
  unacknowledged: {
    violated: '.',
    'violated?': '.',
    'violated late': '.',
    between: '.',
    normal: LU,
    'normal?': '.',
    'normal late': '.',
    bad: '.',
    deadline: '.',
    acknowledge: A,
    reset: '.',
    close: N,
  },
  acknowledged: {
    violated: '.',
    'violated?': '.',
    'violated late': '.',
    between: '.',
    normal: LA,
    'normal?': '.',
    'normal late': '.',
    bad: '.',
    deadline: '.',
    acknowledge: '.',
    reset: '.',
    close: N,
  },
  latched_unacknowledged: {
    violated: U,
    'violated?': U,
    'violated late': U,
    between: '.',
    normal: '.',
    'normal?': '.',
    'normal late': '.',
    bad: '.',
    deadline: '.',
    acknowledge: LA,
    reset: '.',
    close: N,
  },
  latched_acknowledged: {
    violated: U,
    'violated?': U,
    'violated late': U,
    between: '.',
    normal: '.',
    'normal?': '.',
    'normal late': '.',
    bad: '.',
    deadline: '.',
    acknowledge: '.',
    reset: N,
    close: N,
  },
}

const pairs = [NOT_LATCHING, LATCHING].flatMap((table, latching) =>
  Object.entries(table).flatMap(([from, row]) =>
    Object.entries(row).map(
      ([input, to]) => [latching === 1, from as AlarmStateName, input as InputName, to] as const,
    ),
  ),
)

describe('URS-27 every pair of state and input', () => {
  it('names every state and every input', () => {
    const named = new Set(pairs.map(([, from]) => from))
    expect([...named].sort()).toEqual([...ALARM_STATES].sort())
    expect(pairs.length).toBe(9 * Object.keys(INPUTS).length)
  })

  it.each(pairs)('latching %s: %s × %s → %s', (latching, from, input, to) => {
    const of = definition({ latching })
    const state = reach(from, of)
    const next = stepAlarm(of, state, INPUTS[input], newId)
    expect(stateName(next.state, latching)).toBe(to === '.' ? from : to)
    expect(next.transitions.map((each) => each.to)).toEqual(
      to === '.'
        ? []
        : to === U && state.occurrence !== null && !state.active
          ? ['superseded', U]
          : [to],
    )
  })
})

describe('an occurrence', () => {
  it('that follows one nobody acknowledged is linked to it and lists it', () => {
    const of = definition()
    const first = reach('rtn_unacknowledged', of)
    const second = stepAlarm(of, first, INPUTS.violated, newId)
    const { occurrence } = second.state
    expect(occurrence).toMatchObject({
      previous: first.occurrence?.occ,
      superseded: [first.occurrence?.occ],
      rev: 1,
    })
    const third = stepAlarm(
      of,
      stepAlarm(of, second.state, INPUTS.normal, newId).state,
      INPUTS.violated,
      newId,
    )
    expect(third.state.occurrence?.superseded).toEqual([first.occurrence?.occ, occurrence?.occ])
    const seenBy = stepAlarm(of, third.state, INPUTS.acknowledge, newId)
    expect(seenBy.state.occurrence?.superseded).toEqual([])
  })

  it('that follows an acknowledged latched one is linked but lists nothing', () => {
    const of = definition({ latching: true })
    const first = reach('latched_acknowledged', of)
    const { occurrence } = stepAlarm(of, first, INPUTS.violated, newId).state
    expect(occurrence).toMatchObject({ previous: first.occurrence?.occ, superseded: [] })
  })

  it('keeps its worst value and when it was', () => {
    const of = definition()
    let state = stepAlarm(of, NORMAL, seen('violated', { value: 10, t: 1 }), newId).state
    for (const [value, t] of [
      [12, 2],
      [15, 3],
      [11, 4],
    ] as const) {
      state = stepAlarm(of, state, seen('violated', { value, t }), newId).state
    }
    expect(state.occurrence).toMatchObject({ value: 10, peak: { value: 15, t: 3 } })
  })

  it('counts its state changes', () => {
    const of = definition({ latching: true })
    const state = reach('latched_acknowledged', of)
    expect(state.occurrence?.rev).toBe(3)
  })

  it('records who acknowledged, when and why', () => {
    const { occurrence } = reach('acknowledged', definition())
    expect(occurrence?.ack).toEqual({
      user: 'jdoe',
      name: 'J. Doe',
      role: 'technician',
      ts: 1_000_000,
      reason: 'other',
      comment: 'c',
    })
  })

  it('found late raises at once in spite of the on-delay, with its true onset', () => {
    const of = definition({ onDelayMs: 30_000 })
    const late = seen('violated', { late: true, t: -500_000, mono: 100 })
    const { occurrence } = stepAlarm(of, NORMAL, late, newId).state
    expect(occurrence).toMatchObject({ onset: -500_000, activated: 1_000_100, detectedLate: true })
  })
})

describe('random histories', () => {
  const inputArb = fc.record({
    name: fc.constantFrom(...(Object.keys(INPUTS) as InputName[])),
    after: fc.integer({ min: 0, max: 20_000 }),
  })
  const definitionArb = fc.record({
    latching: fc.boolean(),
    onDelayMs: fc.constantFrom(0, 10_000, 30_000),
    offDelayMs: fc.constantFrom(0, 10_000),
    kind: fc.constantFrom('action_high' as const, 'inversion' as const),
  })
  const EDGES = new Set([
    `${N}>${U}`,
    `${U}>${A}`,
    `${U}>${R}`,
    `${A}>${N}`,
    `${R}>${N}`,
    `${R}>superseded`,
    `${R}>${U}`,
    `${U}>${LU}`,
    `${A}>${LA}`,
    `${LU}>${LA}`,
    `${LA}>${N}`,
    `${LU}>superseded`,
    `${LU}>${U}`,
    `${LA}>superseded`,
    `${LA}>${U}`,
  ])

  it('URS-27 take only the listed edges, each recorded, and nothing bad ever clears', () => {
    fc.assert(
      fc.property(definitionArb, fc.array(inputArb, { maxLength: 80 }), (given, script) => {
        const of = definition(given)
        let state = NORMAL
        let mono = 0
        for (const { name, after } of script) {
          mono += after
          const before = stateName(state, of.latching)
          const input = { ...INPUTS[name], at: at(mono) } as AlarmInput
          const next = stepAlarm(of, state, input, newId)
          const closed = next.transitions.some(({ type }) => type === 'alarm.closed')
          checkTrace(before, stateName(next.state, of.latching), next.transitions)
          for (const { from, to } of next.transitions) {
            if (!closed) expect(EDGES, `${from}>${to} by ${name}`).toContain(`${from}>${to}`)
          }
          if (name === 'bad' || name.endsWith('?')) {
            expect(next.transitions.map(({ type }) => type)).not.toContain('alarm.acknowledged')
            if (name === 'bad' && state.returning === null) {
              expect(next.state.active).toBe(state.active || next.transitions.length > 0)
            }
          }
          expect(next.state.acked && next.state.occurrence === null).toBe(false)
          expect(next.state.active && next.state.occurrence === null).toBe(false)
          const due = deadlineOf(of, next.state)
          if (due !== undefined) expect(due).toBeGreaterThanOrEqual(mono - 0.001)
          state = next.state
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('are the same however often time is looked at in between', () => {
    fc.assert(
      fc.property(definitionArb, fc.array(inputArb, { maxLength: 30 }), (given, script) => {
        const of = definition(given)
        const run = (ticks: boolean): string[] => {
          let state = NORMAL
          let mono = 0
          const trace: string[] = []
          const take = (input: AlarmInput) => {
            const next = stepAlarm(of, state, input, () => 'id')
            for (const { from, to } of next.transitions) trace.push(`${from}>${to}`)
            state = next.state
          }
          for (const { name, after } of script) {
            const end = mono + after
            for (mono += 700; ticks && mono < end; mono += 700)
              take({ kind: 'deadline', at: at(mono) })
            mono = end
            take({ ...INPUTS[name], at: at(mono) } as AlarmInput)
          }
          return trace
        }
        expect(run(true)).toEqual(run(false))
      }),
      { numRuns: 500 },
    )
  })
})

/** Transitions lead from the state before to the state after without a jump. */
function checkTrace(before: string, after: string, transitions: readonly Transition[]): void {
  let present = before
  for (const { from, to } of transitions) {
    expect(from).toBe(present)
    if (to !== 'superseded') present = to
  }
  expect(present).toBe(after)
}
