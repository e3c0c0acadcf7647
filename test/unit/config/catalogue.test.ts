// The data that comes with the agent: limit sets against the tables of the regulation, profiles against the manuals.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtInIds, LIMITS_DIR, PROFILES_DIR } from '#config/catalogue.ts'
import { compileProfile } from '#config/profile.ts'
import { limitSetSchema } from '#config/schema/limit-set.ts'
import { profileSchema } from '#config/schema/profile.ts'
import type { Profile } from '#drivers/profile.ts'
import { load, type Plain, sound } from './support.ts'

const json = (directory: string, id: string): unknown =>
  JSON.parse(readFileSync(path.join(directory, `${id}.json`), 'utf8'))

const profileOf = (id: string): Profile =>
  compileProfile(profileSchema.parse(json(PROFILES_DIR, id)))

/** Grade, size, at rest, in operation; 0 where the site has to set it. Typed from the regulation, not from the files. */
type Row = [grade: string, sizeUm: number, atRest: number, inOperation: number]

const TABLE_5_2022: Row[] = [
  ['A', 0.5, 3520, 3520],
  ['A', 5, 29, 29],
  ['B', 0.5, 3520, 352_000],
  ['B', 5, 29, 2930],
  ['C', 0.5, 352_000, 3_520_000],
  ['C', 5, 2930, 29_300],
  ['D', 0.5, 3_520_000, 0],
  ['D', 5, 29_300, 0],
]

const TABLE_2008: Row[] = [
  ['A', 0.5, 3520, 3520],
  ['A', 5, 20, 20],
  ['B', 0.5, 3520, 352_000],
  ['B', 5, 29, 2900],
  ['C', 0.5, 352_000, 3_520_000],
  ['C', 5, 2900, 29_000],
  ['D', 0.5, 3_520_000, 0],
  ['D', 5, 29_000, 0],
]

describe.each([
  ['annex1-2022', TABLE_5_2022],
  ['annex1-2008', TABLE_2008],
])('the limit set %s', (id, rows) => {
  const set = limitSetSchema.parse(json(LIMITS_DIR, id))

  it.each(rows)(
    'URS-16 grade %s ≥%d µm: %d at rest, %d in operation',
    (grade, sizeUm, atRest, inOperation) => {
      const entry = set.particles.find((found) => found.grade === grade && found.sizeUm === sizeUm)
      expect([entry?.atRest?.value ?? 0, entry?.inOperation?.value ?? 0]).toEqual([
        atRest,
        inOperation,
      ])
    },
  )

  it('URS-16 holds nothing else, and every value names its clause', () => {
    expect(set.particles).toHaveLength(rows.length)
    for (const { atRest, inOperation } of set.particles) {
      for (const value of [atRest, inOperation])
        if (value) expect(value.clause).toMatch(/^Annex 1 \((2022|2008)\)/)
    }
  })
})

describe('every profile that comes with the agent', () => {
  const ids = builtInIds(PROFILES_DIR)

  it('is found', () => {
    expect(ids).toEqual(
      readdirSync(PROFILES_DIR)
        .map((name) => name.replace('.json', ''))
        .toSorted(),
    )
    expect(ids.length).toBeGreaterThanOrEqual(14)
  })

  it.each(ids)('%s is sound by itself, and named as its file', (id) => {
    const profile = profileOf(id)
    expect(profile.id).toBe(id)
    expect(profile.source.confirmedOnHardware).toBe(false)
    const plain: Plain = {
      ...sound(),
      instruments: [
        {
          id: 'i-1',
          profile: id,
          bus: 'net-1',
          unitId: 7,
          flow: 28.3,
          points: [{ id: 'p-1', signal: profile.signals[0]?.name, zone: 'c102' }],
        },
      ],
    }
    const errors = load(plain).findings.filter(({ severity }) => severity === 'error')
    expect(errors).toEqual([])
  })
})

describe('maps typed from the manuals', () => {
  type Map = [
    profile: string,
    signal: string,
    table: string,
    address: number,
    type: string,
    byteOrder: string,
    scale: number,
  ]
  const maps: Map[] = [
    ['lighthouse-apex', 'particles_0_5um', 'input_register', 8, 'u32', 'ABCD', 1],
    ['lighthouse-apex', 'particles_5um', 'input_register', 10, 'u32', 'ABCD', 1],
    ['airnet-ii', 'particles_0_5um', 'input_register', 228, 'u32', 'ABCD', 1],
    ['ee600', 'differential_pressure', 'input_register', 1214, 'f32', 'CDAB', 1],
    ['premasgard-1210', 'differential_pressure', 'input_register', 1, 'i16', 'ABCD', 1],
    ['evikon-e2418', 'differential_pressure', 'holding_register', 259, 'i16', 'ABCD', 1],
    ['vaisala-hmp', 'relative_humidity', 'holding_register', 0, 'f32', 'CDAB', 1],
    ['vaisala-hmp', 'temperature', 'holding_register', 2, 'f32', 'CDAB', 1],
    ['vaisala-gmp251', 'co2', 'holding_register', 0, 'f32', 'CDAB', 0.0001],
    ['vaisala-gmp251', 'temperature', 'holding_register', 4, 'f32', 'CDAB', 1],
    ['ee872', 'co2', 'input_register', 0x424, 'f32', 'CDAB', 1],
    ['ee310', 'relative_humidity', 'input_register', 0x3fc, 'f32', 'CDAB', 1],
    ['xy-md02', 'temperature', 'input_register', 1, 'i16', 'ABCD', 0.1],
    ['senseair-s8', 'co2', 'input_register', 3, 'i16', 'ABCD', 1],
    ['comet-t', 'temperature', 'holding_register', 0x30, 'i16', 'ABCD', 0.1],
    ['hettich-hettcube', 'temperature', 'input_register', 0, 'i16', 'ABCD', 0.1],
  ]
  it.each(maps)('%s %s', (id, name, table, address, type, byteOrder, scale) => {
    const signal = profileOf(id).signals.find((found) => found.name === name)
    expect(signal).toMatchObject({ table, address, type, byteOrder, scale })
  })

  it('tells particle sizes from the names', () => {
    expect(profileOf('pce-cpc-100').signals.map(({ sizeUm }) => sizeUm)).toEqual([
      0.3,
      0.5,
      1,
      5,
      10,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('a Lighthouse record: end of sample, sample time, status byte, channel mask, newest record', () => {
    expect(profileOf('lighthouse-apex').sample).toMatchObject({
      identity: { kind: 'instrument_time', table: 'input_register', address: 0 },
      duration: { table: 'input_register', address: 2, scale: 1 },
      clock: { table: 'holding_register', address: 26 },
      channelMask: { table: 'input_register', address: 73 },
      newest: { table: 'holding_register', address: 24, equals: 65_535 },
      counts: 'cumulative',
      content: 'counts',
    })
  })
})

describe('a minimal profile', () => {
  const minimal = {
    id: 'x',
    protocol: 'modbus',
    source: { document: 'd' },
    signals: [
      {
        name: 's',
        quantity: 'temperature',
        unit: '°C',
        table: 'input_register',
        address: 0,
        type: 'u16',
      },
    ],
  }
  it('has the defaults of the contract', () => {
    expect(compileProfile(profileSchema.parse(minimal))).toEqual({
      ...minimal,
      source: { document: 'd', confirmedOnHardware: false },
      limits: { maxRegistersPerRead: 125, maxGap: 0, turnaroundMs: 20 },
      signals: [{ ...minimal.signals[0], byteOrder: 'ABCD', scale: 1, offset: 0, invalid: [] }],
      status: [],
    })
  })

  type Fault = [
    what: string,
    change: (profile: typeof minimal & Record<string, unknown>) => void,
    key: string,
  ]
  const signal = (profile: typeof minimal): Record<string, unknown> => profile.signals[0] ?? {}
  const faults: Fault[] = [
    [
      'a unit of another quantity',
      (p) => Object.assign(signal(p), { unit: 'K' }),
      'signals[0].unit',
    ],
    ['a float in a coil', (p) => Object.assign(signal(p), { table: 'coil' }), 'signals[0].type'],
    [
      'a value beyond the table',
      (p) => Object.assign(signal(p), { address: 65_535, type: 'f32' }),
      'signals[0].address',
    ],
    [
      'an unknown byte order',
      (p) => Object.assign(signal(p), { byteOrder: 'AB' }),
      'signals[0].byteOrder',
    ],
    ['a scale of 0', (p) => Object.assign(signal(p), { scale: 0 }), 'signals[0].scale'],
    ['a signal twice', (p) => p.signals.push(p.signals[0] as never), 'signals[1].name'],
    [
      'particles without a size',
      (p) => Object.assign(signal(p), { quantity: 'particle_concentration', unit: '/m³' }),
      'signals[0].sizeUm',
    ],
    [
      'a status for a signal that is not',
      (p) =>
        Object.assign(p, {
          status: [
            { table: 'input_register', address: 9, type: 'u16', healthy: [0], signals: ['t'] },
          ],
        }),
      'status[0].signals[0]',
    ],
    [
      'a bit beyond the status word',
      (p) =>
        Object.assign(p, {
          status: [
            {
              table: 'input_register',
              address: 9,
              type: 'u16',
              bits: [{ bit: 16, faultWhen: 1, reason: 'sensor_fault' }],
            },
          ],
        }),
      'status[0].bits[0].bit',
    ],
    [
      'a string wider than a read',
      (p) =>
        Object.assign(p, {
          limits: { maxRegistersPerRead: 4 },
          identify: { serial: { table: 'input_register', address: 0, type: 'string16' } },
        }),
      'identify.serial.type',
    ],
  ]
  it.each(faults)('is refused with %s', (_, change, key) => {
    const profile = structuredClone(minimal)
    change(profile)
    const plain: Plain = {
      ...sound(),
      instruments: [
        {
          id: 'i-1',
          profile: './x.json',
          bus: 'net-1',
          points: [{ id: 'p-1', signal: 's', zone: 'c102' }],
        },
      ],
    }
    const loaded = load(plain, { '/etc/cleanroom/x.json': JSON.stringify(profile) })
    expect(loaded.ok).toBe(false)
    expect(loaded.findings.map((found) => `${found.file} ${found.key}`)).toContain(
      `/etc/cleanroom/x.json ${key}`,
    )
  })
})

it('a file that is no profile is refused without showing what it holds', () => {
  const plain: Plain = sound()
  Object.assign(plain.instruments[0] ?? {}, { profile: './secret.txt' })
  const loaded = load(plain, { '/etc/cleanroom/secret.txt': 'hunter2 hunter2\n' })
  expect(loaded.findings.map(({ file, problem }) => `${file} ${problem}`)).toEqual([
    '/etc/cleanroom/secret.txt is no group of keys',
  ])
})

it('URS-01 a signal that is no part of the samples of a counter is refused', () => {
  const counter = json(PROFILES_DIR, 'lighthouse-apex') as { signals: object[] }
  const withAnalog = {
    ...counter,
    signals: [
      ...counter.signals,
      {
        name: 't',
        quantity: 'temperature',
        unit: '°C',
        table: 'input_register',
        address: 40,
        type: 'f32',
      },
    ],
  }
  const plain: Plain = sound()
  const points = plain.instruments[0]?.points ?? []
  points.push({ id: 'a-t', signal: 't', zone: 'bsc-1', limits: { alertHigh: 25 } })
  Object.assign(plain.instruments[0] ?? {}, { profile: './counter.json' })
  const loaded = load(plain, { '/etc/cleanroom/counter.json': JSON.stringify(withAnalog) })
  expect(loaded.findings.map(({ key, severity }) => `${severity} ${key}`)).toEqual([
    'error instruments[0].points[2].signal',
  ])
})
