// What a command of the local socket is carried out with: the handlers of the runtime, the people, and who somebody proves to be.
// Shapes and the one way to authenticate; carries out no command itself.

import type { Act, Actor, ActReply } from '#core/input.ts'
import type { Instant } from '#core/time.ts'
import type { Log } from '#ports/log.ts'
import type { Authentication, PeoplePort, RecordNote } from '#ports/people.ts'
import type { AuditQuery } from './audit-query.ts'
import type { Command, HornCommand, Refusal, Results } from './protocol.ts'
import type { AlarmsView, AuditView, ConfigurationView, StatusView } from './view.ts'

/** What the runtime answers and does for the local socket. */
export interface ControlHandlers {
  status(): StatusView | Promise<StatusView>
  alarms(query: { readonly all: boolean }): AlarmsView | Promise<AlarmsView>
  /** Judges and carries out an act of an authenticated person; rejects when it cannot be stored. */
  act(act: Act): Promise<ActReply>
  /** Silences or tries the horn on behalf of an authenticated person; absent where nothing can be driven. */
  horn?(command: HornCommand, actor: Actor): Promise<ActReply>
  /** One page of the audit trail. */
  audit(query: AuditQuery): Promise<AuditView>
  readonly configuration: ConfigurationHandlers
  /** Writes a refusal down; rejects when it cannot be stored. */
  record: RecordNote
}

/** A person's name under a change of the configuration. */
export interface SignedBy {
  readonly actor: Actor
  /** Wall ms. */
  readonly at: number
  readonly reason?: string
  readonly comment?: string
}

/** The configuration in force and the one that waits. */
export interface ConfigurationHandlers {
  view(): ConfigurationView
  sign(hash: string, by: SignedBy): Promise<ActReply>
  decline(hash: string, by: SignedBy): Promise<ActReply>
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

/** Whether the credentials are those of a person, for what they are about to do. */
export function authenticate(
  { user, pin }: { readonly user: string; readonly pin: string },
  about: Readonly<Record<string, unknown>>,
  context: DispatchContext,
): Promise<Authentication> {
  return context.people.authenticate({ user, pin }, { at: context.now(), via: 'local', about })
}

/** What looks like an id of anything, else null: what nobody vouches for is not written down as it came. */
export const idOrNull = (text: string): string | null => (/^[\w.-]{1,64}$/.test(text) ? text : null)
