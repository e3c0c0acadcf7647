// The delays of an alarm: when it rises, what holds it, what cancels it, and that a restart changes none of it.

import { describe, expect, it } from 'vitest'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const LOW = 'b101-dp.action_low'
const rig = () => new CoreRig(plantOf(['b101-dp']))

describe('on-delay', () => {
  it('URS-29 records onset apart from activation, and fires at its deadline without another sample', () => {
    const core = rig()
    core.slot('b101-dp', 9.99)
    core.advance(29_999)
    expect(core.is(LOW)).toBe('normal')
    core.advance(1)
    expect(core.is(LOW)).toBe('unacknowledged')
    expect(core.payload(LOW)).toMatchObject({
      onset: START,
      activated: START + 30_000,
      value: 9.99,
    })
  })
})
