// Whether the time service of the machine says that the wall clock can be believed. Looks at marks only; sets nothing, and
// tells "nobody says" from "known to be wrong", because only the latter refuses signed commands.

import { existsSync } from 'node:fs'
import type { ClockTrust } from '#ports/commands.ts'

/** Left by the time service once it has set the clock since boot (systemd-timesyncd, chrony's helper). */
const SYNCHRONISED_MARKS = ['/run/systemd/timesync/synchronized', '/run/chrony/synchronized']

/** There while systemd-timesyncd runs: it would leave its mark once it had set the clock. */
const WATCHED_BY = '/run/systemd/timesync'

/** What the marks say now; `exists` is the file system's unless a test gives its own. */
export function systemClockTrust(exists: (path: string) => boolean = existsSync): ClockTrust {
  if (SYNCHRONISED_MARKS.some((mark) => exists(mark))) return 'synchronised'
  return exists(WATCHED_BY) ? 'unsynchronised' : 'unknown'
}
