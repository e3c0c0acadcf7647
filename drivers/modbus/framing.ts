// What the transport asks of a framing (MBAP or RTU): requests into bytes, bytes into checked replies. Types only.

import type { Millis } from '#core/time.ts'
import type { ModbusRequest } from './request.ts'

/**
 * How a request ended that got no usable reply by its deadline. `frame`, `crc`: the unit did answer, unusably, and is
 * done with it. `torn`: less came than an answer, so that one may still be on its way.
 */
export type Verdict = 'timeout' | 'frame' | 'crc' | 'torn'

/** Where a framing puts what it found. */
export interface FramingSink {
  /** The reply to the request in flight, RTU-style with CRC, checked in every respect; at most once per request. */
  reply(frame: Buffer): void
  /** The reply to the request in flight has come for certain and cannot be used: no need to wait any longer. */
  spoilt(verdict: 'crc' | 'frame'): void
  lateReply(): void
  foreignFrame(): void
  malformedFrame(): void
}

export interface Framing {
  /** The link is a fresh one: nothing of what was held or expected counts any more. */
  reset(): void
  /** A request (RTU-style, with CRC) is sent: returns its bytes on this wire, and expects its reply from now on. */
  begin(frame: Uint8Array, request: ModbusRequest, nowMono: Millis): Uint8Array
  /** Takes in what came; false when the stream cannot be followed and only a fresh link helps. */
  push(bytes: Uint8Array, nowMono: Millis): boolean
  /** The request in flight is given up, or answered: nothing is expected. Says what was seen of a reply. */
  end(nowMono: Millis): Verdict
  /** When the wire is next free to send on (silent interval, turnaround); 0 where there is no such thing. */
  freeAt(): Millis
  /** Whether what the system still holds is to be taken in before each request. */
  readonly flushes: boolean
}
