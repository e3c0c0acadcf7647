// URS-63 what the way out owes: a read that is never answered and a stream that stands still are told, and nothing else is.

import { describe, expect, it } from 'vitest'
import { LaneProgress } from '../../../agent/uplink/progress.ts'
import type { StreamLane } from '../../../agent/uplink/stream-lane.ts'
import { event, readings } from '../../support/memory-store.ts'
import { type UplinkRig, uplinkRig } from '../../support/uplink-rig.ts'

const DEAD_MS = 30_000

/** What a watchdog would call dead at any look within this time. */
async function deadWithin(rig: UplinkRig, ms: number): Promise<string[]> {
  const dead = new Set<string>()
  for (let at = 0; at < ms; at += 500) {
    await rig.clock.advance(500)
    const { mono } = rig.clock.now()
    for (const { task, dueMono } of rig.uplink.progress?.() ?? [])
      if (mono - dueMono > DEAD_MS) dead.add(task)
  }
  return [...dead]
}

describe('URS-63 the way out', () => {
  it('tells of a read that the store never answers, once no damaged file can be the reason', async () => {
    const rig = uplinkRig()
    rig.commit(readings(100))
    rig.store.fault = () => new Promise(() => {})
    rig.uplink.start()
    expect(await deadWithin(rig, 600_000)).toEqual([])
    expect(await deadWithin(rig, 40_000)).toContain('read of readings for the broker')
  })

  it('tells of a stream that stands still with nothing in flight, and takes it back when it goes on', () => {
    let stuck = true
    const progress = new LaneProgress()
    const lane = { stream: 'readings', askedMono: Infinity } as StreamLane
    const lanes = [Object.defineProperty(lane, 'stuck', { get: () => stuck })]
    const due = (mono: number, sending = true): number | undefined =>
      progress.tasks(lanes, sending, mono).find(({ task }) => task === 'sending of readings')
        ?.dueMono
    expect(due(1000)).toBe(1000)
    expect(due(31_000)).toBe(1000)
    stuck = false
    expect(due(31_500)).toBe(Infinity)
    stuck = true
    expect(due(32_000)).toBe(32_000)
    expect(due(33_000, false), 'without a session nobody stands still').toBe(Infinity)
  })

  it.each<[what: string, change: (rig: UplinkRig) => void]>([
    ['nobody listens', (rig) => (rig.broker.react = () => 0x10)],
    ['everything is refused', (rig) => (rig.broker.react = () => 0x87)],
    ['the quota is used up', (rig) => (rig.broker.react = () => 0x97)],
    ['nothing is answered', (rig) => (rig.broker.react = () => 'silence')],
    ['every message ends the connection', (rig) => (rig.broker.react = () => 'hang up')],
    ['the store fails', (rig) => (rig.store.fault = () => Promise.reject(new Error('EIO')))],
    ['all is well', () => {}],
  ])('tells of nothing while %s', async (_what, change) => {
    const rig = uplinkRig()
    rig.commit(readings(3000))
    change(rig)
    rig.uplink.start()
    expect(await deadWithin(rig, 300_000)).toEqual([])
    rig.commit([event(), ...readings(10, 3000)])
    expect(await deadWithin(rig, 120_000)).toEqual([])
  })
})
