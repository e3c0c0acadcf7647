// What the box says about itself: room on its disk.

import { statfsSync } from 'node:fs'

/** Share of the free space that counts; the rest is left to the system. */
const USABLE_SHARE = 0.8

/** Bytes of journal per record, index of the sealed day included (docs/decisions/0003). */
const BYTES_PER_RECORD = 110

/** Room on a file system, in bytes. */
export interface Room {
  /** What an ordinary process may still use. */
  readonly free: number
  readonly total: number
}

/** The room on the disk of a directory. Throws what the system says when it cannot tell. */
export function roomOn(directory: string): Room {
  const { bavail, blocks, bsize } = statfsSync(directory)
  return { free: bavail * bsize, total: blocks * bsize }
}

/** Hours until this room is used up at the given number of records a second (URS-49), whole hours. */
export const hoursOf = ({ free }: Room, recordsPerSecond: number): number =>
  Math.floor((free * USABLE_SHARE) / (Math.max(recordsPerSecond, 0.01) * 3600 * BYTES_PER_RECORD))

/** Hours until the disk is full at the given number of records a second (URS-49), whole hours. */
export const autonomyHours = (dataDir: string, recordsPerSecond: number): number =>
  hoursOf(roomOn(dataDir), recordsPerSecond)
