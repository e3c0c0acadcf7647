// Data loss: silence, and data that comes and goes (URS-66, faults.md A5).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const pressure = () => new CoreRig(plantOf(['b101-dp']))

describe('data loss', () => {
  const FAIL = 'dp-b101.comm_fail'
  /** Silence alone takes a minute here, so that the share of good slots can be seen. */
  const patient = () => new CoreRig(plantOf(['b101-dp'], (it) => ({ ...it, commFailMs: 60_000 })))

  it('URS-66 critical pressure: within 10 s of the last value, without waiting for a sample', () => {
    const core = pressure()
    core.slot('b101-dp', 15)
    core.advance(9999)
    expect(core.is(FAIL)).toBe('normal')
    core.advance(1)
    expect(core.is(FAIL)).toBe('unacknowledged')
    expect(core.payload(FAIL)).toMatchObject({ class: 'fault', priority: 1, onset: START })
  })

  it('URS-66 counts from the start where nothing ever arrived', () => {
    const core = pressure()
    core.advance(10_000)
    expect(core.is(FAIL)).toBe('unacknowledged')
  })

  it.each(['timeout', 'crc', 'parked', 'nan', 'sensor_fault', 'config_changed'] as const)(
    'URS-66 %s for that long is a loss of data',
    (reason) => {
      const core = pressure()
      core.values('b101-dp', 15, reason, reason)
      expect(core.is(FAIL)).toBe('unacknowledged')
    },
  )

  it('an uncertain value is a value', () => {
    const core = pressure()
    for (let index = 0; index < 9; index++) {
      core.slot('b101-dp', 15, { warning: 'warmup' })
      core.advance(5000)
    }
    expect(core.is(FAIL)).toBe('normal')
  })

  it('returns when every point of the instrument is back', () => {
    const core = new CoreRig(plantOf(['b101-t', 'c102-rh']))
    core.advance(60_000)
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    core.slot('b101-t', 20)
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    core.slot('c102-rh', 40)
    expect(core.is('th-b101.comm_fail')).toBe('rtn_unacknowledged')
  })

  it('one point of an instrument suffices', () => {
    const core = new CoreRig(plantOf(['b101-t', 'c102-rh']))
    for (let index = 0; index < 7; index++) {
      core.slot('b101-t', 20)
      core.slot('c102-rh', 'exception', { exceptionCode: 2 })
      core.advance(10_000)
    }
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    expect(String(core.payload('th-b101.comm_fail')['detail'])).toContain('c102-rh')
  })

  // one word a slot: g good, b bad; the alarm after the last one
  it.each([
    ['ggggggggg b', 'normal'],
    ['gggggggg bb', 'unacknowledged'],
    ['bb gggggggg', 'unacknowledged'],
    ['bb ggggggg', 'normal'],
    ['gb gggggggg gggggggg gb', 'normal'],
    ['gbgggggggggbggggggbg', 'unacknowledged'],
  ])('URS-66 fewer than 90 %% of at least ten slots good: %s → %s', (script, state) => {
    const core = patient()
    core.values(
      'b101-dp',
      ...[...script.replaceAll(' ', '')].map((word) => (word === 'g' ? 15 : ('crc' as const))),
    )
    expect(core.is(FAIL)).toBe(state)
  })

  it('URS-66 ends when ten minutes hold enough good slots again', () => {
    const core = patient()
    const twice = [15, 'crc', 15, 'crc'] as const
    core.values('b101-dp', ...Array.from({ length: 30 }, () => twice).flat())
    expect(core.is(FAIL)).toBe('unacknowledged')
    core.values('b101-dp', ...Array.from({ length: 95 }, () => 15))
    expect(core.is(FAIL)).toBe('unacknowledged')
    core.values('b101-dp', 15)
    expect(core.is(FAIL)).toBe('rtn_unacknowledged')
  })

  it('slots while the agent was down neither raise nor count', () => {
    const core = pressure()
    core.values('b101-dp', ...Array.from({ length: 12 }, () => 15))
    core.restart(3_600_000, { reboot: true })
    core.slot('b101-dp', 'agent_down', { t: START + 60_000, slots: 700 })
    expect(core.is(FAIL)).toBe('normal')
    core.values('b101-dp', ...Array.from({ length: 12 }, () => 15))
    expect(core.is(FAIL)).toBe('normal')
  })

  it('URS-28 is still reported after a restart, until every point is heard', () => {
    const core = new CoreRig(plantOf(['b101-t', 'c102-rh']))
    core.advance(60_000)
    core.restart(1000)
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    core.slot('b101-t', 20)
    expect(core.is('th-b101.comm_fail')).toBe('unacknowledged')
    core.slot('c102-rh', 40)
    expect(core.is('th-b101.comm_fail')).toBe('rtn_unacknowledged')
  })

  it('URS-66 a grade A counter: one sample period and 15 s', () => {
    const core = new CoreRig(plantOf(['bsc1-p05']))
    core.advance(60_000)
    core.sample('pc-bsc1', { particles_0_5um: 1 })
    core.advance(74_999)
    expect(core.is('pc-bsc1.comm_fail')).toBe('normal')
    core.advance(1)
    expect(core.is('pc-bsc1.comm_fail')).toBe('unacknowledged')
  })

  it('URS-66 a counter that takes longer samples, with a hold, is given that period and 15 s', () => {
    const core = new CoreRig(plantOf(['bsc1-p05']))
    core.advance(60_000)
    const longer = { durationMs: 300_000, holdMs: 20_000, litres: 141.5 }
    core.sample('pc-bsc1', { particles_0_5um: 1 }, longer)
    core.advance(334_999)
    expect(core.is('pc-bsc1.comm_fail')).toBe('normal')
    core.advance(1)
    expect(core.is('pc-bsc1.comm_fail')).toBe('unacknowledged')
  })

  it('URS-66 whatever the pattern, silence of that length always alarms and less than it never does by itself', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 14_000 }), { maxLength: 9 }), (pauses) => {
        const core = pressure()
        core.slot('b101-dp', 15)
        for (const pause of pauses) {
          core.advance(pause)
          const lost = core.eventsOf('alarm.activated', FAIL).length
          core.slot('b101-dp', 15)
          expect(core.is(FAIL)).not.toBe('unacknowledged')
          expect(lost > 0).toBe(core.eventsOf('alarm.activated', FAIL).length > 0)
        }
        expect(core.eventsOf('alarm.activated', FAIL).length).toBe(
          pauses.filter((pause) => pause >= 10_000).length,
        )
      }),
      { numRuns: 100 },
    )
  })
})
