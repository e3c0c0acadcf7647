// From the options of `probe` and `scan` to the line they ask on. Decides defaults (those of the configuration, docs) and
// refuses what does not fit together in words; opens nothing.

import type { BusSettings, Table } from '#drivers/profile.ts'
import { CommandError, EXIT } from './exit-code.ts'

export const PROTOCOLS = ['modbus-tcp', 'modbus-rtu', 'modbus-rtu-over-tcp'] as const
export type Protocol = (typeof PROTOCOLS)[number]

export const PARITIES = ['none', 'even', 'odd'] as const
export type Parity = (typeof PARITIES)[number]

/** Written out here as in drivers/profile.ts, so that parsing the command line loads no driver. */
export const TABLE_NAMES = [
  'coil',
  'discrete_input',
  'input_register',
  'holding_register',
] as const satisfies readonly Table[]

/** How the line is named on the command line. */
export interface LineChoice {
  readonly host?: string
  readonly port?: number
  readonly serial?: string
  readonly protocol?: Protocol
  readonly dataBits?: 7 | 8
  readonly stop?: 1 | 2
}

/** Speed and parity; the rest of a line's settings stays while they are varied. */
export interface CharacterFrame {
  readonly baud: number
  readonly parity: Parity
}

/** As in the configuration: those of the Modbus standard (Modbus over serial line V1.02 §2.5.1). */
export const FRAME_DEFAULT: CharacterFrame = { baud: 19_200, parity: 'even' }

const PORT_DEFAULT = 502
const TURNAROUND_MS = 20
const LATE_REPLY_MS = {
  'modbus-tcp': 0,
  'modbus-rtu': 2000,
  'modbus-rtu-over-tcp': 10_000,
} as const

const usage = (message: string): CommandError => new CommandError(EXIT.usage, message)

/** The line that was named. Throws CommandError 64 where none, two, or one that cannot be. */
export function lineOf(
  choice: LineChoice,
  { baud, parity }: CharacterFrame,
  timeoutMs: number,
): BusSettings {
  const { host, serial } = choice
  const protocol = protocolOf(choice)
  const common = { id: 'line', timeoutMs, retries: 0, lateReplyMs: LATE_REPLY_MS[protocol] }
  if (protocol === 'modbus-rtu') {
    const { dataBits = 8, stop: stopBits = 1 } = choice
    if (serial === undefined) throw usage('modbus-rtu needs a serial port: --serial PATH')
    return {
      ...common,
      protocol,
      path: serial,
      baudRate: baud,
      dataBits,
      parity,
      stopBits,
      turnaroundMs: TURNAROUND_MS,
    }
  }
  if (host === undefined) throw usage(`${protocol} needs an address: --host HOST`)
  if (protocol === 'modbus-tcp') {
    return { ...common, protocol, host, port: choice.port ?? PORT_DEFAULT }
  }
  if (choice.port === undefined) {
    throw usage('a converter has no usual port; give it with --port (4001 and 8899 are common)')
  }
  return { ...common, protocol, host, port: choice.port, turnaroundMs: TURNAROUND_MS }
}

function protocolOf({ host, port, serial, protocol, dataBits, stop }: LineChoice): Protocol {
  if (host === undefined && serial === undefined) {
    throw usage('name the line: --host HOST [--port PORT], or --serial PATH')
  }
  if (host !== undefined && serial !== undefined) {
    throw usage('--host and --serial name two lines; give one of them')
  }
  const usual = serial === undefined ? 'modbus-tcp' : 'modbus-rtu'
  const chosen = protocol ?? usual
  if (serial !== undefined && chosen !== 'modbus-rtu') {
    throw usage(`${chosen} goes over the network; give --host in place of --serial`)
  }
  if (serial !== undefined && port !== undefined) throw usage('--port goes with --host')
  if (serial === undefined && (dataBits !== undefined || stop !== undefined)) {
    throw usage(
      'the line settings of a converter are set on the converter; leave out --baud, --parity, --stop and --data-bits',
    )
  }
  return chosen
}

/** Where a line leads, for people: `10.0.0.11:502` or the device path. */
export const addressOf = (bus: BusSettings): string =>
  bus.protocol === 'modbus-rtu' ? bus.path : `${bus.host}:${bus.port}`

/** A line in words: `10.0.0.11:502 modbus-tcp`, `/dev/ttyUSB0 19200 8E1`. */
export function lineWords(bus: BusSettings): string {
  if (bus.protocol !== 'modbus-rtu') return `${addressOf(bus)} ${bus.protocol}`
  return `${bus.path} ${bus.baudRate} ${bus.dataBits}${bus.parity.charAt(0).toUpperCase()}${bus.stopBits}`
}
