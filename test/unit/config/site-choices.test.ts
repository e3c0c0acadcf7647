// Justifications, counters, pressures and ranges: what a site has to say, each case with its clause.

import { describe, expect, it } from 'vitest'
import { formatFinding } from '#config/load.ts'
import { accepted, instrumentAt, load, loadChanged, type Plain, sound } from './support.ts'
import { type Case, DP, dp, grade, judge, limits, P05, p05, T, t } from './verdicts.ts'

const JUSTIFICATION: Case[] = [
  [
    'URS-22 an on-delay without a justification',
    limits(dp, { onDelay: '30s' }),
    'refused',
    `${DP}.limits.justification`,
    /4\.16.*URS-22/,
  ],
  [
    'URS-22 an off-delay without a justification',
    limits(dp, { offDelay: '30s' }),
    'refused',
    `${DP}.limits.justification`,
    /URS-22/,
  ],
  [
    'URS-22 a deadband without a justification',
    limits(dp, { deadband: 0.1 }),
    'refused',
    `${DP}.limits.justification`,
    /URS-22/,
  ],
  [
    'URS-22 zero delays without a justification',
    limits(dp, { onDelay: '0s', offDelay: '0s', deadband: 0 }),
    'accepted',
  ],
  [
    'URS-22 all with a justification',
    limits(dp, { onDelay: '30s', offDelay: '5s', deadband: 0.5, justification: 'CCS-021' }),
    'accepted',
  ],
]

const COUNTERS: Case[] = [
  [
    'URS-23 28 L/min in grade A',
    (p) => Object.assign(instrumentAt(p, 0), { flow: 28 }),
    'accepted',
  ],
  [
    'URS-23 under 28 L/min in grade A',
    (p) => Object.assign(instrumentAt(p, 0), { flow: 27.9 }),
    'refused',
    'instruments[0].flow',
    /9\.17, URS-23/,
  ],
  [
    'URS-23 no flow in grade A',
    (p) => Reflect.deleteProperty(instrumentAt(p, 0), 'flow'),
    'refused',
    'instruments[0].flow',
    /URS-23/,
  ],
  [
    'URS-23 2.83 L/min in grade C',
    (p) => {
      grade(p, 'C')
      instrumentAt(p, 0)['flow'] = 2.83
    },
    'accepted',
  ],
  [
    'URS-23 a tube of 1 m',
    (p) => Object.assign(instrumentAt(p, 0), { samplingTube: { length: 1 } }),
    'accepted',
  ],
  [
    'URS-23 a tube over 1 m',
    (p) => Object.assign(instrumentAt(p, 0), { samplingTube: { length: 1.1 } }),
    'warned',
    'instruments[0].samplingTube.length',
    /5\.9, URS-23/,
  ],
  [
    'URS-23 a justified tube over 1 m',
    (p) => Object.assign(instrumentAt(p, 0), { samplingTube: { length: 2, justification: 'X' } }),
    'accepted',
  ],
  [
    'URS-02 a grade A zone without 5 µm',
    (p) => void instrumentAt(p, 0).points.pop(),
    'warned',
    'zones[0]',
    /9\.16/,
  ],
]

const PRESSURE: Case[] = [
  [
    'against the zone itself',
    (p) => Object.assign(dp(p), { against: 'b101' }),
    'refused',
    `${DP}.against`,
    /4\.14/,
  ],
  ['against nothing', (p) => Reflect.deleteProperty(dp(p), 'against'), 'warned', `${DP}.against`],
  [
    'against on a temperature',
    (p) => Object.assign(t(p), { against: 'c102' }),
    'refused',
    `${T}.against`,
  ],
  [
    'inversion on a temperature',
    limits(t, { inversion: true }),
    'refused',
    `${T}.limits.inversion`,
  ],
  [
    'polarity on a temperature',
    (p) => Object.assign(t(p), { polarity: 'reversed' }),
    'refused',
    `${T}.polarity`,
  ],
  [
    'a limit outside what the sensor measures',
    limits(dp, { actionHigh: 251 }),
    'refused',
    `${DP}.limits.actionHigh`,
    /URS-09/,
  ],
  [
    'a limit outside the range of the point',
    (p) => Object.assign(dp(p), { range: [-50, 12] }),
    'refused',
    `${DP}.limits.alertLow`,
  ],
  [
    'URS-08 a temperature without any limit',
    (p) => Reflect.deleteProperty(t(p), 'limits'),
    'warned',
    `${T}.limits`,
    /9\.6, URS-08/,
  ],
]

const checks = (given: object) => (p: Plain) => Object.assign(dp(p), { checks: given })

const PLAUSIBILITY: Case[] = [
  [
    'URS-09 a rate and a zero with a justification',
    checks({ changePerMinute: 30, zeroIsFault: true, justification: 'CCS-040' }),
    'accepted',
  ],
  [
    'URS-09 a rate without a justification',
    checks({ changePerMinute: 30 }),
    'refused',
    `${DP}.checks.justification`,
    /URS-09, URS-22/,
  ],
  [
    'URS-09 a zero without a justification',
    checks({ zeroIsFault: true }),
    'refused',
    `${DP}.checks.justification`,
  ],
  ['URS-09 a check that is off', checks({ zeroIsFault: false }), 'accepted'],
  [
    'URS-09 a rate of 0',
    checks({ changePerMinute: 0, justification: 'X' }),
    'refused',
    `${DP}.checks.changePerMinute`,
  ],
  [
    'URS-09 a zero that is called a fault of a particle count',
    (p) => Object.assign(p05(p), { checks: { zeroIsFault: true, justification: 'X' } }),
    'refused',
    `${P05}.checks`,
    /URS-09/,
  ],
]

const trends = (given: object) => (p: Plain) => Object.assign(p.zones[1] ?? {}, { trends: given })
const isolated = (apart: string) =>
  trends({ isolatedActions: { count: 3, over: '30d', apart }, justification: 'CCS-060' })

const TRENDS: Case[] = [
  [
    'URS-25 all three rules',
    trends({
      rising: { over: '7d', atLeast: 4 },
      consecutiveAlerts: { count: 3, within: '1d' },
      isolatedActions: { count: 3, over: '30d', apart: '1h' },
      justification: 'CCS-060',
    }),
    'accepted',
  ],
  [
    'URS-25 without a justification',
    trends({ rising: { over: '7d', atLeast: 4 } }),
    'refused',
    'zones[1].trends.justification',
  ],
  ['URS-25 no rule', trends({ justification: 'X' }), 'refused', 'zones[1].trends', /9\.11/],
  [
    'URS-25 one excursion is no trend',
    trends({ rising: { over: '7d', atLeast: 1 }, justification: 'X' }),
    'refused',
    'zones[1].trends.rising.atLeast',
  ],
  ['URS-25 three just fit', isolated('359h'), 'accepted'],
  [
    'URS-25 three never fit',
    isolated('15d'),
    'refused',
    'zones[1].trends.isolatedActions.apart',
    /URS-25/,
  ],
]

const reminders = (value: object) => (plain: object) => {
  Object.assign(plain, { reminders: value })
}

const REMINDERS: Case[] = [
  [
    'URS-37 ascending steps and a re-alarm time',
    reminders({ action: { escalate: ['10min', '30min'], reAlarm: '8h' }, alert: {} }),
    'accepted',
  ],
  [
    'URS-37 steps that do not ascend',
    reminders({ action: { escalate: ['30min', '30min'] } }),
    'refused',
    'reminders.action.escalate',
  ],
  [
    'URS-37 no step at all',
    reminders({ action: { escalate: [] } }),
    'refused',
    'reminders.action.escalate',
  ],
  [
    'URS-37 steps with a contact beside steps without',
    reminders({ action: { escalate: ['10min', { after: '30min', contact: 'shift' }] } }),
    'accepted',
  ],
  [
    'URS-37 steps with a contact that do not ascend',
    reminders({ action: { escalate: ['30min', { after: '30min', contact: 'shift' }] } }),
    'refused',
    'reminders.action.escalate',
  ],
  [
    'URS-37 a contact that is no level of a topic',
    reminders({ action: { escalate: [{ after: '30min', contact: 'shift/#' }] } }),
    'refused',
    'reminders.action.escalate[0].contact',
  ],
  ['URS-37 a class nobody knows', reminders({ warning: {} }), 'refused', 'reminders.warning'],
]

const alarmPath = (value: object, mqtt: object | undefined) => (plain: object) => {
  Object.assign(plain, { alarmPath: value }, mqtt && { mqtt })
}
const EMBEDDED = { embedded: true }

const ALARM_PATH: Case[] = [
  [
    'URS-41 a day, and two hours more',
    alarmPath({ every: '24h', maxAge: '26h' }, EMBEDDED),
    'accepted',
  ],
  [
    'URS-41 a proof that may not be older than the next test',
    alarmPath({ every: '24h', maxAge: '24h' }, EMBEDDED),
    'refused',
    'alarmPath.maxAge',
  ],
  [
    'URS-41 a test alarm without a broker',
    alarmPath({ every: '24h', maxAge: '26h' }, undefined),
    'refused',
    'alarmPath',
  ],
  ['URS-41 no age', alarmPath({ every: '24h' }, EMBEDDED), 'refused', 'alarmPath.maxAge'],
]

judge([
  ['reminders', REMINDERS],
  ['the alarm path', ALARM_PATH],
  ['plausibility', PLAUSIBILITY],
  ['trends', TRENDS],
  ['justifications', JUSTIFICATION],
  ['particle counters', COUNTERS],
  ['pressures, ranges and site limits', PRESSURE],
])

describe('a sound configuration', () => {
  it('has no findings at all', () => {
    expect(load(sound()).findings.map(formatFinding)).toEqual([])
  })

  it('URS-37 reaches the core with its reminders', () => {
    const plain = {
      ...sound(),
      reminders: { action: { escalate: ['10min', '1h'], reAlarm: '8h' } },
    }
    const loaded = load(plain)
    expect(loaded.ok && loaded.configuration.plant.reminders).toEqual({
      action: { escalateMs: [600_000, 3_600_000], reAlarmMs: 28_800_000 },
      alert: {},
      fault: {},
      system: {},
    })
  })

  it('URS-34 reaches the core with its longest shelves', () => {
    const plantOf = (shelving: object) => {
      const loaded = load({ ...sound(), shelving })
      return loaded.ok ? loaded.configuration.plant.shelfMs : undefined
    }
    expect(plantOf({ action: '30min', fault: '7d' })).toEqual({
      action: 1_800_000,
      fault: 604_800_000,
    })
    expect(plantOf({ action: '8d' })).toBeUndefined()
    expect(plantOf({ critical: '1h' })).toBeUndefined()
  })

  it('URS-37 reaches the core with its contacts, in the place of their steps', () => {
    const escalate = ['10min', { after: '1h', contact: 'shift' }]
    const loaded = load({ ...sound(), reminders: { action: { escalate } } })
    expect(loaded.ok && loaded.configuration.plant.reminders?.action).toEqual({
      escalateMs: [600_000, 3_600_000],
      contacts: [null, 'shift'],
    })
  })

  it('URS-09 reaches the core with its checks, and with the sample time that the site attests', () => {
    const loaded = loadChanged((p) => {
      Object.assign(dp(p), {
        checks: { changePerMinute: 30, zeroIsFault: true, justification: 'CCS-040' },
      })
      Object.assign(instrumentAt(p, 0), { sampleTime: '30s' })
    })
    const { plant } = accepted(loaded)
    expect(plant.points.find(({ id }) => id === 'b-dp')?.checks).toEqual({
      changePerMinute: 30,
      zero: true,
      justification: 'CCS-040',
    })
    expect(plant.instruments[0]).toMatchObject({ samplePeriodMs: 30_000, sampleTimeMs: 30_000 })
    const plain = accepted(load(sound())).plant
    expect(plain.instruments[0]?.sampleTimeMs).toBeUndefined()
    expect(plain.points.every(({ checks: none }) => none === undefined)).toBe(true)
  })
})
