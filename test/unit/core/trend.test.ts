// Trend rules (URS-25, Annex 1 9.11): rising numbers, alerts in a row, action excursions that stand alone and come again, with what
// happened around them; over days, restarts and clocks that are set.

import { describe, expect, it } from 'vitest'
import type { Plant } from '#core/point.ts'
import { step } from '#core/step.ts'
import { type Excursion, judgeTrend, type TrendRule } from '#core/trend.ts'
import { limits, plantOf, point, site } from '../../support/core-plant.ts'
import { actor, CoreRig } from '../../support/core-rig.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const RULES: readonly TrendRule[] = [
  { kind: 'rising', overMs: 4 * HOUR, atLeast: 3 },
  { kind: 'consecutive', count: 3, withinMs: 40 * MINUTE },
  { kind: 'isolated', count: 3, overMs: 8 * HOUR, apartMs: 30 * MINUTE },
]

/** A room with a temperature (alert 22, action 24) and the contact of its door; data may be as rare as the test likes. */
const room = (rules: readonly TrendRule[] = RULES): Plant => {
  const plant = plantOf(['b101-t'], (it) => ({
    ...it,
    commFailMs: 1e12,
    limits: limits({ alertHigh: site(22), actionHigh: site(24) }),
  }))
  const door = point({
    id: 'b101-door',
    instrument: 'th-b101',
    signal: 'door',
    quantity: 'contact',
    unit: '1',
    commFailMs: 1e12,
  })
  return {
    ...plant,
    points: [...plant.points, door],
    zones: plant.zones.map((zone) => ({
      ...zone,
      longestMs: { in_operation: 90 * DAY },
      ...(zone.id === 'b101' && { trends: { rules, relateMs: 15 * MINUTE, justification: 'X' } }),
    })),
  }
}

const RISING = 'b101-t.trend_rising'
const CONSECUTIVE = 'b101-t.trend_consecutive'
const ISOLATED = 'b101-t.trend_isolated'

/** An excursion of ten seconds that begins now. */
const excursion = (core: CoreRig, value: number): void => core.values('b101-t', value, 20)
const detailOf = (core: CoreRig, alarm: string): string => String(core.payload(alarm)['detail'])

const at = (t: number, alarmClass: Excursion['class'] = 'action', ...related: string[]) => ({
  t,
  class: alarmClass,
  occs: [String(t)],
  related,
})

describe('URS-25 judged over excursions', () => {
  const rising: TrendRule = { kind: 'rising', overMs: 100, atLeast: 3 }
  const consecutive: TrendRule = { kind: 'consecutive', count: 3, withinMs: 100 }
  const isolated: TrendRule = { kind: 'isolated', count: 3, overMs: 1000, apartMs: 100 }
  const cases: [string, TrendRule, Excursion[], boolean][] = [
    ['one fewer than the least', rising, [at(910), at(920)], false],
    ['the least', rising, [at(910), at(920), at(930)], true],
    ['as many as before', rising, [at(810), at(820), at(830), at(910), at(920), at(930)], false],
    [
      'as many as before, which leave first',
      rising,
      [at(805), at(806), at(807), at(950), at(960), at(970)],
      false,
    ],
    ['one more than before', rising, [at(810), at(820), at(910), at(920), at(930)], true],
    ['one just inside the time', rising, [at(901), at(920), at(930)], true],
    ['one just outside the time', rising, [at(900), at(920), at(930)], false],
    ['two alerts', consecutive, [at(940, 'alert'), at(960, 'alert')], false],
    ['three', consecutive, [at(910, 'alert'), at(940, 'alert'), at(960, 'alert')], true],
    ['an action among them', consecutive, [at(910, 'alert'), at(940), at(960, 'alert')], false],
    ['just within', consecutive, [at(762, 'alert'), at(861, 'alert'), at(960, 'alert')], true],
    ['just too far', consecutive, [at(761, 'alert'), at(861, 'alert'), at(960, 'alert')], false],
    ['long ago', consecutive, [at(700, 'alert'), at(750, 'alert'), at(800, 'alert')], false],
    ['two isolated', isolated, [at(500), at(700)], false],
    ['three isolated', isolated, [at(300), at(500), at(700)], true],
    ['one that follows just in time', isolated, [at(300), at(500), at(600)], true],
    ['one that follows too soon', isolated, [at(300), at(500), at(599)], false],
    ['alerts count nothing', isolated, [at(300), at(500, 'alert'), at(700)], false],
    ['one that is too long ago', isolated, [at(0), at(500), at(700)], false],
  ]
  it.each(cases)('%s', (_, rule, excursions, violated) => {
    const found = judgeTrend(rule, excursions, 1000)
    expect(found.violated).toBe(violated)
    // nothing changes before the moment it names
    for (let now = 1001; now < Math.min(found.changesAt, 2500); now++)
      expect(judgeTrend(rule, excursions, now).violated, `at ${now}`).toBe(violated)
  })

  it('says what they have in common, and what they have not', () => {
    const three = [at(300, 'action', 'door', 'x'), at(500, 'action', 'door'), at(700)]
    expect(judgeTrend(isolated, three, 1000).detail).toContain('with door (2 of 3)')
    expect(judgeTrend(isolated, [at(300), at(500), at(700)], 1000).detail).toContain(
      'nothing on record in common',
    )
  })
})

describe('URS-25 in the plant', () => {
  it('action excursions that always follow the door are a trend, with the door named', () => {
    const core = new CoreRig(room())
    core.slot('b101-door', 0)
    for (let round = 0; round < 3; round++) {
      expect(core.is(ISOLATED)).toBe('normal')
      core.advance(HOUR)
      core.slot('b101-door', round % 2 === 0 ? 1 : 0)
      core.advance(5 * MINUTE)
      excursion(core, 25)
    }
    expect(core.payload(ISOLATED)).toMatchObject({
      state: 'unacknowledged',
      class: 'alert',
      priority: 3,
      point: 'b101-t',
      detail: '3 action excursions in 8h, 30min or more apart; with contact b101-door (3 of 3)',
    })
    expect(core.is(RISING)).toBe('unacknowledged')
    expect(core.is(CONSECUTIVE)).toBe('normal')
  })

  it('names reasons that people gave, occupancy and maintenance too', () => {
    const core = new CoreRig(room())
    for (let round = 0; round < 3; round++) {
      core.advance(HOUR)
      core.act(
        { kind: 'out_of_service', target: 'b101-door', workOrder: 'WO-1' },
        actor('sup', 'supervisor'),
      )
      core.occupancy('b101', round % 2 === 0 ? 'at_rest' : 'in_operation')
      core.advance(5 * MINUTE)
      excursion(core, 25)
      core.ack('b101-t.action_high', { reason: 'door_opened' })
      core.act({ kind: 'return_to_service', target: 'b101-door' }, actor('qa1', 'qa'))
    }
    const detail = detailOf(core, ISOLATED)
    expect(detail).toContain('service b101-door (3 of 3)')
    expect(detail).toContain('reason door_opened (2 of 3)')
    expect(detail).toContain('occupancy b101 at_rest (2 of 3)')
  })

  it('what happened longer before, or elsewhere, is not named', () => {
    const core = new CoreRig(room())
    core.slot('b101-door', 0)
    for (let round = 0; round < 3; round++) {
      core.advance(HOUR)
      core.slot('b101-door', round % 2 === 0 ? 1 : 0)
      core.advance(15 * MINUTE + 11_000)
      excursion(core, 25)
    }
    expect(detailOf(core, ISOLATED)).toContain('nothing on record in common')
  })

  it('alert excursions in a row are a trend until one becomes an action, or time has passed', () => {
    const core = new CoreRig(room())
    for (let count = 0; count < 3; count++) {
      core.advance(30 * MINUTE)
      excursion(core, 23)
    }
    expect(core.is(CONSECUTIVE)).toBe('unacknowledged')
    core.values('b101-t', 23, 25, 20)
    expect(core.is(CONSECUTIVE)).toBe('rtn_unacknowledged')
    const quiet = new CoreRig(room())
    for (let count = 0; count < 3; count++) {
      quiet.advance(30 * MINUTE)
      excursion(quiet, 23)
    }
    quiet.advance(40 * MINUTE - 21_000)
    expect(quiet.is(CONSECUTIVE)).toBe('unacknowledged')
    quiet.advance(2000)
    expect(quiet.is(CONSECUTIVE)).toBe('rtn_unacknowledged')
  })

  it('an alert that becomes an action is one excursion', () => {
    const core = new CoreRig(room())
    core.values('b101-t', 23, 25, 23, 25, 23, 20)
    expect(core.state.points.get('b101-t')?.trend?.excursions).toMatchObject([{ class: 'action' }])
  })

  it('ends by time alone', () => {
    const core = new CoreRig(room())
    for (let count = 0; count < 3; count++) {
      core.advance(30 * MINUTE)
      excursion(core, 25)
    }
    expect(core.is(RISING)).toBe('unacknowledged')
    core.ack(RISING)
    core.advance(4 * HOUR)
    expect(core.is(RISING)).toBe('normal')
  })

  it.each([
    ['a restart', (core: CoreRig) => core.restart(10 * MINUTE)],
    ['a reboot', (core: CoreRig) => core.restart(10 * MINUTE, { reboot: true })],
    ['a clock that is set', (core: CoreRig) => core.stepWall(-30 * DAY)],
    ['another configuration', (core: CoreRig) => void core.changePlant({ ...room(), hash: 'x' })],
  ])('URS-28 goes on over %s', (_, disturb) => {
    const core = new CoreRig(room())
    core.slot('b101-door', 0)
    for (let count = 0; count < 3; count++) {
      core.advance(30 * MINUTE)
      core.slot('b101-door', count % 2 === 0 ? 1 : 0)
      disturb(core)
      excursion(core, 25)
      disturb(core)
    }
    expect(core.is(ISOLATED)).toBe('unacknowledged')
    expect(core.eventsOf('alarm.activated', ISOLATED).length).toBe(1)
    disturb(core)
    core.advance(9 * HOUR)
    expect(core.is(ISOLATED)).toBe('rtn_unacknowledged')
    expect(core.persisted.has('trend/b101-t')).toBe(false)
  })

  it('a rule that moved closes its occurrence, and is judged anew', () => {
    const core = new CoreRig(room())
    for (let count = 0; count < 3; count++) {
      core.advance(30 * MINUTE)
      excursion(core, 25)
    }
    const other = (atLeast: number) =>
      room(RULES.map((rule) => (rule.kind === 'rising' ? { ...rule, atLeast } : rule)))
    core.changePlant(other(2))
    expect(core.eventsOf('alarm.closed', RISING).length).toBe(1)
    expect(core.is(RISING)).toBe('unacknowledged')
    core.changePlant(other(4))
    expect(core.is(RISING)).toBe('normal')
  })

  it('is not there, and nothing of it is kept, where the zone has no rules', () => {
    const core = new CoreRig(room())
    core.advance(HOUR)
    excursion(core, 25)
    expect(core.persisted.has('trend/b101-t')).toBe(true)
    const { zones, ...plant } = room()
    const without = { ...plant, zones: zones.map(({ trends: _, ...zone }) => zone) }
    core.restart(1000, { plant: without })
    expect(core.is(RISING)).toBeUndefined()
    expect(core.persisted.has('trend/b101-t')).toBe(false)
    core.changePlant(room())
    expect(core.state.points.get('b101-door')?.trend?.excursions).toEqual([])
    expect(core.is('b101-door.trend_rising')).toBeUndefined()
  })

  it('a point that flutters for days keeps a bounded row', () => {
    const core = new CoreRig(room())
    for (let count = 0; count < 400; count++) {
      step(core.state, {
        kind: 'slots',
        at: core.at,
        slots: [core.slotOf('b101-t', count % 2 === 0 ? 25 : 20)],
      })
    }
    expect(core.state.points.get('b101-t')?.trend?.excursions.length).toBeLessThanOrEqual(128)
    expect(core.state.alarms.get(RISING)?.state.active).toBe(true)
  })
})
