// What a PIN may be, how it is kept, and that hashing stays within its bounds.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatPinHash,
  PinHasher,
  PinHasherBusy,
  parsePinHash,
  pinFault,
} from '../../../agent/access/pin.ts'

describe('pinFault', () => {
  const rows: readonly (readonly [pin: string, user: string, fault: RegExp | undefined])[] = [
    ['1234', 'jdoe', undefined],
    ['123', 'jdoe', /3 characters; give at least 4/],
    ['', 'jdoe', /0 characters/],
    ['x'.repeat(64), 'jdoe', undefined],
    ['x'.repeat(65), 'jdoe', /at most 64/],
    ['jdoe', 'jdoe', /login name/],
    ['JDoe', 'jdoe', /login name/],
    ['jdoe1', 'jdoe', undefined],
    ['12\n34', 'jdoe', /control character/],
    ['12\u00003', 'jdoe', /control character/],
    [' 1234', 'jdoe', /space/],
    ['1234 ', 'jdoe', /space/],
    ['12 34', 'jdoe', undefined],
    ['🔑🔑🔑🔑', 'jdoe', undefined],
    ['🔑🔑🔑', 'jdoe', /3 characters/],
  ]
  it.each(rows)('URS-50 judges the PIN %j of %s', (pin, user, fault) => {
    if (fault === undefined) expect(pinFault(pin, user)).toBeUndefined()
    else expect(pinFault(pin, user)).toMatch(fault)
  })
})

describe('PHC strings', () => {
  it('prints and reads back every hash this box accepts', () => {
    fc.assert(
      fc.property(
        fc.record({
          memoryKib: fc.integer({ min: 32, max: 65_536 }),
          passes: fc.integer({ min: 1, max: 10 }),
          lanes: fc.integer({ min: 1, max: 4 }),
          salt: fc.uint8Array({ minLength: 9, maxLength: 64 }),
          tag: fc.uint8Array({ minLength: 12, maxLength: 64 }),
        }),
        (hash) => {
          const read = parsePinHash(formatPinHash(hash))
          expect(read).toBeDefined()
          expect({ ...read, salt: [...(read?.salt ?? [])], tag: [...(read?.tag ?? [])] }).toEqual({
            ...hash,
            salt: [...hash.salt],
            tag: [...hash.tag],
          })
        },
      ),
    )
  })

  it.each([
    ['nothing', ''],
    ['another algorithm', '$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA'],
    ['too much memory', '$argon2id$v=19$m=999999,t=2,p=1$c29tZXNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA'],
    ['too many passes', '$argon2id$v=19$m=19456,t=99,p=1$c29tZXNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA'],
    ['no passes', '$argon2id$v=19$m=19456,t=0,p=1$c29tZXNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA'],
    ['too many lanes', '$argon2id$v=19$m=19456,t=2,p=64$c29tZXNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA'],
    ['no tag', '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzYWx0$'],
    [
      'something after it',
      '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA$',
    ],
  ])('refuses %s', (_, text) => {
    expect(parsePinHash(text)).toBeUndefined()
  })
})

describe('PinHasher', () => {
  it('keeps a PIN as argon2id of 19 MiB, two passes, one lane', async () => {
    expect(await new PinHasher().hash('4711')).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
    )
  })

  it('computes what others compute: the PHC string of an independent implementation', async () => {
    const fixed = () => new TextEncoder().encode('somesaltsomesalt')
    const hash = await new PinHasher(fixed).hash('4711')
    // argon2-cffi 25.1.0: hash_secret(b'4711', b'somesaltsomesalt', 2, 19456, 1, 32, Type.ID)
    expect(hash).toBe(INDEPENDENT)
  })

  it('salts: the same PIN twice gives two hashes, and both match', async () => {
    const hasher = new PinHasher()
    const [one, two] = await Promise.all([hasher.hash('4711'), hasher.hash('4711')])
    expect(one).not.toBe(two)
    expect(await hasher.matches('4711', one)).toBe(true)
    expect(await hasher.matches('4711', two)).toBe(true)
    expect(await hasher.matches('4712', one)).toBe(false)
  })

  it('takes one PIN for what keyboards type differently', async () => {
    const hasher = new PinHasher()
    expect(await hasher.matches('cafe\u0301', await hasher.hash('caf\u00e9'))).toBe(true)
  })

  it('says no for a person without a hash, and for a hash that cannot be read', async () => {
    const hasher = new PinHasher()
    expect(await hasher.matches('4711', undefined)).toBe(false)
    expect(await hasher.matches('4711', 'not a hash')).toBe(false)
  })

  it('bounds what waits: 2 at once and 32 more, the next is told to come back, and then it goes on', async () => {
    const hasher = new PinHasher()
    // Twice, so that a place lost or won in the first burst shows in the second.
    for (const burst of [40, 40]) {
      const results = await Promise.allSettled(
        Array.from({ length: burst }, () => hasher.matches('4711', undefined)),
      )
      const reasons = results.flatMap((r) => (r.status === 'rejected' ? [r.reason] : []))
      expect(reasons).toHaveLength(6)
      expect(reasons.every((reason) => reason instanceof PinHasherBusy)).toBe(true)
    }
    expect(await hasher.matches('4711', undefined)).toBe(false)
  })
})

const INDEPENDENT =
  '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Z+Qr9ySwtBJowR3dq/C+J+gVLBD+gTS57yas9LYj3To'
