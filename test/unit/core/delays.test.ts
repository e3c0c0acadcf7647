// The delays of an alarm: when it rises, what holds it, what cancels it, and that a restart changes none of it.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BadReason } from '#core/quality.ts'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const LOW = 'b101-dp.action_low'
const INVERSION = 'b101-dp.inversion'
const HIGH = 'b101-t.action_high'
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

  it('URS-29 the payload has the newest value and the worst one since the onset', () => {
    const core = rig()
    core.values('b101-dp', 9, 6.1, 8.7, 8.9, 9.1)
    core.slot('b101-dp', 8.7)
    core.advance(5000)
    expect(core.payload(LOW)).toMatchObject({ value: 8.7, peak: 6.1, q: 'good' })
    const [event] = core.eventsOf('alarm.activated', LOW)
    expect(event?.body).toMatchObject({ value: 8.7, peak: 6.1, peakAt: START + 5000 })
  })

  // one sample each 5 s; the on-delay of 30 s runs from the first violating one
  const cases: [string, (number | BadReason | `?${number}`)[], number | undefined][] = [
    ['a normal sample at the deadline itself comes too late', [9, 9, 9, 9, 9, 9, 12], 30_000],
    ['a good normal one at the last moment', [9, 9, 9, 9, 9, 11], undefined],
    ['just long enough', [9, 9, 9, 9, 9, 9, 9], 30_000],
    ['limit itself is no violation', [10, 10, 10, 10, 10, 10, 10, 10], undefined],
    ['between limit and deadband does not cancel', [9, 10.2, 10.2, 10.2, 10.2, 10.2, 10.2], 30_000],
    ['limit and deadband cancels', [9, 10.5, 9, 9, 9, 9, 9], undefined],
    ['an uncertain normal sample does not cancel', [9, '?15', '?15', 9, 9, 9, 9], 30_000],
    ['an uncertain violating sample raises', ['?9', '?9', '?9', '?9', '?9', '?9', '?9'], 30_000],
    ['one bad sample holds for its slot', [9, 9, 'timeout', 9, 9, 9, 9, 9], 35_000],
    ['a bad sample does not start anything', ['timeout', 'nan', 'crc', 'timeout'], undefined],
    ['a good normal one after bad ones cancels', [9, 'timeout', 'timeout', 15, 9, 9, 9], undefined],
  ]
  it.each(cases)('%s', (_, samples, after) => {
    const core = rig()
    let activated: number | undefined
    for (const sample of samples) {
      if (typeof sample === 'string' && sample.startsWith('?')) {
        core.slot('b101-dp', Number(sample.slice(1)), { warning: 'warmup' })
      } else core.slot('b101-dp', sample as number | BadReason)
      core.advance(4999)
      activated ??= activationOf(core, LOW)
      core.advance(1)
      activated ??= activationOf(core, LOW)
    }
    expect(activated).toBe(after)
  })

  it('stands still for at most one on-delay in total, then fires unconfirmed', () => {
    const core = rig()
    core.values('b101-dp', 9, 9)
    core.slot('b101-dp', 'timeout')
    core.advance(29_999)
    expect(core.is(LOW)).toBe('normal')
    core.advance(1)
    expect(core.is(LOW)).toBe('unacknowledged')
    expect(core.payload(LOW)).toMatchObject({ onset: START, unconfirmed: true })
  })

  it('adds up stand-stills: 20 s bad, a violating sample, 10 s bad, and it fires', () => {
    const core = rig()
    core.values('b101-dp', 9, 'timeout', 'timeout', 'timeout', 'timeout', 9, 'timeout')
    core.advance(4999)
    expect(core.is(LOW)).toBe('normal')
    core.advance(1)
    expect(core.payload(LOW)).toMatchObject({ state: 'unacknowledged', unconfirmed: true })
  })

  it('a confirmed activation is not marked', () => {
    const core = rig()
    core.slot('b101-dp', 9)
    core.advance(30_000)
    expect(core.payload(LOW)['unconfirmed']).toBeUndefined()
  })

  it('URS-28 stands still while the agent is down, and what is left resumes with the first sample', () => {
    const core = rig()
    core.values('b101-dp', 9)
    core.slot('b101-dp', 9)
    core.restart(12_000)
    core.advance(3000)
    core.slot('b101-dp', 9)
    core.advance(24_999)
    expect(core.is(LOW)).toBe('normal')
    core.advance(1)
    expect(core.payload(LOW)).toMatchObject({ state: 'unacknowledged', onset: START })
  })

  it('URS-28 fires at the start when it stood still for one on-delay', () => {
    const core = rig()
    core.values('b101-dp', 9, 9)
    core.restart(3_600_000, { reboot: true })
    expect(core.payload(LOW)).toMatchObject({
      state: 'unacknowledged',
      unconfirmed: true,
      onset: START,
    })
  })

  it('PE16 HO7 a clock step moves no delay', () => {
    const core = rig()
    core.slot('b101-dp', 9)
    core.advance(10_000)
    core.stepWall(-3_600_000)
    core.advance(19_999)
    expect(core.is(LOW)).toBe('normal')
    core.advance(1)
    expect(core.is(LOW)).toBe('unacknowledged')
  })

  it('URS-28 a second start, before any sample, takes the time since the first for no time that ran', () => {
    const core = rig()
    core.slot('b101-dp', 9)
    for (const reboot of [false, true, false]) {
      core.restart(2000, { reboot })
      core.input({ kind: 'note', at: core.at, type: 'system.started', body: {} })
      core.advance(3000)
      core.input({ kind: 'note', at: core.at, type: 'test.note', body: {} })
    }
    core.slot('b101-dp', 9)
    core.advance(29_999)
    expect(core.is(LOW)).toBe('normal')
    core.advance(1)
    expect(core.is(LOW)).toBe('unacknowledged')
  })

  it('URS-28 a restart at any point of a pending delay changes only the time it stood still', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 29_999 }),
        fc.integer({ min: 0, max: 29_000 }),
        fc.boolean(),
        (ranMs, downMs, reboot) => {
          const core = rig()
          core.slot('b101-dp', 9)
          // the last commit is what a restart knows of: something is committed at the moment it dies
          core.advance(ranMs)
          core.input({ kind: 'note', at: core.at, type: 'test.note', body: {} })
          core.restart(downMs, { reboot })
          core.slot('b101-dp', 9)
          const left = 30_000 - ranMs
          if (left > 1) core.advance(left - 1)
          expect(core.is(LOW)).toBe('normal')
          core.advance(1)
          const { activated } = core.payload(LOW) as { activated: number }
          expect(activated).toBe(START + 30_000 + downMs)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('off-delay', () => {
  const hot = () => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.values('b101-t', 24.1)
    expect(core.is(HIGH)).toBe('unacknowledged')
    return core
  }

  it('returns once good samples were inside limit − deadband for the off-delay', () => {
    const core = hot()
    core.values('b101-t', 23.5, 23.5, 23.5, 23.5, 23.5, 23.5)
    expect(core.is(HIGH)).toBe('rtn_unacknowledged')
    expect(core.payload(HIGH)).toMatchObject({ returned: START + 70_000, active: false })
  })

  // the sample that stands between five normal ones
  it.each([
    ['between limit and deadband', 23.6],
    ['violating', 24.1],
  ])('begins anew after a sample that is %s', (_, value) => {
    const core = hot()
    core.values('b101-t', 23, 23, 23, value, 23, 23, 23, 23, 23)
    expect(core.is(HIGH)).toBe('unacknowledged')
    core.values('b101-t', 23)
    expect(core.is(HIGH)).toBe('rtn_unacknowledged')
  })

  it('bad and uncertain samples let it stand still, and never clear', () => {
    const core = hot()
    core.values('b101-t', 23, 23, 23, 'timeout', 'timeout', 'timeout', 'timeout', 'timeout')
    expect(core.is(HIGH)).toBe('unacknowledged')
    core.values('b101-t', 23, 23)
    expect(core.is(HIGH)).toBe('unacknowledged')
    core.values('b101-t', 23)
    expect(core.is(HIGH)).toBe('rtn_unacknowledged')
  })

  it('URS-28 resumes after a restart with the first good sample', () => {
    const core = hot()
    core.values('b101-t', 23, 23, 23)
    core.restart(5000, { reboot: true })
    core.advance(5000)
    core.values('b101-t', 23, 23)
    expect(core.is(HIGH)).toBe('unacknowledged')
    core.values('b101-t', 23, 23)
    expect(core.is(HIGH)).toBe('rtn_unacknowledged')
  })
})

describe('inversion', () => {
  // the state after each row of samples, one each 5 s
  const rows: [string, (number | BadReason)[], string][] = [
    ['one sample below 0', [-0.1], 'normal'],
    ['two in a row', [-0.1, -0.1], 'unacknowledged'],
    ['zero is not below 0', [0, 0, 0], 'normal'],
    ['a good one between breaks', [-1, 1, -1], 'normal'],
    ['a good one inside the deadband between breaks', [-1, 0.2, -1], 'normal'],
    ['a bad one between neither breaks nor counts', [-1, 'timeout', -1], 'unacknowledged'],
    ['bad ones never count', [-1, 'timeout', 'timeout'], 'normal'],
    ['it latches', [-1, -1, 15], 'latched_unacknowledged'],
    ['inside the deadband it has not returned', [-1, -1, 0.4], 'unacknowledged'],
  ]
  it.each(rows)('URS-07 %s', (_, samples, state) => {
    const core = rig()
    core.values('b101-dp', ...samples)
    expect(core.is(INVERSION)).toBe(state)
  })

  it('URS-29 its onset is the first of the two samples', () => {
    const core = rig()
    core.values('b101-dp', -1, -2)
    expect(core.payload(INVERSION)).toMatchObject({
      onset: START,
      activated: START + 5000,
      value: -2,
      peak: -2,
    })
  })

  it('URS-28 a restart between the two samples does not lose the first', () => {
    const core = rig()
    core.values('b101-dp', -1)
    core.restart(1000)
    core.values('b101-dp', -1)
    expect(core.is(INVERSION)).toBe('unacknowledged')
  })
})

const activationOf = (core: CoreRig, alarm: string): number | undefined => {
  const { activated } = core.payload(alarm) as { activated?: number }
  return activated === undefined ? undefined : activated - START
}
