// The people of this box: who somebody is (login id and PIN), who may add and change whom, and the log of log-ins.
// Decides identity only; what a role is entitled to do with an alarm is the core's. Never keeps or logs a PIN,
// never tells an unknown user from a wrong PIN, neither in words nor in time.

import type { Instant } from '#core/time.ts'
import type {
  Adder,
  Addition,
  Authentication,
  AuthenticationContext,
  Credentials,
  NewPerson,
  PeoplePort,
  PersonChange,
  PersonView,
  RecordNote,
  UserRefusal,
} from '#ports/people.ts'
import { codeOf, FirstRunCode } from './first-run.ts'
import {
  afterFailure,
  type Lock,
  lockedForMs,
  lockWords,
  resumeLock,
  UNLOCKED,
} from './lock-out.ts'
import { LoginLog } from './login-log.ts'
import {
  actorOf,
  canonicalKey,
  isUserId,
  newPersonFault,
  type Person,
  readPeople,
  userRowKey,
  viewOf,
} from './person.ts'
import { adderFields, changeBody, changed, changeFault } from './person-change.ts'
import { PinHasher, PinHasherBusy, pinFault } from './pin.ts'
import { Turns } from './turns.ts'

/** People on one box, disabled ones included. */
const PEOPLE_MAX = 1000
/** Locks kept of names that do not exist, so that they behave as those that do; the oldest is forgotten. */
const UNKNOWN_LOCKS_MAX = 256
/** Name of the turn in which people are changed; no login name. */
const CHANGES = '(changes)'

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

const PIN_GIVEN =
  'an administrator gave you this PIN; set your own first, with: cleanroom-agent users pin'

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
  readonly #turns = new Turns(BUSY)
  readonly #adding = new Set<string>()
  readonly #record: RecordNote
  readonly #hasher: PinHasher
  readonly #log = new LoginLog()
  #firstRun: FirstRunCode | undefined

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
      return await this.#turns.run(user, async () => {
        const person = this.#people.get(user)
        const verdict = await this.#judge({ user, person, context }, pin)
        if (!verdict.ok || this.#people.get(user)?.pinGiven !== true) return verdict
        return { ok: false, code: 'pin_given', detail: PIN_GIVEN, recorded: true }
      })
    } catch (fault) {
      if (!(fault instanceof PinHasherBusy)) throw fault
      return { ok: false, code: 'busy', detail: BUSY, recorded: false }
    }
  }

  /** Changes a person, one change at a time. Rejects only when recording fails; nothing is then changed. */
  change(user: string, change: PersonChange, by: Adder): Promise<Addition> {
    return unlessBusy(() =>
      this.#turns.run(CHANGES, () =>
        this.#turns.run(user, async () => {
          const fault = changeFault(this.#people, user, change, by)
          const before = this.#people.get(user)
          if (fault !== undefined || before === undefined) return fault ?? NOBODY
          const hash = change.kind === 'reset_pin' ? await this.#hasher.hash(change.pin) : undefined
          const after = changed(before, change, hash)
          await this.#put(after, changeBody(before, after, change, by))
          if (after.failures === 0) this.#unlock(user)
          return { ok: true }
        }),
      ),
    )
  }

  /** A person sets another PIN; the old one is judged as at every log-in. */
  setPin(credentials: Credentials, pin: string, context: AuthenticationContext): Promise<Addition> {
    const { user } = credentials
    return unlessBusy(() =>
      this.#turns.run(user, async () => {
        const attempt = { user, person: this.#people.get(user), context }
        const verdict = await this.#judge(attempt, credentials.pin)
        if (!verdict.ok) return { ok: false, code: 'not_authorised', detail: verdict.detail }
        const same = pin === credentials.pin ? 'it is the old one; choose another PIN' : undefined
        const fault = same ?? pinFault(pin, user)
        const person = this.#people.get(user)
        if (fault !== undefined) return { ok: false, code: 'invalid', detail: fault }
        if (person === undefined) return NOBODY
        const { pinGiven: _, ...rest } = person
        const row = { ...rest, pinHash: await this.#hasher.hash(pin) }
        const { actor } = verdict
        await this.#put(row, { user, name: row.fullName, role: row.role, change: 'set_pin', actor })
        return { ok: true }
      }),
    )
  }

  /** The code that makes the first administrator, to be told once; undefined where somebody is known already. */
  offerFirstRun(bytes: Uint8Array, at: Instant): string | undefined {
    if (this.#people.size > 0) return undefined
    const code = codeOf(bytes)
    this.#firstRun = new FirstRunCode(code, at.mono)
    return code
  }

  /** Makes the first administrator for whoever knows the code; never a second one. */
  async addFirst(code: string, person: Omit<NewPerson, 'role'>, at: Instant): Promise<Addition> {
    if (this.#people.size + this.#adding.size > 0) {
      const detail = 'there are people already; ask an administrator'
      return { ok: false, code: 'not_authorised', detail }
    }
    const verdict = this.#firstRun?.judge(code, at.mono) ?? 'expired'
    if (verdict === 'right') {
      return this.add({ ...person, role: 'administrator' }, { kind: 'code' }, at)
    }
    const admitted = this.#log.admit(at.mono, 'usual')
    if (admitted !== undefined) {
      const body = { user: null, why: `${verdict}_code`, via: 'local', act: 'users.first' }
      await this.#record({ type: 'access.login_failed', body, urgent: true }, new Map())
    }
    const detail =
      verdict === 'wrong'
        ? 'that is not the code'
        : 'the code has run out; restart the agent, which then tells another one'
    return { ok: false, code: 'not_authorised', detail }
  }

  /** A changed row, on record and in memory. */
  async #put(row: Person, body: Readonly<Record<string, unknown>>): Promise<void> {
    const rows = new Map([[userRowKey(row.name), row]])
    await this.#record({ type: 'user.changed', body, urgent: true }, rows)
    this.#people.set(row.name, row)
  }

  #unlock(user: string): void {
    this.#setLock(user, UNLOCKED)
    this.#lockOnRecord.delete(user)
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
      this.#firstRun = undefined
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
    await this.#welcome(attempt, usable)
    return { ok: true, actor: actorOf(usable, context.via) }
  }

  async #refuseLocked(attempt: Attempt): Promise<Authentication> {
    const { user, context } = attempt
    const left = lockedForMs(this.#lockOf(user), context.at.mono)
    const onRecord = this.#lockOnRecord.has(user)
    if (this.#lockOnRecord.size < PEOPLE_MAX) this.#lockOnRecord.add(user)
    const kind = onRecord ? 'repeat' : 'usual'
    const recorded = await this.#logFailure(attempt, 'locked', kind, new Map())
    const detail = `locked after wrong PINs; try again in ${lockWords(left)}`
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
    const detail = left === 0 ? NOT_RIGHT : `${NOT_RIGHT}; locked for ${lockWords(left)}`
    return { ok: false, code: 'not_authorised', detail, recorded }
  }

  /** A good log-in starts the count anew, and is on record unless one of the same person just was. */
  async #welcome(attempt: Attempt, person: Person): Promise<void> {
    const { at, via, about } = attempt.context
    const { failures } = this.#lockOf(person.name)
    const actor = actorOf(person, via)
    const admitted = this.#log.admitSuccess(person.name, at.mono)
    if (failures === 0) {
      if (admitted === undefined) return
      const { sinceLast } = admitted
      const body = { actor, ...about, ...(sinceLast > 0 && { sinceLast }) }
      return this.#record({ type: 'access.login', body }, new Map())
    }
    this.#unlock(person.name)
    const row = this.#count(person, UNLOCKED, at)
    const body = { actor, ...about, failuresBefore: failures }
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
}

const NOBODY: UserRefusal = { ok: false, code: 'invalid', detail: 'there is no such person' }

/** An answer in words where too many wait. */
async function unlessBusy(work: () => Promise<Addition>): Promise<Addition> {
  try {
    return await work()
  } catch (fault) {
    if (!(fault instanceof PinHasherBusy)) throw fault
    return { ok: false, code: 'busy', detail: BUSY }
  }
}

function additionBody(row: Person, by: Adder): Readonly<Record<string, unknown>> {
  return {
    user: row.name,
    name: row.fullName,
    role: row.role,
    publicKey: row.publicKey !== undefined,
    ...adderFields(by),
  }
}

function whyNot(person: Person | undefined): 'unknown_user' | 'disabled' | 'wrong_pin' {
  if (person === undefined) return 'unknown_user'
  return person.disabled ? 'disabled' : 'wrong_pin'
}
