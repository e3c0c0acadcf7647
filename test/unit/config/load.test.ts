// Loading: the contract's example, many faults at once, include, places, defaults.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatFinding, loadConfiguration } from '#config/load.ts'
import {
  accepted,
  EXAMPLES,
  FILE,
  instrumentAt,
  keysOf,
  load,
  loadChanged,
  type Plain,
  pointAt,
  setLimits,
  sound,
} from './support.ts'

describe('the example of the contract', () => {
  const loaded = loadConfiguration(path.join(EXAMPLES, 'contract.yaml'))

  it('URS-54 loads as it stands, without a warning', () => {
    expect(loaded.findings.map(formatFinding)).toEqual([])
    expect(loaded.ok).toBe(true)
  })

  it('URS-17 takes the action limits of the set, by grade, size and occupancy', () => {
    const { plant } = accepted(loaded)
    const limits = (id: string) => plant.points.find((point) => point.id === id)?.limits
    expect(limits('bsc1-p05')?.actionHigh?.inOperation).toMatchObject({
      value: 3520,
      set: 'annex1-2022',
    })
    expect(limits('bsc1-p5')?.actionHigh?.atRest?.value).toBe(29)
    expect(limits('bsc1-p5')?.actionHigh?.atRest?.clause).toContain('Table 5')
  })

  it('lets atRest override what stands directly under limits', () => {
    const { plant } = accepted(loaded)
    const limits = plant.points.find(({ id }) => id === 'b101-t')?.limits
    expect(limits?.actionHigh).toEqual({
      atRest: { value: 26, set: 'site' },
      inOperation: { value: 24, set: 'site' },
    })
    expect(limits?.onDelayMs).toBe(300_000)
  })

  it('resolves paths against the file they stand in', () => {
    const { dataDir, mqtt } = accepted(loaded)
    expect(dataDir).toBe(path.join(EXAMPLES, 'data'))
    expect(mqtt?.keyFile).toBe(path.join(EXAMPLES, 'pki/gw-01.key'))
  })
})

describe('the demo configuration', () => {
  it('loads without a warning and says that it is simulated where asked to', () => {
    const file = path.join(EXAMPLES, 'demo.yaml')
    const loaded = loadConfiguration(file, undefined, { origin: 'simulated' })
    expect(loaded.findings.map(formatFinding)).toEqual([])
    const { plant, mqtt } = accepted(loaded)
    expect(plant.origin).toBe('simulated')
    expect(mqtt).toMatchObject({ embedded: true, live: true })
    expect(new Set(plant.zones.map(({ grade }) => grade))).toEqual(
      new Set(['A', 'B', 'C', 'D', 'CNC']),
    )
  })

  it('URS-69 says where readings come from: instrument, unless gateway.origin or the caller says simulated', () => {
    const example = path.join(EXAMPLES, 'contract.yaml')
    const text = readFileSync(example, 'utf8')
    const marked = text.replace('dataDir: ./data }', 'dataDir: ./data, origin: simulated }')
    const originOf = (yaml: string) => {
      const loaded = loadConfiguration(example, (file) =>
        file === example ? yaml : readFileSync(file, 'utf8'),
      )
      return loaded.ok ? loaded.configuration.plant.origin : loaded.findings
    }
    expect(marked).not.toBe(text)
    expect([originOf(text), originOf(marked)]).toEqual(['instrument', 'simulated'])
  })
})

/** Line, key, a word of the problem, a word of the remedy. */
type Expected = [line: number, key: string, problem: RegExp, remedy: RegExp]

const TEN_FAULTS = `site: { org: lombardia, id: milano-cf, name: Cell Factory, timezone: Europe/Rom }
gateway: { id: gw-01, dataDir: ./data }
limitSet: annex1-2022
mqtt: { url: "mqtt://broker.example:1883", consumer: [historian] }
zones:
  - { id: bsc-1, name: Cabinet, grade: A }
  - { id: b101, name: Filling, grade: E }
  - { id: c102, name: Preparation, grade: C, grade: D }
buses:
  - { id: net-1, protocol: modbus-tcp, host: 10.0.0.11, lateReply: 3s }
  - { id: rs485-1, protocol: modbus-rtu, path: /dev/ttyUSB0 }
instruments:
  - id: pc-1
    profile: lighthouse-apx
    bus: net-2
    points:
      - { id: p-1, signal: particles_0_5um, zone: bsc-1 }
  - id: pc-2
    profile: lighthouse-apex
    bus: net-1
    serial: 200512003
    flow: 2.83
    points:
      - { id: p-2, signal: particles_0_5um, zone: bsc-1, limits: { alertHigh: 4000, onDelay: 30 } }
      - { id: p-3, signal: particles_5um, zone: bsc1, limits: { alertHigh: 20, offDelay: 5s } }
      - { id: c102, signal: particles_5um, zone: bsc-1, limits: { actionHigh: 30 } }
`

const TEN_EXPECTED: readonly Expected[] = [
  [1, 'site.timezone', /"Europe\/Rom", which is no time zone/, /Europe\/Rome/],
  [4, 'mqtt.url', /not encrypted/, /mqtts:/],
  [4, 'mqtt.consumer', /not a key here/, /did you mean "consumers"/],
  [7, 'zones[1].grade', /"E", which is not accepted/, /accepted: A, B, C, D, CNC/],
  [8, 'zones[2].grade', /given twice/, /keep one/],
  [10, 'buses[0].lateReply', /not a key here/, /known here: id, timeout/],
  [11, 'buses[1].path', /may name another adapter/, /by-id/],
  [14, 'instruments[0].profile', /does not exist/, /did you mean "lighthouse-apex"/],
  [15, 'instruments[0].bus', /does not exist/, /buses: net-1, rs485-1/],
  [21, 'instruments[1].serial', /not text/, /"200512003"/],
  [22, 'instruments[1].flow', /below 28/, /at least 28/],
  [24, 'instruments[1].points[0].limits.alertHigh', /above the actionHigh of 3520/, /alertHigh ≤/],
  [24, 'instruments[1].points[0].limits.onDelay', /30 without a unit/, /write 30s/],
  [25, 'instruments[1].points[1].zone', /does not exist/, /did you mean "bsc-1"/],
  [25, 'instruments[1].points[1].limits.justification', /offDelay is not zero/, /CCS-021/],
  [26, 'instruments[1].points[2].id', /the id of zones\[2\]/, /choose another/],
  [26, 'instruments[1].points[2].limits.alertHigh', /is missing/, /add the alert level/],
  [26, 'instruments[1].points[2].limits.actionHigh', /above the maximum of 29/, /lower it to 29/],
]

describe('a file with many faults', () => {
  const loaded = load(TEN_FAULTS)
  const errors = loaded.findings.filter(({ severity }) => severity === 'error')

  it.each(TEN_EXPECTED)('URS-54 line %i %s is told', (line, key, problem, remedy) => {
    const finding = errors.find((found) => found.key === key)
    expect(finding).toMatchObject({ line, file: FILE })
    expect(finding?.problem).toMatch(problem)
    expect(finding?.remedy).toMatch(remedy)
    expect(finding?.column).toBeGreaterThan(0)
  })

  it('URS-54 tells each fault once and nothing else', () => {
    expect(loaded.ok).toBe(false)
    expect(errors.map(({ key }) => key).toSorted()).toEqual(
      TEN_EXPECTED.map(([, key]) => key).toSorted(),
    )
  })

  it('prints FILE:LINE:COLUMN, two spaces, the key, what is wrong; what to do', () => {
    expect(formatFinding(errors[0] as (typeof errors)[0])).toBe(
      `${FILE}:1:70  site.timezone  is "Europe/Rom", which is no time zone; give IANA time zone for display, such as Europe/Rome or UTC; records are UTC`,
    )
  })
})

describe('writing that is no configuration', () => {
  const cases: [name: string, text: string, key: string, problem: RegExp][] = [
    ['an empty file', '', '(file)', /empty/],
    ['a list', '- 1\n', '(file)', /not a group of keys/],
    ['an open bracket', 'zones: [1\nbuses: 2\n', 'buses', /not YAML/],
    ['two documents', 'site: 1\n---\nsite: 2\n', '(file)', /more than one YAML document/],
    ['an alias that leads nowhere', 'site: *a\n', '(file)', /cannot be understood|not YAML/],
    ['a list that is none', 'zones: 5\n', 'zones', /not a list/],
    ['a section that is empty', 'zones:\n', 'zones', /empty/],
    ['an unknown section', 'zonnes: []\n', 'zonnes', /not a key here/],
  ]
  it.each(cases)('URS-54 %s is told in words', (_, text, key, problem) => {
    const loaded = load(text)
    expect(loaded.ok).toBe(false)
    expect(loaded.findings.some((found) => found.key === key && problem.test(found.problem))).toBe(
      true,
    )
  })

  it('URS-54 an alias bomb is refused, not expanded', () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) =>
        `l${n}: &l${n} [${Array(10)
          .fill(n === 0 ? 'x' : `*l${n - 1}`)
          .join(', ')}]`,
    )
    const started = performance.now()
    expect(load(`${levels.join('\n')}\n`).ok).toBe(false)
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it('URS-54 a file that is not there is told with the name it was given', () => {
    const loaded = loadConfiguration('no/such/file.yaml')
    expect(loaded.findings.map(formatFinding)).toEqual([
      'no/such/file.yaml:1:1  (file)  does not exist; check the name, or create the file',
    ])
  })
})

describe('include', () => {
  const main = sound()
  const { zones, ...rest } = main
  const base = '/etc/cleanroom'

  it('URS-54 joins lists, in the order of the files, and hashes every file', () => {
    const files = {
      [`${base}/parts/zones.yaml`]: JSON.stringify({ zones: zones.slice(2) }),
    }
    const joined = { ...rest, zones: zones.slice(0, 2), include: ['parts/zones.yaml'] }
    const { plant, sources } = accepted(load(joined as typeof main, files))
    expect(plant.zones.map(({ id }) => id)).toEqual(['bsc-1', 'b101', 'c102', 'd103'])
    expect(sources.map((source) => source.path).slice(0, 2)).toEqual([
      FILE,
      `${base}/parts/zones.yaml`,
    ])
    const changed = {
      [`${base}/parts/zones.yaml`]: `${JSON.stringify({ zones: zones.slice(2) })} `,
    }
    expect(accepted(load(joined as typeof main, changed)).plant.hash).not.toBe(plant.hash)
  })

  it('points into the included file, by the place in that file', () => {
    const files = { [`${base}/z.yaml`]: '# zones\nzones:\n  - { id: x, name: X, grade: Q }\n' }
    const [finding] = load({ ...main, include: 'z.yaml' }, files).findings
    expect(finding).toMatchObject({ file: `${base}/z.yaml`, line: 3, key: 'zones[0].grade' })
  })

  it('refuses a section that is given twice, and a file that includes itself', () => {
    const files = { [`${base}/s.yaml`]: 'limitSet: annex1-2008\ninclude: config.yaml\n' }
    const loaded = load({ ...main, include: ['s.yaml', 'gone.yaml'] }, files)
    expect(loaded.findings.map(({ key, problem }) => `${key} ${problem}`)).toEqual([
      expect.stringMatching(
        /^include\[1\] names \/etc\/cleanroom\/gone.yaml, which does not exist/,
      ),
      expect.stringMatching(/^limitSet is given in .*config.yaml already/),
      expect.stringMatching(/^include includes a file a second time/),
    ])
  })

  it('resolves a profile by path against the file that names it', () => {
    const profile = readFileSync(path.join(EXAMPLES, '../profiles/ee600.json'), 'utf8')
    const files = {
      [`${base}/parts/own.json`]: profile.replace('"id": "ee600"', '"id": "my-ee600"'),
      [`${base}/parts/more.yaml`]: JSON.stringify({
        instruments: [{ ...instrumentAt(main, 1), profile: './own.json' }],
      }),
    }
    const without = { ...main, instruments: [instrumentAt(main, 0)], include: 'parts/more.yaml' }
    const { instruments } = accepted(load(without, files))
    expect(instruments[1]?.profile.id).toBe('my-ee600')
  })

  it('tells faults of a profile in the profile, with line and key', () => {
    const files = {
      [`${base}/own.json`]:
        '{ "id": "x", "protocol": "modbus", "source": { "document": "d" },\n "signals": [\n  { "name": "s", "quantity": "temperature", "unit": "K",\n    "table": "coil", "address": 1, "type": "f32", "scal": 2 } ] }',
    }
    const loaded = loadChanged((plain) => {
      instrumentAt(plain, 2)['profile'] = './own.json'
    })
    expect(loaded.ok).toBe(false)
    const broken = load(
      { ...main, instruments: [{ ...instrumentAt(main, 2), profile: './own.json' }] },
      files,
    )
    const found = broken.findings.map(({ file, line, key }) => `${file}:${line} ${key}`)
    expect(found).toContain(`${base}/own.json:4 signals[0].scal`)
  })
})

describe('defaults of the contract', () => {
  it('gives timeouts, retries and quarantine by protocol', () => {
    const { buses } = accepted(load(sound()))
    expect(
      buses.map(({ timeoutMs, retries, lateReplyMs }) => [timeoutMs, retries, lateReplyMs]),
    ).toEqual([
      [300, 1, 0],
      [500, 1, 2000],
      [1000, 1, 10_000],
    ])
  })

  const intervals: [given: Partial<Record<'point' | 'instrument' | 'bus', string>>, ms: number][] =
    [
      [{}, 1000],
      [{ bus: '4s' }, 4000],
      [{ bus: '4s', instrument: '3s' }, 3000],
      [{ bus: '4s', instrument: '3s', point: '2500ms' }, 2500],
    ]
  it.each(intervals)('takes the nearest interval of %j', (given, ms) => {
    const loaded = loadChanged((plain) => {
      Object.assign(plain.buses[0] ?? {}, given.bus && { interval: given.bus })
      Object.assign(instrumentAt(plain, 0), given.instrument && { interval: given.instrument })
      Object.assign(pointAt(plain, 0, 0), given.point && { interval: given.point })
    })
    expect(accepted(loaded).plant.points[0]?.intervalMs).toBe(ms)
  })

  it('URS-66 gives data loss 10 s on critical pressure, a sample and 15 s on a grade A counter', () => {
    const { points } = accepted(load(sound())).plant
    const commFail = (id: string) => points.find((point) => point.id === id)?.commFailMs
    expect(commFail('a-p05')).toBe(75_000)
    expect(commFail('b-dp')).toBe(10_000)
    expect(commFail('b-t')).toBe(30_000)
  })

  it('URS-66 elsewhere takes the greater of three intervals and timeout + lateReply + interval', () => {
    const loaded = loadChanged((plain) => {
      pointAt(plain, 2, 0)['interval'] = '3s'
    })
    expect(accepted(loaded).plant.points.at(-1)?.commFailMs).toBe(14_000)
  })

  it('turns the range of a sensor that is plumbed the other way', () => {
    const loaded = loadChanged((plain) => {
      Object.assign(pointAt(plain, 1, 0), { polarity: 'reversed' })
    })
    const point = accepted(loaded).plant.points.find(({ id }) => id === 'b-dp')
    expect(point?.conversion).toMatchObject({ reversed: true, range: [-250, 250] })
  })

  it('URS-21 judges 5 µm in grade A on the rolling cubic metre without being told', () => {
    const { points } = accepted(load(sound())).plant
    expect(points.find(({ id }) => id === 'a-p5')?.rules?.rollingCubicMetre).toBe(true)
    expect(points.find(({ id }) => id === 'a-p05')?.rules).toBeUndefined()
  })

  it('takes the line settings that every profile on the bus agrees on', () => {
    expect(accepted(load(sound())).buses[1]).toMatchObject({
      baudRate: 9600,
      parity: 'even',
      stopBits: 1,
      turnaroundMs: 20,
    })
  })
})

it('a fault of one key hides no fault of another key of the same entry', () => {
  const loaded = loadChanged((plain) => {
    Object.assign(pointAt(plain, 0, 0), { interval: 'soon', zone: 'nowhere' })
    setLimits(pointAt(plain, 0, 1), { alertHigh: 'many', actionHigh: 30 })
  })
  expect(keysOf(loaded.findings, 'error')).toEqual([
    'instruments[0].points[0].zone',
    'instruments[0].points[0].interval',
    'instruments[0].points[1].limits.alertHigh',
    'instruments[0].points[1].limits.actionHigh',
  ])
})

describe('a fault is told once', () => {
  type Once = [what: string, change: (plain: Plain) => void, findings: RegExp[]]
  const cases: Once[] = [
    [
      'a misspelt signal draws no remark about the zone it would have served',
      (p) => Object.assign(pointAt(p, 0, 0), { signal: 'particles_05um' }),
      [/signal {2}is "particles_05um".*did you mean "particles_0_5um"/],
    ],
    [
      'a wrong rule draws no remark about a missing one',
      (p) =>
        Object.assign(pointAt(p, 0, 1), {
          rules: { xOfY: [5], consecutive: 2, justification: 'X' },
        }),
      [/rules\.xOfY {2}is a list of 1/],
    ],
    [
      'a wrong alert level draws no remark about a missing one',
      (p) => setLimits(pointAt(p, 0, 1), { alertHigh: '20' }),
      [/limits\.alertHigh {2}is "20"/],
    ],
    [
      'a limit written beside limits is told where it belongs',
      (p) => Object.assign(pointAt(p, 1, 0), { actionHigh: 40 }),
      [/points\[0\]\.actionHigh {2}is not a key here; it belongs to limits/],
    ],
    [
      'a delay for one occupancy is told where it belongs',
      (p) => setLimits(pointAt(p, 2, 0), { atRest: { onDelay: '5s' } }),
      [/limits\.atRest\.onDelay {2}is not a key here; it belongs to limits/],
    ],
    [
      'a flow of 0',
      (p) => Object.assign(instrumentAt(p, 0), { flow: 0 }),
      [/flow {2}is 0, not above 0/],
    ],
  ]
  it.each(cases)('URS-54 %s', (_, change, expected) => {
    const printed = loadChanged(change).findings.map(formatFinding)
    expect(printed).toHaveLength(expected.length)
    for (const [index, pattern] of expected.entries()) expect(printed[index]).toMatch(pattern)
  })
})
