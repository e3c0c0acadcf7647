// Two interval groups of one unit: parking ends by either, and no slot of the other is lost, moved or told twice (found by the
// simulation).

import { describe, expect, it } from 'vitest'
import type { SlotResult } from '#core/input.ts'
import type { BusDriver, PollReply } from '#ports/driver.ts'
import { silentLog } from '#ports/log.ts'
import { Poller, type PollGroup } from '../../../agent/runtime/poller.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const counters: BusDriver['counters'] = {
  ...{ requests: 0, replies: 0, timeouts: 0, lateReplies: 0, foreignFrames: 0 },
  ...{ malformedFrames: 0, exceptions: 0, reconnects: 0, retries: 0 },
}

const group = (instrument: string, point: string, intervalMs: number): PollGroup => ({
  ...{ instrument, intervalMs, sampled: false },
  points: [{ point, signal: point }],
})

describe('a unit with two intervals', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'URS-01 covers each slot once, in order, parked or not (%i)',
    async (phase) => {
      const clock = virtualClock()
      const at = clock.now()
      const slots: SlotResult[] = []
      let polls = 0
      const driver: BusDriver = {
        counters,
        link: () => ({ kind: 'up' }),
        onLink: () => {},
        close: async () => {},
        // Silent at first, then unanswered without being called silent (the whole bus is down), for longer than a slot.
        poll: ({ instrument, signals }) =>
          new Promise<PollReply>((resolve) => {
            polls++
            const silent = instrument === 'shared' && polls % 8 < phase
            const takesMs = instrument === 'shared' ? 300 + 150 * (polls % 9) : 900
            clock.at(clock.now().mono + takesMs, () => {
              const arrivedMono = clock.now().mono
              resolve({
                silent,
                signals: signals.map((signal) => ({
                  signal,
                  arrivedMono,
                  result: { kind: 'fault', reason: 'timeout' },
                })),
              })
            })
          }),
      }
      const poller = new Poller({
        ...{ bus: 'net-1', clock, driver, log: silentLog, first: new Map() },
        base: { tb: 0, offsetMs: at.wall - at.mono },
        groups: [
          group('shared', 'fast', 1000),
          group('shared', 'slow', 2000),
          group('other', 'third', 1000),
        ],
        sink: { slots: (results) => slots.push(...results), sample: () => {}, noSample: () => {} },
      })
      poller.run()
      await clock.advance(120_000)
      for (const [point, interval] of [
        ['fast', 1000],
        ['slow', 2000],
        ['third', 1000],
      ] as const) {
        const its = slots.filter((slot) => slot.point === point)
        expect(its.length).toBeGreaterThan(2)
        let next = its[0]?.t ?? 0
        for (const { t, slots: count = 1 } of its) {
          expect(t, `${point} in order`).toBe(next)
          next = t + count * interval
        }
      }
    },
  )
})
