// What came in, made safe to look at: size, UTF-8, JSON, depth, and no key that reaches a prototype. Pure.
// It never believes a payload about who sent it: the user is the topic's last level, which the broker binds.

import { isStream } from './topic.ts'

export const INBOUND_BYTES_MAX = 16 * 1024
const DEPTH_MAX = 16

export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly fault: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Parses a payload from the network. */
export function parsePayload(bytes: Uint8Array): Parsed {
  if (bytes.length > INBOUND_BYTES_MAX) {
    return { ok: false, fault: `larger than ${INBOUND_BYTES_MAX} bytes` }
  }
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(bytes))
  } catch {
    return { ok: false, fault: 'not JSON in UTF-8' }
  }
  const fault = shapeFault(value)
  return fault === undefined ? { ok: true, value } : { ok: false, fault }
}

function shapeFault(value: unknown): string | undefined {
  const open: { value: unknown; depth: number }[] = [{ value, depth: 1 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value !== 'object' || next.value === null) continue
    if (next.depth > DEPTH_MAX) return `nested deeper than ${DEPTH_MAX} levels`
    for (const [key, inner] of Object.entries(next.value)) {
      if (key === '__proto__') return 'a key is called __proto__'
      open.push({ value: inner, depth: next.depth + 1 })
    }
  }
  return undefined
}

/** The fields of an object; an empty record for anything else. Only own keys are ever seen. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  Object.assign(
    Object.create(null) as Record<string, unknown>,
    typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {},
  )

const isSequence = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

export interface ReplayOrder {
  readonly id: string
  readonly stream: 'readings' | 'event'
  readonly from: number
  readonly to: number
}

export type ReplayRequest =
  | { readonly ok: true; readonly order: ReplayOrder }
  | {
      readonly ok: false
      readonly id: string | null
      readonly code: 'invalid' | 'identity_mismatch'
      readonly detail: string
    }

const ID_LENGTH_MAX = 64

/** Checks a `cmd/replay/{user}` payload against who we are and what exists (contract §3). */
export function parseReplay(
  value: unknown,
  known: { user: string; gateway: string; epoch: string },
): ReplayRequest {
  const { v, id, aud, by, stream, epoch, from, to } = fieldsOf(value)
  const named = typeof id === 'string' && id.length > 0 && id.length <= ID_LENGTH_MAX ? id : null
  const refuse = (
    detail: string,
    code: 'invalid' | 'identity_mismatch' = 'invalid',
  ): ReplayRequest => ({ ok: false, id: named, code, detail })
  if (v !== 1) return refuse('"v" must be 1')
  if (named === null) return refuse(`"id" must be a text of 1 to ${ID_LENGTH_MAX} characters`)
  if (aud !== known.gateway) return refuse(`"aud" must name this gateway, ${known.gateway}`)
  if (by !== known.user) {
    return refuse('"by" must be the user the topic ends with', 'identity_mismatch')
  }
  if (!isStream(stream)) return refuse('"stream" must be readings or event')
  if (epoch !== known.epoch) return refuse(`"epoch" must be the present one, ${known.epoch}`)
  if (!isSequence(from) || !isSequence(to) || from > to) {
    return refuse('"from" and "to" must be sequence numbers, from not above to')
  }
  return { ok: true, order: { id: named, stream, from, to } }
}

/** A confirm payload: the watermark with its epoch, or why it is none. */
export function parseConfirm(
  value: unknown,
): { ok: true; epoch: string; through: number } | { ok: false; fault: string } {
  const { v, epoch, through } = fieldsOf(value)
  if (v !== 1) return { ok: false, fault: '"v" must be 1' }
  if (typeof epoch !== 'string') return { ok: false, fault: '"epoch" must be a text' }
  if (!isSequence(through)) return { ok: false, fault: '"through" must be a sequence number' }
  return { ok: true, epoch, through }
}
