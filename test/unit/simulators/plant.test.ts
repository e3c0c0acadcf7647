// The plant against physics and experience: cascade, doors, recovery, counts, incubators (limits.md, devices.md §1.9).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { normal, poisson } from '../../../simulators/plant/chance.ts'
import { concentrationAt } from '../../../simulators/plant/particles.ts'
import { Plant } from '../../../simulators/plant/plant.ts'
import type { PlantEvent } from '../../../simulators/script.ts'
import { SPEC, script } from './site.ts'

const plantOf = (seed = 1): Plant => new Plant(SPEC, seed)

function happen(plant: Plant, text: string): void {
  for (const { event } of script(text)) {
    expect(plant.refusal(event as PlantEvent)).toBeUndefined()
    plant.apply(event as PlantEvent)
  }
}

/** Mean over so many seconds, looked at twice a second. */
function mean(plant: Plant, seconds: number, look: () => number): number {
  let sum = 0
  for (let half = 0; half < 2 * seconds; half++) {
    plant.advance(0.5)
    sum += look()
  }
  return sum / (2 * seconds)
}

describe('pressure', () => {
  it('URS-64 holds the cascade: 15 Pa from room to airlock to gowning, the cabinet above its room', () => {
    const plant = plantOf()
    expect(mean(plant, 120, () => plant.differentialPressure('b101', 'al-1'))).toBeCloseTo(15, 0)
    expect(mean(plant, 120, () => plant.differentialPressure('al-1', 'd103'))).toBeCloseTo(15, 0)
    expect(plant.differentialPressure('bsc-1', 'b101')).toBeGreaterThan(10)
    expect(plant.differentialPressure('d103')).toBeGreaterThan(10)
  })

  it('URS-64 an open door takes the difference away and it comes back within ten seconds', () => {
    const plant = plantOf()
    plant.advance(10)
    happen(plant, 'door b101 to al-1 open 8s')
    plant.advance(6)
    expect(plant.differentialPressure('b101', 'al-1')).toBeLessThan(3)
    plant.advance(12)
    expect(plant.differentialPressure('b101', 'al-1')).toBeGreaterThan(13)
  })

  it('URS-64 a stopped fan lets a room fall to its neighbours, and only while it stands', () => {
    const plant = plantOf()
    happen(plant, 'fan b101 off 60s')
    plant.advance(59)
    expect(plant.differentialPressure('b101', 'al-1')).toBeLessThan(6)
    plant.advance(31)
    expect(plant.differentialPressure('b101', 'al-1')).toBeGreaterThan(13)
  })

  it('URS-64 stays finite and near its figures whatever doors do', () => {
    const zones = fc.constantFrom('b101', 'al-1', 'd103', 'bsc-1')
    const door = fc.tuple(
      zones,
      fc.constantFrom('b101', 'al-1', 'd103', 'outside'),
      fc.integer({ min: 1, max: 30 }),
    )
    fc.assert(
      fc.property(fc.array(door, { maxLength: 12 }), fc.integer(), (doors, seed) => {
        const plant = plantOf(seed)
        for (const [zone, to, seconds] of doors) {
          if (zone !== to) happen(plant, `door ${zone} to ${to} open ${seconds}s`)
          plant.advance(1)
        }
        for (const { pressurePa, per05M3 } of Object.values(plant.state())) {
          expect(pressurePa).toBeGreaterThan(-80)
          expect(pressurePa).toBeLessThan(80)
          expect(Number.isFinite(per05M3)).toBe(true)
        }
        plant.advance(90)
        expect(plant.differentialPressure('b101', 'al-1')).toBeGreaterThan(12)
      }),
      { numRuns: 20 },
    )
  })
})

describe('particles', () => {
  it('URS-64 at rest: less than two counts of 0.5 µm in 28.3 L of grade A, tens in grade B', () => {
    const plant = plantOf()
    plant.advance(60)
    const counts = (zone: string): number => plant.concentration(zone, 0.5) * 0.0283
    expect(counts('bsc-1')).toBeLessThan(2)
    expect(counts('b101')).toBeGreaterThan(10)
    expect(counts('b101')).toBeLessThan(99)
    expect(plant.concentration('b101', 5)).toBeLessThan(1)
  })

  it('URS-64 people at work stay below the limits in operation and above those at rest', () => {
    const plant = plantOf()
    happen(plant, 'people b101 2 working')
    plant.advance(3600)
    expect(plant.concentration('b101', 0.5)).toBeGreaterThan(3520)
    expect(plant.concentration('b101', 0.5)).toBeLessThan(352_000)
    expect(plant.concentration('b101', 5)).toBeGreaterThan(29)
    expect(plant.concentration('b101', 5)).toBeLessThan(2930)
  })

  it('URS-64 grade B recovers 100:1 in 15 to 20 minutes, a cabinet in a minute', () => {
    const plant = plantOf()
    happen(plant, 'disturb b101 0.5um 10000000/m3 for 1s\ndisturb bsc-1 0.5um 10000000/m3 for 1s')
    plant.advance(1.01)
    const recovery = (zone: string): number => {
      const start = plant.concentration(zone, 0.5)
      let seconds = 0
      for (; plant.concentration(zone, 0.5) > start / 100 && seconds < 7200; seconds += 5)
        plant.advance(5)
      return seconds
    }
    expect(recovery('bsc-1')).toBeLessThan(60)
    const minutes = recovery('b101') / 60
    expect(minutes).toBeGreaterThan(13)
    expect(minutes).toBeLessThan(20)
  })

  it('URS-64 a disturbance holds its level for its time, in its size', () => {
    const plant = plantOf()
    happen(plant, 'disturb bsc-1 5um 60/m3 for 30s')
    plant.advance(29)
    expect(plant.concentration('bsc-1', 5)).toBeCloseTo(60, 3)
    plant.advance(60)
    expect(plant.concentration('bsc-1', 5)).toBeLessThan(1)
  })

  it('URS-64 an open door lets in what is dirtier', () => {
    const plant = plantOf()
    const before = plant.concentration('al-1', 0.5)
    happen(plant, 'door al-1 to d103 open 60s')
    plant.advance(60)
    expect(plant.concentration('al-1', 0.5)).toBeGreaterThan(1.2 * before)
  })

  it('URS-64 concentrations never rise with size, whatever happens', () => {
    const plant = plantOf(3)
    happen(
      plant,
      'people b101 3 working\ndisturb bsc-1 5um 100/m3 for 5s\ndoor b101 to al-1 open 20s',
    )
    for (let step = 0; step < 40; step++) {
      plant.advance(1)
      for (const zone of ['bsc-1', 'b101', 'al-1', 'd103']) {
        const sizes = [0.3, 0.5, 0.7, 1, 2.5, 3, 5, 7, 10]
        const levels = sizes.map((size) => plant.concentration(zone, size))
        expect(levels.toSorted((a, b) => b - a)).toEqual(levels)
      }
    }
  })

  it('interpolates sizes between those it carries', () => {
    expect(concentrationAt([1000, 100, 10, 1, 0.1, 0.01], 0.5)).toBeCloseTo(100)
    expect(concentrationAt([1000, 100, 10, 1, 0.1, 0.01], Math.SQRT1_2)).toBeCloseTo(31.62, 2)
    expect(concentrationAt([1000, 100, 10, 1, 0.1, 0.01], 25)).toBe(0.01)
  })
})

describe('counts', () => {
  it.each([0.1, 0.5, 3, 29, 31, 400, 1999, 2500])(
    'URS-64 a Poisson number of mean %d has that mean and variance',
    (expected) => {
      const random = seededRandom(42)
      const draws = Array.from({ length: 4000 }, () => poisson(expected, random))
      const average = draws.reduce((sum, draw) => sum + draw, 0) / draws.length
      const variance = draws.reduce((sum, draw) => sum + (draw - average) ** 2, 0) / draws.length
      // Five standard errors of the mean; the variance within an eighth.
      expect(Math.abs(average - expected)).toBeLessThan(5 * Math.sqrt(expected / draws.length))
      expect(variance / expected).toBeGreaterThan(0.875)
      expect(variance / expected).toBeLessThan(1.125)
      expect(draws.every((draw) => Number.isInteger(draw) && draw >= 0)).toBe(true)
    },
  )

  it('draws nothing from nothing', () => {
    expect([0, -1, Number.NaN].map((none) => poisson(none, seededRandom(1)))).toEqual([0, 0, 0])
    expect(Number.isFinite(normal(() => 0))).toBe(true)
  })
})

describe('climate and incubator', () => {
  it('URS-64 the chamber loses its gas when opened and has it back within minutes', () => {
    const plant = plantOf()
    happen(plant, 'door inc-1 open 20s')
    plant.advance(20)
    expect(plant.co2Ppm('inc-1')).toBeLessThan(8000)
    expect(plant.temperature('inc-1')).toBeLessThan(35)
    plant.advance(300)
    expect(plant.co2Ppm('inc-1')).toBeGreaterThan(48_000)
    plant.advance(900)
    expect(plant.temperature('inc-1')).toBeGreaterThan(36.5)
  })

  it('URS-64 levels are left and come back at their time', () => {
    const plant = plantOf()
    happen(
      plant,
      'temperature b101 26C for 20min\nhumidity b101 65% for 20min\nco2 inc-1 3% for 20min',
    )
    plant.advance(1199)
    expect(plant.temperature('b101')).toBeGreaterThan(25)
    expect(plant.humidity('b101')).toBeGreaterThan(60)
    expect(plant.co2Ppm('inc-1')).toBeLessThan(32_000)
    plant.advance(1800)
    expect(plant.temperature('b101')).toBeLessThan(21)
    expect(plant.humidity('b101')).toBeLessThan(48)
    expect(plant.co2Ppm('inc-1')).toBeGreaterThan(48_000)
  })

  it('a probe whose zone is a room stands in a chamber of its own, named by the probe', () => {
    const units = [{ instrument: 'co2-9', unitId: 1, model: 'vaisala-gmp251', zone: 'd103' }]
    const plant = new Plant({ ...SPEC, buses: [{ id: 'n', host: '127.0.0.1', port: 0, units }] }, 1)
    expect(plant.co2Ppm('co2-9')).toBeGreaterThan(48_000)
    happen(plant, 'door co2-9 open 10s')
    plant.advance(9)
    expect(plant.co2Ppm('co2-9')).toBeLessThan(25_000)
  })
})
