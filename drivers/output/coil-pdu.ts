// The requests of an output module: functions 1, 5 and 15 on the coils that were enabled, and nothing else (URS-13, decision 0009).
// Decides what may be asked and what answers it; moves no byte. Modbus Application Protocol V1.1b3 §6.1, 6.5, 6.11.

import { assert } from '#core/assert.ts'
import type { OutputSettings } from '../profile.ts'

const READ_COILS = 1
const WRITE_SINGLE_COIL = 5
const WRITE_MULTIPLE_COILS = 15
const EXCEPTION_BIT = 0x80
const ON = 0xff00

/** Adjacent coils, each with what it is to be or was. */
export interface CoilRun {
  readonly address: number
  readonly values: readonly boolean[]
}

export interface CoilRequest {
  readonly pdu: Uint8Array
  /** Bytes of its answer, unless that is an exception. */
  readonly answerBytes: number
  readonly run: CoilRun
}

/** Builds the requests of one module. What is not enabled cannot be written: that stops the process before a byte has left. */
export function coilRequests({ coils, write }: Pick<OutputSettings, 'coils' | 'write'>) {
  const enabled = new Set(coils.map(({ address }) => address))
  const guard = ({ address, values }: CoilRun): void => {
    for (const offset of values.keys())
      assert(enabled.has(address + offset), `coil ${address + offset} is not enabled for writing`)
  }
  return {
    /** The enabled coils as runs that one request each can write. */
    runs: (value: (address: number) => boolean): CoilRun[] => runsOf([...enabled], write, value),
    write: (run: CoilRun): CoilRequest => {
      guard(run)
      return write === 'single' ? writeSingle(run) : writeMultiple(run)
    },
    read: (run: CoilRun): CoilRequest => ({
      pdu: words(READ_COILS, run.address, run.values.length),
      answerBytes: 2 + Math.ceil(run.values.length / 8),
      run,
    }),
  }
}

function runsOf(
  addresses: readonly number[],
  write: OutputSettings['write'],
  value: (address: number) => boolean,
): CoilRun[] {
  const runs: { address: number; values: boolean[] }[] = []
  for (const address of addresses.toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    const follows = last !== undefined && last.address + last.values.length === address
    if (follows && write === 'multiple') last.values.push(value(address))
    else runs.push({ address, values: [value(address)] })
  }
  return runs
}

function writeSingle(run: CoilRun): CoilRequest {
  assert(run.values.length === 1, 'function 5 writes one coil')
  return {
    pdu: words(WRITE_SINGLE_COIL, run.address, run.values[0] === true ? ON : 0),
    answerBytes: 5,
    run,
  }
}

function writeMultiple(run: CoilRun): CoilRequest {
  const { address, values } = run
  const bits = new Uint8Array(Math.ceil(values.length / 8))
  for (const [index, value] of values.entries())
    if (value) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
  const head = words(WRITE_MULTIPLE_COILS, address, values.length)
  return { pdu: Uint8Array.from([...head, bits.length, ...bits]), answerBytes: 5, run }
}

const words = (functionCode: number, first: number, second: number): Uint8Array =>
  Uint8Array.from([functionCode, first >> 8, first & 0xff, second >> 8, second & 0xff])

/** What a PDU says to a request. `foreign`: it does not answer it. */
export type CoilAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'coils'; readonly values: readonly boolean[] }
  | { readonly kind: 'exception'; readonly code: number }
  | { readonly kind: 'foreign' }

/** Holds an answer against its request. A write is answered by its own address with the value or quantity it was sent with. */
export function judgeAnswer(
  { pdu, answerBytes, run }: CoilRequest,
  answer: Uint8Array,
): CoilAnswer {
  const functionCode = pdu[0] ?? 0
  if (answer[0] === (functionCode | EXCEPTION_BIT) && answer.length === 2)
    return { kind: 'exception', code: answer[1] ?? 0 }
  if (answer[0] !== functionCode || answer.length !== answerBytes) return { kind: 'foreign' }
  if (functionCode === READ_COILS) {
    if (answer[1] !== answerBytes - 2) return { kind: 'foreign' }
    const bit = (index: number): boolean =>
      (((answer[2 + (index >> 3)] ?? 0) >> (index & 7)) & 1) === 1
    return { kind: 'coils', values: run.values.map((_, index) => bit(index)) }
  }
  const echoes = answer.every((byte, index) => byte === pdu[index])
  return echoes ? { kind: 'done' } : { kind: 'foreign' }
}
