// Whether a command from the network is genuine: of the right shape, of whom it says, signed by that person's key, meant for
// this gateway, and in time (URS-32, URS-33). Pure but for the functions it is given. Whether its id was used before, and what
// the person may do, is judged behind it. The order of the checks is the order of the file: nothing is believed before it is proven.

import { createHash } from 'node:crypto'
import type { Act, ActCode, Actor, Role } from '#core/input.ts'
import type { Instant, Millis } from '#core/time.ts'
import type { ClockTrust, CommandCheck, CommandRefusal, CommandVerdict } from '#ports/commands.ts'
import type { IncomingCommand } from '#ports/uplink.ts'
import { canonicalJson, NotCanonicalError } from './canonical-json.ts'
import { aboutCommand, commandId, parseCommand, type ShapedCommand } from './command-shape.ts'
import {
  ed25519PublicKey,
  type ParsedJws,
  parseDetachedJws,
  verifyDetachedJws,
} from './detached-jws.ts'

/** Longest life of a command (contract §3: at most 60 s after `iat`). */
const COMMAND_LIFE_MAX: Millis = 60_000
/** How far the signer's clock may be ahead of ours. Behind needs no allowance: it only shortens the life. */
const CLOCK_AHEAD_MAX: Millis = 5000
/** A wall clock before this has lost its time (a start in 1970, URS-51), whatever a time service says: 2025-01-01. */
const WALL_PLAUSIBLE_FROM: Millis = 1_735_689_600_000

/** Who somebody is, and the key that proves it. */
export interface Signer {
  readonly name: string
  readonly fullName: string
  readonly role: Role
  readonly disabled: boolean
  /** PEM (SPKI) of an Ed25519 public key. */
  readonly publicKey?: string | undefined
}

export interface CommandCheckOptions {
  /** Id of this gateway, which `aud` must name. */
  readonly gateway: string
  readonly person: (user: string) => Signer | undefined
  readonly clockTrust: () => ClockTrust
}

/** The check of one gateway. It never throws and changes nothing. */
export function createCommandCheck(options: CommandCheckOptions): CommandCheck {
  return (incoming, at) => judge(incoming, at, options)
}

function judge(
  { command: name, user, payload, fault }: IncomingCommand,
  at: Instant,
  options: CommandCheckOptions,
): CommandVerdict {
  const unread: Known = { id: null, about: { act: name } }
  if (fault !== undefined) return refuse(unread, 'invalid', `the payload is ${fault}`)
  const fields = fieldsOf(payload)
  if (fields === undefined) return refuse(unread, 'invalid', 'the payload is not a JSON object')
  const parsed = parseCommand(name, fields)
  if (!parsed.ok) return refuse({ ...unread, id: commandId(fields) }, 'invalid', parsed.detail)
  const { command } = parsed
  const known: Known = { id: command.id, about: aboutCommand(command) }

  const jws = parseDetachedJws(command.sig)
  const mismatch = identityFault(command.by, user, jws)
  if (mismatch !== undefined) return refuse(known, 'identity_mismatch', mismatch)
  const signer = options.person(user)
  const key = keyOf(signer)
  if (signer === undefined || key === undefined) {
    return refuse(known, 'not_authorised', NOT_KNOWN)
  }
  if (!jws.ok) return refuse(known, 'bad_signature', jws.fault)
  const text = canonicalTexts(fields)
  if (text === undefined) return refuse(known, 'invalid', 'a text holds a lone surrogate')
  if (!verifyDetachedJws(jws.jws, text.signed, key)) {
    return refuse(known, 'bad_signature', BAD_SIGNATURE)
  }

  const proven: Known = { ...known, actor: actorOf(signer) }
  if (command.aud !== options.gateway) {
    return refuse(proven, 'invalid', `"aud" must name this gateway, ${options.gateway}`)
  }
  const late = timeFault(command, at.wall, options.clockTrust())
  if (late !== undefined) return refuse(proven, late.code, late.detail)
  const { id, exp } = command
  const digest = sha256(`${name}\n${text.whole}`)
  const act = actFor(command, actorOf(signer))
  return { ok: true, command: { id, exp, digest, about: known.about, act } }
}

const NOT_KNOWN = 'there is no enabled person of this name with an Ed25519 key on this gateway'
const BAD_SIGNATURE =
  '"sig" is not the signature of this command by the key on file; see docs/signed-commands.md'

/** What is known of a command so far. */
type Known = Omit<CommandRefusal, 'code' | 'detail'>

const refuse = (known: Known, code: ActCode, detail: string): CommandVerdict => ({
  ok: false,
  refusal: { code, detail, ...known },
})

/** The payload's own members in an object without prototype; undefined when it is no object. */
function fieldsOf(payload: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return undefined
  return Object.assign(Object.create(null) as Record<string, unknown>, payload)
}

/** The broker vouches for the topic's user, the payload and the signature name one: all three are one person, or none. */
function identityFault(by: string, user: string, jws: ParsedJws): string | undefined {
  if (by !== user) return '"by" must be the user the topic ends with'
  if (jws.ok && jws.jws.kid !== by) return 'the header of "sig" must have "by" as its "kid"'
  return undefined
}

/** The key of somebody who may sign at all. Unknown, disabled and keyless people are not told apart. */
function keyOf(signer: Signer | undefined) {
  if (signer === undefined || signer.disabled || signer.publicKey === undefined) return undefined
  return ed25519PublicKey(signer.publicKey)
}

/** The canonical form of the command, without `sig` as it was signed and whole; undefined when it has none. */
function canonicalTexts(
  fields: Readonly<Record<string, unknown>>,
): { readonly signed: string; readonly whole: string } | undefined {
  const { sig: _, ...unsigned } = fields
  try {
    return { signed: canonicalJson(unsigned), whole: canonicalJson(fields) }
  } catch (fault) {
    if (fault instanceof NotCanonicalError) return undefined
    throw fault
  }
}

/** A clock that is wrong is said first: beside it, "expired" would mean nothing. */
function timeFault(
  { iat, exp }: { readonly iat: Millis; readonly exp: Millis },
  now: Millis,
  trust: ClockTrust,
): { readonly code: 'clock_unsynchronised' | 'expired'; readonly detail: string } | undefined {
  if (trust === 'unsynchronised' || now < WALL_PLAUSIBLE_FROM) {
    const detail = 'the clock of this gateway is not synchronised; acknowledge at the box'
    return { code: 'clock_unsynchronised', detail }
  }
  const expired = (detail: string) => ({ code: 'expired', detail }) as const
  if (exp <= iat || exp - iat > COMMAND_LIFE_MAX) {
    return expired(`"exp" must be after "iat", by at most ${COMMAND_LIFE_MAX} ms`)
  }
  if (iat - now > CLOCK_AHEAD_MAX) {
    return expired(`"iat" lies ${Math.round(iat - now)} ms ahead of this gateway's clock`)
  }
  if (now > exp) return expired(`"exp" passed ${Math.round(now - exp)} ms ago; sign a new command`)
  return undefined
}

const actorOf = ({ name, fullName, role }: Signer): Actor => ({
  user: name,
  name: fullName,
  role,
  via: 'mqtt',
})

function actFor(command: ShapedCommand, actor: Actor): Act {
  const { reason, comment } = command
  const base = { actor, cmd: command.id }
  const words = {
    ...(reason === undefined ? {} : { reason }),
    ...(comment === undefined ? {} : { comment }),
  }
  switch (command.name) {
    case 'ack': {
      const { alarm, occ, rev } = command
      return { kind: 'ack', ...base, alarm, occ, rev, ...words, reason: command.reason }
    }
    case 'reset': {
      const { alarm, occ, rev } = command
      return { kind: 'reset', ...base, alarm, occ, rev, ...words }
    }
    case 'occupancy':
      return { kind: 'occupancy', ...base, zone: command.zone, state: command.state, ...words }
    case 'shelve': {
      const { until } = command
      return {
        kind: 'shelve',
        ...base,
        ...heldOf(command),
        until,
        ...words,
        reason: command.reason,
      }
    }
    case 'unshelve':
      return { kind: 'unshelve', ...base, ...heldOf(command), ...words }
  }
}

const heldOf = ({
  alarm,
  occ,
}: Extract<ShapedCommand, { name: 'shelve' | 'unshelve' }>): { alarm: string; occ?: string } => ({
  alarm,
  ...(occ == null ? {} : { occ }),
})

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
