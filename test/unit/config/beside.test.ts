// One fault never hides another, and what the contract leaves open is not refused.

import { describe, expect, it } from 'vitest'
import { accepted, instrumentAt, load, sound } from './support.ts'

const main = sound()
type Input = typeof main
const keysOf = (input: Input) => load(input).findings.map(({ key }) => key)

describe('a fault beside a fault', () => {
  it('URS-54 a site with a wrong id is told its wrong time zone too', () => {
    const site = { ...main.site, id: 'Milano CF', timezone: 'Mars/Olympus' }
    expect(keysOf({ ...main, site })).toEqual(expect.arrayContaining(['site.id', 'site.timezone']))
  })

  it('URS-17 URS-54 an alert level that is missing is told without a limit set too', () => {
    const { points, ...counter } = instrumentAt(main, 0)
    const [first, ...others] = points
    const bare = { ...counter, points: [{ ...first, limits: { deadband: 0 } }, ...others] }
    const [, ...instruments] = main.instruments
    const faulty = { ...main, limitSet: 'none', instruments: [bare, ...instruments] }
    expect(keysOf(faulty as Input)).toEqual([
      'limitSet',
      'instruments[0].points[0].limits.alertHigh',
    ])
  })

  it.each([
    ['instruments[1].points[0]', (it: Input) => it.instruments[1]?.points[0]],
    ['instruments[1]', (it: Input) => it.instruments[1]],
    ['buses[1]', (it: Input) => it.buses[1]],
  ])(
    'URS-24 URS-54 an interval of %s without a unit, or misspelt, is told, and no budget of an interval that nobody gave',
    (key, at) => {
      const faulty = structuredClone(main)
      Object.assign(instrumentAt(faulty, 1).points[0] ?? {}, { interval: undefined })
      Object.assign(at(faulty) ?? {}, { interval: 5 })
      expect(keysOf(faulty)).toEqual([`${key}.interval`])
      Object.assign(at(faulty) ?? {}, { interval: undefined, intervall: '60s' })
      expect(keysOf(faulty)).toEqual([`${key}.intervall`])
    },
  )
})

it('a signal may be named as the manual does', () => {
  const signal = { quantity: 'temperature', unit: '°C', table: 'input_register', address: 1 }
  const signals = [{ name: 'PT-100_T1', type: 'f32', ...signal }]
  const own = { id: 'own', protocol: 'modbus', source: { document: 'd' }, signals }
  const points = [{ id: 't1', signal: 'PT-100_T1', zone: 'c102', limits: { actionHigh: 25 } }]
  const instrument = { id: 'th', bus: 'net-1', profile: './own.json', points }
  const files = { '/etc/cleanroom/own.json': JSON.stringify(own) }
  const { plant } = accepted(
    load({ ...main, instruments: [instrument] } as unknown as Input, files),
  )
  expect(plant.points.map((point) => point.signal)).toEqual(['PT-100_T1'])
})
