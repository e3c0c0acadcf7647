// What the checks of transitions and holds remember over a run of years: the newest, however many came before.

import { beforeEach, expect, test } from 'vitest'
import type { Actor } from '#core/input.ts'
import { REMEMBERED_MAX, TransitionChecks } from './checks/transitions.ts'

const ACTOR: Actor = { user: 'asmith', name: 'A. Smith', role: 'supervisor', via: 'local' }
const ALARM = 'a.action_high'

let broken: string[]
let checks: TransitionChecks
let seq: number

beforeEach(() => {
  broken = []
  seq = 0
  checks = new TransitionChecks({
    broken: (invariant) => broken.push(invariant),
    seen: () => {},
    activated: () => {},
    rejected: () => {},
    mayClose: () => false,
  })
})

const step = (type: string, from: string, to: string, fields: Record<string, unknown>): void =>
  checks.accepted(++seq, {
    type: `alarm.${type}`,
    ts: 0,
    body: { alarm: ALARM, from, to, actor: ACTOR, ...fields },
  })

function excursion(occ: string, more: Record<string, unknown> = {}): void {
  step('activated', 'normal', 'unacknowledged', { occ, rev: 1, ...more })
  step('acknowledged', 'unacknowledged', 'acknowledged', { cmd: occ, occ, rev: 2, ...more })
  step('returned', 'acknowledged', 'normal', { occ, rev: 3, ...more })
}

function told(occ: string): void {
  const act = { kind: 'ack', actor: ACTOR, occ, reason: 'door_opened' } as const
  checks.answered(act, { ok: true, code: 'acknowledged', alarm: ALARM, occ })
}

test('every acknowledgement is on record when it is answered, however many were before (soak seed 100, day 172)', () => {
  for (let nth = 0; nth < 2 * REMEMBERED_MAX + 2; nth++) {
    excursion(`occ-${nth}`)
    told(`occ-${nth}`)
  }
  expect(broken).toEqual([])
  told('occ-never')
  expect(broken).toEqual(['A6'])
})

test.each([
  [
    'an occurrence that begins again',
    'A7',
    () => excursion('occ-9', { cmd: 'another' }),
    ['A7', 'A6'],
  ],
  [
    'a command that is carried out again',
    'A6',
    () => excursion('another', { cmd: 'occ-9' }),
    ['A6'],
  ],
])('%s is seen at the bound of what is remembered (%s)', (_, __, again, invariants) => {
  for (let nth = 0; nth < REMEMBERED_MAX + 9; nth++) excursion(`occ-${nth}`)
  again()
  expect(broken).toEqual(invariants)
})

const HIDDEN = Array.from({ length: 150 }, (_, nth) => `occ-${nth}`)

test.each([
  ['the newest hundred listed are all right', HIDDEN.slice(-100), 150, []],
  ['one of the newest is not listed', HIDDEN.slice(-101, -1), 150, ['A9']],
  ['one is not counted', HIDDEN.slice(-100), 149, ['A9']],
])('of a hold that hid more than is listed, %s', (_, listed, hidden, invariants) => {
  const none = { from: 'normal', to: 'shelved' }
  checks.accepted(++seq, {
    type: 'alarm.shelved',
    ts: 0,
    body: { alarm: ALARM, actor: ACTOR, until: 1, ...none },
  })
  for (const occ of HIDDEN) excursion(occ, { held: 'shelved' })
  const hid = listed.map((occ) => ({ occ }))
  step('unshelved', 'shelved', 'normal', { hidden, hid })
  expect(broken).toEqual(invariants)
})
