// The occupancy of a zone selects the limits, and is no mute button (URS-18, URS-67).

import { describe, expect, it } from 'vitest'
import { PLANT, plantOf } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

const MINUTE = 60_000

describe('occupancy and samples', () => {
  const room = () => new CoreRig(plantOf(['b101-p05']))
  const at10000 = { particles_0_5um: 283 }

  it('URS-18 grade B at 10 000 /m³ alarms at rest and not in operation', () => {
    const core = room()
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    expect(core.is('b101-p05.action_high')).toBe('normal')
    core.occupancy('b101', 'at_rest')
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    expect(core.is('b101-p05.action_high')).toBe('unacknowledged')
    expect(core.payload('b101-p05.action_high')).toMatchObject({
      occupancy: 'at_rest',
      limit: { kind: 'action_high', value: 3520, unit: '/m³', set: 'annex1-2022' },
    })
  })

  // states set 20 s apart within one sample that began at rest
  it.each([
    ['in_operation', ['in_operation']],
    ['in_operation twice', ['in_operation', 'in_operation']],
    ['in operation by way of clean-up', ['clean_up', 'in_operation']],
  ] as const)(
    'URS-67 a sample that began at rest is judged at rest though set to %s',
    (_, states) => {
      const core = room()
      core.occupancy('b101', 'at_rest')
      core.advance(MINUTE)
      core.sample('pc-b101', { particles_0_5um: 1 })
      for (const state of states) {
        core.advance(20_000)
        core.occupancy('b101', state)
      }
      core.advance(MINUTE - 20_000 * states.length)
      core.sample('pc-b101', at10000)
      expect(core.is('b101-p05.action_high')).toBe('unacknowledged')
      core.advance(MINUTE)
      core.sample('pc-b101', at10000)
      expect(core.is('b101-p05.action_high')).toBe('rtn_unacknowledged')
    },
  )

  it.each([
    [10, 'normal'],
    [40, 'unacknowledged'],
  ])(
    'URS-67 %d changes within one sample, none of them at rest: %s, what is forgotten is strict',
    (changes, state) => {
      const core = room()
      core.advance(MINUTE)
      core.sample('pc-b101', { particles_0_5um: 1 })
      for (let index = 0; index < changes; index++) {
        core.advance(1000)
        core.occupancy('b101', index % 2 === 0 ? 'clean_up' : 'in_operation')
      }
      core.advance(MINUTE - 1000 * changes)
      core.sample('pc-b101', at10000)
      expect(core.is('b101-p05.action_high')).toBe(state)
    },
  )

  it('URS-67 no change of occupancy closes an occurrence', () => {
    const core = room()
    core.occupancy('b101', 'at_rest')
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    const occ = core.occ('b101-p05.action_high')
    core.occupancy('b101', 'not_in_use')
    core.occupancy('b101', 'in_operation')
    expect(core.payload('b101-p05.action_high')).toMatchObject({ state: 'unacknowledged', occ })
  })

  it('URS-18 unknown occupancy: the strictest column', () => {
    const zones = PLANT.zones.map(({ occupancy: _, ...zone }) => zone)
    const core = new CoreRig({ ...plantOf(['b101-p05']), zones })
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    expect(core.is('b101-p05.action_high')).toBe('unacknowledged')
  })

  it('URS-28 the occupancy survives a restart', () => {
    const core = room()
    core.occupancy('b101', 'at_rest')
    core.restart(1000, { reboot: true })
    core.advance(MINUTE)
    core.sample('pc-b101', at10000)
    expect(core.is('b101-p05.action_high')).toBe('unacknowledged')
  })
})
