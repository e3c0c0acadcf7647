// What a site calls implausible of a polled point: too fast a change, a value of exactly 0 (URS-09, faults.md FB21). Off unless it says so.

import { describe, expect, it } from 'vitest'
import type { PlausibilityChecks, Point } from '#core/point.ts'
import { limits, plantOf, site } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

const room = (checks: PlausibilityChecks | undefined, change: Partial<Point> = {}): CoreRig =>
  new CoreRig(
    plantOf(['b101-t'], (it) => ({
      ...it,
      limits: limits({ alertHigh: site(22), actionHigh: site(24) }),
      ...(checks !== undefined && { checks }),
      ...change,
    })),
  )
const pressure = (checks: PlausibilityChecks, change: Partial<Point> = {}): CoreRig =>
  new CoreRig(plantOf(['b101-dp'], (it) => ({ ...it, checks, ...change })))

describe('URS-09 FB21 rate of change', () => {
  // 3 °C a minute: half a degree in the ten seconds between two values
  it.each([
    ['limit − 0.1', 20, 20.4, 'good'],
    ['the limit', 20, 20.5, 'good'],
    ['the limit, which two decimals do not hit exactly', 21.8, 22.3, 'good'],
    ['limit + 0.1', 20, 20.6, 'uncertain'],
    ['limit + 0.1 downwards', 20, 19.4, 'uncertain'],
  ])('%s', (_, from, to, q) => {
    const core = room({ changePerMinute: 3 })
    core.values('b101-t', from, to)
    expect(core.lastReading('b101-t')).toMatchObject({ v: to, q })
    expect(core.lastReading('b101-t').qc).toBe(q === 'good' ? undefined : 'rate')
  })

  it('a fast change raises its alarm, and does not return one', () => {
    const core = room({ changePerMinute: 3 })
    core.values('b101-t', 20, 25)
    expect(core.is('b101-t.action_high')).toBe('unacknowledged')
    core.values('b101-t', 20)
    expect(core.is('b101-t.action_high')).toBe('unacknowledged')
    core.values('b101-t', 20)
    expect(core.is('b101-t.action_high')).toBe('rtn_unacknowledged')
  })

  it('is measured over the time that passed, bad values left out', () => {
    const core = room({ changePerMinute: 3 })
    core.values('b101-t', 20, 'timeout', 'timeout', 21.5, 21.5)
    expect(core.readingsOf('b101-t').map(({ q }) => q)).toEqual([
      'good',
      'bad',
      'bad',
      'good',
      'good',
    ])
  })

  it('a late reply before a prompt one makes no fast change', () => {
    const core = room({ changePerMinute: 3 })
    core.advance(9000)
    core.slot('b101-t', 20)
    core.advance(1000)
    core.slot('b101-t', 20.5)
    expect(core.lastReading('b101-t').q).toBe('good')
  })

  it('begins anew with a start, and is off unless the site says so', () => {
    const core = room({ changePerMinute: 3 })
    core.values('b101-t', 20)
    core.restart(1000)
    core.values('b101-t', 21)
    expect(core.lastReading('b101-t').q).toBe('good')
    const free = room(undefined)
    free.values('b101-t', 20, -40, 100)
    expect(free.readingsOf('b101-t').every(({ q }) => q === 'good')).toBe(true)
  })
})

describe('URS-09 an implausible zero', () => {
  it.each([
    ['just below', -0.1, 'good'],
    ['exactly 0', 0, 'bad'],
    ['just above', 0.1, 'good'],
  ])('%s', (_, value, q) => {
    const core = pressure({ zero: true })
    core.values('b101-dp', 15, value)
    const reading = core.lastReading('b101-dp')
    expect([reading.q, reading.qc]).toEqual([q, q === 'bad' ? 'implausible_zero' : undefined])
    expect(reading.v).toBe(q === 'bad' ? undefined : value)
    expect(core.is('b101-dp.sensor_fault')).toBe(q === 'bad' ? 'unacknowledged' : 'normal')
  })

  it('never reads as normal: it returns no alarm', () => {
    const core = room({ zero: true })
    core.values('b101-t', 25, 0, 0)
    expect(core.is('b101-t.action_high')).toBe('unacknowledged')
    expect(core.is('b101-t.sensor_fault')).toBe('unacknowledged')
  })

  it.each([
    ['0 is below the action limit', { actionLow: site(10) }, 1],
    ['0 is inside the limits', { actionLow: site(-5) }, 2],
    ['0 is an inversion of this site', { inversion: 2 }, 1],
    ['0 is no inversion', { inversion: 0 }, 2],
  ])('its alarm takes action priority where it may hide an excursion: %s', (_, given, priority) => {
    const core = pressure({ zero: true }, { critical: false, limits: limits(given) })
    core.values('b101-dp', 15, 0)
    expect(core.payload('b101-dp.sensor_fault')).toMatchObject({
      priority,
      detail: 'implausible_zero',
    })
  })

  it('is off unless the site says so', () => {
    const core = pressure({})
    core.values('b101-dp', 15, 0)
    expect(core.lastReading('b101-dp')).toMatchObject({ q: 'good', v: 0 })
  })
})
