// Broken invariants stop the process: failures of code are crashes, failures of instruments are values.

/** Thrown when something that cannot happen has happened; nothing catches it but the exit path (exit code 70). */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Asserts an invariant of the code. Stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
