// `probe`: asks one instrument and shows what an installer needs. Decides which of its two forms was meant; reads and
// nothing else.

import type { Table } from '#drivers/profile.ts'
import type { ClientOptions } from './client-options.ts'
import { CommandError, EXIT } from './exit-code.ts'
import type { Output } from './output.ts'
import { checkForce, type ForceOptions } from './probe-guard.ts'
import { probeInstrument } from './probe-instrument.ts'
import type { LineChoice, Parity } from './probe-line.ts'
import { probeRegisters } from './probe-registers.ts'

export interface ProbeOptions extends ClientOptions, LineChoice, ForceOptions {
  readonly instrument?: string
  readonly unit?: number
  readonly table?: Table
  readonly address?: number
  readonly reference?: string
  readonly count?: number
  readonly times?: number
  readonly baud?: number
  readonly parity?: Parity
  /** How long an answer may take, ms. */
  readonly timeout?: number
  readonly frames?: boolean
}

/** Options that name a line or a register, which a configuration does as well. */
const REGISTER_OPTIONS = [
  'host',
  'port',
  'serial',
  'protocol',
  'baud',
  'parity',
  'stop',
  'dataBits',
  'unit',
  'table',
  'address',
  'reference',
  'count',
  'times',
] as const satisfies readonly (keyof ProbeOptions)[]

/** Probes; 0 when everything asked was answered and judged good, else 1. Throws CommandError 64, 69, 75, 77, 78. */
export async function probe(options: ProbeOptions, output: Output): Promise<number> {
  checkForce(options)
  const { instrument } = options
  if (instrument === undefined) return probeRegisters(options, output)
  const given = REGISTER_OPTIONS.find((name) => options[name] !== undefined)
  if (given !== undefined) {
    const option = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new CommandError(
      EXIT.usage,
      `--instrument takes everything from the configuration; leave out --${option}`,
    )
  }
  return probeInstrument({ ...options, instrument }, output)
}
