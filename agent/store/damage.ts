// Tells damage of a file, which reading around it gets over, from a fault of the machine, which it does not.
// It only names; what follows is decided by its callers.

import type { Quarantined } from '#ports/store.ts'
import { StoreError, toStoreError } from './store-error.ts'

/** Faults of reading that are the file's, not the machine's: moving the file aside helps. */
const UNREADABLE = /^SQLITE_IOERR_(READ|SHORT_READ|CORRUPTFS|DATA)$/

/** What is wrong with a file, in words. */
export type Damage = Pick<Quarantined, 'kind' | 'found'>

/** Whether an error of opening or reading is damage of a file. */
export function damageOf(thrown: unknown): Damage | undefined {
  // What was written as JSON and is none any more.
  if (thrown instanceof SyntaxError)
    return { kind: 'corrupt', found: `a record cannot be read: ${thrown.message}` }
  const error = toStoreError(thrown, 'open the journal')
  if (!(error instanceof StoreError)) return undefined
  const found = error.message
  if (error.kind === 'corrupt') return { kind: 'corrupt', found }
  if (error.kind === 'version' && error.file !== undefined) return { kind: 'version', found }
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return error.kind === 'io' && UNREADABLE.test(code) ? { kind: 'unreadable', found } : undefined
}

/** The result, or undefined where it throws: for what may be damaged. */
export const attempt = <T>(call: () => T): T | undefined => {
  try {
    return call()
  } catch {
    return undefined
  }
}
