// `users add` and `users list`: people through the agent that runs; without one, `add` writes into the store itself.
// Whoever is the agent's own operating-system user adds without logging in, and the record says so.

import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Role } from '#core/input.ts'
import type { Addition, NewPerson, PersonView } from '#ports/people.ts'
import { ControlError, request } from '../control/client.ts'
import type { Command } from '../control/protocol.ts'
import { keyPath } from '../control/socket-path.ts'
import type { Io } from './act.ts'
import { ask, type ClientOptions, findTarget, type Target } from './client-options.ts'
import { CommandError, EXIT, EXIT_OF_CONTROL, type ExitCode } from './exit-code.ts'
import { type Output, printable, printJson, table } from './output.ts'
import { type Keyboard, readPin } from './secret.ts'
import { span } from './wording.ts'

export interface AddUserOptions extends ClientOptions {
  /** Full name. */
  readonly name: string
  readonly role: Role
  /** The administrator who adds; absent = the box's administrator. */
  readonly user?: string
  /** PIN of the acting administrator, or of the new person when nobody logs in. */
  readonly pinFile?: string
  readonly newPinFile?: string
  /** PEM file of the new person's Ed25519 public key. */
  readonly publicKey?: string
}

type AddedBy = Extract<Command, { op: 'users.add' }>['by']

/** Adds a person; the exit code. */
export async function addUser(user: string, options: AddUserOptions, io: Io): Promise<number> {
  const target = findTarget(options)
  const login = await readLogin(options, io)
  const pin = await readNewPin(user, options, io)
  const person: NewPerson = {
    user,
    fullName: options.name,
    role: options.role,
    pin,
    ...(options.publicKey === undefined ? {} : { publicKey: readKey(options.publicKey) }),
  }
  const addition = await addOnline(target, person, login)
  const result = addition ?? (await addOffline(target, person, login))
  return report(person, result, options, io.output)
}

/** Lists everybody; the exit code. */
export async function listUsers(options: ClientOptions, output: Output): Promise<number> {
  const view = await ask<'users.list'>(findTarget(options), { op: 'users.list' })
  if (options.json === true) printJson(output, view)
  else output.data(peopleText(view.people))
  return EXIT.ok
}

/** The people as a table. */
export function peopleText(people: readonly PersonView[]): string {
  if (people.length === 0) return 'Nobody yet. Add the first person with: cleanroom-agent users add'
  const rows = people.map(({ user, name, role, disabled, lockedForMs, pinGiven, publicKey }) => [
    user,
    printable(name),
    role,
    disabled ? 'disabled' : stateWords(lockedForMs, pinGiven),
    publicKey ? 'yes' : '-',
  ])
  return table([['USER', 'NAME', 'ROLE', 'STATE', 'KEY'], ...rows])
}

function stateWords(lockedForMs: number | undefined, pinGiven: true | undefined): string {
  if (lockedForMs !== undefined) return `locked, ${span(lockedForMs)}`
  return pinGiven === true ? 'has to set a PIN' : 'active'
}

/** The login of the administrator who acts; undefined where the box itself does. */
export async function readLogin(
  { user, pinFile, newPinFile }: Pick<AddUserOptions, 'user' | 'pinFile' | 'newPinFile'>,
  { keyboard, output }: Io,
): Promise<{ user: string; pin: string } | undefined> {
  if (user === undefined) return undefined
  if (pinFile === '-' && newPinFile === '-')
    throw new CommandError(EXIT.usage, 'only one of --pin-file and --new-pin-file can be -')
  const source = { file: pinFile, option: '--pin-file', prompt: `PIN of ${user}` }
  return { user, pin: await readPin(source, keyboard, output) }
}

async function readNewPin(
  newUser: string,
  { user, pinFile, newPinFile }: AddUserOptions,
  { keyboard, output }: Io,
): Promise<string> {
  if (user === undefined && pinFile !== undefined && newPinFile !== undefined)
    throw new CommandError(
      EXIT.usage,
      "without --user, --pin-file is the new person's PIN already; leave --new-pin-file out",
    )
  const file = user === undefined ? (pinFile ?? newPinFile) : newPinFile
  const option = user === undefined ? '--pin-file' : '--new-pin-file'
  const pin = await readPin({ file, option, prompt: `PIN for ${newUser}` }, keyboard, output)
  if (file === undefined) await confirmTyped(pin, keyboard)
  return pin
}

/** A PIN that nobody sees is typed twice. */
export async function confirmTyped(pin: string, keyboard: Keyboard): Promise<void> {
  const again = await keyboard.typed?.('the same PIN again')
  if (again !== pin) throw new CommandError(EXIT.badData, 'the two PINs differ; nothing was done')
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault)
    throw new CommandError(EXIT.io, `the public key cannot be read: ${why}`, { cause: fault })
  }
}

/** Through the agent; undefined when none runs. */
async function addOnline(
  target: Target,
  { publicKey, ...person }: NewPerson,
  login: { user: string; pin: string } | undefined,
): Promise<Addition | undefined> {
  const by = byOf(target, login)
  const key = publicKey === undefined ? {} : { publicKey }
  const command = { op: 'users.add' as const, person: { ...person, ...key }, by }
  try {
    return await request<'users.add'>(target.socketPath, command)
  } catch (fault) {
    if (!(fault instanceof ControlError)) throw fault
    if (fault.code === 'unreachable') return undefined
    throw new CommandError(EXIT_OF_CONTROL[fault.code], fault.message, { cause: fault })
  }
}

/** Into the store, when the data directory is known and no agent holds it. */
async function addOffline(
  target: Target,
  person: NewPerson,
  login: { user: string; pin: string } | undefined,
): Promise<Addition> {
  if (target.dataDir === undefined)
    throw new CommandError(
      EXIT.notReachable,
      `no agent answers on ${target.socketPath}; ${target.start}, or name the data directory with --data DIR to add without it`,
    )
  const { addToStore } = await import('./users-offline.ts')
  const options = { dataDir: target.dataDir, config: target.config, osUser: osUserName() }
  return addToStore(person, login, options)
}

/** How an administrator, or the box itself, proves to be that. */
export const byOf = (target: Target, login: { user: string; pin: string } | undefined): AddedBy =>
  login ?? { osUser: osUserName(), key: boxKey(target.socketPath) }

/** The key beside the socket; unreadable for whoever is not the agent's own user, and then refused by the agent. */
function boxKey(socketPath: string): string {
  try {
    return readFileSync(keyPath(socketPath), 'utf8').trim() || 'none'
  } catch {
    return 'none'
  }
}

function osUserName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

/** Exit code by why somebody was not added or changed. */
export const EXIT_OF_ADDITION: Readonly<
  Record<'exists' | 'invalid' | 'not_authorised' | 'busy', ExitCode>
> = {
  exists: EXIT.no,
  invalid: EXIT.badData,
  not_authorised: EXIT.notPermitted,
  busy: EXIT.tryLater,
}

function report(
  person: NewPerson,
  result: Addition,
  { json }: AddUserOptions,
  output: Output,
): number {
  if (json === true) printJson(output, { ...result, user: person.user, role: person.role })
  else if (result.ok)
    output.data(printable(`added ${person.user} (${person.fullName}), ${person.role}`))
  else output.talk(printable(`${person.user} was not added (${result.code}): ${result.detail}`))
  return result.ok ? EXIT.ok : EXIT_OF_ADDITION[result.code]
}
