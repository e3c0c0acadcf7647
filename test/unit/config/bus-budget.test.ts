// The bus budget: its arithmetic by hand, and the small planner behind it.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { busBudget, characterMs, planRequests, silentIntervalMs } from '#config/bus-budget.ts'
import { registerWidth } from '#config/register-width.ts'
import type { BusSettings, Profile, RegisterSpec } from '#drivers/profile.ts'

const LINE = { baudRate: 9600, dataBits: 8, parity: 'even', stopBits: 1 } as const

const profile: Profile = {
  id: 'x',
  protocol: 'modbus',
  source: { document: 'd', confirmedOnHardware: false },
  limits: { maxRegistersPerRead: 125, maxGap: 0, turnaroundMs: 20 },
  signals: [
    {
      name: 'a',
      quantity: 'temperature',
      unit: '°C',
      table: 'input_register',
      address: 0,
      type: 'f32',
      byteOrder: 'ABCD',
      scale: 1,
      offset: 0,
      invalid: [],
    },
  ],
  status: [],
}

const rtu: BusSettings = {
  id: 'rs485-1',
  protocol: 'modbus-rtu',
  path: '/dev/serial/by-id/x',
  baudRate: 9600,
  dataBits: 8,
  parity: 'even',
  stopBits: 1,
  timeoutMs: 500,
  retries: 1,
  lateReplyMs: 2000,
  turnaroundMs: 20,
}

describe('time on a serial line', () => {
  it('URS-24 one request of two registers at 9600 8E1: 17 characters of 11 bits, twice t3.5, turnaround', () => {
    const budget = busBudget({ bus: rtu, line: LINE, groups: [{ profile, signals: ['a'] }] })
    const character = 11_000 / 9600
    expect(budget.requests).toBe(1)
    expect(budget.nominalMs).toBeCloseTo(17 * character + 2 * 3.5 * character + 20, 9)
    expect(budget.deadUnitMs).toBe(1000)
    expect(budget.fits).toBe(true)
  })

  it('URS-24 prints factors from which the printed sum follows', () => {
    const shape =
      /^(\d+) bytes × ([\d.]+) ms at \d+ bit\/s \+ (\d+) requests × \(2 × t3\.5 ([\d.]+) ms \+ turnaround (\d+) ms\) = ([\d.]+) ms/
    for (const baudRate of [1200, 2400, 9600, 19200, 38400, 57600, 115_200])
      for (const instruments of [1, 8, 30]) {
        const groups = Array.from({ length: instruments }, () => ({ profile, signals: ['a'] }))
        const { words } = busBudget({ bus: rtu, line: { ...LINE, baudRate }, groups })
        const [, ...printed] = shape.exec(words) ?? []
        const [bytes = 0, each = 0, requests = 0, t35 = 0, turnaround = 0, sum] =
          printed.map(Number)
        const byHand = bytes * each + requests * (2 * t35 + turnaround)
        // The sum is rounded up to a tenth.
        expect(Math.abs(byHand + 0.05 - (sum ?? 0)), words).toBeLessThan(0.1)
      }
  })

  it('URS-24 counts the pauses between the requests to one instrument where the bus has shorter ones', () => {
    const [a] = profile.signals
    if (a === undefined) throw new Error('no signal')
    const two = { ...profile, signals: [a, { ...a, name: 'b', address: 100 }] }
    const groups = [{ profile: two, signals: ['a', 'b'] }]
    const usual = busBudget({ bus: rtu, line: LINE, groups })
    const hurried = busBudget({ bus: { ...rtu, turnaroundMs: 5 }, line: LINE, groups })
    expect(usual.words).not.toMatch(/pauses/)
    expect(usual.nominalMs - hurried.nominalMs).toBeCloseTo(2 * 15 - 15, 9)
    expect(hurried.words).toMatch(/pauses of instruments 15 ms/)
  })

  it('keeps 1.75 ms between frames above 19200 bit/s', () => {
    expect(characterMs({ ...LINE, parity: 'none' })).toBeCloseTo(10_000 / 9600, 9)
    expect(silentIntervalMs({ ...LINE, baudRate: 19_200 })).toBeCloseTo(2.005, 3)
    expect(silentIntervalMs({ ...LINE, baudRate: 38_400 })).toBe(1.75)
  })

  const cadences: [intervalMs: number, fits: boolean][] = [
    [1000, false],
    [1047, false],
    [1048, true],
    [5000, true],
  ]
  it.each(cadences)('URS-24 against an interval of %i ms: fits %s', (intervalMs, fits) => {
    const budget = busBudget({
      bus: rtu,
      line: LINE,
      groups: [{ profile, signals: ['a'] }],
      cadence: { intervalMs, point: 'p' },
    })
    expect(budget.fits).toBe(fits)
    expect(budget.words).toContain(fits ? 'within' : 'more than')
  })
})

const register = fc.record({
  table: fc.constantFrom('input_register', 'holding_register', 'coil'),
  address: fc.integer({ min: 0, max: 300 }),
  type: fc.constantFrom('u16', 'f32', 'f64', 'string16'),
  byteOrder: fc.constant('ABCD'),
}) as fc.Arbitrary<RegisterSpec>

describe('planned requests', () => {
  it('cover every register whole, and none is longer than permitted', () => {
    fc.assert(
      fc.property(
        fc.array(register, { maxLength: 40 }),
        fc.integer({ min: 8, max: 125 }),
        fc.integer({ min: 0, max: 20 }),
        (registers, maxRegistersPerRead, maxGap) => {
          const plan = planRequests(registers, { maxRegistersPerRead, maxGap, turnaroundMs: 0 })
          for (const { table, count } of plan) {
            if (table !== 'coil' && count > maxRegistersPerRead) return false
          }
          return registers.every(({ table, address, type }) =>
            plan.some(
              (request) =>
                request.table === table &&
                request.address <= address &&
                address + registerWidth(type) <= request.address + request.count,
            ),
          )
        },
      ),
    )
  })

  it('joins over a gap only as far as the profile permits', () => {
    const at = (address: number): RegisterSpec => ({
      table: 'input_register',
      address,
      type: 'u16',
      byteOrder: 'ABCD',
    })
    const limits = { maxRegistersPerRead: 125, maxGap: 2, turnaroundMs: 0 }
    expect(planRequests([at(0), at(3)], limits)).toHaveLength(1)
    expect(planRequests([at(0), at(4)], limits)).toHaveLength(2)
  })
})
