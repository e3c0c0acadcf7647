// The way of alarms is proved on a schedule (URS-41): a marked test alarm there and back, its age over restarts, and the alarm when it
// is too old. The core is the real one; the broker is `echo`.

import { describe, expect, it } from 'vitest'
import { TEST_ALARM } from '#core/alarm-set.ts'
import type { Plant } from '#core/point.ts'
import type { JournalEvent } from '#core/record.ts'
import { alarmPayload, createState, step } from '#core/step.ts'
import type { Instant } from '#core/time.ts'
import { AlarmPath } from '../../../agent/runtime/alarm-path.ts'
import { plantOf } from '../../support/core-plant.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const HOUR = 3_600_000
const alarmPath = { everyMs: 24 * HOUR, maxAgeMs: 26 * HOUR }
const LATE = 'system.alarm_path'

/** An agent of which only the core, the proof and what is persisted are there. */
class Box {
  readonly rows = new Map<string, string>()
  readonly events: JournalEvent[] = []
  plant: Plant = { ...plantOf(['b101-t'], (it) => ({ ...it, commFailMs: 1e12 })), alarmPath }
  clock = virtualClock()
  #last: { at: Instant; sameBoot: boolean } | undefined
  state = this.#create()
  path = this.#start()

  #create() {
    const last = this.#last
    const { state, result } = createState({
      ...{ plant: this.plant, epoch: '01JD3Z8Q5K', seq: this.events.length, tb: 0 },
      ...{ at: this.clock.now(), persisted: this.rows },
      ...(last && { lastCommit: last }),
    })
    this.#take(result)
    return state
  }

  #start(): AlarmPath {
    const path = new AlarmPath({
      clock: this.clock,
      plant: () => this.plant,
      open: () => this.open,
      condition: (alarm, active, detail) =>
        this.#take(
          step(this.state, {
            ...{ kind: 'condition', at: this.clock.now(), alarm, active },
            ...(detail !== undefined && { detail }),
          }),
        ),
      keep: (row) => this.#keep('alarm-path', row),
      row: this.rows.get('alarm-path'),
      last: this.#last,
    })
    path.look()
    return path
  }

  #keep(key: string, value: unknown): void {
    if (value === undefined) this.rows.delete(key)
    else this.rows.set(key, JSON.stringify(value))
  }

  #take({ records, changes }: ReturnType<typeof step>): void {
    for (const [key, value] of changes) this.#keep(key, value)
    for (const record of records) if (record.kind === 'event') this.events.push(record.event)
  }

  get open(): string | undefined {
    return this.state.alarms.get(TEST_ALARM)?.state.occurrence?.occ
  }

  get late(): boolean {
    return this.state.alarms.get(LATE)?.state.active === true
  }

  echo(): void {
    this.path.echo(this.open ?? '')
  }

  /** The machine is off for some time; its monotonic clock begins anew. */
  reboot(offMs: number): void {
    this.path.stop()
    const at = this.clock.now()
    this.#last = { at, sameBoot: false }
    this.clock = virtualClock(at.wall + offMs, 700, 'boot-2')
    this.state = this.#create()
    this.path = this.#start()
  }

  tests = (): string[] =>
    this.events
      .filter(({ body }) => body['alarm'] === TEST_ALARM)
      .map(({ type, body }) => `${type} ${body['test']}`)
}

describe('URS-41 the alarm path', () => {
  it('is tried at once, marked as a test, and ends without anybody', () => {
    const box = new Box()
    expect(JSON.parse(alarmPayload(box.state, TEST_ALARM))).toMatchObject({
      ...{ state: 'unacknowledged', active: true, class: 'system', priority: 3, test: true },
    })
    expect(box.path.view()).toEqual({ ageMs: 0, testing: true })
    box.echo()
    expect(box.tests()).toEqual(['alarm.activated true', 'alarm.closed true'])
    expect(JSON.parse(alarmPayload(box.state, TEST_ALARM))).toMatchObject({ state: 'normal' })
  })

  it('is tried again at its time, and says how long it took and how old the proof is', async () => {
    const box = new Box()
    await box.clock.advance(120)
    const provedAt = box.clock.now().wall
    box.echo()
    await box.clock.advance(24 * HOUR - 1)
    expect(box.path.view()).toEqual({
      ...{ provedAt, ageMs: 24 * HOUR - 1, tookMs: 120, testing: false },
    })
    await box.clock.advance(1)
    expect(box.path.view()).toMatchObject({ testing: true })
    expect(box.late).toBe(false)
  })

  it('alarms when the proof is too old, to the millisecond, and returns with the next', async () => {
    const box = new Box()
    box.echo()
    await box.clock.advance(26 * HOUR - 1)
    expect(box.late).toBe(false)
    await box.clock.advance(1)
    expect(box.late).toBe(true)
    box.echo()
    expect(box.late).toBe(false)
    expect(box.path.view()).toMatchObject({ ageMs: 0, testing: false })
  })

  it('alarms too where it never worked, and goes on trying each hour', async () => {
    const box = new Box()
    await box.clock.advance(26 * HOUR)
    expect(box.late).toBe(true)
    expect(box.tests().filter((text) => text.startsWith('alarm.activated'))).toHaveLength(27)
    box.echo()
    expect(box.late).toBe(false)
  })

  it('believes no echo of another test', async () => {
    const box = new Box()
    const first = box.open ?? ''
    await box.clock.advance(HOUR)
    expect(box.open).not.toBe(first)
    box.path.echo(first)
    box.path.echo('')
    expect(box.path.view()).toMatchObject({ testing: true })
  })

  it('URS-28 goes on over restarts: the age counts while the box is off, and an open test may still come', async () => {
    const box = new Box()
    box.echo()
    await box.clock.advance(10 * HOUR)
    box.reboot(2 * HOUR)
    expect(box.path.view()).toMatchObject({ ageMs: 12 * HOUR, testing: false })
    box.reboot(0)
    await box.clock.advance(12 * HOUR)
    expect(box.path.view()).toMatchObject({ ageMs: 24 * HOUR, testing: true })
    const open = box.open
    box.reboot(HOUR)
    expect(box.open).toBe(open)
    box.echo()
    expect(box.path.view()).toMatchObject({ ageMs: 0, testing: false })
    box.reboot(30 * HOUR)
    expect(box.late).toBe(true)
  })

  it('of another configuration holds at once; without one nothing is left of it', async () => {
    const box = new Box()
    box.echo()
    await box.clock.advance(10 * HOUR)
    box.plant = { ...box.plant, alarmPath: { everyMs: HOUR, maxAgeMs: 2 * HOUR } }
    box.path.look()
    expect(box.late).toBe(true)
    expect(box.path.view()).toMatchObject({ testing: true })
    box.plant = { ...box.plant, alarmPath: { everyMs: HOUR, maxAgeMs: 20 * HOUR } }
    box.path.look()
    expect(box.late).toBe(false)
    const { alarmPath: _, ...bare } = box.plant
    box.plant = bare as Plant
    box.path.look()
    expect(box.path.view()).toBeUndefined()
    expect(box.rows.has('alarm-path')).toBe(false)
    expect(box.clock.timers).toBe(0)
  })

  it('that is no longer asked for after a restart leaves no alarm behind', async () => {
    const box = new Box()
    await box.clock.advance(26 * HOUR)
    const { alarmPath: _, ...bare } = box.plant
    box.plant = bare as Plant
    box.reboot(0)
    expect(box.late).toBe(false)
    expect(box.open).toBeUndefined()
    expect(box.rows.has('alarm-path')).toBe(false)
  })
})
