// Events of the journal of a running agent, page after page, from the beginning on. Holds one page; shows how far it has come.

import type { Millis } from '#core/time.ts'
import type { AuditView } from '../control/view.ts'
import { ask, type Target } from './client-options.ts'
import { localTime } from './wording.ts'

/** What is asked for: types in full or by the part before a dot, and wall ms, both inclusive. */
export interface JournalQuery {
  readonly types: readonly string[]
  readonly from?: Millis
  readonly to?: Millis
  /** Shows how far it has come; by default where stderr is a terminal. */
  readonly progress: boolean | undefined
}

/** The pages of what is asked for, oldest first. */
export async function* journalPages(
  target: Target,
  { types, from, to, progress = process.stderr.isTTY === true }: JournalQuery,
): AsyncGenerator<AuditView> {
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page: AuditView = await ask<'audit'>(target, {
      ...{ op: 'audit', after, types: [...types] },
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
    })
    const last = page.records.at(-1)
    if (progress && last !== undefined)
      process.stderr.write(`\r\u001b[Kreading the journal: ${localTime(last.ts, page.timezone)}`)
    yield page
    after = page.next
  }
  if (progress) process.stderr.write('\r\u001b[K')
}
