// Alarms that follow from one another name the first-out (URS-40); a lost instrument names the fault of its bus.

import { describe, expect, it } from 'vitest'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

const INVERSION = 'b101-dp.inversion'
const HOT = 'b101-t.action_high'
const HUMID = 'c102-rh.action_high'

const rooms = (): CoreRig =>
  new CoreRig(
    plantOf(['b101-dp', 'b101-t', 'c102-rh', 'bsc1-p05'], (it) => ({ ...it, commFailMs: 1e9 })),
  )

/** The pressure inverts: the second sample raises it. */
const invert = (core: CoreRig): void => {
  core.slot('b101-dp', -1)
  core.advance(5000)
  core.slot('b101-dp', -1)
}

describe('URS-40 the first-out', () => {
  it('is named by what follows in the same zone, in its event and its state', () => {
    const core = rooms()
    invert(core)
    expect(core.payload(INVERSION)).not.toHaveProperty('firstOut')
    core.advance(5000)
    core.slot('b101-t', 25)
    const firstOut = { alarm: INVERSION, occ: core.occ(INVERSION) }
    expect(core.payload(HOT)).toMatchObject({ firstOut })
    expect(core.eventsOf('alarm.activated', HOT)[0]?.body).toMatchObject({ firstOut })
  })

  it.each([
    [59_999, true],
    [60_000, true],
    [60_001, false],
  ])('within a minute: %d ms later %s', (ms, named) => {
    const core = rooms()
    invert(core)
    core.advance(ms)
    core.slot('b101-t', 25)
    // the low alarm of the same pressure has risen by then, and is the next to name
    const alarm = named ? INVERSION : 'b101-dp.action_low'
    expect(core.payload(HOT)).toMatchObject({ firstOut: { alarm } })
  })

  it('across a measured boundary and into a cabinet, not beyond', () => {
    const core = rooms()
    core.slot('c102-rh', 61)
    core.slot('b101-t', 25)
    expect(core.payload(HOT)).toMatchObject({ firstOut: { alarm: HUMID } })
    core.advance(50_000)
    core.sample('pc-bsc1', { particles_0_5um: 500 })
    // the room is next to the cabinet, the corridor beyond it is not
    expect(core.payload('bsc1-p05.action_high')).toMatchObject({ firstOut: { alarm: HOT } })
  })

  it('is one that still goes on', () => {
    const core = rooms()
    core.values('c102-rh', 61, 40)
    core.slot('b101-t', 25)
    expect(core.payload(HOT)).not.toHaveProperty('firstOut')
  })

  it('is none of another limit of the same point, and none of a fault', () => {
    const core = rooms()
    core.slot('b101-dp', 'nan')
    core.slot('b101-t', 25)
    expect(core.payload(HOT)).not.toHaveProperty('firstOut')
    expect(core.payload('b101-t.alert_high')).not.toHaveProperty('firstOut')
  })

  it.each([true, false])('URS-28 is remembered over a restart (reboot %s)', (reboot) => {
    const core = rooms()
    invert(core)
    core.restart(20_000, { reboot })
    core.advance(39_000)
    core.slot('b101-t', 25)
    expect(core.payload(HOT)).toMatchObject({ firstOut: { alarm: INVERSION } })
    core.restart(0)
    expect(core.payload(HOT)).toMatchObject({ firstOut: { alarm: INVERSION } })
  })
})
