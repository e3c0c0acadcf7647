// HO10 HO12 a stretch in which the agent itself stood still is held against no instrument; silence after it still is.

import { describe, expect, it } from 'vitest'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

const FAIL = 'dp-b101.comm_fail'
const patient = () => new CoreRig(plantOf(['b101-dp'], (it) => ({ ...it, commFailMs: 60_000 })))

/** The process stands still: no deadline is met meanwhile. */
function pause(core: CoreRig, ms: number): void {
  core.wall += ms
  core.mono += ms
}

describe('HO10 HO12 a pause of the agent', () => {
  it('raises no loss of data, however long, and does not count against the share of good slots', () => {
    const core = patient()
    core.values('b101-dp', ...Array<number>(20).fill(15))
    pause(core, 300_000)
    core.input({ kind: 'stalled', at: core.at, ms: 300_000 })
    core.slot('b101-dp', 'slot_missed', { slots: 60 })
    expect(core.is(FAIL)).toBe('normal')
    core.values('b101-dp', ...Array<number>(20).fill(15))
    expect(core.is(FAIL)).toBe('normal')
    expect(core.events.filter(({ type }) => type === 'alarm.activated')).toEqual([])
  })

  it('the same slots without a pause are a loss', () => {
    const core = patient()
    core.values('b101-dp', ...Array<number>(20).fill(15))
    core.slot('b101-dp', 'slot_missed', { slots: 60 })
    expect(core.is(FAIL)).toBe('unacknowledged')
  })

  it.each([
    [4999, 'normal'],
    [5000, 'unacknowledged'],
  ])('slots that are told as missed %d ms after it: %s', (after, state) => {
    const core = patient()
    core.values('b101-dp', ...Array<number>(20).fill(15))
    pause(core, 300_000)
    core.input({ kind: 'stalled', at: core.at, ms: 300_000 })
    core.advance(after)
    core.slot('b101-dp', 'slot_missed', { slots: 60 })
    expect(core.is(FAIL)).toBe(state)
  })

  it('URS-66 A5 only the pause is forgiven: silence before and after it counts', () => {
    const core = patient()
    core.slot('b101-dp', 15)
    core.advance(20_000)
    pause(core, 100_000)
    core.input({ kind: 'stalled', at: core.at, ms: 100_000 })
    core.advance(39_999)
    expect(core.is(FAIL)).toBe('normal')
    core.advance(1)
    expect(core.is(FAIL)).toBe('unacknowledged')
  })

  it('clears no loss that was there before', () => {
    const core = patient()
    core.slot('b101-dp', 15)
    core.advance(60_000)
    pause(core, 100_000)
    core.input({ kind: 'stalled', at: core.at, ms: 100_000 })
    expect(core.is(FAIL)).toBe('unacknowledged')
  })
})
