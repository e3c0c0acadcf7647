// Two people for one change (URS-68): who may sign a candidate configuration, that the second is not the first, and what is kept of
// it. Pure: the row and who asks in, the next row or a refusal out. Never knows what the change is about.

import type { ActCode, Actor, Role } from '#core/input.ts'
import type { Millis } from '#core/time.ts'

/** State row of the candidate that waits, or was declined. */
export const CANDIDATE_KEY = 'config/candidate'

/** Who may sign first, and who may bring it into force: those who answer for the record, not those who keep the machine. */
export const FIRST_SIGNERS: readonly Role[] = ['supervisor', 'qa', 'administrator']
export const SECOND_SIGNERS: readonly Role[] = ['supervisor', 'qa']

export interface Signature {
  readonly actor: Actor
  /** Wall ms. */
  readonly at: Millis
  readonly reason?: string
  readonly comment?: string
}

/** A changed configuration that is not in force. */
export interface CandidateRow {
  readonly hash: string
  /** Wall ms. */
  readonly since: Millis
  /** None, or the first of two; both once it is approved and about to come into force. */
  readonly signatures: readonly Signature[]
  readonly declined?: Signature
}

export type Signed =
  | { readonly ok: true; readonly row: CandidateRow; readonly complete: boolean }
  | { readonly ok: false; readonly code: ActCode; readonly detail: string }

const no = (code: ActCode, detail: string): Signed => ({ ok: false, code, detail })

/** Signs the candidate of this hash; complete with the second person. A hash may be given by its first eight figures or more. */
export function sign(row: CandidateRow | undefined, hash: string, by: Signature): Signed {
  const fault = misfit(row, hash)
  if (fault !== undefined || row === undefined) return fault ?? no('invalid', NOTHING)
  const [first] = row.signatures
  const entitled = first === undefined ? FIRST_SIGNERS : SECOND_SIGNERS
  const { user, role } = by.actor
  if (first?.actor.user === user)
    return no('not_authorised', `${user} has signed it already; the second has to be somebody else`)
  if (!entitled.includes(role))
    return no('not_authorised', `the role ${role} may not sign this; ask a ${entitled.join(', ')}`)
  const signatures = [...row.signatures, by]
  return { ok: true, row: { ...row, signatures }, complete: signatures.length >= 2 }
}

/** Turns the candidate of this hash down: one person is enough, and it stays so until another one comes. */
export function decline(row: CandidateRow | undefined, hash: string, by: Signature): Signed {
  const fault = misfit(row, hash)
  if (fault !== undefined || row === undefined) return fault ?? no('invalid', NOTHING)
  const { role } = by.actor
  if (!FIRST_SIGNERS.includes(role))
    return no(
      'not_authorised',
      `the role ${role} may not do this; ask a ${FIRST_SIGNERS.join(', ')}`,
    )
  if ((by.comment ?? by.reason ?? '').trim() === '')
    return no('invalid', 'say why, with --reason or --comment')
  return { ok: true, row: { ...row, declined: by }, complete: false }
}

const NOTHING = 'no changed configuration waits; see: cleanroom-agent config show'
const PREFIX = 'sha256:'
const FIGURES_MIN = 8

function misfit(row: CandidateRow | undefined, hash: string): Signed | undefined {
  if (row === undefined || row.declined !== undefined) return no('invalid', NOTHING)
  const figures = hash.startsWith(PREFIX) ? hash.slice(PREFIX.length) : hash
  const fits = figures.length >= FIGURES_MIN && row.hash.startsWith(`${PREFIX}${figures}`)
  if (fits) return undefined
  return no(
    'stale_revision',
    `what waits is ${row.hash}; look at it again with: cleanroom-agent config show`,
  )
}
