// The commands of horn and stack light, with their options and help. Parses and nothing else.

import type { Command } from 'commander'
import type { ActOptions } from './act.ts'
import type { SilenceOptions } from './horn.ts'
import type { ProgramContext } from './program.ts'

interface Helpers {
  readonly withAct: (command: Command) => Command
  readonly example: (...lines: string[]) => string
  readonly duration: (text: string) => number
}

/** Adds silence and annunciator test. */
export function addHornCommands(
  program: Command,
  { io, exit }: ProgramContext,
  { withAct, example, duration }: Helpers,
): void {
  withAct(program.command('silence'))
    .description('Silence the horn for a while. The alarms stay as they are, to be acknowledged.')
    .option('--for <duration>', 'how long: 1min, 5min; at most what the site allows', duration)
    .addHelpText('after', `\n${SILENCE_NOTES}\n${example('silence --for 2min --user jdoe')}`)
    .action(async (options: SilenceOptions) => {
      const { silence } = await import('./horn.ts')
      exit(await silence(options, io))
    })
  const annunciator = program
    .command('annunciator')
    .description('Horn and stack light.')
    .addHelpText('after', example('annunciator test --user jdoe'))
  withAct(annunciator.command('test'))
    .description('Try every lamp and the horn, for somebody who looks and listens.')
    .addHelpText('after', example('annunciator test --user jdoe --pin-file pin.txt'))
    .action(async (options: ActOptions) => {
      const { annunciatorTest } = await import('./horn.ts')
      exit(await annunciatorTest(options, io))
    })
}

const SILENCE_NOTES = `It covers what sounds now. A new alarm, a heavier priority and a step of escalation sound anew,
and so does everything that nobody has acknowledged when the time is over.`
