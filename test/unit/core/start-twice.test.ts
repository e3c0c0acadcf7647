// Two starts in a row within a delay: the downtime of the first is no time run (found by the simulation).

import { describe, expect, it } from 'vitest'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

describe('a second start', () => {
  it('URS-31 finds an on-delay standing still since the first downtime', () => {
    const core = new CoreRig(plantOf(['b101-dp']))
    core.slot('b101-dp', 9)
    core.advance(5000)
    core.slot('b101-dp', 9)
    core.restart(12_000)
    core.input({ kind: 'note', at: core.at, type: 'system.started', body: {}, urgent: true })
    core.restart(1000)
    core.slot('b101-dp', 9)
    core.advance(24_000)
    expect(core.is('b101-dp.action_low')).toBe('normal')
    core.advance(1000)
    expect(core.is('b101-dp.action_low')).toBe('unacknowledged')
  })

  it('URS-31 finds a return standing still since the first downtime', () => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.slot('b101-t', 25)
    core.advance(10_000)
    core.slot('b101-t', 20)
    core.advance(5000)
    core.slot('b101-t', 20)
    core.restart(40_000)
    core.input({ kind: 'note', at: core.at, type: 'system.started', body: {}, urgent: true })
    core.restart(1000)
    core.slot('b101-t', 20)
    core.advance(54_000)
    expect(core.is('b101-t.action_high')).toBe('unacknowledged')
    core.advance(1000)
    expect(core.is('b101-t.action_high')).toBe('rtn_unacknowledged')
  })
})
