// `verify`: walks a whole journal offline and says whether every record is what was committed (URS-46): the first one that was
// altered, removed, added or reordered, by its number. It reads; an agent may be running on the same directory.

import { existsSync } from 'node:fs'
import path from 'node:path'
import { type Verified, verifyJournal } from '../store/verify.ts'
import { findTarget } from './client-options.ts'
import { CommandError, EXIT, type ExitCode } from './exit-code.ts'
import { type Output, printable, printJson } from './output.ts'

export interface VerifyOptions {
  /** Configuration whose data directory is meant, where no directory is named. */
  readonly config?: string
  readonly json?: boolean
  /** `SEQ:HASH` of a head known from elsewhere: a status, a report. */
  readonly head?: string
  /** Shows how far it has come; by default where stderr is a terminal. */
  readonly progress?: boolean
}

/** Verifies a data directory or a journal in quarantine; 0 when it holds, 1 when it does not. */
export function verify(
  directory: string | undefined,
  options: VerifyOptions,
  output: Output,
): ExitCode {
  const dataDir = directoryOf(directory, options)
  const progress = options.progress ?? process.stderr.isTTY === true
  const result = verifyJournal(dataDir, {
    ...(options.head !== undefined && { expected: headOf(options.head) }),
    ...(progress && { visit: showProgress }),
  })
  if (progress) process.stderr.write('\r\u001b[K')
  if (options.json === true) printJson(output, { directory: dataDir, ...result })
  else say(dataDir, result, output)
  return result.ok ? EXIT.ok : EXIT.no
}

function directoryOf(directory: string | undefined, { config }: VerifyOptions): string {
  if (directory !== undefined && config !== undefined)
    throw new CommandError(EXIT.usage, 'name a directory or --config, not both')
  const found =
    directory === undefined
      ? findTarget(config === undefined ? {} : { config }).dataDir
      : path.resolve(directory)
  if (found === undefined || !existsSync(path.join(found, 'journal')))
    throw new CommandError(
      EXIT.badData,
      `${printable(found ?? '')} holds no journal; name a data directory, or a directory of its quarantine`,
    )
  return found
}

function headOf(text: string): { seq: number; hash: string } {
  const match = /^(\d{1,15}):(?:sha256:)?([0-9a-f]{64})$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined)
    throw new CommandError(EXIT.usage, 'give a head as NUMBER:HASH, as a status shows it')
  return { seq: Number(match[1]), hash: match[2] }
}

const showProgress = (file: string, done: number, files: number): void =>
  void process.stderr.write(`\r\u001b[Kverifying ${file} (${done + 1} of ${files})`)

function say(dataDir: string, result: Verified, output: Output): void {
  if (!result.ok) {
    const { file, message } = result.fault
    const where = file === '' ? printable(dataDir) : `${printable(dataDir)}/journal/${file}`
    output.data(`${output.style('red', 'does not hold')}: ${where}: ${message}`)
    return
  }
  const { files, readings, events, head, epoch, origin, removed } = result
  const pruned = removed === 0 ? '' : `, ${removed} records removed by retention`
  output.data(
    `${output.style('green', 'holds')}: ${readings} readings and ${events} events in ${files} file(s)${pruned}\n` +
      `epoch ${epoch}, origin ${origin}\nhead ${head.seq} sha256:${head.hash}`,
  )
}
