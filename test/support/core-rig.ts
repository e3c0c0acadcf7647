// The core in virtual time: deadlines are met, what it says to persist is kept as a store would, and a restart begins from that.
// Every step is checked on the way: sequence without a hole, no value on a bad reading, no transition without its record.

import { expect } from 'vitest'
import { type ShownState, shownState } from '#core/hold.ts'
import type { Act, Actor, ActReply, Input, Role, SlotResult, StepResult } from '#core/input.ts'
import type { Sample } from '#core/particle.ts'
import type { Plant } from '#core/point.ts'
import type { BadReason, UncertainReason } from '#core/quality.ts'
import type { Reading } from '#core/reading.ts'
import type { JournalEvent } from '#core/record.ts'
import { alarmPayload, type CoreState, createState, nextDeadline, step } from '#core/step.ts'
import type { Instant, Millis } from '#core/time.ts'

/** 2025-11-22 10:15:00 UTC: on every grid used here. */
export const START: Millis = 1_763_806_500_000

export interface RigEvent {
  readonly seq: number
  readonly type: string
  readonly ts: Millis
  readonly body: Readonly<Record<string, unknown>>
}

export interface RigReading {
  readonly seq: number
  readonly reading: Reading
}

export const actor = (user = 'jdoe', role: Role = 'technician'): Actor => ({
  user,
  name: user === 'jdoe' ? 'J. Doe' : user,
  role,
  via: 'local',
})

/** Bytes that differ whenever the value does. */
const rawOf = (value: number): Uint8Array => new Uint8Array(new Float64Array([value]).buffer)

/** Ticks at one moment beyond which the core is said to be stuck on a deadline it does not meet. */
const TICKS_MAX = 50

export class CoreRig {
  readonly events: RigEvent[] = []
  readonly readings: RigReading[] = []
  readonly persisted = new Map<string, string>()
  plant: Plant
  state: CoreState
  wall: Millis
  mono: Millis
  #boot = 1
  #lastCommit: { at: Instant; boot: number } | undefined
  #seq = 0
  #ticks = 0
  #recNumber = 100

  /** Why the wall clock is doubted at the first start. */
  readonly #doubt: string | undefined

  constructor(plant: Plant, at: Instant = { wall: START, mono: 5000 }, doubt?: string) {
    this.#doubt = doubt
    this.plant = plant
    this.wall = at.wall
    this.mono = at.mono
    this.state = this.#create()
  }

  get at(): Instant {
    return { wall: this.wall, mono: this.mono }
  }

  #create(stepMs?: Millis): CoreState {
    const last = this.#lastCommit
    const { state, result } = createState({
      plant: this.plant,
      epoch: '01JD3Z8Q5K',
      seq: this.#seq,
      tb: 0,
      at: this.at,
      persisted: new Map(this.persisted),
      ...(last === undefined && this.#doubt !== undefined && { doubt: this.#doubt }),
      ...(last && { lastCommit: { at: last.at, sameBoot: last.boot === this.#boot } }),
      ...(stepMs !== undefined && { stepMs }),
    })
    this.state = state
    this.#take(result)
    return state
  }

  /** One input at the present moment. */
  input(input: Input): StepResult {
    const result = step(this.state, input)
    this.#take(result)
    this.#meetDeadlines()
    return result
  }

  /** Lets time pass, ticking at each deadline of the core, exactly when it comes. */
  advance(ms: Millis): void {
    const end = this.mono + ms
    for (
      let due = nextDeadline(this.state);
      due !== undefined && due <= end;
      due = nextDeadline(this.state)
    ) {
      if (due > this.mono) this.#pass(due - this.mono)
      this.#tick()
    }
    if (end > this.mono) this.#pass(end - this.mono)
  }

  /** A value (or fault) of a polled point for the slot that contains now. */
  slot(point: string, value: number | BadReason, given: SlotGiven = {}): StepResult {
    return this.input({ kind: 'slots', at: this.at, slots: [this.slotOf(point, value, given)] })
  }

  slotOf(point: string, value: number | BadReason, given: SlotGiven = {}): SlotResult {
    const interval = this.plant.points.find(({ id }) => id === point)?.intervalMs ?? 1000
    const t = given.t ?? Math.floor(this.wall / interval) * interval
    const { warning, exceptionCode } = given
    return {
      point,
      t,
      a: Math.round(this.wall - t),
      ...(given.slots !== undefined && { slots: given.slots }),
      result:
        typeof value === 'number'
          ? { kind: 'value', value, raw: rawOf(value), ...(warning && { warning }) }
          : { kind: 'fault', reason: value, ...(exceptionCode && { exceptionCode }) },
    }
  }

  /** One value after another, one interval apart, beginning now; ends one interval after the last. */
  values(point: string, ...values: readonly (number | BadReason)[]): void {
    const interval = this.plant.points.find(({ id }) => id === point)?.intervalMs ?? 1000
    for (const value of values) {
      this.slot(point, value)
      this.advance(interval)
    }
  }

  /** A particle sample that ends now, of a counter whose clock is ours. */
  sample(
    instrument: string,
    counts: Record<string, number>,
    given: Partial<Sample> = {},
  ): StepResult {
    const now = Math.floor(this.wall / 1000) * 1000
    const sample: Sample = {
      identity: this.#recNumber++,
      endedAtInstrument: now,
      instrumentNow: now,
      durationMs: 60_000,
      holdMs: 0,
      litres: 28.3,
      counts,
      faults: [],
      raw: new Uint8Array(4),
      ...given,
    }
    return this.input({ kind: 'sample', at: this.at, instrument, sample })
  }

  act(act: DistributiveOmit<Act, 'actor'>, by: Actor = actor()): ActReply {
    const { reply } = this.input({ kind: 'act', at: this.at, act: { ...act, actor: by } })
    expect(reply, 'an act is always answered').toBeDefined()
    return reply as ActReply
  }

  /** Acknowledges whatever is open on the alarm. */
  ack(alarm: string, given: { rev?: number; comment?: string; reason?: string } = {}): ActReply {
    const reason = given.reason ?? 'intervention'
    return this.act({ kind: 'ack', occ: this.occ(alarm), comment: 'seen', ...given, reason })
  }

  reset(alarm: string): ActReply {
    return this.act({ kind: 'reset', occ: this.occ(alarm) })
  }

  occupancy(zone: string, state: Extract<Act, { kind: 'occupancy' }>['state']): ActReply {
    return this.act({ kind: 'occupancy', zone, state, reason: 'shift' })
  }

  condition(alarm: string, active: boolean): void {
    this.input({ kind: 'condition', at: this.at, alarm, active, detail: 'cable pulled' })
  }

  /** The link of a bus becomes so. */
  link(bus: string, is: Extract<Input, { kind: 'link' }>['link']['is']): void {
    const detail = `${bus} ${is}`
    const link = is === 'down' || is === 'noisy' ? { is, detail } : { is }
    this.input({ kind: 'link', at: this.at, bus, link })
  }

  changePlant(plant: Plant): StepResult {
    this.plant = plant
    return this.input({ kind: 'plant', at: this.at, plant, by: 'qa1' })
  }

  /** The process dies and starts again after `downMs`; a reboot starts the monotonic clock anew, and may find the wall clock stepped. */
  restart(downMs: Millis, given: { reboot?: boolean; plant?: Plant; stepMs?: Millis } = {}): void {
    this.wall += downMs + (given.stepMs ?? 0)
    if (given.reboot === true) {
      this.#boot++
      this.mono = 3000
    } else this.mono += downMs
    if (given.plant !== undefined) this.plant = given.plant
    this.state = this.#create(given.stepMs)
    this.#meetDeadlines()
  }

  /** Steps the wall clock and opens a new time base. */
  stepWall(ms: Millis): void {
    this.wall += ms
    this.input({ kind: 'clock_stepped', at: this.at, stepMs: ms })
  }

  /** The state of an alarm by name; undefined when there is no such alarm. */
  is(alarm: string): ShownState | undefined {
    const unit = this.state.alarms.get(alarm)
    return unit === undefined
      ? undefined
      : shownState(unit.holds, unit.state, unit.definition.latching)
  }

  payload(alarm: string): Record<string, unknown> {
    return JSON.parse(alarmPayload(this.state, alarm)) as Record<string, unknown>
  }

  occ(alarm: string): string {
    return String(this.payload(alarm)['occ'])
  }

  /** Events of a type, of an alarm where one is named. */
  eventsOf(type: string, alarm?: string): RigEvent[] {
    return this.events.filter(
      (event) => event.type === type && (alarm === undefined || event.body['alarm'] === alarm),
    )
  }

  readingsOf(point: string): Reading[] {
    return this.readings.map(({ reading }) => reading).filter((reading) => reading.point === point)
  }

  lastReading(point: string): Reading {
    const reading = this.readingsOf(point).at(-1)
    expect(reading, `a reading of ${point}`).toBeDefined()
    return reading as Reading
  }

  #pass(ms: Millis): void {
    this.wall += ms
    this.mono += ms
    this.#ticks = 0
  }

  #tick(): void {
    this.#ticks++
    expect(this.#ticks, 'a deadline that is not met by its tick').toBeLessThan(TICKS_MAX)
    this.#take(step(this.state, { kind: 'tick', at: this.at }))
  }

  #meetDeadlines(): void {
    for (
      let due = nextDeadline(this.state);
      due !== undefined && due <= this.mono;
      due = nextDeadline(this.state)
    ) {
      this.#tick()
    }
  }

  #take(result: StepResult): void {
    if (result.records.length > 0) expect(result.first).toBe(this.#seq + 1)
    const moved = new Set(result.alarms)
    for (const record of result.records) {
      const seq = ++this.#seq
      if (record.kind === 'reading') this.#takeReading(seq, record.reading)
      else this.#takeEvent(seq, record.event, moved, result)
    }
    expect(this.state.seq).toBe(this.#seq)
    for (const [key, value] of result.changes) {
      if (value === undefined) this.persisted.delete(key)
      else this.persisted.set(key, JSON.stringify(value))
    }
    // as the journal does: rows without a record are a commit too
    if (result.records.length > 0 || result.changes.size > 0)
      this.#lastCommit = { at: this.at, boot: this.#boot }
  }

  #takeReading(seq: number, reading: Reading): void {
    expect(reading.v !== undefined, `v of ${JSON.stringify(reading)}`).toBe(reading.q !== 'bad')
    expect(reading.qc === undefined, `qc of ${JSON.stringify(reading)}`).toBe(reading.q === 'good')
    if (reading.v !== undefined) expect(Number.isFinite(reading.v)).toBe(true)
    this.readings.push({ seq, reading })
  }

  #takeEvent(
    seq: number,
    event: JournalEvent,
    moved: ReadonlySet<string>,
    result: StepResult,
  ): void {
    const { type, ts, body } = event
    this.events.push({ seq, type, ts, body })
    if (!type.startsWith('alarm.')) return
    expect(moved.has(String(body['alarm'])), `${type} of ${String(body['alarm'])} moved it`).toBe(
      true,
    )
    expect(result.urgent, 'what moves an alarm is committed at once').toBe(true)
  }
}

export interface SlotGiven {
  readonly t?: Millis
  readonly slots?: number
  readonly warning?: UncertainReason
  readonly exceptionCode?: number
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
