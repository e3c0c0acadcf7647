// Signed commands carried out: once each, in one commit, answered when durable, across restarts, slow disks and floods.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvariantError } from '#core/assert.ts'
import { silentLog } from '#ports/log.ts'
import {
  COMMANDS_WAITING_MAX,
  Commands,
  type CommandsOptions,
} from '../../../agent/runtime/commands.ts'
import {
  RECORDS_MAX,
  RECORDS_PER_USER_MAX,
  USERS_MAX,
  WINDOW_MS,
} from '../../../agent/runtime/refusal-log.ts'
import { KEPT_AFTER_EXP_MS, USED_COMMANDS_MAX } from '../../../agent/runtime/used-commands.ts'
import { type CommandBox, commandBox, newDisk } from '../../support/command-box.ts'
import {
  ackCommand,
  type CommandFields,
  occupancyCommand,
  SIGNED_AT,
  signed,
} from '../../support/command-signer.ts'
import { settle, virtualClock } from '../../support/virtual-clock.ts'

const ALARM = 'system.uplink_down'
const CMD = '01JD4AZ6N3QK8W5T9XV2B7CDEF'

const ackOf = (occ: string, changes: CommandFields = {}) =>
  signed(ackCommand({ alarm: ALARM, occ, rev: 1, reason: 'known_fault', ...changes }), 'jdoe')
const occupancyOf = (changes: CommandFields = {}) => signed(occupancyCommand(changes), 'jdoe')
const toOccupancy = { command: 'occupancy' }

/** A box with an open occurrence, and the command that acknowledges it. */
async function boxWithAlarm(): Promise<{ box: CommandBox; occ: string; ack: CommandFields }> {
  const box = commandBox()
  const occ = await box.openOccurrence()
  return { box, occ, ack: ackOf(occ) }
}

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

describe('URS-33 every refusal is answered and recorded', () => {
  const forged = { ...ackOf('O1'), occ: 'O2' }
  const header = '{"alg":"EdDSA","kid":"x.y"}'
  const ofNobody = signed(ackCommand({ by: 'x.y' }), 'jdoe', { header })
  type Row = [what: string, code: string, send: (box: CommandBox) => Promise<void>, body: object]
  const rows: Row[] = [
    [
      'retained',
      'invalid',
      (box) => box.send(ackOf('O1'), { retained: true }),
      { act: 'ack', claimed: 'jdoe', cmd: CMD },
    ],
    [
      'forged',
      'bad_signature',
      (box) => box.send(forged),
      { act: 'ack', occ: 'O2', claimed: 'jdoe', via: 'mqtt', cmd: CMD },
    ],
    [
      'for another gateway',
      'invalid',
      (box) => box.send(ackOf('O1', { aud: 'gw-02' })),
      { actor: { user: 'jdoe', via: 'mqtt' } },
    ],
    [
      'of another user',
      'identity_mismatch',
      (box) => box.send(ackOf('O1'), { user: 'asmith' }),
      { claimed: 'asmith' },
    ],
    [
      'of nobody',
      'not_authorised',
      (box) => box.send(ofNobody, { user: 'x.y' }),
      { claimed: 'x.y' },
    ],
    ['not JSON', 'invalid', (box) => box.send(undefined), { act: 'ack', claimed: 'jdoe' }],
    [
      'shelve',
      'invalid',
      (box) => box.send(ackOf('O1'), { command: 'shelve' }),
      { act: 'shelve', detail: 'shelve: not supported by this version' },
    ],
  ]
  it.each(rows)('%s: %s', async (_what, code, send, body) => {
    const box = commandBox()
    await send(box)
    expect(box.replies).toHaveLength(1)
    expect(box.reply()).toMatchObject({
      v: 1,
      ok: false,
      code,
      detail: expect.any(String),
      ts: SIGNED_AT,
    })
    expect(box.events('act.refused')).toMatchObject([{ body: { code, ...body } }])
    expect([...box.disk.rows.keys()].some((key) => key.startsWith('cmd/'))).toBe(false)
  })

  it('while commands are off', async () => {
    const { box, ack } = await boxWithAlarm()
    box.enabled = false
    await box.send(ack)
    expect(box.reply()).toMatchObject({
      id: CMD,
      ok: false,
      code: 'not_authorised',
      detail: /mqtt\.commands/,
    })
    expect(box.events('act.refused')).toHaveLength(1)
    box.enabled = true
    await box.send(ack)
    expect(box.reply()).toMatchObject({ ok: true })
  })

  it('does not use up the id: a forged command cannot keep the genuine one out', async () => {
    const { box, ack } = await boxWithAlarm()
    await box.send({ ...ack, comment: 'forged' })
    expect(box.reply()).toMatchObject({ code: 'bad_signature' })
    await box.send(ack)
    expect(box.reply()).toMatchObject({ ok: true })
  })

  it('has no id in the reply where the payload has none that can be answered by', async () => {
    const box = commandBox()
    for (const id of ['', 'x'.repeat(65), 'a b', 'a\u202e', 7, null, { toString: 1 }]) {
      await box.send({ id })
      await box.send({ id }, { retained: true })
      expect(box.reply()['id']).toBeNull()
    }
    for (const payload of ['text', 7, null, [], Object.create({ id: 'inherited' })]) {
      await box.send(payload, { retained: true })
      expect(box.reply()['id']).toBeNull()
    }
  })
})

describe('PE9 a flood of forged commands', () => {
  const forged = { ...ackOf('O1'), occ: 'O2' }
  const flood = async (box: CommandBox, count: number, user: (index: number) => string) => {
    for (let index = 0; index < count; index++) await box.send(forged, { user: user(index) })
  }

  it(`records ${RECORDS_PER_USER_MAX} of one user in full and the rest of the minute as one event`, async () => {
    const box = commandBox()
    await flood(box, 1000, () => 'jdoe')
    expect(box.replies).toHaveLength(1000)
    expect(box.events('act.refused')).toHaveLength(RECORDS_PER_USER_MAX)
    await box.clock.advance(WINDOW_MS)
    await box.loop.flush()
    expect(box.events('act.refused').slice(RECORDS_PER_USER_MAX)).toMatchObject([
      {
        body: {
          via: 'mqtt',
          withinMs: WINDOW_MS,
          count: 980,
          counts: { jdoe: { bad_signature: 980 } },
        },
      },
    ])
    await flood(box, 1, () => 'jdoe')
    expect(box.events('act.refused')).toHaveLength(RECORDS_PER_USER_MAX + 2)
  })

  it(`tells ${USERS_MAX} names apart, and holds all that are made up beyond to one share`, async () => {
    const box = commandBox()
    await flood(box, 1000, (index) => `user-${index}`)
    expect(box.events('act.refused')).toHaveLength(USERS_MAX + RECORDS_PER_USER_MAX)
    await box.clock.advance(WINDOW_MS)
    await box.loop.flush()
    const summary = box.events('act.refused').at(-1)?.body
    expect(summary).toMatchObject({ count: 1000 - USERS_MAX - RECORDS_PER_USER_MAX })
    expect(Object.keys(summary?.['counts'] as object)).toEqual(['(others)'])
  })

  it('with ten names is held to the whole', async () => {
    const box = commandBox()
    await flood(box, 1000, (index) => `user-${index % 10}`)
    expect(box.events('act.refused')).toHaveLength(RECORDS_MAX)
  })

  it('leaves no summary where everything was recorded, and loses none at a stop', async () => {
    const box = commandBox()
    await flood(box, 3, () => 'jdoe')
    await box.clock.advance(WINDOW_MS)
    await box.loop.flush()
    expect(box.events('act.refused')).toHaveLength(3)
    await flood(box, 25, () => 'jdoe')
    box.commands.stop()
    box.commands.stop()
    await box.loop.flush()
    expect(box.events('act.refused').at(-1)).toMatchObject({ body: { count: 5 } })
    expect(box.events('act.refused')).toHaveLength(3 + 20 + 1)
  })
})

describe('a disk that pauses or fails', () => {
  it(`lets at most ${COMMANDS_WAITING_MAX} wait; the next is told at once`, async () => {
    const box = commandBox()
    box.hold(true)
    const all = Array.from({ length: COMMANDS_WAITING_MAX }, (_, index) =>
      box.send(occupancyOf({ id: `w${index}` }), toOccupancy),
    )
    await settle()
    expect(box.replies).toEqual([])
    await box.send(occupancyOf({ id: 'one-more' }), toOccupancy)
    expect(box.reply()).toMatchObject({ id: 'one-more', ok: false, code: 'store_failed' })
    box.hold(false)
    await Promise.all(all)
    expect(box.replies).toHaveLength(COMMANDS_WAITING_MAX + 1)
    await box.send(occupancyOf({ id: 'one-more' }), toOccupancy)
    expect(box.reply()).toMatchObject({ id: 'one-more', ok: true })
  })

  const over = (loop: Partial<CommandsOptions['loop']>) => {
    const replies: string[] = []
    const failures: Error[] = []
    const box = commandBox()
    const commands = new Commands({
      clock: virtualClock(SIGNED_AT),
      log: silentLog,
      loop: {
        actWith: () => Promise.reject(new Error('disk full')),
        note: () => Promise.reject(new Error('disk full')),
        changeState: () => {},
        input: () => box.loop.input({ kind: 'tick', at: box.clock.now() }),
        ...loop,
      },
      enabled: () => true,
      check: (incoming) => ({
        ok: true,
        command: {
          id: 'x',
          exp: SIGNED_AT + 60_000,
          digest: JSON.stringify(incoming.payload),
          about: {},
          act: {
            kind: 'occupancy',
            actor: { user: 'jdoe', name: '', role: 'qa', via: 'mqtt' },
            zone: 'z',
            state: 'at_rest',
          },
        },
      }),
      rows: new Map(),
      reply: (_user, payload) => replies.push(payload),
      failed: (error) => failures.push(error),
    })
    const incoming = { command: 'occupancy', user: 'jdoe', payload: { id: 'x' }, retained: false }
    return { commands, replies, failures, incoming }
  }

  it('answers store_failed when the act cannot be stored, and does not take the id for used', async () => {
    let full = true
    const { commands, replies, incoming } = over({
      actWith: (_act, rows) => {
        rows({ ok: true, code: 'done' })
        return full
          ? Promise.reject(new Error('disk full'))
          : Promise.resolve({ ok: true, code: 'done' })
      },
    })
    await Promise.all([commands.handle(incoming), commands.handle(incoming)])
    const refused = `{"v":1,"id":"x","ok":false,"code":"store_failed","detail":"disk full","ts":${SIGNED_AT}}`
    expect(replies).toEqual([refused, refused])
    full = false
    await commands.handle(incoming)
    expect(JSON.parse(replies[2] ?? '')).toMatchObject({ ok: true, code: 'done' })
  })

  it('answers store_failed when a refusal cannot be recorded', async () => {
    const { commands, replies, incoming } = over({})
    await commands.handle({ ...incoming, retained: true })
    expect(JSON.parse(replies[0] ?? '')).toMatchObject({ ok: false, code: 'store_failed' })
  })

  it('lets a broken invariant end the process', async () => {
    const broken = new InvariantError('cannot be')
    const { commands, failures, replies, incoming } = over({
      actWith: () => Promise.reject(broken),
    })
    await expect(commands.handle(incoming)).rejects.toBe(broken)
    commands.take(incoming)
    await settle()
    expect(failures).toEqual([broken])
    expect(replies).toEqual([])
  })
})

describe('URS-33 whatever comes in whatever order, with restarts and clock steps between', () => {
  const kind = <K extends string>(name: K) => fc.constant(name)
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: kind('send'),
        id: fc.nat(4),
        age: fc.integer({ min: -6000, max: 62_000 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: kind('repeat'), index: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('forge'), index: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ kind: kind('wait'), ms: fc.nat(250_000) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: kind('step'),
        ms: fc.integer({ min: -400_000, max: 400_000 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: kind('restart') }) },
  )

  it('every command acts at most once, is always answered, and done only with one answer', async () => {
    let acted = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        let box = commandBox()
        const sent: CommandFields[] = []
        const answers = new Map<string, Set<string>>()
        const send = async (command: CommandFields | undefined) => {
          if (command === undefined) return
          const before = box.replies.length
          await box.send(command, toOccupancy)
          expect(box.replies).toHaveLength(before + 1)
          const { ok } = box.reply()
          const text = box.replies.at(-1)?.payload ?? ''
          const key = String(command['comment'])
          if (ok === true) answers.set(key, (answers.get(key) ?? new Set()).add(text))
        }
        for (const action of steps) {
          if (action.kind === 'send') {
            const iat = Math.round(box.clock.now().wall - action.age)
            const envelope = { id: `id-${action.id}`, iat, exp: iat + 60_000 }
            sent.push(occupancyOf({ ...envelope, comment: `command ${sent.length}` }))
            await send(sent.at(-1))
          } else if (action.kind === 'repeat') await send(sent[action.index])
          else if (action.kind === 'forge') {
            const command = sent[action.index]
            await send(command === undefined ? undefined : { ...command, comment: 'forged' })
          } else if (action.kind === 'wait') await box.clock.advance(action.ms)
          else if (action.kind === 'step') box.clock.stepWall(action.ms)
          else {
            box.loop.stop()
            box = commandBox(box.disk, box.clock)
          }
        }
        const done = box.events('occupancy.changed').map(({ body }) => body['comment'])
        expect(new Set(done).size).toBe(done.length)
        expect([...answers.keys()].sort()).toEqual(done.toSorted())
        for (const texts of answers.values()) expect(texts.size).toBe(1)
        expect(done).not.toContain('forged')
        acted += done.length
      }),
      { numRuns: 150 },
    )
    expect(acted).toBeGreaterThan(100)
  })
})
