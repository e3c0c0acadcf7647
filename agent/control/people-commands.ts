// Commands about people: who asks is made sure of here, by PIN or by being the box's own administrator; what may be done is decided
// by agent/access. Never touches a socket, never repeats a PIN.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Adder, Addition, PersonChange, UserRefusal } from '#ports/people.ts'
import { type Answer, authenticate, type DispatchContext, idOrNull } from './context.ts'
import type { Command } from './protocol.ts'

type By = Extract<Command, { op: 'users.add' }>['by']

/** Adds a person. */
export async function addPerson(
  { person, by }: Extract<Command, { op: 'users.add' }>,
  context: DispatchContext,
): Promise<Answer> {
  const { publicKey, ...rest } = person
  const added = { ...rest, ...(publicKey === undefined ? {} : { publicKey }) }
  const about = { act: 'users.add', person: idOrNull(person.user) }
  return byAdder(by, about, context, (adder) => context.people.add(added, adder, context.now()))
}

/** Disables, enables, gives another role or another PIN. */
export function changePerson(
  { user, change, by }: Extract<Command, { op: 'users.change' }>,
  context: DispatchContext,
): Promise<Answer> {
  const about = { act: `users.${change.kind}`, person: idOrNull(user) }
  const wanted: PersonChange = change
  return byAdder(by, about, context, (adder) => context.people.change(user, wanted, adder))
}

/** Somebody's own PIN. */
export async function setPin(
  { user, pin, newPin }: Extract<Command, { op: 'users.pin' }>,
  context: DispatchContext,
): Promise<Answer> {
  const about = { at: context.now(), via: 'local' as const, about: { act: 'users.pin' } }
  return done(await context.people.setPin({ user, pin }, newPin, about))
}

/** The first administrator. */
export async function addFirst(
  { code, person }: Extract<Command, { op: 'users.first' }>,
  context: DispatchContext,
): Promise<Answer> {
  return done(await context.people.addFirst(code, person, context.now()))
}

async function byAdder(
  by: By,
  about: Readonly<Record<string, unknown>>,
  context: DispatchContext,
  work: (adder: Adder) => Promise<Addition>,
): Promise<Answer> {
  const adder = await adderOf(by, about, context)
  if ('ok' in adder) return done(adder)
  const result = await work(adder)
  if (!result.ok && result.code !== 'busy') {
    const { code, detail } = result
    const body = { ...about, code, detail, ...whoseAct(adder) }
    await context.handlers.record({ type: 'act.refused', body, urgent: true }, new Map())
  }
  return done(result)
}

/** Who asked, as records name them; whoever has the one-time code has no name yet. */
const whoseAct = (adder: Adder): Readonly<Record<string, unknown>> => {
  if (adder.kind === 'person') return { actor: adder.actor }
  return adder.kind === 'box' ? { box: { osUser: adder.osUser, via: 'local' } } : {}
}

async function adderOf(
  by: By,
  about: Readonly<Record<string, unknown>>,
  context: DispatchContext,
): Promise<Adder | UserRefusal> {
  if ('osUser' in by) {
    if (sameKey(by.key, context.key)) return { kind: 'box', osUser: by.osUser }
    context.log.warn('control_users_refused', about)
    const detail =
      "only the agent's own operating-system user (or root) does this without logging in; log in with --user ADMINISTRATOR"
    return { ok: false, code: 'not_authorised', detail }
  }
  const verdict = await authenticate(by, about, context)
  if (verdict.ok) return { kind: 'person', actor: verdict.actor }
  const code = verdict.code === 'busy' ? 'busy' : 'not_authorised'
  return { ok: false, code, detail: verdict.detail }
}

const done = (result: Addition): Answer => ({ ok: true, result })

function sameKey(given: string, key: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(key))
}
