// Whatever somebody does to a file, loading it gives findings with places, never an exception.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearest } from '#config/findings.ts'
import { formatFinding } from '#config/load.ts'
import { EXAMPLES, instrumentAt, load, type Plain, sound } from './support.ts'

const text = readFileSync(path.join(EXAMPLES, 'contract.yaml'), 'utf8')

const SNIPPETS = [
  '\n',
  '\t',
  ' ',
  ':',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '&a ',
  '*a',
  '!!binary ',
  '|',
  '>',
  '#',
  '---\n',
  '...\n',
  '%',
  '\u0000',
  '\u2028',
  '<<: *a',
  '? ',
  '__proto__: 1\n',
  '.nan',
  '1e999',
  '~',
]

const mutation = fc.record({
  at: fc.nat({ max: text.length }),
  cut: fc.nat({ max: 40 }),
  put: fc.oneof(fc.constantFrom(...SNIPPETS), fc.string({ maxLength: 6 })),
})

/** Any value, put in place of any value of a sound configuration. */
const VALUES = [
  null,
  true,
  '',
  'x',
  -1,
  0,
  1e9,
  [],
  {},
  [[]],
  { a: { b: [] } },
  Number.NaN,
  '1s',
  'constructor',
  '__proto__',
]

function places(
  value: unknown,
  at: readonly (string | number)[] = [],
): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [at]
  const below = Object.entries(value).flatMap(([key, child]) =>
    places(child, [...at, Array.isArray(value) ? Number(key) : key]),
  )
  return at.length === 0 ? below : [at, ...below]
}

function put(plain: Plain, at: readonly (string | number)[], value: unknown): void {
  let holder: unknown = plain
  for (const key of at.slice(0, -1)) holder = (holder as Record<string | number, unknown>)[key]
  const last = at.at(-1)
  if (last !== undefined) (holder as Record<string | number, unknown>)[last] = value
}

const describeEach = (loaded: ReturnType<typeof load>): void => {
  for (const finding of loaded.findings) {
    expect(finding.line).toBeGreaterThan(0)
    expect(finding.column).toBeGreaterThan(0)
    expect(finding.problem).not.toBe('')
    expect(finding.remedy).not.toBe('')
    expect(formatFinding(finding)).toMatch(/^\S+:\d+:\d+ {2}\S.*; ./s)
  }
  if (!loaded.ok) expect(loaded.findings.some(({ severity }) => severity === 'error')).toBe(true)
}

describe('any change of a valid file', () => {
  it('URS-54 of its text never throws and always says where', () => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        let changed = text
        for (const { at, cut, put: words } of mutations) {
          changed = changed.slice(0, at) + words + changed.slice(at + cut)
        }
        describeEach(load(changed))
      }),
      { numRuns: 150 },
    )
  })

  it('URS-54 of one value never throws, and a refusal has a reason', () => {
    const all = places(sound())
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.constantFrom(...VALUES), (at, value) => {
        const plain = sound()
        put(plain, at, value)
        describeEach(load(plain))
      }),
      { numRuns: 200 },
    )
  })

  it('URS-54 that takes any one key away never throws', () => {
    for (const at of places(sound())) {
      const plain = sound()
      put(plain, at, undefined)
      describeEach(load(plain))
    }
  })
})

describe('any change of a profile', () => {
  const profile = readFileSync(path.join(EXAMPLES, '../profiles/lighthouse-apex.json'), 'utf8')

  it('URS-54 of its text never throws and always says where', () => {
    const plain = sound()
    instrumentAt(plain, 0)['profile'] = './counter.json'
    fc.assert(
      fc.property(
        fc.nat({ max: profile.length }),
        fc.nat({ max: 40 }),
        fc.oneof(fc.constantFrom(...SNIPPETS), fc.string({ maxLength: 6 })),
        (at, cut, words) => {
          const changed = profile.slice(0, at) + words + profile.slice(at + cut)
          describeEach(load(plain, { '/etc/cleanroom/counter.json': changed }))
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('the nearest word', () => {
  const cases: [word: string, nearest: string | undefined][] = [
    ['alerthigh', 'alertHigh'],
    ['alert_high', 'alertHigh'],
    ['actonLow', 'actionLow'],
    ['ab', undefined],
    ['graed', 'grade'],
    ['E', undefined],
    ['whatever', undefined],
    ['', undefined],
  ]
  it.each(cases)('of %j is %j', (word, expected) => {
    expect(nearest(word, ['alertHigh', 'actionLow', 'grade', 'A', 'B'])).toBe(expected)
  })
})
