// The language of the local socket: one JSON object a line, a request with an id, a reply with the same id.
// Pure: judges bytes and shapes, never who asks. What is not understood is refused in words; nothing is guessed.

import { z } from 'zod'
import type { Act, ActReply } from '#core/input.ts'
import { ROLES } from '#core/input.ts'
import { OCCUPANCIES } from '#core/point.ts'
import type { Addition } from '#ports/people.ts'
import type { AlarmsView, AuditView, ConfigurationView, PeopleView, StatusView } from './view.ts'

/** Longest request line in bytes, without its end. */
export const REQUEST_BYTES_MAX = 65_536
/** Longest reply a client takes. */
export const REPLY_BYTES_MAX = 16_777_216

const PROTOCOL_VERSION = 1

const text = (max: number) => z.string().min(1).max(max)
/** Text that goes on record though nobody vouches for it: no control, bidirectional or invisible characters. */
const spoken = (max: number) =>
  z
    .string()
    .min(1, 'give words; it is empty')
    .max(max)
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 'give words on one line, without control characters')
const credentials = { user: text(64), pin: text(256) }
const words = { reason: text(64).optional(), comment: text(2000).optional() }
const occurrence = { occ: text(64), rev: z.int().min(0).optional(), alarm: text(128).optional() }

/** An alarm by its id or by its open occurrence. */
const held = { occ: text(64).optional(), alarm: text(128).optional() }

/** An administrator's credentials, or proof that the asker is the box's administrator (the key file beside the socket). */
const byWhom = z.union([
  z.strictObject(credentials),
  z.strictObject({ osUser: text(64), key: text(128) }),
])

/** Every command by its name. */
const command = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('status') }),
  z.strictObject({ op: z.literal('alarms'), all: z.boolean() }),
  z.strictObject({
    op: z.literal('ack'),
    ...credentials,
    ...occurrence,
    ...words,
    reason: text(64),
  }),
  z.strictObject({ op: z.literal('reset'), ...credentials, ...occurrence, ...words }),
  z.strictObject({
    op: z.literal('occupancy'),
    ...credentials,
    zone: text(64),
    state: z.enum(OCCUPANCIES),
    ...words,
  }),
  z.strictObject({
    op: z.literal('shelve'),
    ...credentials,
    ...held,
    /** How long from now, ms: the client's clock does not matter. */
    forMs: z.int().min(1),
    ...words,
    reason: text(64),
  }),
  z.strictObject({ op: z.literal('unshelve'), ...credentials, ...held, ...words }),
  z.strictObject({
    op: z.literal('out_of_service'),
    ...credentials,
    target: text(64),
    workOrder: text(64),
    ...words,
  }),
  z.strictObject({
    op: z.literal('return_to_service'),
    ...credentials,
    target: text(64),
    ...words,
  }),
  z.strictObject({
    op: z.literal('silence'),
    ...credentials,
    /** The site's longest where not given. */
    forMs: z.int().min(1).optional(),
    ...words,
  }),
  z.strictObject({ op: z.literal('annunciator_test'), ...credentials, ...words }),
  z.strictObject({
    op: z.literal('users.add'),
    person: z.strictObject({
      user: text(64),
      fullName: text(200),
      role: z.enum(ROLES),
      pin: text(256),
      publicKey: text(4000).optional(),
    }),
    by: byWhom,
  }),
  /** Somebody changes the account of another person. */
  z.strictObject({
    op: z.literal('users.change'),
    user: text(64),
    change: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('disable'), reason: spoken(500) }),
      z.strictObject({ kind: z.literal('enable'), reason: spoken(500) }),
      z.strictObject({ kind: z.literal('set_role'), role: z.enum(ROLES), reason: spoken(500) }),
      z.strictObject({ kind: z.literal('reset_pin'), pin: text(256), reason: spoken(500) }),
    ]),
    by: byWhom,
  }),
  /** A person sets another PIN. */
  z.strictObject({ op: z.literal('users.pin'), ...credentials, newPin: text(256) }),
  /** The first administrator, with the code that the start told. */
  z.strictObject({
    op: z.literal('users.first'),
    code: text(64),
    person: z.strictObject({ user: text(64), fullName: text(200), pin: text(256) }),
  }),
  z.strictObject({ op: z.literal('config.show') }),
  z.strictObject({ op: z.literal('config.approve'), ...credentials, hash: text(80), ...words }),
  z.strictObject({ op: z.literal('config.reject'), ...credentials, hash: text(80), ...words }),
  /** One page of the audit trail: records after `after`, looked for in at most so many events. */
  z.strictObject({
    op: z.literal('audit'),
    after: z.int().min(0),
    from: z.int().min(0).optional(),
    to: z.int().min(0).optional(),
    user: text(64).optional(),
    types: z.array(text(64)).max(32).optional(),
  }),
  z.strictObject({ op: z.literal('users.list') }),
  /** Somebody uses a bus of the agent by force; recorded, nothing else. */
  z.strictObject({
    op: z.literal('commissioning.note'),
    tool: z.enum(['probe', 'scan']),
    bus: text(64),
    reason: spoken(500),
    osUser: text(64),
  }),
])

export type Command = z.infer<typeof command>
/** What people do with horn and light; neither touches an alarm. */
export type HornCommand = Extract<Command, { readonly op: 'silence' | 'annunciator_test' }>
/** The acts among the commands. */
export type ActCommand = Extract<Command, { readonly op: Act['kind'] }> | HornCommand

/** What each command is answered with. */
export interface Results {
  readonly status: StatusView
  readonly alarms: AlarmsView
  readonly ack: ActReply
  readonly reset: ActReply
  readonly occupancy: ActReply
  readonly shelve: ActReply
  readonly unshelve: ActReply
  readonly out_of_service: ActReply
  readonly return_to_service: ActReply
  readonly silence: ActReply
  readonly annunciator_test: ActReply
  readonly 'users.add': Addition
  readonly 'users.list': PeopleView
  readonly 'users.change': Addition
  readonly 'users.pin': Addition
  readonly 'users.first': Addition
  readonly 'config.show': ConfigurationView
  readonly 'config.approve': ActReply
  readonly 'config.reject': ActReply
  readonly audit: AuditView
  readonly 'commissioning.note': { readonly recorded: true }
}

const requestId = z.int().min(0)
const request = z.strictObject({ v: z.literal(PROTOCOL_VERSION), id: requestId, command })

export interface Request {
  readonly id: number
  readonly command: Command
}

/** Why a request was not carried out. `invalid` the line, `busy` come back, `failed` the agent could not. */
export interface Refusal {
  readonly code: 'invalid' | 'busy' | 'failed'
  readonly detail: string
}

export type ParsedRequest =
  | { readonly ok: true; readonly request: Request }
  /** `id` is null where the line did not let it be read. */
  | { readonly ok: false; readonly id: number | null; readonly refusal: Refusal }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads one request line (bytes without the line's end). Never throws. */
export function parseRequest(line: Uint8Array): ParsedRequest {
  if (line.length > REQUEST_BYTES_MAX)
    return refused(null, `the request is longer than ${REQUEST_BYTES_MAX} bytes; shorten it`)
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(line))
  } catch {
    return refused(null, 'the line is not JSON in UTF-8; send one JSON object a line')
  }
  const parsed = request.safeParse(value)
  if (parsed.success)
    return { ok: true, request: { id: parsed.data.id, command: parsed.data.command } }
  return refused(idOf(value), `not understood: ${faultsOf(parsed.error)}`)
}

/** The line of a request, with its end. Throws when the command would be refused for its size. */
export function printRequest({ id, command }: Request): string {
  return `${JSON.stringify({ v: PROTOCOL_VERSION, id, command })}\n`
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number | null; readonly ok: false; readonly refusal: Refusal }

/** The line of a reply, with its end. `more: true` is kept free for commands that answer in several lines. */
export function printReply(reply: Reply): string {
  const { id } = reply
  const body = reply.ok ? { ok: true, result: reply.result } : { ok: false, error: reply.refusal }
  return `${JSON.stringify({ v: PROTOCOL_VERSION, id, ...body })}\n`
}

const reply = z.union([
  z.object({
    v: z.literal(PROTOCOL_VERSION),
    id: requestId,
    ok: z.literal(true),
    result: z.unknown(),
  }),
  z.object({
    v: z.literal(PROTOCOL_VERSION),
    id: requestId.nullable(),
    ok: z.literal(false),
    error: z.object({ code: z.enum(['invalid', 'busy', 'failed']), detail: z.string() }),
  }),
])

/** Reads one reply line; undefined when it is none of this protocol. */
export function parseReply(line: Uint8Array): Reply | undefined {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(line))
  } catch {
    return undefined
  }
  const parsed = reply.safeParse(value)
  if (!parsed.success) return undefined
  const { data } = parsed
  return data.ok
    ? { id: data.id, ok: true, result: data.result }
    : { id: data.id, ok: false, refusal: data.error }
}

function refused(id: number | null, detail: string): ParsedRequest {
  return { ok: false, id, refusal: { code: 'invalid', detail } }
}

function idOf(value: unknown): number | null {
  if (typeof value !== 'object' || value === null) return null
  const parsed = requestId.safeParse((value as Readonly<Record<string, unknown>>)['id'])
  return parsed.success ? parsed.data : null
}

const FAULTS_SHOWN_MAX = 3

/** Paths and reasons only: values are not repeated, a PIN could be among them. */
function faultsOf(error: z.ZodError): string {
  const shown = error.issues.slice(0, FAULTS_SHOWN_MAX).map((issue) => {
    const where = issue.path.map(String).join('.')
    return where === '' ? issue.message : `${where}: ${issue.message}`
  })
  const more = error.issues.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ').slice(0, 500)
}
