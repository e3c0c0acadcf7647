// The seam of commands that come in over the network: who checks them (agent/access) and who carries them out (agent/runtime).
// Types only. A verdict says whether a command is genuine and timely; single use and entitlement are judged behind it.

import type { Act, ActCode, Actor } from '#core/input.ts'
import type { Instant, Millis } from '#core/time.ts'
import type { IncomingCommand } from './uplink.ts'

/** What a command asks for, in the words of the record; only of a payload whose shape was right. */
export type CommandAbout = Readonly<Record<string, string>>

/** A command that its person signed for this gateway, within its time. */
export interface GenuineCommand {
  readonly id: string
  /** Wall ms after which it no longer counts. */
  readonly exp: Millis
  /** Identity of the whole command, name and signature included: two with the same digest are the same command. */
  readonly digest: string
  readonly about: CommandAbout
  readonly act: Act
}

/** Why a command is not to be carried out. */
export interface CommandRefusal {
  readonly code: ActCode
  /** In words, what is wrong; never repeats free text of somebody unknown. */
  readonly detail: string
  /** The command's id where it could be read. */
  readonly id: string | null
  readonly about: CommandAbout
  /** The person, where the signature proved who it is; else the user is only claimed. */
  readonly actor?: Actor
}

export type CommandVerdict =
  | { readonly ok: true; readonly command: GenuineCommand }
  | { readonly ok: false; readonly refusal: CommandRefusal }

/** Judges one command at one moment. Never throws, changes nothing. */
export type CommandCheck = (command: IncomingCommand, at: Instant) => CommandVerdict

/** Whether the wall clock can be believed; `unknown` where no time service says anything. */
export type ClockTrust = 'synchronised' | 'unsynchronised' | 'unknown'
