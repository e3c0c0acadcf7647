// The bounded window of contract §3: messages, bytes, the server's Receive Maximum, and room kept for alarms.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  emptyWindow,
  fits,
  type Lane,
  released,
  taken,
  WINDOW_BYTES_MAX,
  WINDOW_MESSAGES_MAX,
  type Window,
} from '../../../agent/uplink/window.ts'

const fill = (lane: Lane, bytes: number, receiveMaximum: number): Window => {
  let window = emptyWindow
  while (fits(window, { lane, bytes, alone: false }, receiveMaximum)) {
    window = taken(window, { bytes, alone: false })
  }
  return window
}

describe('URS-57 the window', () => {
  it.each([
    // lane, bytes of each, Receive Maximum → messages in flight
    ['state', 100, 65_535, 20],
    ['event', 100, 65_535, 19],
    ['readings', 100, 65_535, 16],
    ['replay', 100, 65_535, 16],
    ['readings', 8000, 65_535, 7],
    ['readings', 100, 5, 4],
    ['state', 100, 5, 5],
    ['event', 100, 5, 4],
    ['readings', 100, 1, 1],
    ['event', 100, 2, 2],
    ['readings', 200_000, 65_535, 1],
    ['state', 16_384, 65_535, 4],
    ['state', 16_385, 65_535, 3],
    ['readings', 7168, 65_535, 8],
    ['readings', 7169, 65_535, 7],
    ['event', 5120, 65_535, 12],
    ['event', 5121, 65_535, 11],
    ['event', 100, 3, 2],
    ['readings', 100, 4, 4],
    ['readings', 100, 10, 8],
  ] as const)(
    '%s of %i bytes under Receive Maximum %i: %i in flight',
    (lane, bytes, max, count) => {
      expect(fill(lane, bytes, max).messages).toBe(count)
    },
  )

  it('NE1 a backlog of readings leaves room for an alarm and its event at once', () => {
    const full = fill('readings', 8000, 20)
    expect(fits(full, { lane: 'event', bytes: 600, alone: false }, 20)).toBe(true)
    const withEvent = taken(full, { bytes: 600, alone: false })
    expect(fits(withEvent, { lane: 'state', bytes: 700, alone: false }, 20)).toBe(true)
  })

  it('nothing joins a message that has to go alone, and it joins nothing', () => {
    const alone = taken(emptyWindow, { bytes: 10, alone: true })
    expect(fits(alone, { lane: 'state', bytes: 1, alone: false }, 20)).toBe(false)
    expect(
      fits(
        released(alone, { bytes: 10, alone: true }),
        { lane: 'state', bytes: 1, alone: false },
        20,
      ),
    ).toBe(true)
    const other = taken(emptyWindow, { bytes: 10, alone: false })
    expect(fits(other, { lane: 'state', bytes: 1, alone: true }, 20)).toBe(false)
  })

  it('NE3 S1 never holds more than the contract says, whatever comes and goes', () => {
    const step = fc.record({
      lane: fc.constantFrom<Lane>('state', 'event', 'readings', 'replay'),
      bytes: fc.integer({ min: 1, max: 100_000 }),
      alone: fc.boolean(),
      release: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 1, max: 30 }),
        (steps, max) => {
          let window = emptyWindow
          const flights: { bytes: number; alone: boolean }[] = []
          for (const { lane, bytes, alone, release } of steps) {
            if (release) {
              const flight = flights.shift()
              if (flight !== undefined) window = released(window, flight)
            } else if (fits(window, { lane, bytes, alone }, max)) {
              window = taken(window, { bytes, alone })
              flights.push({ bytes, alone })
            }
            expect(window.messages).toBe(flights.length)
            expect(window.messages).toBeLessThanOrEqual(Math.min(WINDOW_MESSAGES_MAX, max))
            if (flights.length > 1) {
              expect(window.bytes).toBeLessThanOrEqual(WINDOW_BYTES_MAX)
              expect(flights.some((flight) => flight.alone)).toBe(false)
            }
          }
        },
      ),
    )
  })
})
