// docs/roles.md says what the code does, and every act is tried by every role in every state an account can be in.
// UPDATE_DOCS=1 writes the table anew.

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { ROLES, type Role } from '#core/input.ts'
import { People } from '../../../agent/access/people.ts'
import { type NoteJournal, noteJournal } from '../../support/journal-of-notes.ts'
import { attempt, DEEDS, type Deed, may, roleTable } from '../../support/role-matrix.ts'

const DOCUMENT = path.resolve(import.meta.dirname, '../../../docs/roles.md')
const BEGIN = '<!-- table: written by test/unit/docs/roles.test.ts -->\n\n'
const END = '\n\n<!-- end of table -->'

/** Without the padding of the formatter. */
const plain = (text = ''): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

describe('docs/roles.md', () => {
  it('URS-50 shows what the code that runs lets each role do', async () => {
    const text = readFileSync(DOCUMENT, 'utf8')
    const [before = '', rest = ''] = text.split(BEGIN)
    const [table, after = ''] = rest.split(END)
    const now = await roleTable(noteJournal())
    if (process.env['UPDATE_DOCS'] === '1')
      writeFileSync(DOCUMENT, `${before}${BEGIN}${now}${END}${after}`)
    else expect(plain(table)).toBe(now)
  })

  it('URS-50 lets no administrator acknowledge, reset, shelve, or state an occupancy', async () => {
    const journal = noteJournal()
    for (const deed of DEEDS.slice(0, 11))
      expect(await may(deed, 'administrator', journal)).toBe(false)
  })

  it('URS-34 lets nobody shelve a critical alarm', async () => {
    const [deed] = DEEDS.filter(({ words }) => words === 'shelve a critical alarm')
    for (const role of ROLES) expect(await may(deed as Deed, role, noteJournal())).toBe(false)
  })
})

describe('URS-33 URS-50 every act by every role', () => {
  const PIN = '471100'
  const HOUR = 3_600_000
  const at = (mono: number) => ({ wall: 1_763_806_500_000 + mono, mono })
  let journal: NoteJournal
  let people: People
  let mono = 5000

  beforeAll(async () => {
    journal = noteJournal()
    people = new People({ rows: journal.rows, now: at(mono), record: journal.record })
    const box = { kind: 'box', osUser: 'root' } as const
    const names = [...ROLES.flatMap((role) => [role, `no-${role}`, `locked-${role}`]), 'somebody']
    for (const user of names) {
      const role = (ROLES.find((each) => user.endsWith(each)) ?? 'technician') as Role
      await people.add({ user, fullName: `${user} X`, role, pin: PIN }, box, at(mono))
    }
    for (const role of ROLES)
      await people.change(`no-${role}`, { kind: 'disable', reason: 'left' }, box)
  })

  /** Locks the account again: for a minute at least. */
  async function lock(user: string): Promise<void> {
    for (let guess = 0; guess < 5; guess++)
      await people.authenticate({ user, pin: '000000' }, { at: at(mono), via: 'local' })
  }

  const tryAs = (deed: Deed, user: string, pin = PIN) =>
    attempt(deed, { user, pin }, { people, journal, mono })

  it.each(DEEDS.map((deed) => [deed.words, deed] as const))(
    '%s',
    async (_words, deed) => {
      for (const role of ROLES) {
        mono += 2 * HOUR
        const { ok, refusals } = await tryAs(deed, role)
        // a person who was added or disabled by the case before cannot be again; that is no question of the role
        const again = /person$/.test(deed.words) && role === 'administrator'
        if (!again) expect(ok, `${role}`).toBe(await may(deed, role, noteJournal()))
        // refused signatures and silences are written down behind the dispatcher, which its own tests look at
        const signature = /configuration|sign it|horn/.test(deed.words)
        if (!ok && !again && !signature) expect(refusals, `${role}: refusals on record`).toBe(1)
        for (const [user, pin] of [
          [`no-${role}`, PIN],
          [role, '000000'],
        ] as const) {
          expect((await tryAs(deed, user, pin)).ok, `${user} with ${pin}`).toBe(false)
        }
      }
      mono += 2 * HOUR
      expect((await tryAs(deed, 'nobody')).ok).toBe(false)
    },
    60_000,
  )

  it('none by anybody who is locked, with the right PIN', async () => {
    for (const role of ROLES) {
      mono += 2 * HOUR
      await lock(`locked-${role}`)
      for (const deed of DEEDS)
        expect((await tryAs(deed, `locked-${role}`)).ok, `${role}: ${deed.words}`).toBe(false)
    }
  }, 60_000)
})
