// Every command with its options, help and example, and which file carries it out. Parses and nothing else:
// a command's file is loaded when it is called, so that the daemon holds no more code than it runs.

import { Argument, Command, InvalidArgumentError } from 'commander'
import { OCCUPANCIES, type Occupancy } from '#core/point.ts'
import { parseDuration } from '#core/time.ts'
import type { AckOptions } from './ack.ts'
import type { ActOptions, Io } from './act.ts'
import type { AlarmsOptions } from './alarms.ts'
import type { ClientOptions } from './client-options.ts'
import { CommandError, EXIT } from './exit-code.ts'
import { addHoldCommands } from './hold-commands.ts'
import { addHornCommands } from './horn-commands.ts'
import type { PerformanceOptions } from './performance.ts'
import { addCommissioningCommands } from './probe-command.ts'
import { addRecordCommands } from './record-commands.ts'
import { addUserCommands } from './user-commands.ts'
import type { VerifyOptions } from './verify.ts'
import { agentVersion } from './version.ts'

const NAME = 'cleanroom-agent'
/** Help is as wide everywhere, so that the documentation can show it. */
const HELP_WIDTH = 96

/** What the tree of commands needs: where to read and write, and whom to tell the exit code. */
export interface ProgramContext {
  readonly io: Io
  readonly exit: (code: number) => void
}

/** What `alarms` shows in place of its list. */
interface Instead {
  readonly performance?: boolean
  readonly hidden?: boolean
}

interface JsonOption {
  readonly json?: boolean
}

/** The whole command line. Throws commander's own errors on wrong usage (exitOverride). */
export function buildProgram(context: ProgramContext): Command {
  const program = new Command(NAME)
    .description('Monitors a cleanroom: polls its instruments, keeps every reading, raises alarms.')
    .version(agentVersion(), '-V, --version', 'print the version of the agent')
    .exitOverride()
    .showHelpAfterError(`(${NAME} --help tells what can be asked for)`)
    .configureOutput({
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
      writeOut: (text) => context.io.output.data(text.trimEnd()),
      writeErr: (text) => context.io.output.talk(text.trimEnd()),
    })
    .addHelpText('after', HELP_FOOT)
  addDaemonCommands(program, context)
  addViewCommands(program, context)
  addActCommands(program, context)
  addHoldCommands(program, context, { withAct, example, duration })
  addHornCommands(program, context, { withAct, example, duration })
  addUserCommands(program, context, { withTarget, withAct, example })
  addRecordCommands(program, context, { withTarget, withAct, example })
  addCommissioningCommands(program, context, { withTarget, example })
  addCheckCommands(program, context)
  return program
}

const HELP_FOOT = `
Exit codes: 0 ok, 1 the answer is no, 64 usage, 65 bad data, 69 not reachable, 70 bug, 74 input or
output, 75 try later, 77 not permitted, 78 configuration.

Example:
  $ ${NAME} demo
  $ ${NAME} alarms
`

const example = (...lines: string[]): string =>
  `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  $ ${NAME} ${line}`).join('\n')}`

/** Adds the option every command has. */
const withJson = (command: Command): Command =>
  command.option('--json', 'print JSON: one document, or one per line where it goes on')

/** Adds the options by which a client finds its agent. */
const withTarget = (command: Command): Command =>
  withJson(command)
    .option('-c, --config <file>', 'the agent that runs this configuration')
    .option('-d, --data <dir>', 'the agent of this data directory')
    .option('-s, --socket <path>', 'the agent that listens on this socket')

/** Adds who acts, how they prove it, and their words. */
const withAct = (command: Command): Command =>
  withTarget(command)
    .requiredOption('-u, --user <name>', 'login name of the person who acts')
    .option('--pin-file <file>', 'file that holds the PIN, - for stdin; a terminal asks without it')
    .option('-r, --reason <code>', 'reason code')
    .option('-m, --comment <text>', 'comment in words')
    .option('--phrase <id>', 'configured text as the comment, or before it: alarms --reasons')

function addDaemonCommands(program: Command, { exit, io }: ProgramContext): void {
  withJson(program.command('run'))
    .description('Run the agent in the foreground until SIGTERM or Ctrl-C.')
    .requiredOption('-c, --config <file>', 'the configuration')
    .addHelpText('after', example('run --config /etc/cleanroom-agent/config.yaml'))
    .action(async ({ config, json }: { config: string } & JsonOption) => {
      const { run } = await import('./run.ts')
      exit(await run({ config, json: json === true }, io.output))
    })
  withJson(program.command('demo'))
    .description(
      'Run a simulated Cell Factory with the agent, a broker and an excursion to acknowledge.',
    )
    .option('--port <number>', 'port of the console', port, 8080)
    .option('--mqtt-port <number>', 'port of the built-in MQTT broker', port, 1883)
    .option('--data <dir>', 'keep the data here instead of in a temporary directory')
    .option('--seed <number>', 'same seed, same plant', wholeNumber)
    .option('--speed <factor>', 'hurry the plant, not the agent', factor, 1)
    .option('--for <duration>', 'stop by itself after this time (90s, 15min)', duration)
    .addHelpText('after', example('demo', 'demo --mqtt-port 2883 --for 10min'))
    .action(async (options: DemoOptions) => {
      const { demo } = await import('./demo.ts')
      exit(await demo(demoArguments(options)))
    })
  withJson(program.command('simulate'))
    .description('Simulate the instruments of a configuration on the loopback addresses it names.')
    .requiredOption('-c, --config <file>', 'the configuration whose instruments are simulated')
    .option('--script <file>', 'what happens in the plant')
    .option('--seed <number>', 'same seed, same plant', wholeNumber)
    .option('--speed <factor>', 'hurry the plant, not the protocol', factor, 1)
    .addHelpText('after', example('simulate --config demo.yaml --script faults.txt --seed 7'))
    .action(async ({ config, script, seed, speed, json }: SimulateOptions) => {
      const { simulate } = await import('./simulate.ts')
      exit(
        await simulate({
          config,
          speed,
          json: json === true,
          ...(script === undefined ? {} : { script }),
          ...(seed === undefined ? {} : { seed }),
        }),
      )
    })
}

interface DemoOptions {
  readonly port: number
  readonly mqttPort: number
  readonly data?: string
  readonly seed?: number
  readonly speed: number
  readonly for?: number
  readonly json?: boolean
}

interface SimulateOptions {
  readonly config: string
  readonly script?: string
  readonly seed?: number
  readonly speed: number
  readonly json?: boolean
}

function demoArguments({ port, mqttPort, data, seed, speed, for: forMs, json }: DemoOptions) {
  return {
    port,
    mqttPort,
    speed,
    json: json === true,
    ...(data === undefined ? {} : { data }),
    ...(seed === undefined ? {} : { seed }),
    ...(forMs === undefined ? {} : { forMs }),
  }
}

function addViewCommands(program: Command, { io, exit }: ProgramContext): void {
  withTarget(program.command('status'))
    .description('Show what runs, since when, and how instruments, broker, clock and disk are.')
    .addHelpText('after', example('status', 'status --config plant.yaml --json'))
    .action(async (options: ClientOptions) => {
      const { status } = await import('./status.ts')
      exit(await status(options, io.output))
    })
  withTarget(program.command('alarms'))
    .description('List the alarms: what needs somebody first.')
    .option('-a, --all', 'also those that are normal')
    .option('--reasons', 'instead: the reason codes and phrases to choose from')
    .option('--performance', 'instead: how the alarms of a period performed, against ISA-18.2')
    .option('--hidden', 'instead: what shelves, suppressions and out of service hid')
    .option('--from <moment>', 'of --performance and --hidden: 2026-11-25, 2026-11-25T08:00Z')
    .option('--to <moment>', 'of --performance and --hidden')
    .addHelpText(
      'after',
      example('alarms', 'alarms --all --json', 'alarms --performance --from 2026-11-01'),
    )
    .action(async (options: AlarmsOptions & PerformanceOptions & Instead) => {
      if ([options.reasons, options.performance, options.hidden].filter(Boolean).length > 1)
        throw new CommandError(EXIT.usage, 'one of --reasons, --performance and --hidden at a time')
      if (options.performance === true) {
        const { performance } = await import('./performance.ts')
        return exit(await performance(options, io.output))
      }
      if (options.hidden === true) {
        const { hidden } = await import('./hidden.ts')
        return exit(await hidden(options, io.output))
      }
      if (options.from !== undefined || options.to !== undefined)
        throw new CommandError(EXIT.usage, '--from and --to go with --performance or --hidden')
      const { alarms } = await import('./alarms.ts')
      exit(await alarms(options, io.output))
    })
}

function addActCommands(program: Command, { io, exit }: ProgramContext): void {
  withAct(program.command('ack'))
    .description('Acknowledge one occurrence of an alarm. It neither clears nor hides it.')
    .argument('<occurrence>', 'occurrence id, from the list of alarms')
    .option(
      '--rev <number>',
      'revision that was seen; refused when it got worse since',
      wholeNumber,
    )
    .addHelpText(
      'after',
      `\n${REASONS}\n${example('ack 01JD4AZ6N3QK8W5T9XV2B7CDEF --user jdoe --reason door_opened --comment "Door held open"')}`,
    )
    .action(async (occurrence: string, options: AckOptions) => {
      const { ack } = await import('./ack.ts')
      exit(await ack(occurrence, options, io))
    })
  withAct(program.command('reset'))
    .description('Reset a latched occurrence that is acknowledged and over.')
    .argument('<occurrence>', 'occurrence id, from the list of alarms')
    .option(
      '--rev <number>',
      'revision that was seen; refused when it got worse since',
      wholeNumber,
    )
    .addHelpText(
      'after',
      example('reset 01JD4AZ6N3QK8W5T9XV2B7CDEF --user jdoe --pin-file pin.txt'),
    )
    .action(async (occurrence: string, options: AckOptions) => {
      const { reset } = await import('./reset.ts')
      exit(await reset(occurrence, options, io))
    })
  withAct(program.command('occupancy'))
    .description('State the occupancy of a zone from now on.')
    .argument('<zone>', 'zone id')
    .addArgument(new Argument('<state>', 'what goes on there').choices(OCCUPANCIES))
    .addHelpText('after', example('occupancy b101 in_operation --user jdoe --pin-file pin.txt'))
    .action(async (zone: string, state: Occupancy, options: ActOptions) => {
      const { occupancy } = await import('./occupancy.ts')
      exit(await occupancy({ zone, state }, options, io))
    })
}

const REASONS = `Reasons unless the site configured its own: door_opened intervention sampling cleaning
maintenance known_fault under_investigation other. \`other\` and every action alarm need a comment.`

function addCheckCommands(program: Command, { io, exit }: ProgramContext): void {
  withJson(program.command('check-config'))
    .description('Check a configuration: all its faults at once, or what would run.')
    .argument('<file>', 'the configuration')
    .option(
      '--against <file>',
      'show what it would change of another file, or of what runs: accepted',
    )
    .addHelpText(
      'after',
      example(
        'check-config /etc/cleanroom-agent/config.yaml',
        'check-config plant.yaml --against accepted',
      ),
    )
    .action(async (file: string, { json, against }: JsonOption & { against?: string }) => {
      const { checkConfig } = await import('./check-config.ts')
      const compared = against === undefined ? {} : { against }
      exit(await checkConfig(file, { json: json === true, ...compared }))
    })
  withJson(program.command('verify'))
    .description(
      'Verify a journal offline: every record as it was committed, or the first that is not.',
    )
    .argument('[directory]', 'a data directory, or a directory of its quarantine')
    .option('-c, --config <file>', 'the data directory of this configuration')
    .option('--head <number:hash>', 'a head known from elsewhere, which must be in the chain')
    .addHelpText('after', example('verify ./data', 'verify --config plant.yaml --json'))
    .action(async (directory: string | undefined, options: VerifyOptions) => {
      const { verify } = await import('./verify.ts')
      exit(verify(directory, options, io.output))
    })
  withJson(program.command('schema'))
    .description('Print the JSON Schema that editors check a file against.')
    .addArgument(new Argument('[which]', 'of which file').choices(SCHEMAS).default('configuration'))
    .addHelpText('after', example('schema', 'schema profile > profile.schema.json'))
    .action(async (which: (typeof SCHEMAS)[number]) => {
      const { schema } = await import('./schema.ts')
      exit(await schema(which))
    })
  withJson(program.command('version'))
    .description('Print the version of the agent and of what it runs on.')
    .addHelpText('after', example('version --json'))
    .action(async (options: JsonOption) => {
      const { version } = await import('./version.ts')
      exit(version(options, io.output))
    })
}

/** As config/schema names them; written out here so that `run` loads no schema. */
export const SCHEMAS = ['configuration', 'profile', 'limit-set', 'output-profile'] as const

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

function port(text: string): number {
  const number = wholeNumber(text)
  if (number > 65_535) throw new InvalidArgumentError('Give a port from 0 to 65535.')
  return number
}

function factor(text: string): number {
  if (!/^\d+(\.\d+)?x?$/.test(text) || Number.parseFloat(text) <= 0)
    throw new InvalidArgumentError('Give a number above 0, such as 60.')
  return Number.parseFloat(text)
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms === 0)
    throw new InvalidArgumentError('Give a number and a unit: 250ms 1s 15min 8h 30d.')
  return ms
}
