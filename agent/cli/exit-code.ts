// The exit codes of contract §1 in one table, and the error that carries one to the end of the process.

import type { ActCode } from '#core/input.ts'
import type { ControlErrorCode } from '../control/client.ts'

export const EXIT = {
  ok: 0,
  /** The check says no; the machine refuses (already, stale, unknown). */
  no: 1,
  usage: 64,
  badData: 65,
  notReachable: 69,
  bug: 70,
  io: 74,
  /** Try later; also: another instance holds the data directory. */
  tryLater: 75,
  notPermitted: 77,
  configuration: 78,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends the command with this exit code and these words on stderr. For people: says what is wrong and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Exit code of an act by the code it was answered with. */
export const EXIT_OF_ACT: Readonly<Record<ActCode, ExitCode>> = {
  acknowledged: EXIT.ok,
  reset: EXIT.ok,
  done: EXIT.ok,
  already_acknowledged: EXIT.no,
  stale_revision: EXIT.no,
  unknown_occurrence: EXIT.no,
  expired: EXIT.no,
  replayed: EXIT.no,
  invalid: EXIT.no,
  bad_signature: EXIT.notPermitted,
  not_authorised: EXIT.notPermitted,
  identity_mismatch: EXIT.notPermitted,
  clock_unsynchronised: EXIT.tryLater,
  store_failed: EXIT.io,
}

/** Exit code when the agent could not be asked. */
export const EXIT_OF_CONTROL: Readonly<Record<ControlErrorCode, ExitCode>> = {
  unreachable: EXIT.notReachable,
  forbidden: EXIT.notPermitted,
  busy: EXIT.tryLater,
  invalid: EXIT.usage,
  failed: EXIT.io,
  broken: EXIT.notReachable,
}
