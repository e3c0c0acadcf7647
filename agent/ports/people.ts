// The people seam: who may ask whom for an authenticated person, and how a note is written down with the state it leads to.
// Types only; agent/access implements it, the local socket (and later console and uplink) use it.

import type { Actor, Input, Role } from '#core/input.ts'
import type { Instant, Millis } from '#core/time.ts'

/** Something to be recorded that moves no alarm: the `note` input of the core without its moment. */
export type Note = Omit<Extract<Input, { kind: 'note' }>, 'kind' | 'at'>

/**
 * Writes a note and the state rows it leads to in one commit; resolves when it is durable, rejects when it is not.
 * Values are printed as JSON by whoever commits; `undefined` removes the row.
 */
export type RecordNote = (note: Note, changes: ReadonlyMap<string, unknown>) => Promise<void>

export interface Credentials {
  /** Login id as typed. */
  readonly user: string
  readonly pin: string
}

/** The verdict on somebody's credentials. `busy` judges nobody: too many log-ins were waiting. */
export type Authentication =
  | { readonly ok: true; readonly actor: Actor }
  | {
      readonly ok: false
      readonly code: 'not_authorised' | 'locked' | 'busy' | 'pin_given'
      /** In words for the person; never tells whether the user exists. */
      readonly detail: string
      /** True when this attempt was written down by itself; false when it was only counted (journal flooding). */
      readonly recorded: boolean
    }

export interface AuthenticationContext {
  readonly at: Instant
  readonly via: Actor['via']
  /** What was attempted, for the login log: `{ act: 'ack', occ: '…' }`. */
  readonly about?: Readonly<Record<string, unknown>>
}

/**
 * Who adds or changes a person: an authenticated administrator, the box's administrator known by the operating system only, or
 * whoever holds the one-time code of the first run.
 */
export type Adder =
  | { readonly kind: 'person'; readonly actor: Actor }
  | { readonly kind: 'box'; readonly osUser: string }
  | { readonly kind: 'code' }

/** What an administrator changes of somebody, with the reason. */
export type PersonChange = { readonly reason: string } & (
  | { readonly kind: 'disable' }
  | { readonly kind: 'enable' }
  | { readonly kind: 'set_role'; readonly role: Role }
  /** The person has to set one of their own before anything else. */
  | { readonly kind: 'reset_pin'; readonly pin: string }
)

export interface NewPerson {
  readonly user: string
  readonly fullName: string
  readonly role: Role
  readonly pin: string
  /** PEM (SPKI) of an Ed25519 public key, for commands over MQTT. */
  readonly publicKey?: string
}

/** Why somebody was not added or changed. */
export interface UserRefusal {
  readonly ok: false
  readonly code: 'exists' | 'invalid' | 'not_authorised' | 'busy'
  /** In words, with what to do. */
  readonly detail: string
}

export type Addition = { readonly ok: true } | UserRefusal

/** A person as shown to others: no hash, no counters. */
export interface PersonView {
  readonly user: string
  readonly name: string
  readonly role: Role
  readonly disabled: boolean
  /** Left of a lock-out in ms; absent when not locked. */
  readonly lockedForMs?: Millis
  /** The PIN was given by an administrator and serves only for setting another one; absent when it was not. */
  readonly pinGiven?: true
  readonly publicKey: boolean
  /** Wall ms. */
  readonly createdAt: Millis
}

/** What the ways in need of the people. */
export interface PeoplePort {
  authenticate(credentials: Credentials, context: AuthenticationContext): Promise<Authentication>
  add(person: NewPerson, by: Adder, at: Instant): Promise<Addition>
  /** Changes a person for an administrator. Rejects only when recording fails; nothing is then changed. */
  change(user: string, change: PersonChange, by: Adder): Promise<Addition>
  /** A person sets another PIN, knowing the old one. */
  setPin(credentials: Credentials, pin: string, context: AuthenticationContext): Promise<Addition>
  /** Makes the first administrator with the one-time code, while there is nobody. */
  addFirst(code: string, person: Omit<NewPerson, 'role'>, at: Instant): Promise<Addition>
  list(at: Instant): readonly PersonView[]
}
