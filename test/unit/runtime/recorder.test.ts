// URS-15 what the flight recorder writes down, beside what, and how much of it at the most.

import { describe, expect, it } from 'vitest'
import type { Input } from '#core/input.ts'
import type { Plant } from '#core/point.ts'
import type { BadReason } from '#core/quality.ts'
import { alarmPayload, createState, nextDeadline, step } from '#core/step.ts'
import type { WireRecording } from '#ports/driver.ts'
import { Recorder } from '../../../agent/runtime/recorder.ts'
import { PLANT, plantOf } from '../../support/core-plant.ts'
import { START } from '../../support/core-rig.ts'

const frames = (count: number, replyLength = 16): WireRecording => ({
  exchanges: Array.from({ length: count }, (_, index) => ({
    atMono: 1000 + index,
    unitId: 43,
    request: '2b0304be0002a2d5',
    reply: 'ab'.repeat(replyLength),
    verdict: 'data',
    tookMs: 12.345,
  })),
  events: [{ atMono: 900, what: 'link up' }],
})

/** The core with the recorder behind it, as the loop has it: ticks included. */
function setUp(
  plant: Plant = plantOf(['b101-dp', 'b101-t', 'c102-rh']),
  recording: WireRecording | null = frames(20),
) {
  const made: Record<string, unknown>[] = []
  const asked: string[] = []
  const recorder = new Recorder({
    recorded: (bus, instrument) => {
      asked.push(`${bus} ${instrument ?? '*'}`)
      return recording ?? undefined
    },
    note: (type, body) => made.push({ type, ...body }),
  })
  const now = { wall: START, mono: 5000 }
  const at = () => ({ ...now })
  const { state } = createState({
    plant,
    epoch: '01JD3Z8Q5K',
    seq: 0,
    tb: 0,
    at: at(),
    persisted: new Map(),
  })
  const input = (given: Input) => {
    const result = step(state, given)
    recorder.watch(result, state, given.at)
  }
  const tick = () => {
    const due = nextDeadline(state)
    if (due === undefined || due > now.mono) return false
    input({ kind: 'tick', at: at() })
    return true
  }
  const advance = (ms: number) => {
    now.wall += ms
    now.mono += ms
    for (let ticks = 0; ticks < 50 && tick(); ticks++);
  }
  const slots = (points: readonly string[], value: number | BadReason) => {
    input({
      kind: 'slots',
      at: at(),
      slots: points.map((point) => ({
        point,
        t: now.wall,
        result:
          typeof value === 'number'
            ? { kind: 'value', value, raw: Uint8Array.of(value & 255) }
            : { kind: 'fault', reason: value },
      })),
    })
    advance(0)
  }
  const dp = (value: number | BadReason) => {
    slots(['b101-dp'], value)
    advance(5000)
  }
  const changes = () => made.filter(({ cause }) => cause === 'quality')
  const occ = (alarm: string) => JSON.parse(alarmPayload(state, alarm)).occ as string
  return { made, changes, asked, recorder, input, slots, advance, dp, at, occ, now }
}

describe('URS-15 the flight recorder', () => {
  it('keeps the frames beside the activation of an alarm, with its occurrence', () => {
    const { made, slots, dp, asked, occ, now } = setUp()
    dp(15)
    dp(-3)
    slots(['b101-dp'], -3)
    expect(made.length).toBeGreaterThan(0)
    expect(made[0]).toMatchObject({
      type: 'recorder.frozen',
      cause: 'alarm',
      bus: 'rs485-1',
      instrument: 'dp-b101',
      alarms: [{ alarm: 'b101-dp.inversion', occ: occ('b101-dp.inversion') }],
      events: [{ what: 'link up', t: now.wall - (now.mono - 900) }],
    })
    expect([made[0]?.['frames']].flat()[0]).toEqual({
      t: now.wall - (now.mono - 1000),
      unit: 43,
      sent: '2b0304be0002a2d5',
      got: 'ab'.repeat(16),
      end: 'data',
      ms: 12.3,
    })
    expect(asked).toEqual(['rs485-1 dp-b101'])
  })

  it('keeps them when a point turns from good to bad, and back', () => {
    const { changes, dp } = setUp()
    for (const value of ['timeout', 15, 15, 'crc', 'parked', 'parked', 15, 15] as const) dp(value)
    expect(changes().map(({ points }) => points)).toEqual([
      [expect.objectContaining({ point: 'b101-dp', from: 'bad', to: 'good' })],
      [expect.objectContaining({ point: 'b101-dp', from: 'good', to: 'bad', qc: 'crc' })],
      [expect.objectContaining({ point: 'b101-dp', from: 'bad', to: 'good' })],
    ])
  })

  it('tells several points of one unit in one record', () => {
    const { changes, slots, advance } = setUp()
    slots(['b101-t', 'c102-rh'], 20)
    advance(10_000)
    slots(['b101-t', 'c102-rh'], 'timeout')
    expect(changes()).toHaveLength(1)
    expect(changes()[0]?.['points']).toHaveLength(2)
  })

  it('tells the loss of a link once, for the bus', () => {
    const { made, changes, slots, advance, asked, input, at } = setUp()
    for (const value of [20, 'disconnected'] as const) {
      for (const point of ['b101-dp', 'b101-t', 'c102-rh']) slots([point], value)
      advance(8000)
    }
    expect(changes()).toHaveLength(1)
    expect(changes()[0]).not.toHaveProperty('instrument')
    expect(asked).toContain('rs485-1 *')
    const alarm = 'rs485-1.bus_fault'
    input({ kind: 'condition', at: at(), alarm, active: true, detail: 'pulled' })
    advance(0)
    expect(made.at(-1)).toMatchObject({ cause: 'alarm', bus: 'rs485-1', alarms: [{ alarm }] })
    expect(made.some(({ skipped }) => skipped === 2)).toBe(true)
  })

  it('has nothing to say of a stop of the agent, of late samples, or of due dates', () => {
    const due = PLANT.instruments.map((it) => ({ ...it, calibrationDue: '2020-01-01' }))
    const { made, slots, advance } = setUp({
      ...plantOf(['b101-dp']),
      instruments: due.filter(({ id }) => id === 'dp-b101'),
    })
    for (const value of [15, 'agent_down', 15] as const) {
      slots(['b101-dp'], value)
      advance(1000)
    }
    expect(made).toEqual([])
  })

  it('a sensor that flaps is kept six times an hour, and the rest is counted', () => {
    const { made, dp, recorder } = setUp()
    for (let slot = 0; slot < 600; slot++) dp(slot % 2 === 0 ? 15 : 'crc')
    const changes = made.filter(({ cause }) => cause === 'quality')
    expect(changes).toHaveLength(6)
    expect(recorder.skipped).toBeGreaterThan(580)
    for (let slot = 0; slot < 200; slot++) dp(slot % 2 === 0 ? 15 : 'crc')
    expect(made.filter(({ cause }) => cause === 'quality')).toHaveLength(12)
    expect(made.reduce((sum, { skipped = 0 }) => sum + Number(skipped), 0)).toBeLessThanOrEqual(
      recorder.skipped,
    )
  })

  it('an alarm that comes and goes is kept thirty times an hour', () => {
    const { made, input, at, advance, recorder } = setUp(plantOf(['b101-dp']))
    const alarm = 'rs485-1.bus_fault'
    const flap = (times: number) => {
      for (let time = 0; time < times; time++) {
        input({ kind: 'condition', at: at(), alarm, active: time % 2 === 0 })
        advance(1000)
      }
      return made.filter(
        ({ bus, alarms }) => bus === 'rs485-1' && JSON.stringify(alarms).includes(alarm),
      ).length
    }
    expect(flap(700)).toBeLessThanOrEqual(30)
    expect(made.length).toBe(30)
    expect(recorder.skipped).toBeGreaterThan(300)
    advance(3_600_000)
    expect(flap(2)).toBeGreaterThan(0)
    expect(made.length).toBeGreaterThan(30)
  })

  it('no record is longer than 16 kB, and the newest frames are those that stay', () => {
    const long: WireRecording = {
      exchanges: frames(20, 264).exchanges,
      events: Array.from({ length: 40 }, (_, index) => ({
        atMono: index,
        what: `${index} ${'w'.repeat(190)}`,
      })),
    }
    const { made, dp } = setUp(plantOf(['b101-dp']), long)
    dp(15)
    dp('crc')
    const text = JSON.stringify(made[0])
    expect(text.length).toBeLessThanOrEqual(16_000)
    const kept = made[0]?.['frames'] as { t: number }[]
    expect(kept.length + Number(made[0]?.['cut'])).toBe(20)
    expect(kept.at(-1)?.t).toBeGreaterThan(kept[0]?.t ?? Number.NaN)
    expect(text).toContain('39 www')
  })

  it('is silent where nobody records', () => {
    const { made, dp, recorder } = setUp(plantOf(['b101-dp']), null)
    dp(15)
    dp('crc')
    expect([made, recorder.skipped]).toEqual([[], 0])
  })
})
