// What the agent would make of what was read of an instrument: values, qualities in words, and hints where they are bad.
// Pure; judges with the core's own conversion, so that the probe and the agent never differ.

import { alarmDefinitions } from '#core/alarm-set.ts'
import { directionsOf } from '#core/evaluate.ts'
import { litresOf, sampleFault } from '#core/particle.ts'
import type { Instrument, Plant, Point } from '#core/point.ts'
import type { Quality, QualityReason } from '#core/quality.ts'
import { type RawSignal, toReading } from '#core/reading.ts'
import { exceptionWords } from '#drivers/commissioning/exception-words.ts'
import type { InstrumentReadings } from '#drivers/commissioning/instrument-check.ts'
import { isPlausible } from '#drivers/commissioning/interpret.ts'
import { decoderOf, widthOf } from '#drivers/modbus/decode.ts'
import { BYTE_ORDERS, type SignalSpec } from '#drivers/profile.ts'

/** A signal as one point sees it, or as no point does. */
export interface Judged {
  readonly spec: SignalSpec
  /** Absent where the configuration has no point on the signal. */
  readonly point?: string
  readonly result: RawSignal
  readonly value?: number
  readonly unit: string
  readonly quality: Quality
  readonly reason?: QualityReason
  /** The quality in words, with what to do where it is bad. */
  readonly words: string
  /** Another byte order fits better, whatever the quality is. */
  readonly doubtful?: true
}

/** Judges every signal of an instrument, once for each point on it. */
export function judgeSignals(
  readings: InstrumentReadings,
  plant: Plant,
  instrument: Instrument,
): Judged[] {
  const definitions = [...alarmDefinitions(plant).values()]
  return readings.signals.flatMap(({ spec, result }) => {
    const points = plant.points.filter(
      (point) => point.instrument === instrument.id && point.signal === spec.name,
    )
    const isChannel = instrument.sampled && spec.quantity === 'particle_concentration'
    const seenBy = points.length === 0 ? [pointless(spec, instrument)] : points
    return seenBy.map((point) => {
      const named = points.length === 0 ? {} : { point: point.id }
      if (isChannel) return { ...judgeChannel(spec, readings, instrument), ...named, spec, result }
      const judgements = definitions
        .filter((definition) => definition.point?.id === point.id)
        .map(({ judgement }) => judgement)
      return {
        ...judgePlain(spec, point, result, directionsOf(judgements)),
        ...named,
        spec,
        result,
      }
    })
  })
}

/** A signal that no point is on, as its profile alone describes it. */
const pointless = (spec: SignalSpec, instrument: Instrument): Point => ({
  id: spec.name,
  instrument: instrument.id,
  signal: spec.name,
  zone: '',
  grade: 'CNC',
  quantity: spec.quantity,
  unit: spec.unit,
  intervalMs: 1000,
  critical: false,
  commFailMs: 0,
  conversion: {
    scale: spec.scale,
    offset: spec.offset,
    reversed: false,
    ...(spec.range !== undefined && { range: spec.range }),
    sentinels: spec.invalid.filter((value) => value !== 'nan'),
  },
  limits: { onDelayMs: 0, offDelayMs: 0, deadband: 0 },
})

type Verdict = Omit<Judged, 'spec' | 'point' | 'result'>

function judgePlain(
  spec: SignalSpec,
  point: Point,
  result: RawSignal,
  limited: { readonly high: boolean; readonly low: boolean },
): Verdict {
  const reading = toReading(point, { point: point.id, t: 0, result }, { limited, stuck: false })
  const { v, q, qc, exceptionCode } = reading
  const words = qualityWords(q, qc, {
    exceptionCode,
    range: point.conversion.range,
    unit: point.unit,
  })
  const hint = isOdd(spec, result, qc) ? orderHint(spec, point, result) : undefined
  return {
    unit: point.unit,
    quality: q,
    words: hint === undefined ? words : `${words}; ${hint}`,
    ...(v !== undefined && { value: v }),
    ...(qc !== undefined && { reason: qc }),
    ...(hint !== undefined && { doubtful: true as const }),
  }
}

/** A particle channel counts as its record says, whatever its register holds. */
function judgeChannel(
  spec: SignalSpec,
  { sample, signals }: InstrumentReadings,
  { flowLpm }: Instrument,
): Verdict {
  const unit = '/m³'
  const bad = (reason: QualityReason, exceptionCode?: number): Verdict => ({
    unit,
    quality: 'bad',
    reason,
    words: qualityWords('bad', reason, { exceptionCode, range: undefined, unit }),
  })
  if (sample === undefined) return bad('no_new_sample')
  if (sample.kind === 'fault') return bad(sample.fault.reason, sample.fault.exceptionCode)
  const sizes = signals.flatMap(({ spec: { name, sizeUm } }) =>
    sizeUm === undefined ? [] : [{ signal: name, sizeUm }],
  )
  const fault = sampleFault(sample.sample, flowLpm === undefined ? {} : { flowLpm }, sizes)
  if (fault !== undefined) return bad(fault)
  const counts = sample.sample.counts[spec.name]
  const litres = litresOf(sample.sample, flowLpm)
  if (counts === undefined) return bad('sensor_fault')
  if (litres === undefined || litres <= 0) return bad('flow_fault')
  const value = (counts * 1000) / litres
  const overflow = sample.sample.faults.includes('overflow')
  const found = `${counts} counts in ${Math.round(litres * 1000) / 1000} L`
  return overflow
    ? {
        unit,
        value,
        quality: 'uncertain',
        reason: 'over_range',
        words: `${found}, more than it can count`,
      }
    : { unit, value, quality: 'good', words: `good: ${found}` }
}

interface QualityContext {
  readonly exceptionCode: number | undefined
  readonly range: readonly [number, number] | undefined
  readonly unit: string
}

/** Reasons of a quality in words for an installer: what it means here, and what to look at. */
const REASON_WORDS: Readonly<Partial<Record<QualityReason, string>>> = {
  timeout: 'no answer',
  crc: 'the answer came damaged; see the wiring page',
  frame: 'the answer does not fit the request',
  busy: 'the instrument is busy; ask again',
  gateway: 'the gateway has no way to this unit; correct the unit id or its settings',
  disconnected: 'not asked: the line was gone',
  nan: 'the instrument says that it has no value (NaN)',
  sentinel: 'the instrument says that it has no value (one that the profile declares invalid)',
  implausible_zero: 'exactly 0, which the configuration calls a fault; look at the sensor’s cable',
  sensor_fault: 'the status word reports a fault of the sensor; see its display',
  flow_fault:
    'the flow or the sampled volume is wrong; check pump, tubing and the flow in the configuration',
  laser_fault: 'the status word reports a fault of the laser; have it serviced',
  warmup: 'the instrument is warming up; wait',
  no_new_sample: 'there is no finished sample yet; wait for one sample time',
  config_changed:
    'counts or index register do not fit the profile; somebody changed the mode of the instrument, or it is another model',
}

function qualityWords(
  quality: Quality,
  reason: QualityReason | undefined,
  { exceptionCode, range, unit }: QualityContext,
): string {
  if (reason === undefined) return quality
  if (reason === 'exception' && exceptionCode !== undefined) {
    const { name, remedy } = exceptionWords(exceptionCode)
    return `bad: exception ${exceptionCode} (${name}): ${remedy}`
  }
  const bounds = range === undefined ? '' : ` ${range[0]} to ${range[1]} ${unit}`
  if (reason === 'out_of_range') return `bad: outside the range${bounds}, which is impossible`
  if (reason === 'over_range') return `uncertain: at or beyond the end of the range${bounds}`
  return `${quality}: ${REASON_WORDS[reason] ?? reason}`
}

/** Beyond these magnitudes nobody measures, in whatever unit. */
const MAGNITUDE_MIN = 1e-9
const MAGNITUDE_MAX = 1e9

/**
 * Impossible, or of a magnitude that nobody measures: a float read in a wrong byte order is either, and the very small
 * one lies within any range. A NaN is what instruments say on purpose.
 */
function isOdd(
  { type }: SignalSpec,
  result: RawSignal,
  reason: QualityReason | undefined,
): boolean {
  if (reason === 'out_of_range' || reason === 'over_range') return true
  if (result.kind !== 'value' || (type !== 'f32' && type !== 'f64')) return false
  const magnitude = Math.abs(result.value)
  return magnitude > 0 && (magnitude < MAGNITUDE_MIN || magnitude > MAGNITUDE_MAX)
}

/** Other byte orders under which the same registers would make sense. */
function orderHint(
  spec: SignalSpec,
  { conversion, unit }: Point,
  { raw }: RawSignal,
): string | undefined {
  if (raw === undefined || widthOf(spec) < 2 || spec.type.startsWith('string')) return undefined
  const fitting = BYTE_ORDERS.filter((order) => order !== spec.byteOrder).flatMap((byteOrder) => {
    const decoded = decoderOf({ ...spec, byteOrder })(raw, 0)
    if (decoded === undefined || !isPlausible(spec.type, decoded)) return []
    const value = decoded * conversion.scale + conversion.offset
    const [low, high] = conversion.range ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    return value >= low && value <= high ? [`${byteOrder} it would be ${value} ${unit}`] : []
  })
  return fitting.length === 0 ? undefined : `as ${fitting.join(', as ')}: is the byteOrder right?`
}
