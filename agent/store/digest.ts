// The SHA-256 of a whole file on the machine's disk, read in pieces. Decides nothing.

import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'

const HASH_CHUNK_BYTES = 1024 * 1024

/** SHA-256 of a file in lower-case hex, with its size. */
export function hashFile(file: string): { sha256: string; bytes: number } {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(HASH_CHUNK_BYTES)
  const fd = openSync(file, 'r')
  let bytes = 0
  try {
    for (;;) {
      const read = readSync(fd, chunk, 0, chunk.length, null)
      if (read === 0) return { sha256: hash.digest('hex'), bytes }
      hash.update(chunk.subarray(0, read))
      bytes += read
    }
  } finally {
    closeSync(fd)
  }
}
