// A frozen value (URS-09, faults.md): no start and no configuration thaws it, and none puts the finding off.

import { describe, expect, it } from 'vitest'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

const FROZEN = 'b101-dp.frozen'

/** A pressure of every 5 s that may stand still for 20 s. */
const room = (): CoreRig =>
  new CoreRig(plantOf(['b101-dp'], (it) => ({ ...it, stuckAfterMs: 20_000, commFailMs: 1e9 })))

describe('URS-09 a frozen value', () => {
  it.each([
    ['a start of the process', (core: CoreRig) => core.restart(1000)],
    ['a start of the box', (core: CoreRig) => core.restart(60_000, { reboot: true })],
    [
      'another configuration',
      (core: CoreRig) => void core.changePlant({ ...core.plant, hash: 'sha256:2' }),
    ],
  ])('URS-28 stays frozen over %s until it is seen to move', (_, interrupt) => {
    const core = room()
    core.values('b101-dp', 15, 15, 15, 15, 15, 15)
    core.ack(FROZEN)
    expect(core.is(FROZEN)).toBe('acknowledged')
    interrupt(core)
    core.values('b101-dp', 15, 15, 'timeout', 15)
    expect(core.lastReading('b101-dp')).toMatchObject({ q: 'uncertain', qc: 'stuck' })
    expect(core.is(FROZEN)).toBe('acknowledged')
    core.values('b101-dp', 15.1)
    expect(core.lastReading('b101-dp').q).toBe('good')
    expect(core.is(FROZEN)).toBe('normal')
  })

  it('URS-67 is found in its time however often the configuration changes meanwhile', () => {
    const core = room()
    for (let change = 0; change < 5; change++) {
      core.values('b101-dp', 15)
      core.changePlant({ ...core.plant, hash: `sha256:${change}` })
    }
    expect(core.is(FROZEN)).toBe('normal')
    core.values('b101-dp', 15)
    expect(core.is(FROZEN)).toBe('unacknowledged')
  })

  it('URS-74 of an instrument that another one replaces, nothing is known', () => {
    const core = room()
    core.values('b101-dp', 15, 15, 15, 15)
    const instruments = core.plant.instruments.map((it) =>
      it.id === 'dp-b101' ? { ...it, serial: 'new' } : it,
    )
    core.changePlant({ ...core.plant, hash: 'sha256:2', instruments })
    core.values('b101-dp', 15, 15)
    expect(core.is(FROZEN)).toBe('normal')
  })
})
