// How the agent before has ended, as far as it matters to the one that starts: cleanly or not, and until when it may have sent
// requests whose replies are still on their way. Pure.

import type { Instant, Millis } from '#core/time.ts'
import type { PreviousEnd, QuarantinedUnit } from '#ports/driver.ts'
import type { Recovered, Store } from '#ports/store.ts'

/** The state row `run`, written at every start and stop. */
interface RunRow {
  readonly clean?: unknown
  readonly quarantined?: readonly QuarantinedUnit[]
}

const rowOf = (row: string | undefined): RunRow =>
  row === undefined ? {} : (JSON.parse(row) as RunRow)

/** Whether a `run` row tells of a stop that was written down. */
export const isClean = (row: string | undefined): boolean => rowOf(row).clean === true

/** The `run` row of a clean stop. */
export const cleanRun = (quarantined: readonly QuarantinedUnit[] = []): object =>
  quarantined.length === 0 ? { clean: true } : { clean: true, quarantined }

/**
 * What the agent before has left on lines without transaction ids (URS-10). After an end without a stop it may have sent until the
 * moment of the start, since between the last commit and a kill it may have asked anything. That the last commit is of another boot
 * says no more: one that ran from memory may have come after it, and left nothing on record. After a stop only the units count that
 * were quarantined then; a stop that is read from a disk that is out of order now may not have been the last end.
 */
export function previousEnd(
  store: Pick<Store, 'volatile' | 'recovered'>,
  at: Instant,
  bootId: string,
): PreviousEnd {
  const { recovered } = store
  const nothing = Number.NEGATIVE_INFINITY
  const run = rowOf(recovered.state.get('run'))
  const isDoubtful =
    store.volatile === true || recovered.lost !== undefined || recovered.quarantined !== undefined
  if (!isDoubtful && recovered.created) return { sentUntilMono: nothing, quarantined: [] }
  if (isDoubtful || run.clean !== true) return { sentUntilMono: at.mono, quarantined: [] }
  const passedMs = isOtherBoot(recovered, bootId) ? at.mono : sinceLastCommit(recovered, at)
  const quarantined = (run.quarantined ?? [])
    .map(({ line, unitId, leftMs }) => ({ line, unitId, leftMs: leftMs - passedMs }))
    .filter(({ leftMs }) => leftMs > 0)
  return { sentUntilMono: nothing, quarantined }
}

/** A boot that cannot be told is none that is known to be over (runtime/system-clock.ts). */
const isOtherBoot = ({ lastCommit }: Recovered, bootId: string): boolean =>
  lastCommit !== undefined &&
  bootId !== 'unknown' &&
  lastCommit.bootId !== 'unknown' &&
  lastCommit.bootId !== bootId

/** Within one boot; nothing where the monotonic clock says that it is another one after all. */
const sinceLastCommit = ({ lastCommit }: Recovered, at: Instant): Millis =>
  Math.max(0, at.mono - (lastCommit?.at.mono ?? at.mono))
