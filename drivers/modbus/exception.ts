// What each Modbus exception code means for the next step (faults.md FB4–FB9). Pure; a code that no standard defines is
// an exception like another, never a reason to throw.

import type { BadReason } from '#core/quality.ts'
import type { RawSignal } from '#core/reading.ts'

/** A signal without a value, and why. */
export type Fault = RawSignal & { readonly kind: 'fault' }

/**
 * - `illegal`: the request asks for something that is not there; split the read, set the bad register aside.
 * - `failed`: the instrument could not; wait for the next slot, no retry.
 * - `busy`: ask again after a pause.
 * - `gateway`: the gateway is at fault, not the unit.
 * - `silent`: the gateway says that the unit did not answer: the same as a timeout of that unit.
 */
export type ExceptionKind = 'illegal' | 'failed' | 'busy' | 'gateway' | 'silent'

/** Modbus Application Protocol V1.1b3 §7. */
export function exceptionKind(code: number): ExceptionKind {
  switch (code) {
    case 1: // illegal function
    case 2: // illegal data address
    case 3: // illegal data value: the quantity, in a read
      return 'illegal'
    case 5: // acknowledge: it will take a while
    case 6: // server device busy
      return 'busy'
    case 10: // gateway path unavailable
      return 'gateway'
    case 11: // gateway target device failed to respond
      return 'silent'
    default: // 4 server device failure, 7 negative acknowledge, 8 memory parity, 9 and all that are not defined
      return 'failed'
  }
}

const REASON_OF: Readonly<Partial<Record<ExceptionKind, BadReason>>> = {
  busy: 'busy',
  gateway: 'gateway',
  silent: 'timeout',
}

/** What becomes of the signals of a read that ended in this exception. */
export function exceptionFault(code: number): Fault {
  const reason = REASON_OF[exceptionKind(code)]
  return reason === undefined
    ? { kind: 'fault', reason: 'exception', exceptionCode: code }
    : { kind: 'fault', reason }
}
