// Signed commands carried out: once each, in one commit, answered when durable, across restarts.

import { describe, expect, it } from 'vitest'
import { KEPT_AFTER_EXP_MS, USED_COMMANDS_MAX } from '../../../agent/runtime/used-commands.ts'
import { commandBox, newDisk } from '../../support/command-box.ts'
import { ackCommand, SIGNED_AT, signed } from '../../support/command-signer.ts'
import {
  ALARM,
  ackOf,
  boxWithAlarm,
  CMD,
  occupancyOf,
  toOccupancy,
} from '../../support/open-alarm.ts'
import { settle } from '../../support/virtual-clock.ts'

describe('URS-32 a genuine command', () => {
  it('is carried out, and answered exactly as the contract says', async () => {
    const { box, occ, ack } = await boxWithAlarm()
    await box.clock.advance(400)
    await box.send(ack)
    expect(box.replies).toEqual([
      {
        user: 'jdoe',
        payload:
          `{"v":1,"id":"${CMD}","ok":true,"code":"acknowledged","alarm":"${ALARM}","occ":"${occ}",` +
          `"rev":2,"ts":${SIGNED_AT + 400}}`,
      },
    ])
    expect(box.events('alarm.acknowledged')).toMatchObject([
      {
        body: {
          alarm: ALARM,
          occ,
          actor: { user: 'jdoe', name: 'Full jdoe', role: 'technician', via: 'mqtt' },
          reason: 'known_fault',
          comment: 'Door 3 stood open',
          cmd: CMD,
        },
      },
    ])
  })

  it('URS-49 is answered store_failed while the disk is out of order, and not carried out', async () => {
    const box = commandBox(newDisk(), undefined, { volatile: true })
    await box.send(occupancyOf(), toOccupancy)
    expect(box.reply()).toMatchObject({ ok: false, code: 'store_failed', id: CMD })
    expect(box.events('occupancy.changed')).toEqual([])
  })

  it('reset and occupancy alike', async () => {
    const { box, occ, ack } = await boxWithAlarm()
    await box.send({ ...ack, ...ackOf(occ, { act: 'reset' }) }, { command: 'reset' })
    expect(box.reply()).toMatchObject({ ok: false, code: 'invalid', occ, detail: /still active/ })
    await box.send(occupancyOf({ id: 'o1' }), toOccupancy)
    expect(box.replies.at(-1)?.payload).toBe(
      `{"v":1,"id":"o1","ok":true,"code":"done","ts":${SIGNED_AT}}`,
    )
    expect(box.events('occupancy.changed')).toMatchObject([
      { body: { zone: 'b101', to: 'at_rest', cmd: 'o1' } },
    ])
  })

  it('URS-34 shelve and unshelve alike, until the moment that was signed', async () => {
    const { box, occ } = await boxWithAlarm()
    const until = SIGNED_AT + 7_200_000
    await box.send(ackOf(occ, { id: 's1', until }), { command: 'shelve' })
    expect(box.reply()).toMatchObject({ id: 's1', ok: true, code: 'done', alarm: ALARM, occ })
    expect(box.events('alarm.shelved')).toMatchObject([
      { body: { alarm: ALARM, occ, until, cmd: 's1', actor: { user: 'jdoe', via: 'mqtt' } } },
    ])
    await box.send(ackOf(occ, { id: 's2', until }), { command: 'shelve' })
    expect(box.reply()).toMatchObject({ id: 's2', ok: false, code: 'invalid' })
    await box.send(ackOf(occ, { id: 's3' }), { command: 'unshelve' })
    expect(box.events('alarm.unshelved')).toMatchObject([{ body: { alarm: ALARM, cmd: 's3' } }])
    const critical = { alarm: 'system.storage_fault', occ: null, id: 's4', until }
    await box.send(ackOf(occ, critical), { command: 'shelve' })
    expect(box.reply()).toMatchObject({ id: 's4', ok: false, code: 'not_authorised' })
  })

  it('is one commit with the row of its id', async () => {
    const { box, ack } = await boxWithAlarm()
    await box.send(ack)
    const commit = box.disk.commits.find(({ state }) =>
      state.some(({ key }) => key === `cmd/${CMD}`),
    )
    const types = commit?.records.map((record) => record.kind === 'event' && record.event.type)
    expect(types).toContain('alarm.acknowledged')
    expect(commit?.state.map(({ key }) => key)).toContain(`alarm/${ALARM}`)
    expect(JSON.parse(box.disk.rows.get(`cmd/${CMD}`) ?? '')).toMatchObject({
      user: 'jdoe',
      exp: SIGNED_AT + 60_000,
      reply: box.replies[0]?.payload,
    })
  })

  it('is not answered before it is durable', async () => {
    const { box, ack } = await boxWithAlarm()
    box.hold(true)
    const sent = box.send(ack)
    await settle()
    expect(box.replies).toEqual([])
    expect(box.disk.rows.has(`cmd/${CMD}`)).toBe(false)
    box.hold(false)
    await sent
    expect(box.reply()).toMatchObject({ ok: true, code: 'acknowledged' })
  })

  it('that the core refuses is refused once, recorded once, and used up', async () => {
    const box = commandBox()
    const ack = ackOf('nowhere')
    await box.send(ack)
    expect(box.reply()).toMatchObject({
      id: CMD,
      ok: false,
      code: 'unknown_occurrence',
      occ: 'nowhere',
    })
    expect(box.events('act.refused')).toMatchObject([
      { body: { act: 'ack', code: 'unknown_occurrence', cmd: CMD } },
    ])
    await box.send(ack)
    expect(box.replies[1]).toEqual(box.replies[0])
    expect(box.events('act.refused')).toHaveLength(1)
  })

  it('of somebody without the right is refused by the core, however genuine', async () => {
    const { box, occ } = await boxWithAlarm()
    const fields = ackCommand({ alarm: ALARM, occ, rev: 1, reason: 'known_fault', by: 'asmith' })
    await box.send(signed(fields, 'asmith'), { user: 'asmith' })
    expect(box.reply()).toMatchObject({ ok: false, code: 'not_authorised' })
    expect(box.events('act.refused')).toMatchObject([
      { body: { actor: { user: 'asmith', role: 'administrator' } } },
    ])
    expect(box.events('alarm.acknowledged')).toEqual([])
  })
})

describe('URS-33 the same command again (PE4)', () => {
  it('gets the same answer, and nothing is done', async () => {
    const { box, ack } = await boxWithAlarm()
    await box.send(ack)
    await box.clock.advance(30_000)
    await box.send(ack)
    expect(box.replies).toHaveLength(2)
    expect(box.replies[1]).toEqual(box.replies[0])
    await box.loop.flush()
    expect(box.events('alarm.acknowledged')).toHaveLength(1)
    expect(box.events('act.repeated')).toMatchObject([
      { body: { act: 'ack', cmd: CMD, actor: { user: 'jdoe' } } },
    ])
    expect(box.events('act.refused')).toEqual([])
  })

  it('while the first is on its way to the disk, waits for it', async () => {
    const { box, ack } = await boxWithAlarm()
    box.hold(true)
    const both = Promise.all([box.send(ack), box.send(ack)])
    await settle()
    expect(box.replies).toEqual([])
    box.hold(false)
    await both
    expect(box.replies).toHaveLength(2)
    expect(box.replies[1]).toEqual(box.replies[0])
    expect(box.events('alarm.acknowledged')).toHaveLength(1)
  })

  it('after a restart, gets the same answer byte for byte', async () => {
    const { box, ack } = await boxWithAlarm()
    await box.send(ack)
    box.loop.stop()
    const next = commandBox(box.disk, box.clock)
    await next.send(ack)
    expect(next.replies).toEqual(box.replies)
    expect(next.events('alarm.acknowledged')).toHaveLength(1)
  })

  it('after a crash before the commit, is carried out then, once', async () => {
    const { box, ack } = await boxWithAlarm()
    box.hold(true)
    void box.send(ack)
    await settle()
    box.loop.stop()
    const disk = { ...newDisk(), rows: new Map(box.disk.rows), seq: box.disk.seq }
    const next = commandBox(disk, box.clock)
    await next.send(ack)
    await next.send(ack)
    expect(next.reply()).toMatchObject({ ok: true, code: 'acknowledged' })
    expect(next.events('alarm.acknowledged')).toHaveLength(1)
  })
})

describe('URS-33 a used id (PE8)', () => {
  it('is replayed in another command, also after a restart', async () => {
    const { box, occ, ack } = await boxWithAlarm()
    await box.send(ack)
    await box.send(ackOf(occ, { comment: 'another one' }))
    expect(box.reply()).toMatchObject({ id: CMD, ok: false, code: 'replayed' })
    const next = commandBox(box.disk, box.clock)
    await next.send(occupancyOf(), toOccupancy)
    expect(next.reply()).toMatchObject({ ok: false, code: 'replayed' })
    expect(next.events('act.refused')).toMatchObject([
      { body: { act: 'ack', occ, code: 'replayed', actor: { user: 'jdoe' }, cmd: CMD } },
      { body: { act: 'occupancy', zone: 'b101', state: 'at_rest', code: 'replayed' } },
    ])
    expect(next.events('occupancy.changed')).toEqual([])
  })

  it('as an ack passed off as a reset is replayed', async () => {
    const { box, ack } = await boxWithAlarm()
    await box.send(ack)
    await box.send(ack, { command: 'reset' })
    expect(box.reply()).toMatchObject({ ok: false, code: 'replayed' })
  })

  it('is expired after its time, and the signer is told that it was carried out', async () => {
    const { box, ack } = await boxWithAlarm()
    await box.send(ack)
    await box.clock.advance(60_001)
    await box.send(ack)
    expect(box.reply()).toMatchObject({
      ok: false,
      code: 'expired',
      detail: expect.stringContaining('used in time and answered acknowledged'),
    })
    expect(box.events('act.refused')).toMatchObject([{ body: { code: 'expired', cmd: CMD } }])
    await box.send(ackOf('other', { id: 'unused' }))
    expect(box.reply()['detail']).not.toContain('used in time')
  })

  it('is forgotten 120 s after its end, and not usable again when the clock is set back', async () => {
    const { box, ack } = await boxWithAlarm()
    await box.send(ack)
    await box.clock.advance(60_000 + KEPT_AFTER_EXP_MS + 1)
    const later = SIGNED_AT + 60_000 + KEPT_AFTER_EXP_MS
    await box.send(occupancyOf({ id: 'later', iat: later, exp: later + 60_000 }), toOccupancy)
    expect([...box.disk.rows.keys()].filter((key) => key.startsWith('cmd/'))).toEqual(['cmd/later'])
    box.clock.stepWall(SIGNED_AT + 1000 - box.clock.now().wall)
    for (const running of [box, commandBox(box.disk, box.clock)]) {
      await running.send(ack)
      expect(running.reply()).toMatchObject({ ok: false, code: 'clock_unsynchronised' })
    }
    expect(box.events('alarm.acknowledged')).toHaveLength(1)
  })

  it('is kept until then', async () => {
    const { box, occ, ack } = await boxWithAlarm()
    await box.send(ack)
    await box.clock.advance(60_000 + KEPT_AFTER_EXP_MS)
    const now = box.clock.now().wall
    await box.send(occupancyOf({ id: 'later', iat: now, exp: now + 60_000 }), toOccupancy)
    box.clock.stepWall(SIGNED_AT + 1000 - now)
    await box.send(ackOf(occ, { comment: 'another one' }))
    expect(box.reply()).toMatchObject({ ok: false, code: 'replayed' })
  })

  it(`is one of at most ${USED_COMMANDS_MAX}; beyond it nothing more is taken, nothing forgotten early`, async () => {
    const disk = newDisk()
    for (let index = 0; index < USED_COMMANDS_MAX; index++) {
      const row = { user: 'jdoe', exp: SIGNED_AT + 60_000, digest: '0', reply: '{}' }
      disk.rows.set(`cmd/${index}`, JSON.stringify(row))
    }
    const box = commandBox(disk)
    await box.send(occupancyOf(), toOccupancy)
    expect(box.reply()).toMatchObject({
      ok: false,
      code: 'store_failed',
      detail: /too many commands/,
    })
    await box.send(occupancyOf({ id: '17' }), toOccupancy)
    expect(box.reply()).toMatchObject({ code: 'replayed' })
    await box.clock.advance(60_000 + KEPT_AFTER_EXP_MS + 1)
    const now = box.clock.now().wall
    await box.send(occupancyOf({ iat: now, exp: now + 60_000 }), toOccupancy)
    expect(box.reply()).toMatchObject({ ok: true })
    expect([...disk.rows.keys()].filter((key) => key.startsWith('cmd/'))).toEqual([`cmd/${CMD}`])
  })

  it.each([
    ['cmd/x', 'null'],
    ['cmd/x', '{"user":"jdoe"}'],
    ['cmd/x', '{'],
    ['cmd-forgotten', '"soon"'],
  ])('whose row %s is %s stops the start in words', (key, text) => {
    const disk = newDisk()
    disk.rows.set(key, text)
    expect(() => commandBox(disk)).toThrow(`state row ${key} does not describe a used command`)
  })
})
