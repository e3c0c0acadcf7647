// What is changed of people: disabled and never deleted, other roles, other PINs, the first administrator; each on record.

import { beforeEach, describe, expect, it } from 'vitest'
import type { Instant } from '#core/time.ts'
import type { Adder, NewPerson, PersonChange } from '#ports/people.ts'
import { CODE_MS, TRIES_MAX } from '../../../agent/access/first-run.ts'
import { People } from '../../../agent/access/people.ts'
import { type NoteJournal, noteJournal } from '../../support/journal-of-notes.ts'

const START: Instant = { wall: 1_763_806_500_000, mono: 5000 }
const later = (ms: number): Instant => ({ wall: START.wall + ms, mono: START.mono + ms })
const BOX: Adder = { kind: 'box', osUser: 'root' }
const ADMIN: Adder = {
  kind: 'person',
  actor: { user: 'admin', name: 'A. Verdi', role: 'administrator', via: 'local' },
}
const person = (user: string, role: NewPerson['role']): NewPerson => ({
  user,
  fullName: `${user} of the site`,
  role,
  pin: '471100',
})

let journal: NoteJournal
let people: People
const open = (): People => new People({ rows: journal.rows, now: START, record: journal.record })
const login = (user: string, pin: string, at: Instant = START) =>
  people.authenticate({ user, pin }, { at, via: 'local' })
const change = (user: string, what: object, by: Adder = ADMIN) =>
  people.change(user, { reason: 'SOP-7', ...what } as PersonChange, by)

beforeEach(async () => {
  journal = noteJournal()
  people = open()
  await people.add(person('admin', 'administrator'), BOX, START)
  await people.add(person('jdoe', 'technician'), BOX, START)
})

describe('URS-50 a person', () => {
  it('is disabled, not deleted: cannot log in, keeps the name, comes back; each on record with old, new and why', async () => {
    expect(await change('jdoe', { kind: 'disable' })).toEqual({ ok: true })
    expect(await login('jdoe', '471100')).toMatchObject({ ok: false, code: 'not_authorised' })
    expect(await people.add(person('jdoe', 'qa'), BOX, START)).toMatchObject({ code: 'exists' })
    people = open()
    expect(await login('jdoe', '471100')).toMatchObject({ ok: false })
    expect(await change('jdoe', { kind: 'enable' })).toEqual({ ok: true })
    expect(await login('jdoe', '471100')).toMatchObject({ ok: true })
    const who = { user: 'jdoe', actor: { user: 'admin', role: 'administrator' }, reason: 'SOP-7' }
    expect(journal.typed('user.changed')).toMatchObject([
      { change: 'disable', from: 'active', to: 'disabled', ...who },
      { change: 'enable', from: 'disabled', to: 'active', ...who },
    ])
  })

  it('has another role from the next log-in on, on record as old and new', async () => {
    expect(await change('jdoe', { kind: 'set_role', role: 'supervisor' })).toEqual({ ok: true })
    expect(await login('jdoe', '471100')).toMatchObject({ actor: { role: 'supervisor' } })
    expect(journal.typed('user.changed')).toMatchObject([
      { change: 'set_role', from: 'technician', to: 'supervisor', role: 'supervisor' },
    ])
  })

  it('whose PIN was reset does nothing with it but set one of their own', async () => {
    expect(await change('jdoe', { kind: 'reset_pin', pin: '909090' })).toEqual({ ok: true })
    expect(await login('jdoe', '471100')).toMatchObject({ code: 'not_authorised' })
    expect(await login('jdoe', '909090')).toMatchObject({ ok: false, code: 'pin_given' })
    const credentials = { user: 'jdoe', pin: '909090' }
    const set = (pin: string) => people.setPin(credentials, pin, { at: START, via: 'local' })
    expect(await set('909090')).toMatchObject({ ok: false, code: 'invalid' })
    expect(await set('112358')).toEqual({ ok: true })
    people = open()
    expect(await login('jdoe', '112358')).toMatchObject({ ok: true })
    expect(JSON.stringify(journal.notes)).not.toMatch(/909090|112358/)
  })

  it('sets no PIN without the present one, and is locked for guessing at it', async () => {
    const wrong = { user: 'jdoe', pin: '000000' }
    for (let guess = 0; guess < 5; guess++)
      expect(await people.setPin(wrong, '112358', { at: START, via: 'local' })).toMatchObject({
        code: 'not_authorised',
      })
    expect(await login('jdoe', '471100')).toMatchObject({ code: 'locked' })
    expect(await change('jdoe', { kind: 'enable' })).toMatchObject({ code: 'invalid' })
    expect(await change('jdoe', { kind: 'reset_pin', pin: '909090' })).toEqual({ ok: true })
    expect(await login('jdoe', '909090')).toMatchObject({ code: 'pin_given' })
  })

  it.each([
    ['somebody who is nobody', 'ghost', { kind: 'disable' }, ADMIN, 'invalid'],
    ['oneself', 'admin', { kind: 'disable' }, ADMIN, 'invalid'],
    ['the last administrator', 'admin', { kind: 'disable' }, BOX, 'invalid'],
    ['the role of the last', 'admin', { kind: 'set_role', role: 'qa' }, BOX, 'invalid'],
    ['without a reason', 'jdoe', { kind: 'disable', reason: ' ' }, ADMIN, 'invalid'],
    ['to the role one has', 'jdoe', { kind: 'set_role', role: 'technician' }, ADMIN, 'invalid'],
    ['to a PIN that is none', 'jdoe', { kind: 'reset_pin', pin: '1' }, ADMIN, 'invalid'],
  ] as const)('is not changed: %s', async (_what, user, what, by, code) => {
    const before = [...journal.rows]
    expect(await change(user, what, by)).toMatchObject({ ok: false, code })
    expect([...journal.rows]).toEqual(before)
  })

  it('is not changed by a technician, a supervisor or qa', async () => {
    for (const role of ['technician', 'supervisor', 'qa'] as const) {
      const by: Adder = { kind: 'person', actor: { user: 'x', name: 'X', role, via: 'local' } }
      expect(await change('jdoe', { kind: 'disable' }, by)).toMatchObject({
        code: 'not_authorised',
      })
    }
  })

  it('two administrators who disable one another at once leave one', async () => {
    await people.add(person('admin2', 'administrator'), BOX, START)
    const by = (user: string): Adder => ({
      kind: 'person',
      actor: { user, name: user, role: 'administrator', via: 'local' },
    })
    const results = await Promise.all([
      change('admin2', { kind: 'disable' }, by('admin')),
      change('admin', { kind: 'disable' }, by('admin2')),
    ])
    expect(results.map(({ ok }) => ok).sort()).toEqual([false, true])
  })

  it('is not changed when that cannot be recorded', async () => {
    journal.fail(new Error('disk full'))
    await expect(change('jdoe', { kind: 'disable' })).rejects.toThrow('disk full')
    journal.fail(undefined)
    expect(await login('jdoe', '471100')).toMatchObject({ ok: true })
  })
})

describe('URS-50 the login log', () => {
  it('has every first good log-in, counts those of the next ten minutes, and tells them then', async () => {
    for (const minute of [0, 1, 9, 11]) await login('jdoe', '471100', later(minute * 60_000))
    expect(journal.typed('access.login')).toMatchObject([
      { actor: { user: 'jdoe', via: 'local' } },
      { actor: { user: 'jdoe' }, sinceLast: 2 },
    ])
  })
})

describe('URS-50 the first run', () => {
  const BYTES = new Uint8Array(16).fill(7)
  const first = (code: string, at: Instant = START) =>
    people.addFirst(code, { user: 'anna', fullName: 'Anna', pin: '471100' }, at)

  it('makes one administrator with the code, and never a second', async () => {
    journal = noteJournal()
    people = open()
    const code = people.offerFirstRun(BYTES, START) ?? ''
    expect(code).toMatch(/^[A-Z2-9]{5}-[A-Z2-9]{5}$/)
    expect(await first('AAAAA-AAAAA')).toMatchObject({ ok: false, code: 'not_authorised' })
    expect(await first(code.toLowerCase().replace('-', ' '))).toEqual({ ok: true })
    expect(people.list(START)).toMatchObject([{ user: 'anna', role: 'administrator' }])
    expect(await first(code)).toMatchObject({ ok: false, code: 'not_authorised' })
    expect(journal.typed('user.added')).toMatchObject([{ box: { code: 'first run' } }])
    expect(JSON.stringify([journal.notes, [...journal.rows]])).not.toContain(code)
  })

  it('tells no code where somebody is known, and the code of one start does not outlive it', async () => {
    expect(people.offerFirstRun(BYTES, START)).toBeUndefined()
    journal = noteJournal()
    people = open()
    const code = people.offerFirstRun(BYTES, START) ?? ''
    people = open()
    expect(await first(code)).toMatchObject({ ok: false })
  })

  it('lets the code run out after an hour, and after five wrong ones', async () => {
    journal = noteJournal()
    people = open()
    const code = people.offerFirstRun(BYTES, START) ?? ''
    expect(await first(code, later(CODE_MS))).toMatchObject({ detail: /run out/ })
    for (let guess = 0; guess < TRIES_MAX; guess++) await first('AAAAA-AAAAA')
    expect(await first(code)).toMatchObject({ ok: false, detail: /run out/ })
    expect(journal.typed('access.login_failed').length).toBe(TRIES_MAX + 2)
  })

  it('makes one person however many hold the code at once', async () => {
    journal = noteJournal()
    people = open()
    const code = people.offerFirstRun(BYTES, START) ?? ''
    const both = await Promise.all([first(code), first(code)])
    expect(both.filter(({ ok }) => ok)).toHaveLength(1)
  })
})
