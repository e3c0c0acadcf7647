// argv → command → exit code. Decides what a failure that reached the end means; what commands do is theirs.

import { CommanderError } from 'commander'
import { CommandError, EXIT } from './exit-code.ts'
import { printable, processOutput } from './output.ts'
import { buildProgram } from './program.ts'
import { processKeyboard } from './secret.ts'

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
export function exitCodeOf(fault: unknown, talk: (text: string) => void): number {
  if (fault instanceof CommanderError) return fault.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (fault instanceof CommandError) {
    talk(`cleanroom-agent: ${printable(fault.message)}`)
    return fault.exitCode
  }
  const trace = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
  talk(`cleanroom-agent: this is a bug, please report it:\n${trace}`)
  return EXIT.bug
}
