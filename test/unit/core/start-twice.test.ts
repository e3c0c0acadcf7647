// Two starts in a row within a delay: the downtime of the first is no time run (found by the simulation).

import { describe, expect, it } from 'vitest'
import { alarmPayload, createState } from '#core/step.ts'
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

describe('a start after a pause that nobody lived to tell', () => {
  it('URS-28 raises at once what had run out by the last commit, confirmed', () => {
    const core = new CoreRig(plantOf(['b101-dp']))
    core.slot('b101-dp', 9)
    const { mono, wall } = core.at
    // the process stood still, wrote down what it had begun before, and was killed
    const last = { mono: mono + 90_000, wall: wall + 90_000 }
    const at = { mono: last.mono + 2000, wall: last.wall + 2000 }
    const { state, result } = createState({
      ...{ plant: core.plant, epoch: '01JD3Z8Q5K', seq: core.state.seq, tb: 0, at },
      ...{ persisted: core.persisted, lastCommit: { at: last, sameBoot: true } },
    })
    expect(JSON.parse(alarmPayload(state, 'b101-dp.action_low'))).toMatchObject({
      state: 'unacknowledged',
      onset: wall,
    })
    expect(JSON.stringify(result.records)).not.toContain('unconfirmed')
  })
})
