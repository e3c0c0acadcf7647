#!/usr/bin/env node
// The process: keeps compiled code from one start to the next, gives what runs for months its limits of memory, then hands
// the command line on and ends with its exit code. Failures of code are crashes: nothing goes on after them, and the
// service manager starts anew.

import { enableCompileCache, flushCompileCache } from 'node:module'
import { homedir } from 'node:os'
import path from 'node:path'

/** What is left after a command, such as a handle nobody closed, may keep the process this long. */
const LINGER_MS = 2000
/** When everything that a daemon loads has been loaded; what was compiled is then kept, in case it never ends cleanly. */
const COMPILED_AFTER_MS = 10_000

/** Commands that run for months. */
const LASTING = ['run', 'demo']
/**
 * V8 is told to collect early, since left alone it lets a young generation grow to 64 MB and garbage pile up to four times
 * what lives; by one thread, since several wait for each other longer than they save on a box of two cores, and each keeps
 * memory of its own; and to begin nothing among what is old: what waits 0.8 s for its commit looks long-lived to it (decision 0015).
 */
const LASTING_FLAGS = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=40',
  '--no-parallel-scavenge',
  '--v8-pool-size=1',
  '--no-allocation-site-pretenuring',
]
/** The C library keeps freed memory for each thread apart unless told otherwise: 8 MB here. */
const MALLOC_ARENAS = '2'

// The daemon runs its TypeScript as it is: kept, it need not be stripped at each start (a third of the start, 25 MB).
process.env['NODE_COMPILE_CACHE'] ??=
  process.env['CACHE_DIRECTORY'] ?? path.join(homedir(), '.cache', 'cleanroom-agent')
enableCompileCache(process.env['NODE_COMPILE_CACHE'])
runWithLimits()

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

/**
 * Limits of the young generation hold from the start of a process only, and so does the cache for this file itself: a
 * lasting command replaces the process, which keeps its number, by one that begins with them.
 */
function runWithLimits(): void {
  const isLasting = LASTING.includes(process.argv[2] ?? '')
  const hasLimits = LASTING_FLAGS.every((flag) => process.execArgv.includes(flag))
  if (!isLasting || hasLimits || process.execve === undefined) return
  const args = [...process.execArgv, ...LASTING_FLAGS, ...process.argv.slice(1)]
  const environment = { MALLOC_ARENA_MAX: MALLOC_ARENAS, ...process.env }
  process.execve(process.execPath, [process.execPath, ...args], environment)
}
