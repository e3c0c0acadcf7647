// From a checked command to its result: who asks is made sure of here, before anything is done; what may be done is the core's.
// Every refusal of an act is recorded (URS-33). Never touches a socket.

import { createHash, timingSafeEqual } from 'node:crypto'
import { InvariantError } from '#core/assert.ts'
import type { Act, Actor, ActReply } from '#core/input.ts'
import type { Instant } from '#core/time.ts'
import type { Log } from '#ports/log.ts'
import type { Adder, Addition, Authentication, PeoplePort, RecordNote } from '#ports/people.ts'
import { noteForcedUse } from './commissioning.ts'
import type { ActCommand, Command, Refusal, Results } from './protocol.ts'
import type { AlarmsView, StatusView } from './view.ts'

/** What the runtime answers and does for the local socket. */
export interface ControlHandlers {
  status(): StatusView | Promise<StatusView>
  alarms(query: { readonly all: boolean }): AlarmsView | Promise<AlarmsView>
  /** Judges and carries out an act of an authenticated person; rejects when it cannot be stored. */
  act(act: Act): Promise<ActReply>
  /** Writes a refusal down; rejects when it cannot be stored. */
  record: RecordNote
}

export interface DispatchContext {
  readonly handlers: ControlHandlers
  readonly people: PeoplePort
  readonly log: Log
  now(): Instant
  /** Content of the key file beside the socket. */
  readonly key: string
}

export type Answer =
  | { readonly ok: true; readonly result: Results[Command['op']] }
  | { readonly ok: false; readonly refusal: Refusal }

/** Carries out one command. What fails is an answer in words; only a broken invariant rejects, and ends the process. */
export async function answer(command: Command, context: DispatchContext): Promise<Answer> {
  try {
    return await carryOut(command, context)
  } catch (fault) {
    if (fault instanceof InvariantError) throw fault
    const detail = fault instanceof Error ? fault.message : String(fault)
    context.log.error('control_failed', { op: command.op, detail })
    return { ok: false, refusal: { code: 'failed', detail: `the agent failed: ${detail}` } }
  }
}

async function carryOut(command: Command, context: DispatchContext): Promise<Answer> {
  switch (command.op) {
    case 'status':
      return { ok: true, result: await context.handlers.status() }
    case 'alarms':
      return { ok: true, result: await context.handlers.alarms({ all: command.all }) }
    case 'ack':
    case 'reset':
    case 'occupancy':
    case 'shelve':
    case 'unshelve':
    case 'out_of_service':
    case 'return_to_service':
      return carryOutAct(command, context)
    case 'users.add':
      return addPerson(command, context)
    case 'users.list':
      return { ok: true, result: { people: context.people.list(context.now()) } }
    case 'commissioning.note':
      return noteForcedUse(command, context)
  }
}

async function carryOutAct(command: ActCommand, context: DispatchContext): Promise<Answer> {
  const about = aboutOf(command)
  try {
    const verdict = await authenticate(command, about, context)
    if (!verdict.ok) {
      if (verdict.code === 'busy')
        return { ok: false, refusal: { code: 'busy', detail: verdict.detail } }
      if (verdict.recorded) await recordRefusal(command.user, about, verdict.code, context)
      return { ok: true, result: { ok: false, code: 'not_authorised', detail: verdict.detail } }
    }
    return {
      ok: true,
      result: await context.handlers.act(actOf(command, verdict.actor, context.now())),
    }
  } catch (fault) {
    if (fault instanceof InvariantError) throw fault
    const detail = fault instanceof Error ? fault.message : String(fault)
    context.log.error('control_act_failed', { op: command.op, detail })
    return { ok: true, result: { ok: false, code: 'store_failed', detail } }
  }
}

function authenticate(
  { user, pin }: { readonly user: string; readonly pin: string },
  about: Readonly<Record<string, unknown>>,
  context: DispatchContext,
): Promise<Authentication> {
  return context.people.authenticate({ user, pin }, { at: context.now(), via: 'local', about })
}

/** The refused act beside the failed log-in: whoever looks for refused acts finds all of them under one type. */
function recordRefusal(
  user: string,
  about: Readonly<Record<string, unknown>>,
  why: 'not_authorised' | 'locked',
  context: DispatchContext,
): Promise<void> {
  const body = { ...about, code: 'not_authorised', claimed: idOrNull(user), via: 'local', why }
  return context.handlers.record({ type: 'act.refused', body, urgent: true }, new Map())
}

/** What was attempted, in the words of the record: never the PIN, never free text of somebody unknown. */
function aboutOf(command: ActCommand): Readonly<Record<string, unknown>> {
  const { op } = command
  const id = (text: string | undefined): string | null =>
    text === undefined ? null : idOrNull(text)
  switch (op) {
    case 'occupancy':
      return { act: op, zone: id(command.zone), state: command.state }
    case 'shelve':
    case 'unshelve':
      return { act: op, alarm: id(command.alarm), occ: id(command.occ) }
    case 'out_of_service':
    case 'return_to_service':
      return { act: op, target: id(command.target) }
    default:
      return { act: op, occ: id(command.occ) }
  }
}

/** What looks like an id of anything, else null: what nobody vouches for is not written down as it came. */
const idOrNull = (text: string): string | null => (/^[\w.-]{1,64}$/.test(text) ? text : null)

function actOf(command: ActCommand, actor: Actor, now: Instant): Act {
  const { comment } = command
  const words = comment === undefined ? {} : { comment }
  switch (command.op) {
    case 'ack':
      return { kind: 'ack', actor, ...targetOf(command), reason: command.reason, ...words }
    case 'reset':
      return { kind: 'reset', actor, ...targetOf(command), ...reasonOf(command), ...words }
    case 'occupancy': {
      const { zone, state } = command
      return { kind: 'occupancy', actor, zone, state, ...reasonOf(command), ...words }
    }
    case 'shelve': {
      const until = Math.round(now.wall) + command.forMs
      return { kind: 'shelve', actor, ...heldOf(command), until, reason: command.reason, ...words }
    }
    case 'unshelve':
      return { kind: 'unshelve', actor, ...heldOf(command), ...reasonOf(command), ...words }
    case 'out_of_service': {
      const { target, workOrder } = command
      const why = { ...reasonOf(command), ...words }
      return { kind: 'out_of_service', actor, target, workOrder, ...why }
    }
    case 'return_to_service': {
      const { target } = command
      return { kind: 'return_to_service', actor, target, ...reasonOf(command), ...words }
    }
  }
}

const heldOf = ({
  occ,
  alarm,
}: Extract<ActCommand, { op: 'shelve' | 'unshelve' }>): { occ?: string; alarm?: string } => ({
  ...(occ === undefined ? {} : { occ }),
  ...(alarm === undefined ? {} : { alarm }),
})

function targetOf({ occ, rev, alarm }: Extract<ActCommand, { op: 'ack' | 'reset' }>): {
  occ: string
  rev?: number
  alarm?: string
} {
  return {
    occ,
    ...(rev === undefined ? {} : { rev }),
    ...(alarm === undefined ? {} : { alarm }),
  }
}

const reasonOf = ({ reason }: { readonly reason?: string | undefined }): { reason?: string } =>
  reason === undefined ? {} : { reason }

async function addPerson(
  { person, by }: Extract<Command, { op: 'users.add' }>,
  context: DispatchContext,
): Promise<Answer> {
  const { publicKey, ...rest } = person
  const added = { ...rest, ...(publicKey === undefined ? {} : { publicKey }) }
  let adder: Adder
  if ('osUser' in by) {
    if (!sameKey(by.key, context.key)) {
      context.log.warn('control_users_add_refused', { person: person.user })
      const detail =
        "only the agent's own operating-system user (or root) adds people without logging in; log in with --user ADMINISTRATOR"
      return done({ ok: false, code: 'not_authorised', detail })
    }
    adder = { kind: 'box', osUser: by.osUser }
  } else {
    const verdict = await authenticate(
      by,
      { act: 'users.add', person: idOrNull(person.user) },
      context,
    )
    if (!verdict.ok) {
      const code = verdict.code === 'busy' ? 'busy' : 'not_authorised'
      return done({ ok: false, code, detail: verdict.detail })
    }
    adder = { kind: 'person', actor: verdict.actor }
  }
  return done(await context.people.add(added, adder, context.now()))
}

const done = (result: Addition): Answer => ({ ok: true, result })

function sameKey(given: string, key: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(key))
}
