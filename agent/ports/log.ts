// The log seam: an event name and fields, never a built sentence.

export interface Log {
  debug(event: string, fields?: Readonly<Record<string, unknown>>): void
  info(event: string, fields?: Readonly<Record<string, unknown>>): void
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void
  error(event: string, fields?: Readonly<Record<string, unknown>>): void
}

/** A log that says nothing, for tests and short commands. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
