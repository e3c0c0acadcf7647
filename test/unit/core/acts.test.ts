// What people do, and what is refused (URS-32, URS-33); every refusal is an event with its code and who it was.

import { describe, expect, it } from 'vitest'
import { alarmPayload } from '#core/step.ts'
import { plantOf } from '../../support/core-plant.ts'
import { actor, CoreRig, START } from '../../support/core-rig.ts'

const INVERSION = 'b101-dp.inversion'
const LOW = 'b101-dp.action_low'

/** An inversion is active: a latching action alarm. */
function inverted(): CoreRig {
  const core = new CoreRig(plantOf(['b101-dp']))
  core.values('b101-dp', -1, -2)
  expect(core.is(INVERSION)).toBe('unacknowledged')
  return core
}

describe('acknowledging', () => {
  it('URS-32 U4 keeps who, role, reason and comment, in the contract’s order, and clears nothing', () => {
    const core = inverted()
    const occ = core.occ(INVERSION)
    const reply = core.ack(INVERSION, { reason: 'door_opened', comment: 'both doors' })
    expect(reply).toEqual({ ok: true, code: 'acknowledged', alarm: INVERSION, occ, rev: 2 })
    const [event] = core.eventsOf('alarm.acknowledged')
    expect(Object.keys(event?.body ?? {}).slice(0, 8)).toEqual([
      'alarm',
      'occ',
      'rev',
      'from',
      'to',
      'actor',
      'reason',
      'comment',
    ])
    expect(event?.body).toMatchObject({
      alarm: INVERSION,
      occ,
      rev: 2,
      from: 'unacknowledged',
      to: 'acknowledged',
      actor: { user: 'jdoe', name: 'J. Doe', role: 'technician', via: 'local' },
      reason: 'door_opened',
      comment: 'both doors',
      value: -2,
    })
    expect(core.payload(INVERSION)).toMatchObject({
      state: 'acknowledged',
      active: true,
      acked: true,
      ack: {
        user: 'jdoe',
        name: 'J. Doe',
        role: 'technician',
        ts: START + 10_000,
        reason: 'door_opened',
        comment: 'both doors',
      },
      seq: event?.seq,
    })
  })

  it('keeps what the point read when somebody acted, beside the worst', () => {
    const core = inverted()
    core.values('b101-dp', -5, -0.5)
    core.ack(INVERSION)
    expect(core.eventsOf('alarm.acknowledged')[0]?.body).toMatchObject({ value: -0.5, peak: -5 })
    core.values('b101-dp', 14, 15.5)
    core.reset(INVERSION)
    expect(core.eventsOf('alarm.reset')[0]?.body).toMatchObject({ value: 15.5, peak: -5 })
  })

  it('names the command it came by', () => {
    const core = inverted()
    core.act({
      kind: 'ack',
      occ: core.occ(INVERSION),
      reason: 'door_opened',
      comment: 'c',
      cmd: '01JD4AZ',
    })
    expect(core.eventsOf('alarm.acknowledged')[0]?.body).toMatchObject({ cmd: '01JD4AZ' })
  })

  it.each([['technician'], ['supervisor'], ['qa']] as const)('URS-32 %s may', (role) => {
    const core = inverted()
    const reply = core.act(
      { kind: 'ack', occ: core.occ(INVERSION), reason: 'other', comment: 'c' },
      actor('x', role),
    )
    expect(reply.ok).toBe(true)
  })

  type Given = Parameters<CoreRig['act']>[0]
  const refusals: [string, (core: CoreRig) => Given, string, ReturnType<typeof actor>?][] = [
    [
      'an administrator',
      (core) => ({ kind: 'ack', occ: core.occ(INVERSION), reason: 'other', comment: 'c' }),
      'not_authorised',
      actor('root', 'administrator'),
    ],
    [
      'an occurrence nobody knows',
      () => ({ kind: 'ack', occ: 'nothing', reason: 'other', comment: 'c' }),
      'unknown_occurrence',
    ],
    [
      'another alarm’s occurrence',
      (core) => ({
        kind: 'ack',
        occ: core.occ(INVERSION),
        alarm: LOW,
        reason: 'other',
        comment: 'c',
      }),
      'invalid',
    ],
    [
      'an unknown reason',
      (core) => ({ kind: 'ack', occ: core.occ(INVERSION), reason: 'bored', comment: 'c' }),
      'invalid',
    ],
    [
      'an action alarm without a comment',
      (core) => ({ kind: 'ack', occ: core.occ(INVERSION), reason: 'door_opened' }),
      'invalid',
    ],
    [
      'an action alarm with a blank comment',
      (core) => ({ kind: 'ack', occ: core.occ(INVERSION), reason: 'door_opened', comment: '  ' }),
      'invalid',
    ],
    [
      'a comment without end',
      (core) => ({
        kind: 'ack',
        occ: core.occ(INVERSION),
        reason: 'other',
        comment: 'x'.repeat(2001),
      }),
      'invalid',
    ],
    [
      'a revision from the future',
      (core) => ({ kind: 'ack', occ: core.occ(INVERSION), rev: 9, reason: 'other', comment: 'c' }),
      'stale_revision',
    ],
    [
      'the reset of an active alarm',
      (core) => ({ kind: 'reset', occ: core.occ(INVERSION) }),
      'invalid',
    ],
    [
      'occupancy of no zone',
      () => ({ kind: 'occupancy', zone: 'moon', state: 'at_rest' }),
      'invalid',
    ],
    [
      'occupancy by an administrator',
      () => ({ kind: 'occupancy', zone: 'b101', state: 'at_rest' }),
      'not_authorised',
      actor('root', 'administrator'),
    ],
  ]
  it.each(refusals)('URS-33 PE3 refuses %s, on record, changing nothing', (_, make, code, by) => {
    const core = inverted()
    const before = alarmPayload(core.state, INVERSION)
    const events = core.events.length
    const reply = core.act(make(core), by)
    expect(reply).toMatchObject({ ok: false, code })
    expect(reply.detail).not.toBe('')
    expect(alarmPayload(core.state, INVERSION)).toBe(before)
    expect(core.events.length).toBe(events + 1)
    expect(core.events.at(-1)).toMatchObject({
      type: 'act.refused',
      body: { code, actor: { user: (by ?? actor()).user }, detail: reply.detail },
    })
  })

  it('URS-33 PE4 a second time is refused as done already', () => {
    const core = inverted()
    core.ack(INVERSION)
    expect(core.ack(INVERSION)).toMatchObject({ ok: false, code: 'already_acknowledged', rev: 2 })
  })

  it('PE6 is of one occurrence: whatever else is active stays as it is', () => {
    const core = new CoreRig(plantOf(['b101-dp', 'b101-t']))
    core.values('b101-dp', -1, -2)
    core.values('b101-t', 23)
    const before = core.payload('b101-t.alert_high')
    expect(core.ack(INVERSION)).toMatchObject({ ok: true })
    expect(core.payload('b101-t.alert_high')).toEqual(before)
    expect(core.eventsOf('alarm.acknowledged')).toHaveLength(1)
  })

  it('an older revision is accepted as long as it did not get worse', () => {
    const core = new CoreRig(plantOf(['b101-dp']))
    core.values('b101-dp', -1, -2, 15)
    expect(core.payload(INVERSION)).toMatchObject({ state: 'latched_unacknowledged', rev: 2 })
    expect(core.ack(INVERSION, { rev: 1 })).toMatchObject({ ok: true, rev: 3 })
  })

  it('other than action alarms need a comment only for "other"', () => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.values('b101-t', 23)
    const occ = core.occ('b101-t.alert_high')
    expect(core.act({ kind: 'ack', occ, reason: 'other' })).toMatchObject({
      ok: false,
      code: 'invalid',
    })
    expect(core.act({ kind: 'ack', occ, reason: 'known_fault' })).toMatchObject({ ok: true })
  })

  it('PE5 one that has ended is unknown', () => {
    const core = new CoreRig(plantOf(['b101-t']))
    core.values('b101-t', 23)
    const occ = core.occ('b101-t.alert_high')
    core.ack('b101-t.alert_high')
    core.values('b101-t', 20, 20, 20, 20, 20, 20, 20)
    expect(core.is('b101-t.alert_high')).toBe('normal')
    expect(core.act({ kind: 'ack', occ, reason: 'other', comment: 'c' })).toMatchObject({
      code: 'unknown_occurrence',
    })
  })
})

describe('resetting', () => {
  it('URS-32 is an act of its own, after the acknowledgement and the return', () => {
    const core = inverted()
    core.values('b101-dp', 15)
    expect(core.reset(INVERSION)).toMatchObject({
      ok: false,
      code: 'invalid',
      detail: 'acknowledge it first',
    })
    core.ack(INVERSION)
    expect(core.is(INVERSION)).toBe('latched_acknowledged')
    expect(core.reset(INVERSION)).toMatchObject({ ok: true, code: 'reset', rev: 4 })
    expect(core.payload(INVERSION)).toMatchObject({
      state: 'normal',
      occ: null,
      rev: 0,
      active: false,
    })
    expect(core.eventsOf('alarm.reset')[0]?.body).toMatchObject({
      from: 'latched_acknowledged',
      to: 'normal',
      actor: { user: 'jdoe' },
    })
  })

  it('URS-29 leaves alone what has begun since: the second sample below raises, reset or not', () => {
    const core = inverted()
    core.values('b101-dp', 15)
    core.ack(INVERSION)
    core.values('b101-dp', -3)
    expect(core.reset(INVERSION)).toMatchObject({ ok: true, code: 'reset' })
    core.values('b101-dp', -3)
    expect(core.is(INVERSION)).toBe('unacknowledged')
  })
})

describe('a new excursion before the old one was seen', () => {
  it('A7 is an occurrence of its own; the old one stays listed and is acknowledged with it', () => {
    const core = inverted()
    const first = core.occ(INVERSION)
    core.values('b101-dp', 15, -3, -3)
    const second = core.occ(INVERSION)
    expect(second).not.toBe(first)
    expect(core.payload(INVERSION)).toMatchObject({
      state: 'unacknowledged',
      superseded: [first],
      rev: 1,
    })
    expect(core.eventsOf('alarm.superseded')[0]?.body).toMatchObject({
      occ: first,
      to: 'superseded',
    })
    expect(core.act({ kind: 'ack', occ: first, reason: 'other', comment: 'c' })).toMatchObject({
      code: 'unknown_occurrence',
      detail: `it was superseded by ${second}; act on that one`,
    })
    core.restart(1000, { reboot: true })
    core.ack(INVERSION)
    expect(core.eventsOf('alarm.acknowledged').map(({ body }) => body['occ'])).toEqual([
      second,
      first,
    ])
    expect(core.payload(INVERSION)['superseded']).toBeUndefined()
  })
})

describe('occupancy', () => {
  it('URS-18 keeps who, when and why', () => {
    const core = new CoreRig(plantOf(['b101-t']))
    expect(core.occupancy('b101', 'at_rest')).toEqual({ ok: true, code: 'done' })
    expect(core.eventsOf('occupancy.changed')[0]).toMatchObject({
      ts: START,
      body: {
        zone: 'b101',
        from: 'in_operation',
        to: 'at_rest',
        actor: { user: 'jdoe' },
        reason: 'shift',
      },
    })
  })
})

describe('ids', () => {
  it('of occurrences are ULID-shaped, sortable by time, and never the same', () => {
    const core = new CoreRig(plantOf(['b101-dp', 'b101-t']))
    for (let index = 0; index < 40; index++) core.values('b101-dp', -1, -1, 15)
    const ids = core.eventsOf('alarm.activated').map(({ body }) => String(body['occ']))
    expect(ids.length).toBeGreaterThanOrEqual(40)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
    expect([...ids].sort()).toEqual(ids)
  })
})
