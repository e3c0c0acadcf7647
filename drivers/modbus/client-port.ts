// The port that modbus-serial's client is given: it hands on what the client wants to send, and hands in replies that
// were checked beforehand. Decides one thing: that no function code leaves but those that read (URS-13, faults.md B4).

import { EventEmitter } from 'node:events'
import { assert } from '#core/assert.ts'

const ENCAPSULATED_INTERFACE = 43
const READ_DEVICE_IDENTIFICATION = 14

/**
 * Asserts that an RTU-style request (unit, PDU, CRC) reads: functions 1–4, or 43 with MEI type 14. Anything else is a
 * fault of the code, never of an instrument, and stops the process before a byte has left.
 */
export function assertReads(frame: Uint8Array): void {
  const functionCode = frame[1] ?? 0
  const reads =
    (functionCode >= 1 && functionCode <= 4) ||
    (functionCode === ENCAPSULATED_INTERFACE && frame[2] === READ_DEVICE_IDENTIFICATION)
  assert(reads, 'the agent writes to no instrument; this function does not read:', functionCode)
}

/**
 * A port as modbus-serial wants it: an emitter with `write`, `open`, `close` and `isOpen`. Frames are RTU-style in
 * both directions. The transaction ids stay 1: the client never prunes its table (8.0.25), so there is one entry in it,
 * overwritten by each request, and the true ids are the transport's.
 */
export class ClientPort extends EventEmitter {
  isOpen = true
  _transactionIdRead = 1
  _transactionIdWrite = 1
  readonly #send: (frame: Uint8Array) => void

  constructor(send: (frame: Uint8Array) => void) {
    super()
    this.#send = send
  }

  open(callback: (error?: Error) => void): void {
    callback()
  }

  close(callback?: () => void): void {
    callback?.()
  }

  write(frame: Uint8Array): void {
    assertReads(frame)
    this.#send(frame)
  }

  /** Hands a checked RTU-style reply to the client. */
  deliver(frame: Buffer): void {
    this.emit('data', frame)
  }
}
