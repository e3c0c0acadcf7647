// `probe` and `scan` on the command line: options, help and examples. Parses and nothing else; their files are loaded when
// they are called.

import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '#core/time.ts'
import type { ProbeOptions } from './probe.ts'
import { PARITIES, type Parity, PROTOCOLS, TABLE_NAMES } from './probe-line.ts'
import type { ProgramContext } from './program.ts'
import type { ScanOptions } from './scan.ts'

/** What the tree of commands lends to the two. */
export interface CommandKit {
  readonly withTarget: (command: Command) => Command
  readonly example: (...lines: string[]) => string
}

/** Adds both commands to the tree. */
export function addCommissioningCommands(
  program: Command,
  { io, exit }: ProgramContext,
  { withTarget, example }: CommandKit,
): void {
  withForce(withRegister(withLine(withTarget(program.command('probe')))))
    .description('Ask one instrument, and show its registers in every type and byte order.')
    .option('-i, --instrument <id>', 'all that the profile of this configured instrument declares')
    .option('--unit <number>', 'unit id set on the instrument; 1 on modbus-tcp', whole)
    .option('--count <number>', 'how many registers or bits, usually 2 registers', whole)
    .option('--times <number>', 'how often, to see how long answers take', whole)
    .option('--baud <rate>', 'usually 19200', whole)
    .addOption(new Option('--parity <parity>', 'usually even').choices(PARITIES))
    .option('--frames', 'show the bytes that went out and came in')
    .addHelpText('after', `\n${PROBE_NOTES}\n${example(...PROBE_EXAMPLES)}`)
    .action(async (options: ProbeOptions) => {
      const { probe } = await import('./probe.ts')
      exit(await probe(options, io.output))
    })
  withForce(withRegister(withLine(withTarget(program.command('scan')))))
    .description('Find the units on a line, or the serial adapters of this machine.')
    .addArgument(
      new Argument('[what]', 'adapters: list the serial adapters and who holds them').choices([
        'adapters',
      ]),
    )
    .option('--from <number>', 'first address, usually 1', whole)
    .option('--to <number>', 'last address, usually 247', whole)
    .option('--baud <rates>', 'one or several, with commas; usually 19200', rates)
    .option('--parity <parities>', 'one or several, with commas; usually even', parities)
    .addHelpText('after', `\n${SCAN_NOTES}\n${example(...SCAN_EXAMPLES)}`)
    .action(async (what: 'adapters' | undefined, options: ScanOptions) => {
      if (what === 'adapters') {
        const { scanAdapters } = await import('./scan-adapters.ts')
        return exit(await scanAdapters(options, io.output))
      }
      const { scan } = await import('./scan.ts')
      exit(await scan(options, io.output))
    })
}

const withLine = (command: Command): Command =>
  command
    .option('--host <host>', 'instrument, gateway or converter on the network')
    .option('--port <number>', 'its port; 502 on modbus-tcp', port)
    .option('--serial <path>', 'serial port, such as /dev/serial/by-id/…')
    .addOption(
      new Option('--protocol <protocol>', 'usually modbus-tcp or modbus-rtu').choices(PROTOCOLS),
    )
    .addOption(
      new Option('--stop <bits>', 'stop bits, usually 1').choices(['1', '2']).argParser(oneOrTwo),
    )
    .addOption(
      new Option('--data-bits <bits>', 'usually 8').choices(['7', '8']).argParser(sevenOrEight),
    )
    .option('--timeout <duration>', 'how long an answer may take', duration)

const withRegister = (command: Command): Command =>
  command
    .addOption(new Option('--table <table>', 'which registers').choices(TABLE_NAMES))
    .option('--address <number>', 'the first one, zero-based as on the wire', whole)
    .option('--reference <number>', 'the same as manuals print it: 40001, 400001, 4x0001')

const withForce = (command: Command): Command =>
  command
    .option('--force', 'although an agent uses the line; recorded in its journal')
    .option('-r, --reason <text>', 'why, with --force')

const PROBE_NOTES = `With --instrument everything comes from the configuration; else name a line (--host or --serial), a
register (--table and --address, or --reference) and a unit. Exit code 0: answered (and nothing bad
with --instrument); 1: no answer, an exception, or something bad; 69: not reachable; 75: in use.`

const PROBE_EXAMPLES = [
  'probe --config plant.yaml --instrument dp-b101',
  'probe --host 10.0.0.11 --table holding_register --address 0 --count 4 --frames',
  'probe --serial /dev/serial/by-id/usb-FTDI_A1-if00-port0 --baud 9600 --unit 43 --reference 31215',
]

const SCAN_NOTES = `Every address is asked for one register; an exception is an answer, too. Nothing is ever written.
Exit code 0: something answered, or Ctrl-C ended it; 1: nothing did; 69: not reachable; 75: in use.`

const SCAN_EXAMPLES = [
  'scan adapters',
  'scan --serial /dev/serial/by-id/usb-FTDI_A1-if00-port0 --baud 9600,19200 --parity none,even',
  'scan --host 10.0.0.12 --port 4001 --protocol modbus-rtu-over-tcp --from 1 --to 50',
]

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

const PORT_MAX = 65_535

function port(text: string): number {
  const number = whole(text)
  if (number < 1 || number > PORT_MAX)
    throw new InvalidArgumentError(`Give a port from 1 to ${PORT_MAX}.`)
  return number
}

const BAUD_MIN = 300
const BAUD_MAX = 1_000_000
/** Each takes minutes; nobody wants more. */
const VARIANTS_MAX = 12

function rates(text: string): number[] {
  const all = text.split(',').map(whole)
  if (all.length > VARIANTS_MAX || all.some((rate) => rate < BAUD_MIN || rate > BAUD_MAX))
    throw new InvalidArgumentError(`Give baud rates from ${BAUD_MIN} to ${BAUD_MAX}, with commas.`)
  return all
}

function parities(text: string): Parity[] {
  const all = text.split(',').map((name) => PARITIES.find((parity) => parity === name))
  const known = all.filter((parity) => parity !== undefined)
  if (known.length !== all.length || known.length > PARITIES.length)
    throw new InvalidArgumentError(`Give some of ${PARITIES.join(', ')}, with commas.`)
  return known
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms === 0)
    throw new InvalidArgumentError('Give a number and a unit: 250ms 1s.')
  return ms
}

const oneOrTwo = (text: string): 1 | 2 => {
  if (text !== '1' && text !== '2') throw new InvalidArgumentError('Give 1 or 2.')
  return text === '1' ? 1 : 2
}

const sevenOrEight = (text: string): 7 | 8 => {
  if (text !== '7' && text !== '8') throw new InvalidArgumentError('Give 7 or 8.')
  return text === '7' ? 7 : 8
}
