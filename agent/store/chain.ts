// The hash chain over commits: what exactly is hashed, so that a file proves itself (URS-46).
// It prints and hashes; it never reads a file.

import { createHash } from 'node:crypto'

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

/** SHA-256(previous ‖ header line ‖ record lines). `lines` are the records' lines, one after another, in UTF-8. */
export function commitHash(previous: Uint8Array, header: CommitHeader, lines: Uint8Array): Buffer {
  const { first, last, wall, mono, boot, tb } = header
  return createHash('sha256')
    .update(previous)
    .update(`${JSON.stringify([first, last, wall, mono, boot, tb])}\n`)
    .update(lines)
    .digest()
}

/** The line of a reading: as published, and its raw registers in hexadecimal where there are any. */
export const readingLine = (printed: string, rawHex: string | undefined): string =>
  rawHex === undefined ? `${printed}\n` : `${printed}\t${rawHex}\n`

/** The line of an event: as published. */
export const eventLine = (printed: string): string => `${printed}\n`

const FNV_OFFSET = 0x811c_9dc5 | 0
const FNV_PRIME = 0x0100_0193
const LINE_END = 0x0a

/**
 * FNV-1a (32 bits) of each line, little-endian: not a proof, but it tells which record of a commit was altered.
 * Printed records hold no line end, so each line is one record.
 */
export function lineChecks(lines: Uint8Array, count: number): Buffer {
  const checks = Buffer.alloc(count * 4)
  let line = 0
  let check = FNV_OFFSET
  for (let at = 0; at < lines.length; at++) {
    const byte = lines[at] ?? 0
    check = Math.imul(check ^ byte, FNV_PRIME)
    if (byte !== LINE_END) continue
    checks.writeInt32LE(check, line * 4)
    line++
    check = FNV_OFFSET
  }
  return checks
}

/** The check of a single line. */
export const lineCheck = (line: string): number => lineChecks(Buffer.from(line), 1).readUInt32LE()
