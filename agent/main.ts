#!/usr/bin/env node
// The process: keeps compiled code from one start to the next, then hands the command line on and ends with its exit code.
// Failures of code are crashes: nothing goes on after them, and the service manager starts anew.

import { enableCompileCache, flushCompileCache } from 'node:module'
import { homedir } from 'node:os'
import path from 'node:path'

/** What is left after a command, such as a handle nobody closed, may keep the process this long. */
const LINGER_MS = 2000
/** When everything that a daemon loads has been loaded; what was compiled is then kept, in case it never ends cleanly. */
const COMPILED_AFTER_MS = 10_000

// The daemon runs its TypeScript as it is: kept, it need not be stripped at each start (a third of the start, 25 MB).
process.env['NODE_COMPILE_CACHE'] ??=
  process.env['CACHE_DIRECTORY'] ?? path.join(homedir(), '.cache', 'cleanroom-agent')
enableCompileCache(process.env['NODE_COMPILE_CACHE'])

const { exitCodeOf, main } = await import('./cli/command-line.ts')

// A reader that has seen enough (`alarms | head`) is no failure.
process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
  if (fault.code === 'EPIPE') process.exit(process.exitCode ?? 0)
  throw fault
})
process.on('uncaughtException', (fault) => {
  process.exit(exitCodeOf(fault, (text) => process.stderr.write(`${text}\n`)))
})
setTimeout(flushCompileCache, COMPILED_AFTER_MS).unref()
process.exitCode = await main(process.argv.slice(2))
setTimeout(() => process.exit(), LINGER_MS).unref()
