// From command to result without a socket: that failures of code are not answered away.

import { describe, expect, it } from 'vitest'
import { InvariantError } from '#core/assert.ts'
import { silentLog } from '#ports/log.ts'
import type { PeoplePort } from '#ports/people.ts'
import type { DispatchContext } from '../../../agent/control/context.ts'
import { answer } from '../../../agent/control/dispatch.ts'
import { STATUS } from '../../support/control-agent.ts'
import { IDLE_HANDLERS, IDLE_PEOPLE } from '../../support/idle-control.ts'

const ACTOR = { user: 'jdoe', name: 'J. Doe', role: 'technician', via: 'local' } as const

const context = (fault: Error, people: Partial<PeoplePort> = {}): DispatchContext => ({
  log: silentLog,
  now: () => ({ wall: 0, mono: 0 }),
  key: 'k',
  people: {
    ...IDLE_PEOPLE,
    authenticate: async () => ({ ok: true, actor: ACTOR }),
    ...people,
  },
  handlers: {
    ...IDLE_HANDLERS,
    status: () => {
      throw fault
    },
    alarms: () => ({ at: 0, timezone: 'UTC', origin: STATUS.origin, alarms: [] }),
    act: () => Promise.reject(fault),
    record: async () => {},
  },
})

const ADMIN = { user: 'admin', name: 'A', role: 'administrator', via: 'local' } as const
const ACK = { op: 'ack', user: 'jdoe', pin: '4711', occ: 'O', reason: 'other' } as const

describe('answer', () => {
  it('lets a broken invariant through, so that the process ends', async () => {
    const broken = context(new InvariantError('cannot be'))
    await expect(answer({ op: 'status' }, broken)).rejects.toThrow(InvariantError)
    await expect(answer(ACK, broken)).rejects.toThrow(InvariantError)
  })

  it('answers any other failure in words', async () => {
    const failing = context(new Error('disk full'))
    expect(await answer({ op: 'status' }, failing)).toMatchObject({
      ok: false,
      refusal: { code: 'failed', detail: expect.stringContaining('disk full') },
    })
    expect(await answer(ACK, failing)).toEqual({
      ok: true,
      result: { ok: false, code: 'store_failed', detail: 'disk full' },
    })
  })

  it('judges nobody when too many log-ins wait, and says so', async () => {
    const busy = context(new Error(), {
      authenticate: async () => ({ ok: false, code: 'busy', detail: 'later', recorded: false }),
    })
    expect(await answer(ACK, busy)).toEqual({
      ok: false,
      refusal: { code: 'busy', detail: 'later' },
    })
    const by = { user: 'admin', pin: '4711' }
    const person = { user: 'n', fullName: 'N', role: 'qa', pin: '4711' } as const
    expect(await answer({ op: 'users.add', person, by }, busy)).toEqual({
      ok: true,
      result: { ok: false, code: 'busy', detail: 'later' },
    })
  })

  it('URS-33 writes a refused act down once for each recorded failure, and not when it was only counted', async () => {
    for (const recorded of [true, false]) {
      const notes: string[] = []
      const refusing = context(new Error(), {
        authenticate: async () => ({ ok: false, code: 'locked', detail: 'locked', recorded }),
      })
      const handlers = {
        ...refusing.handlers,
        record: async ({ type }: { readonly type: string }) => void notes.push(type),
      }
      await answer(ACK, { ...refusing, handlers })
      expect(notes).toEqual(recorded ? ['act.refused'] : [])
    }
  })

  it.each([
    ['by a person', { user: 'admin', pin: '4711' }, 'invalid', { actor: ADMIN }],
    ['without the right', { user: 'admin', pin: '4711' }, 'not_authorised', { actor: ADMIN }],
    [
      'by the box',
      { osUser: 'root', key: 'k' },
      'invalid',
      { box: { osUser: 'root', via: 'local' } },
    ],
  ] as const)(
    'URS-33 URS-45 writes down a refused change of people %s',
    async (_, by, code, who) => {
      const records: { readonly type: string; readonly body: unknown }[] = []
      const refusing = context(new Error(), {
        authenticate: async () => ({ ok: true, actor: ADMIN }),
        change: async () => ({ ok: false, code, detail: 'the last administrator' }),
      })
      const handlers = {
        ...refusing.handlers,
        record: async ({ type, body }: { readonly type: string; readonly body: unknown }) =>
          void records.push({ type, body }),
      }
      const change = { kind: 'disable', reason: 'left' } as const
      const command = { op: 'users.change', user: 'admin', change, by } as const
      await answer(command, { ...refusing, key: 'k', handlers })
      const about = { act: 'users.disable', person: 'admin' }
      expect(records).toEqual([
        { type: 'act.refused', body: { ...about, code, detail: 'the last administrator', ...who } },
      ])
    },
  )

  it('writes nothing down as it came that nobody vouches for', async () => {
    const bodies: unknown[] = []
    const refusing = context(new Error(), {
      authenticate: async () => ({
        ok: false,
        code: 'not_authorised',
        detail: 'no',
        recorded: true,
      }),
    })
    const handlers = {
      ...refusing.handlers,
      record: async ({ body }: { readonly body: unknown }) => void bodies.push(body),
    }
    await answer({ ...ACK, user: '<b>', occ: '\u202e' }, { ...refusing, handlers })
    expect(bodies).toMatchObject([{ claimed: null, occ: null, act: 'ack' }])
  })

  it.each([
    [
      { op: 'shelve', alarm: 'x.alert_high', forMs: 7_200_000, reason: 'other', comment: 'c' },
      { kind: 'shelve', alarm: 'x.alert_high', until: 7_201_000, reason: 'other', comment: 'c' },
    ],
    [
      { op: 'unshelve', occ: 'O' },
      { kind: 'unshelve', occ: 'O' },
    ],
    [
      { op: 'out_of_service', target: 'th-1', workOrder: 'WO-1', reason: 'maintenance' },
      { kind: 'out_of_service', target: 'th-1', workOrder: 'WO-1', reason: 'maintenance' },
    ],
    [
      { op: 'return_to_service', target: 'th-1', comment: 'checked' },
      { kind: 'return_to_service', target: 'th-1', comment: 'checked' },
    ],
  ] as const)(
    'URS-34 URS-36 %j reaches the core as what it is, by the agent’s own clock',
    async (command, act) => {
      const acts: unknown[] = []
      const knowing = context(new Error())
      const handlers = {
        ...knowing.handlers,
        act: async (one: unknown) => {
          acts.push(one)
          return { ok: true, code: 'done' } as const
        },
      }
      const now = () => ({ wall: 1000.4, mono: 0 })
      const credentials = { user: 'jdoe', pin: '4711' }
      await answer({ ...command, ...credentials }, { ...knowing, handlers, now })
      expect(acts).toEqual([{ ...act, actor: ACTOR }])
    },
  )
})
