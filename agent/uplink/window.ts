// How much may be in flight at once, and who may use the last of it: the bounded window of contract §3 "Delivery".
// Pure arithmetic; it never knows what a message says.
//
// A new alarm never waits behind a backlog because readings leave room free that only alarms, status and replies use,
// and events leave one place. What is in flight is also what lies before an alarm in the socket: at most 64 kB.

/** Messages and bytes in flight at most (mosquitto's default Receive Maximum is 20). */
export const WINDOW_MESSAGES_MAX = 20
export const WINDOW_BYTES_MAX = 64 * 1024

const RESERVED_MESSAGES = 4
const RESERVED_BYTES = 8 * 1024

/** Lanes in order of precedence (URS-57). */
export type Lane = 'state' | 'event' | 'readings' | 'replay'

export interface Window {
  readonly messages: number
  readonly bytes: number
  /** A message that must be alone is in flight. */
  readonly closed: boolean
}

export const emptyWindow: Window = { messages: 0, bytes: 0, closed: false }

/** Places of the window that a lane must leave free, out of `messagesMax`. */
function reserved(lane: Lane, messagesMax: number): { messages: number; bytes: number } {
  if (lane === 'state') return { messages: 0, bytes: 0 }
  if (lane === 'event') return { messages: messagesMax >= 3 ? 1 : 0, bytes: RESERVED_BYTES / 2 }
  return {
    messages: Math.min(RESERVED_MESSAGES, Math.floor(messagesMax / 5)),
    bytes: RESERVED_BYTES,
  }
}

export interface Want {
  readonly lane: Lane
  readonly bytes: number
  /** Must be the only message in flight. */
  readonly alone: boolean
}

/**
 * Whether a message may be sent now. `receiveMaximum` is the server's (MQTT 5 §3.2.2.3.3); a message larger than the
 * window goes when nothing else is in flight.
 */
export function fits(window: Window, want: Want, receiveMaximum: number): boolean {
  if (window.messages === 0) return true
  if (window.closed || want.alone) return false
  const messagesMax = Math.min(WINDOW_MESSAGES_MAX, receiveMaximum)
  const keep = reserved(want.lane, messagesMax)
  return (
    window.messages < messagesMax - keep.messages &&
    window.bytes + want.bytes <= WINDOW_BYTES_MAX - keep.bytes
  )
}

export const taken = (window: Window, want: Pick<Want, 'bytes' | 'alone'>): Window => ({
  messages: window.messages + 1,
  bytes: window.bytes + want.bytes,
  closed: window.closed || want.alone,
})

export const released = (window: Window, had: Pick<Want, 'bytes' | 'alone'>): Window => ({
  messages: window.messages - 1,
  bytes: window.bytes - had.bytes,
  closed: had.alone ? false : window.closed,
})
