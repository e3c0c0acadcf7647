// Two people for one change: every role as the first and as the second, and what is refused.

import { describe, expect, it } from 'vitest'
import { ROLES, type Role } from '#core/input.ts'
import {
  type CandidateRow,
  decline,
  type Signature,
  sign,
} from '../../../agent/runtime/approval.ts'

const HASH = `sha256:${'3fa9c1d2'.repeat(8)}`
const by = (user: string, role: Role, comment?: string): Signature => ({
  actor: { user, name: user, role, via: 'local' },
  at: 1,
  ...(comment !== undefined && { comment }),
})
const candidate: CandidateRow = { hash: HASH, since: 0, signatures: [] }
const signedBy = (...signatures: Signature[]): CandidateRow => ({ ...candidate, signatures })

describe('URS-68 a candidate', () => {
  const table = ROLES.flatMap((first) => ROLES.map((second) => [first, second] as const))
  const mayFirst: readonly Role[] = ['supervisor', 'qa', 'administrator']
  const maySecond: readonly Role[] = ['supervisor', 'qa']

  it.each(table)('is signed by %s first and %s second only where both may', (first, second) => {
    const one = sign(candidate, HASH, by('anna', first))
    expect(one.ok).toBe(mayFirst.includes(first))
    if (!one.ok) return expect(one.code).toBe('not_authorised')
    expect(one.complete).toBe(false)
    const two = sign(one.row, HASH, by('bruno', second))
    expect(two.ok).toBe(maySecond.includes(second))
    if (two.ok) expect(two).toMatchObject({ complete: true, row: { signatures: { length: 2 } } })
    else expect(two.code).toBe('not_authorised')
  })

  it('is never signed twice by the same person, whatever their role has become', () => {
    for (const role of ROLES)
      expect(sign(signedBy(by('anna', 'supervisor')), HASH, by('anna', role))).toMatchObject({
        ok: false,
        code: 'not_authorised',
      })
  })

  it.each([
    ['3fa9c1d2', true],
    ['sha256:3fa9c1d23fa9', true],
    [HASH, true],
    ['3fa9c1d', false],
    ['3fa9c1d3', false],
    ['sha256:', false],
    ['', false],
  ])('is named by its hash: %s', (hash, ok) => {
    expect(sign(candidate, hash, by('anna', 'qa')).ok).toBe(ok)
    expect(decline(candidate, hash, by('anna', 'qa', 'no')).ok).toBe(ok)
  })

  it('is turned down by one person with a reason, and then signed by nobody', () => {
    expect(decline(candidate, HASH, by('anna', 'qa'))).toMatchObject({ ok: false, code: 'invalid' })
    expect(decline(candidate, HASH, by('tina', 'technician', 'no'))).toMatchObject({
      code: 'not_authorised',
    })
    const declined = decline(
      signedBy(by('anna', 'qa')),
      HASH,
      by('bruno', 'supervisor', 'not agreed'),
    )
    if (!declined.ok) throw new Error(declined.detail)
    expect(sign(declined.row, HASH, by('carla', 'qa'))).toMatchObject({ ok: false })
    expect(decline(declined.row, HASH, by('carla', 'qa', 'no'))).toMatchObject({ ok: false })
  })

  it('is nothing where none waits', () => {
    expect(sign(undefined, HASH, by('anna', 'qa'))).toMatchObject({ ok: false, code: 'invalid' })
  })
})
