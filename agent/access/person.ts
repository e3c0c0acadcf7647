// A person as kept in the state row `user/<login id>`, and what a new one must satisfy.
// Pure: reads and judges rows and requests; never hashes, never stores. People are disabled, never deleted (URS-50).

import { createPublicKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { type Actor, ROLES } from '#core/input.ts'
import type { Millis } from '#core/time.ts'
import type { NewPerson, PersonView } from '#ports/people.ts'
import { pinFault } from './pin.ts'

const USER_ROW_PREFIX = 'user/'

/** Login ids: as ids of the configuration; they stand in MQTT topics. */
const USER_ID = /^[a-z0-9-]{1,32}$/
const FULL_NAME_LENGTH_MAX = 80
const PEM_LENGTH_MAX = 2000

/** Names nobody may have, because records use them for something else. */
const RESERVED: readonly string[] = ['system']

const personRow = z.strictObject({
  name: z.string().regex(USER_ID),
  fullName: z.string().min(1),
  role: z.enum(ROLES),
  /** argon2id in the PHC string format. */
  pinHash: z.string(),
  /** PEM (SPKI) of an Ed25519 key. */
  publicKey: z.string().optional(),
  /** Wall ms. */
  createdAt: z.int(),
  disabled: z.boolean(),
  /** The PIN was given by somebody else: it serves for nothing but setting one's own. */
  pinGiven: z.boolean().optional(),
  /** Wrong PINs since the last good log-in. */
  failures: z.int().min(0),
  /** Wall ms. */
  lockedUntil: z.int().optional(),
})

/** The row of one person. */
export type Person = Readonly<z.infer<typeof personRow>>

/** Key of the state row of a person. */
export const userRowKey = (user: string): string => `${USER_ROW_PREFIX}${user}`

/** The person as records name them. */
export const actorOf = ({ name, fullName, role }: Person, via: Actor['via']): Actor => ({
  user: name,
  name: fullName,
  role,
  via,
})

/** The person as shown to others; `lockedMs` is what is left of a lock-out, 0 for none. */
export function viewOf(person: Person, lockedMs: Millis): PersonView {
  return {
    user: person.name,
    name: person.fullName,
    role: person.role,
    disabled: person.disabled,
    ...(lockedMs > 0 ? { lockedForMs: Math.ceil(lockedMs) } : {}),
    ...(person.pinGiven === true ? { pinGiven: true as const } : {}),
    publicKey: person.publicKey !== undefined,
    createdAt: person.createdAt,
  }
}

/** Whether this can be a login id. */
export const isUserId = (text: string): boolean => USER_ID.test(text)

/**
 * All people of the state rows. A row that cannot be read is an altered store, so it throws in words rather than
 * silently dropping somebody's right.
 */
export function readPeople(rows: ReadonlyMap<string, string>): Map<string, Person> {
  const people = new Map<string, Person>()
  for (const [key, text] of rows) {
    if (!key.startsWith(USER_ROW_PREFIX)) continue
    const parsed = personRow.safeParse(parseJson(text))
    if (!parsed.success || userRowKey(parsed.data.name) !== key)
      throw new Error(`state row ${key} does not describe a person; verify the journal`)
    people.set(parsed.data.name, parsed.data)
  }
  return people
}

/** Why this person cannot be added as described, in words; undefined when nothing speaks against it. */
export function newPersonFault(person: NewPerson): string | undefined {
  const { user, fullName, role, pin, publicKey } = person
  if (!isUserId(user))
    return `"${user}" cannot be a login name; use 1 to 32 of the characters a-z 0-9 -`
  if (RESERVED.includes(user)) return `"${user}" is reserved; choose another login name`
  if (fullName.trim() === '') return 'the full name is empty; give the name that records show'
  if ([...fullName].length > FULL_NAME_LENGTH_MAX)
    return `the full name is longer than ${FULL_NAME_LENGTH_MAX} characters; shorten it`
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(fullName))
    return 'the full name holds invisible characters; type it with letters, spaces and dots'
  if (!(ROLES as readonly string[]).includes(role))
    return `"${role}" is no role; use one of ${ROLES.join(', ')}`
  return pinFault(pin, user) ?? (publicKey === undefined ? undefined : keyFault(publicKey))
}

/** The key in its one canonical form; the caller has checked it with newPersonFault. */
export function canonicalKey(pem: string): string {
  return createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString()
}

function keyFault(pem: string): string | undefined {
  if (pem.length > PEM_LENGTH_MAX)
    return 'the public key file is too long; give one Ed25519 public key in PEM'
  // createPublicKey would accept a private key and derive the public one; it must not travel at all.
  if (pem.includes('PRIVATE KEY'))
    return 'this is a private key; keep it with its owner and give the public one (openssl pkey -pubout)'
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch {
    return 'the public key cannot be read; give a PEM file that begins with -----BEGIN PUBLIC KEY-----'
  }
  return key.asymmetricKeyType === 'ed25519'
    ? undefined
    : `the public key is ${key.asymmetricKeyType ?? 'of another kind'}; give an Ed25519 one (openssl genpkey -algorithm ed25519)`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
