// Who somebody is: accounts, PINs, lock-out and the login log, through restarts and failing disks.

import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Instant } from '#core/time.ts'
import type { Adder, NewPerson } from '#ports/people.ts'
import { People } from '../../../agent/access/people.ts'
import { type NoteJournal, noteJournal } from '../../support/journal-of-notes.ts'

const MINUTE = 60_000
const START: Instant = { wall: 1_763_806_500_000, mono: 5000 }
const BOX: Adder = { kind: 'box', osUser: 'root' }
const JDOE: NewPerson = { user: 'jdoe', fullName: 'J. Doe', role: 'technician', pin: '471100' }

const later = (ms: number): Instant => ({ wall: START.wall + ms, mono: START.mono + ms })

const keyPair = (type: 'ed25519' | 'rsa') =>
  type === 'ed25519'
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicPem = (type: 'ed25519' | 'rsa'): string =>
  keyPair(type).publicKey.export({ type: 'spki', format: 'pem' }).toString()

let journal: NoteJournal
let people: People

const open = (now: Instant = START): People =>
  new People({ rows: journal.rows, now, record: journal.record })

const login = (pin: string, at: Instant = START, user = 'jdoe') =>
  people.authenticate({ user, pin }, { at, via: 'local', about: { act: 'ack', occ: 'O1' } })

beforeEach(async () => {
  journal = noteJournal()
  people = open()
  expect(await people.add(JDOE, BOX, START)).toEqual({ ok: true })
})

describe('authenticate', () => {
  it('URS-32 gives user, full name and role of whoever proves to be that person', async () => {
    expect(await login('471100')).toEqual({
      ok: true,
      actor: { user: 'jdoe', name: 'J. Doe', role: 'technician', via: 'local' },
    })
  })

  it('URS-50 answers a wrong PIN and an unknown user with the same words, and records which it was', async () => {
    const wrong = await login('000000')
    const unknown = await login('000000', START, 'nobody')
    expect(wrong).toEqual(unknown)
    expect(wrong).toMatchObject({ ok: false, code: 'not_authorised', recorded: true })
    expect(journal.typed('access.login_failed')).toEqual([
      { user: 'jdoe', why: 'wrong_pin', via: 'local', failures: 1, act: 'ack', occ: 'O1' },
      { user: 'nobody', why: 'unknown_user', via: 'local', failures: 1, act: 'ack', occ: 'O1' },
    ])
  })

  it('takes as long for an unknown user as for a wrong PIN', async () => {
    const timed = async (user: string): Promise<number> => {
      const times: number[] = []
      for (let round = 0; round < 4; round++) {
        const before = performance.now()
        await login('000000', later(round * 61 * MINUTE), user)
        times.push(performance.now() - before)
      }
      return Math.min(...times)
    }
    const [known, unknown] = [await timed('jdoe'), await timed('nobody')]
    // Both are one argon2id; without it the unknown one would answer in well under a millisecond.
    expect(unknown).toBeGreaterThan(known / 3)
    expect(known).toBeGreaterThan(unknown / 3)
  })

  it('never lets a PIN into a record or a state row', async () => {
    await login('s3cretPIN')
    const everything = JSON.stringify([journal.notes, [...journal.rows]])
    expect(everything).not.toContain('s3cretPIN')
    expect(everything).not.toContain('471100')
  })

  it('records a name that cannot exist without repeating it', async () => {
    await login('000000', START, '"><script>\u202e')
    expect(journal.typed('access.login_failed')).toMatchObject([
      { user: null, why: 'unknown_user' },
    ])
  })

  it('refuses a disabled person like an unknown one', async () => {
    const row = JSON.parse(journal.rows.get('user/jdoe') ?? '') as object
    journal.rows.set('user/jdoe', JSON.stringify({ ...row, disabled: true }))
    people = open()
    expect(await login('471100')).toMatchObject({ ok: false, code: 'not_authorised' })
    expect(journal.typed('access.login_failed')).toMatchObject([{ why: 'disabled' }])
  })

  it('rejects when the failure cannot be recorded, and counts it all the same', async () => {
    journal.fail(new Error('disk full'))
    for (let guess = 0; guess < 5; guess++)
      await expect(login('000000')).rejects.toThrow('disk full')
    journal.fail(undefined)
    expect(await login('471100')).toMatchObject({ ok: false, code: 'locked' })
  })
})

describe('URS-50 lock-out', () => {
  const guess = async (times: number, at: Instant = START): Promise<void> => {
    for (let time = 0; time < times; time++) await login('000000', at)
  }

  it('PE14 locks with the fifth failure for a minute, also for the right PIN, then 2, 4 …', async () => {
    await guess(4)
    expect(await login('000000')).toMatchObject({
      code: 'not_authorised',
      detail: /locked for 60 s/,
    })
    expect(await login('471100', later(MINUTE - 1))).toMatchObject({ ok: false, code: 'locked' })
    expect(await login('000000', later(MINUTE))).toMatchObject({ code: 'not_authorised' })
    expect(await login('471100', later(3 * MINUTE - 1))).toMatchObject({ code: 'locked' })
    expect(await login('471100', later(3 * MINUTE))).toMatchObject({ ok: true })
  })

  it('forgets the failures with a good log-in, on record', async () => {
    await guess(4)
    expect(await login('471100')).toMatchObject({ ok: true })
    expect(journal.typed('access.login')).toMatchObject([{ failuresBefore: 4 }])
    await guess(4)
    expect(await login('471100')).toMatchObject({ ok: true })
  })

  it('counts for each person alone', async () => {
    await people.add({ ...JDOE, user: 'mrossi' }, BOX, START)
    await guess(5)
    expect(await login('471100', START, 'mrossi')).toMatchObject({ ok: true })
  })

  it('does not let guesses in parallel outrun the count', async () => {
    const verdicts = await Promise.all(Array.from({ length: 8 }, () => login('000000')))
    expect(verdicts.filter((v) => !v.ok && v.code === 'not_authorised')).toHaveLength(5)
    expect(verdicts.filter((v) => !v.ok && v.code === 'locked')).toHaveLength(3)
  })

  it('judges nobody when too many log-ins of one name wait', async () => {
    const verdicts = await Promise.all(Array.from({ length: 12 }, () => login('471100')))
    expect(verdicts.filter((v) => v.ok)).toHaveLength(8)
    expect(verdicts.filter((v) => !v.ok && v.code === 'busy')).toHaveLength(4)
    expect(await login('471100')).toMatchObject({ ok: true })
  })

  it('locks an unknown name just the same', async () => {
    for (let time = 0; time < 5; time++) await login('000000', START, 'nobody')
    expect(await login('000000', START, 'nobody')).toMatchObject({ code: 'locked' })
    expect(await login('000000', later(MINUTE), 'nobody')).toMatchObject({ code: 'not_authorised' })
  })

  it('survives a restart, and a wall clock set back while it was down', async () => {
    await guess(5)
    for (const wall of [START.wall, 0]) {
      people = open({ wall, mono: 50 })
      const at = (mono: number): Instant => ({ wall: wall + mono, mono })
      expect(await login('471100', at(50 + MINUTE - 1))).toMatchObject({ code: 'locked' })
    }
    expect(await login('471100', { wall: MINUTE, mono: 50 + MINUTE })).toMatchObject({ ok: true })
  })

  it('records attempts at a locked name once, counts the rest and names the count later', async () => {
    await guess(5)
    for (let time = 0; time < 20; time++) await login('471100')
    expect(journal.typed('access.login_failed')).toHaveLength(6)
    await login('000000', later(MINUTE))
    expect(journal.typed('access.login_failed').at(-1)).toMatchObject({ unrecorded: 19 })
  })

  it('PE14 bounds what guessing at ever new names writes, and accounts for every attempt', async () => {
    for (let name = 0; name < 70; name++) await login('000000', START, `n-${name}`)
    expect(journal.typed('access.login_failed')).toHaveLength(60)
    await login('000000', later(MINUTE), 'n-last')
    expect(journal.typed('access.login_failed').at(-1)).toMatchObject({ unrecorded: 10 })
  })

  it('shows who is locked and for how long', async () => {
    await guess(5)
    expect(people.list(later(20_000))).toMatchObject([{ user: 'jdoe', lockedForMs: 40_000 }])
    expect(people.list(later(MINUTE))[0]).not.toHaveProperty('lockedForMs')
  })
})

describe('add', () => {
  it('URS-50 keeps the person through a restart and records who added whom, without the hash', async () => {
    people = open()
    expect(people.find('jdoe')).toMatchObject({ fullName: 'J. Doe', role: 'technician' })
    expect(await login('471100')).toMatchObject({ ok: true })
    expect(journal.typed('user.added')).toEqual([
      {
        user: 'jdoe',
        name: 'J. Doe',
        role: 'technician',
        publicKey: false,
        box: { osUser: 'root', via: 'local' },
      },
    ])
  })

  const refusals: readonly (readonly [string, Partial<NewPerson>, string, RegExp])[] = [
    ['an id in use', {}, 'exists', /never used again/],
    ['an id with capitals', { user: 'JDoe' }, 'invalid', /a-z 0-9 -/],
    ['an empty id', { user: '' }, 'invalid', /login name/],
    ['an id of 33 characters', { user: 'a'.repeat(33) }, 'invalid', /1 to 32/],
    ['the reserved id', { user: 'system' }, 'invalid', /reserved/],
    ['an id that is a path', { user: '../jdoe' }, 'invalid', /login name/],
    ['no full name', { user: 'n', fullName: '  ' }, 'invalid', /full name is empty/],
    ['a long full name', { user: 'n', fullName: 'x'.repeat(81) }, 'invalid', /80 characters/],
    ['a full name that turns around', { user: 'n', fullName: 'A\u202eB' }, 'invalid', /invisible/],
    ['a full name with a line end', { user: 'n', fullName: 'A\nB' }, 'invalid', /invisible/],
    ['an unknown role', { user: 'n', role: 'root' as 'qa' }, 'invalid', /technician, supervisor/],
    ['a short PIN', { user: 'n', pin: '123' }, 'invalid', /at least 4/],
    ['the id as PIN', { user: 'nnnn', pin: 'NNNN' }, 'invalid', /login name/],
    ['no key', { user: 'n', publicKey: 'hello' }, 'invalid', /PUBLIC KEY/],
    ['an RSA key', { user: 'n', publicKey: publicPem('rsa') }, 'invalid', /rsa; give an Ed25519/],
    [
      'a private key',
      {
        user: 'n',
        publicKey: keyPair('ed25519')
          .privateKey.export({ type: 'pkcs8', format: 'pem' })
          .toString(),
      },
      'invalid',
      /private key/,
    ],
  ]
  it.each(refusals)('URS-50 refuses %s', async (_, change, code, detail) => {
    const before = journal.notes.length
    expect(await people.add({ ...JDOE, ...change }, BOX, START)).toMatchObject({
      ok: false,
      code,
      detail: expect.stringMatching(detail),
    })
    expect(journal.notes).toHaveLength(before)
    expect(people.list(START)).toHaveLength(1)
  })

  it.each(['technician', 'supervisor', 'qa'] as const)(
    'URS-50 refuses a %s who adds',
    async (role) => {
      const actor = { user: 'x', name: 'X', role, via: 'local' } as const
      expect(
        await people.add({ ...JDOE, user: 'n' }, { kind: 'person', actor }, START),
      ).toMatchObject({ ok: false, code: 'not_authorised' })
    },
  )

  it('lets an administrator add, and records which', async () => {
    const actor = { user: 'root-1', name: 'R', role: 'administrator', via: 'local' } as const
    expect(await people.add({ ...JDOE, user: 'n' }, { kind: 'person', actor }, START)).toEqual({
      ok: true,
    })
    expect(journal.typed('user.added').at(-1)).toMatchObject({ user: 'n', actor })
  })

  it('keeps an Ed25519 key in its canonical form', async () => {
    const pem = publicPem('ed25519')
    await people.add({ ...JDOE, user: 'n', publicKey: `\n${pem}\n\n` }, BOX, START)
    expect(people.find('n')?.publicKey).toBe(pem)
  })

  it('adds nobody when it cannot be stored, and can then be tried again', async () => {
    journal.fail(new Error('disk full'))
    await expect(people.add({ ...JDOE, user: 'n' }, BOX, START)).rejects.toThrow('disk full')
    expect(people.find('n')).toBeUndefined()
    journal.fail(undefined)
    expect(await people.add({ ...JDOE, user: 'n' }, BOX, START)).toEqual({ ok: true })
  })

  it('adds one of two who come at once under one name', async () => {
    const results = await Promise.all([
      people.add({ ...JDOE, user: 'n' }, BOX, START),
      people.add({ ...JDOE, user: 'n', fullName: 'Other' }, BOX, START),
    ])
    expect(results.map(({ ok }) => ok)).toEqual([true, false])
  })

  it('starts a new person without the failures guessed at the name before', async () => {
    for (let time = 0; time < 5; time++) await login('000000', START, 'newone')
    await people.add({ ...JDOE, user: 'newone' }, BOX, START)
    expect(await login('471100', START, 'newone')).toMatchObject({ ok: true })
  })
})

describe('rows', () => {
  it.each([
    ['no JSON', 'user/x', '{'],
    ['another name than its key', 'user/x', '{"name":"y"}'],
    ['an unknown field', 'user/x', '{"name":"x","extra":1}'],
  ])('refuses to start on a row with %s rather than drop somebody', (_, key, text) => {
    journal.rows.set(key, text)
    expect(() => open()).toThrow(/state row user\/x.*verify the journal/)
  })

  it('leaves the rows of others alone', () => {
    journal.rows.set('alarm/x', 'anything')
    expect(open().list(START)).toHaveLength(1)
  })
})
