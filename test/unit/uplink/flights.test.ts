// What is in flight: which message waits longest, which one stands alone, and the room they take.

import { expect, it } from 'vitest'
import { Flights } from '../../../agent/uplink/flights.ts'
import { WINDOW_BYTES_MAX } from '../../../agent/uplink/window.ts'

const flight = (at: number, bytes: number) => ({
  lane: 'state' as const,
  bytes,
  alone: false,
  at,
  answered: () => {},
})

it('tells the oldest, and the size of a message that is in flight by itself', () => {
  const flights = new Flights()
  const seen = () => [flights.size, flights.oldestAt, flights.loneBytes]
  expect(seen()).toEqual([0, undefined, 0])
  flights.add(7, flight(100, 300))
  expect(seen()).toEqual([1, 100, 300])
  flights.add(3, flight(200, 40))
  expect(seen()).toEqual([2, 100, 0])
  expect(flights.take(7)).toMatchObject({ at: 100, bytes: 300 })
  expect(flights.take(7), 'a packet id answers once').toBeUndefined()
  expect(seen()).toEqual([1, 200, 40])
  flights.clear()
  expect(seen()).toEqual([0, undefined, 0])
})

it('gives the room of a message back once, when it is answered or the connection is gone', () => {
  const flights = new Flights()
  const fits = () => flights.fits({ lane: 'state', bytes: 1, alone: false }, 20)
  flights.add(1, flight(0, WINDOW_BYTES_MAX))
  expect(fits()).toBe(false)
  flights.take(1)
  expect(fits()).toBe(true)
  flights.take(1)
  flights.add(2, flight(0, WINDOW_BYTES_MAX))
  expect(fits()).toBe(false)
  flights.clear()
  expect(fits()).toBe(true)
})
