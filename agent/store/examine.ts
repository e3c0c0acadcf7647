// Finds what of a damaged earlier file can still be sent: every record that can be read and has the check that was written down
// with it. It changes nothing of what it reads. What is not proven is lost, in each stream that it may have belonged to.

import path from 'node:path'
import type { Stream } from '#core/record.ts'
import type { SeqRange } from '#ports/store.ts'
import { CarefulReader } from './careful-reader.ts'
import { attempt } from './damage.ts'
import type { Disk } from './disk.ts'
import { type LostOfFile, Ranges, united } from './losses.ts'
import { openForReading } from './segment.ts'
import type { DamagedFile } from './store-error.ts'

/** What was found of a file. */
export interface Examined {
  readonly file: string
  readonly missing: boolean
  /** Records that can be sent. */
  readonly readings: number
  readonly events: number
  readonly lost: LostOfFile
}

/** Walks the records of a file; too many holes to be named one by one end the walk. */
function walk(
  reader: CarefulReader,
  { from, through }: DamagedFile,
): Pick<Examined, 'readings' | 'events' | 'lost'> {
  const lost: Record<Stream, Ranges> = { readings: new Ranges(), event: new Ranges() }
  const kept: Record<Stream, number> = { readings: 0, event: 0 }
  for (let seq = from; seq <= through; seq++) {
    const full = lost.readings.full || lost.event.full
    const proof = reader.record(seq)
    if (proof.kind === 'proven') {
      kept[proof.stream]++
      continue
    }
    const end = full ? through : seq
    if (proof.stream !== 'event' || full) lost.readings.add(seq, end)
    if (proof.stream !== 'readings' || full) lost.event.add(seq, end)
    if (full) break
  }
  const ranges = { readings: lost.readings.ranges, event: lost.event.ranges }
  return { readings: kept.readings, events: kept.event, lost: ranges }
}

/** Examines an earlier file; a file that is no database any more, or is not there, has lost everything. */
export function examine(disk: Disk, directory: string, damaged: DamagedFile): Examined {
  const { file, from, through, unproven = [] } = damaged
  const full = path.join(directory, file)
  const missing = disk.size(full) === undefined
  const whole: SeqRange[] = [[from, through]]
  const nothing = { file, readings: 0, events: 0, lost: { readings: whole, event: whole } }
  const db = missing ? undefined : attempt(() => openForReading(disk, full))
  if (db === undefined) return { ...nothing, missing }
  try {
    const walked = attempt(() => walk(new CarefulReader(db), damaged))
    if (walked === undefined) return { ...nothing, missing }
    // What could not be proven once is not sent, even where it can be now.
    const { readings, event } = walked.lost
    const lost = { readings: united(readings, unproven), event: united(event, unproven) }
    return { file, missing, ...walked, lost }
  } finally {
    attempt(() => db.close())
  }
}
