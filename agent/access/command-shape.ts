// The exact shape of each command (contract §3): every member known, of its type and of bounded length.
// Decides nothing about who sent it or whether it is true; what is not described here is refused in words.

import { z } from 'zod'
import { OCCUPANCIES } from '#core/point.ts'
import type { CommandAbout } from '#ports/commands.ts'

/** Ids, references and codes: visible characters only, since they end in records, rows and logs. */
const REFERENCE = /^[^\s\p{C}]+$/u
/** Free text: line ends and tabs are fine, other control characters and those that turn the writing direction are not. */
const FREE_TEXT =
  /^(?:[\n\t]|[^\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069])+$/u

const COMMAND_ID_LENGTH_MAX = 64
const COMMENT_LENGTH_MAX = 2000

const reference = (max: number) =>
  z.string().min(1).max(max).regex(REFERENCE, 'must hold visible characters only')
const wall = z.int().min(0)

const envelope = {
  v: z.literal(1),
  id: reference(COMMAND_ID_LENGTH_MAX),
  aud: reference(64),
  by: reference(64),
  iat: wall,
  exp: wall,
  /** Judged where signatures are. */
  sig: z.unknown().optional(),
}
const comment = z
  .string()
  .min(1)
  .max(COMMENT_LENGTH_MAX)
  .regex(FREE_TEXT, 'must not hold invisible control characters')
  .optional()
const reason = reference(64)
/** The act once more, inside what is signed: ack and reset are otherwise told apart by the topic alone. */
const act = <N extends string>(name: N) => ({
  act: z.literal(name, `must be ${name}, as the topic says`).optional(),
})
const occurrence = { alarm: reference(128), occ: reference(64), rev: z.int().min(0) }

/** What is shelved is an alarm; where an occurrence is named beside it, it has to be the open one. */
const shelved = {
  alarm: reference(128),
  occ: reference(64).nullable().optional(),
  rev: z.int().min(0).optional(),
}

const shapes = {
  ack: z.strictObject({ ...envelope, ...act('ack'), ...occurrence, reason, comment }),
  reset: z.strictObject({
    ...envelope,
    ...act('reset'),
    ...occurrence,
    reason: reason.optional(),
    comment,
  }),
  occupancy: z.strictObject({
    ...envelope,
    ...act('occupancy'),
    zone: reference(64),
    state: z.enum(OCCUPANCIES),
    reason: reason.optional(),
    comment,
  }),
  shelve: z.strictObject({
    ...envelope,
    ...act('shelve'),
    ...shelved,
    /** Expiry of the shelf, wall ms. */
    until: wall,
    reason,
    comment,
  }),
  unshelve: z.strictObject({
    ...envelope,
    ...act('unshelve'),
    ...shelved,
    reason: reason.optional(),
    comment,
  }),
}

type Shapes = typeof shapes
type Name = keyof Shapes

/** A command of the right shape; nothing in it is proven. */
export type ShapedCommand = { [K in Name]: { readonly name: K } & z.infer<Shapes[K]> }[Name]

export type ParsedCommand =
  | { readonly ok: true; readonly command: ShapedCommand }
  | { readonly ok: false; readonly id: string | null; readonly detail: string }

/** Commands of the contract that this version does not carry out. */
const NOT_YET: readonly string[] = ['session']

/** Reads the payload of `cmd/{name}/…`, given as an object without prototype. Never throws. */
export function parseCommand(
  name: string,
  fields: Readonly<Record<string, unknown>>,
): ParsedCommand {
  const id = commandId(fields)
  if (NOT_YET.includes(name))
    return { ok: false, id, detail: `${name}: not supported by this version` }
  switch (name) {
    case 'ack':
      return shaped(shapes.ack.safeParse(fields), id, (data) => ({ name, ...data }))
    case 'reset':
      return shaped(shapes.reset.safeParse(fields), id, (data) => ({ name, ...data }))
    case 'occupancy':
      return shaped(shapes.occupancy.safeParse(fields), id, (data) => ({ name, ...data }))
    case 'shelve':
      return shaped(shapes.shelve.safeParse(fields), id, (data) => ({ name, ...data }))
    case 'unshelve':
      return shaped(shapes.unshelve.safeParse(fields), id, (data) => ({ name, ...data }))
    default: {
      const detail =
        'there is no such command; send ack, reset, shelve, unshelve, occupancy or replay'
      return { ok: false, id, detail }
    }
  }
}

/** What a command asks for, as records name it. */
export function aboutCommand(command: ShapedCommand): CommandAbout {
  const { name } = command
  if (name === 'occupancy') return { act: name, zone: command.zone, state: command.state }
  const { alarm, occ } = command
  return { act: name, alarm, ...(occ == null ? {} : { occ }) }
}

/** The id of a payload where it is one; null where it cannot be answered by. */
export function commandId(fields: Readonly<Record<string, unknown>>): string | null {
  const { id } = fields
  return envelope.id.safeParse(id).success ? (id as string) : null
}

function shaped<T>(
  parsed: z.ZodSafeParseResult<T>,
  id: string | null,
  name: (data: T) => ShapedCommand,
): ParsedCommand {
  if (parsed.success) return { ok: true, command: name(parsed.data) }
  return { ok: false, id, detail: faultsOf(parsed.error) }
}

const FAULTS_SHOWN_MAX = 3
const DETAIL_LENGTH_MAX = 300

/** Names of members and what they must be; values, and names nobody here has given, are not repeated. */
function faultsOf(error: z.ZodError): string {
  const shown = error.issues.slice(0, FAULTS_SHOWN_MAX).map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return `${issue.keys.length} member(s) that this command does not have`
    }
    return `"${issue.path.map(String).join('.')}": ${issue.message}`
  })
  const more = error.issues.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])]
    .join('; ')
    .slice(0, DETAIL_LENGTH_MAX)
}
