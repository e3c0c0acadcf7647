// Reads everything that a profile declares of one instrument once, over a commissioning line: signals, status words, the
// particle record, model and serial number. Decides what is asked together and what is tried again; judges no limit.

import type { RawSignal } from '#core/reading.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import { decoderOf, decodeText, isBitTable, widthOf } from '../modbus/decode.ts'
import { exceptionFault, exceptionKind, type Fault } from '../modbus/exception.ts'
import { type ObjectAnswer, readObjects } from '../modbus/identification.ts'
import { type PlannedRead, planReads } from '../modbus/read-plan.ts'
import type { IdentificationRequest, ModbusRequest } from '../modbus/request.ts'
import { complaintsOf, heavier, type StatusReason, underComplaint } from '../modbus/status.ts'
import { type SampleOrFault, sampleOf } from '../particle-counter/sample.ts'
import { layoutSample, PARTS } from '../particle-counter/sample-plan.ts'
import {
  type InstrumentSettings,
  isObjectSpec,
  type Profile,
  type RegisterSpec,
  type SignalSpec,
  type StatusSpec,
} from '../profile.ts'
import type { Asked, Line } from './line.ts'

/** A busy instrument is asked again after this long, so many times. */
const BUSY_PAUSE_MS: Millis = 200
const BUSY_RETRIES_MAX = 3
/** A damaged reply is asked for again once. */
const DAMAGED_RETRIES_MAX = 1

/** One thing the profile declares, and what was read of it. */
export interface Datum {
  readonly role: 'signal' | 'status' | 'sample' | 'identify'
  readonly name: string
  readonly spec: RegisterSpec
  readonly result: RawSignal
  /** Of a string. */
  readonly text?: string
}

/** Model, serial number or firmware as an object of Read Device Identification. */
export interface ObjectDatum {
  readonly name: string
  readonly object: number
  /** Absent where the instrument has no such object, or `fault` says why it could not be read. */
  readonly text?: string
  readonly fault?: Fault
}

export interface InstrumentReadings {
  readonly data: readonly Datum[]
  /** Signals as the driver would hand them on, the status words laid over them; in the profile's order. */
  readonly signals: readonly { readonly spec: SignalSpec; readonly result: RawSignal }[]
  /** What status words complain of, by the name of the status datum. */
  readonly complaints: ReadonlyMap<string, readonly StatusReason[]>
  /** The record of a particle counter, or why there is none; absent where the profile has no samples. */
  readonly sample?: SampleOrFault
  /** Objects of function 43/14 that the profile names, and what they said. */
  readonly objects: readonly ObjectDatum[]
  /** Every request in order, with its bytes. */
  readonly asked: readonly Asked[]
}

export interface CheckOptions {
  readonly line: Line
  readonly clock: Clock
  readonly instrument: InstrumentSettings
  readonly timeoutMs: Millis
  /** How long a late reply is waited for after a timeout, where it could be taken for another; 0 on modbus-tcp. */
  readonly lateReplyMs: Millis
}

type Declared = Pick<Datum, 'role' | 'name' | 'spec'>

/** Reads an instrument. Never rejects; what could not be read says why. */
export async function checkInstrument(options: CheckOptions): Promise<InstrumentReadings> {
  const { profile } = options.instrument
  const declared = declaredBy(profile)
  const reader = new Reader(options, declared)
  const results = await reader.run()
  const objects = await reader.readObjects()
  const data = declared.map((datum, index): Datum => {
    const result = results[index] ?? NOT_ASKED
    const text = textOf(datum.spec, result)
    return { ...datum, result, ...(text !== undefined && { text }) }
  })
  const statusWords = data.filter(({ role }) => role === 'status')
  return {
    data,
    signals: profile.signals.map((spec) => ({
      spec,
      result: underStatus(spec, profile.status, statusWords, resultOf(data, spec)),
    })),
    complaints: complaintsIn(data),
    ...(profile.sample !== undefined && { sample: sampleIn(profile, data) }),
    objects,
    asked: reader.asked,
  }
}

const NOT_ASKED: Fault = { kind: 'fault', reason: 'disconnected' }

/** Everything a profile declares, each thing once. */
export function declaredBy({ signals, status, sample, identify }: Profile): Declared[] {
  const words = (role: 'status' | 'sample', specs: readonly StatusSpec[]): Declared[] =>
    specs.map((spec) => ({
      role,
      name: `${role === 'status' ? 'status' : 'record status'} ${spec.address}`,
      spec,
    }))
  const parts = PARTS.flatMap((part): Declared[] => {
    const spec = sample?.[part]
    return spec === undefined ? [] : [{ role: 'sample', name: part, spec }]
  })
  const labels = Object.entries(identify ?? {}).flatMap(([name, spec]): Declared[] =>
    isObjectSpec(spec) ? [] : [{ role: 'identify', name, spec }],
  )
  return [
    ...signals.map((spec): Declared => ({ role: 'signal', name: spec.name, spec })),
    ...words('status', status),
    ...parts,
    ...words('sample', sample?.status ?? []),
    ...labels,
  ]
}

/** Asks for everything, in as few reads as the profile allows; what is refused together is asked for one by one. */
class Reader {
  readonly asked: Asked[] = []
  readonly #options: CheckOptions
  readonly #declared: readonly Declared[]
  readonly #results: RawSignal[] = []
  /** Why nothing more is asked: the line is gone, or the unit has never answered. */
  #over: Fault | undefined
  #answered = false

  constructor(options: CheckOptions, declared: readonly Declared[]) {
    this.#options = options
    this.#declared = declared
  }

  async run(): Promise<readonly RawSignal[]> {
    const { limits } = this.#options.instrument.profile
    const items = this.#declared.map(({ spec }, index) => ({
      index,
      table: spec.table,
      address: spec.address,
      width: widthOf(spec),
    }))
    const constraints = { cuts: new Set<number>(), forbidden: new Set<number>() }
    for (const read of planReads(items, limits, constraints)) {
      const refused = await this.#read(read)
      if (!refused || read.items.length === 1) continue
      for (const item of read.items) {
        for (const alone of planReads([item], limits, constraints)) await this.#read(alone)
      }
    }
    return this.#results
  }

  /** Reads the objects that the profile names for model, serial number and firmware. */
  async readObjects(): Promise<ObjectDatum[]> {
    const { unitId, profile } = this.#options.instrument
    const named = Object.entries(profile.identify ?? {}).flatMap(([name, spec]) =>
      isObjectSpec(spec) ? [{ name, object: spec.object }] : [],
    )
    const ids = named.map(({ object }) => object)
    const found = await readObjects(unitId, ids, (request) => this.#askObjects(request))
    return named.map(({ name, object }) => {
      const text = found.texts
        .get(object)
        ?.replaceAll(/\p{Cc}+/gu, ' ')
        .trim()
      const fault = found.failures.get(object)
      return {
        name,
        object,
        ...(text ? { text } : fault !== undefined && { fault }),
      }
    })
  }

  async #askObjects(request: IdentificationRequest): Promise<ObjectAnswer> {
    if (this.#over !== undefined) return { kind: 'fault', fault: this.#over }
    const { outcome } = await this.#ask(request)
    switch (outcome.kind) {
      case 'data':
        return outcome
      case 'exception':
        return exceptionKind(outcome.code) === 'illegal'
          ? { kind: 'refused', code: outcome.code }
          : { kind: 'fault', fault: exceptionFault(outcome.code) }
      case 'unreachable':
        return { kind: 'fault', fault: { kind: 'fault', reason: 'disconnected' } }
      case 'timeout':
        await this.#options.line.listen(this.#options.lateReplyMs)
        return { kind: 'fault', fault: { kind: 'fault', reason: 'timeout' } }
      default:
        return {
          kind: 'fault',
          fault: { kind: 'fault', reason: outcome.kind === 'frame' ? 'frame' : 'crc' },
        }
    }
  }

  /** Reads some data together; true when they were refused as not being there. */
  async #read(read: PlannedRead): Promise<boolean> {
    if (this.#over !== undefined) {
      this.#fail(read, this.#over)
      return false
    }
    const { functionCode, address, quantity } = read
    const { unitId } = this.#options.instrument
    const { outcome } = await this.#ask({ unitId, functionCode, address, quantity })
    switch (outcome.kind) {
      case 'data':
        this.#take(read, outcome.data)
        return false
      case 'exception':
        this.#fail(read, exceptionFault(outcome.code))
        return exceptionKind(outcome.code) === 'illegal'
      case 'unreachable':
        this.#over = { kind: 'fault', reason: 'disconnected' }
        this.#fail(read, this.#over)
        return false
      case 'timeout':
        // Whoever is silent at the first question is not asked twenty more; one who answered before is.
        if (!this.#answered) this.#over = { kind: 'fault', reason: 'timeout' }
        else await this.#options.line.listen(this.#options.lateReplyMs)
        this.#fail(read, { kind: 'fault', reason: 'timeout' })
        return false
      case 'crc':
      case 'frame':
      case 'torn':
        this.#fail(read, { kind: 'fault', reason: outcome.kind === 'frame' ? 'frame' : 'crc' })
        return false
    }
  }

  async #ask(request: ModbusRequest): Promise<Asked> {
    const { line, clock, timeoutMs } = this.#options
    let busy = 0
    let damaged = 0
    for (;;) {
      const asked = await line.ask(request, timeoutMs)
      this.asked.push(asked)
      const { outcome } = asked
      this.#answered ||= outcome.kind === 'data' || outcome.kind === 'exception'
      const isBusy = outcome.kind === 'exception' && exceptionKind(outcome.code) === 'busy'
      const isDamaged = outcome.kind === 'crc' || outcome.kind === 'frame'
      if (isBusy && busy < BUSY_RETRIES_MAX) {
        busy++
        await new Promise<void>((resolve) => {
          clock.at(clock.now().mono + BUSY_PAUSE_MS, resolve)
        })
      } else if (isDamaged && damaged < DAMAGED_RETRIES_MAX) damaged++
      else return asked
    }
  }

  #take({ items, address }: PlannedRead, data: Uint8Array): void {
    for (const { index, address: at, width } of items) {
      const spec = this.#declared[index]?.spec
      if (spec === undefined) continue
      const offset = isBitTable(spec) ? at - address : (at - address) * 2
      const raw = isBitTable(spec)
        ? Uint8Array.of(((data[offset >> 3] ?? 0) >> (offset & 7)) & 1)
        : data.slice(offset, offset + width * 2)
      const value = decoderOf(spec)(data, offset)
      this.#results[index] =
        value === undefined
          ? { kind: 'fault', reason: 'out_of_range', raw }
          : { kind: 'value', value, raw }
    }
  }

  #fail({ items }: PlannedRead, fault: Fault): void {
    for (const { index } of items) this.#results[index] = fault
  }
}

const textOf = (spec: RegisterSpec, { raw }: RawSignal): string | undefined =>
  spec.type.startsWith('string') && raw !== undefined ? decodeText(spec, raw, 0) : undefined

const resultOf = (data: readonly Datum[], spec: RegisterSpec): RawSignal =>
  data.find((datum) => datum.spec === spec)?.result ?? NOT_ASKED

/** A signal with what the status words say of it; a status word that cannot be read says nothing good. */
function underStatus(
  { name }: SignalSpec,
  specs: readonly StatusSpec[],
  words: readonly Datum[],
  result: RawSignal,
): RawSignal {
  if (result.kind === 'fault') return result
  let worst: StatusReason | undefined
  for (const [index, spec] of specs.entries()) {
    if (!(spec.signals?.includes(name) ?? true)) continue
    const word = words[index]?.result ?? NOT_ASKED
    if (word.kind === 'fault') return { ...word, raw: result.raw }
    worst = heavier(worst, complaintsOf(spec, word.value)[0])
  }
  return worst === undefined ? result : underComplaint(result, worst)
}

function complaintsIn(data: readonly Datum[]): Map<string, readonly StatusReason[]> {
  const complaints = new Map<string, readonly StatusReason[]>()
  for (const { name, spec, result } of data) {
    if (result.kind === 'value' && 'bits' in spec) {
      complaints.set(name, complaintsOf(spec as StatusSpec, result.value))
    }
  }
  return complaints
}

function sampleIn(profile: Profile, data: readonly Datum[]): SampleOrFault {
  const layout = layoutSample(profile)
  return sampleOf(
    layout,
    layout.specs.map((spec) => resultOf(data, spec)),
  )
}
