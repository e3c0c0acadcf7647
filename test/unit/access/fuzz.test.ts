// Signed commands, canonical JSON, JWS and the rows of people, fuzzed: nothing throws, and a command counts only when it is
// member for member the one that was signed.

import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import { canonicalJson, NotCanonicalError } from '../../../agent/access/canonical-json.ts'
import { parseDetachedJws } from '../../../agent/access/detached-jws.ts'
import { readPeople } from '../../../agent/access/person.ts'
import { check } from '../../support/command-check.ts'
import { ackCommand, occupancyCommand, publicPemOf, signed } from '../../support/command-signer.ts'
import { FUZZ_MS_MAX, fuzz, mutatedJson, mutateJson, mutateText, pick } from '../../support/fuzz.ts'

const timeout = FUZZ_MS_MAX
const COMMANDS = [
  ['ack', signed(ackCommand(), 'jdoe')],
  ['occupancy', signed(occupancyCommand(), 'jdoe')],
  ['reset', signed(ackCommand({ act: 'reset' }), 'jdoe')],
] as const

it('URS-33 PE9 signed commands: genuine only as they were signed', { timeout }, () => {
  fuzz({
    name: 'signed command',
    accepted: [0.05, 0.8],
    input: (random) => {
      const [command, sound] = pick(random, COMMANDS)
      let changed = mutateJson(random, sound)
      // What is not changed is verified often enough: a signature takes longer than all else.
      if (random() < 0.8 && isDeepStrictEqual(changed, sound)) changed = mutateJson(random, sound)
      const verdict = check(changed, { command: random() < 0.95 ? command : 'shelve' })
      if (!verdict.ok) return false
      // −0 signs as 0 (RFC 8785 §3.2.2.3) and is 0 to whoever acts on it.
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(changed)), sound))
        expect.fail(JSON.stringify(changed))
      return true
    },
  })
})

it('URS-33 detached JWS: one text for one signature', { timeout }, () => {
  const sound = COMMANDS.map(([, { sig }]) => sig)
  fuzz({
    name: 'JWS',
    accepted: [0.02, 0.9],
    input: (random) => {
      let text = pick(random, sound)
      if (random() < 0.9) text = mutateText(random, text)
      const parsed = parseDetachedJws(text)
      if (!parsed.ok) return false
      const { header, signature, kid } = parsed.jws
      if (`${header}..${Buffer.from(signature).toString('base64url')}` !== text) expect.fail(text)
      const said = JSON.parse(Buffer.from(header, 'base64url').toString()) as {
        kid: unknown
        alg: unknown
      }
      if (said.kid !== kid || said.alg !== 'EdDSA') expect.fail(text)
      return true
    },
  })
})

it('URS-33 canonical JSON: a text that reads as the value, whatever the order of its members; or refused', {
  timeout,
}, () => {
  const sound = [ackCommand(), { b: [1, 2.5, -0, 1e21], a: { ü: 'é', u: '\u2028' } }, [[{}], 'x']]
  fuzz({
    name: 'canonical JSON',
    accepted: [0.3, 0.999],
    input: (random) => {
      const value = mutateJson(random, pick(random, sound))
      let text: string
      try {
        text = canonicalJson(value)
      } catch (error) {
        if (error instanceof NotCanonicalError) return false
        throw error
      }
      const plain = JSON.parse(JSON.stringify(value))
      if (!isDeepStrictEqual(JSON.parse(text), plain)) expect.fail(text)
      if (canonicalJson(turned(plain)) !== text) expect.fail(`not the same turned round: ${text}`)
      return true
    },
  })
})

/** The same value with the members of every object in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).reverse()
  return Object.fromEntries(entries.map(([key, inner]) => [key, turned(inner)]))
}

it('URS-50 rows of people: read as they are, or refused in words that name the row', {
  timeout,
}, () => {
  const person = {
    ...{
      name: 'jdoe',
      fullName: 'J. Doe',
      role: 'technician',
      pinHash: '$argon2id$v=19$x',
      createdAt: 1,
    },
    ...{ disabled: false, failures: 0, publicKey: publicPemOf('jdoe'), lockedUntil: 17 },
  }
  fuzz({
    name: 'people',
    accepted: [0.05, 0.9],
    input: (random) => {
      const row = mutatedJson(random, person).toString('utf8')
      try {
        const people = readPeople(new Map([['user/jdoe', row]]))
        if (!isDeepStrictEqual({ ...people.get('jdoe') }, JSON.parse(row))) expect.fail(row)
        return true
      } catch (error) {
        if (!/state row user\/jdoe does not describe a person/.test(String(error))) throw error
        return false
      }
    },
  })
})
