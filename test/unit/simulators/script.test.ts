// The script language: every form it has, every complaint it makes, and that nothing makes it throw.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfiguration } from '#config/load.ts'
import { simulatedSite } from '../../../agent/cli/simulated-site.ts'
import { FAULT_KINDS } from '../../../simulators/faults.ts'
import { formatScriptFault, parseScript } from '../../../simulators/script.ts'
import { World } from '../../../simulators/world.ts'
import { START, script } from './site.ts'

const root = path.resolve(import.meta.dirname, '../../..')

describe('what a script says', () => {
  it.each([
    ['+20s door airlock-1 open 8s', 20_000, { kind: 'door', zone: 'airlock-1', forMs: 8000 }],
    [
      'door b101 to pal-1 open for 1min',
      0,
      { kind: 'door', zone: 'b101', to: 'pal-1', forMs: 60_000 },
    ],
    [
      '+30s disturb bsc-1 0.5um 4000/m3 for 60s',
      30_000,
      { kind: 'disturb', zone: 'bsc-1', sizeUm: 0.5, perM3: 4000, forMs: 60_000 },
    ],
    [
      '+1.5s disturb b 5µm 60/m³ for 1h',
      1500,
      { kind: 'disturb', zone: 'b', sizeUm: 5, perM3: 60, forMs: 3_600_000 },
    ],
    ['people b101 2 working', 0, { kind: 'people', zone: 'b101', count: 2, working: true }],
    ['people b101 0', 0, { kind: 'people', zone: 'b101', count: 0, working: true }],
    ['people b101 3 still', 0, { kind: 'people', zone: 'b101', count: 3, working: false }],
    [
      'pressure b101 -8Pa for 30s',
      0,
      { kind: 'pressure', zone: 'b101', offsetPa: -8, forMs: 30_000 },
    ],
    ['fan b101 off 2min', 0, { kind: 'fan', zone: 'b101', forMs: 120_000 }],
    [
      'temperature b101 24.5C for 5min',
      0,
      { kind: 'temperature', zone: 'b101', level: 24.5, forMs: 300_000 },
    ],
    [
      'temperature inc-1 36°C for 5min',
      0,
      { kind: 'temperature', zone: 'inc-1', level: 36, forMs: 300_000 },
    ],
    [
      'humidity b101 65% for 5min',
      0,
      { kind: 'humidity', zone: 'b101', level: 65, forMs: 300_000 },
    ],
    ['co2 inc-1 3.5% for 5min', 0, { kind: 'co2', zone: 'inc-1', level: 35_000, forMs: 300_000 }],
    ['co2 inc-1 400ppm for 5min', 0, { kind: 'co2', zone: 'inc-1', level: 400, forMs: 300_000 }],
    [
      'fault dp-b101 silence 30s',
      0,
      { kind: 'fault', target: 'dp-b101', fault: 'silence', options: { durationMs: 30_000 } },
    ],
    [
      'fault dp delay 700ms for 30s',
      0,
      { kind: 'fault', target: 'dp', fault: 'delay', options: { value: 700, durationMs: 30_000 } },
    ],
    [
      'fault dp delay for 30s',
      0,
      { kind: 'fault', target: 'dp', fault: 'delay', options: { durationMs: 30_000 } },
    ],
    [
      'fault dp exception 11',
      0,
      { kind: 'fault', target: 'dp', fault: 'exception', options: { value: 11 } },
    ],
    [
      'fault dp drift -6 for 60s',
      0,
      { kind: 'fault', target: 'dp', fault: 'drift', options: { value: -6, durationMs: 60_000 } },
    ],
    [
      'fault dp busy rate 50% times 3 for 9s',
      0,
      {
        kind: 'fault',
        target: 'dp',
        fault: 'busy',
        options: { rate: 0.5, times: 3, durationMs: 9000 },
      },
    ],
    ['clear dp', 0, { kind: 'clear', target: 'dp' }],
    ['clear dp silence', 0, { kind: 'clear', target: 'dp', fault: 'silence' }],
    ['say The door   is open. # not this', 0, { kind: 'say', words: 'The door is open.' }],
  ])('%s', (text, atMs, event) => {
    expect(parseScript(text)).toMatchObject({ ok: true, lines: [{ line: 1, atMs, event }] })
    expect(script(text)[0]?.event).toEqual(event)
  })

  it('leaves out comments and blank lines, keeps line numbers, orders by time', () => {
    const lines = script('# a script\n\n+9s people b 1\r\n  +2s every 10s say hello # now\n')
    expect(lines.map(({ line, atMs, everyMs, text }) => ({ line, atMs, everyMs, text }))).toEqual([
      { line: 4, atMs: 2000, everyMs: 10_000, text: 'say hello' },
      { line: 3, atMs: 9000, everyMs: undefined, text: 'people b 1' },
    ])
  })
})

describe('what a script must not say', () => {
  it.each([
    ['dooor x open 3s', /no event; there are door, disturb/],
    ['constructor x', /"constructor" is no event/],
    ['+5 door x open 3s', /"5" is no duration for the time after the start/],
    ['+5s', /an event is missing/],
    ['+5s every 10ms say x', /one second at least/],
    ['door x shut 3s', /a door opens/],
    ['door x open', /how long, e.g. "for 60s", is missing/],
    ['door X open 3s', /"X" cannot be the id of a zone/],
    ['door x open 3s more', /"more" is one word too many/],
    ['disturb x 0.5 4000/m3 for 1s', /"0.5" is not a particle size/],
    ['disturb x 0.5um 4000 for 1s', /"4000" is not a concentration/],
    ['disturb x 500um 4000/m3 for 1s', /between 0.1 and 100 µm/],
    ['disturb x 0.5um -1/m3 for 1s', /below 0/],
    ['people x 2.5', /no number of people/],
    ['people x 51', /between 0 and 50/],
    ['pressure x 8 for 1s', /not a change of pressure/],
    ['fan x on 3s', /a fan stops/],
    ['humidity x 50 for 1s', /not a humidity/],
    ['co2 x 150% for 1s', /between 0 and 100 %/],
    ['fault x silense 3s', /"silense" is no fault; there are silence/],
    ['fault x exception 300', /no exception code/],
    ['fault x exception 30s', /a duration needs "for" before it/],
    ['fault x silence 3s 4s', /"4s" is one word too many/],
    ['fault x busy rate 150%', /between 0% and 100%/],
    ['fault x busy times 0', /no number of times/],
    ['clear x silence now', /one word too many/],
    ['say', /needs something to say/],
  ])('%s', (text, words) => {
    const parsed = parseScript(`\n${text}`)
    expect(parsed).toMatchObject({ ok: false, faults: [{ line: 2 }] })
    expect(parsed.ok ? '' : parsed.faults[0]?.words).toMatch(words)
  })

  it('says every fault at once, with its line', () => {
    const parsed = parseScript('+1s foo\nsay ok\nbar')
    expect(
      parsed.ok ? [] : parsed.faults.map((fault) => formatScriptFault('a.txt', fault).slice(0, 15)),
    ).toEqual(['a.txt:1  "foo" ', 'a.txt:3  "bar" '])
  })

  it('refuses a script that is too long, or a line', () => {
    expect(parseScript('\n'.repeat(10_001)).ok).toBe(false)
    expect(parseScript(`say ${'x'.repeat(600)}`).ok).toBe(false)
  })

  it('never throws, whatever the text', () => {
    const word = fc.constantFrom(
      '+1s',
      'every',
      '5s',
      'door',
      'fault',
      'x',
      'open',
      'for',
      'rate',
      '20%',
      'delay',
      '-3',
      '0.5um',
      '1e9/m3',
      '#',
      'times',
      'clear',
      'say',
      '+99999999h',
    )
    const line = fc
      .array(fc.oneof(word, fc.string({ maxLength: 12 })), { maxLength: 9 })
      .map((words) => words.join(' '))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        const parsed = parseScript(lines.join('\n'))
        if (!parsed.ok) expect(parsed.faults.every(({ words }) => words.length > 0)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('what comes with the project', () => {
  const folder = path.join(root, 'simulators/scripts')

  it.each(readdirSync(folder))('%s runs on the demonstration site', (name) => {
    const loaded = loadConfiguration(path.join(root, 'config/examples/demo.yaml'))
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings))
    const derived = simulatedSite(loaded.configuration)
    if (!derived.ok) throw new Error(derived.faults.join('\n'))
    const lines = script(readFileSync(path.join(folder, name), 'utf8'))
    const said: string[] = []
    const world = new World(derived.site.spec, {
      seed: 1,
      speed: 60,
      script: lines,
      start: START,
      say: (words) => said.push(words),
    })
    for (let step = 1; step <= 150; step++) world.step(START.mono + 100 * step)
    expect(said.length).toBeGreaterThanOrEqual(lines.length)
  })

  it('faults.txt shows every kind of fault of Modbus TCP and of the instruments', () => {
    const text = readFileSync(path.join(folder, 'faults.txt'), 'utf8')
    const serialOnly = ['lost', 'flip', 'garbage', 'duplicate', 'pull', 'echo', 'wrong-baud']
    const missing = Object.keys(FAULT_KINDS).filter(
      (kind) => !new RegExp(`fault \\S+ ${kind}\\b`).test(text),
    )
    expect(missing.filter((kind) => !serialOnly.includes(kind))).toEqual([])
  })

  it('docs/simulators.md names every event and every kind of fault', () => {
    const text = readFileSync(path.join(root, 'docs/simulators.md'), 'utf8')
    expect(Object.keys(FAULT_KINDS).filter((kind) => !text.includes(`\`${kind}\``))).toEqual([])
  })
})
