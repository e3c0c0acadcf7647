// What retention has removed: the row of the state that says so, committed together with the event that tells it, and the unlink that
// follows it. Whatever is unlinked stands in the chain first; whatever stands there is unlinked, at the next start at the latest.

import path from 'node:path'
import type { Log } from '#ports/log.ts'
import type { EarlierFile, Removal, SeqRange } from '#ports/store.ts'
import type { Disk } from './disk.ts'
import type { ClosedSegment } from './segment.ts'

/** State row of what was removed. */
export const PRUNED_ROW = 'store/pruned'
/** Type of the event that names it. */
export const PRUNED_EVENT = 'store.pruned'

/** A removed range of sequence numbers, with the head of the chain at its end in lower-case hex. */
export type Gone = readonly [from: number, through: number, hash: string]

/** The row: everything that was ever removed, neighbours told as one, and the files named last. */
export interface Pruned {
  readonly gone: readonly Gone[]
  readonly files: readonly string[]
}

const NOTHING: Pruned = { gone: [], files: [] }

export const parsePruned = (row: string | null | undefined): Pruned =>
  row === undefined || row === null ? NOTHING : (JSON.parse(row) as Pruned)

export const goneRanges = ({ gone }: Pruned): SeqRange[] =>
  gone.map(([from, through]) => [from, through])

/** Ranges in order, those that follow on one another told as one. */
function joined(gone: readonly Gone[]): Gone[] {
  const all: Gone[] = []
  for (const range of [...gone].sort(([a], [b]) => a - b)) {
    const last = all.at(-1)
    if (last !== undefined && last[1] + 1 === range[0])
      all.splice(-1, 1, [last[0], range[1], range[2]])
    else all.push(range)
  }
  return all
}

/** The event and the rows that remove a file, given the row so far. */
export function removalOf(row: string | undefined, of: EarlierFile, why: string): Removal {
  const { file, from, through, readings, events, bytes, sha256, hash } = of
  const gone = joined([...parsePruned(row).gone, [from, through, hash]])
  const body = { file, from, through, readings, events, bytes, sha256, hash, why, gone }
  const pruned: Pruned = { gone, files: [file] }
  return { type: PRUNED_EVENT, body, rows: new Map([[PRUNED_ROW, pruned]]) }
}

const DAY_MS = 86_400_000

/** End of the UTC day in a file's name, wall ms: no commit of it was stamped later. */
function endOfDay(name: string): number {
  const [, year, month, day] = /-(\d{4})(\d{2})(\d{2})\.db$/.exec(name) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) + DAY_MS
}

/** The files of the register that are sealed, as retention sees them, oldest first. */
export function sealedFiles(closed: readonly ClosedSegment[]): EarlierFile[] {
  let [readings, events] = [0, 0]
  return closed.flatMap(({ name: file, first: from, last: through, sha256, bytes, ...of }) => {
    const counts = { readings: of.readings - readings, events: of.events - events }
    readings = of.readings
    events = of.events
    if (sha256 === null || bytes === null) return []
    const last = { readings: of.lastReading, event: of.lastEvent }
    const hash = Buffer.from(of.hash).toString('hex')
    return [{ file, from, through, ...counts, last, hash, sha256, bytes, until: endOfDay(file) }]
  })
}

/** Unlinks what the row names and is still there; true when anything was. What cannot be is tried at the next start. */
export function unlinkPruned(
  { disk, directory, log }: { disk: Disk; directory: string; log: Log },
  { files }: Pruned,
  closed: readonly ClosedSegment[],
): boolean {
  const known = new Set(sealedFiles(closed).map(({ file }) => file))
  const there = files.filter(
    (name) => known.has(name) && disk.size(path.join(directory, name)) !== undefined,
  )
  try {
    for (const name of there) disk.remove(path.join(directory, name))
    if (there.length > 0) disk.syncDirectory(directory)
    for (const file of there) log.info('store_file_pruned', { file })
    return there.length > 0
  } catch (thrown) {
    log.error('store_file_not_removed', { files: there, cause: String(thrown) })
    return false
  }
}
