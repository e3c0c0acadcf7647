// A person with a key, signing commands as a client would; written apart from the agent's own code, from RFC 7515 and RFC 8785.

import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'

/** The published key pairs of RFC 8032 §7.1, tests 1 to 3 (the secret halves as 32 bytes of hex). */
const SECRETS = {
  jdoe: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  asmith: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
  mallory: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
}
export type SignerName = keyof typeof SECRETS

const PKCS8_ED25519 = '302e020100300506032b657004220420'

export const privateKeyOf = (name: SignerName): KeyObject =>
  createPrivateKey({
    key: Buffer.from(PKCS8_ED25519 + SECRETS[name], 'hex'),
    format: 'der',
    type: 'pkcs8',
  })

export const publicPemOf = (name: SignerName): string =>
  createPublicKey(privateKeyOf(name)).export({ type: 'spki', format: 'pem' }).toString()

export type CommandFields = Readonly<Record<string, unknown>>

const b64url = (text: string): string => Buffer.from(text, 'utf8').toString('base64url')

export interface Signing {
  readonly key?: KeyObject
  /** Text of the header, where a test wants another. */
  readonly header?: string
  /** Text that is signed in place of the command's canonical form. */
  readonly payload?: string
}

/** Adds `sig`; commands are flat, so sorted members without white space are the canonical form. */
export function signed(
  command: CommandFields,
  by: SignerName,
  signing: Signing = {},
): CommandFields & { readonly sig: string } {
  const sorted = Object.fromEntries(Object.entries(command).sort(([a], [b]) => (a < b ? -1 : 1)))
  const header = b64url(signing.header ?? `{"alg":"EdDSA","kid":"${by}"}`)
  const input = `${header}.${b64url(signing.payload ?? JSON.stringify(sorted))}`
  const signature = sign(null, Buffer.from(input), signing.key ?? privateKeyOf(by))
  return { ...command, sig: `${header}..${signature.toString('base64url')}` }
}

/** The wall moment the commands below were signed at. */
export const SIGNED_AT = 1_763_806_488_000

/** An acknowledgement as contract §3 shows it. */
export const ackCommand = (changes: CommandFields = {}): CommandFields => ({
  v: 1,
  id: '01JD4AZ6N3QK8W5T9XV2B7CDEF',
  aud: 'gw-01',
  alarm: 'b101-dp.action_low',
  occ: '01JD4A5Q7M2R8YV3KXW9T6HBNC',
  rev: 2,
  by: 'jdoe',
  reason: 'door_opened',
  comment: 'Door 3 stood open',
  iat: SIGNED_AT,
  exp: SIGNED_AT + 60_000,
  ...changes,
})

export const occupancyCommand = (changes: CommandFields = {}): CommandFields => {
  const { alarm: _a, occ: _o, rev: _r, reason: _re, comment: _c, ...envelope } = ackCommand()
  return { ...envelope, zone: 'b101', state: 'at_rest', ...changes }
}
