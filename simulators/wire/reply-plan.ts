// What a unit does with a request, its faults considered: answer, answer wrongly, late, or not at all. Shared by the TCP
// server and the serial line; decides the reply, never the bytes around it (MBAP, CRC) nor the moment of each byte.

import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'
import type { FaultSet } from '../faults.ts'
import { answerPdu, type ModbusDevice, refusePdu } from './pdu.ts'
import { EXCEPTION } from './refusal.ts'

/** One unit on a bus. */
export interface WireUnit {
  readonly unitId: number
  readonly device: ModbusDevice
  readonly faults: FaultSet
}

/** A reply to be sent, with everything that is to go wrong on its way. */
export interface PlannedReply {
  readonly kind: 'reply'
  readonly unitId: number
  readonly pdu: Buffer
  readonly delayMs: Millis
  /** Take an older transaction id (TCP). */
  readonly oldTransaction: boolean
  /** Random bytes before it. */
  readonly garbageBytes: number
  /** Pause after half of it; 0 = none. */
  readonly splitMs: Millis
  /** Keep it back and send it in front of the next reply. */
  readonly merge: boolean
  /** Turn one bit over (serial). */
  readonly flip: boolean
  /** Lose it on the line (serial). */
  readonly lost: boolean
  /** A second instrument of the same unit id answers at the same time (serial). */
  readonly collides: boolean
}

export type ReplyPlan = PlannedReply | { readonly kind: 'silent' } | { readonly kind: 'disconnect' }

const GARBAGE_BYTES_MAX = 256

/** What the unit does with this request at this moment. */
export function planReply(unit: WireUnit, request: Buffer, mono: Millis): ReplyPlan {
  const { faults } = unit
  const off = faults.active('reboot', mono) ?? faults.active('memory-loss', mono)
  if (off !== undefined || faults.strikes('silence', mono) !== undefined) return { kind: 'silent' }
  if (faults.strikes('disconnect', mono) !== undefined) return { kind: 'disconnect' }
  const strikes = (kind: Parameters<FaultSet['strikes']>[0]): boolean =>
    faults.strikes(kind, mono) !== undefined
  let pdu = answer(unit, request, mono)
  if (strikes('wrong-function')) {
    pdu = Buffer.from(pdu)
    pdu[0] = ((pdu[0] ?? 0) ^ 0x07) & 0xff
  }
  if (strikes('truncate')) pdu = truncated(pdu)
  return {
    kind: 'reply',
    unitId: strikes('wrong-unit') ? (unit.unitId + 1) & 0xff : unit.unitId,
    pdu,
    delayMs: faults.strikes('delay', mono)?.value ?? 0,
    oldTransaction: strikes('wrong-transaction'),
    garbageBytes: Math.min(GARBAGE_BYTES_MAX, faults.strikes('garbage', mono)?.value ?? 0),
    splitMs: faults.strikes('split', mono)?.value ?? 0,
    merge: strikes('merge'),
    flip: strikes('flip'),
    lost: strikes('lost'),
    collides: strikes('duplicate'),
  }
}

function answer(unit: WireUnit, request: Buffer, mono: Millis): Buffer {
  const exception = unit.faults.strikes('exception', mono)
  if (exception !== undefined) return refusePdu(request, exception.value)
  if (unit.faults.strikes('busy', mono) !== undefined) return refusePdu(request, EXCEPTION.busy)
  if (readsRegisters(request) && strikesRegister(unit.faults, request, mono))
    return refusePdu(request, EXCEPTION.illegalAddress)
  const reply = answerPdu(unit.device, request)
  if (!readsRegisters(request)) return reply
  const missing = reply[1] === EXCEPTION.illegalAddress && ((reply[0] ?? 0) & 0x80) !== 0
  if (missing && unit.faults.strikes('undefined-ffff', mono) !== undefined) return allOnes(request)
  return !missing && unit.faults.strikes('word-order', mono) !== undefined
    ? withSwappedWords(reply)
    : reply
}

function strikesRegister(faults: FaultSet, request: Buffer, mono: Millis): boolean {
  const from = request.readUInt16BE(1)
  const address = faults.active('illegal-register', mono)?.value ?? -1
  const touched = address >= from && address < from + request.readUInt16BE(3)
  return touched && faults.strikes('illegal-register', mono) !== undefined
}

const readsRegisters = (pdu: Buffer): boolean => pdu[0] === 3 || pdu[0] === 4

/** A reply in which every register reads FFFFh. */
function allOnes(request: Buffer): Buffer {
  const bytes = 2 * request.readUInt16BE(3)
  return Buffer.concat([Buffer.from([request[0] ?? 0, bytes]), Buffer.alloc(bytes, 0xff)])
}

/** The reply with the words of each pair changed about; a single last word stays. */
function withSwappedWords(reply: Buffer): Buffer {
  const swapped = Buffer.from(reply)
  for (let at = 2; at + 4 <= reply.length; at += 4) {
    reply.copy(swapped, at, at + 2, at + 4)
    reply.copy(swapped, at + 2, at, at + 2)
  }
  return swapped
}

/** The reply without its last register and with a byte count that says so: well-formed, and too short. */
function truncated(pdu: Buffer): Buffer {
  if (!readsRegisters(pdu) || pdu.length < 6) return pdu.subarray(0, Math.max(1, pdu.length - 1))
  const short = Buffer.from(pdu.subarray(0, pdu.length - 2))
  short[1] = short.length - 2
  return short
}

/** So many random bytes. */
export const garbage = (bytes: number, random: Random): Buffer =>
  Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)))
