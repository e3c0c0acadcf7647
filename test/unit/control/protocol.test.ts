// The language of the local socket: what is understood, what is refused in words, and that nothing breaks the parser.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineCutter } from '../../../agent/control/lines.ts'
import {
  type Command,
  parseReply,
  parseRequest,
  printReply,
  printRequest,
  REQUEST_BYTES_MAX,
} from '../../../agent/control/protocol.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const line = (command: unknown, head: object = { v: 1, id: 7 }): Uint8Array =>
  bytes(JSON.stringify({ ...head, command }))

const CREDENTIALS = { user: 'jdoe', pin: '4711' }
const ACK = { op: 'ack', ...CREDENTIALS, occ: '01JD4A', reason: 'door_opened' }
const PERSON = { user: 'n', fullName: 'N', role: 'qa', pin: '4711' }

describe('parseRequest', () => {
  const good: readonly (readonly [string, Command])[] = [
    ['status', { op: 'status' }],
    ['alarms', { op: 'alarms', all: true }],
    ['ack', { ...ACK, op: 'ack' }],
    ['ack with everything', { ...ACK, op: 'ack', rev: 3, alarm: 'x.action_low', comment: 'c' }],
    ['reset', { op: 'reset', ...CREDENTIALS, occ: '01JD4A' }],
    ['occupancy', { op: 'occupancy', ...CREDENTIALS, zone: 'b101', state: 'at_rest' }],
    ['shelve', { op: 'shelve', ...CREDENTIALS, alarm: 'x.y', forMs: 7_200_000, reason: 'other' }],
    ['unshelve', { op: 'unshelve', ...CREDENTIALS, occ: '01JD4A' }],
    ['out_of_service', { op: 'out_of_service', ...CREDENTIALS, target: 'th', workOrder: 'WO-1' }],
    ['return_to_service', { op: 'return_to_service', ...CREDENTIALS, target: 'th' }],
    ['users.add', { op: 'users.add', person: { ...PERSON, role: 'qa' }, by: CREDENTIALS }],
    [
      'users.add by the box',
      { op: 'users.add', person: { ...PERSON, role: 'qa' }, by: { osUser: 'root', key: 'k' } },
    ],
    ['users.list', { op: 'users.list' }],
  ]
  it.each(good)('understands %s, as it is printed', (_, command) => {
    const printed = printRequest({ id: 7, command })
    expect(printed.endsWith('\n')).toBe(true)
    const parsed = parseRequest(bytes(printed.trimEnd()))
    expect(parsed).toEqual({ ok: true, request: { id: 7, command } })
  })

  const bad: readonly (readonly [string, Uint8Array, number | null, RegExp])[] = [
    ['no JSON', bytes('status'), null, /not JSON/],
    ['nothing', bytes(''), null, /not JSON/],
    ['bytes that are no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), null, /UTF-8/],
    ['a list', bytes('[]'), null, /not understood/],
    ['null', bytes('null'), null, /not understood/],
    ['another version', line({ op: 'status' }, { v: 2, id: 7 }), 7, /v: /],
    ['no id', line({ op: 'status' }, { v: 1 }), null, /id: /],
    ['an id below zero', line({ op: 'status' }, { v: 1, id: -1 }), null, /id: /],
    ['an id beyond integers', line({ op: 'status' }, { v: 1, id: 2 ** 60 }), null, /id: /],
    ['an unknown command', line({ op: 'ack-all' }), 7, /command.op/],
    ['no command', line(undefined), 7, /command/],
    ['an unknown key', line({ op: 'status', force: true }), 7, /[Uu]nrecognized key/],
    ['an unknown key beside it', line({ op: 'status' }, { v: 1, id: 7, x: 1 }), 7, /key/],
    ['an ack without a reason', line({ ...ACK, reason: undefined }), 7, /reason/],
    ['an ack without an occurrence', line({ ...ACK, occ: undefined }), 7, /occ/],
    ['an ack of nobody', line({ ...ACK, user: '' }), 7, /user/],
    ['a comment of a number', line({ ...ACK, comment: 3 }), 7, /comment/],
    ['a comment of 2001 characters', line({ ...ACK, comment: 'x'.repeat(2001) }), 7, /comment/],
    [
      'an unknown occupancy',
      line({ op: 'occupancy', ...CREDENTIALS, zone: 'z', state: 'off' }),
      7,
      /state/,
    ],
    [
      'an unknown role',
      line({ op: 'users.add', person: { ...PERSON, role: 'root' }, by: CREDENTIALS }),
      7,
      /role/,
    ],
    ['a person added by nobody', line({ op: 'users.add', person: PERSON }), 7, /by/],
    [
      'a prototype',
      bytes('{"v":1,"id":7,"command":{"op":"status","__proto__":{"x":1}}}'),
      7,
      /__proto__|key/,
    ],
    ['too much', bytes(`"${'x'.repeat(REQUEST_BYTES_MAX)}"`), null, /longer than 65536/],
  ]
  it.each(bad)('refuses %s in words', (_, input, id, detail) => {
    const parsed = parseRequest(input)
    expect(parsed).toMatchObject({ ok: false, id, refusal: { code: 'invalid' } })
    if (!parsed.ok) expect(parsed.refusal.detail).toMatch(detail)
  })

  it('never repeats a value in a refusal: it could be a PIN', () => {
    for (const pin of ['s3cret', { deep: 's3cret' }, ['s3cret'], 's3cret'.repeat(50)]) {
      const parsed = parseRequest(line({ ...ACK, pin, s3: 1 }))
      expect(JSON.stringify(parsed)).not.toContain('s3cret')
    }
  })
})

/** Values that a careless or hostile peer might put where something else belongs. */
const oddValue = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    0.5,
    2 ** 53,
    1e308,
    '',
    '__proto__',
    'constructor',
    '\u0000',
    '\u202e',
    '\ud800',
    'x'.repeat(3000),
    {},
    [],
    [[[]]],
    { __proto__: null, a: 1 },
    { op: 'status' },
  ),
  fc.string({ maxLength: 8 }),
  fc.integer(),
)

const COMMANDS: readonly object[] = [
  { op: 'status' },
  { op: 'alarms', all: false },
  ACK,
  { op: 'reset', ...CREDENTIALS, occ: 'O' },
  { op: 'occupancy', ...CREDENTIALS, zone: 'b101', state: 'at_rest' },
  { op: 'shelve', ...CREDENTIALS, alarm: 'x.y', forMs: 1, reason: 'other' },
  { op: 'unshelve', ...CREDENTIALS, occ: 'O' },
  { op: 'out_of_service', ...CREDENTIALS, target: 'th-1', workOrder: 'WO' },
  { op: 'return_to_service', ...CREDENTIALS, target: 'th-1' },
  { op: 'users.add', person: PERSON, by: CREDENTIALS },
  { op: 'users.add', person: PERSON, by: { osUser: 'root', key: 'k' } },
  { op: 'users.list' },
]

/** A valid request with some places changed, added or left out; or its text cut, doubled or flipped. */
const nearlyRequest = fc
  .record({
    command: fc.constantFrom(...COMMANDS),
    key: fc.constantFrom(
      'op',
      'user',
      'pin',
      'occ',
      'rev',
      'person',
      'by',
      'all',
      '__proto__',
      'zz',
    ),
    value: oddValue,
    change: fc.constantFrom('none', 'command', 'head', 'remove', 'cut', 'flip', 'double'),
    at: fc.nat(400),
    flip: fc.integer({ min: 1, max: 255 }),
  })
  .map(({ command, key, value, change, at, flip }): Uint8Array => {
    const head = { v: 1, id: 7, command }
    switch (change) {
      case 'command':
        return bytes(JSON.stringify({ ...head, command: { ...command, [key]: value } }))
      case 'head':
        return bytes(JSON.stringify({ ...head, [key]: value }))
      case 'remove': {
        const { [key]: _, ...rest } = command as Record<string, unknown>
        return bytes(JSON.stringify({ ...head, command: rest }))
      }
    }
    const whole = bytes(JSON.stringify(head))
    const place = at % whole.length
    if (change === 'cut') return whole.subarray(0, place)
    if (change === 'double') return Buffer.concat([whole, whole])
    if (change === 'flip') whole[place] = (whole[place] ?? 0) ^ flip
    return whole
  })

describe('fuzz', () => {
  it('survives 120,000 nearly right requests: each is understood whole or refused in words', () => {
    let understood = 0
    let refused = 0
    fc.assert(
      fc.property(nearlyRequest, (input) => {
        const parsed = parseRequest(input)
        if (parsed.ok) {
          understood++
          const again = parseRequest(bytes(printRequest(parsed.request).trimEnd()))
          if (!again.ok || JSON.stringify(again) !== JSON.stringify(parsed))
            throw new Error('what is understood does not print back')
        } else {
          refused++
          if (parsed.refusal.detail.length === 0 || parsed.refusal.detail.length > 600)
            throw new Error('a refusal without words, or with too many')
        }
      }),
      { numRuns: 120_000 },
    )
    // Neither side may be empty, or the fuzz proves nothing.
    expect(understood).toBeGreaterThan(10_000)
    expect(refused).toBeGreaterThan(10_000)
  }, 60_000)

  it('survives arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        expect(parseRequest(input).ok).toBe(false)
        parseReply(input)
      }),
      { numRuns: 5000 },
    )
  })

  it('survives nesting to the limit of a line', () => {
    expect(parseRequest(bytes('['.repeat(REQUEST_BYTES_MAX))).ok).toBe(false)
    const depth = REQUEST_BYTES_MAX / 2 - 50
    const deep = `{"v":1,"id":7,"command":{"op":"status","x":${'['.repeat(depth)}${']'.repeat(depth)}}}`
    expect(parseRequest(bytes(deep)).ok).toBe(false)
  })
})

describe('replies', () => {
  it('come back as they were printed', () => {
    const good = { id: 3, ok: true, result: { a: [1, null] } } as const
    expect(parseReply(bytes(printReply(good)))).toEqual(good)
    const refusal = { code: 'busy', detail: 'come back' } as const
    const bad = { id: null, ok: false, refusal } as const
    expect(parseReply(bytes(printReply(bad)))).toEqual(bad)
  })

  it.each(['', '{}', 'hello', '{"v":2,"id":1,"ok":true,"result":1}', '{"v":1,"id":1,"ok":false}'])(
    'that are none of this protocol are told apart: %s',
    (text) => {
      expect(parseReply(bytes(text))).toBeUndefined()
    },
  )
})

describe('LineCutter', () => {
  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ maxLength: 20 }).map((text) => text.replaceAll('\n', '')),
          { maxLength: 12 },
        ),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 60 }),
        (texts, cuts) => {
          const stream = bytes(texts.map((text) => `${text}\n`).join(''))
          const cutter = new LineCutter(1000)
          const lines: string[] = []
          for (let from = 0, cut = 0; from < stream.length; cut++) {
            const to = from + (cuts[cut % cuts.length] ?? 1)
            const result = cutter.push(stream.subarray(from, to))
            expect(result.ok).toBe(true)
            for (const one of result.lines) lines.push(new TextDecoder().decode(one))
            from = to
          }
          const decoded = texts.map((text) => new TextDecoder().decode(bytes(text)))
          expect(lines).toEqual(decoded.filter((text) => text !== ''))
          expect(cutter.heldBytes).toBe(0)
        },
      ),
    )
  })

  it.each([
    ['a line of the bound', `${'x'.repeat(10)}\n`, true, 1],
    ['a line one byte longer', `${'x'.repeat(11)}\n`, false, 0],
    ['bytes beyond the bound without an end', 'x'.repeat(11), false, 0],
    ['a good line before the long one', `a\n${'x'.repeat(11)}`, false, 1],
  ])('bounds what it holds: %s', (_, text, ok, count) => {
    const result = new LineCutter(10).push(bytes(text))
    expect(result.ok).toBe(ok)
    expect(result.lines).toHaveLength(count)
  })

  it('gives nothing more once a line was too long', () => {
    const cutter = new LineCutter(3)
    cutter.push(bytes('xxxx'))
    expect(cutter.push(bytes('\na\n'))).toEqual({ ok: false, lines: [] })
  })
})
