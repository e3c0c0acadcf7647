// The site as a whole: the same seed gives the same site, faults reach whom they name, and refusals are words.

import { describe, expect, it } from 'vitest'
import type { SimulationSpec } from '../../../simulators/spec.ts'
import { Site, SPEC, UNITS } from './site.ts'

const SCRIPT = `
+2s  people b101 2 working
+5s  door b101 to al-1 open 4s
+8s  disturb bsc-1 0.5um 9000/m3 for 10s
+10s fault dp-1 frozen 5s
+12s fault pc-1 reboot 3s
+15s every 5s door inc-1 open 1s
`

/** What the site shows each second. */
function trace(options: { seed?: number; speed?: number }): string[] {
  const site = new Site({ script: SCRIPT, ...options })
  return Array.from({ length: 40 }, () => {
    site.run(1)
    return JSON.stringify(site.world.snapshot())
  })
}

describe('a simulated site', () => {
  it('URS-64 is the same for the same seed and script, and another for another seed', () => {
    expect(trace({ seed: 7 })).toEqual(trace({ seed: 7 }))
    expect(trace({ seed: 8 }).at(-1)).not.toBe(trace({ seed: 7 }).at(-1))
  })

  it('URS-64 gives an instrument the same noise whatever else is on the site', () => {
    const alone = {
      ...SPEC,
      buses: [
        {
          id: 'net-1',
          host: '127.0.0.1',
          port: 0,
          units: UNITS.filter(
            ({ model }) => model !== 'lighthouse-apex' && model !== 'vaisala-hmp',
          ),
        },
      ],
    }
    const one = new Site({ spec: alone })
    const all = new Site()
    one.run(5)
    all.run(5)
    expect(all.float('dp-1', 4, 1214)).toBe(one.float('dp-1', 4, 1214))
  })

  it('URS-64 speed hurries the plant, not the instruments', () => {
    const site = new Site({ speed: 60, script: '+50min say an hour nearly' })
    site.run(60.1)
    expect(site.said).toEqual(['an hour nearly'])
    expect(site.world.snapshot().plantSeconds).toBeCloseTo(3606, 3)
    // Sixty seconds of six-second samples and the one from before.
    expect(site.words('pc-1', 3, 23, 1)).toEqual([11])
  })

  it('URS-64 settles and recovers also at the greatest speed', () => {
    const site = new Site({
      speed: 3600,
      script: 'door b101 to al-1 open 10min\npeople b101 3 working\n+2h people b101 0',
    })
    site.run(1)
    expect(site.world.snapshot().zones['b101']?.per05M3).toBeGreaterThan(10_000)
    site.run(3)
    const { zones } = site.world.snapshot()
    expect((zones['b101']?.pressurePa ?? 0) - (zones['al-1']?.pressurePa ?? 0)).toBeGreaterThan(13)
    expect(zones['b101']?.per05M3).toBeLessThan(1500)
  })

  it('URS-64 counts what is in the air: the mean of many samples is concentration × volume', () => {
    const site = new Site({ script: 'disturb bsc-1 0.5um 20000/m3 for 2h' })
    let sum = 0
    for (let sample = 0; sample < 200; sample++) {
      site.run(6)
      sum += site.u32('pc-1', 4, 8)
    }
    const expected = 20_000 * 0.00283
    expect(Math.abs(sum / 200 - expected)).toBeLessThan(5 * Math.sqrt(expected / 200))
  })

  it('repeats what is to be repeated, at plant time', () => {
    const site = new Site({ script: '+1s every 2s say tick' })
    site.run(10)
    expect(site.said).toHaveLength(5)
  })

  it('takes events now and later, and refuses in words what cannot be', () => {
    const site = new Site()
    site.world.event('fault dp-1 frozen 5s')
    site.world.event('+2s say later')
    expect(site.said).toEqual(['fault dp-1 frozen 5s'])
    site.run(2.1)
    expect(site.said).toContain('later')
    expect(() => site.world.event('door nowhere open 5s')).toThrow(/no zone "nowhere".*b101/)
    expect(() => site.world.event('co2 b101 4% for 5s')).toThrow(/no incubator "b101".*inc-1/)
    expect(() => site.world.event('door inc-1 to b101 open 5s')).toThrow(
      /an incubator has one door/,
    )
    expect(() => site.world.event('door b101 to b101 open 5s')).toThrow(/from one zone to another/)
    expect(() => site.world.event('fault nobody silence')).toThrow(/no instrument or bus "nobody"/)
    expect(() => site.world.event('fault net-1 frozen')).toThrow(
      /a fault of an instrument, and "net-1" is a bus/,
    )
    expect(() => site.world.event('nonsense')).toThrow(/is no event/)
  })

  it('a fault of the wire said of a bus strikes each unit; of the bus, the bus; each ends when cleared or over', () => {
    const site = new Site()
    site.world.fault('net-1', 'busy', { durationMs: 2000 })
    site.world.fault('dp-1', 'half-open')
    expect(Object.keys(site.world.snapshot().faults).sort()).toEqual([
      'co2-1',
      'dp-1',
      'dp-2',
      'net-1',
      'pc-1',
      'th-1',
    ])
    site.world.clear('dp-1', 'busy')
    expect(site.world.snapshot().faults['dp-1']).toBeUndefined()
    site.run(2.1)
    expect(site.world.snapshot().faults).toEqual({ 'net-1': ['half-open'] })
    site.world.fault('th-1', 'nan')
    site.world.clear('net-1')
    expect(site.world.snapshot().faults).toEqual({})
  })

  it('refuses a specification with everything that is wrong with it, in words', () => {
    const spec: SimulationSpec = {
      zones: [
        { id: 'a', grade: 'A', within: 'gone' },
        { id: 'a', grade: 'B' },
      ],
      buses: [
        {
          id: 'n',
          host: '127.0.0.1',
          port: 0,
          units: [
            { instrument: 'i', unitId: 300, model: 'acme-9000', zone: 'a', against: 'nowhere' },
            {
              instrument: 'j',
              unitId: 1,
              model: 'lighthouse-apex',
              zone: 'b',
              serial: 'X1',
              sampleSeconds: 0.5,
              channelsUm: [5, 0.5],
              flowLpm: 0,
            },
            { instrument: 'k', unitId: 1, model: 'ee600', zone: 'a' },
          ],
        },
      ],
    }
    const complain = (): Site => new Site({ spec })
    for (const words of [
      /zone "a": the id is used twice/,
      /within "gone"/,
      /no simulator of "acme-9000"; there is one of lighthouse-apex, ee600, vaisala-hmp, vaisala-gmp251, generic/,
      /unit id 300/,
      /against is not a zone/,
      /serial number "X1"/,
      /sample time 0.5 s/,
      /channel sizes 5, 0.5 µm/,
      /flow 0 L/,
      /"j" and "k" both have unit id 1/,
    ])
      expect(complain).toThrow(words)
    expect(() => new Site({ speed: 0 })).toThrow(/speed 0 is not between/)
    expect(() => new Site({ script: '+1s door gone open 1s' })).toThrow(
      /script line 1: there is no zone "gone"/,
    )
  })
})
