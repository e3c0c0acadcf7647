// The commands about what is in force and who changed it, with their options and help. Parses and nothing else.

import type { Command } from 'commander'
import type { ActOptions } from './act.ts'
import type { AuditOptions } from './audit.ts'
import type { ClientOptions } from './client-options.ts'
import type { ProgramContext } from './program.ts'
import type { CommandHelpers } from './user-commands.ts'

/** Adds `config show|approve|reject` and `audit`. */
export function addRecordCommands(
  program: Command,
  { io, exit }: ProgramContext,
  { withTarget, withAct, example }: CommandHelpers,
): void {
  const config = program
    .command('config')
    .description('The configuration in force, and a changed one that waits for two people.')
    .addHelpText('after', example('config show'))
  withTarget(config.command('show'))
    .description('Show what is in force, what waits, what that would change and who signed it.')
    .addHelpText('after', example('config show'))
    .action(async (options: ClientOptions) => {
      const { showConfig } = await import('./config.ts')
      exit(await showConfig(options, io.output))
    })
  withAct(config.command('approve'))
    .description('Sign a changed configuration. With the second person it comes into force.')
    .argument('<hash>', 'hash of the candidate, or its first eight figures or more')
    .addHelpText('after', example('config approve 3fa9c1d2 --user asmith --comment "CC-0117"'))
    .action(async (hash: string, options: ActOptions) => {
      const { signConfig } = await import('./config.ts')
      exit(await signConfig('config.approve', hash, options, io))
    })
  withAct(config.command('reject'))
    .description('Turn a changed configuration down: it stays out until the file changes again.')
    .argument('<hash>', 'hash of the candidate, or its first eight figures or more')
    .addHelpText('after', example('config reject 3fa9c1d2 --user asmith --comment "not agreed"'))
    .action(async (hash: string, options: ActOptions) => {
      const { signConfig } = await import('./config.ts')
      exit(await signConfig('config.reject', hash, options, io))
    })
  withTarget(program.command('audit'))
    .description('Show who changed what, when and why: the audit trail, oldest first.')
    .option('--from <moment>', 'from this moment on: 2026-11-25, 2026-11-25T08:00Z')
    .option('--to <moment>', 'up to this moment')
    .option('-u, --user <name>', 'only what this person did, or what was done to them')
    .option('-t, --type <types...>', 'only these events, in full or by the part before a dot')
    .addHelpText(
      'after',
      `\n${TYPES}\n${example('audit --from 2026-11-01', 'audit --user jdoe --type user access --json')}`,
    )
    .action(async (options: AuditOptions) => {
      const { audit } = await import('./audit.ts')
      exit(await audit(options, io.output))
    })
}

const TYPES = `Without --type: every change of configuration, limits, people, occupancy, time, instruments and
of what is watched. Other events are asked for by type, such as access (log-ins) or alarm.`
