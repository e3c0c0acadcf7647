// Who may silence and test the horn: those who may acknowledge, never an administrator (URS-50). Authentication has been done.

import { roleFault } from '#core/act-reply.ts'
import type { Actor } from '#core/input.ts'

/** Why a person may not; undefined where they may. */
export function refusalOf(
  actor: Actor,
): { readonly code: 'not_authorised'; readonly detail: string } | undefined {
  const fault = roleFault(actor, ['technician', 'supervisor', 'qa'])
  return fault === undefined ? undefined : { code: 'not_authorised', detail: fault.detail }
}
