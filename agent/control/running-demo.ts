// How client commands find a running demo without being told: the demo leaves word in the temporary directory.
// The word is believed only when it is this user's own file and the process it names is alive: a PIN follows it.

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { z } from 'zod'

const WORD_BYTES_MAX = 8192

const word = z.strictObject({ dataDir: z.string().min(1), pid: z.int().positive() })

/** A demo that runs now. */
export type RunningDemo = Readonly<z.infer<typeof word>>

/** Where the word is left: one per user. */
export function demoWordPath(directory: string = tmpdir()): string {
  return path.join(directory, `cleanroom-agent-demo-${process.getuid?.() ?? 0}.json`)
}

/**
 * Leaves word of a demo that is now ready; a later demo of the same user replaces it. Returns how to take it back,
 * which leaves a later demo's word alone.
 */
export function announceDemo(demo: RunningDemo, directory?: string): () => void {
  const file = demoWordPath(directory)
  rmSync(file, { force: true })
  writeFileSync(file, `${JSON.stringify(demo)}\n`, { mode: 0o600, flag: 'wx' })
  return () => {
    if (readWord(file)?.pid === demo.pid) rmSync(file, { force: true })
  }
}

/** The demo of this user that runs now; undefined when none does. */
export function findRunningDemo(directory?: string): RunningDemo | undefined {
  const demo = readWord(demoWordPath(directory))
  return demo !== undefined && isAlive(demo.pid) ? demo : undefined
}

function readWord(file: string): RunningDemo | undefined {
  let descriptor: number
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch {
    return undefined
  }
  try {
    const { uid, size } = fstatSync(descriptor)
    const own = process.getuid === undefined || uid === process.getuid()
    if (!own || size > WORD_BYTES_MAX) return undefined
    const parsed = word.safeParse(JSON.parse(readFileSync(descriptor, 'utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code === 'EPERM'
  }
}
