// Small pure judgements: exceptions, status words, silence of a line, back-off.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffCeiling, backoffDelay, backoffDelays } from '#core/backoff.ts'
import { seededRandom } from '#core/random.ts'
import { exceptionFault, exceptionKind } from '#drivers/modbus/exception.ts'
import { SilenceWatch } from '#drivers/modbus/silence.ts'
import { complaintsOf, underComplaint } from '#drivers/modbus/status.ts'
import type { StatusSpec } from '#drivers/profile.ts'

describe('every exception code', () => {
  const named: Record<number, string> = {
    1: 'illegal',
    2: 'illegal',
    3: 'illegal',
    5: 'busy',
    6: 'busy',
    10: 'gateway',
    11: 'silent',
  }

  it('FB4 FB5 FB6 FB7 FB8 FB9 0 to 255 has a meaning, and a reason of the contract', () => {
    for (let code = 0; code <= 255; code++) {
      const kind = named[code] ?? 'failed'
      expect(exceptionKind(code)).toBe(kind)
      const fault = exceptionFault(code)
      const reasons: Record<string, string> = {
        busy: 'busy',
        gateway: 'gateway',
        silent: 'timeout',
      }
      expect(fault.reason).toBe(reasons[kind] ?? 'exception')
      expect(fault.exceptionCode).toBe(reasons[kind] === undefined ? code : undefined)
    }
  })
})

describe('status words', () => {
  const spec = (over: Partial<StatusSpec>): StatusSpec => ({
    table: 'input_register',
    address: 0,
    type: 'u16',
    byteOrder: 'ABCD',
    bits: [],
    ...over,
  })
  const lighthouse = spec({
    bits: [
      { bit: 0, faultWhen: 1, reason: 'laser_fault' },
      { bit: 1, faultWhen: 1, reason: 'flow_fault' },
      { bit: 2, faultWhen: 1, reason: 'overflow' },
    ],
  })
  const goodMask = spec({
    bits: [
      { bit: 0, faultWhen: 0, reason: 'laser_fault' },
      { bit: 1, faultWhen: 0, reason: 'flow_fault' },
    ],
  })

  it.each<[string, StatusSpec, number, string[]]>([
    ['no bit set', lighthouse, 0, []],
    ['flow', lighthouse, 2, ['flow_fault']],
    ['laser before flow', lighthouse, 3, ['laser_fault', 'flow_fault']],
    ['a bit nobody declared', lighthouse, 0x80, []],
    ['good mask, all good', goodMask, 7, []],
    ['good mask, all zero', goodMask, 0, ['laser_fault', 'flow_fault']],
    ['HMT330: 1 is healthy', spec({ healthy: [1] }), 1, []],
    ['HMT330: 0 is a fault', spec({ healthy: [1] }), 0, ['sensor_fault']],
    ['GMP251 start-up', spec({ healthy: [0], reason: 'warmup' }), 2, ['warmup']],
    [
      'bit 31 of a u32',
      spec({ type: 'u32', bits: [{ bit: 31, faultWhen: 1, reason: 'sensor_fault' }] }),
      0x80000000,
      ['sensor_fault'],
    ],
    [
      'bit 15 of an i16',
      spec({ type: 'i16', bits: [{ bit: 15, faultWhen: 1, reason: 'sensor_fault' }] }),
      -32768,
      ['sensor_fault'],
    ],
    ['a word that is no number', lighthouse, Number.NaN, ['sensor_fault']],
  ])('%s', (_name, status, word, expected) => {
    expect(complaintsOf(status, word)).toEqual(expected)
  })

  it('URS-09 a fault takes the value and keeps its bytes; a warning leaves it', () => {
    const value = { kind: 'value', value: 5, raw: Uint8Array.of(0, 5) } as const
    expect(underComplaint(value, 'laser_fault')).toEqual({
      kind: 'fault',
      reason: 'laser_fault',
      raw: value.raw,
    })
    expect(underComplaint(value, 'warmup')).toEqual({ ...value, warning: 'warmup' })
    expect(underComplaint(value, 'overflow')).toEqual({ ...value, warning: 'over_range' })
    const fault = { kind: 'fault', reason: 'timeout' } as const
    expect(underComplaint(fault, 'sensor_fault')).toBe(fault)
  })
})

describe('silence of a line', () => {
  it.each<[string, number, string, string]>([
    // . = something was heard, a digit = a timeout of that unit; R = reopen, - = not
    ['one unit, three timeouts', 1, '111', '--R'],
    ['hearing anything starts over', 1, '11.111', '-- --R'],
    ['one dead unit among two suspects no line', 2, '111111', '------'],
    ['two of two', 2, '112', '--R'],
    ['two of eight are enough to look', 8, '1112', '---R'],
    [
      'in vain: each time it takes twice as many',
      1,
      '111111111111111111111',
      '--R-----R-----------R',
    ],
  ])('%s', (_name, units, events, expected) => {
    const watch = new SilenceWatch(units)
    const seen = [...events].map((event) => {
      if (event !== '.') return watch.timedOut(Number(event)) ? 'R' : '-'
      watch.heard()
      return ' '
    })
    expect(seen.join('')).toBe(expected)
  })

  it('is muted only when every unit was asked in vain', () => {
    const watch = new SilenceWatch(3)
    for (const unit of [1, 2, 1, 2, 1]) watch.timedOut(unit)
    expect(watch.muted).toBe(false)
    watch.timedOut(3)
    expect(watch.muted).toBe(true)
    watch.heard()
    expect(watch.muted).toBe(false)
  })
})

describe('back-off', () => {
  const limits = { firstMsMax: 1000, msMax: 30_000 }

  it('never waits longer than its envelope, nor its cap', () => {
    fc.assert(
      fc.property(
        fc.nat(5000),
        fc.double({ min: 0, max: 0.999999, noNaN: true }),
        (attempt, drawn) => {
          const delay = backoffDelay(limits, attempt, () => drawn)
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThan(Math.min(30_000, 1000 * 2 ** Math.min(attempt, 50)))
        },
      ),
    )
    expect([0, 1, 4, 5, 1000].map((attempt) => backoffCeiling(limits, attempt))).toEqual([
      1000, 2000, 16_000, 30_000, 30_000,
    ])
  })

  it('spreads over the whole envelope, the same for the same seed', () => {
    const take = () => {
      const delays = backoffDelays(limits, seededRandom(3))
      return Array.from({ length: 200 }, () => delays.next().value)
    }
    expect(take()).toEqual(take())
    const late = take().slice(5)
    expect(Math.min(...late)).toBeLessThan(1500)
    expect(Math.max(...late)).toBeGreaterThan(28_500)
  })
})
