// The list of alarms in a flood: by cause, no alarm of priority 1 behind another, and none lost (URS-38).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupByCause } from '../../../agent/cli/alarm-groups.ts'
import { alarmsText } from '../../../agent/cli/alarms.ts'
import type { AlarmView } from '../../../agent/control/view.ts'
import { ALARM, AT } from '../../support/control-agent.ts'

const alarm = (id: string, more: Partial<AlarmView> = {}): AlarmView => ({
  ...ALARM,
  ...{ alarm: id, occ: `occ-${id}`, priority: 2, zone: 'b101' },
  ...more,
})
const plain = { style: (_: unknown, text: string) => text }
const flood = { since: AT - 60_000, alarms: 34 }

describe('URS-38 in a flood', () => {
  it('the heaviest of a cause stands for the others', () => {
    const bus = alarm('net-1.bus_fault', { bus: 'net-1', zone: undefined as never })
    const lost = ['a', 'b', 'c'].map((id) =>
      alarm(`${id}.comm_fail`, { zone: undefined as never, parent: 'net-1.bus_fault' }),
    )
    const groups = groupByCause([bus, ...lost, alarm('x.alert_high'), alarm('y.alert_high')])
    expect(groups.map(({ alarm: head, others }) => [head.alarm, others.length])).toEqual([
      ['net-1.bus_fault', 3],
      ['x.alert_high', 1],
    ])
  })

  it('no alarm is lost, and each of priority 1 has a row of its own', () => {
    const any = fc.record({
      priority: fc.integer({ min: 1, max: 3 }),
      zone: fc.constantFrom('b101', 'c102'),
      first: fc.option(fc.integer({ min: 0, max: 20 })),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 20 }), (given) => {
        const alarms = given.map(({ priority, zone, first }, index) =>
          alarm(`a${index}`, {
            ...{ priority, zone },
            ...(first !== null && { firstOut: { alarm: `a${first}`, occ: 'o' } }),
          }),
        )
        const groups = groupByCause(alarms)
        const all = groups.flatMap((group) => [group.alarm, ...group.others])
        expect(all.map((one) => one.alarm).sort()).toEqual(alarms.map((one) => one.alarm).sort())
        expect(groups.flatMap(({ others }) => others).every((one) => one.priority > 1)).toBe(true)
      }),
    )
  })

  it('the list says so, and how to see each one', () => {
    const alarms = [alarm('x.alert_high', { chattering: true }), alarm('y.alert_high')]
    const view = { at: AT, timezone: 'UTC', origin: 'instrument', flood, alarms } as const
    const text = alarmsText(view, plain)
    expect(text).toContain('ALARM FLOOD since 10:14:00: 34 alarms. Listed by cause')
    expect(text).toContain('x.alert_high (chattering, with 1 other of the same cause)')
    expect(text).not.toContain('y.alert_high')
    expect(alarmsText(view, plain, 'each')).toContain('y.alert_high')
    const { flood: _, ...calm } = view
    expect(alarmsText(calm, plain)).toContain('y.alert_high')
  })
})
