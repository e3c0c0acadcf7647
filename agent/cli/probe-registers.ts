// `probe --host … | --serial …`: asks one unit for some registers, once or several times, and shows them in every type and
// byte order. Decides what was meant by the options and when asking on is pointless; judges no value.

import { diagnose, receivedBytes } from '#drivers/commissioning/diagnosis.ts'
import { exceptionWords } from '#drivers/commissioning/exception-words.ts'
import { interpretBits, interpretRegisters } from '#drivers/commissioning/interpret.ts'
import type { Asked, Line } from '#drivers/commissioning/line.ts'
import { rtuReplies } from '#drivers/commissioning/overheard.ts'
import { type Location, parseReference, referenceOf } from '#drivers/commissioning/reference.ts'
import {
  BITS_MAX,
  FUNCTION_OF,
  isBitFunction,
  REGISTERS_MAX,
  type ReadRequest,
} from '#drivers/modbus/request.ts'
import type { BusSettings } from '#drivers/profile.ts'
import { CommandError, EXIT } from './exit-code.ts'
import { type Output, printable, printJson } from './output.ts'
import type { ProbeOptions } from './probe.ts'
import { claimLine } from './probe-guard.ts'
import { FRAME_DEFAULT, lineOf, lineWords } from './probe-line.ts'
import { openLine } from './probe-open.ts'
import {
  bitsText,
  frameDocuments,
  frameLines,
  latenciesOf,
  latencyWords,
  rangeWords,
  registersText,
} from './probe-text.ts'

const TIMEOUT_DEFAULT_MS = 1000
const UNIT_ID_MAX = 255
const ADDRESS_MAX = 65_535
/** Requests of one probe at the most. */
const TIMES_MAX = 1000
/** So many silences at the start, and the rest is not asked. */
const SILENCES_MAX = 3
/** How long a late answer to the last request is listened for. */
const LATE_MS = 2000

/** What is asked, of whom. */
interface Question extends Location {
  readonly bus: BusSettings
  readonly request: ReadRequest
  readonly times: number
  readonly timeoutMs: number
}

/** Probes registers; 0 when every request was answered with data, else 1. Throws CommandError 64, 69, 75. */
export async function probeRegisters(options: ProbeOptions, output: Output): Promise<number> {
  const question = questionOf(options)
  await claimLine({ tool: 'probe', bus: question.bus, agent: options, force: options }, output)
  const line = await openLine(question.bus)
  let found: Answers
  try {
    found = await askAll(line, question)
  } finally {
    await line.close()
  }
  if (options.json === true) printJson(output, documentOf(question, found, options.frames === true))
  else show(question, found, options.frames === true, output)
  const { asked } = found
  if (asked.every(({ outcome }) => outcome.kind === 'data')) return EXIT.ok
  return asked.some(({ sentMono }) => sentMono !== undefined) ? EXIT.no : EXIT.notReachable
}

const usage = (message: string): CommandError => new CommandError(EXIT.usage, message)

/** The question in the options. Throws CommandError 64. */
function questionOf(options: ProbeOptions): Question {
  const { timeout: timeoutMs = TIMEOUT_DEFAULT_MS, times = 1 } = options
  const { baud = FRAME_DEFAULT.baud, parity = FRAME_DEFAULT.parity } = options
  if (options.host !== undefined && (options.baud ?? options.parity) !== undefined) {
    throw usage(
      '--baud and --parity go with --serial; those of a converter are set on the converter',
    )
  }
  const bus = lineOf(options, { baud, parity }, timeoutMs)
  const unitId = options.unit ?? (bus.protocol === 'modbus-tcp' ? 1 : undefined)
  if (unitId === undefined) {
    throw usage(
      'give the unit id that is set on the instrument: --unit N (scan finds those that answer)',
    )
  }
  if (unitId > UNIT_ID_MAX)
    throw usage(`--unit ${unitId} is none; unit ids are 0 to ${UNIT_ID_MAX}`)
  if (unitId === 0 && bus.protocol !== 'modbus-tcp')
    throw usage('--unit 0 is everybody on a serial line, and nobody answers; give 1 to 247')
  if (times < 1 || times > TIMES_MAX) throw usage(`--times is 1 to ${TIMES_MAX}`)
  const location = locationOf(options)
  const functionCode = FUNCTION_OF[location.table]
  const quantity = countOf(options, location)
  const request = { unitId, functionCode, address: location.address, quantity }
  return { ...location, bus, request, times, timeoutMs }
}

function locationOf({ table, address, reference }: ProbeOptions): Location {
  if ((address === undefined) === (reference === undefined)) {
    throw usage(
      'give the register either as --table TABLE --address N (zero-based, as on the wire) or as --reference 40001',
    )
  }
  if (reference !== undefined) {
    const parsed = parseReference(reference, table)
    if (!parsed.ok) throw usage(parsed.problem)
    return parsed.location
  }
  if (table === undefined || address === undefined) {
    throw usage('--address needs its table: --table input_register, or holding_register')
  }
  if (address > ADDRESS_MAX) {
    throw usage(
      `--address ${address} is beyond ${ADDRESS_MAX}; a number such as 400001 is a reference: --reference ${address}`,
    )
  }
  return { table, address }
}

function countOf({ count }: ProbeOptions, { table, address }: Location): number {
  const bits = isBitFunction(FUNCTION_OF[table])
  const room = ADDRESS_MAX + 1 - address
  const most = Math.min(bits ? BITS_MAX : REGISTERS_MAX, room)
  const wanted = count ?? Math.min(bits ? 1 : 2, room)
  if (wanted < 1 || wanted > most) {
    throw usage(
      `--count ${wanted} cannot be asked of ${table} ${address} at once; it may be 1 to ${most}`,
    )
  }
  return wanted
}

interface Answers {
  readonly asked: readonly Asked[]
  /** An answer came after its time: so late, ms. */
  readonly lateMs?: number
}

async function askAll(line: Line, { bus, request, times, timeoutMs }: Question): Promise<Answers> {
  const asked: Asked[] = []
  let lateMs: number | undefined
  while (asked.length < times) {
    const one = await line.ask(request, timeoutMs)
    asked.push(one)
    const { kind } = one.outcome
    if (kind === 'unreachable' && one.sentMono === undefined) break
    if (kind !== 'timeout') continue
    const silent = asked.every(({ outcome }) => outcome.kind === 'timeout')
    const isLast = asked.length === times || (silent && asked.length >= SILENCES_MAX)
    // Where replies carry no id, a late one would be taken for the answer to the next request.
    lateMs ??= lateAnswer(one, await line.listen(isLast ? LATE_MS : bus.lateReplyMs), bus)
    if (isLast) break
  }
  return { asked, ...(lateMs !== undefined && { lateMs }) }
}

/** How long after its request an answer came that had missed its time. */
function lateAnswer(
  { request, sentMono }: Asked,
  passages: Asked['passages'],
  { protocol }: BusSettings,
): number | undefined {
  const first = passages.find(({ direction }) => direction === 'received')
  if (first === undefined || sentMono === undefined) return undefined
  const mine =
    protocol === 'modbus-tcp' ||
    rtuReplies(receivedBytes(passages)).some(({ unitId }) => unitId === request.unitId)
  return mine ? Math.round(first.mono - sentMono) : undefined
}

/** One word for how it went, and what to do: of the last request that failed. */
function problemOf({ bus, timeoutMs }: Question, { asked, lateMs }: Answers): string | undefined {
  const failed = asked.findLast(({ outcome }) => outcome.kind !== 'data')
  if (failed === undefined) return undefined
  if (failed.outcome.kind === 'timeout' && lateMs !== undefined) {
    return (
      `no answer within ${timeoutMs} ms, but one came after ${lateMs} ms; the instrument or gateway is slow: ` +
      'probe with a longer --timeout, and give the bus a longer timeout in the configuration'
    )
  }
  return diagnose(failed, bus.protocol, timeoutMs)
}

function show(question: Question, answers: Answers, frames: boolean, output: Output): void {
  const { table, address, bus, request, times } = question
  const { asked } = answers
  const { quantity, unitId } = request
  const what = `${lineWords(bus)}, unit ${unitId}, ${rangeWords(table, address, quantity)}`
  output.data(printable(what))
  if (frames) for (const one of asked) for (const frame of frameLines(one)) output.data(frame)
  const problem = problemOf(question, answers)
  const data = dataOf(answers)
  if (data !== undefined) {
    output.data(latencyWords(asked))
    output.data(
      isBitFunction(request.functionCode)
        ? bitsText(table, data, address, quantity)
        : registersText(table, interpretRegisters(data, address, Date.now()), output.style),
    )
  }
  if (problem === undefined) return
  if (data === undefined && asked.length > 1) output.data(latencyWords(asked))
  output.talk(printable(`${capital(problem)}.`))
  if (asked.length < times) output.talk(`Asked ${asked.length} of ${times} times only.`)
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** Data of the last request that brought any. */
function dataOf({ asked }: Answers): Uint8Array | undefined {
  for (const { outcome } of asked.toReversed()) if (outcome.kind === 'data') return outcome.data
  return undefined
}

function documentOf(question: Question, answers: Answers, frames: boolean) {
  const { table, address, bus, request, times, timeoutMs } = question
  const { asked, lateMs } = answers
  const data = dataOf(answers)
  const problem = problemOf(question, answers)
  const latencyMs = latenciesOf(asked)
  const refusal = asked.findLast(({ outcome }) => outcome.kind === 'exception')?.outcome
  const { id: _, retries: __, lateReplyMs: ___, timeoutMs: ____, ...line } = bus
  return {
    line,
    unitId: request.unitId,
    table,
    address,
    reference: referenceOf({ table, address }),
    count: request.quantity,
    timeoutMs,
    times,
    asked: asked.length,
    answered: asked.filter(({ outcome }) => outcome.kind === 'data').length,
    outcomes: asked.map(({ outcome }) => outcome.kind),
    ...(latencyMs !== undefined && { latencyMs }),
    ...(lateMs !== undefined && { lateMs }),
    ...(refusal?.kind === 'exception' && { exception: exceptionWords(refusal.code) }),
    ...(problem !== undefined && { problem }),
    ...(data !== undefined &&
      (isBitFunction(request.functionCode)
        ? { bits: interpretBits(data, address, request.quantity) }
        : interpretRegisters(data, address, Date.now()))),
    ...(frames && { frames: frameDocuments(asked) }),
  }
}
