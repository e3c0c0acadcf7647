// What the checker of holds believes of alarms that were suppressed when the disk went out of order: nothing, until it is told again.

import { describe, expect, it } from 'vitest'
import { HoldChecks } from './holds.ts'

const ALARM = 'p.alert_high'

function checks(): { holds: HoldChecks; broken: string[]; suppress: () => void } {
  const broken: string[] = []
  const holds = new HoldChecks({
    broken: (invariant, words) => broken.push(`${invariant} ${words}`),
    seen: () => {},
    openOf: () => null,
    alarms: () => [ALARM],
  })
  const suppress = () =>
    holds.accepted(1, { type: 'suppression.started', ts: 0, body: { count: 1, alarms: [ALARM] } })
  suppress()
  holds.step(2, ALARM, 'one', 'suppressed_by_design')
  return { holds, broken, suppress }
}

const ended = (occurrences: readonly string[]) => ({
  type: 'suppression.ended',
  ts: 0,
  body: {
    ...{ alarms: [ALARM], hidden: occurrences.length },
    hid: [
      {
        alarm: ALARM,
        hidden: occurrences.length,
        occurrences: occurrences.map((occ) => ({ occ })),
      },
    ],
  },
})

describe('A9 suppressed when the disk went out of order', () => {
  it('may have ended in the gap, whatever it hid, and begin anew with what it hides then', () => {
    const { holds, broken, suppress } = checks()
    holds.gap()
    suppress()
    holds.accepted(3, ended([]))
    expect(broken).toEqual([])
  })

  it('may be shown as it is beneath, and is then suppressed no more', () => {
    const { holds, broken } = checks()
    holds.gap()
    expect(holds.isShown(ALARM, 'normal', 'normal')).toBe(true)
    expect(holds.isShown(ALARM, 'normal', 'suppressed_by_design')).toBe(false)
    expect(broken).toEqual([])
  })

  it.each([
    [
      'it is shown as suppressed',
      (holds: HoldChecks) => holds.isShown(ALARM, 'normal', 'suppressed_by_design'),
    ],
    ['a step says so', (holds: HoldChecks) => holds.step(3, ALARM, 'two', 'suppressed_by_design')],
  ])('goes on where %s, and all of it has to be listed', (_, told) => {
    const { holds, broken, suppress } = checks()
    holds.gap()
    told(holds)
    suppress()
    expect(broken).toEqual([`A9 record 1: ${ALARM} became suppressed_by_design twice`])
  })

  it('that is said to have ceased has to have begun', () => {
    const { holds, broken } = checks()
    holds.accepted(3, ended(['one']))
    holds.accepted(4, ended([]))
    expect(broken).toEqual([
      `A9 record 4: ${ALARM} ceased to be suppressed_by_design, which it was not`,
    ])
  })

  it('is told in full where there was no gap', () => {
    const { holds, broken } = checks()
    expect(holds.isShown(ALARM, 'normal', 'normal')).toBe(false)
    holds.accepted(3, ended(['one']))
    expect(holds.isShown(ALARM, 'normal', 'normal')).toBe(true)
    expect(broken).toEqual([])
  })
})
