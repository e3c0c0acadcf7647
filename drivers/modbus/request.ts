// The read requests the agent can make, and what can come of one. Decides which function code reads which table;
// there is no request here that writes, and there never is one (URS-13).

import type { Millis } from '#core/time.ts'
import type { Table } from '../profile.ts'

export type ReadFunction = 1 | 2 | 3 | 4

/** Reads `quantity` coils or registers from a zero-based address. */
export interface ReadRequest {
  readonly unitId: number
  readonly functionCode: ReadFunction
  readonly address: number
  readonly quantity: number
}

/** Read Device Identification (function 43, MEI type 14): objects from `objectId` on, or that one alone (code 4). */
export interface IdentificationRequest {
  readonly unitId: number
  readonly functionCode: 43
  /** 1 basic, 2 regular, 3 extended objects as a stream; 4 one object. */
  readonly code: 1 | 2 | 3 | 4
  readonly objectId: number
}

export type ModbusRequest = ReadRequest | IdentificationRequest

/**
 * How a request ended. `data` holds the bytes behind the byte count (function 43: behind the MEI type), the transport's own
 * copy until the next request. `timeout`: nothing usable until the deadline; `frame`, `crc`: the unit did answer, unusably;
 * `torn`: part of an answer; `disconnected`: there was no link, or it went away meanwhile.
 */
export type ReadOutcome =
  | { readonly kind: 'data'; readonly data: Uint8Array; readonly arrivedMono: Millis }
  | { readonly kind: 'exception'; readonly code: number; readonly arrivedMono: Millis }
  | { readonly kind: 'timeout' | 'frame' | 'crc' | 'torn'; readonly arrivedMono: Millis }
  | {
      readonly kind: 'disconnected'
      /** The request had left: a reply to it may still be on its way (RTU through a converter). */
      readonly sent: boolean
      readonly arrivedMono: Millis
    }

export const FUNCTION_OF: Readonly<Record<Table, ReadFunction>> = {
  coil: 1,
  discrete_input: 2,
  holding_register: 3,
  input_register: 4,
}

/** Most registers or bits of one read (Modbus Application Protocol V1.1b3 §6.1–6.4). */
export const REGISTERS_MAX = 125
export const BITS_MAX = 2000

export const isBitFunction = (functionCode: ReadFunction): boolean => functionCode <= 2

/** Bytes behind the byte count of a whole answer. */
export const dataLength = ({ functionCode, quantity }: ReadRequest): number =>
  isBitFunction(functionCode) ? Math.ceil(quantity / 8) : quantity * 2
