// URS-13, URS-67: what the configuration may say of horn and light, and of who states an occupancy.

import { describe, expect, it } from 'vitest'
import { differences } from '#config/differences.ts'
import { accepted, load, loadChanged, type Plain } from './support.ts'
import { judge } from './verdicts.ts'

const OWN = { profile: 'moxa-iologik-e1214', bus: 'net-horn', outputs: ['red', 'horn', 'healthy'] }

const horn =
  (change: object = {}) =>
  (plain: Plain): void => {
    plain.buses.push({ id: 'net-horn', protocol: 'modbus-tcp', host: '10.0.0.20' })
    plain['annunciator'] = { ...OWN, ...change }
  }

const zone = (change: object) => (plain: Plain) => Object.assign(plain.zones[1] ?? {}, change)
const STRETCH = { from: '07:00', to: '19:00', state: 'in_operation' }

judge([
  [
    'URS-13 horn and light',
    [
      ['a module on a bus of its own', horn(), 'accepted'],
      ['a bus that does not exist', horn({ bus: 'net-9' }), 'refused', 'annunciator.bus'],
      [
        'a bus with an instrument on it',
        horn({ bus: 'net-1' }),
        'refused',
        'annunciator.bus',
        /URS-13/,
      ],
      ['a module nobody knows', horn({ profile: 'acme' }), 'refused', 'annunciator.profile'],
      ['no horn', horn({ outputs: ['red', 'healthy'] }), 'warned', 'annunciator.outputs', /URS-30/],
      [
        'nothing energised when healthy',
        horn({ outputs: ['horn'] }),
        'warned',
        'annunciator.outputs',
        /URS-73/,
      ],
      [
        'an output twice',
        horn({ outputs: ['horn', 'healthy', 'horn'] }),
        'refused',
        'annunciator.outputs[2]',
      ],
      ['no output', horn({ outputs: [] }), 'refused', 'annunciator.outputs'],
      [
        'a time that is none',
        horn({ selfTest: { at: '24:00' } }),
        'refused',
        'annunciator.selfTest.at',
      ],
    ],
  ],
  [
    'URS-67 who states an occupancy',
    [
      [
        'a schedule',
        zone({ schedule: { stretches: [STRETCH], otherwise: 'at_rest' } }),
        'accepted',
      ],
      [
        'a clean-up by schedule',
        zone({ schedule: { stretches: [STRETCH], otherwise: 'clean_up' } }),
        'refused',
        'zones[1].schedule.otherwise',
      ],
      [
        'a contact that does not exist',
        zone({ signal: { point: 'gone' } }),
        'refused',
        'zones[1].signal.point',
      ],
      [
        'a temperature as contact',
        zone({ signal: { point: 'b-t' } }),
        'refused',
        'zones[1].signal.point',
      ],
      [
        'schedule and contact',
        zone({
          signal: { point: 'b-t' },
          schedule: { stretches: [STRETCH], otherwise: 'at_rest' },
        }),
        'refused',
        'zones[1].schedule',
      ],
      ['a stay as long as the site says', zone({ longest: { in_operation: '8h' } }), 'accepted'],
      [
        'a stay for ever',
        zone({ longest: { in_operation: '365d' } }),
        'refused',
        'zones[1].longest.in_operation',
      ],
    ],
  ],
])

describe('what is made of it', () => {
  it('enables only what is listed, polls the bus of the module never, and shows what changed', () => {
    const before = accepted(loadChanged(() => {}))
    const after = accepted(loadChanged(horn({ heartbeat: '1s' })))
    expect(after.annunciator?.output.coils).toEqual([
      { name: 'red', address: 0 },
      { name: 'horn', address: 3 },
      { name: 'healthy', address: 4 },
    ])
    expect(after.buses.map(({ id }) => id)).toEqual(before.buses.map(({ id }) => id))
    expect(after.plant.buses).toEqual(before.plant.buses)
    const keys = differences(before, after).map(({ key }) => key)
    expect(keys).toContain('annunciator.heartbeatMs')
  })

  it('refuses an output that the profile of the site names no coil for, or two on one coil', () => {
    const profile = (address: number) =>
      JSON.stringify({
        id: 'own',
        protocol: 'modbus',
        source: { document: 'wiring plan 7' },
        write: 'single',
        outputs: [
          { name: 'horn', address: 0 },
          { name: 'healthy', address },
        ],
      })
    const found = (outputs: string[], address: number) => {
      const files = { '/etc/cleanroom/own.json': profile(address) }
      let text: Plain | undefined
      loadChanged((plain) => {
        horn({ profile: './own.json', outputs })(plain)
        text = plain
      })
      const loaded = load(text ?? '', files)
      return loaded.findings.map(({ key, severity }) => `${severity} ${key}`)
    }
    expect(found(['horn', 'healthy'], 1)).toEqual([])
    expect(found(['horn', 'healthy', 'red'], 1)).toEqual(['error annunciator.outputs[2]'])
    expect(found(['horn', 'healthy'], 0)).toEqual(['error outputs[1].address'])
  })
})
