// `probe --config FILE --instrument ID`: reads everything that the profile declares of one configured instrument, and says
// what the agent would make of it. Decides what of it makes the answer no; accepts and changes no configuration.

import type { Configuration } from '#config/configuration.ts'
import { formatFinding, loadConfiguration } from '#config/load.ts'
import type { Instrument } from '#core/point.ts'
import { diagnose } from '#drivers/commissioning/diagnosis.ts'
import {
  checkInstrument,
  type Datum,
  type InstrumentReadings,
  type ObjectDatum,
} from '#drivers/commissioning/instrument-check.ts'
import type { Asked } from '#drivers/commissioning/line.ts'
import { hexOf } from '#drivers/commissioning/overheard.ts'
import { referenceOf } from '#drivers/commissioning/reference.ts'
import type { BusSettings, InstrumentSettings, RegisterSpec } from '#drivers/profile.ts'
import { isSameSerial } from '../runtime/identity.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { INSTALLED_CONFIG } from './client-options.ts'
import { CommandError, EXIT } from './exit-code.ts'
import { type Output, printable, printJson, table } from './output.ts'
import type { ProbeOptions } from './probe.ts'
import { claimLine } from './probe-guard.ts'
import { type Judged, judgeSignals } from './probe-judgement.ts'
import { lineWords } from './probe-line.ts'
import { openLine } from './probe-open.ts'
import { frameDocuments, frameLines, latenciesOf, latencyWords } from './probe-text.ts'

interface Subject {
  readonly timeoutMs: number
  readonly configuration: Configuration
  readonly settings: InstrumentSettings
  readonly instrument: Instrument
  readonly bus: BusSettings
}

interface Outcome {
  readonly subject: Subject
  readonly readings: InstrumentReadings
  readonly signals: readonly Judged[]
  /** What makes the answer no, in words; empty when it is yes. */
  readonly faults: readonly string[]
}

/** Probes an instrument; 0 when all was read and judged good or uncertain, else 1. Throws CommandError 64, 69, 75, 78. */
export async function probeInstrument(
  options: ProbeOptions & { readonly instrument: string },
  output: Output,
): Promise<number> {
  const file = fileOf(options)
  const subject = subjectOf(file, options, output)
  const { bus, settings } = subject
  const agent = { ...options, config: file }
  await claimLine({ tool: 'probe', bus, agent, force: options }, output)
  const line = await openLine(bus)
  let readings: InstrumentReadings
  try {
    readings = await checkInstrument({
      line,
      clock: systemClock(),
      instrument: settings,
      timeoutMs: subject.timeoutMs,
      lateReplyMs: bus.lateReplyMs,
    })
  } finally {
    await line.close()
  }
  const signals = judgeSignals(readings, subject.configuration.plant, subject.instrument)
  const outcome = { subject, readings, signals, faults: faultsOf(subject, readings, signals) }
  if (options.json === true) printJson(output, documentOf(outcome, options.frames === true))
  else show(outcome, options.frames === true, output)
  return outcome.faults.length === 0 ? EXIT.ok : EXIT.no
}

const fileOf = ({ config }: ProbeOptions): string =>
  config ?? (process.env['CLEANROOM_AGENT_CONFIG'] || INSTALLED_CONFIG)

function subjectOf(
  file: string,
  { instrument: id, timeout }: ProbeOptions,
  output: Output,
): Subject {
  const loaded = loadConfiguration(file)
  if (!loaded.ok) {
    for (const finding of loaded.findings) output.talk(printable(formatFinding(finding)))
    throw new CommandError(EXIT.configuration, `${file} is refused; mend what is said above`)
  }
  const { configuration } = loaded
  const settings = configuration.instruments.find((candidate) => candidate.id === id)
  const instrument = configuration.plant.instruments.find((candidate) => candidate.id === id)
  const bus = configuration.buses.find((candidate) => candidate.id === settings?.bus)
  if (settings === undefined || instrument === undefined || bus === undefined) {
    const known = configuration.instruments.map((candidate) => candidate.id).join(', ')
    throw new CommandError(EXIT.usage, `${file} has no instrument ${id}; it has ${known}`)
  }
  return { configuration, settings, instrument, bus, timeoutMs: timeout ?? bus.timeoutMs }
}

/** Everything that makes the answer no: what could not be read, what is bad, a serial number that differs. */
function faultsOf(
  { instrument, bus, timeoutMs }: Subject,
  { data, asked, sample, objects }: InstrumentReadings,
  signals: readonly Judged[],
): string[] {
  if (!asked.some(({ outcome }) => outcome.kind === 'data' || outcome.kind === 'exception')) {
    const first = asked[0]
    return [(first && diagnose(first, bus.protocol, timeoutMs)) ?? 'nothing was asked']
  }
  const used = signals.filter(({ point }) => point !== undefined)
  const counted = used.length === 0 ? signals : used
  const bad = counted
    .filter(({ quality, doubtful }) => quality === 'bad' || doubtful === true)
    .map(({ point, spec, words }) => `${point ?? spec.name}: ${words.replace(/^bad: /, '')}`)
  const unread = data
    .filter(({ role, result }) => role !== 'signal' && role !== 'sample' && result.kind === 'fault')
    .map(
      ({ name, spec, result }) =>
        `${name} (${placeOf(spec)}) cannot be read: ${faultWords(result)}`,
    )
  const record = sample?.kind === 'fault' ? [`record: ${faultWords(sample.fault)}`] : []
  const untold = objects.flatMap(({ name, object, fault }) =>
    fault === undefined
      ? []
      : [`${name} (${objectWords(object)}) cannot be read: ${faultWords(fault)}`],
  )
  return [...bad, ...unread, ...untold, ...record, ...serialFault(instrument, { data, objects })]
}

const faultWords = (result: Datum['result']): string =>
  result.kind === 'value'
    ? 'good'
    : `${result.reason}${result.exceptionCode === undefined ? '' : ` ${result.exceptionCode}`}`

function serialFault(
  { serial }: Instrument,
  { data, objects }: Pick<InstrumentReadings, 'data' | 'objects'>,
): string[] {
  const read = data.find(({ role, name }) => role === 'identify' && name === 'serial')
  const object = objects.find(({ name }) => name === 'serial')
  if (serial === undefined) return []
  if (object !== undefined && object.fault === undefined && object.text === undefined) {
    return [`the instrument tells no serial number, the configuration says ${serial}`]
  }
  const found = object?.text ?? (read?.result.kind === 'value' ? shownOf(read) : undefined)
  return found === undefined || isSameSerial(serial, found)
    ? []
    : [
        `the serial number is ${found}, the configuration says ${serial}: another instrument, or a wrong unit id`,
      ]
}

const objectWords = (object: number): string => `object ${object} of function 43/14`

const placeOf = (spec: RegisterSpec): string =>
  `${spec.table} ${spec.address}, reference ${referenceOf(spec)}`

/** A datum as people read it: its text, or its number. */
const shownOf = ({ text, result }: Datum): string =>
  text ?? (result.kind === 'value' ? String(result.value) : faultWords(result))

const rawOf = ({ raw }: Datum['result']): string =>
  raw === undefined ? '-' : hexOf(raw).replaceAll(/(\S\S) (\S\S)/g, '$1$2')

function show({ subject, readings, signals, faults }: Outcome, frames: boolean, output: Output) {
  const { settings, bus } = subject
  const { profile, unitId, id } = settings
  const { asked, data, objects } = readings
  const { manufacturer, model } = profile
  const title = [
    `${id} `,
    manufacturer,
    model,
    `(profile ${profile.id}), unit ${unitId} on ${bus.id},`,
  ]
  const known = title.filter((part) => part !== undefined)
  output.data(printable([...known, lineWords(bus)].join(' ')))
  output.data(latencyWords(asked))
  if (!profile.source.confirmedOnHardware) {
    output.talk(
      `The profile ${profile.id} has not been confirmed on hardware; compare with the display.`,
    )
  }
  if (frames) showFrames(asked, output)
  const rows = signals.map((judged) => signalRow(judged, output))
  output.data(`\n${table([SIGNAL_HEADS, ...rows])}`)
  const others = data.filter(({ role }) => role !== 'signal')
  const rest = [...others.map((datum) => otherRow(datum, readings)), ...objects.map(objectRow)]
  if (rest.length > 0) output.data(`\n${table([OTHER_HEADS, ...rest])}`)
  for (const line of recordLines(readings)) output.data(line)
  for (const fault of faults) output.talk(output.style(['bold', 'yellow'], printable(fault)))
}

function showFrames(asked: readonly Asked[], output: Output): void {
  for (const one of asked) for (const frame of frameLines(one)) output.data(frame)
}

const SIGNAL_HEADS = ['SIGNAL', 'POINT', 'REGISTER', 'RAW', 'DECODED', 'VALUE', 'QUALITY']

function signalRow({ spec, point, result, value, unit, quality, words }: Judged, output: Output) {
  return [
    spec.name,
    point ?? '-',
    placeOf(spec),
    rawOf(result),
    result.kind === 'value' ? `${spec.type} ${spec.byteOrder} ${result.value}` : '-',
    value === undefined ? '-' : `${value} ${unit}`,
    quality === 'good' ? words : output.style('yellow', words),
  ]
}

const OTHER_HEADS = ['', 'REGISTER', 'RAW', 'DECODED', '']

function otherRow(datum: Datum, { complaints }: InstrumentReadings): string[] {
  const { name, spec, result } = datum
  const found = complaints.get(name)
  const words = found === undefined ? '' : found.length === 0 ? 'no fault' : found.join(', ')
  return [name, placeOf(spec), rawOf(result), printable(shownOf(datum)), words]
}

const objectRow = ({ name, object, text, fault }: ObjectDatum): string[] => [
  name,
  objectWords(object),
  '-',
  printable(text ?? (fault === undefined ? 'not told' : faultWords(fault))),
  '',
]

function recordLines({ sample }: InstrumentReadings): string[] {
  if (sample?.kind !== 'sample') return []
  const { identity, durationMs, counts, faults, litres, flowLpm } = sample.sample
  const words = [
    `record ${identity}`,
    `${durationMs / 1000} s`,
    ...(litres === undefined ? [] : [`${litres} L`]),
    ...(flowLpm === undefined ? [] : [`${flowLpm} L/min`]),
    ...Object.entries(counts).map(([name, count]) => `${name} ${count}`),
    faults.length === 0 ? 'no fault' : faults.join(', '),
  ]
  return ['', words.join('; ')]
}

function documentOf({ subject, readings, signals, faults }: Outcome, frames: boolean) {
  const { settings, bus } = subject
  const { data, sample, complaints, asked, objects } = readings
  const latencyMs = latenciesOf(asked)
  return {
    ok: faults.length === 0,
    faults,
    instrument: settings.id,
    profile: settings.profile.id,
    confirmedOnHardware: settings.profile.source.confirmedOnHardware,
    unitId: settings.unitId,
    bus,
    ...(latencyMs !== undefined && { latencyMs }),
    signals: signals.map(
      ({ spec, point, result, value, unit, quality, reason, words, doubtful }) => ({
        signal: spec.name,
        ...(point !== undefined && { point }),
        ...registerDocument(spec, result),
        ...(value !== undefined && { value }),
        unit,
        quality,
        ...(reason !== undefined && { reason }),
        ...(doubtful !== undefined && { doubtful }),
        words,
      }),
    ),
    others: data
      .filter(({ role }) => role !== 'signal')
      .map(({ role, name, spec, result, text }) => ({
        role,
        name,
        ...registerDocument(spec, result),
        ...(text !== undefined && { text }),
        ...(complaints.has(name) && { complaints: complaints.get(name) }),
      })),
    ...(objects.length > 0 && {
      objects: objects.map(({ name, object, text, fault }) => ({
        name,
        object,
        ...(text !== undefined && { text }),
        ...(fault !== undefined && { fault: faultWords(fault) }),
      })),
    }),
    ...(sample?.kind === 'sample' && {
      record: { ...sample.sample, raw: hexOf(sample.sample.raw) },
    }),
    ...(frames && { frames: frameDocuments(asked) }),
  }
}

const registerDocument = (spec: RegisterSpec, result: Datum['result']) => ({
  table: spec.table,
  address: spec.address,
  reference: referenceOf(spec),
  type: spec.type,
  byteOrder: spec.byteOrder,
  ...(result.raw !== undefined && { raw: rawOf(result) }),
  ...(result.kind === 'value'
    ? { decoded: Number.isFinite(result.value) ? result.value : null }
    : {
        fault: result.reason,
        ...(result.exceptionCode !== undefined && { exceptionCode: result.exceptionCode }),
      }),
})
