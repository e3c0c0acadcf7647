// Broken invariants stop the process: failures of code are crashes, failures of instruments are values.

/** Thrown when something that cannot happen has happened; nothing catches it but the exit path (exit code 70). */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/**
 * Asserts an invariant of the code. Stays on in production. `about` is put behind the message only when it does not hold: a message
 * made beforehand costs more than the check, where it is made for every reading.
 */
export function assert(condition: unknown, message: string, about?: unknown): asserts condition {
  if (!condition) throw new InvariantError(about === undefined ? message : `${message} ${about}`)
}
