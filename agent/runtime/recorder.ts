// The flight recorder (URS-15): when an alarm of a point, an instrument or a bus is activated, and when a point turns from good
// to bad or back, the last frames of that unit and the last events of its bus are written down beside it, in the same commit.
// Decides what is worth keeping and how much; a sensor that flaps cannot fill the disk.

import type { StepResult } from '#core/input.ts'
import type { Reading } from '#core/reading.ts'
import type { CoreState } from '#core/step.ts'
import { HOUR, type Instant, type Millis } from '#core/time.ts'
import type { RecordedEvent, RecordedExchange, WireRecording } from '#ports/driver.ts'

/** Longest record, printed. */
const RECORD_LENGTH_MAX = 16_000
/** Of that, the events of the bus take at most so much, and the cause with its points the same. */
const EVENTS_LENGTH_MAX = 4000
const POINTS_MAX = 32
/** Records a bus may cause in an hour: by alarms, and by changes of quality. */
const ALARMS_PER_HOUR = 30
const CHANGES_PER_HOUR = 30
/** Changes of quality of one instrument that are kept in an hour, and the least time between two. */
const CHANGES_PER_UNIT_HOUR = 6
const CHANGE_REST_MS: Millis = 10_000

/** Bad readings that the wire has no part in. */
const NOT_OF_THE_WIRE: readonly string[] = ['agent_down', 'config_changed', 'out_of_service']

export interface RecorderOptions {
  /** The last frames of an instrument, or of the whole bus; undefined where nobody records. */
  readonly recorded: (bus: string, instrument?: string) => WireRecording | undefined
  /** Writes the record down, with the next commit. */
  readonly note: (type: string, body: Readonly<Record<string, unknown>>, at: Instant) => void
}

interface Change {
  readonly point: string
  readonly from: 'good' | 'bad'
  readonly to: 'good' | 'bad'
  readonly t: Millis
  readonly qc?: string
}

/** What is to be recorded of one unit, or of a bus as a whole, after one step. */
interface Cause {
  readonly bus: string
  readonly instrument: string | undefined
  readonly alarms: { readonly alarm: string; readonly occ: string }[]
  readonly changes: Change[]
}

interface Allowance {
  sinceMono: Millis
  alarms: number
  changes: number
}

export class Recorder {
  readonly #options: RecorderOptions
  readonly #bad = new Map<string, boolean>()
  readonly #buses = new Map<string, Allowance>()
  readonly #units = new Map<string, Allowance & { changedMono: Millis }>()
  /** Left out since the last record of each bus. */
  readonly #skipped = new Map<string, number>()
  #skippedInAll = 0

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Records that were due and not made, since they were too many. */
  get skipped(): number {
    return this.#skippedInAll
  }

  /** Looks at what one step left behind, and records what it calls for. */
  watch({ records }: StepResult, state: CoreState, at: Instant): void {
    let causes: Map<string, Cause> | undefined
    for (const record of records) {
      if (record.kind === 'reading') {
        const change = this.#changeOf(record.reading)
        if (change === undefined) continue
        causes ??= new Map()
        causeOf(causes, state, record.reading)?.changes.push(change)
      } else if (record.event.type === 'alarm.activated') {
        causes ??= new Map()
        const { alarm, occ } = record.event.body as { alarm: string; occ: string }
        causeOfAlarm(causes, state, alarm)?.alarms.push({ alarm, occ })
      }
    }
    if (causes === undefined) return
    for (const cause of causes.values()) this.#record(cause, at)
  }

  #changeOf({ point, t, q, qc, late }: Reading): Change | undefined {
    if (late === true || (qc !== undefined && NOT_OF_THE_WIRE.includes(qc))) return undefined
    const isBad = q === 'bad'
    const wasBad = this.#bad.get(point)
    if (wasBad === isBad) return undefined
    this.#bad.set(point, isBad)
    if (wasBad === undefined) return undefined
    const [from, to] = isBad ? (['good', 'bad'] as const) : (['bad', 'good'] as const)
    return { point, from, to, t, ...(qc !== undefined && { qc }) }
  }

  #record(cause: Cause, at: Instant): void {
    const { bus, instrument, alarms, changes } = cause
    if (!this.#allows(cause, at.mono)) {
      this.#skipped.set(bus, (this.#skipped.get(bus) ?? 0) + 1)
      this.#skippedInAll++
      return
    }
    const recording = this.#options.recorded(bus, instrument)
    if (recording === undefined) return
    const skipped = this.#skipped.get(bus) ?? 0
    this.#skipped.delete(bus)
    const head = {
      cause: alarms.length > 0 ? 'alarm' : 'quality',
      bus,
      ...(instrument !== undefined && { instrument }),
      ...(alarms.length > 0 && { alarms: alarms.slice(0, POINTS_MAX) }),
      ...(changes.length > 0 && { points: changes.slice(0, POINTS_MAX) }),
      ...(skipped > 0 && { skipped }),
    }
    this.#options.note('recorder.frozen', bounded(head, recording, at), at)
  }

  /** Alarms and changes of quality are counted apart, so that a flapping sensor leaves room for the alarm it causes. */
  #allows({ bus, instrument, alarms }: Cause, mono: Millis): boolean {
    const ofBus = renewed(this.#buses.get(bus), mono)
    this.#buses.set(bus, ofBus)
    if (alarms.length > 0) return ++ofBus.alarms <= ALARMS_PER_HOUR
    const key = `${bus}/${instrument ?? ''}`
    const known = this.#units.get(key)
    const rested = known === undefined || mono - known.changedMono >= CHANGE_REST_MS
    const ofUnit = { ...renewed(known, mono), changedMono: known?.changedMono ?? mono }
    this.#units.set(key, ofUnit)
    if (!rested || ofUnit.changes >= CHANGES_PER_UNIT_HOUR || ofBus.changes >= CHANGES_PER_HOUR) {
      return false
    }
    ofUnit.changes++
    ofUnit.changedMono = mono
    ofBus.changes++
    return true
  }
}

const renewed = (known: Allowance | undefined, mono: Millis): Allowance =>
  known !== undefined && mono - known.sinceMono < HOUR
    ? known
    : { sinceMono: mono, alarms: 0, changes: 0 }

/** A reading belongs to its unit; where the link itself is gone, to its bus, so that thirty units do not tell the same. */
function causeOf(causes: Map<string, Cause>, state: CoreState, reading: Reading) {
  const instrument = state.points.get(reading.point)?.instrument.instrument
  if (instrument === undefined) return undefined
  return causeAt(causes, instrument.bus, reading.qc === 'disconnected' ? undefined : instrument.id)
}

/** Alarms of the agent itself, of zones and of due dates have no wire. */
function causeOfAlarm(causes: Map<string, Cause>, state: CoreState, alarm: string) {
  const definition = state.alarms.get(alarm)?.definition
  if (definition?.bus !== undefined) return causeAt(causes, definition.bus, undefined)
  const { instrument, kind } = definition ?? {}
  if (kind === 'calibration_due') return undefined
  return instrument === undefined ? undefined : causeAt(causes, instrument.bus, instrument.id)
}

function causeAt(causes: Map<string, Cause>, bus: string, instrument: string | undefined): Cause {
  const key = `${bus}/${instrument ?? ''}`
  const known = causes.get(key)
  if (known !== undefined) return known
  const cause: Cause = { bus, instrument, alarms: [], changes: [] }
  causes.set(key, cause)
  return cause
}

/** The record, with as many of the newest events and frames as fit its length; `cut` counts the frames that did not. */
function bounded(
  head: Readonly<Record<string, unknown>>,
  { events, exchanges }: WireRecording,
  at: Instant,
): Readonly<Record<string, unknown>> {
  const wall = (mono: Millis) => Math.round(at.wall - (at.mono - mono))
  const printEvent = ({ atMono, what }: RecordedEvent) => ({ t: wall(atMono), what })
  const printExchange = (exchange: RecordedExchange) => ({
    t: wall(exchange.atMono),
    unit: exchange.unitId,
    sent: exchange.request,
    got: exchange.reply,
    end: exchange.verdict,
    ms: Math.round(exchange.tookMs * 10) / 10,
  })
  const kept = newest(events.map(printEvent), EVENTS_LENGTH_MAX)
  const room = RECORD_LENGTH_MAX - JSON.stringify({ ...head, events: kept }).length - 100
  const frames = newest(exchanges.map(printExchange), room)
  const cut = exchanges.length - frames.length
  return { ...head, ...(cut > 0 && { cut }), frames, events: kept }
}

/** The newest items, oldest first, whose printed length together stays within the bound. */
function newest<Item>(items: readonly Item[], lengthMax: number): Item[] {
  let length = 2
  let first = items.length
  while (first > 0) {
    length += JSON.stringify(items[first - 1]).length + 1
    if (length > lengthMax) break
    first--
  }
  return items.slice(first)
}
