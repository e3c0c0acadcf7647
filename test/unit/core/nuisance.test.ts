// A flood and a chattering alarm as they happen (URS-38, ISA-18.2): said beside the alarms, over any restart, and no record is dropped.

import { describe, expect, it } from 'vitest'
import { SYSTEM_ALARMS } from '#core/alarm-set.ts'
import { floodView, nextNuisance } from '#core/nuisance.ts'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const SECOND = 1000
const MINUTE = 60_000
const NAMES = Object.keys(SYSTEM_ALARMS).map((name) => `system.${name}`)
const HUMIDITY = 'c102-rh.action_high'

const room = (): CoreRig =>
  new CoreRig(plantOf(['b101-t', 'c102-rh'], (it) => ({ ...it, commFailMs: 1e9 })))

/** So many alarms, a second apart, the first now. */
function raise(core: CoreRig, count: number): void {
  for (const name of NAMES.slice(0, count)) {
    core.condition(name, true)
    core.advance(SECOND)
  }
}

const floods = (core: CoreRig): string[] =>
  core.events.filter(({ type }) => type.startsWith('flood.')).map(({ type }) => type)

describe('URS-38 a flood of alarms', () => {
  it('begins with the eleventh within ten minutes, and every alarm is on record', () => {
    const core = room()
    raise(core, 10)
    expect(floods(core)).toEqual([])
    raise(core, 12)
    expect(floods(core)).toEqual(['flood.started'])
    expect(core.events.filter(({ type }) => type === 'alarm.activated')).toHaveLength(12)
    expect(floodView(core.state)).toEqual({ since: START + 20 * SECOND, alarms: 12 })
  })

  it('ends by itself when fewer than five are left of ten minutes, to the millisecond', () => {
    const core = room()
    raise(core, 11)
    // the seventh, the fifth newest, came at 6 s; now is 11 s
    core.advance(10 * MINUTE - 5 * SECOND - 1)
    expect(floods(core)).toEqual(['flood.started'])
    core.advance(1)
    expect(floods(core)).toEqual(['flood.started', 'flood.ended'])
    const ended = core.events.find(({ type }) => type === 'flood.ended')
    expect(ended?.body).toEqual({ since: START + 10 * SECOND, alarms: 11 })
    expect(floodView(core.state)).toBeUndefined()
  })

  it.each([
    ['the process', {}],
    ['the machine', { reboot: true }],
  ])('goes on over restarts of %s, its time passing meanwhile', (_what, how) => {
    const core = room()
    raise(core, 11)
    for (let start = 0; start < 2; start++) {
      core.restart(2 * MINUTE, how)
      core.input({ kind: 'note', at: core.at, type: 'system.started', body: {} })
    }
    expect(floodView(core.state)).toEqual({ since: START + 10 * SECOND, alarms: 11 })
    core.advance(6 * MINUTE - 5 * SECOND - 1)
    expect(floods(core)).toEqual(['flood.started'])
    core.advance(1)
    expect(floods(core)).toEqual(['flood.started', 'flood.ended'])
  })

  it('that is over before the start ends with the start', () => {
    const core = room()
    raise(core, 11)
    core.restart(60 * MINUTE, { reboot: true })
    expect(floods(core)).toEqual(['flood.started', 'flood.ended'])
  })

  it('counts no alarm behind a hold: it calls nobody', () => {
    const core = room()
    raise(core, 10)
    const act = { kind: 'out_of_service', target: 'b101-t', workOrder: 'WO-1' } as const
    expect(core.act(act).ok).toBe(true)
    core.slot('b101-t', 99)
    expect(core.events.at(-1)).toMatchObject({ body: { held: 'out_of_service' } })
    expect(floods(core)).toEqual([])
    core.slot('c102-rh', 99)
    expect(floods(core)).toEqual(['flood.started'])
  })
})

describe('URS-38 a chattering alarm', () => {
  const toggle = (core: CoreRig, everyMs: number, times: number): void => {
    for (let index = 0; index < times; index++) {
      core.condition('system.overload', index % 2 === 0)
      core.advance(everyMs)
    }
  }
  const marked = (core: CoreRig) => core.payload('system.overload')['chattering']

  it.each([
    ['two transitions', 1, 2, undefined],
    ['three within a minute', 30 * SECOND, 3, true],
    ['three within more than a minute', 30 * SECOND + 1, 3, undefined],
  ])('%s', (_name, everyMs, times, expected) => {
    const core = room()
    toggle(core, everyMs, times)
    expect(marked(core)).toBe(expected)
  })

  it('PE12 is marked until it has been quiet for a minute, and its published state says so', () => {
    const core = room()
    toggle(core, 0, 3)
    core.advance(MINUTE - 1)
    expect(marked(core)).toBe(true)
    const { alarms } = core.input({
      kind: 'tick',
      at: { wall: core.wall + 1, mono: core.mono + 1 },
    })
    expect(alarms).toEqual(['system.overload'])
    expect(marked(core)).toBeUndefined()
    expect(core.eventsOf('alarm.activated', 'system.overload')).toHaveLength(2)
  })

  it('of two each loses its mark a minute after its own last transition', () => {
    const core = room()
    for (const value of [99, 20, 99]) core.slot('c102-rh', value)
    core.advance(10 * SECOND)
    toggle(core, 0, 3)
    const both = () => [core.payload(HUMIDITY)['chattering'], marked(core)]
    expect(nextNuisance(core.state)).toBe(core.mono + 50 * SECOND)
    core.advance(50 * SECOND - 1)
    expect(both()).toEqual([true, true])
    core.advance(1)
    expect(both()).toEqual([undefined, true])
    expect(nextNuisance(core.state)).toBe(core.mono + 10 * SECOND)
    core.advance(10 * SECOND)
    expect(both()).toEqual([undefined, undefined])
  })

  it('leaves the marks of a plant that is no more behind without a trace', () => {
    const core = room()
    for (const value of [99, 20, 99]) core.slot('c102-rh', value)
    expect(core.payload(HUMIDITY)['chattering']).toBe(true)
    core.changePlant(plantOf(['b101-t'], (it) => ({ ...it, commFailMs: 1e9 })))
    core.advance(2 * MINUTE)
    expect(core.state.nuisance.chattering.size).toBe(0)
  })
})
