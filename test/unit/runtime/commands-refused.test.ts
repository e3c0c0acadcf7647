// Commands that are refused: each answered and recorded, floods bounded, and nothing claimed while the disk pauses or fails.

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
import { type CommandBox, commandBox } from '../../support/command-box.ts'
import { ackCommand, SIGNED_AT, signed } from '../../support/command-signer.ts'
import { ackOf, boxWithAlarm, CMD, occupancyOf, toOccupancy } from '../../support/open-alarm.ts'
import { settle, virtualClock } from '../../support/virtual-clock.ts'

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
      { act: 'shelve', detail: expect.stringContaining('"until"') },
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

  it('of a replay, which the uplink answers: recorded in full up to the bound of one user', async () => {
    const box = commandBox()
    const detail = '"epoch" must be the present one'
    for (let index = 0; index <= RECORDS_PER_USER_MAX; index++) {
      const id = index === 0 ? null : `r${index}`
      const about = { user: 'historian', code: 'invalid', id, detail } as const
      box.commands.refusedReplay({ kind: 'replay_refused', ...about })
    }
    await box.clock.advance(1000)
    const refused = box.events('act.refused')
    expect(refused).toHaveLength(RECORDS_PER_USER_MAX)
    const body = { act: 'replay', code: 'invalid', detail, claimed: 'historian', via: 'mqtt' }
    expect(refused[0]?.body).toEqual(body)
    expect(refused[1]?.body).toEqual({ ...body, cmd: 'r1' })
    expect(box.replies).toEqual([])
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
    let acts = 0
    const { commands, replies, incoming } = over({
      actWith: (_act, rows) => {
        acts++
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
    expect(acts).toBe(1)
    await commands.handle(incoming)
    expect(acts).toBe(2)
    expect(JSON.parse(replies[2] ?? '')).toMatchObject({ ok: true, code: 'done' })
  })

  it('answers store_failed when a refusal cannot be recorded', async () => {
    const { commands, replies, incoming } = over({})
    await commands.handle({ ...incoming, retained: true })
    expect(JSON.parse(replies[0] ?? '')).toMatchObject({ ok: false, code: 'store_failed' })
  })

  it('HO18 lets a broken invariant end the process', async () => {
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
