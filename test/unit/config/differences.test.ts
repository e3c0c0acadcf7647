// What a changed configuration changes: every value old beside new, limits first, and which of it needs a second person.

import { describe, expect, it } from 'vitest'
import { type Change, differences } from '#config/differences.ts'
import { accepted, instrumentAt, load, type Plain, pointAt, setLimits, sound } from './support.ts'

const compare = (change: (plain: Plain) => void): readonly Change[] => {
  const plain = sound()
  change(plain)
  return differences(accepted(load(sound())), accepted(load(plain)))
}
const short = (changes: readonly Change[]) =>
  changes.map(({ key, from, to, second }) => [key, from, to, second])

describe('URS-54 the difference between two configurations', () => {
  it('is empty between one and itself, and where only the order of things changed', () => {
    expect(compare(() => {})).toEqual([])
    expect(compare((plain) => plain.zones.reverse())).toEqual([])
    expect(compare((plain) => plain.instruments.reverse())).toEqual([])
  })

  it('URS-45 URS-68 names a grade B limit with old and new value, and that a second person is needed', () => {
    const changes = compare((plain) => setLimits(pointAt(plain, 1, 0), { actionLow: 11 }))
    expect(short(changes)).toContainEqual([
      'points.b-dp.limits.actionLow.inOperation.value',
      10,
      11,
      true,
    ])
    expect(new Set(changes.map(({ group }) => group))).toEqual(new Set(['limits']))
  })

  it('shows limits first, whatever else changed', () => {
    const changes = compare((plain) => {
      plain.site['name'] = 'Another'
      plain.buses[0] = { ...plain.buses[0], host: '10.0.0.12' }
      setLimits(pointAt(plain, 1, 0), { actionLow: 11 })
    })
    expect(changes.map(({ group }) => group)).toEqual(['limits', 'limits', 'lines', 'site'])
  })

  it.each<[string, (plain: Plain) => void, string, string, boolean]>([
    [
      'a delay',
      (p) => setLimits(pointAt(p, 1, 0), { onDelay: '2min', justification: 'CCS-1' }),
      'delays',
      'onDelayMs',
      true,
    ],
    [
      'polarity',
      (p) => Object.assign(pointAt(p, 1, 0), { polarity: 'reversed' }),
      'conversion',
      'conversion.reversed',
      true,
    ],
    [
      'the range',
      (p) => Object.assign(pointAt(p, 1, 0), { range: [-500, 500] }),
      'conversion',
      'conversion.range',
      true,
    ],
    [
      'the grade of a room',
      (p) => Object.assign(p.zones[1] ?? {}, { grade: 'C' }),
      'plant',
      'zones.b101.grade',
      true,
    ],
    [
      'the rule of two people itself',
      (p) => Object.assign(p.site, { approval: 'second_person' }),
      'site',
      'site.approval',
      true,
    ],
    [
      'another limit set',
      (p) => Object.assign(p, { limitSet: 'annex1-2008' }),
      'limits',
      'limitSet.id',
      true,
    ],
    [
      'a due date',
      (p) => Object.assign(instrumentAt(p, 1), { calibrationDue: '2031-01-01' }),
      'calibration',
      'calibrationDue',
      false,
    ],
    [
      'where a line leads',
      (p) => Object.assign(p.buses[0] ?? {}, { host: '10.0.0.99' }),
      'lines',
      'buses.net-1.host',
      false,
    ],
    [
      'the name of a room',
      (p) => Object.assign(p.zones[1] ?? {}, { name: 'Filling 2' }),
      'plant',
      'zones.b101.name',
      false,
    ],
  ])('URS-68 tells of %s whether it needs a second person', (_what, change, group, key, second) => {
    const found = compare(change).filter((each) => each.key.includes(key) && each.group === group)
    expect(found.length).toBeGreaterThan(0)
    for (const each of found) expect(each).toMatchObject({ group, second })
  })

  it('URS-68 needs a second person for another byte order or address in a profile, point by point', () => {
    const before = accepted(load(sound()))
    const instruments = before.instruments.map((instrument) => ({
      ...instrument,
      profile: {
        ...instrument.profile,
        signals: instrument.profile.signals.map((signal) => ({
          ...signal,
          byteOrder: 'DCBA' as const,
        })),
      },
    }))
    const found = differences(before, { ...before, instruments })
    expect(short(found)).toContainEqual(['points.b-dp.decode.byteOrder', 'CDAB', 'DCBA', true])
    expect(found.every(({ group, second }) => group === 'decode' && second)).toBe(true)
  })

  it('URS-68 needs a second person to take a grade B point away', () => {
    const without = (id: string) =>
      compare((plain) => {
        for (const instrument of plain.instruments)
          instrument.points = instrument.points.filter((point) => point['id'] !== id)
        plain.instruments = plain.instruments.filter(({ points }) => points.length > 0)
      })
    const gone = without('b-dp')
    const its = gone.filter(({ key }) => key.startsWith('points.b-dp.'))
    expect(its.length).toBeGreaterThan(5)
    expect(its.every(({ to, second }) => to === undefined && second)).toBe(true)
  })
})
