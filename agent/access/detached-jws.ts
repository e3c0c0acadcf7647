// A JWS with detached payload (RFC 7515 appendix F) under Ed25519 (RFC 8037), and nothing else of JOSE.
// Decides whether a signature belongs to key and payload; never chooses an algorithm from what it was sent.

import { createPublicKey, type KeyObject, verify } from 'node:crypto'

/** `b64url(header)..b64url(signature)`: an Ed25519 signature is 64 bytes, 86 characters. */
const DETACHED = /^([A-Za-z0-9_-]{1,512})\.\.([A-Za-z0-9_-]{86})$/

/** What a detached signature says about itself, before anything is verified. */
export interface DetachedJws {
  /** The protected header as it stands, base64url: part of what is signed. */
  readonly header: string
  /** Who claims to have signed. */
  readonly kid: string
  readonly signature: Uint8Array
}

export type ParsedJws =
  | { readonly ok: true; readonly jws: DetachedJws }
  | { readonly ok: false; readonly fault: string }

/** Reads the text form; the header must have the members `alg` = EdDSA and `kid`, and no other. Never throws. */
export function parseDetachedJws(text: unknown): ParsedJws {
  const match = typeof text === 'string' ? DETACHED.exec(text) : null
  const [header, tail] = [match?.[1], match?.[2]]
  if (header === undefined || tail === undefined) {
    return { ok: false, fault: '"sig" must be b64url(header)..b64url(signature) of Ed25519' }
  }
  const signature = decodeBase64url(tail)
  const bytes = decodeBase64url(header)
  if (signature === undefined || bytes === undefined) {
    return { ok: false, fault: '"sig" is not canonical base64url (no padding, no stray bits)' }
  }
  const kid = kidOf(bytes)
  return kid === undefined
    ? { ok: false, fault: 'the header of "sig" must be {"alg":"EdDSA","kid":"<by>"}' }
    : { ok: true, jws: { header, kid, signature } }
}

/** Whether the signature is this key's over the header and this payload. */
export function verifyDetachedJws(jws: DetachedJws, payload: string, key: KeyObject): boolean {
  const input = `${jws.header}.${Buffer.from(payload, 'utf8').toString('base64url')}`
  return verify(null, Buffer.from(input, 'ascii'), key, jws.signature)
}

/** The key of a PEM, when it is an Ed25519 public key; undefined for every other kind, private keys included. */
export function ed25519PublicKey(pem: string): KeyObject | undefined {
  // createPublicKey would derive the public key from a private one, which has no business here.
  if (pem.includes('PRIVATE KEY')) return undefined
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyType === 'ed25519' ? key : undefined
  } catch {
    return undefined
  }
}

/** Strict base64url: exactly the text that encoding the bytes gives, so that one signature has one text. */
function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function kidOf(header: Uint8Array): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(header))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const members = new Map<string, unknown>(Object.entries(value))
  const kid = members.get('kid')
  const exact = members.size === 2 && members.get('alg') === 'EdDSA'
  return exact && typeof kid === 'string' ? kid : undefined
}
