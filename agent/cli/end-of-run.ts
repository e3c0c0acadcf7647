// Which exit code a daemon ends with that cannot start, or cannot go on: the service manager and people read it. Decides nothing else.

import { InvariantError } from '#core/assert.ts'
import { StoreError, type StoreErrorKind } from '../store/store-error.ts'
import { EXIT, type ExitCode } from './exit-code.ts'

const EXIT_OF_STORE: Readonly<Record<StoreErrorKind, ExitCode>> = {
  locked: EXIT.tryLater,
  origin: EXIT.configuration,
  corrupt: EXIT.io,
  version: EXIT.io,
  full: EXIT.io,
  io: EXIT.io,
  overload: EXIT.io,
  closed: EXIT.io,
}

/** What is thrown by code that is wrong. */
const BUGS = [InvariantError, TypeError, RangeError, ReferenceError, SyntaxError]

const isBug = (error: unknown): boolean => BUGS.some((kind) => error instanceof kind)

/** A start that cannot be, with its words. */
export function endOfStart(error: unknown): { readonly code: ExitCode; readonly message: string } {
  if (!(error instanceof Error)) return { code: EXIT.bug, message: String(error) }
  if (error instanceof StoreError)
    return { code: EXIT_OF_STORE[error.kind], message: error.message }
  const system = 'code' in error && typeof error.code === 'string' && !isBug(error)
  return system
    ? { code: EXIT.io, message: error.message }
    : { code: EXIT.bug, message: error.stack ?? error.message }
}

/** An agent that cannot go on: a broken invariant is a bug, all else is a machine that does not do its part. */
export const endOfFailure = (error: unknown): ExitCode => (isBug(error) ? EXIT.bug : EXIT.io)
