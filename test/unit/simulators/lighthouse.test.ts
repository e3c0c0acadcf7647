// The particle counter against its register map (devices.md §1.1): what a driver of any make would find on it.

import { describe, expect, it } from 'vitest'
import type { UnitSpec } from '../../../simulators/spec.ts'
import { Site, START } from './site.ts'

const RECORD_TIME = 0
const INDEX = 24
const COMMAND = 1

describe('Lighthouse ApexRemote', () => {
  it('URS-64 shows its head as the map says: version, serial, names, flow, times', () => {
    const site = new Site()
    site.run(1)
    const head = site.words('pc-1', 3, 0, 60)
    expect(head[0]).toBe(150)
    expect(head[1]).toBe(0)
    expect((head[4] ?? 0) * 65_536 + (head[5] ?? 0)).toBe(200_512_003)
    const name = Buffer.from(head.slice(6, 14).flatMap((word) => [word >> 8, word & 0xff]))
    expect(name.toString('latin1').replaceAll('\0', '')).toBe('ApexRemote')
    expect(head[22]).toBe(100)
    expect(head[24]).toBe(0xffff)
    expect(site.u32('pc-1', 3, 26)).toBe(Math.floor((START.wall + 1000) / 1000))
    expect([site.u32('pc-1', 3, 30), site.u32('pc-1', 3, 32)]).toEqual([0, 6])
  })

  it('URS-64 samples by itself from power-up, one record each sample time, stamped at its end', () => {
    const site = new Site()
    site.run(0.1)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([1])
    const times: number[] = []
    for (let sample = 0; sample < 5; sample++) {
      site.run(6)
      times.push(site.u32('pc-1', 4, RECORD_TIME))
    }
    expect(site.words('pc-1', 3, 23, 1)).toEqual([6])
    expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 6, 12, 18, 24])
    expect(site.u32('pc-1', 4, 2)).toBe(6)
  })

  it('URS-64 sets NEW DATA with a record and clears it when any record register is read', () => {
    const site = new Site()
    site.run(6.2)
    expect((site.words('pc-1', 3, 2, 1)[0] ?? 0) & 0b111).toBe(0b111)
    site.words('pc-1', 4, 74, 1)
    expect((site.words('pc-1', 3, 2, 1)[0] ?? 0) & 0b111).toBe(0b011)
    site.run(6)
    expect((site.words('pc-1', 3, 2, 1)[0] ?? 0) & 0b100).toBe(0b100)
  })

  it('URS-64 selects records by index: 0 the oldest, −1 whichever is last, others refused', () => {
    const site = new Site()
    site.run(30.1)
    const last = site.u32('pc-1', 4, RECORD_TIME)
    site.write('pc-1', INDEX, 0)
    const oldest = site.u32('pc-1', 4, RECORD_TIME)
    site.write('pc-1', INDEX, 4)
    expect(site.u32('pc-1', 4, RECORD_TIME)).toBe(last - 6)
    site.run(6)
    expect(site.u32('pc-1', 4, RECORD_TIME)).toBe(last - 6)
    expect(site.write('pc-1', INDEX, 7)).toEqual(Buffer.from([0x86, 3]))
    site.write('pc-1', INDEX, -1)
    expect(site.u32('pc-1', 4, RECORD_TIME)).toBe(last + 6)
    expect(last - oldest).toBe(30)
  })

  it('URS-64 shows cumulative counts, the mask of its channels, and garbage in those it has not', () => {
    const site = new Site({ script: 'disturb bsc-1 0.5um 2000000/m3 for 60s' })
    site.run(6.1)
    const small = site.u32('pc-1', 4, 8)
    const large = site.u32('pc-1', 4, 10)
    expect(small).toBeGreaterThan(large)
    expect(large).toBeGreaterThan(0)
    expect(site.words('pc-1', 4, 73, 1)).toEqual([0b11])
    expect(site.u32('pc-1', 4, 12)).toBeGreaterThan(0)
  })

  it('URS-64 refuses what the map does not have, and functions it does not support', () => {
    const site = new Site()
    site.run(0.1)
    const refusals = [
      ['04 004C 0001', '8402'],
      ['03 0200 0001', '8302'],
      ['03 0000 007E', '8303'],
      ['03 0000 0000', '8303'],
      ['10 0018 0001 02 FFFF', '9001'],
      ['01 0000 0001', '8101'],
      ['06 0002 0001', '8602'],
      ['06 0019 00C9', '8603'],
      ['06 0001 0063', '8603'],
      ['2B 0E 01 00', 'ab01'],
    ]
    for (const [request = '', reply] of refusals) {
      expect(`${request} ${site.ask('pc-1', request).toString('hex')}`).toBe(`${request} ${reply}`)
    }
  })

  it('URS-64 obeys stop, start, manual start and stop, clear, and clock setting', () => {
    const site = new Site()
    site.run(9)
    site.write('pc-1', COMMAND, 12)
    expect((site.words('pc-1', 3, 2, 1)[0] ?? 0) & 0b11).toBe(0)
    site.run(20)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([2])
    site.write('pc-1', COMMAND, 9)
    site.run(4)
    site.write('pc-1', COMMAND, 10)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([3])
    expect(site.u32('pc-1', 4, 2)).toBe(4)
    site.write('pc-1', COMMAND, 3)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([0])
    expect(site.u32('pc-1', 4, RECORD_TIME)).toBe(0)
    site.write('pc-1', 34, 0x6000)
    site.write('pc-1', 35, 0x0001)
    site.write('pc-1', COMMAND, 13)
    site.run(5)
    expect(site.u32('pc-1', 3, 26)).toBe(0x6000_0001 + 5)
  })

  it('URS-64 takes new sample and hold times with the next cycle', () => {
    const site = new Site()
    site.run(0.1)
    site.write('pc-1', 33, 4)
    site.write('pc-1', 31, 2)
    site.run(24)
    site.run(0.1)
    // The six seconds that had begun, then hold 2 and sample 4: at 6, 12, 18, 24.
    expect(site.words('pc-1', 3, 23, 1)).toEqual([5])
    expect(site.u32('pc-1', 4, 2)).toBe(4)
  })

  it.each([
    ['flow-fault', 1 << 12, 1 << 1],
    ['laser-fault', 1 << 11, 1 << 0],
    ['sensor-fault', (1 << 3) | (1 << 13), 1 << 3],
  ] as const)(
    'URS-64 says %s in device and record status, counts looking plausible',
    (kind, device, record) => {
      const site = new Site()
      site.run(3)
      site.world.fault('pc-1', kind, { durationMs: 1000 })
      site.run(0.5)
      expect((site.words('pc-1', 3, 2, 1)[0] ?? 0) & device).toBe(device)
      site.run(3)
      expect(site.u32('pc-1', 4, 6)).toBe(record)
      expect((site.words('pc-1', 3, 2, 1)[0] ?? 0) & device).toBe(0)
      site.run(6)
      expect(site.u32('pc-1', 4, 6)).toBe(0)
    },
  )

  it('URS-64 loses the running sample at a reboot, keeps its records, and starts again', () => {
    const site = new Site()
    site.run(9)
    site.world.fault('pc-1', 'reboot', { durationMs: 5000 })
    site.run(5)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([2])
    site.run(6.2)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([3])
    site.world.fault('pc-1', 'memory-loss')
    site.run(5.2)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([0])
  })

  it('URS-64 stuck clock repeats its stamp, a stepped one jumps for good, a frozen counter stores nothing', () => {
    const site = new Site()
    site.run(6.1)
    const time = site.u32('pc-1', 4, RECORD_TIME)
    site.world.fault('pc-1', 'stuck-clock', { durationMs: 12_000 })
    site.run(12.1)
    const stuck = site.u32('pc-1', 4, RECORD_TIME)
    expect(stuck - time).toBeLessThan(2)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([4])
    site.world.fault('pc-1', 'clock-step', { value: -3600, durationMs: 1000 })
    site.run(6)
    expect(site.u32('pc-1', 4, RECORD_TIME)).toBe(time + 18 - 3600)
    site.world.fault('pc-1', 'frozen', { durationMs: 12_000 })
    site.run(12)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([5])
  })

  it('URS-64 shows another record, and no NEW DATA, while another master is at it', () => {
    const site = new Site()
    site.run(18.2)
    const last = site.u32('pc-1', 4, RECORD_TIME)
    site.world.fault('pc-1', 'other-master', { durationMs: 7000 })
    site.run(6.5)
    expect(site.words('pc-1', 3, INDEX, 1)).toEqual([0])
    expect(site.u32('pc-1', 4, RECORD_TIME)).toBe(last - 18)
    expect((site.words('pc-1', 3, 2, 1)[0] ?? 0) & 0b100).toBe(0)
    site.run(1)
    expect(site.words('pc-1', 3, INDEX, 1)).toEqual([0xffff])
    expect(site.u32('pc-1', 4, RECORD_TIME)).toBe(last + 6)
  })

  it('URS-64 says overflow when it can no longer tell particles apart', () => {
    const site = new Site({ script: 'disturb bsc-1 0.5um 50000000/m3 for 3s' })
    site.run(6.1)
    expect(site.u32('pc-1', 4, 6) & 0b100).toBe(0b100)
    site.run(12)
    expect(site.u32('pc-1', 4, 6)).toBe(0)
  })

  it('URS-64 keeps 3000 records and lets the oldest go', () => {
    const unit: UnitSpec = {
      instrument: 'pc-1',
      unitId: 1,
      model: 'lighthouse-apex',
      zone: 'bsc-1',
      sampleSeconds: 1,
    }
    const zones = [{ id: 'bsc-1', grade: 'A' }] as const
    const buses = [{ id: 'net-1', host: '127.0.0.1', port: 0, units: [unit] }]
    const site = new Site({ spec: { zones, buses } })
    site.run(3020)
    expect(site.words('pc-1', 3, 23, 1)).toEqual([3000])
    site.write('pc-1', INDEX, 0)
    const oldest = site.u32('pc-1', 4, RECORD_TIME)
    site.write('pc-1', INDEX, -1)
    expect(site.u32('pc-1', 4, RECORD_TIME) - oldest).toBe(2999)
  })
})
