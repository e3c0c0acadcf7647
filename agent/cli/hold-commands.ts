// The commands that take alarms out of sight and bring them back, with their options and help. Parses and nothing else.

import type { Command } from 'commander'
import type { ActOptions } from './act.ts'
import type { ProgramContext } from './program.ts'
import type { OutOfServiceOptions } from './service.ts'
import type { ShelveOptions } from './shelve.ts'

interface Helpers {
  readonly withAct: (command: Command) => Command
  readonly example: (...lines: string[]) => string
  readonly duration: (text: string) => number
}

/** Adds shelve, unshelve, out-of-service and return-to-service. */
export function addHoldCommands(
  program: Command,
  { io, exit }: ProgramContext,
  { withAct, example, duration }: Helpers,
): void {
  withAct(program.command('shelve'))
    .description('Take one alarm out of sight for a while. Critical alarms cannot be shelved.')
    .argument('<target>', 'occurrence id or alarm id, from the list of alarms')
    .requiredOption('--until <duration>', 'how long: 30min, 2h', duration)
    .addHelpText(
      'after',
      `\n${SHELF_NOTES}\n${example('shelve c102-rh.alert_high --until 2h --user jdoe --reason known_fault')}`,
    )
    .action(async (target: string, options: ShelveOptions) => {
      const { shelve } = await import('./shelve.ts')
      exit(await shelve(target, options, io))
    })
  withAct(program.command('unshelve'))
    .description('Take an alarm from the shelf before its time.')
    .argument('<target>', 'occurrence id or alarm id')
    .addHelpText('after', example('unshelve c102-rh.alert_high --user jdoe --pin-file pin.txt'))
    .action(async (target: string, options: ActOptions) => {
      const { unshelve } = await import('./shelve.ts')
      exit(await unshelve(target, options, io))
    })
  withAct(program.command('out-of-service'))
    .description('Take a point or an instrument out of service under a work order.')
    .argument('<target>', 'point id or instrument id')
    .requiredOption('--work-order <reference>', 'the work order')
    .addHelpText('after', example('out-of-service th-b101 --work-order WO-2291 --user jdoe'))
    .action(async (target: string, options: OutOfServiceOptions) => {
      const { outOfService } = await import('./service.ts')
      exit(await outOfService(target, options, io))
    })
  withAct(program.command('return-to-service'))
    .description('Approve its return: a supervisor or qa, not the one who took it out.')
    .argument('<target>', 'point id or instrument id')
    .addHelpText('after', example('return-to-service th-b101 --user asmith --comment "Replaced"'))
    .action(async (target: string, options: ActOptions) => {
      const { returnToService } = await import('./service.ts')
      exit(await returnToService(target, options, io))
    })
}

const SHELF_NOTES = `Longest: 1h an action alarm, 8h an alert, 24h a fault. The alarm beneath goes on, and what nobody
acknowledged is there at the end. An action alarm needs a comment.`
