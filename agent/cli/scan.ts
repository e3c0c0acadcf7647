// `scan`: looks for units on a line, address by address, and says who answered. Decides the order of speeds and parities, and
// what the findings mean in words; asks one harmless read and never writes, never address 0.

import { exceptionWords } from '#drivers/commissioning/exception-words.ts'
import type { Location } from '#drivers/commissioning/reference.ts'
import { parseReference } from '#drivers/commissioning/reference.ts'
import {
  type FoundUnit,
  type ScanReport,
  scanLine,
  UNIT_ID_MAX,
  UNIT_ID_MIN,
} from '#drivers/commissioning/scan.ts'
import { FUNCTION_OF } from '#drivers/modbus/request.ts'
import type { BusSettings, Table } from '#drivers/profile.ts'
import type { ClientOptions } from './client-options.ts'
import { CommandError, EXIT } from './exit-code.ts'
import { type Output, printable, printJson, table } from './output.ts'
import { checkForce, claimLine, type ForceOptions } from './probe-guard.ts'
import {
  type CharacterFrame,
  FRAME_DEFAULT,
  type LineChoice,
  lineOf,
  lineWords,
  type Parity,
} from './probe-line.ts'
import { openLine } from './probe-open.ts'
import { counted, span } from './wording.ts'

export interface ScanOptions extends ClientOptions, LineChoice, ForceOptions {
  readonly from?: number
  readonly to?: number
  readonly baud?: readonly number[]
  readonly parity?: readonly Parity[]
  /** How long an answer may take, ms. */
  readonly timeout?: number
  readonly table?: Table
  readonly address?: number
  readonly reference?: string
}

/** Where progress is shown; the process's stderr, or a test's. */
export type ProgressStream = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>

/** A slow instrument takes some 300 ms, a converter's way there and back as much again. */
const TIMEOUT_DEFAULT_MS = {
  'modbus-tcp': 500,
  'modbus-rtu': 300,
  'modbus-rtu-over-tcp': 600,
} as const
/** Addresses of the Modbus standard (over serial line V1.02 §2.2); up to 255 on request. */
const TO_DEFAULT = 247

/** One pass over the addresses with one speed and parity. */
interface Pass {
  readonly bus: BusSettings
  readonly report: ScanReport
}

interface Search {
  readonly from: number
  readonly to: number
  readonly location: Location
  readonly buses: readonly BusSettings[]
}

/** Scans a line; 0 when anything answered or it was interrupted, 1 when nothing did. Throws CommandError 64, 69, 75. */
export async function scan(
  options: ScanOptions,
  output: Output,
  progress: ProgressStream = process.stderr,
): Promise<number> {
  checkForce(options)
  const search = searchOf(options)
  const [first] = search.buses
  if (first === undefined) throw new CommandError(EXIT.usage, 'give at least one baud rate')
  await claimLine({ tool: 'scan', bus: first, agent: options, force: options }, output)
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const passes: Pass[] = []
  try {
    for (const bus of search.buses) {
      if (stop.signal.aborted) break
      passes.push({ bus, report: await pass(bus, search, stop.signal, progress) })
    }
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
  if (options.json === true) printJson(output, documentOf(search, passes))
  else for (const done of passes) show(done, output)
  if (stop.signal.aborted) return EXIT.ok
  if (passes.some(({ report }) => report.units.length > 0)) return EXIT.ok
  return passes.every(({ report }) => report.unreachable !== undefined)
    ? EXIT.notReachable
    : EXIT.no
}

const usage = (message: string): CommandError => new CommandError(EXIT.usage, message)

function searchOf(options: ScanOptions): Search {
  const { from = UNIT_ID_MIN, to = TO_DEFAULT } = options
  if (from < UNIT_ID_MIN || to > UNIT_ID_MAX || from > to) {
    throw usage(
      `addresses ${from} to ${to} cannot be searched; give --from and --to within ${UNIT_ID_MIN} to ${UNIT_ID_MAX} ` +
        '(0 is the broadcast, which is never sent)',
    )
  }
  if (options.host !== undefined && (options.baud ?? options.parity) !== undefined) {
    throw usage(
      '--baud and --parity go with --serial; those of a converter are set on the converter',
    )
  }
  const frames = framesOf(options)
  const probeBus = lineOf(options, FRAME_DEFAULT, 0)
  const timeoutMs = options.timeout ?? TIMEOUT_DEFAULT_MS[probeBus.protocol]
  return {
    from,
    to,
    location: locationOf(options),
    buses: frames.map((frame) => lineOf(options, frame, timeoutMs)),
  }
}

/** Every speed with every parity, as they were given. */
function framesOf({ baud, parity }: ScanOptions): CharacterFrame[] {
  return (baud ?? [FRAME_DEFAULT.baud]).flatMap((speed) =>
    (parity ?? [FRAME_DEFAULT.parity]).map((one) => ({ baud: speed, parity: one })),
  )
}

/** What every address is asked for: the first holding register, where nothing else was given. */
function locationOf({ table: area, address, reference }: ScanOptions): Location {
  if (reference === undefined) return { table: area ?? 'holding_register', address: address ?? 0 }
  if (address !== undefined)
    throw usage('give the register by --address or by --reference, not both')
  const parsed = parseReference(reference, area)
  if (!parsed.ok) throw usage(parsed.problem)
  return parsed.location
}

async function pass(
  bus: BusSettings,
  { from, to, location }: Search,
  signal: AbortSignal,
  progress: ProgressStream,
): Promise<ScanReport> {
  const line = await openLine(bus)
  const bar = progressBar(bus, { from, to }, progress)
  try {
    return await scanLine({
      line,
      protocol: bus.protocol,
      from,
      to,
      timeoutMs: bus.timeoutMs,
      read: {
        functionCode: FUNCTION_OF[location.table],
        address: location.address,
        quantity: 1,
      },
      signal,
      onAsk: bar.show,
    })
  } finally {
    bar.clear()
    await line.close()
  }
}

/** A line on a terminal that is written over; nothing where there is none. */
function progressBar(
  bus: BusSettings,
  { from, to }: Pick<Search, 'from' | 'to'>,
  stream: ProgressStream,
) {
  if (stream.isTTY !== true) return { show: () => {}, clear: () => {} }
  const ERASE = '\r\u001b[K'
  return {
    show: (unitId: number, found: number) => {
      const left = span((to - unitId + 1) * bus.timeoutMs)
      const words = `${lineWords(bus)}: address ${unitId} of ${from} to ${to}, ${found} found, at most ${left} left`
      stream.write(`${ERASE}${printable(words)} (Ctrl-C ends it)`)
    },
    clear: () => void stream.write(ERASE),
  }
}

function show({ bus, report }: Pass, output: Output): void {
  const { units, asked, interrupted, unreachable } = report
  output.data(
    printable(
      `${lineWords(bus)}: ${counted(units.length, 'unit')} found, ${counted(asked, 'address', 'addresses')} asked` +
        (interrupted ? ', interrupted' : ''),
    ),
  )
  if (units.length > 0) {
    const rows = units.map((unit) => [String(unit.unitId), latencyOf(unit), findingWords(unit)])
    output.data(table([['UNIT', 'ANSWER', ''], ...rows]))
  }
  const remark = remarkOf(bus, report)
  if (remark !== undefined) output.talk(printable(remark))
  if (unreachable !== undefined) output.talk(printable(`The line was given up: ${unreachable}.`))
}

const latencyOf = ({ latencyMs, lateMs }: FoundUnit): string => {
  const ms = latencyMs ?? lateMs
  return ms === undefined ? '-' : `${Math.round(ms)} ms`
}

/** What is known of a unit that was found. */
export function findingWords(unit: FoundUnit): string {
  const { answered, damaged, exceptionCode, lateMs } = unit
  if (answered === 0 && damaged > 0) {
    return 'every answer came damaged: two units may share this address, or speed and parity differ; unplug one and look again'
  }
  if (damaged > 0) {
    return `${damaged} of ${answered + damaged} answers came damaged: two units may share this address, or the line is noisy`
  }
  if (lateMs !== undefined) return 'answered too late; search with a longer --timeout'
  if (exceptionCode === undefined) return 'answered'
  const { name } = exceptionWords(exceptionCode)
  return `answered with exception ${exceptionCode} (${name}): it is there, and has no such register`
}

function remarkOf(bus: BusSettings, { suspicion, units }: ScanReport): string | undefined {
  if (suspicion === 'settings') {
    return (
      'Nearly everything came damaged: baud rate or parity is probably not that of the instruments; ' +
      'try others with --baud and --parity.'
    )
  }
  if (suspicion === 'ignores_unit') {
    return 'Every address answered: this is one instrument that does not look at the unit id.'
  }
  if (units.length > 0) return undefined
  switch (bus.protocol) {
    case 'modbus-rtu':
      return 'Nothing answered: check power, A and B (swap them), then other speeds (--baud 9600,19200,38400 --parity none,even).'
    case 'modbus-rtu-over-tcp':
      return 'Nothing answered: check power, A and B (swap them), and the baud rate and parity on the converter.'
    case 'modbus-tcp':
      return 'Connected, but no address answered: if this is a transparent converter, use --protocol modbus-rtu-over-tcp.'
  }
}

function documentOf({ from, to, location }: Search, passes: readonly Pass[]) {
  return {
    from,
    to,
    ...location,
    passes: passes.map(({ bus, report }) => {
      const { id: _, retries: __, lateReplyMs: ___, ...line } = bus
      const { units, ...rest } = report
      return {
        line,
        ...rest,
        units: units.map((unit) => ({ ...unit, words: findingWords(unit) })),
      }
    }),
  }
}
