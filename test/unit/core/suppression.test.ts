// A zone that is not in use (URS-35, URS-67, alarms.md row 15), and what is out of service (URS-36, row 16): measured, recorded and
// evaluated all the same, listed at the end, never a way to silence what matters.

import { describe, expect, it } from 'vitest'
import type { ActReply } from '#core/input.ts'
import type { Occupancy } from '#core/point.ts'
import { plantOf } from '../../support/core-plant.ts'
import { actor, CoreRig } from '../../support/core-rig.ts'

const HIGH = 'b101-t.action_high'
const LOW = 'b101-dp.action_low'
const RH = 'c102-rh.action_high'

/** The room in operation or what is given, the cabinet at rest. */
function room(occupancy: Occupancy = 'at_rest', cabinet: Occupancy = 'at_rest'): CoreRig {
  const plant = plantOf(['b101-t', 'b101-dp', 'c102-rh', 'bsc1-p05'], (it) => ({
    ...it,
    commFailMs: 1e9,
  }))
  const zones = plant.zones.map((zone) => ({
    ...zone,
    occupancy: zone.id === 'b101' ? occupancy : zone.id === 'bsc-1' ? cabinet : zone.occupancy,
  }))
  return new CoreRig({ ...plant, zones: zones as typeof plant.zones })
}

describe('a zone that is not in use', () => {
  it('URS-35 suppresses what is not critical, goes on measuring, and lists what it hid', () => {
    const core = room()
    core.occupancy('b101', 'not_in_use')
    expect(core.is(HIGH)).toBe('suppressed_by_design')
    expect(core.payload(HIGH)).toMatchObject({ beneath: 'normal', held: { reason: 'not_in_use' } })
    expect(core.eventsOf('suppression.started')[0]?.body).toMatchObject({
      zone: 'b101',
      alarms: expect.arrayContaining([HIGH, 'b101-t.alert_high', 'b101-t.sensor_fault']),
    })
    core.values('b101-t', 25, 20)
    core.advance(60_000)
    expect(core.lastReading('b101-t')).toMatchObject({ v: 20, q: 'good' })
    expect(core.payload(HIGH)).toMatchObject({
      state: 'suppressed_by_design',
      beneath: 'rtn_unacknowledged',
    })
    expect(core.eventsOf('alarm.activated', HIGH)[0]?.body).toMatchObject({
      held: 'suppressed_by_design',
    })
    core.occupancy('b101', 'at_rest')
    expect(core.is(HIGH)).toBe('rtn_unacknowledged')
    const [ended] = core.eventsOf('suppression.ended')
    expect(ended?.body).toMatchObject({
      zone: 'b101',
      alarms: core.eventsOf('suppression.started')[0]?.body['alarms'],
      hidden: 2,
      hid: expect.arrayContaining([
        {
          alarm: HIGH,
          hidden: 1,
          occurrences: [expect.objectContaining({ occ: core.occ(HIGH), peak: 25 })],
        },
      ]),
    })
    expect(core.payload(HIGH)['seq']).toBe(ended?.seq)
  })

  it('URS-67 never hides a critical alarm, nor one of another zone', () => {
    const core = room()
    core.occupancy('b101', 'not_in_use')
    core.values('b101-dp', ...Array.from({ length: 8 }, () => 9))
    core.slot('c102-rh', 61)
    expect([core.is(LOW), core.is(RH)]).toEqual(['unacknowledged', 'unacknowledged'])
    expect(core.is('bsc1-p05.action_high')).toBe('normal')
  })

  it('URS-67 never drops an occurrence that nobody acknowledged: it hides once it is seen', () => {
    const core = room()
    core.slot('b101-t', 25)
    core.occupancy('b101', 'not_in_use')
    expect(core.is(HIGH)).toBe('unacknowledged')
    core.ack(HIGH)
    expect(core.payload(HIGH)).toMatchObject({
      state: 'suppressed_by_design',
      beneath: 'acknowledged',
    })
    core.occupancy('b101', 'at_rest')
    expect(core.is(HIGH)).toBe('acknowledged')
  })

  it.each([
    ['in_operation', false],
    ['clean_up', false],
    ['at_rest', true],
    ['not_in_use', true],
  ] as const)('URS-67 is refused while a zone within it is %s, else not', (cabinet, ok) => {
    const core = room('at_rest', cabinet)
    expect(core.occupancy('b101', 'not_in_use').ok).toBe(ok)
    expect(core.is(HIGH)).toBe(ok ? 'suppressed_by_design' : 'normal')
    expect(core.eventsOf('act.refused').length).toBe(ok ? 0 : 1)
  })

  it('URS-67 the other way round: nobody begins to work in a room that is not in use', () => {
    const core = room()
    core.occupancy('b101', 'not_in_use')
    expect(core.occupancy('bsc-1', 'in_operation')).toMatchObject({ ok: false, code: 'invalid' })
    core.occupancy('b101', 'at_rest')
    expect(core.occupancy('bsc-1', 'in_operation').ok).toBe(true)
  })

  it('URS-67 configured as not in use around a zone at work, nothing is suppressed', () => {
    expect(room('not_in_use', 'in_operation').is(HIGH)).toBe('normal')
    expect(room('not_in_use', 'at_rest').is(HIGH)).toBe('suppressed_by_design')
  })

  it.each([false, true])('URS-28 survives a restart (reboot %s), with what it hid', (reboot) => {
    const core = room()
    core.occupancy('b101', 'not_in_use')
    core.slot('b101-t', 25)
    const before = core.payload(HIGH)
    core.restart(1000, { reboot })
    expect(core.payload(HIGH)).toEqual(before)
    core.occupancy('b101', 'at_rest')
    expect(core.eventsOf('suppression.ended')[0]?.body).toMatchObject({ hidden: 2 })
    expect(core.is(HIGH)).toBe('unacknowledged')
  })
})

describe('out of service', () => {
  const out = (core: CoreRig, target: string, by = actor(), workOrder = 'WO-17'): ActReply =>
    core.act({ kind: 'out_of_service', target, workOrder, reason: 'known_fault' }, by)
  const back = (core: CoreRig, target: string, by = actor('asmith', 'supervisor')): ActReply =>
    core.act({ kind: 'return_to_service', target, comment: 'checked' }, by)

  it('URS-36 needs a work order, is measured meanwhile, and comes back with a second person’s approval', () => {
    const core = room()
    expect(out(core, 'b101-t')).toEqual({ ok: true, code: 'done' })
    expect(core.payload(HIGH)).toMatchObject({
      state: 'out_of_service',
      held: { workOrder: 'WO-17', by: { user: 'jdoe' } },
    })
    expect(core.is('c102-rh.action_high')).toBe('normal')
    core.slot('b101-t', 25)
    expect(core.lastReading('b101-t')).toMatchObject({ v: 25, q: 'good' })
    expect(core.payload(HIGH)).toMatchObject({ state: 'out_of_service', beneath: 'unacknowledged' })
    expect(back(core, 'b101-t')).toEqual({ ok: true, code: 'done' })
    expect(core.is(HIGH)).toBe('unacknowledged')
    expect(core.eventsOf('out_of_service.ended')[0]?.body).toMatchObject({
      target: 'b101-t',
      workOrder: 'WO-17',
      actor: { user: 'asmith', role: 'supervisor' },
      hidden: 2,
    })
  })

  it('URS-36 of an instrument covers its points and its own alarms', () => {
    const core = room()
    out(core, 'th-b101')
    for (const alarm of [HIGH, RH, 'th-b101.comm_fail'])
      expect(core.is(alarm)).toBe('out_of_service')
    expect(core.is(LOW)).toBe('normal')
    core.restart(1000, { reboot: true })
    expect(core.is(HIGH)).toBe('out_of_service')
    out(core, 'b101-t')
    back(core, 'th-b101')
    expect([core.is(RH), core.is(HIGH)]).toEqual(['normal', 'out_of_service'])
    back(core, 'b101-t')
    expect(core.is(HIGH)).toBe('normal')
  })

  it.each([
    ['by the one who took it out', actor('jdoe', 'supervisor'), 'not_authorised'],
    ['by another technician', actor('other'), 'not_authorised'],
    ['by an administrator', actor('root', 'administrator'), 'not_authorised'],
    ['by qa', actor('qa1', 'qa'), 'done'],
  ])('URS-36 return %s: %s', (_, by, code) => {
    const core = room()
    out(core, 'b101-t', actor('jdoe'))
    expect(back(core, 'b101-t', by).code).toBe(code)
    expect(core.is(HIGH)).toBe(code === 'done' ? 'normal' : 'out_of_service')
  })

  it.each([
    ['without a work order', 'b101-t', actor(), ' '],
    ['of something that is not there', 'nothing', actor(), 'WO-1'],
    ['by an administrator', 'b101-t', actor('root', 'administrator'), 'WO-1'],
    ['of a critical point by a technician', 'b101-dp', actor(), 'WO-1'],
  ] as const)('URS-36 is refused %s', (_, target, by, workOrder) => {
    const core = room()
    expect(out(core, target, by, workOrder).ok).toBe(false)
    expect(core.eventsOf('act.refused').length).toBe(1)
    expect(core.state.service.size).toBe(0)
  })

  it.each([
    ['in_operation', false],
    ['clean_up', false],
    ['at_rest', true],
  ] as const)('URS-67 of a critical point while its zone is %s', (occupancy, ok) => {
    const core = room(occupancy)
    expect(out(core, 'b101-dp', actor('asmith', 'supervisor')).ok).toBe(ok)
    expect(out(core, 'dp-b101', actor('asmith', 'supervisor')).ok).toBe(ok)
    expect(core.is(LOW)).toBe(ok ? 'out_of_service' : 'normal')
  })

  it.each([
    ['in_operation', false],
    ['clean_up', false],
    ['not_in_use', true],
  ] as const)('URS-67 of a critical point, its zone becomes %s: %s', (occupancy, ok) => {
    for (const target of ['b101-dp', 'dp-b101']) {
      const core = room('at_rest')
      out(core, target, actor('asmith', 'supervisor'))
      expect(core.occupancy('b101', occupancy)).toMatchObject({ ok })
      expect(core.eventsOf('act.refused').map(({ body }) => body['detail'])).toEqual(
        ok ? [] : [`${target} is critical and out of service under WO-17; have it returned first`],
      )
      back(core, target, actor('qa1', 'qa'))
      expect(core.occupancy('b101', 'in_operation').ok).toBe(true)
    }
  })

  it('URS-67 of what is not critical keeps nobody from working', () => {
    const core = room('at_rest')
    out(core, 'b101-t', actor('asmith', 'supervisor'))
    expect(core.occupancy('b101', 'in_operation').ok).toBe(true)
  })

  it('is refused twice, and ends with what it was of', () => {
    const core = room()
    out(core, 'b101-t')
    expect(out(core, 'b101-t').ok).toBe(false)
    expect(back(core, 'c102-rh').ok).toBe(false)
    const points = core.plant.points.filter(({ id }) => id !== 'b101-t')
    core.changePlant({ ...core.plant, points })
    expect(core.eventsOf('out_of_service.ended')[0]?.body).toMatchObject({
      cause: 'config_changed',
    })
    expect([...core.persisted.keys()].filter((key) => /^(hold|service)\//.test(key))).toEqual([])
  })

  it('several holds at once: the heavier is shown, each ends by itself', () => {
    const core = room()
    core.act({
      kind: 'shelve',
      alarm: HIGH,
      until: core.wall + 60_000,
      reason: 'known_fault',
      comment: 'c',
    })
    core.occupancy('b101', 'not_in_use')
    out(core, 'b101-t')
    expect(core.is(HIGH)).toBe('out_of_service')
    back(core, 'b101-t')
    expect(core.is(HIGH)).toBe('suppressed_by_design')
    core.occupancy('b101', 'at_rest')
    expect(core.is(HIGH)).toBe('shelved')
    core.advance(60_000)
    expect(core.is(HIGH)).toBe('normal')
  })
})
