// What the box says about itself: room on its disk, and whether its clock is synchronised.

import { existsSync, statfsSync } from 'node:fs'

/** Share of the free space that counts; the rest is left to the system. */
const USABLE_SHARE = 0.8

/** Bytes of journal per record, index of the sealed day included (docs/decisions/0003). */
const BYTES_PER_RECORD = 110

/** Hours until the disk is full at the given number of records a second (URS-49), whole hours. */
export function autonomyHours(dataDir: string, recordsPerSecond: number): number {
  const { bavail, bsize } = statfsSync(dataDir)
  const perHour = Math.max(recordsPerSecond, 0.01) * 3600 * BYTES_PER_RECORD
  return Math.floor((bavail * bsize * USABLE_SHARE) / perHour)
}

/** Marks that the time service leaves when it has set the clock since boot (systemd-timesyncd, chrony's helper). */
const SYNCHRONISED_MARKS = ['/run/systemd/timesync/synchronized', '/run/chrony/synchronized']

/** Whether the time service says that the wall clock is synchronised; false also when nothing says so. */
export const clockSynchronised = (): boolean => SYNCHRONISED_MARKS.some((mark) => existsSync(mark))
