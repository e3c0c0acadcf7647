// The local socket for real: who may do what, and that no peer can harm the agent or another peer.

import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { request } from '../../../agent/control/client.ts'
import { printRequest } from '../../../agent/control/protocol.ts'
import { CONNECTIONS_MAX } from '../../../agent/control/server.ts'
import { keyPath } from '../../../agent/control/socket-path.ts'
import { ALARM, type ControlAgent, STATUS, startControlAgent } from '../../support/control-agent.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const PERSON = { user: 'jdoe', fullName: 'J. Doe', role: 'technician', pin: '471100' } as const
const ADMIN = { user: 'admin', fullName: 'A. Dmin', role: 'administrator', pin: '815815' } as const
const OCC = '01JD4AZ6N3QK8W5T9XV2B7CDEF'
const ACK = { op: 'ack', user: 'jdoe', pin: '471100', occ: OCC, reason: 'door_opened' } as const

let agent: ControlAgent
const opened: Socket[] = []

beforeEach(async () => {
  agent = await startControlAgent()
  const at = { wall: 0, mono: 0 }
  await agent.people.add(PERSON, { kind: 'box', osUser: 'root' }, at)
  await agent.people.add(ADMIN, { kind: 'box', osUser: 'root' }, at)
})
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy()
  await agent.stop()
})

/** A raw peer: what it sends is up to the test. */
async function peer(): Promise<Socket> {
  const socket = connect(agent.server.path)
  opened.push(socket)
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Everything a peer gets until the agent ends the connection. */
async function rest(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

const linesOf = (text: string): { id: number | null; ok: boolean; error?: { code: string } }[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const key = (): string => readFileSync(keyPath(agent.server.path), 'utf8').trim()

describe('acts', () => {
  it('URS-32 hands an act on with the authenticated person, reason and comment', async () => {
    const reply = await request<'ack'>(agent.server.path, {
      ...ACK,
      comment: 'held open',
      rev: 2,
      alarm: 'x.action_low',
    })
    expect(reply).toEqual({ ok: true, code: 'acknowledged', alarm: ALARM.alarm, occ: OCC, rev: 3 })
    expect(agent.acts).toEqual([
      {
        kind: 'ack',
        actor: { user: 'jdoe', name: 'J. Doe', role: 'technician', via: 'local' },
        occ: OCC,
        rev: 2,
        alarm: 'x.action_low',
        reason: 'door_opened',
        comment: 'held open',
      },
    ])
  })

  it('hands on reset and occupancy', async () => {
    const { user, pin } = PERSON
    await request<'reset'>(agent.server.path, { op: 'reset', user, pin, occ: OCC })
    await request<'occupancy'>(agent.server.path, {
      op: 'occupancy',
      user,
      pin,
      zone: 'b101',
      state: 'in_operation',
      reason: 'other',
    })
    expect(agent.acts).toMatchObject([
      { kind: 'reset', occ: OCC },
      { kind: 'occupancy', zone: 'b101', state: 'in_operation', reason: 'other' },
    ])
  })

  it.each([
    ['a wrong PIN', { pin: '000000' }, 'wrong_pin'],
    ['an unknown user', { user: 'nobody' }, 'unknown_user'],
  ])(
    'URS-33 refuses %s, does nothing, and records the refusal with what was tried',
    async (_, change, why) => {
      const reply = await request<'ack'>(agent.server.path, { ...ACK, ...change })
      expect(reply).toMatchObject({ ok: false, code: 'not_authorised' })
      expect(agent.acts).toEqual([])
      const user = 'user' in change ? change.user : 'jdoe'
      expect(agent.journal.typed('access.login_failed')).toMatchObject([
        { user, why, via: 'local', act: 'ack', occ: OCC },
      ])
      expect(agent.journal.typed('act.refused')).toEqual([
        {
          code: 'not_authorised',
          act: 'ack',
          occ: OCC,
          claimed: user,
          via: 'local',
          why: 'not_authorised',
        },
      ])
    },
  )

  it('URS-50 refuses a locked person in words that say for how long', async () => {
    for (let guess = 0; guess < 5; guess++)
      await request<'ack'>(agent.server.path, { ...ACK, pin: '000000' })
    const reply = await request<'ack'>(agent.server.path, ACK)
    expect(reply).toMatchObject({ ok: false, code: 'not_authorised', detail: /try again in \d+ s/ })
    expect(agent.acts).toEqual([])
  })

  it('passes on what the core refuses', async () => {
    agent.reply = () => ({ ok: false, code: 'already_acknowledged', occ: OCC })
    const reply = await request<'ack'>(agent.server.path, ACK)
    expect(reply).toEqual({ ok: false, code: 'already_acknowledged', occ: OCC })
  })

  it.each([
    ['the act', ACK],
    ['the refusal', { ...ACK, pin: '000000' }],
  ])('says store_failed when %s cannot be stored', async (_, command) => {
    agent.reply = () => Promise.reject(new Error('disk full'))
    agent.journal.fail(new Error('disk full'))
    const reply = await request<'ack'>(agent.server.path, command)
    expect(reply).toEqual({ ok: false, code: 'store_failed', detail: 'disk full' })
  })

  it('tells in words when the agent itself fails', async () => {
    agent.status = () => Promise.reject(new Error('no such thing'))
    await expect(request<'status'>(agent.server.path, { op: 'status' })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('no such thing'),
    })
  })
})

describe('people', () => {
  const person = { user: 'n', fullName: 'N', role: 'qa', pin: '471100' } as const
  const add = (by: { user: string; pin: string } | { osUser: string; key: string }) =>
    request<'users.add'>(agent.server.path, { op: 'users.add', person, by })

  it('URS-50 lets the box add, proven by the key only its own user can read, and names the OS user', async () => {
    expect(statSync(keyPath(agent.server.path)).mode & 0o777).toBe(0o600)
    expect(await add({ osUser: 'operator', key: key() })).toEqual({ ok: true })
    expect(agent.journal.typed('user.added').at(-1)).toMatchObject({
      user: 'n',
      box: { osUser: 'operator', via: 'local' },
    })
  })

  it('URS-50 refuses whoever reaches the socket without the key', async () => {
    expect(await add({ osUser: 'operator', key: 'guess' })).toMatchObject({
      ok: false,
      code: 'not_authorised',
    })
    expect(agent.people.find('n')).toBeUndefined()
  })

  it('URS-50 lets an administrator add, and refuses a technician and a wrong PIN', async () => {
    expect(await add({ user: 'jdoe', pin: '471100' })).toMatchObject({ code: 'not_authorised' })
    expect(await add({ user: 'admin', pin: '000000' })).toMatchObject({ code: 'not_authorised' })
    expect(agent.people.find('n')).toBeUndefined()
    expect(await add({ user: 'admin', pin: '815815' })).toEqual({ ok: true })
    expect(await add({ user: 'admin', pin: '815815' })).toMatchObject({ code: 'exists' })
  })

  it('lists them without anything secret', async () => {
    const { people } = await request<'users.list'>(agent.server.path, { op: 'users.list' })
    expect(people.map(({ user }) => user)).toEqual(['admin', 'jdoe'])
    expect(JSON.stringify(people)).not.toContain('argon2')
  })
})

describe('the socket', () => {
  it('is open to its owner and group only', () => {
    expect(statSync(agent.server.path).mode & 0o777).toBe(0o660)
  })

  it('answers requests of one connection by id, a slow one holding up no other', async () => {
    let release = (): void => {}
    agent.status = () =>
      new Promise((resolve) => {
        release = () => resolve(STATUS)
      })
    const socket = await peer()
    socket.write(printRequest({ id: 1, command: { op: 'status' } }))
    socket.write(printRequest({ id: 2, command: { op: 'alarms', all: false } }))
    const [first] = await once(socket, 'data')
    expect(JSON.parse(String(first))).toMatchObject({ id: 2, ok: true })
    release()
    const [second] = await once(socket, 'data')
    expect(JSON.parse(String(second))).toMatchObject({ id: 1, ok: true })
  })

  it('answers whoever ends its side after asking, also when the answer takes its time', async () => {
    let release = (): void => {}
    const asked = new Promise<void>((begun) => {
      agent.status = () => {
        begun()
        return new Promise((resolve) => {
          release = () => resolve(STATUS)
        })
      }
    })
    const socket = await peer()
    socket.end(printRequest({ id: 5, command: { op: 'status' } }))
    const answered = rest(socket)
    await asked
    // The end has come in when a later connection has been answered.
    await request<'alarms'>(agent.server.path, { op: 'alarms', all: false })
    release()
    expect(linesOf(await answered)).toMatchObject([{ id: 5, ok: true }])
  })

  it('answers 200 requests of one burst, each once', async () => {
    const socket = await peer()
    const ids = Array.from({ length: 200 }, (_, id) => id)
    socket.end(ids.map((id) => printRequest({ id, command: { op: 'status' } })).join(''))
    const answered = linesOf(await rest(socket)).map(({ id }) => id ?? -1)
    expect(answered.sort((a, b) => a - b)).toEqual(ids)
  })

  it('refuses a line that is not understood in words and goes on', async () => {
    const socket = await peer()
    socket.end(`hello\n\n${printRequest({ id: 9, command: { op: 'status' } })}`)
    expect(linesOf(await rest(socket))).toMatchObject([
      { id: null, ok: false, error: { code: 'invalid' } },
      { id: 9, ok: true },
    ])
  })

  it('closes on the eighth line that is not understood', async () => {
    const socket = await peer()
    socket.write('hello\n'.repeat(20))
    expect(linesOf(await rest(socket))).toHaveLength(8)
  })

  it('closes on a line beyond 64 KiB, with a word, and serves others on', async () => {
    const socket = await peer()
    socket.write('x'.repeat(70_000))
    expect(linesOf(await rest(socket))).toMatchObject([{ id: null, error: { code: 'invalid' } }])
    expect(await request<'status'>(agent.server.path, { op: 'status' })).toEqual(STATUS)
  })

  it('tells the thirty-third connection to come back, and takes it when one has gone', async () => {
    const peers = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, () => peer()))
    await expect(request<'status'>(agent.server.path, { op: 'status' })).rejects.toMatchObject({
      code: 'busy',
    })
    const [gone] = peers
    gone?.end()
    if (gone) await once(gone.resume(), 'close')
    expect(await request<'status'>(agent.server.path, { op: 'status' })).toEqual(STATUS)
  })

  it('outlives peers that break off at any place', async () => {
    const whole = printRequest({ id: 1, command: { ...ACK, pin: '000000' } })
    for (let cut = 0; cut <= whole.length; cut += 7) {
      const socket = await peer()
      socket.write(whole.slice(0, cut))
      socket.destroy()
    }
    expect(await request<'status'>(agent.server.path, { op: 'status' })).toEqual(STATUS)
  })

  it('survives a hundred peers that send noise', async () => {
    let state = 1
    const noise = (): Buffer =>
      Buffer.from(
        Array.from({ length: 300 }, () => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
          return state >>> 24
        }),
      )
    for (let count = 0; count < 100; count++) {
      const socket = await peer()
      socket.end(noise())
      await rest(socket)
    }
    expect(await request<'status'>(agent.server.path, { op: 'status' })).toEqual(STATUS)
  })
})

describe('deadlines', () => {
  const started = async () => {
    await agent.stop()
    const clock = virtualClock()
    agent = await startControlAgent({ clock })
    const socket = await peer()
    // An answer shows that the agent has taken the connection.
    socket.write(printRequest({ id: 1, command: { op: 'status' } }))
    await once(socket, 'data')
    return { clock, socket }
  }

  it('closes a connection without a request after a minute', async () => {
    const { clock, socket } = await started()
    await clock.advance(59_000)
    expect(socket.destroyed).toBe(false)
    await clock.advance(1000)
    await once(socket.resume(), 'close')
  })

  it('closes a connection whose line takes longer than ten seconds', async () => {
    const { clock, socket } = await started()
    socket.write('{"v":1')
    // The bytes are in when a later connection has been answered.
    await request<'status'>(agent.server.path, { op: 'status' })
    await request<'status'>(agent.server.path, { op: 'status' })
    await clock.advance(10_000)
    await once(socket.resume(), 'close')
  })

  it('says after thirty seconds that an act takes long and may still be done', async () => {
    const { clock, socket } = await started()
    agent.status = () => new Promise(() => {})
    socket.write(printRequest({ id: 2, command: { op: 'status' } }))
    await request<'alarms'>(agent.server.path, { op: 'alarms', all: false })
    const answered = once(socket, 'data')
    await clock.advance(30_000)
    const [line] = await answered
    expect(JSON.parse(String(line))).toMatchObject({ id: 2, ok: false, error: { code: 'failed' } })
  })
})
