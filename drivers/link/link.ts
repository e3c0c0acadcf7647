// A link: one connection's worth of bytes in and bytes out. Types only. What the bytes mean is the transport's business,
// and so is when to try again: a link that has closed stays closed, and the next one is a fresh socket or a fresh open.

/** What a link tells, each from the event loop and never during the call that opens it. */
export interface LinkListener {
  /** Bytes can be written from now on. */
  opened(): void
  /** Bytes came in; valid during the call only. */
  received(bytes: Uint8Array): void
  /** Something about the link that somebody should look at, in words; it works all the same. */
  remarked?(words: string): void
  /** Could not be opened, or went away; told once, nothing follows. `cause` is in words. */
  closed(cause: string): void
}

export interface Link {
  /** Sends bytes; the array must not be changed afterwards. Without effect once closed. */
  write(bytes: Uint8Array): void
  /** Delivers at once what the system has received and not yet handed over, where it can be asked; calls back when done. */
  flush(done: () => void): void
  /** Ends the link at once (no farewell); the listener hears nothing more. Resolves when the system let go of it. */
  destroy(): Promise<void>
}

/** Begins to open a fresh link. */
export type OpenLink = (listener: LinkListener) => Link
