// Random histories of one alarm take only the listed edges, and do not depend on how often time is looked at (URS-27).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deadlineOf, stepAlarm } from '#core/alarm.ts'
import { type AlarmInput, NORMAL, stateName, type Transition } from '#core/alarm-state.ts'
import { at, definition, INPUTS, type InputName, newId } from '../../support/one-alarm.ts'

const U = 'unacknowledged'
const A = 'acknowledged'
const R = 'rtn_unacknowledged'
const LU = 'latched_unacknowledged'
const LA = 'latched_acknowledged'
const N = 'normal'

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
