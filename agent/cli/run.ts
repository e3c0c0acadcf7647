// `run --config FILE`: the daemon. Decides which configuration runs (the file when it is valid, else the accepted one),
// turns signals into stop and reload, and every way it can end into an exit code.

import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { loadConfiguration } from '#config/load.ts'
import { composeAgent, type RunningAgent } from '../compose.ts'
import { fixedKeyFindings } from '../runtime/fixed-keys.ts'
import { pinoLog } from '../runtime/pino-log.ts'
import { chooseConfiguration } from './choose-configuration.ts'
import { endOfFailure, endOfStart } from './end-of-run.ts'
import { EXIT } from './exit-code.ts'
import { type Output, processOutput } from './output.ts'
import { type RunReport, runReport } from './run-report.ts'

export interface RunOptions {
  readonly config: string
  /** One document a line on standard output in place of words. */
  readonly json?: boolean
}

/** Runs until a signal; the promise is the exit code. */
export async function run(options: RunOptions, output: Output = processOutput()): Promise<number> {
  const report = runReport(options.json === true, output)
  const code = await runReported(options, report)
  if (code === EXIT.ok) report.tell('stopped', 'the agent has stopped', { code })
  return code
}

async function runReported({ config }: RunOptions, report: RunReport): Promise<number> {
  const file = path.resolve(config)
  const chosen = chooseConfiguration(file)
  report.findings(chosen.findings)
  if (chosen.kind === 'none') {
    const errors = chosen.findings.filter(({ severity }) => severity === 'error').length
    report.tell(
      'refused',
      `${file}: ${errors} fault(s), and no accepted configuration to go on with; mend the file and start again`,
      { file, code: EXIT.configuration },
    )
    return EXIT.configuration
  }
  const log = pinoLog()
  let end: (code: number) => void = () => {}
  const ended = new Promise<number>((resolve) => {
    end = resolve
  })
  const signals = catchSignals()
  const running = await composeAgent({
    configuration: chosen.configuration,
    file,
    accept: chosen.kind === 'file',
    ...(chosen.kind === 'candidate' && { candidate: chosen.candidate }),
    log,
    failed: (error) => {
      log.error('agent_failed', { error: error.message, stack: error.stack })
      end(endOfFailure(error))
    },
  }).catch((error: unknown) => startFailure(error, report))
  if (typeof running === 'number') return running
  if (chosen.kind === 'accepted') {
    report.tell(
      'refused',
      `${file} is refused; the configuration accepted before goes on (alarm system.config_rejected)`,
      { file },
    )
    running.rejectConfiguration(chosen.findings)
  }
  if (chosen.kind === 'candidate') {
    report.tell(
      'pending',
      `${file} waits for two signatures; the configuration accepted before goes on (cleanroom-agent config show)`,
      { file },
    )
  }
  const now = running.agent.loop.now()
  const code = running.people.offerFirstRun(randomBytes(FIRST_RUN_BYTES), now)
  if (code !== undefined) report.tell('first_run', firstRunWords(code, config), { code })
  log.info('agent_started', {
    config: chosen.configuration.plant.hash,
    dataDir: chosen.configuration.dataDir,
  })
  report.tell('running', `the agent runs as process ${process.pid}`, {
    pid: process.pid,
    config: chosen.configuration.plant.hash,
    dataDir: chosen.configuration.dataDir,
  })
  const stop = (signal: string) =>
    void running.stop(signal).then(
      () => end(EXIT.ok),
      () => end(EXIT.io),
    )
  signals.listen({ stop, reload: () => void reload(file, running, report) })
  return ended
}

/** What the first-run code is made of. */
const FIRST_RUN_BYTES = 16

const firstRunWords = (code: string, config: string): string =>
  `nobody may act yet. The first administrator is made with the code ${code}, once, within an hour:\n` +
  `  cleanroom-agent users first NAME --name "FULL NAME" --config ${config}`

interface SignalActs {
  readonly stop: (signal: string) => void
  readonly reload: () => void
}

/** Signals from now on; those that come while the agent still starts wait for `listen`. A second one to stop ends at once. */
function catchSignals(): { listen(acts: SignalActs): void } {
  let acts: SignalActs | undefined
  let stopped: string | undefined
  let reloaded = false
  const stop = (signal: string) => {
    stopped ??= signal
    acts?.stop(signal)
  }
  process.once('SIGTERM', () => stop('SIGTERM'))
  process.once('SIGINT', () => stop('SIGINT'))
  process.on('SIGHUP', () => {
    if (acts === undefined) reloaded = true
    else acts.reload()
  })
  return {
    listen: (given) => {
      acts = given
      if (stopped !== undefined) given.stop(stopped)
      else if (reloaded) given.reload()
    },
  }
}

/** Applies the changed file, or says why not and goes on with what runs. */
async function reload(file: string, running: RunningAgent, report: RunReport): Promise<void> {
  const loaded = loadConfiguration(file)
  const fixed = loaded.ok
    ? fixedKeyFindings(running.agent.configuration, loaded.configuration, file)
    : []
  const findings = [...loaded.findings, ...fixed]
  report.findings(findings)
  if (!loaded.ok || fixed.length > 0) {
    report.tell('refused', `${file} is refused; what ran before goes on`, { file })
    return running.rejectConfiguration(findings)
  }
  await running.offer(loaded.configuration, file)
  const { hash } = loaded.configuration.plant
  report.tell('reloaded', `${file} was read again`, { file, config: hash })
}

/** A start that cannot be: in words, with the exit code that tells a service manager whether to try again. */
function startFailure(error: unknown, report: RunReport): number {
  const { code, message } = endOfStart(error)
  report.tell('failed', message, { code })
  return code
}
