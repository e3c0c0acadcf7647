// The people of this box: who somebody is (login id and PIN), who may add whom, and the log of failed log-ins.
// Decides identity only; what a role is entitled to do with an alarm is the core's. Never keeps or logs a PIN,
// never tells an unknown user from a wrong PIN, neither in words nor in time.

import type { Actor } from '#core/input.ts'
import type { Instant, Millis } from '#core/time.ts'
import type {
  Adder,
  Addition,
  Authentication,
  AuthenticationContext,
  Credentials,
  NewPerson,
  PeoplePort,
  PersonView,
  RecordNote,
} from '#ports/people.ts'
import { afterFailure, type Lock, lockedForMs, resumeLock, UNLOCKED } from './lock-out.ts'
import { LoginLog } from './login-log.ts'
import {
  canonicalKey,
  isUserId,
  newPersonFault,
  type Person,
  readPeople,
  userRowKey,
} from './person.ts'
import { PinHasher, PinHasherBusy } from './pin.ts'

/** People on one box, disabled ones included. */
const PEOPLE_MAX = 1000
/** Locks kept of names that do not exist, so that they behave as those that do; the oldest is forgotten. */
const UNKNOWN_LOCKS_MAX = 256
/** Log-ins of one name that may wait for the one before them. */
const TURNS_WAITING_MAX = 8

const NOT_RIGHT = 'user and PIN do not go together'
const BUSY = 'too many log-ins at once; try again in a few seconds'

export interface PeopleOptions {
  /** All state rows of the store; the `user/…` ones are read. */
  readonly rows: ReadonlyMap<string, string>
  readonly now: Instant
  readonly record: RecordNote
  /** Source of 16 salt bytes; the system's unless a test gives its own. */
  readonly salt?: () => Uint8Array
}

/** One log-in as it is judged. */
interface Attempt {
  readonly user: string
  readonly person: Person | undefined
  readonly context: AuthenticationContext
}

/** Accounts, PINs and lock-out. One instance owns the people of a store. */
export class People implements PeoplePort {
  readonly #people: Map<string, Person>
  readonly #locks = new Map<string, Lock>()
  readonly #unknownLocks = new Map<string, Lock>()
  /** Ids whose present lock is on record already. */
  readonly #lockOnRecord = new Set<string>()
  /** The last turn of each name, and how many wait: guesses in parallel must not outrun the count. */
  readonly #turns = new Map<string, { last: Promise<unknown>; waiting: number }>()
  readonly #adding = new Set<string>()
  readonly #record: RecordNote
  readonly #hasher: PinHasher
  readonly #log = new LoginLog()

  /** Throws in words when a row cannot be read. */
  constructor(options: PeopleOptions) {
    this.#record = options.record
    this.#hasher = new PinHasher(options.salt)
    this.#people = readPeople(options.rows)
    for (const { name, failures, lockedUntil } of this.#people.values()) {
      if (failures > 0)
        this.#locks.set(name, resumeLock({ failures, untilWall: lockedUntil }, options.now))
    }
  }

  /** The person of this id, disabled ones included. */
  find(user: string): Person | undefined {
    return this.#people.get(user)
  }

  /** Everybody, by login id. */
  list(at: Instant): readonly PersonView[] {
    return [...this.#people.values()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((person) => viewOf(person, lockedForMs(this.#lockOf(person.name), at.mono)))
  }

  /**
   * Judges credentials; a failure is counted at once and recorded durably before it is answered. Rejects only when
   * recording fails.
   */
  async authenticate(
    credentials: Credentials,
    context: AuthenticationContext,
  ): Promise<Authentication> {
    const { user, pin } = credentials
    try {
      return await this.#inTurn(user, () => {
        const person = this.#people.get(user)
        return this.#judge({ user, person, context }, pin)
      })
    } catch (fault) {
      if (!(fault instanceof PinHasherBusy)) throw fault
      return { ok: false, code: 'busy', detail: BUSY, recorded: false }
    }
  }

  /** Adds a person for good (ids are never used again). Rejects only when recording fails; nothing is then added. */
  async add(person: NewPerson, by: Adder, at: Instant): Promise<Addition> {
    const refusal = this.#additionRefused(person, by)
    if (refusal !== undefined) return refusal
    this.#adding.add(person.user)
    try {
      const row: Person = {
        name: person.user,
        fullName: person.fullName.trim(),
        role: person.role,
        pinHash: await this.#hasher.hash(person.pin),
        ...(person.publicKey === undefined ? {} : { publicKey: canonicalKey(person.publicKey) }),
        createdAt: at.wall,
        disabled: false,
        failures: 0,
      }
      await this.#record(
        { type: 'user.added', body: additionBody(row, by), urgent: true },
        new Map([[userRowKey(row.name), row]]),
      )
      this.#people.set(row.name, row)
      // Whatever was guessed at this name before it existed is not this person's.
      this.#unknownLocks.delete(row.name)
      return { ok: true }
    } catch (fault) {
      if (!(fault instanceof PinHasherBusy)) throw fault
      return { ok: false, code: 'busy', detail: BUSY }
    } finally {
      this.#adding.delete(person.user)
    }
  }

  #additionRefused(person: NewPerson, by: Adder): Exclude<Addition, { ok: true }> | undefined {
    if (by.kind === 'person' && by.actor.role !== 'administrator') {
      const detail = `${by.actor.user} is ${by.actor.role}; people are added by an administrator`
      return { ok: false, code: 'not_authorised', detail }
    }
    const fault = newPersonFault(person)
    if (fault !== undefined) return { ok: false, code: 'invalid', detail: fault }
    if (this.#people.has(person.user) || this.#adding.has(person.user)) {
      const detail = `${person.user} exists already, and login names are never used again; choose another one`
      return { ok: false, code: 'exists', detail }
    }
    if (this.#people.size + this.#adding.size >= PEOPLE_MAX)
      return { ok: false, code: 'invalid', detail: `there are ${PEOPLE_MAX} people already` }
    return undefined
  }

  async #judge(attempt: Attempt, pin: string): Promise<Authentication> {
    const { user, person, context } = attempt
    const { at } = context
    if (lockedForMs(this.#lockOf(user), at.mono) > 0) return this.#refuseLocked(attempt)
    const usable = person !== undefined && !person.disabled ? person : undefined
    const right = await this.#hasher.matches(pin, usable?.pinHash)
    if (!right || usable === undefined) return this.#refuseWrong(attempt)
    await this.#forgive(attempt, usable)
    return { ok: true, actor: actorOf(usable, context.via) }
  }

  async #refuseLocked(attempt: Attempt): Promise<Authentication> {
    const { user, context } = attempt
    const left = lockedForMs(this.#lockOf(user), context.at.mono)
    const onRecord = this.#lockOnRecord.has(user)
    if (this.#lockOnRecord.size < PEOPLE_MAX) this.#lockOnRecord.add(user)
    const kind = onRecord ? 'repeat' : 'usual'
    const recorded = await this.#logFailure(attempt, 'locked', kind, new Map())
    const detail = `locked after wrong PINs; try again in ${inWords(left)}`
    return { ok: false, code: 'locked', detail, recorded }
  }

  async #refuseWrong(attempt: Attempt): Promise<Authentication> {
    const { user, person, context } = attempt
    const lock = afterFailure(this.#lockOf(user), context.at.mono)
    this.#setLock(user, lock)
    this.#lockOnRecord.delete(user)
    const changes = new Map<string, unknown>()
    if (person !== undefined) changes.set(userRowKey(user), this.#count(person, lock, context.at))
    const kind = person === undefined ? 'usual' : 'always'
    const recorded = await this.#logFailure(attempt, 'wrong', kind, changes)
    const left = lockedForMs(lock, context.at.mono)
    const detail = left === 0 ? NOT_RIGHT : `${NOT_RIGHT}; locked for ${inWords(left)}`
    return { ok: false, code: 'not_authorised', detail, recorded }
  }

  /** A good log-in after failures starts the count anew, on record. */
  async #forgive(attempt: Attempt, person: Person): Promise<void> {
    const { failures } = this.#lockOf(person.name)
    if (failures === 0) return
    this.#setLock(person.name, UNLOCKED)
    this.#lockOnRecord.delete(person.name)
    const row = this.#count(person, UNLOCKED, attempt.context.at)
    const body = { actor: actorOf(person, attempt.context.via), failuresBefore: failures }
    await this.#record({ type: 'access.login', body }, new Map([[userRowKey(person.name), row]]))
  }

  /** Writes a failure down unless too many are; resolves to whether it was. */
  async #logFailure(
    attempt: Attempt,
    why: 'wrong' | 'locked',
    kind: 'always' | 'usual' | 'repeat',
    changes: ReadonlyMap<string, unknown>,
  ): Promise<boolean> {
    const { user, person, context } = attempt
    const admitted = this.#log.admit(context.at.mono, kind)
    if (admitted === undefined) return false
    const body = {
      // A name that cannot exist is not written into the journal as it came.
      user: isUserId(user) ? user : null,
      why: why === 'locked' ? 'locked' : whyNot(person),
      via: context.via,
      failures: this.#lockOf(user).failures,
      ...context.about,
      ...(admitted.unrecorded > 0 ? { unrecorded: admitted.unrecorded } : {}),
    }
    await this.#record({ type: 'access.login_failed', body, urgent: true }, changes)
    return true
  }

  /** The person's row with this lock, in memory and as returned. */
  #count(person: Person, lock: Lock, at: Instant): Person {
    const { lockedUntil: _, ...rest } = person
    const left = lockedForMs(lock, at.mono)
    const row: Person = {
      ...rest,
      failures: lock.failures,
      ...(left > 0 ? { lockedUntil: Math.round(at.wall + left) } : {}),
    }
    this.#people.set(row.name, row)
    return row
  }

  #lockOf(user: string): Lock {
    return this.#locks.get(user) ?? this.#unknownLocks.get(user) ?? UNLOCKED
  }

  #setLock(user: string, lock: Lock): void {
    if (this.#people.has(user)) {
      this.#locks.set(user, lock)
      return
    }
    this.#unknownLocks.delete(user)
    this.#unknownLocks.set(user, lock)
    const oldest = this.#unknownLocks.keys().next().value
    if (this.#unknownLocks.size > UNKNOWN_LOCKS_MAX && oldest !== undefined) {
      this.#unknownLocks.delete(oldest)
      this.#lockOnRecord.delete(oldest)
    }
  }

  /** Runs one log-in of a name after the ones before it. Rejects with PinHasherBusy when too many wait. */
  async #inTurn<T>(user: string, judge: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(user) ?? { last: Promise.resolve(), waiting: 0 }
    if (turn.waiting >= TURNS_WAITING_MAX) throw new PinHasherBusy(BUSY)
    turn.waiting++
    this.#turns.set(user, turn)
    const mine = turn.last.then(judge, judge)
    turn.last = mine
    try {
      return await mine
    } finally {
      turn.waiting--
      if (turn.waiting === 0) this.#turns.delete(user)
    }
  }
}

const actorOf = (person: Person, via: Actor['via']): Actor => ({
  user: person.name,
  name: person.fullName,
  role: person.role,
  via,
})

function viewOf(person: Person, lockedMs: Millis): PersonView {
  return {
    user: person.name,
    name: person.fullName,
    role: person.role,
    disabled: person.disabled,
    ...(lockedMs > 0 ? { lockedForMs: Math.ceil(lockedMs) } : {}),
    publicKey: person.publicKey !== undefined,
    createdAt: person.createdAt,
  }
}

function additionBody(row: Person, by: Adder): Readonly<Record<string, unknown>> {
  return {
    user: row.name,
    name: row.fullName,
    role: row.role,
    publicKey: row.publicKey !== undefined,
    ...(by.kind === 'person' ? { actor: by.actor } : { box: { osUser: by.osUser, via: 'local' } }),
  }
}

function whyNot(person: Person | undefined): 'unknown_user' | 'disabled' | 'wrong_pin' {
  if (person === undefined) return 'unknown_user'
  return person.disabled ? 'disabled' : 'wrong_pin'
}

/** `40 s`, `3 min`: rounded up, so that trying again then works. */
function inWords(ms: Millis): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds <= 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}
