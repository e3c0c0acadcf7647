// What is changed of people after they were added: by an administrator, by the box itself, or by themselves. Needs a running agent.
// Decides nothing about who may; PINs come from files or the terminal and are never printed.

import type { Addition, PersonChange } from '#ports/people.ts'
import type { Io } from './act.ts'
import { ask, type ClientOptions, findTarget } from './client-options.ts'
import { EXIT } from './exit-code.ts'
import { printable, printJson } from './output.ts'
import { readPin } from './secret.ts'
import { byOf, confirmTyped, EXIT_OF_ADDITION, readLogin } from './users.ts'

export interface ChangeOptions extends ClientOptions {
  readonly reason: string
  /** The administrator who does it; absent = the box's administrator. */
  readonly user?: string
  readonly pinFile?: string
  readonly newPinFile?: string
}

export interface PinOptions extends ClientOptions {
  readonly pinFile?: string
  readonly newPinFile?: string
}

export interface FirstOptions extends ClientOptions {
  /** Full name. */
  readonly name: string
  readonly codeFile?: string
  readonly pinFile?: string
}

type Change = Unreasoned<PersonChange>
type Unreasoned<T> = T extends { readonly kind: string } ? Omit<T, 'reason'> : never

const DONE_WORDS: Readonly<Record<PersonChange['kind'], string>> = {
  disable: 'is disabled; the name is kept and never used again',
  enable: 'may act again',
  set_role: 'has another role',
  reset_pin: 'has to set a PIN now, with: cleanroom-agent users pin',
}

/** Changes one person; the exit code. */
export async function changeUser(
  user: string,
  change: Change,
  options: ChangeOptions,
  io: Io,
): Promise<number> {
  const target = findTarget(options)
  const by = byOf(target, await readLogin(options, io))
  const whole = { ...change, reason: options.reason } as PersonChange
  const result = await ask<'users.change'>(target, { op: 'users.change', user, change: whole, by })
  return tell(result, `${user} ${DONE_WORDS[change.kind]}`, options, io)
}

/** Gives a person a PIN that serves only for setting one; the exit code. */
export async function resetPin(user: string, options: ChangeOptions, io: Io): Promise<number> {
  const pin = await newPin(`PIN to give ${user}`, options.newPinFile, io)
  return changeUser(user, { kind: 'reset_pin', pin }, options, io)
}

/** Sets one's own PIN; the exit code. */
export async function setOwnPin(user: string, options: PinOptions, io: Io): Promise<number> {
  const { keyboard, output } = io
  const source = { file: options.pinFile, option: '--pin-file', prompt: `present PIN of ${user}` }
  const pin = await readPin(source, keyboard, output)
  const next = await newPin(`new PIN of ${user}`, options.newPinFile, io)
  const command = { op: 'users.pin' as const, user, pin, newPin: next }
  const result = await ask<'users.pin'>(findTarget(options), command)
  return tell(result, `the PIN of ${user} is set`, options, io)
}

/** Becomes the first administrator; the exit code. */
export async function addFirst(user: string, options: FirstOptions, io: Io): Promise<number> {
  const { keyboard, output } = io
  const source = { file: options.codeFile, option: '--code-file', prompt: 'code of the first run' }
  const code = await readPin(source, keyboard, output)
  const asked = { file: options.pinFile, option: '--pin-file', prompt: `PIN for ${user}` }
  const pin = await readPin(asked, keyboard, output)
  if (options.pinFile === undefined) await confirmTyped(pin, keyboard)
  const person = { user, fullName: options.name, pin }
  const command = { op: 'users.first' as const, code: code.trim(), person }
  const result = await ask<'users.first'>(findTarget(options), command)
  return tell(result, `added ${user} (${options.name}), administrator`, options, io)
}

async function newPin(prompt: string, file: string | undefined, io: Io): Promise<string> {
  const { keyboard, output } = io
  const pin = await readPin({ file, option: '--new-pin-file', prompt }, keyboard, output)
  if (file === undefined) await confirmTyped(pin, keyboard)
  return pin
}

function tell(result: Addition, words: string, { json }: ClientOptions, { output }: Io): number {
  if (json === true) printJson(output, result)
  else if (result.ok) output.data(printable(words))
  else output.talk(printable(`nothing was done (${result.code}): ${result.detail}`))
  return result.ok ? EXIT.ok : EXIT_OF_ADDITION[result.code]
}
