// The transmitters against their register maps (devices.md §2.1, 3.1, 4.1): values, mirrors, status, sentinels.

import { describe, expect, it } from 'vitest'
import type { GenericRegister, SimulationSpec } from '../../../simulators/spec.ts'
import { identify } from '../../../simulators/wire/identification.ts'
import { Site, SPEC } from './site.ts'

describe('E+E EE600', () => {
  it('URS-64 shows pascal as float low word first, in every unit, by function 03 and 04', () => {
    const site = new Site()
    site.run(10)
    const pascal = site.float('dp-1', 4, 1214)
    expect(pascal).toBeGreaterThan(13.5)
    expect(pascal).toBeLessThan(16.5)
    expect(site.float('dp-1', 3, 0x4be)).toBe(pascal)
    expect(site.float('dp-1', 4, 0x4bc)).toBeCloseTo(pascal / 100, 5)
    expect(site.words('dp-1', 4, 0x100b, 1)).toEqual([Math.round(pascal)])
    expect(site.words('dp-1', 4, 0x259, 1)).toEqual([0])
  })

  it('URS-64 gives its serial number only whole', () => {
    const site = new Site()
    const text = Buffer.from(
      site.words('dp-1', 4, 0, 8).flatMap((word) => [word >> 8, word & 0xff]),
    )
    expect(text.toString('latin1')).toBe('E1234567'.padEnd(16, '\0'))
    expect(site.ask('dp-1', '04 0000 0004').toString('hex')).toBe('8402')
    expect(site.ask('dp-1', '04 04C4 0002').toString('hex')).toBe('8402')
    expect(site.ask('dp-1', '06 0000 0001').toString('hex')).toBe('8601')
  })

  it('URS-64 limits values to its range without a word', () => {
    const site = new Site({ script: 'pressure b101 900Pa for 60s' })
    site.run(30)
    expect(site.float('dp-1', 4, 1214)).toBe(250)
    expect(site.words('dp-1', 4, 0x259, 1)).toEqual([0])
  })

  it('URS-64 shows NaN, 8000h and a status bit on a critical error, and recovers', () => {
    const site = new Site()
    site.world.fault('dp-1', 'nan', { durationMs: 2000 })
    site.run(1)
    expect(site.words('dp-1', 4, 1214, 2)).toEqual([0x0000, 0x7fc0])
    expect(site.words('dp-1', 4, 0x100b, 1)).toEqual([0x8000])
    expect(site.words('dp-1', 4, 0x259, 1)).toEqual([2])
    site.run(2)
    expect(Number.isNaN(site.float('dp-1', 4, 1214))).toBe(false)
  })

  it('URS-64 freezes, drifts and is swapped on demand', () => {
    const site = new Site()
    site.run(5)
    const before = site.float('dp-1', 4, 1214)
    site.world.fault('dp-1', 'frozen', { durationMs: 10_000 })
    site.run(9)
    expect(site.float('dp-1', 4, 1214)).toBe(before)
    site.run(2)
    expect(site.float('dp-1', 4, 1214)).not.toBe(before)
    site.world.fault('dp-1', 'drift', { value: 6 })
    site.run(60)
    expect(site.float('dp-1', 4, 1214)).toBeGreaterThan(19)
    const serial = site.words('dp-1', 4, 0, 8)
    site.world.fault('dp-1', 'swap')
    site.run(1)
    expect(site.words('dp-1', 4, 0, 8)).not.toEqual(serial)
  })

  it('URS-64 turns the sign when its tubes are swapped', () => {
    const units = [
      {
        instrument: 'dp-r',
        unitId: 1,
        model: 'ee600',
        zone: 'b101',
        against: 'al-1',
        reversed: true,
      },
    ]
    const site = new Site({
      spec: { ...SPEC, buses: [{ id: 'n', host: '127.0.0.1', port: 0, units }] },
    })
    site.run(5)
    expect(site.float('dp-r', 4, 1214)).toBeLessThan(-13)
  })
})

describe('Vaisala HMP', () => {
  it('URS-64 shows humidity, temperature, dew point and their integers', () => {
    const site = new Site()
    site.run(5)
    const rh = site.float('th-1', 3, 0)
    const t = site.float('th-1', 3, 2)
    expect(rh).toBeGreaterThan(42)
    expect(rh).toBeLessThan(48)
    expect(t).toBeGreaterThan(19.5)
    expect(t).toBeLessThan(20.5)
    // 20 °C and 45 % have their dew point at 7.7 °C and hold 7.8 g/m³.
    expect(site.float('th-1', 3, 6)).toBeGreaterThan(6.5)
    expect(site.float('th-1', 3, 6)).toBeLessThan(9)
    expect(site.float('th-1', 3, 14)).toBeCloseTo(7.8, 0)
    expect(site.words('th-1', 3, 256, 2)).toEqual([Math.round(rh * 100), Math.round(t * 100)])
  })

  it('URS-64 holds the test values of the manual', () => {
    const site = new Site()
    expect(site.ask('th-1', '03 1F00 0003').toString('hex')).toBe('0306cfc7e666c2f6')
    expect(site.float('th-1', 3, 7937)).toBeCloseTo(-123.45, 4)
    const text = Buffer.from(
      site.words('th-1', 3, 7939, 4).flatMap((word) => [word >> 8, word & 0xff]),
    )
    expect(text.toString('latin1')).toBe('-123.45\0')
  })

  it('URS-64 status is 1 while healthy and 0 with errors; a missing value is quiet NaN, not an exception', () => {
    const site = new Site()
    site.run(1)
    expect(site.words('th-1', 3, 512, 2)).toEqual([1, 1])
    site.world.fault('th-1', 'sensor-fault')
    site.run(1)
    expect(site.words('th-1', 3, 512, 1)).toEqual([0])
    expect(site.float('th-1', 3, 2)).toBeGreaterThan(15)
    site.world.clear('th-1')
    site.world.fault('th-1', 'nan')
    site.run(1)
    expect(site.ask('th-1', '03 0000 0004').toString('hex')).toBe(
      '03080000 7fc0 0000 7fc0'.replaceAll(' ', ''),
    )
    expect(site.words('th-1', 3, 256, 1)).toEqual([0x8000])
  })

  it('URS-64 refuses function 04, undefined registers and writes outside its settings', () => {
    const site = new Site()
    expect(site.ask('th-1', '04 0000 0002').toString('hex')).toBe('8401')
    expect(site.ask('th-1', '03 0012 0002').toString('hex')).toBe('8302')
    expect(site.ask('th-1', '10 0000 0001 02 0000').toString('hex')).toBe('9002')
    const hash = site.words('th-1', 3, 517, 2)
    expect(site.ask('th-1', '10 0600 0001 02 0005').toString('hex')).toBe('1006000001')
    expect(site.words('th-1', 3, 0x600, 1)).toEqual([5])
    expect(site.words('th-1', 3, 517, 2)).not.toEqual(hash)
  })

  it('URS-64 says who it is by function 43/14: streams of its own, cut where they are too long, and one object', () => {
    const ask = (text: string) => new Site().ask('th-1', text)
    expect(ask('2B 0E 01 00').toString('latin1')).toContain('Vaisala')
    expect(ask('2B 0E 01 00').subarray(0, 7).toString('hex')).toBe('2b0e0183000003')
    expect(ask('2B 0E 02 03').subarray(0, 8).toString('hex')).toBe('2b0e028300000203')
    expect(ask('2B 0E 03 80').subarray(0, 8).toString('hex')).toBe('2b0e038300000380')
    expect(ask('2B 0E 04 01').toString('hex')).toBe('2b0e0483000001' + '0104' + '484d5034')
    expect(ask('2B 0E 04 7F').toString('hex')).toBe('ab02')
    expect(ask('2B 0E 05 00').toString('hex')).toBe('ab03')
    expect(ask('2B 0D 01 00').toString('hex')).toBe('ab01')
    const objects = [
      [0, 'aaaa'],
      [1, 'bbbb'],
      [0x80, 'c'.repeat(9)],
    ] as const
    const cut = (code: string) => identify(objects, Buffer.from(code, 'hex'), 12)
    expect((cut('2b0e0300') as Buffer).subarray(4, 7)).toEqual(Buffer.of(0xff, 0x80, 2))
    expect((cut('2b0e0380') as Buffer).subarray(4, 7)).toEqual(Buffer.of(0, 0, 1))
    expect((cut('2b0e0342') as Buffer).subarray(4, 7)).toEqual(Buffer.of(0xff, 0x80, 2))
  })
})

describe('Vaisala GMP251', () => {
  it('URS-64 shows ppm as float and integers, and status 0', () => {
    const site = new Site()
    site.run(30)
    const ppm = site.float('co2-1', 3, 0)
    expect(ppm).toBeGreaterThan(48_500)
    expect(ppm).toBeLessThan(51_500)
    expect(site.words('co2-1', 3, 256, 2)).toEqual([32_767, Math.round(ppm / 10)])
    expect(site.float('co2-1', 3, 4)).toBeCloseTo(37, 0)
    expect(site.words('co2-1', 3, 2048, 2)).toEqual([0, 0])
  })

  it('URS-64 is not ready, then not reliable after a start; the integer shows 0, the float NaN', () => {
    const site = new Site()
    site.run(1)
    site.world.fault('co2-1', 'reboot', { durationMs: 2000 })
    site.run(3)
    expect(site.words('co2-1', 3, 2049, 1)).toEqual([256])
    expect(site.words('co2-1', 3, 0, 2)).toEqual([0x0000, 0x7fc0])
    expect(site.words('co2-1', 3, 257, 1)).toEqual([0])
    site.run(8)
    expect(site.words('co2-1', 3, 2049, 1)).toEqual([2])
    expect(site.float('co2-1', 3, 0)).toBeGreaterThan(40_000)
    site.run(30)
    expect(site.words('co2-1', 3, 2049, 1)).toEqual([0])
  })
})

describe('an instrument made of a register table', () => {
  const table = (byteOrder: 'ABCD' | 'CDAB' | 'BADC' | 'DCBA'): GenericRegister => ({
    table: 'input_register',
    address: 10,
    type: 'u32',
    byteOrder,
    shows: { kind: 'constant', value: 0x0a0b0c0d },
  })
  const siteOf = (registers: readonly GenericRegister[]): Site => {
    const units = [
      { instrument: 'g', unitId: 1, model: 'generic', zone: 'b101', against: 'al-1', registers },
    ]
    const spec: SimulationSpec = {
      ...SPEC,
      buses: [{ id: 'n', host: '127.0.0.1', port: 0, units }],
    }
    return new Site({ spec })
  }

  it.each([
    ['ABCD', '0a0b0c0d'],
    ['CDAB', '0c0d0a0b'],
    ['BADC', '0b0a0d0c'],
    ['DCBA', '0d0c0b0a'],
  ] as const)('URS-64 shows a constant as %s', (byteOrder, bytes) => {
    expect(
      siteOf([table(byteOrder)])
        .ask('g', '04 000A 0002')
        .toString('hex'),
    ).toBe(`0404${bytes}`)
  })

  it('URS-64 shows quantities of its zone, scaled, and bits', () => {
    const site = siteOf([
      {
        table: 'holding_register',
        address: 0,
        type: 'i16',
        scale: 0.1,
        shows: { kind: 'plant', quantity: 'differential_pressure' },
      },
      {
        table: 'discrete_input',
        address: 3,
        type: 'bit',
        shows: { kind: 'plant', quantity: 'door' },
      },
    ])
    site.run(5)
    expect(site.words('g', 3, 0, 1)[0]).toBeGreaterThan(135)
    expect(site.ask('g', '02 0003 0001').toString('hex')).toBe('020100')
    site.world.event('door b101 open 5s')
    expect(site.ask('g', '02 0003 0001').toString('hex')).toBe('020101')
    expect(site.ask('g', '01 0003 0001').toString('hex')).toBe('8102')
  })
})
