// A tap on a link: hears every byte that goes out and comes in, with its moment, and changes none of them.

import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { OpenLink } from '../link/link.ts'

/** Bytes that passed at a moment. */
export interface Passage {
  readonly direction: 'sent' | 'received'
  readonly mono: Millis
  /** A copy of their own. */
  readonly bytes: Uint8Array
}

/** The same link, with every passage told to `hear` before it takes effect. */
export const tapLink =
  (open: OpenLink, clock: Clock, hear: (passage: Passage) => void): OpenLink =>
  (listener) => {
    const tell = (direction: Passage['direction'], bytes: Uint8Array) =>
      hear({ direction, mono: clock.now().mono, bytes: Uint8Array.from(bytes) })
    const link = open({
      ...listener,
      opened: () => listener.opened(),
      received: (bytes) => {
        tell('received', bytes)
        listener.received(bytes)
      },
      closed: (cause) => listener.closed(cause),
    })
    return {
      write: (bytes) => {
        tell('sent', bytes)
        link.write(bytes)
      },
      flush: (done) => link.flush(done),
      destroy: () => link.destroy(),
    }
  }
