// Shelving (URS-34, URS-35, alarms.md rows 13 and 14): what it may not hide, how long it lasts, and what is there at its end.

import { describe, expect, it } from 'vitest'
import type { Act, ActReply, Role } from '#core/input.ts'
import { limits, PLANT, plantOf, point, site, withPoint } from '../../support/core-plant.ts'
import { actor, CoreRig } from '../../support/core-rig.ts'

const HOUR = 3_600_000
const HIGH = 'c102-rh.action_high'
const ALERT = 'b101-t.alert_high'
const quiet = (ids: string[]) => plantOf(ids, (it) => ({ ...it, commFailMs: 1e9 }))
const room = () => new CoreRig(quiet(['c102-rh', 'b101-t']))

type Shelve = Extract<Act, { kind: 'shelve' }>
const shelve = (
  core: CoreRig,
  alarm: string,
  forMs: number,
  given: Partial<Shelve> = {},
  role: Role = 'technician',
): ActReply =>
  core.act(
    {
      kind: 'shelve',
      alarm,
      until: core.wall + forMs,
      reason: 'known_fault',
      comment: 'c',
      ...given,
    },
    actor('jdoe', role),
  )
const unshelve = (core: CoreRig, alarm: string): ActReply => core.act({ kind: 'unshelve', alarm })

describe('URS-34 shelving is refused', () => {
  const all = () => new CoreRig(PLANT)

  it.each([
    ['a grade A particle alarm', 'bsc1-p05.action_high'],
    ['its alert', 'bsc1-p05.alert_high'],
    ['a rule of rare particles', 'bsc1-p5.consecutive'],
    ['its gap', 'bsc1-p05.gap'],
    ['its sensor fault', 'bsc1-p05.sensor_fault'],
    ['the data loss of its counter', 'pc-bsc1.comm_fail'],
    ['a critical pressure', 'b101-dp.action_low'],
    ['an inversion', 'b101-dp.inversion'],
    ['the sensor fault of what may be inverted', 'b101-dp.sensor_fault'],
    ['a system alarm of priority 1', 'system.storage_fault'],
  ])('for everybody: %s', (_, alarm) => {
    for (const role of ['technician', 'supervisor', 'qa', 'administrator'] as const) {
      const core = all()
      expect(shelve(core, alarm, 1000, {}, role)).toMatchObject({
        ok: false,
        code: 'not_authorised',
      })
      expect(core.is(alarm)).toBe('normal')
      expect(core.eventsOf('act.refused')[0]?.body).toMatchObject({
        act: 'shelve',
        code: 'not_authorised',
        actor: { user: 'jdoe', role },
      })
    }
  })

  it('for everybody: the action alarm of an incubator, not its alert', () => {
    const incubator = (id: string, quantity: 'co2' | 'temperature') =>
      point({
        id,
        zone: 'c102',
        grade: 'C',
        quantity,
        commFailMs: 1e9,
        limits: limits({ actionHigh: site(6), alertHigh: site(5.5) }),
      })
    const plant = quiet(['b101-dp'])
    const points = [...plant.points, incubator('inc-co2', 'co2'), incubator('inc-t', 'temperature')]
    const core = new CoreRig({ ...plant, points })
    for (const id of ['inc-co2', 'inc-t']) {
      expect(shelve(core, `${id}.action_high`, 1000).code).toBe('not_authorised')
      expect(shelve(core, `${id}.alert_high`, 1000).code).toBe('done')
    }
  })

  it.each([
    ['an administrator', { role: 'administrator' as const }, 'not_authorised'],
    ['a reason nobody knows', { reason: 'because' }, 'invalid'],
    ['no comment on an action alarm', { comment: ' ' }, 'invalid'],
    ['an alarm that does not exist', { alarm: 'no.alarm' }, 'invalid'],
    ['an occurrence that is not open', { occ: 'x' }, 'unknown_occurrence'],
    ['no time', { until: 0 }, 'invalid'],
    ['a time that is none', { until: Number.NaN }, 'invalid'],
  ])('with %s', (_, { role, ...given }: Partial<Shelve> & { role?: Role }, code) => {
    const core = room()
    expect(shelve(core, HIGH, 1000, given, role ?? 'technician')).toMatchObject({ ok: false, code })
    expect(core.is(HIGH)).toBe('normal')
    expect(core.eventsOf('act.refused').length).toBe(1)
  })

  // the maximum of the class at −1, 0, +1 ms
  it.each([
    [HIGH, HOUR, -1, 'done'],
    [HIGH, HOUR, 0, 'done'],
    [HIGH, HOUR, 1, 'invalid'],
    [ALERT, 8 * HOUR, 0, 'done'],
    [ALERT, 8 * HOUR, 1, 'invalid'],
    ['th-b101.comm_fail', 24 * HOUR, 0, 'done'],
    ['th-b101.comm_fail', 24 * HOUR, 1, 'invalid'],
    [ALERT, 0, 0, 'invalid'],
    [ALERT, 0, 1, 'done'],
  ])('%s for %d %d ms: %s', (alarm, ms, more, code) => {
    expect(shelve(room(), alarm, ms + more).code).toBe(code)
  })

  it('PE13 while it is shelved: the time cannot be drawn out', () => {
    const core = room()
    shelve(core, HIGH, HOUR)
    core.advance(HOUR / 2)
    expect(shelve(core, HIGH, HOUR)).toMatchObject({ ok: false, code: 'invalid' })
    core.advance(HOUR / 2 - 1)
    expect(core.is(HIGH)).toBe('shelved')
    core.advance(1)
    expect(core.is(HIGH)).toBe('normal')
    expect(unshelve(core, HIGH)).toMatchObject({ ok: false, detail: 'it is not shelved' })
  })
})

describe('a shelved alarm', () => {
  it('URS-35 PE13 A9 shows who, why and until when, and what is beneath goes on', () => {
    const core = room()
    core.slot('c102-rh', 56)
    const occ = core.occ(HIGH)
    expect(
      core.act({
        kind: 'shelve',
        occ,
        until: core.wall + HOUR,
        reason: 'known_fault',
        comment: 'humidifier',
      }),
    ).toEqual({
      ok: true,
      code: 'done',
      alarm: HIGH,
      occ,
      rev: 1,
    })
    const [event] = core.eventsOf('alarm.shelved', HIGH)
    expect(event?.body).toMatchObject({
      occ,
      from: 'unacknowledged',
      to: 'shelved',
      actor: { user: 'jdoe' },
    })
    expect(core.payload(HIGH)).toMatchObject({
      state: 'shelved',
      beneath: 'unacknowledged',
      active: true,
      held: {
        until: core.wall + HOUR,
        by: { user: 'jdoe', role: 'technician' },
        reason: 'known_fault',
        comment: 'humidifier',
        hidden: 1,
      },
      seq: event?.seq,
    })
    core.slot('c102-rh', 40)
    expect(core.payload(HIGH)).toMatchObject({ state: 'shelved', beneath: 'rtn_unacknowledged' })
    expect(core.eventsOf('alarm.returned', HIGH)[0]?.body).toMatchObject({ held: 'shelved' })
    expect(core.lastReading('c102-rh')).toMatchObject({ v: 40, q: 'good' })
  })

  const ends: [string, (core: CoreRig) => void, string, string][] = [
    ['nothing', () => {}, 'normal', 'normal'],
    ['an excursion that stands', (core) => core.slot('c102-rh', 56), 'unacknowledged', 'one'],
    [
      'one that rose and ended',
      (core) => core.values('c102-rh', 56, 40),
      'rtn_unacknowledged',
      'one',
    ],
    [
      'two, one after the other',
      (core) => core.values('c102-rh', 56, 40, 57),
      'unacknowledged',
      'two',
    ],
  ]
  it.each(ends)(
    'URS-35 row 14: %s meanwhile, and it is there at the end',
    (_, happens, state, hid) => {
      const core = room()
      shelve(core, HIGH, 10 * 60_000)
      core.advance(10_000)
      happens(core)
      expect(core.is(HIGH)).toBe('shelved')
      core.advance(10 * 60_000)
      expect(core.is(HIGH)).toBe(state)
      const count = { normal: 0, one: 1, two: 2 }[hid]
      const body = core.eventsOf('alarm.unshelved', HIGH)[0]?.body
      expect(body).toMatchObject({ from: 'shelved', to: state, cause: 'expired', hidden: count })
      expect(body?.['hid']).toHaveLength(count ?? -1)
      const activated = core.eventsOf('alarm.activated', HIGH).map((event) => event.body['occ'])
      expect(((body?.['hid'] ?? []) as { occ: string }[]).map(({ occ }) => occ)).toEqual(activated)
    },
  )

  it('URS-34 comes back by an act that is somebody’s', () => {
    const core = room()
    shelve(core, HIGH, HOUR)
    core.slot('c102-rh', 56)
    expect(unshelve(core, HIGH)).toMatchObject({ ok: true, alarm: HIGH })
    expect(core.is(HIGH)).toBe('unacknowledged')
    expect(core.eventsOf('alarm.unshelved')[0]?.body).toMatchObject({
      cause: 'unshelved',
      actor: { user: 'jdoe' },
    })
  })

  it('comes back by itself when it takes action priority: a fault that may hide an excursion', () => {
    const core = new CoreRig(quiet(['b101-p05']))
    const fault = 'b101-p05.sensor_fault'
    shelve(core, fault, HOUR)
    core.advance(60_000)
    core.sample('pc-b101', { particles_0_5um: 10 }, { faults: ['flow_fault'] })
    expect(core.is(fault)).toBe('shelved')
    core.advance(60_000)
    core.sample('pc-b101', { particles_0_5um: 99_999 }, { faults: ['flow_fault'] })
    expect(core.is(fault)).toBe('unacknowledged')
    expect(core.eventsOf('alarm.unshelved', fault)[0]?.body).toMatchObject({ cause: 'worsened' })
  })

  // killed after so many minutes of an hour
  it.each(
    [0, 1, 20, 40, 58].flatMap(
      (at) =>
        [
          [at, false],
          [at, true],
        ] as [number, boolean][],
    ),
  )(
    'URS-28 a restart after %d min, reboot %s, gives no time back and takes none',
    (minutes, reboot) => {
      const core = room()
      shelve(core, HIGH, HOUR)
      core.advance(minutes * 60_000)
      core.slot('c102-rh', 56)
      core.restart(60_000, { reboot })
      expect(core.payload(HIGH)).toMatchObject({ state: 'shelved', beneath: 'unacknowledged' })
      core.advance(HOUR - (minutes + 1) * 60_000 - 1)
      expect(core.is(HIGH)).toBe('shelved')
      core.advance(1)
      expect(core.is(HIGH)).toBe('unacknowledged')
    },
  )

  it('URS-28 over whose end the agent was away is back at the start', () => {
    const core = room()
    shelve(core, HIGH, HOUR)
    core.slot('c102-rh', 56)
    core.restart(2 * HOUR, { reboot: true })
    expect(core.is(HIGH)).toBe('unacknowledged')
  })

  it('a clock set back does not lengthen it', () => {
    const core = room()
    shelve(core, HIGH, HOUR)
    core.stepWall(-10 * HOUR)
    core.advance(HOUR)
    expect(core.is(HIGH)).toBe('normal')
  })

  it('another configuration keeps it, unless the alarm has become critical or is gone', () => {
    const core = room()
    shelve(core, HIGH, HOUR)
    core.changePlant(withPoint(core.plant, 'b101-t', { limits: limits({ alertHigh: site(25) }) }))
    expect(core.is(HIGH)).toBe('shelved')
    core.changePlant(withPoint(core.plant, 'c102-rh', { critical: true }))
    expect(core.is(HIGH)).toBe('normal')
    expect(core.eventsOf('alarm.unshelved', HIGH)[0]?.body).toMatchObject({ cause: 'critical' })
    shelve(core, ALERT, HOUR)
    const points = core.plant.points.filter(({ id }) => id === 'c102-rh')
    core.changePlant({ ...core.plant, points })
    expect([...core.persisted.keys()].filter((key) => key.startsWith('hold/'))).toEqual([])
    core.advance(HOUR)
  })
})

describe('URS-34 the longest shelf', () => {
  it.each([
    ['the site’s own', { action: 2 * HOUR }, 2 * HOUR],
    ['the usual one, where the site names another class', { alert: 2 * HOUR }, HOUR],
    ['a shorter one', { action: HOUR / 2 }, HOUR / 2],
  ])('is %s', (_name, shelfMs, longest) => {
    const core = new CoreRig({ ...quiet(['c102-rh']), shelfMs })
    expect(shelve(core, HIGH, longest + 1)).toMatchObject({ ok: false, code: 'invalid' })
    expect(shelve(core, HIGH, longest)).toMatchObject({ ok: true })
  })
})
