// From a checked command to its result: who asks is made sure of here, before anything is done; what may be done is the core's.
// Every refusal of an act is recorded (URS-33). Never touches a socket.

import { InvariantError } from '#core/assert.ts'
import type { Act, Actor, ActReply } from '#core/input.ts'
import type { Instant } from '#core/time.ts'
import { queryOf } from './audit-query.ts'
import { noteForcedUse } from './commissioning.ts'
import { type Answer, authenticate, type DispatchContext, idOrNull } from './context.ts'
import { addFirst, addPerson, changePerson, setPin } from './people-commands.ts'
import type { ActCommand, Command, HornCommand } from './protocol.ts'

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
    case 'silence':
    case 'annunciator_test':
      return carryOutAct(command, context)
    case 'config.approve':
    case 'config.reject':
      return carryOutSigned(command, context)
    case 'config.show':
      return { ok: true, result: context.handlers.configuration.view() }
    case 'audit':
      return { ok: true, result: await context.handlers.audit(queryOf(command)) }
    case 'users.add':
      return addPerson(command, context)
    case 'users.change':
      return changePerson(command, context)
    case 'users.pin':
      return setPin(command, context)
    case 'users.first':
      return addFirst(command, context)
    case 'users.list':
      return { ok: true, result: { people: context.people.list(context.now()) } }
    case 'commissioning.note':
      return noteForcedUse(command, context)
  }
}

const carryOutAct = (command: ActCommand, context: DispatchContext): Promise<Answer> =>
  asPerson(command, aboutOf(command), context, async (actor) =>
    isHorn(command)
      ? ((await context.handlers.horn?.(command, actor)) ?? NO_HORN)
      : context.handlers.act(actOf(command, actor, context.now())),
  )

/** A hash, whole or its beginning. */
const HASH = /^(sha256:)?[0-9a-f]{1,64}$/

type ConfigurationAct = Extract<Command, { op: 'config.approve' | 'config.reject' }>

/** A signature under a change of the configuration, or its refusal. */
function carryOutSigned(command: ConfigurationAct, context: DispatchContext): Promise<Answer> {
  const { op, hash, comment } = command
  const words = { ...reasonOf(command), ...(comment === undefined ? {} : { comment }) }
  const { configuration } = context.handlers
  return asPerson(command, { act: op, config: HASH.test(hash) ? hash : null }, context, (actor) => {
    const by = { actor, at: Math.round(context.now().wall), ...words }
    return op === 'config.approve' ? configuration.sign(hash, by) : configuration.decline(hash, by)
  })
}

/** Makes sure who it is, then does it; what cannot be stored has not happened. */
async function asPerson(
  credentials: { readonly user: string; readonly pin: string },
  about: Readonly<Record<string, unknown>>,
  context: DispatchContext,
  act: (actor: Actor) => Promise<ActReply>,
): Promise<Answer> {
  try {
    const verdict = await authenticate(credentials, about, context)
    if (!verdict.ok) {
      if (verdict.code === 'busy')
        return { ok: false, refusal: { code: 'busy', detail: verdict.detail } }
      if (verdict.recorded) await recordRefusal(credentials.user, about, verdict.code, context)
      return { ok: true, result: { ok: false, code: 'not_authorised', detail: verdict.detail } }
    }
    return { ok: true, result: await act(verdict.actor) }
  } catch (fault) {
    if (fault instanceof InvariantError) throw fault
    const detail = fault instanceof Error ? fault.message : String(fault)
    context.log.error('control_act_failed', { op: about['act'], detail })
    return { ok: true, result: { ok: false, code: 'store_failed', detail } }
  }
}

/** The refused act beside the failed log-in: whoever looks for refused acts finds all of them under one type. */
function recordRefusal(
  user: string,
  about: Readonly<Record<string, unknown>>,
  why: 'not_authorised' | 'locked' | 'pin_given',
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
    case 'silence':
    case 'annunciator_test':
      return { act: op }
    default:
      return { act: op, occ: id(command.occ) }
  }
}

const NO_HORN: ActReply = { ok: false, code: 'invalid', detail: 'this agent drives no horn' }

const isHorn = (command: ActCommand): command is HornCommand =>
  command.op === 'silence' || command.op === 'annunciator_test'

function actOf(command: Exclude<ActCommand, HornCommand>, actor: Actor, now: Instant): Act {
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
