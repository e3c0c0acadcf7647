// The canonical form: the published examples of RFC 8785, and properties against a second way of computing it.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, NotCanonicalError } from '../../../agent/access/canonical-json.ts'

describe('RFC 8785 examples', () => {
  it('§3.2.2: literals, numbers and escapes', () => {
    const input = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`
    const expected = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`
    expect(canonicalJson(JSON.parse(input))).toBe(expected)
  })

  it('§3.2.3: members sorted by UTF-16 code units, not by code points', () => {
    const input = JSON.parse(String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }`)
    const order = [...canonicalJson(input).matchAll(/:"([^"]+)"/g)].map(([, text]) => text)
    expect(order).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
  })

  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('appendix B: %s prints as %s', (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text)
  })
})

describe('what has no canonical form is refused', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
  const refused: [name: string, value: unknown][] = [
    ['NaN', { a: Number.NaN }],
    ['Infinity', [Number.POSITIVE_INFINITY]],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['a lone high surrogate', { a: 'x\ud800y' }],
    ['a lone low surrogate', '\udc00'],
    ['a lone surrogate in a name', { '\ud83d': 1 }],
    ['undefined', { a: undefined }],
    ['a hole', Object.assign([], { length: 1 })],
    ['a bigint', { a: 1n }],
    ['a function', { a: () => 1 }],
    ['a symbol', [Symbol('x')]],
    ['65 levels', nested(65)],
  ]
  it.each(refused)('%s', (_name, value) => {
    expect(() => canonicalJson(value)).toThrow(NotCanonicalError)
  })

  it('and 63 levels are not', () => {
    expect(canonicalJson(nested(63))).toBe(`${'['.repeat(63)}1${']'.repeat(63)}`)
  })
})

/** A second way: order by comparing the code units as numbers, escape by hand, lay out by hand. */
function reference(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) {
    let text = '['
    for (const [index, item] of value.entries()) text += (index > 0 ? ',' : '') + reference(item)
    return `${text}]`
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
    members.sort(([a], [b]) => Buffer.compare(bigEndian(a), bigEndian(b)))
    return `{${members.map(([key, item]) => `${quote(key)}:${reference(item)}`).join(',')}}`
  }
  return Object.is(value, -0) ? '0' : String(value)
}

/** UTF-16 big-endian: its bytes sort as its code units do. */
const bigEndian = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()

function quote(text: string): string {
  const short: Record<string, string> = {
    '"': '\\"',
    '\\': '\\\\',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
  }
  let quoted = '"'
  for (const char of text) {
    const code = char.charCodeAt(0)
    quoted += short[char] ?? (code < 32 ? `\\u${code.toString(16).padStart(4, '0')}` : char)
  }
  return `${quoted}"`
}

const json = fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 })

describe('properties', () => {
  it('agrees with a second way of computing it', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(value)).toBe(reference(value))
      }),
    )
  })

  it('describes the same value, and itself again', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value)
        expect(canonicalJson(JSON.parse(text))).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('does not depend on the order of members', () => {
    const shuffled = fc
      .dictionary(fc.string({ unit: 'binary' }), json)
      .chain((object) =>
        fc
          .shuffledSubarray(Object.entries(object), { minLength: Object.keys(object).length })
          .map((entries) => [object, entries] as const),
      )
    fc.assert(
      fc.property(shuffled, ([object, entries]) => {
        const other: Record<string, unknown> = Object.create(null)
        for (const [key, value] of entries) other[key] = value
        expect(canonicalJson(other)).toBe(canonicalJson(object))
      }),
    )
  })

  it('sees own members only, and calls nothing', () => {
    const inherited = Object.create({ hidden: 1 }) as Record<string, unknown>
    inherited['shown'] = 2
    expect(canonicalJson(inherited)).toBe('{"shown":2}')
    expect(canonicalJson({ toJSON: 'text', __proto__: null })).toBe('{"toJSON":"text"}')
  })
})
