// Marks on readings that change no judgement: a wall clock that is not to be believed yet, a calibration that is overdue.

import { describe, expect, it } from 'vitest'
import type { Reading } from '#core/reading.ts'
import { plantOf } from '../../support/core-plant.ts'
import { CoreRig, START } from '../../support/core-rig.ts'

const IN_1970 = { wall: 40_000, mono: 5000 }
const AGES = 1_763_806_500_000 - 40_000
const newest = (core: CoreRig): Reading | undefined => core.readings.at(-1)?.reading

describe('URS-51 a start with a clock that is not to be believed', () => {
  const start = (): CoreRig => new CoreRig(plantOf(['b101-dp']), IN_1970, 'never set')

  it('flags good readings as uncertain with their value, until the clock is trusted; both ends on record', () => {
    const core = start()
    expect(core.events[0]).toMatchObject({ type: 'clock.doubtful', body: { why: 'never set' } })
    core.slot('b101-dp', 15)
    expect(newest(core)).toMatchObject({ v: 15, q: 'uncertain', qc: 'clock' })
    core.slot('b101-dp', 'timeout')
    expect(newest(core)).toMatchObject({ q: 'bad', qc: 'timeout' })
    core.input({ kind: 'clock_trusted', at: core.at, by: 'chrony' })
    core.slot('b101-dp', 15)
    expect(newest(core)).toMatchObject({ v: 15, q: 'good' })
    expect(core.eventsOf('clock.trusted')).toMatchObject([{ body: { by: 'chrony' } }])
    core.input({ kind: 'clock_trusted', at: core.at, by: 'chrony' })
    expect(core.eventsOf('clock.trusted')).toHaveLength(1)
  })

  it('hides no violation, clears what is over, and takes no flagged reading for lost data', () => {
    const alarmed = (doubt: string | undefined) => {
      const core = new CoreRig(plantOf(['b101-dp']), IN_1970, doubt)
      for (const value of [15, 15, 8, 8, 8, 8, 8, 8, 8, 15, 15, 15, 8, 15]) {
        core.slot('b101-dp', value)
        core.advance(5000)
      }
      return core.events
        .filter(({ type }) => type.startsWith('alarm.'))
        .map(({ type, ts, body }) => [type, body['alarm'], ts])
    }
    const doubted = alarmed('never set')
    expect(doubted).toEqual(alarmed(undefined))
    expect(doubted.map(([type, alarm]) => `${type} ${alarm}`)).toContain(
      'alarm.activated b101-dp.action_low',
    )
    expect(doubted.some(([, alarm]) => String(alarm).endsWith('comm_fail'))).toBe(false)
  })

  it('HO8 keeps a delay under way, alarm and onset through the step from 1970 to now', () => {
    const core = start()
    core.slot('b101-dp', 8)
    core.advance(10_000)
    core.stepWall(AGES)
    core.input({ kind: 'clock_trusted', at: core.at, by: 'the clock was set' })
    core.slot('b101-dp', 8)
    core.advance(19_999)
    expect(core.is('b101-dp.action_low')).toBe('normal')
    core.advance(1)
    expect(core.is('b101-dp.action_low')).toBe('unacknowledged')
  })

  it('HO8 what a start from 1970 to now brings about begins now, on the clock of now', () => {
    const core = start()
    core.occupancy('b101', 'in_operation')
    core.restart(30_000, { reboot: true, stepMs: AGES })
    const zone = core.state.zones.get('b101')
    expect(zone?.past.every(({ until }) => until <= core.wall)).toBe(true)
    expect(zone?.past.length).toBeGreaterThan(0)
    expect(JSON.parse(core.persisted.get('zone/b101') ?? '{}')).toMatchObject({ past: zone?.past })
    expect(core.state.tb).toBe(1)
  })

  it('HO8 what has moved with the clock while nothing could be kept moves no more at the start that finds the step', () => {
    const core = start()
    core.occupancy('b101', 'in_operation')
    core.occupancy('b101', 'at_rest')
    const until = () => core.state.zones.get('b101')?.past.map((each) => each.until)
    const before = until()
    core.persisted.set('moved', String(AGES))
    core.restart(0, { stepMs: AGES })
    expect(until()).toEqual(before)
    expect(core.eventsOf('clock.stepped')).toMatchObject([{ body: { stepMs: AGES } }])
    expect(core.persisted.has('moved')).toBe(false)
    core.restart(0, { stepMs: 1000 })
    expect(until()).toEqual(before?.map((each) => each + 1000))
  })

  it('is doubted in the state row until it is trusted, so that the next start knows', () => {
    const core = start()
    expect(core.persisted.get('clock')).toBe('{"doubtful":true}')
    core.input({ kind: 'clock_trusted', at: core.at, by: 'chrony' })
    expect(core.persisted.has('clock')).toBe(false)
  })
})

describe('URS-55 an overdue calibration', () => {
  const DUE = '2025-11-22'
  const plant = (date: string) => {
    const given = plantOf(['b101-dp', 'b101-t'])
    const instruments = given.instruments.map((instrument) =>
      instrument.id === 'dp-b101' ? { ...instrument, calibrationDue: date } : instrument,
    )
    return { ...given, instruments }
  }

  it('marks every record of the instrument, and of no other, from the day after, and changes no verdict', () => {
    const core = new CoreRig(plant(DUE), { wall: START, mono: 5000 })
    core.slot('b101-dp', 15)
    expect(newest(core)).not.toHaveProperty('overdue')
    core.advance(14 * 3_600_000)
    core.slot('b101-dp', 15)
    expect(newest(core)).toMatchObject({ v: 15, q: 'good', overdue: true })
    core.slot('b101-dp', 'timeout')
    expect(newest(core)).toMatchObject({ q: 'bad', overdue: true })
    core.slot('b101-t', 21)
    expect(newest(core)).not.toHaveProperty('overdue')
    core.slot('b101-dp', 8)
    core.advance(30_000)
    expect(core.eventsOf('alarm.activated', 'b101-dp.action_low')).toMatchObject([
      { body: { cal: 'overdue' } },
    ])
    core.changePlant(plant('2026-11-22'))
    core.slot('b101-dp', 15)
    expect(newest(core)).not.toHaveProperty('overdue')
  })

  it('URS-51 does not end because a clock that nobody believes was set back', () => {
    const day = 24 * 3_600_000
    const late = { wall: START + 2 * day, mono: 5000 }
    const core = new CoreRig(plant(DUE), late, 'no time service answers')
    core.ack('dp-b101.calibration_due')
    core.stepWall(-30 * day)
    core.slot('b101-dp', 15)
    expect(core.is('dp-b101.calibration_due')).toBe('acknowledged')
    expect(newest(core)).toMatchObject({ overdue: true })
    core.input({ kind: 'clock_trusted', at: core.at, by: 'chrony' })
    expect(core.is('dp-b101.calibration_due')).toBe('normal')
    core.slot('b101-dp', 15)
    expect(newest(core)).not.toHaveProperty('overdue')
  })
})
