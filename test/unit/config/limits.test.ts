// Limit sets, maxima, order and rules: what a site may set, each case with its clause.

import { describe, expect, it } from 'vitest'
import { accepted, load, setLimits, sound } from './support.ts'
import {
  type Case,
  DP,
  dp,
  grade,
  judge,
  limits,
  P5,
  P05,
  p5,
  p05,
  rules,
  T,
  t,
} from './verdicts.ts'

const LIMIT_SETS: Case[] = [
  [
    'URS-16 no limit set is named',
    (p) => Reflect.deleteProperty(p, 'limitSet'),
    'refused',
    'limitSet',
    /URS-16/,
  ],
  [
    'URS-16 an unknown limit set',
    (p) => Object.assign(p, { limitSet: 'annex1-2021' }),
    'refused',
    'limitSet',
    /URS-16/,
  ],
  [
    'URS-16 the set of 2008, whose maximum for 5 µm in A is 20',
    (p) => Object.assign(p, { limitSet: 'annex1-2008' }),
    'accepted',
  ],
  [
    'URS-17 an action limit of 29 under the set of 2008',
    (p) => {
      p.limitSet = 'annex1-2008'
      setLimits(p5(p), { actionHigh: 29 })
    },
    'refused',
    `${P5}.limits.actionHigh`,
    /Annex 1 \(2008\)/,
  ],
]

const MAXIMA: Case[] = [
  ['URS-17 action at the maximum', limits(p05, { actionHigh: 3520 }), 'accepted'],
  [
    'URS-17 action just above the maximum',
    limits(p05, { actionHigh: 3520.1 }),
    'refused',
    `${P05}.limits.actionHigh`,
    /Table 5.*URS-17/,
  ],
  ['URS-17 action below the maximum', limits(p05, { actionHigh: 2000 }), 'accepted'],
  ['URS-17 alert equal to action', limits(p05, { alertHigh: 3520 }), 'accepted'],
  [
    'URS-17 alert above action',
    limits(p05, { alertHigh: 3521 }),
    'refused',
    `${P05}.limits.alertHigh`,
    /9\.10.*URS-17/,
  ],
  [
    'URS-17 alert above the site action',
    limits(p05, { actionHigh: 1000 }),
    'refused',
    `${P05}.limits.alertHigh`,
    /URS-17/,
  ],
  [
    'URS-17 no alert level in grade A',
    (p) => Reflect.deleteProperty(p05(p), 'limits'),
    'refused',
    `${P05}.limits.alertHigh`,
    /URS-17, URS-20/,
  ],
  [
    'URS-17 an alert level for one occupancy only',
    (p) => Object.assign(p05(p), { limits: { inOperation: { alertHigh: 1500 } } }),
    'refused',
    `${P05}.limits.alertHigh`,
    /URS-17/,
  ],
  [
    'URS-17 an alert level for each occupancy',
    (p) =>
      Object.assign(p05(p), {
        limits: { atRest: { alertHigh: 900 }, inOperation: { alertHigh: 1500 } },
      }),
    'accepted',
  ],
  [
    'URS-17 the at-rest action above its own maximum in grade B',
    (p) => {
      grade(p, 'B')
      setLimits(p05(p), { actionHigh: 100_000 })
    },
    'refused',
    `${P05}.limits.actionHigh`,
    /Table 5, grade B/,
  ],
  [
    'URS-17 in operation up to 352 000 in grade B',
    (p) => {
      grade(p, 'B')
      setLimits(p05(p), { inOperation: { actionHigh: 352_000 } })
    },
    'accepted',
  ],
  [
    'URS-17 the in-operation action above its maximum in grade B',
    (p) => {
      grade(p, 'B')
      setLimits(p05(p), { inOperation: { actionHigh: 352_001 } })
    },
    'refused',
    `${P05}.limits.inOperation.actionHigh`,
    /URS-17/,
  ],
  [
    'no alert level in grade C',
    (p) => {
      grade(p, 'C')
      Reflect.deleteProperty(p05(p), 'limits')
    },
    'accepted',
  ],
  [
    'URS-23 no in-operation limit in grade D',
    (p) => void grade(p, 'D'),
    'refused',
    `${P05}.limits.inOperation.actionHigh`,
    /Table 5.*URS-23/,
  ],
  [
    'URS-23 an in-operation limit in grade D',
    (p) => {
      grade(p, 'D')
      for (const point of [p05(p), p5(p)])
        setLimits(point, { inOperation: { actionHigh: 10_000_000 } })
    },
    'accepted',
  ],
]

const ORDER: Case[] = [
  ['alertLow below actionLow', limits(dp, { alertLow: 9 }), 'refused', `${DP}.limits.alertLow`],
  ['alertLow at actionLow', limits(dp, { alertLow: 10 }), 'accepted'],
  ['alertHigh below alertLow', limits(t, { alertLow: 23 }), 'refused', `${T}.limits.alertLow`],
  [
    'alertHigh above actionHigh in one occupancy',
    limits(t, { atRest: { actionHigh: 21 } }),
    'refused',
    `${T}.limits.alertHigh`,
  ],
  [
    'actionLow above actionHigh',
    limits(t, { alertHigh: undefined, actionLow: 30 }),
    'refused',
    `${T}.limits.actionHigh`,
  ],
  [
    'an inversion above actionLow',
    limits(dp, { inversion: 11, justification: 'X' }),
    'warned',
    `${DP}.limits.inversion`,
    /4\.14/,
  ],
]

const RULES: Case[] = [
  [
    'URS-21 rules without a justification',
    rules({ consecutive: 2, xOfY: [5, 30] }),
    'refused',
    `${P5}.rules.justification`,
    /URS-21, URS-22/,
  ],
  [
    'URS-21 x above y',
    rules({ consecutive: 2, xOfY: [31, 30], justification: 'X' }),
    'refused',
    `${P5}.rules.xOfY`,
    /URS-21/,
  ],
  [
    'URS-21 x equal to y',
    rules({ consecutive: 2, xOfY: [30, 30], justification: 'X' }),
    'accepted',
  ],
  [
    'URS-21 the rolling cubic metre turned off in grade A',
    rules({ rollingCubicMetre: false, consecutive: 2, xOfY: [5, 30], justification: 'X' }),
    'refused',
    `${P5}.rules.rollingCubicMetre`,
    /URS-21/,
  ],
  [
    'URS-21 no rule for regular low counts',
    (p) => Reflect.deleteProperty(p5(p), 'rules'),
    'warned',
    `${P5}.rules.consecutive`,
    /note 2/,
  ],
  [
    'URS-21 one sample in a row',
    rules({ consecutive: 1, xOfY: [5, 30], justification: 'X' }),
    'refused',
    `${P5}.rules.consecutive`,
  ],
  [
    'URS-21 the rolling cubic metre for 0.5 µm without a justification',
    (p) => Object.assign(p05(p), { rules: { rollingCubicMetre: true } }),
    'refused',
    `${P05}.rules.justification`,
  ],
  [
    'rules on a temperature',
    (p) => Object.assign(t(p), { rules: { consecutive: 2, justification: 'X' } }),
    'refused',
    `${T}.rules`,
  ],
]

judge([
  ['limit sets', LIMIT_SETS],
  ['maxima and completeness', MAXIMA],
  ['order of limits', ORDER],
  ['rules for rare counts', RULES],
])

it('URS-16 every limit that comes from a set names the set and its clause', () => {
  const { plant } = accepted(load(sound()))
  const values = plant.points.flatMap(({ limits: all }) => [
    all.actionHigh?.atRest,
    all.actionHigh?.inOperation,
  ])
  const fromSet = values.filter((value) => value !== undefined && value.set !== 'site')
  expect(fromSet.length).toBe(4)
  for (const value of fromSet) expect(value?.clause).toMatch(/Annex 1 \(2022\) 9\.15 Table 5/)
  expect(plant.limitSet).toEqual({ id: 'annex1-2022', version: '2022-08' })
})

describe("a site's own limit set", () => {
  const own = (particles: unknown[]) => ({
    '/etc/cleanroom/site.json': JSON.stringify({
      id: 'site-2026',
      version: '3',
      title: 'Site limits',
      source: { document: 'SOP-17' },
      particles,
    }),
  })
  const value = (n: number) => ({ value: n, clause: 'SOP-17 4.2' })
  const stricter = [
    { grade: 'A', sizeUm: 0.5, atRest: value(2000), inOperation: value(2000) },
    { grade: 'A', sizeUm: 5, atRest: value(20), inOperation: value(20) },
  ]

  it('URS-16 is named with its version, and gives the action limits with its clauses', () => {
    const { plant } = accepted(load({ ...sound(), limitSet: './site.json' }, own(stricter)))
    expect(plant.limitSet).toEqual({ id: 'site-2026', version: '3' })
    expect(plant.points[0]?.limits.actionHigh?.atRest).toEqual({
      value: 2000,
      set: 'site-2026',
      clause: 'SOP-17 4.2',
    })
  })

  it('URS-17 a size that the set does not know needs an action limit in grade A', () => {
    const loaded = load({ ...sound(), limitSet: './site.json' }, own(stricter.slice(0, 1)))
    expect(loaded.findings.map(({ key, severity }) => `${severity} ${key}`)).toEqual([
      'error instruments[0].points[1].limits.actionHigh',
    ])
  })

  it('URS-16 is refused where it gives a grade and size twice', () => {
    const loaded = load(
      { ...sound(), limitSet: './site.json' },
      own([...stricter, ...stricter.slice(1)]),
    )
    expect(loaded.findings[0]).toMatchObject({
      file: '/etc/cleanroom/site.json',
      key: 'particles[2]',
    })
  })
})
