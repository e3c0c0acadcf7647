// The poller in virtual time against scripted drivers: every slot covered exactly once, whatever the units do.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SlotResult } from '#core/input.ts'
import { seededRandom } from '#core/random.ts'
import { newCounters } from '#drivers/registry.ts'
import type { BusDriver, PollOrder, PollReply } from '#ports/driver.ts'
import { silentLog } from '#ports/log.ts'
import { Poller, type PollGroup } from '../../../agent/runtime/poller.ts'
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts'

const counters = newCounters()

type Behaviour = (order: PollOrder) => { takesMs: number; silent?: boolean }

function scriptedDriver(clock: VirtualClock, behave: Behaviour, orders: PollOrder[]): BusDriver {
  let busy = false
  return {
    counters,
    link: () => ({ kind: 'up' }),
    onLink: () => {},
    close: async () => {},
    poll: (order) => {
      expect(busy, 'one poll at a time').toBe(false)
      busy = true
      orders.push(order)
      const { takesMs, silent = false } = behave(order)
      const started = clock.now().mono
      return new Promise<PollReply>((resolve) => {
        clock.at(started + takesMs, () => {
          busy = false
          resolve({
            silent,
            signals: order.signals.map((signal) => ({
              signal,
              arrivedMono: clock.now().mono,
              result: silent
                ? { kind: 'fault', reason: 'timeout' }
                : { kind: 'value', value: 1, raw: new Uint8Array(2) },
            })),
          })
        })
      })
    },
  }
}

const group = (instrument: string, intervalMs: number): PollGroup => ({
  instrument,
  intervalMs,
  sampled: false,
  points: [{ point: `${instrument}-p`, signal: 'temperature' }],
})

function setUp(groups: PollGroup[], behave: Behaviour) {
  const clock = virtualClock()
  const at = clock.now()
  const slots: SlotResult[] = []
  const orders: PollOrder[] = []
  const poller = new Poller({
    bus: 'net-1',
    clock,
    groups,
    log: silentLog,
    first: new Map(),
    driver: scriptedDriver(clock, behave, orders),
    base: { tb: 0, offsetMs: at.wall - at.mono },
    sink: { slots: (results) => slots.push(...results), sample: () => {}, noSample: () => {} },
  })
  return { clock, slots, orders, poller, start: at.wall }
}

/** Every slot of the point from its first to its last is covered exactly once. */
function expectExactCover(slots: SlotResult[], point: string, intervalMs: number) {
  const mine = slots.filter((slot) => slot.point === point).sort((a, b) => a.t - b.t)
  let next = mine[0]?.t ?? Number.NaN
  for (const slot of mine) {
    expect(slot.t, `${point} slot`).toBe(next)
    expect(slot.t % intervalMs).toBe(0)
    if (slot.result.kind === 'value') expect(slot.slots ?? 1).toBe(1)
    next = slot.t + (slot.slots ?? 1) * intervalMs
  }
  return { first: mine[0]?.t ?? Number.NaN, end: next }
}

const reasons = (slots: SlotResult[], point: string) =>
  slots
    .filter((slot) => slot.point === point)
    .map(({ result, slots: n = 1 }) => (result.kind === 'value' ? 'good' : `${result.reason}×${n}`))

describe('URS-01 every slot ends as exactly one record', () => {
  it('polls each slot of each group once', async () => {
    const { clock, slots, poller, start } = setUp([group('a', 1000), group('b', 5000)], () => ({
      takesMs: 20,
    }))
    poller.run()
    await clock.advance(60_500)
    expect(expectExactCover(slots, 'a-p', 1000)).toEqual({ first: start, end: start + 61_000 })
    expect(expectExactCover(slots, 'b-p', 5000)).toEqual({ first: start, end: start + 65_000 })
    expect(slots.every(({ result }) => result.kind === 'value')).toBe(true)
  })

  it('writes slot_missed for slots whose request could not start before they ended', async () => {
    const { clock, slots, poller } = setUp([group('a', 1000)], () => ({ takesMs: 3500 }))
    poller.run()
    await clock.advance(20_000)
    expectExactCover(slots, 'a-p', 1000)
    expect(reasons(slots, 'a-p').slice(0, 4)).toEqual([
      'good',
      'slot_missed×2',
      'good',
      'slot_missed×3',
    ])
  })

  it('stamps the arrival in ms after the slot', async () => {
    const { clock, slots, poller } = setUp([group('a', 1000)], () => ({ takesMs: 38 }))
    poller.run()
    await clock.advance(3000)
    expect(slots.map(({ a }) => a)).toEqual([38, 38, 38])
  })
})

describe('URS-11 FB20 a silent unit is parked and probed while the others keep their cadence', () => {
  it('loses no slot of the others, writes parked runs, and comes back by itself', async () => {
    let dead = true
    const { clock, slots, orders, poller } = setUp(
      [group('dead', 1000), group('a', 1000), group('b', 1000)],
      ({ instrument, probe }) =>
        instrument === 'dead' && dead
          ? { takesMs: probe ? 300 : 600, silent: true }
          : { takesMs: 10 },
    )
    poller.run()
    await clock.advance(120_000)
    for (const point of ['a-p', 'b-p']) {
      expectExactCover(slots, point, 1000)
      expect(new Set(reasons(slots, point))).toEqual(new Set(['good']))
    }
    expect(poller.isParked('dead')).toBe(true)
    const probes = orders.filter(({ instrument }) => instrument === 'dead').length
    expect(probes).toBeLessThan(12)
    dead = false
    await clock.advance(60_500)
    expect(poller.isParked('dead')).toBe(false)
    await poller.pause()
    poller.settle()
    expectExactCover(slots, 'dead-p', 1000)
    const ofDead = reasons(slots, 'dead-p')
    expect(ofDead[0]).toBe('timeout×1')
    expect(ofDead.some((reason) => reason.startsWith('parked'))).toBe(true)
    expect(ofDead.at(-1)).toBe('good')
    const runs = slots
      .filter(({ point, slots: n }) => point === 'dead-p' && n !== undefined)
      .map(({ slots: n }) => n ?? 1)
    expect(Math.max(...runs)).toBeLessThanOrEqual(60)
  })

  it('keeps asking a unit that is alone on its bus at every slot, without retries', async () => {
    const { clock, slots, orders, poller } = setUp([group('a', 1000)], () => ({
      takesMs: 300,
      silent: true,
    }))
    poller.run()
    await clock.advance(10_500)
    expect(new Set(reasons(slots, 'a-p'))).toEqual(new Set(['timeout×1']))
    expect(orders.slice(1).every(({ probe }) => probe)).toBe(true)
  })
})

describe('pausing, clock steps and take-over', () => {
  it('covers the old base up to the step and the new one after it', async () => {
    const { clock, slots, poller } = setUp([group('a', 1000)], () => ({ takesMs: 20 }))
    poller.run()
    await clock.advance(10_300)
    clock.stepWall(3_600_000)
    await poller.pause()
    poller.settle()
    const before = expectExactCover(slots, 'a-p', 1000)
    slots.length = 0
    const at = clock.now()
    poller.run({ tb: 1, offsetMs: at.wall - at.mono })
    await clock.advance(10_000)
    const after = expectExactCover(slots, 'a-p', 1000)
    expect(after.first - before.end).toBe(3_600_000)
    expect(after.end - after.first).toBe(10_000)
  })

  it('pauses while a poll is under way only after its results are handed on', async () => {
    const { clock, slots, poller } = setUp([group('a', 1000)], () => ({ takesMs: 400 }))
    poller.run()
    await clock.advance(100)
    const paused = poller.pause()
    await clock.advance(500)
    await paused
    expect(reasons(slots, 'a-p')).toEqual(['good'])
    expect([...poller.uncovered().values()]).toEqual([(slots[0]?.t ?? 0) + 1000])
  })

  it('property: any mix of durations, silences and pauses leaves no hole and no overlap', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.integer({ min: 1, max: 8000 }), { minLength: 1, maxLength: 6 }),
        async (seed, pauses) => {
          const random = seededRandom(seed)
          const { clock, slots, poller } = setUp(
            [group('a', 1000), group('b', 700), group('c', 5000)],
            () => ({
              takesMs: Math.floor(random() * random() * 2500),
              silent: random() < 0.3,
            }),
          )
          poller.run()
          for (const ms of pauses) {
            await clock.advance(ms)
            const paused = poller.pause()
            await clock.advance(2500)
            await paused
            poller.run()
          }
          const paused = poller.pause()
          await clock.advance(2500)
          await paused
          poller.settle()
          const now = clock.now().wall
          for (const [point, interval] of [
            ['a-p', 1000],
            ['b-p', 700],
            ['c-p', 5000],
          ] as const) {
            const { end } = expectExactCover(slots, point, interval)
            expect(end).toBeGreaterThan(now - interval)
            expect(end).toBeLessThanOrEqual(now + interval)
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
