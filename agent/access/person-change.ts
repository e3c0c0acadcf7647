// What may be changed of a person, by whom, and what the record of it says: disabled and enabled again, never deleted; another role;
// another PIN. Pure: rows and requests in, the next row or a refusal out. Hashes no PIN and stores nothing.

import { ROLES } from '#core/input.ts'
import type { Adder, PersonChange, UserRefusal } from '#ports/people.ts'
import type { Person } from './person.ts'
import { pinFault } from './pin.ts'

/** Longest reason on record. */
const REASON_LENGTH_MAX = 500

/** Why this change is not made, in words with what to do; undefined when nothing speaks against it. */
export function changeFault(
  people: ReadonlyMap<string, Person>,
  user: string,
  change: PersonChange,
  by: Adder,
): UserRefusal | undefined {
  if (by.kind === 'person' && by.actor.role !== 'administrator') {
    const detail = `${by.actor.user} is ${by.actor.role}; people are changed by an administrator`
    return { ok: false, code: 'not_authorised', detail }
  }
  const person = people.get(user)
  if (person === undefined) return invalid(`there is no ${user}; see: cleanroom-agent users list`)
  if (by.kind === 'person' && by.actor.user === user)
    return invalid(
      change.kind === 'reset_pin'
        ? 'your own PIN is changed with: cleanroom-agent users pin'
        : 'nobody changes their own account; ask another administrator',
    )
  if (change.reason.trim() === '') return invalid('say why, with --reason')
  if (change.reason.length > REASON_LENGTH_MAX)
    return invalid(`the reason is longer than ${REASON_LENGTH_MAX} characters; shorten it`)
  return fitFault(people, person, change)
}

function fitFault(
  people: ReadonlyMap<string, Person>,
  person: Person,
  change: PersonChange,
): UserRefusal | undefined {
  const { name, role, disabled } = person
  switch (change.kind) {
    case 'disable':
      if (disabled) return invalid(`${name} is disabled already`)
      return isLastAdministrator(people, person)
        ? invalid(`${name} is the last administrator; add or enable another one first`)
        : undefined
    case 'enable':
      return disabled ? undefined : invalid(`${name} is not disabled`)
    case 'set_role':
      if (!(ROLES as readonly string[]).includes(change.role))
        return invalid(`"${change.role}" is no role; use one of ${ROLES.join(', ')}`)
      if (change.role === role) return invalid(`${name} has the role ${role} already`)
      return isLastAdministrator(people, person)
        ? invalid(`${name} is the last administrator; add or enable another one first`)
        : undefined
    case 'reset_pin': {
      const fault = pinFault(change.pin, name)
      return fault === undefined ? undefined : invalid(fault)
    }
  }
}

/** The row after the change; a new PIN comes as its hash. */
export function changed(person: Person, change: PersonChange, pinHash: string | undefined): Person {
  switch (change.kind) {
    case 'disable':
      return { ...person, disabled: true }
    case 'enable':
      return { ...unlocked(person), disabled: false }
    case 'set_role':
      return { ...person, role: change.role }
    case 'reset_pin':
      return { ...unlocked(person), pinHash: pinHash ?? person.pinHash, pinGiven: true }
  }
}

/** What the record of a change says: who, what, old and new, why; never a PIN. */
export function changeBody(
  before: Person,
  after: Person,
  change: PersonChange,
  by: Adder,
): Readonly<Record<string, unknown>> {
  const values = {
    disable: { from: 'active', to: 'disabled' },
    enable: { from: 'disabled', to: 'active' },
    set_role: { from: before.role, to: after.role },
    reset_pin: {},
  }
  return {
    user: before.name,
    name: before.fullName,
    role: after.role,
    change: change.kind,
    ...values[change.kind],
    reason: change.reason,
    ...adderFields(by),
  }
}

/** Who did it, as every record about a person names them. */
export function adderFields(by: Adder): Readonly<Record<string, unknown>> {
  switch (by.kind) {
    case 'person':
      return { actor: by.actor }
    case 'box':
      return { box: { osUser: by.osUser, via: 'local' } }
    case 'code':
      return { box: { code: 'first run', via: 'local' } }
  }
}

function unlocked({ lockedUntil: _, ...rest }: Person): Person {
  return { ...rest, failures: 0 }
}

const isLastAdministrator = (people: ReadonlyMap<string, Person>, person: Person): boolean =>
  person.role === 'administrator' &&
  !person.disabled &&
  ![...people.values()].some(
    ({ name, role, disabled }) => name !== person.name && role === 'administrator' && !disabled,
  )

const invalid = (detail: string): UserRefusal => ({ ok: false, code: 'invalid', detail })
