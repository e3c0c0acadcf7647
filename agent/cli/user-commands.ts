// `users …`: the commands about people, with their options and help. Parses and nothing else.

import { type Command, Option } from 'commander'
import { ROLES } from '#core/input.ts'
import type { ClientOptions } from './client-options.ts'
import type { ProgramContext } from './program.ts'
import type { AddUserOptions } from './users.ts'
import type { ChangeOptions, FirstOptions, PinOptions } from './users-change.ts'

export interface CommandHelpers {
  readonly withTarget: (command: Command) => Command
  readonly withAct: (command: Command) => Command
  readonly example: (...lines: string[]) => string
}

/** Adds `users` and everything under it. */
export function addUserCommands(
  program: Command,
  context: ProgramContext,
  helpers: CommandHelpers,
): void {
  const { io, exit } = context
  const { withTarget, example } = helpers
  const users = program
    .command('users')
    .description('People who may act.')
    .addHelpText('after', example('users list'))
  withTarget(users.command('add'))
    .description('Add a person. Login names are never used again.')
    .argument('<name>', 'login name: 1 to 32 of a-z 0-9 -')
    .requiredOption('--name <full>', 'full name, as records show it')
    .addOption(
      new Option('--role <role>', 'what the person may do').choices(ROLES).makeOptionMandatory(),
    )
    .option('--public-key <file>', 'Ed25519 public key in PEM, for commands over MQTT')
    .option('-u, --user <admin>', 'administrator who adds; without it, the box itself does')
    .option('--pin-file <file>', "with --user the administrator's PIN, without it the new person's")
    .option('--new-pin-file <file>', "with --user, the new person's PIN")
    .addHelpText('after', `\n${ADD_NOTES}\n${example(...ADD_EXAMPLES)}`)
    .action(async (name: string, options: AddUserOptions) => {
      const { addUser } = await import('./users.ts')
      exit(await addUser(name, options, io))
    })
  withTarget(users.command('list'))
    .description('List the people, with role, lock-out and whether they have a key.')
    .addHelpText('after', example('users list --json'))
    .action(async (options: ClientOptions) => {
      const { listUsers } = await import('./users.ts')
      exit(await listUsers(options, io.output))
    })
  addChanges(users, context, helpers)
  addOwn(users, context, helpers)
}

/** Changes an administrator makes. */
function addChanges(
  users: Command,
  { io, exit }: ProgramContext,
  { withTarget, example }: CommandHelpers,
): void {
  const change = (name: string, description: string): Command =>
    withTarget(users.command(name))
      .description(description)
      .argument('<name>', 'login name of the person')
      .requiredOption('-r, --reason <text>', 'why, in words')
      .option('-u, --user <admin>', 'administrator who does it; without it, the box itself does')
      .option('--pin-file <file>', "the administrator's PIN, - for stdin")
  change('disable', 'Let a person act no more. Nobody is ever deleted.')
    .addHelpText('after', example('users disable jdoe --reason "left" --user admin'))
    .action(async (name: string, options: ChangeOptions) => {
      const { changeUser } = await import('./users-change.ts')
      exit(await changeUser(name, { kind: 'disable' }, options, io))
    })
  change('enable', 'Let a disabled or locked person act again.')
    .addHelpText('after', example('users enable jdoe --reason "back from leave" --user admin'))
    .action(async (name: string, options: ChangeOptions) => {
      const { changeUser } = await import('./users-change.ts')
      exit(await changeUser(name, { kind: 'enable' }, options, io))
    })
  change('set-role', 'Give a person another role.')
    .addOption(
      new Option('--role <role>', 'what the person may do').choices(ROLES).makeOptionMandatory(),
    )
    .addHelpText(
      'after',
      example('users set-role jdoe --role supervisor --reason "trained, TR-118" --user admin'),
    )
    .action(async (name: string, options: ChangeOptions & { role: (typeof ROLES)[number] }) => {
      const { changeUser } = await import('./users-change.ts')
      exit(await changeUser(name, { kind: 'set_role', role: options.role }, options, io))
    })
  change('reset-pin', 'Give a person who forgot theirs a PIN, which serves only for setting one.')
    .option('--new-pin-file <file>', 'the PIN to give, - for stdin; a terminal asks without it')
    .addHelpText('after', example('users reset-pin jdoe --reason "forgotten" --user admin'))
    .action(async (name: string, options: ChangeOptions) => {
      const { resetPin } = await import('./users-change.ts')
      exit(await resetPin(name, options, io))
    })
}

/** What people do for themselves. */
function addOwn(
  users: Command,
  { io, exit }: ProgramContext,
  { withTarget, example }: CommandHelpers,
): void {
  withTarget(users.command('pin'))
    .description('Set your own PIN, knowing the present one.')
    .argument('<name>', 'your login name')
    .option('--pin-file <file>', 'file with the present PIN, - for stdin')
    .option('--new-pin-file <file>', 'file with the new PIN')
    .addHelpText('after', example('users pin jdoe'))
    .action(async (name: string, options: PinOptions) => {
      const { setOwnPin } = await import('./users-change.ts')
      exit(await setOwnPin(name, options, io))
    })
  withTarget(users.command('first'))
    .description('Become the first administrator, with the code that the agent told at its start.')
    .argument('<name>', 'login name: 1 to 32 of a-z 0-9 -')
    .requiredOption('--name <full>', 'full name, as records show it')
    .option('--code-file <file>', 'file with the code, - for stdin; a terminal asks without it')
    .option('--pin-file <file>', 'file with the PIN to have; a terminal asks without it')
    .addHelpText('after', `\n${FIRST_NOTES}\n${example('users first admin --name "A. Verdi"')}`)
    .action(async (name: string, options: FirstOptions) => {
      const { addFirst } = await import('./users-change.ts')
      exit(await addFirst(name, options, io))
    })
}

const FIRST_NOTES = `The code is told once, on stderr, by a start that knows nobody (journalctl -u cleanroom-agent). It
counts for an hour and makes one administrator; the next start tells another one.`

const ADD_NOTES = `Without --user the person is added by the box: only the operating-system user of the agent, or
root, can do that, and the record names it. A PIN has 4 to 64 characters, 6 or more recommended;
files hold the PIN alone, - is stdin, and a terminal asks for what is not given. While no agent
runs, the person is written into the data directory of --config or --data.`

const ADD_EXAMPLES = [
  'users add jdoe --name "J. Doe" --role technician',
  'users add mrossi --name "M. Rossi" --role qa --user admin --pin-file admin.pin --new-pin-file new.pin',
]
