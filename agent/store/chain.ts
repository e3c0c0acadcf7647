// The hash chain over commits: what exactly is hashed, so that a file proves itself (URS-46).
// It prints and hashes; it never reads a file.

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What a commit says about itself; part of what is hashed. */
export interface CommitHeader {
  readonly first: number
  readonly last: number
  readonly wall: number
  readonly mono: number
  readonly boot: string
  readonly tb: number
}

/** The head of an empty chain: commits to the epoch and the origin of the data (URS-69). */
export const genesisHash = (epoch: string, origin: string): Buffer =>
  createHash('sha256').update(`cleanroom journal 1\n${epoch}\n${origin}\n`).digest()

/** SHA-256(previous ‖ header line ‖ record lines). `lines` are the records' lines, one after another. */
export function commitHash(previous: Uint8Array, header: CommitHeader, lines: string): Buffer {
  const { first, last, wall, mono, boot, tb } = header
  return createHash('sha256')
    .update(previous)
    .update(`${JSON.stringify([first, last, wall, mono, boot, tb])}\n`)
    .update(lines)
    .digest()
}

/** The line of a reading: as published, and its raw registers in hexadecimal. */
export const readingLine = (printed: string, raw: Buffer | null | undefined): string =>
  raw === null || raw === undefined ? `${printed}\n` : `${printed}\t${raw.toString('hex')}\n`

/** The line of an event: as published. */
export const eventLine = (printed: string): string => `${printed}\n`

/** CRC-32 of a line: not a proof, but it tells which record of a commit was altered. */
export const lineCheck = (line: string): number => crc32(line)
