// The note of a forced use of a bus: strict in shape, written down at once, bounded, and never for a bus that is not there.

import { describe, expect, it } from 'vitest'
import { MINUTE } from '#core/time.ts'
import { silentLog } from '#ports/log.ts'
import type { DispatchContext } from '../../../agent/control/context.ts'
import { answer } from '../../../agent/control/dispatch.ts'
import { type Command, parseRequest, printRequest } from '../../../agent/control/protocol.ts'
import { STATUS } from '../../support/control-agent.ts'
import { IDLE_HANDLERS, IDLE_PEOPLE } from '../../support/idle-control.ts'
import { noteJournal } from '../../support/journal-of-notes.ts'

const NOTE = {
  op: 'commissioning.note',
  tool: 'probe',
  bus: 'net-1',
  reason: 'commissioning of the EE600',
  osUser: 'anna',
} as const satisfies Command

function agent() {
  const journal = noteJournal()
  let mono = 0
  const context: DispatchContext = {
    log: silentLog,
    now: () => ({ wall: 0, mono }),
    key: 'k',
    people: IDLE_PEOPLE,
    handlers: {
      ...IDLE_HANDLERS,
      status: () => STATUS,
      alarms: () => ({ at: 0, timezone: 'UTC', origin: STATUS.origin, alarms: [] }),
      act: () => Promise.reject(new Error('nothing is to be done')),
      record: journal.record,
    },
  }
  return {
    journal,
    ask: (command: Command) => answer(command, context),
    pass: (ms: number) => (mono += ms),
  }
}

describe('commissioning.note', () => {
  it('URS-33 is on record at once, with the tool, the bus, the reason and who said to be who', async () => {
    const { journal, ask } = agent()
    expect(await ask(NOTE)).toEqual({ ok: true, result: { recorded: true } })
    expect(journal.notes).toEqual([
      {
        type: 'commissioning.forced',
        urgent: true,
        body: { tool: 'probe', bus: 'net-1', reason: NOTE.reason, claimed: 'anna', via: 'local' },
      },
    ])
  })

  it('names nobody who gives no name', async () => {
    const { journal, ask } = agent()
    await ask({ ...NOTE, osUser: '<b>\u202e' })
    expect(journal.typed('commissioning.forced')).toMatchObject([{ claimed: null }])
  })

  it('is refused for a bus that is not there', async () => {
    const { journal, ask } = agent()
    expect(await ask({ ...NOTE, bus: 'net-9' })).toMatchObject({
      ok: false,
      refusal: { code: 'failed' },
    })
    expect(journal.notes).toEqual([])
  })

  it('says so when it cannot be stored', async () => {
    const { journal, ask } = agent()
    journal.fail(new Error('disk full'))
    expect(await ask(NOTE)).toMatchObject({
      ok: false,
      refusal: { code: 'failed', detail: expect.stringContaining('disk full') },
    })
  })

  it('fills no journal: so many a minute, and the rest later', async () => {
    const { journal, ask, pass } = agent()
    const codes: string[] = []
    for (let time = 0; time < 20; time++) {
      const answered = await ask(NOTE)
      codes.push(answered.ok ? 'ok' : answered.refusal.code)
    }
    expect(codes).toEqual([...Array(12).fill('ok'), ...Array(8).fill('busy')])
    pass(MINUTE + 1)
    expect(await ask(NOTE)).toMatchObject({ ok: true })
    expect(journal.notes).toHaveLength(13)
  })

  it('is understood as it is printed', () => {
    const line = new TextEncoder().encode(printRequest({ id: 3, command: NOTE }).trimEnd())
    expect(parseRequest(line)).toEqual({ ok: true, request: { id: 3, command: NOTE } })
  })

  it.each([
    ['another tool', { tool: 'write' }],
    ['no reason', { reason: '' }],
    ['a reason too long', { reason: 'x'.repeat(501) }],
    ['a reason of several lines', { reason: 'a\nb' }],
    ['a reason that turns text round', { reason: 'a\u202eb' }],
    ['more than it may hold', { pin: '4711' }],
  ])('is refused with %s', (_name, change) => {
    const line = JSON.stringify({ v: 1, id: 3, command: { ...NOTE, ...change } })
    expect(parseRequest(new TextEncoder().encode(line))).toMatchObject({ ok: false, id: 3 })
  })
})
