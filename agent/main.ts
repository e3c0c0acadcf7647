#!/usr/bin/env node
// argv → command → exit code. Decides what a failure that reached the end means; what commands do is theirs.

import { CommanderError } from 'commander'
import { CommandError, EXIT } from './cli/exit-code.ts'
import { printable, processOutput } from './cli/output.ts'
import { buildProgram } from './cli/program.ts'
import { processKeyboard } from './cli/secret.ts'

/** What is left after a command, such as a handle nobody closed, may keep the process this long. */
const LINGER_MS = 2000

/** Runs one command line; the exit code. Never rejects. */
export async function main(argv: readonly string[]): Promise<number> {
  const output = processOutput()
  let code: number = EXIT.ok
  const program = buildProgram({
    io: { output, keyboard: processKeyboard() },
    exit: (given) => {
      code = given
    },
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (fault) {
    return exitCodeOf(fault, (text) => output.talk(text))
  }
}

/** What a failure means to the caller, said on stderr where commander has not said it. */
function exitCodeOf(fault: unknown, talk: (text: string) => void): number {
  if (fault instanceof CommanderError) return fault.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (fault instanceof CommandError) {
    talk(`cleanroom-agent: ${printable(fault.message)}`)
    return fault.exitCode
  }
  const trace = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
  talk(`cleanroom-agent: this is a bug, please report it:\n${trace}`)
  return EXIT.bug
}

// A reader that has seen enough (`alarms | head`) is no failure.
process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
  if (fault.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.ok)
  throw fault
})

if (import.meta.main) {
  // Failures of code are crashes: nothing goes on after them, and the service manager starts anew.
  process.on('uncaughtException', (fault) => {
    process.exit(exitCodeOf(fault, (text) => process.stderr.write(`${text}\n`)))
  })
  process.exitCode = await main(process.argv.slice(2))
  setTimeout(() => process.exit(), LINGER_MS).unref()
}
