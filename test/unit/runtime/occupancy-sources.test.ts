// URS-67: what schedules and contacts say, by the clock of the site and by what is on record.

import { describe, expect, it } from 'vitest'
import { minuteOf, WEEKDAYS } from '#core/local-time.ts'
import type { Plant, Zone } from '#core/point.ts'
import type { Reading } from '#core/reading.ts'
import { createState, step } from '#core/step.ts'
import { OccupancySources, scheduledState } from '../../../agent/runtime/occupancy-sources.ts'
import { PLANT, ZONES } from '../../support/core-plant.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const HOUR = 3_600_000
const at = (text: string) => Date.parse(text)

const SCHEDULE: NonNullable<Zone['schedule']> = {
  stretches: [
    {
      days: WEEKDAYS.slice(0, 5),
      fromMinute: minuteOf('07:00'),
      toMinute: minuteOf('19:00'),
      state: 'in_operation',
    },
  ],
  otherwise: 'at_rest',
}

describe('what a schedule says', () => {
  it.each([
    ['2025-11-21T05:59:59Z', 'at_rest'],
    ['2025-11-21T06:00:00Z', 'in_operation'],
    ['2025-11-21T17:59:59Z', 'in_operation'],
    ['2025-11-21T18:00:00Z', 'at_rest'],
    ['2025-11-22T12:00:00Z', 'at_rest'],
    // the Fridays and Mondays around the changes of summer time: 07:00 is 06:00Z in winter, 05:00Z in summer
    ['2026-03-27T05:30:00Z', 'at_rest'],
    ['2026-03-30T05:30:00Z', 'in_operation'],
    ['2026-10-23T05:30:00Z', 'in_operation'],
    ['2026-10-26T05:30:00Z', 'at_rest'],
  ])('%s: %s', (moment, state) => {
    expect(scheduledState(SCHEDULE, 'Europe/Rome', at(moment))).toBe(state)
  })
})

function rig(zone: Partial<Zone>, wall: number) {
  const clock = virtualClock(wall)
  const zones = ZONES.map((one) => (one.id === 'b101' ? { ...one, ...zone } : one))
  const plant: Plant = { ...PLANT, zones, timezone: 'Europe/Rome' }
  const { state } = createState({
    plant,
    epoch: '01JD3Z8Q5K',
    seq: 0,
    tb: 0,
    at: clock.now(),
    persisted: new Map(),
  })
  const said: string[] = []
  const newest = new Map<string, Reading>()
  const sources = new OccupancySources({
    clock,
    plant: () => plant,
    state,
    newest: (point) => newest.get(point),
    input: (input) => {
      if (input.kind === 'source')
        said.push(`${new Date(clock.now().wall).toISOString().slice(0, 16)} ${input.state}`)
      step(state, input)
    },
  })
  return { clock, state, said, newest, sources }
}

describe('the sources in time', () => {
  it('HO9 say each change of the schedule within a second of its minute, over the change of summer time', async () => {
    const { clock, said, sources } = rig({ schedule: SCHEDULE }, at('2026-03-27T12:00:00Z'))
    sources.start()
    for (let hour = 0; hour < 96; hour++) await clock.advance(HOUR)
    sources.stop()
    expect(said).toEqual([
      '2026-03-27T12:00 in_operation',
      '2026-03-27T18:00 at_rest',
      '2026-03-30T05:00 in_operation',
      '2026-03-30T17:00 at_rest',
      '2026-03-31T05:00 in_operation',
    ])
  })

  it('follow a contact, keep what it said through a missed poll, and say when it is lost and back', () => {
    const point = PLANT.points[0]
    const id = point?.id ?? ''
    const signal = { point: id, closed: 'in_operation', open: 'at_rest' } as const
    const { clock, state, said, newest, sources } = rig({ signal }, at('2025-11-21T08:00:00Z'))
    const read = (reading: Partial<Reading>) => {
      newest.set(id, { point: id, t: 0, q: 'good', ...reading } as Reading)
      sources.look()
    }
    const comm = (active: boolean) => {
      const alarm = state.alarms.get(`${point?.instrument}.comm_fail`)
      if (alarm !== undefined) alarm.state = { ...alarm.state, active }
    }
    sources.look()
    read({ v: 0 })
    read({ v: 0 })
    read({ q: 'bad', qc: 'timeout' })
    read({ q: 'uncertain', v: 1 })
    read({ v: 1 })
    comm(true)
    read({ q: 'bad', qc: 'timeout' })
    comm(false)
    read({ v: 1 })
    const now = new Date(clock.now().wall).toISOString().slice(0, 16)
    expect(said).toEqual(
      ['at_rest', 'in_operation', 'null', 'in_operation'].map((word) => `${now} ${word}`),
    )
  })
})
