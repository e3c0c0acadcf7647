// Faults are distinct, never read as normal, and never clear anything (URS-09).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { daysOfDate } from '#core/judge.ts'
import { BAD_REASONS, type BadReason } from '#core/quality.ts'
import { COUNTER, PLANT, plantOf } from '../../support/core-plant.ts'
import { CoreRig } from '../../support/core-rig.ts'

const pressure = () => new CoreRig(plantOf(['b101-dp']))

describe('bad data', () => {
  it.each(BAD_REASONS.filter((reason) => reason !== 'exception'))(
    'URS-09 %s clears nothing',
    (reason) => {
      const core = pressure()
      core.values('b101-dp', -1, -1)
      core.values('b101-dp', reason, reason)
      expect(core.is('b101-dp.inversion')).toBe('unacknowledged')
      expect(core.lastReading('b101-dp')).toMatchObject({ q: 'bad', qc: reason })
    },
  )

  const atOnce: BadReason[] = [
    'nan',
    'sentinel',
    'out_of_range',
    'implausible_zero',
    'config_changed',
    'sensor_fault',
    'flow_fault',
    'laser_fault',
  ]
  it.each(BAD_REASONS)('URS-09 %s speaks of the sensor, or not', (reason) => {
    const core = pressure()
    core.slot('b101-dp', reason)
    expect(core.is('b101-dp.sensor_fault')).toBe(
      atOnce.includes(reason) ? 'unacknowledged' : 'normal',
    )
  })

  // faults.md FB5: exception code, how many in a row, whether it is a sensor fault
  it.each([
    [4, 2, 'normal'],
    [4, 3, 'unacknowledged'],
    [7, 3, 'unacknowledged'],
    [8, 1, 'unacknowledged'],
    [2, 5, 'normal'],
    [6, 5, 'normal'],
  ])('URS-09 exception %d, %d in a row: %s', (exceptionCode, times, state) => {
    const core = pressure()
    for (let index = 0; index < times; index++) {
      core.slot('b101-dp', 'exception', { exceptionCode })
      core.advance(1000)
    }
    expect(core.is('b101-dp.sensor_fault')).toBe(state)
  })

  it('an answer between breaks the row of exceptions', () => {
    const core = pressure()
    for (const fine of [false, false, true, false, false]) {
      core.slot('b101-dp', fine ? 15 : 'exception', { exceptionCode: 4 })
      core.advance(1000)
    }
    expect(core.is('b101-dp.sensor_fault')).toBe('normal')
  })

  it('FB15 a sensor fault ends with a good value only, not with one of a warm-up', () => {
    const core = pressure()
    core.values('b101-dp', 'nan')
    core.slot('b101-dp', 15, { warning: 'warmup' })
    expect(core.is('b101-dp.sensor_fault')).toBe('unacknowledged')
    core.advance(5000)
    core.values('b101-dp', 15)
    expect(core.is('b101-dp.sensor_fault')).toBe('rtn_unacknowledged')
  })
})

describe('a frozen value', () => {
  it('URS-09 FB12 unchanged for longer than the point allows is stuck, alarms, and still counts', () => {
    const core = new CoreRig(plantOf(['c102-rh']))
    core.values('c102-rh', ...Array.from({ length: 13 }, () => 58))
    expect(core.is('c102-rh.frozen')).toBe('normal')
    core.values('c102-rh', 58)
    expect(core.lastReading('c102-rh')).toMatchObject({ q: 'uncertain', qc: 'stuck', v: 58 })
    expect(core.is('c102-rh.frozen')).toBe('unacknowledged')
    expect(core.is('c102-rh.action_high')).toBe('unacknowledged')
    core.values('c102-rh', 50)
    expect(core.is('c102-rh.frozen')).toBe('rtn_unacknowledged')
  })

  it('points that declare nothing are never stuck: hours of zeros are normal', () => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.values('b101-t', ...Array.from({ length: 400 }, () => 0))
    expect(core.events).toEqual([])
  })
})

describe('conditions from outside', () => {
  it('raise and return bus and system alarms', () => {
    const core = pressure()
    core.condition('rs485-1.bus_fault', true)
    core.condition('rs485-1.bus_fault', true)
    expect(core.eventsOf('alarm.activated', 'rs485-1.bus_fault').length).toBe(1)
    expect(core.payload('rs485-1.bus_fault')).toMatchObject({
      state: 'unacknowledged',
      class: 'fault',
      detail: 'cable pulled',
    })
    core.condition('rs485-1.bus_fault', false)
    expect(core.is('rs485-1.bus_fault')).toBe('rtn_unacknowledged')
    core.condition('system.uplink_down', true)
    expect(core.payload('system.uplink_down')).toMatchObject({
      class: 'system',
      state: 'unacknowledged',
    })
  })

  it('URS-51 a clock that was set is to be seen by somebody', () => {
    const core = pressure()
    core.stepWall(90_000)
    expect(core.payload('system.clock_stepped')).toMatchObject({
      state: 'rtn_unacknowledged',
      detail: 'the clock was set by 90000 ms',
    })
    expect(core.eventsOf('clock.stepped')[0]?.body).toEqual({ stepMs: 90_000 })
    core.ack('system.clock_stepped')
    expect(core.is('system.clock_stepped')).toBe('normal')
  })

  it('of a bus that the configuration no longer has are nothing', () => {
    const core = pressure()
    core.condition('gone.bus_fault', false)
    core.condition('gone.bus_fault', true)
    expect(core.events).toEqual([])
    expect(() => core.condition('system.no-such', true)).toThrow('no alarm')
  })
})

describe('calibration', () => {
  const due = (date: string) => ({
    ...plantOf(['bsc1-p05']),
    instruments: [{ ...COUNTER, calibrationDue: date }],
  })
  // the rig starts on 2025-11-22; the date is inclusive
  it.each([
    ['2025-11-23', 'normal'],
    ['2025-11-22', 'normal'],
    ['2025-11-21', 'unacknowledged'],
    ['2024-02-29', 'unacknowledged'],
  ])('URS-55 due on %s: %s', (date, state) => {
    expect(new CoreRig(due(date)).is('pc-bsc1.calibration_due')).toBe(state)
  })

  it('URS-55 counts the days to a date of any month of any year as the calendar does', () => {
    const day = fc.date({
      min: new Date('1600-01-01'),
      max: new Date('2400-12-31'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(day, (date) => {
        const text = date.toISOString().slice(0, 10)
        expect(daysOfDate(text), text).toBe(Date.parse(text) / 86_400_000)
      }),
      { examples: ['2000-02-29', '1900-03-01', '2026-01-31'].map((text) => [new Date(text)]) },
    )
  })

  it('URS-55 becomes due at midnight UTC by itself, and ends with a new date', () => {
    const core = new CoreRig({
      ...due('2025-11-22'),
      points: PLANT.points.filter(({ id }) => id === 'none'),
    })
    core.advance(13 * 3_600_000)
    expect(core.is('pc-bsc1.calibration_due')).toBe('normal')
    core.advance(3_600_000)
    expect(core.is('pc-bsc1.calibration_due')).toBe('unacknowledged')
    core.changePlant(due('2026-11-22'))
    expect(core.is('pc-bsc1.calibration_due')).toBe('rtn_unacknowledged')
  })
})
