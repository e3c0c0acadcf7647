// URS-10 check-config warns where replies on a serial line cannot be told apart by their length.

import { describe, expect, it } from 'vitest'
import type { Configuration, Finding } from '#config/configuration.ts'
import { replyClashes } from '#drivers/reply-clashes.ts'
import { replyLengthFindings } from '../../../agent/cli/reply-length-check.ts'
import { instrument, profileOf, signal } from '../../support/driver-rig.ts'
import { accepted, load, sound } from '../config/support.ts'

/** Two floats far apart, with nothing declared beside them. */
const FAR_APART = {
  id: 'far-apart',
  protocol: 'modbus',
  source: { document: 'none' },
  signals: [0, 100].map((address) => ({
    name: `t${address}`,
    quantity: 'temperature',
    unit: '°C',
    table: 'input_register',
    address,
    type: 'f32',
  })),
}

function findings(bus: string, over: Record<string, unknown> = {}): Finding[] {
  const plain = sound()
  plain.instruments.push({
    id: 'far-1',
    profile: './far.json',
    bus,
    unitId: 77,
    points: FAR_APART.signals.map(({ name }) => ({
      id: `far-${name}`,
      signal: name,
      zone: 'd103',
      limits: { alertHigh: 30 },
    })),
  })
  const files = { '/etc/cleanroom/far.json': JSON.stringify({ ...FAR_APART, ...over }) }
  const configuration: Configuration = accepted(load(plain, files))
  return replyLengthFindings(configuration)
}

describe('URS-10 replies of equal length', () => {
  it.each(['rs485-1', 'conv-1'])('are warned of on %s, with the place and what to do', (bus) => {
    const found = findings(bus)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({
      severity: 'warning',
      file: '/etc/cleanroom/config.yaml',
      key: 'instruments[3]',
      source: 'URS-10',
    })
    expect(found[0]?.line).toBeGreaterThan(50)
    expect(found[0]?.problem).toMatch(/2 from address 100 \(function 4\)/)
    expect(found[0]?.remedy).toMatch(/maxGap/)
  })

  it('are no matter on TCP, where each reply carries its transaction id', () => {
    expect(findings('net-1')).toEqual([])
  })

  it('are none where a neighbour may be read along', () => {
    const neighbour = { ...FAR_APART.signals[1], name: 'beside', address: 102, type: 'u16' }
    expect(findings('rs485-1', { signals: [...FAR_APART.signals, neighbour] })).toEqual([])
  })

  it('the shipped profiles in the sound configuration have none', () => {
    expect(replyLengthFindings(accepted(load(sound())))).toEqual([])
  })

  it('the question who it is counts as a read too, and so does a record', () => {
    const at = { table: 'holding_register', byteOrder: 'ABCD' } as const
    const serial = { ...at, address: 200, type: 'u16' } as const
    const plain = instrument('a', 1, profileOf([signal('x', 0)], { identify: { serial } }))
    expect(replyClashes(plain, [{ signals: ['x'], sampled: false }])).toHaveLength(1)
    const counter = instrument(
      'c',
      1,
      profileOf([signal('n', 0, 'u32', { quantity: 'particle_concentration', sizeUm: 0.5 })], {
        sample: {
          identity: { ...at, address: 300, type: 'u32', kind: 'record_number' },
          defaultDurationMs: 60_000,
          counts: 'cumulative',
          content: 'counts',
          status: [],
        },
      }),
    )
    expect(replyClashes(counter, [{ signals: ['n'], sampled: true }]).length).toBeGreaterThan(0)
  })
})
