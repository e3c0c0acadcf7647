// What the time service of the machine says of the wall clock: chrony and systemd are asked, else the marks they leave are looked at.
// Sets nothing, waits for nobody longer than a moment, and tells "nobody says" from "known to be wrong".

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Millis } from '#core/time.ts'
import type { ClockTrust } from '#ports/commands.ts'

/** What is known of the wall clock, and by whom. */
export interface TimeService {
  readonly trust: ClockTrust
  /** How far the wall clock is off the reference, where the service tells; positive when it runs ahead. */
  readonly offsetMs?: Millis
  /** `chrony`, `systemd`, `mark`, or `nobody`. */
  readonly source: string
}

/** Left by the time service once it has set the clock since boot (systemd-timesyncd, chrony's helper). */
const SYNCHRONISED_MARKS = ['/run/systemd/timesync/synchronized', '/run/chrony/synchronized']

/** There while systemd-timesyncd runs: it would leave its mark once it had set the clock. */
const WATCHED_BY = '/run/systemd/timesync'

/** A program that has not answered by then is left alone. */
const ANSWER_MS: Millis = 2000
const ANSWER_BYTES_MAX = 65_536

/** What the marks say now; `exists` is the file system's unless a test gives its own. */
export function trustByMarks(exists: (path: string) => boolean = existsSync): ClockTrust {
  if (SYNCHRONISED_MARKS.some((mark) => exists(mark))) return 'synchronised'
  return exists(WATCHED_BY) ? 'unsynchronised' : 'unknown'
}

/** Runs a program: what it printed, or undefined where it is missing, failed or took too long. */
export type AskProgram = (program: string, args: readonly string[]) => Promise<string | undefined>

/** Asks chrony, then systemd, then looks at the marks. Never rejects. */
export async function askTimeService(
  ask: AskProgram = runProgram,
  exists?: (path: string) => boolean,
): Promise<TimeService> {
  const tracking = await ask('chronyc', ['-c', 'tracking'])
  const byChrony = tracking === undefined ? undefined : readTracking(tracking)
  if (byChrony !== undefined) return byChrony
  const shown = await ask('timedatectl', ['show', '-p', 'NTP', '-p', 'NTPSynchronized'])
  const bySystemd = shown === undefined ? undefined : readTimedate(shown)
  if (bySystemd !== undefined) return bySystemd
  const trust = trustByMarks(exists)
  return { trust, source: trust === 'unknown' ? 'nobody' : 'mark' }
}

/** Fields of `chronyc -c tracking` from 0: the system clock's offset in s (positive: slow), and the leap status last. */
const OFFSET_FIELD = 4
const LEAP_FIELD = 13

/** What chrony tracks; undefined where the line is none of chrony's. */
function readTracking(line: string): TimeService | undefined {
  const fields = line.trim().split(',')
  const offset = Number(fields[OFFSET_FIELD])
  const leap = fields[LEAP_FIELD]
  if (leap === undefined || !Number.isFinite(offset)) return undefined
  if (leap === 'Not synchronised') return { trust: 'unsynchronised', source: 'chrony' }
  return { trust: 'synchronised', offsetMs: -offset * 1000, source: 'chrony' }
}

/** What systemd knows of the kernel's clock; undefined where no time service of its own runs that would have to say. */
function readTimedate(text: string): TimeService | undefined {
  if (/^NTPSynchronized=yes$/m.test(text)) return { trust: 'synchronised', source: 'systemd' }
  return /^NTP=yes$/m.test(text) ? { trust: 'unsynchronised', source: 'systemd' } : undefined
}

/** Programs that are not installed: they are not looked for again. */
const missing = new Set<string>()

function runProgram(program: string, args: readonly string[]): Promise<string | undefined> {
  if (missing.has(program)) return Promise.resolve(undefined)
  const options = { timeout: ANSWER_MS, maxBuffer: ANSWER_BYTES_MAX, encoding: 'utf8' as const }
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout) => {
      if (error?.code === 'ENOENT') missing.add(program)
      resolve(error === null ? stdout : undefined)
    })
  })
}
