// URS-52: for how long records are kept, and what has to be said beside it.

import { describe, expect, it } from 'vitest'
import { differences } from '#config/differences.ts'
import { accepted, load, loadChanged, type Plain, sound } from './support.ts'
import { judge } from './verdicts.ts'

const kept =
  (retention: unknown, mqtt?: object) =>
  (plain: Plain): void => {
    plain.gateway['retention'] = retention
    if (mqtt !== undefined) plain.mqtt = { url: 'mqtts://broker:8883', ...mqtt }
  }

judge([
  [
    'URS-52 retention',
    [
      ['with a consumer that confirms', kept('90d', { consumers: ['historian'] }), 'accepted'],
      ['without a way out', kept('90d'), 'refused', 'gateway.retention', /URS-48/],
      ['with nobody who confirms', kept('90d', {}), 'warned', 'gateway.retention', /URS-48/],
      ['of less than a day', kept('23h', { consumers: ['h'] }), 'refused', 'gateway.retention'],
      ['of ten years', kept('3650d', { consumers: ['h'] }), 'accepted'],
      ['that is no duration', kept('long', { consumers: ['h'] }), 'refused', 'gateway.retention'],
    ],
  ],
])

describe('URS-52 the time that records are kept', () => {
  it('is for ever where nothing is said', () => {
    expect(accepted(load(sound()))).not.toHaveProperty('retentionMs')
  })

  it('is a change that is shown', () => {
    const at = (days: number) =>
      accepted(loadChanged(kept(`${days}d`, { consumers: ['historian'] })))
    expect(differences(at(90), at(30))).toMatchObject([
      { key: 'site.retentionMs', from: 90 * 86_400_000, to: 30 * 86_400_000 },
    ])
  })
})
