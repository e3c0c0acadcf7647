// How busy a bus has been of late.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Utilisation } from '../../../agent/runtime/utilisation.ts'

describe('URS-24 live utilisation of a bus', () => {
  it('is the share of the time since the start, and later of the last minute', () => {
    const bus = new Utilisation(1000)
    expect(bus.share(1000)).toBe(0)
    bus.polled(1000, 1500)
    expect(bus.share(2000)).toBeCloseTo(0.5)
    for (let mono = 2000; mono < 3_600_000; mono += 1000) bus.polled(mono, mono + 250)
    expect(bus.share(3_600_000)).toBeCloseTo(0.25, 2)
    for (let mono = 3_600_000; mono < 3_720_000; mono += 1000) bus.polled(mono, mono + 750)
    expect(bus.share(3_720_000)).toBeCloseTo(0.75, 2)
    expect(bus.share(3_900_000)).toBe(0)
  })

  it('counts a poll that takes long in each of its minutes, and one that outlasts the window as all of it', () => {
    const bus = new Utilisation(0)
    bus.polled(0, 30_000)
    expect(bus.share(60_000)).toBeCloseTo(0.5)
    bus.polled(60_000, 260_000)
    expect(bus.share(260_000)).toBeCloseTo(1, 1)
  })

  it('is never less than 0 nor more than 1, whatever the polls', () => {
    const steps = fc.array(fc.tuple(fc.nat(200_000), fc.nat(100_000)), { maxLength: 30 })
    fc.assert(
      fc.property(fc.nat(1_000_000), steps, (start, list) => {
        const bus = new Utilisation(start)
        let mono = start
        for (const [idle, busy] of list) {
          bus.polled(mono + idle, mono + idle + busy)
          mono += idle + busy
          expect(bus.share(mono)).toBeGreaterThanOrEqual(0)
          expect(bus.share(mono)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})
