// FB20: whichever units of a bus are dead, the others are asked in time. Virtual time, any number of units.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BusDriver, PollReply } from '#ports/driver.ts'
import { silentLog } from '#ports/log.ts'
import { Poller } from '../../../agent/runtime/poller.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const counters: BusDriver['counters'] = {
  ...{ requests: 0, replies: 0, timeouts: 0, lateReplies: 0, foreignFrames: 0 },
  ...{ malformedFrames: 0, exceptions: 0, reconnects: 0, retries: 0 },
}

const INTERVAL_MS = 2000
const TURN_MS = 20
const PROBE_MS = 300

interface Run {
  /** How late each slot of the living was begun, ms. */
  readonly late: number[]
  probes: number
}

const lateness = async (units: readonly boolean[]): Promise<number[]> => (await run(units)).late
const probesOf = async (units: readonly boolean[], turnMs: number): Promise<number> =>
  (await run(units, turnMs)).probes

/** Polls units, some of them dead, for five minutes. */
async function run(units: readonly boolean[], turnMs = TURN_MS): Promise<Run> {
  const clock = virtualClock()
  const at = clock.now()
  const late: number[] = []
  let probes = 0
  const driver: BusDriver = {
    counters,
    link: () => ({ kind: 'up' }),
    onLink: () => {},
    close: async () => {},
    poll: ({ instrument, signals, probe }) =>
      new Promise<PollReply>((resolve) => {
        const dead = units[Number(instrument)] === true
        const { mono } = clock.now()
        if (!dead) late.push((mono - at.mono) % INTERVAL_MS)
        if (probe) probes++
        const takesMs = dead ? (probe ? PROBE_MS : 2 * PROBE_MS) : turnMs
        clock.at(mono + takesMs, () => {
          const arrivedMono = clock.now().mono
          const result = dead
            ? ({ kind: 'fault', reason: 'timeout' } as const)
            : ({ kind: 'value', value: 1, raw: Uint8Array.of(1) } as const)
          resolve({
            silent: dead,
            signals: signals.map((signal) => ({ signal, arrivedMono, result })),
          })
        })
      }),
  }
  const poller = new Poller({
    ...{ bus: 'net-1', clock, driver, log: silentLog, first: new Map() },
    base: { tb: 0, offsetMs: at.wall - at.mono },
    groups: units.map((_dead, index) => ({
      ...{ instrument: String(index), intervalMs: INTERVAL_MS, sampled: false },
      points: [{ point: `p-${index}`, signal: 'x' }],
    })),
    sink: { slots: () => {}, sample: () => {}, noSample: () => {} },
  })
  poller.run()
  // Whoever is dead is found out in the first round, which that costs.
  await clock.advance(2 * INTERVAL_MS + units.length * 2 * PROBE_MS)
  late.length = 0
  probes = 0
  await clock.advance(300_000)
  return { late, probes }
}

describe('FB20 URS-11 dead units on a bus', () => {
  it('B2 with any of them dead, every slot of the others starts at most one probe late', async () => {
    const units = fc
      .array(fc.boolean(), { minLength: 2, maxLength: 8 })
      .filter((dead) => dead.includes(false))
    await fc.assert(
      fc.asyncProperty(units, async (dead) => {
        const late = await lateness(dead)
        const turns = dead.filter((isDead) => !isDead).length * TURN_MS
        expect(late.length).toBeGreaterThan(100)
        expect(Math.max(...late)).toBeLessThanOrEqual(turns + PROBE_MS)
      }),
      { numRuns: 40 },
    )
  })

  it('a unit is probed, and found again, also on a bus that others fill', async () => {
    // Seven turns of 300 ms do not fit an interval of 2 s: some slot is due whenever one looks.
    const probes = await probesOf([true, false, false, false, false, false, false, false], 300)
    expect(probes).toBeGreaterThan(8)
    expect(probes).toBeLessThan(60)
  })
})
