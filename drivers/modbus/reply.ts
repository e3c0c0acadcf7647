// What a reply to a request looks like, whatever carries it: its possible lengths from the function code on. Pure; the CRC and the
// header around it are the framing's affair.

import { IDENTIFICATION, identificationLengths } from './identification.ts'
import { dataLength, type ModbusRequest } from './request.ts'

const EXCEPTION_LENGTH = 2
const IDENTIFICATION_LENGTH_MIN = 7

/**
 * Lengths that the PDU at a position may have as a reply to the request, in rising order; one beyond `end` is not whole yet. None
 * where no reply to it begins there.
 */
export function replyLengths(
  bytes: Uint8Array,
  at: number,
  end: number,
  request: ModbusRequest,
): readonly number[] {
  if (bytes[at] === (request.functionCode | 0x80)) return [EXCEPTION_LENGTH]
  if (request.functionCode === IDENTIFICATION) {
    return identificationLengths(bytes, at, end, request.code)
  }
  if (bytes[at] !== request.functionCode || bytes[at + 1] !== dataLength(request)) return []
  return [2 + dataLength(request)]
}

/** The least that a reply with data has, from the function code on. */
export const leastLength = (request: ModbusRequest): number =>
  request.functionCode === IDENTIFICATION ? IDENTIFICATION_LENGTH_MIN : 2 + dataLength(request)
