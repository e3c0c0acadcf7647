// Every way a command can be wrong, each with the code it is refused with, and the edges at which it is still right.

import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../../agent/access/canonical-json.ts'
import { createCommandCheck } from '../../../agent/access/signed-command.ts'
import { type Circumstances, check, codeOf } from '../../support/command-check.ts'
import {
  ackCommand,
  type CommandFields,
  occupancyCommand,
  privateKeyOf,
  publicPemOf,
  SIGNED_AT,
  signed,
} from '../../support/command-signer.ts'

const ack = (changes: CommandFields = {}) => signed(ackCommand(changes), 'jdoe')
const sigOf = (changes: CommandFields = {}): string => ack(changes).sig

describe('URS-33 what is refused, and as what', () => {
  const { sig: _sig, ...unsigned } = ack()
  const [header = '', signature = ''] = sigOf().split('..')
  const b64url = (text: string): string => Buffer.from(text).toString('base64url')
  const withHeader = (text: string) => signed(ackCommand(), 'jdoe', { header: text })
  const hmac = (): string => {
    const head = b64url('{"alg":"HS256","kid":"jdoe"}')
    const payload = b64url(canonicalJson(ackCommand()))
    const mac = createHmac('sha256', publicPemOf('jdoe')).update(`${head}.${payload}`)
    return `${head}..${mac.digest('base64url')}`
  }
  /** The same signature with its unused last bits set: another text, the same bytes. */
  const strayBits = (): string => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(signature.at(-1) ?? '')
    return `${header}..${signature.slice(0, -1)}${alphabet[last + 1]}`
  }

  type Row = [what: string, expected: string, payload: unknown, circumstances?: Circumstances]
  const rows: Row[] = [
    ['not an object: null', 'invalid', null],
    ['not an object: a list', 'invalid', [ack()]],
    ['not an object: a text', 'invalid', JSON.stringify(ack())],
    ['nothing at all', 'invalid', undefined],
    ['an empty object', 'invalid', {}],
    ['version 2', 'invalid', ack({ v: 2 })],
    ['version as text', 'invalid', ack({ v: '1' })],
    ['no id', 'invalid', signed(without('id'), 'jdoe')],
    ['an empty id', 'invalid', ack({ id: '' })],
    ['an id of 65 characters', 'invalid', ack({ id: 'x'.repeat(65) })],
    ['an id of 10 kB', 'invalid', ack({ id: 'x'.repeat(10_000) })],
    ['an id with a space', 'invalid', ack({ id: 'a b' })],
    ['an id with a line end', 'invalid', ack({ id: 'a\nb' })],
    ['an id that turns the direction', 'invalid', ack({ id: 'a\u202eb' })],
    ['an id with a lone surrogate', 'invalid', ack({ id: 'a\ud800' })],
    ['an id that is a number', 'invalid', ack({ id: 7 })],
    ['no occurrence', 'invalid', signed(without('occ'), 'jdoe')],
    ['no alarm', 'invalid', signed(without('alarm'), 'jdoe')],
    ['no revision', 'invalid', signed(without('rev'), 'jdoe')],
    ['a revision of 1.5', 'invalid', ack({ rev: 1.5 })],
    ['a revision below 0', 'invalid', ack({ rev: -1 })],
    ['a revision beyond 2^53', 'invalid', ack({ rev: 2 ** 53 })],
    ['a revision as text', 'invalid', ack({ rev: '2' })],
    ['no reason', 'invalid', signed(without('reason'), 'jdoe')],
    ['a comment of 2001 characters', 'invalid', ack({ comment: 'x'.repeat(2001) })],
    ['a comment that turns the direction', 'invalid', ack({ comment: 'ok \u202eton' })],
    ['a comment with a bell', 'invalid', ack({ comment: 'x\u0007' })],
    ['a comment with a lone surrogate', 'invalid', ack({ comment: 'x\udfff' })],
    ['a comment that is an object', 'invalid', ack({ comment: { a: 1 } })],
    ['a member nobody knows', 'invalid', ack({ replyTo: 'cr/v1/x' })],
    ['a member called constructor', 'invalid', ack({ constructor: 1 })],
    [
      'a member called __proto__',
      'invalid',
      JSON.parse(JSON.stringify(ack()).replace('{', '{"__proto__":{"rev":9},')),
    ],
    ['fields that are only inherited', 'invalid', Object.create(ack())],
    ['times as text', 'invalid', ack({ iat: String(SIGNED_AT) })],
    ['a time with a fraction', 'invalid', ack({ exp: SIGNED_AT + 0.5 })],
    ['a time that is infinite', 'invalid', ack({ exp: Number.POSITIVE_INFINITY })],
    [
      'an occupancy nobody knows',
      'invalid',
      signed(occupancyCommand({ state: 'off' }), 'jdoe'),
      { command: 'occupancy' },
    ],
    ['an ack sent as occupancy', 'invalid', ack(), { command: 'occupancy' }],
    ['an occupancy sent as ack', 'invalid', signed(occupancyCommand(), 'jdoe')],
    ['an ack sent as shelve: no end', 'invalid', ack(), { command: 'shelve' }],
    ['an end of a shelf that is text', 'invalid', ack({ until: '2h' }), { command: 'shelve' }],
    ['an unshelve with an end', 'invalid', ack({ until: 1 }), { command: 'unshelve' }],
    ['session', 'invalid', ack(), { command: 'session' }],
    ['a command nobody knows', 'invalid', ack(), { command: 'toString' }],

    ['of another user’s topic', 'identity_mismatch', ack(), { user: 'asmith' }],
    ['naming another user', 'identity_mismatch', ack({ by: 'asmith' })],
    [
      'another user in topic and payload, not in the header',
      'identity_mismatch',
      ack({ by: 'asmith' }),
      { user: 'asmith' },
    ],
    ['another kid, signed by that person', 'identity_mismatch', signed(ackCommand(), 'asmith')],
    ['a kid of other case', 'identity_mismatch', withHeader('{"alg":"EdDSA","kid":"JDOE"}')],

    ['of somebody unknown', 'not_authorised', ofUser('nobody'), { user: 'nobody' }],
    ['of a disabled person', 'not_authorised', ofUser('gone'), { user: 'gone' }],
    ['of a person without a key', 'not_authorised', ofUser('keyless'), { user: 'keyless' }],
    ['of a person with a P-256 key', 'not_authorised', ofUser('p256'), { user: 'p256' }],
    ['of a person with an Ed448 key', 'not_authorised', ofUser('ed448'), { user: 'ed448' }],
    ['of a person with an X25519 key', 'not_authorised', ofUser('x25519'), { user: 'x25519' }],
    ['of a person with an RSA key', 'not_authorised', ofUser('rsa'), { user: 'rsa' }],
    [
      'of a person with a private key on file',
      'not_authorised',
      ofUser('private'),
      { user: 'private' },
    ],
    [
      'of a person with a broken key on file',
      'not_authorised',
      ofUser('garbage'),
      { user: 'garbage' },
    ],
    ['of __proto__', 'not_authorised', ofUser('__proto__'), { user: '__proto__' }],

    ['not signed', 'bad_signature', unsigned],
    ['sig null', 'bad_signature', { ...unsigned, sig: null }],
    ['sig empty', 'bad_signature', { ...unsigned, sig: '' }],
    ['sig an object', 'bad_signature', { ...unsigned, sig: { header, signature } }],
    ['sig of 10 kB', 'bad_signature', { ...unsigned, sig: `${header}..${'A'.repeat(10_000)}` }],
    ['sig without signature', 'bad_signature', { ...unsigned, sig: `${header}..` }],
    ['sig of zeros', 'bad_signature', { ...unsigned, sig: `${header}..${'A'.repeat(86)}` }],
    ['sig with padding', 'bad_signature', { ...unsigned, sig: `${sigOf()}==` }],
    [
      'sig in plain base64',
      'bad_signature',
      { ...unsigned, sig: `${header}..${Buffer.from(signature, 'base64url').toString('base64')}` },
    ],
    ['sig with stray bits', 'bad_signature', { ...unsigned, sig: strayBits() }],
    ['sig with a line end', 'bad_signature', { ...unsigned, sig: `${sigOf()}\n` }],
    [
      'sig with its payload attached',
      'bad_signature',
      { ...unsigned, sig: `${header}.${b64url(canonicalJson(unsigned))}.${signature}` },
    ],
    ['sig of one byte less', 'bad_signature', { ...unsigned, sig: sigOf().slice(0, -1) }],
    ['alg none', 'bad_signature', withHeader('{"alg":"none","kid":"jdoe"}')],
    [
      'alg none, no signature',
      'bad_signature',
      { ...unsigned, sig: `${b64url('{"alg":"none","kid":"jdoe"}')}..` },
    ],
    ['alg HS256 with the public key as secret', 'bad_signature', { ...unsigned, sig: hmac() }],
    ['alg Ed25519', 'bad_signature', withHeader('{"alg":"Ed25519","kid":"jdoe"}')],
    ['alg in small letters', 'bad_signature', withHeader('{"alg":"eddsa","kid":"jdoe"}')],
    ['no alg', 'bad_signature', withHeader('{"kid":"jdoe"}')],
    ['no kid', 'bad_signature', withHeader('{"alg":"EdDSA"}')],
    ['a kid that is a list', 'bad_signature', withHeader('{"alg":"EdDSA","kid":["jdoe"]}')],
    [
      'a header with a key of its own',
      'bad_signature',
      withHeader('{"alg":"EdDSA","kid":"jdoe","jwk":{}}'),
    ],
    [
      'a header with b64 false',
      'bad_signature',
      withHeader('{"alg":"EdDSA","kid":"jdoe","b64":false,"crit":["b64"]}'),
    ],
    ['a header that is a list', 'bad_signature', withHeader('["EdDSA","jdoe"]')],
    ['a header that is no JSON', 'bad_signature', withHeader('EdDSA')],
    [
      'signed with another person’s key',
      'bad_signature',
      signed(ackCommand(), 'jdoe', { key: privateKeyOf('mallory') }),
    ],
    [
      'signed without being canonicalised',
      'bad_signature',
      signed(ackCommand(), 'jdoe', { payload: JSON.stringify(ackCommand()) }),
    ],
    [
      'signed with sig inside',
      'bad_signature',
      signed(ackCommand(), 'jdoe', { payload: canonicalJson(ack()) }),
    ],
    [
      'the signature of another command',
      'bad_signature',
      { ...unsigned, sig: sigOf({ id: 'other' }) },
    ],

    ['for another gateway', 'invalid', ack({ aud: 'gw-02' })],
    ['at another gateway', 'invalid', ack(), { gateway: 'gw-02' }],

    [
      'to a clock that is not synchronised',
      'clock_unsynchronised',
      ack(),
      { trust: 'unsynchronised' },
    ],
    [
      'to a clock in 1970',
      'clock_unsynchronised',
      ack({ iat: 1000, exp: 61_000 }),
      { wall: 2000, trust: 'unknown' },
    ],
    [
      'to a clock in 1970 that calls itself synchronised',
      'clock_unsynchronised',
      ack(),
      { wall: 2000 },
    ],

    ['a life of 60 001 ms', 'expired', ack({ exp: SIGNED_AT + 60_001 })],
    ['a life of none', 'expired', ack({ exp: SIGNED_AT })],
    ['a life that ends before it begins', 'expired', ack({ exp: SIGNED_AT - 1 })],
    ['a life of a year', 'expired', ack({ exp: SIGNED_AT + 31_536_000_000 })],
    ['one ms after its end', 'expired', ack(), { wall: SIGNED_AT + 60_001 }],
    ['a day after its end', 'expired', ack(), { wall: SIGNED_AT + 86_400_000 }],
    ['5001 ms before its time', 'expired', ack(), { wall: SIGNED_AT - 5001 }],

    ['at its last moment', 'genuine', ack(), { wall: SIGNED_AT + 60_000 }],
    ['5000 ms before its time', 'genuine', ack(), { wall: SIGNED_AT - 5000 }],
    [
      'where nobody knows whether the clock is synchronised',
      'genuine',
      ack(),
      { trust: 'unknown' },
    ],
    ['an id of 64 characters', 'genuine', ack({ id: 'x'.repeat(64) })],
    [
      'a comment over two lines, in other scripts',
      'genuine',
      ack({ comment: 'Tür offen\n\tעברית 門 🚪' }),
    ],
  ]
  it.each(rows)('%s: %s', (_what, expected, payload, circumstances) => {
    expect(codeOf(check(payload, circumstances))).toBe(expected)
  })

  it('says what is wrong, and repeats nothing of what was sent', () => {
    for (const [, , payload, circumstances] of rows) {
      const verdict = check(payload, circumstances)
      if (verdict.ok) continue
      expect(verdict.refusal.detail).toMatch(/^[\x20-\x7e]{10,300}$/)
      expect(verdict.refusal.detail).not.toContain('replyTo')
    }
  })

  it('answers by the id where it is one, and calls nobody by a name that is not proven', () => {
    expect(check(ack({ v: 2 }))).toMatchObject({ refusal: { id: ackCommand()['id'] } })
    expect(check(ack({ id: 'x'.repeat(65) }))).toMatchObject({ refusal: { id: null } })
    const forged = check({ ...unsigned, sig: sigOf({ id: 'other' }) })
    expect(forged).toMatchObject({ refusal: { about: { act: 'ack', occ: ackCommand()['occ'] } } })
    expect(forged).not.toHaveProperty('refusal.actor')
    expect(check(ack({ aud: 'gw-02' }))).toMatchObject({ refusal: { actor: { user: 'jdoe' } } })
  })

  it('says why a payload could not be read', () => {
    const judge = createCommandCheck({
      gateway: 'gw-01',
      person: () => undefined,
      clockTrust: () => 'unknown',
    })
    const incoming = {
      command: 'ack',
      user: 'jdoe',
      payload: undefined,
      retained: false,
      fault: 'not JSON in UTF-8',
    }
    expect(judge(incoming, { wall: SIGNED_AT, mono: 0 })).toMatchObject({
      refusal: { code: 'invalid', id: null, detail: 'the payload is not JSON in UTF-8' },
    })
  })
})

function without(member: string): CommandFields {
  return Object.fromEntries(Object.entries(ackCommand()).filter(([key]) => key !== member))
}

function ofUser(by: string) {
  return signed(ackCommand({ by }), 'jdoe', { header: `{"alg":"EdDSA","kid":"${by}"}` })
}
