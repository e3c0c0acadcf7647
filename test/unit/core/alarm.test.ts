// The machine of one alarm: every pair of state and input is named here with what comes of it (URS-27, alarms.md).

import { describe, expect, it } from 'vitest'
import { stepAlarm } from '#core/alarm.ts'
import { ALARM_STATES, type AlarmStateName, NORMAL, stateName } from '#core/alarm-state.ts'
import { definition, INPUTS, type InputName, newId, reach, seen } from '../../support/one-alarm.ts'

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
  it('found late before what began the on-delay moves the onset back, and a later one does not', () => {
    const of = definition({ onDelayMs: 30_000 })
    const begun = stepAlarm(of, NORMAL, seen('violated', { t: 0, mono: 0 }), newId).state
    for (const [t, onset] of [
      [-20_000, -20_000],
      [10_000, 0],
    ] as const) {
      const late = seen('violated', { late: true, t, mono: 15_000 })
      expect(stepAlarm(of, begun, late, newId).state.occurrence).toMatchObject({ onset })
    }
  })

  it.each([
    ['high', [10, 12, 12, 11], 12],
    ['low', [10, 8, 8, 9], 8],
  ] as const)(
    'URS-29 the worst of a %s limit is told with the moment it was first reached',
    (direction, values, peak) => {
      const of = definition({ judgement: { by: 'threshold', direction, columns: {} } })
      const { occurrence } = values.reduce(
        (state, value, index) =>
          stepAlarm(of, state, seen('violated', { value, t: index * 1000 }), newId).state,
        NORMAL,
      )
      expect(occurrence?.peak).toEqual({ value: peak, t: 1000 })
    },
  )
})
