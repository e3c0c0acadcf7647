// The head of the chain as it is known outside the journal: a journal that ends before it has lost what was durable once,
// by a disk that lies about fsync or by a file that was put back (faults.md HO3). It tells; openJournal acts on it.

import { open, rename } from 'node:fs/promises'
import path from 'node:path'
import type { Head } from '#ports/store.ts'
import type { Disk } from './disk.ts'

/** The head that was durable at some moment. */
export interface HeadMarker extends Head {
  readonly epoch: string
  /** Wall ms. */
  readonly wall: number
}

const markerFile = (dataDir: string): string => path.join(dataDir, 'head.json')

/** The marker of a data directory; undefined where there is none, or none that can be read. */
export function readHeadMarker(disk: Disk, dataDir: string): HeadMarker | undefined {
  try {
    const { epoch, seq, hash, wall } = JSON.parse(
      disk.read(markerFile(dataDir)) ?? '{}',
    ) as Partial<HeadMarker>
    const whole =
      typeof epoch === 'string' &&
      Number.isSafeInteger(seq) &&
      typeof hash === 'string' &&
      typeof wall === 'number'
    return whole ? { epoch, seq: seq ?? 0, hash, wall } : undefined
  } catch {
    return undefined
  }
}

/** Writes the marker whole and makes it durable, without keeping the event loop. Rejects with what the disk says. */
export async function writeHeadMarker(dataDir: string, marker: HeadMarker): Promise<void> {
  const target = markerFile(dataDir)
  const file = await open(`${target}.tmp`, 'w', 0o640)
  try {
    await file.writeFile(`${JSON.stringify(marker)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${target}.tmp`, target)
  const directory = await open(dataDir, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** How a journal falls short of the marker, in words; undefined where it does not. */
export function shortfall(
  marker: HeadMarker | undefined,
  epoch: string,
  head: Head,
): string | undefined {
  if (marker === undefined || marker.epoch !== epoch) return undefined
  const when = new Date(marker.wall).toISOString()
  if (head.seq < marker.seq)
    return `the journal ends at record ${head.seq}, but at ${when} it ended at ${marker.seq}`
  if (head.seq === marker.seq && head.hash !== marker.hash)
    return `the chain at record ${head.seq} is not the one it was at ${when}`
  return undefined
}
