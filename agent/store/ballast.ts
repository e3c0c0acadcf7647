// A file that takes up room until the room is needed: a full disk refuses even to delete (faults.md fact 3), so what is
// given up in an emergency must have been held before. It decides its size; when to let go is its owner's decision.

import { randomFillSync } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'

const BYTES_MAX = 64 * 1024 * 1024
/** On a small disk, this share of it. */
const SHARE = 1 / 16
const CHUNK_BYTES = 1024 * 1024

/** Bytes of ballast for a file system of this size. */
export const ballastBytes = (totalBytes: number): number =>
  Math.min(BYTES_MAX, Math.floor(totalBytes * SHARE))

export interface Ballast {
  readonly bytes: number
  /** Whether the room is held. */
  held(): boolean
  /** Gives the room up at once; false when it was not held. Never throws. */
  release(): boolean
  /** Takes the room, a megabyte at a time; false when there is none. Never rejects. */
  make(): Promise<boolean>
}

/** The ballast `dataDir/ballast` of a file system of `totalBytes`. */
export function createBallast(dataDir: string, totalBytes: number): Ballast {
  const file = path.join(dataDir, 'ballast')
  const bytes = ballastBytes(totalBytes)
  const remove = (name: string): void => {
    try {
      rmSync(name, { force: true })
    } catch {
      // A file system that is read-only has no room to give.
    }
  }
  const held = (): boolean => statSync(file, { throwIfNoEntry: false })?.size === bytes
  return {
    bytes,
    held,
    release: () => {
      const had = held()
      remove(file)
      return had
    },
    make: async () => {
      try {
        await fill(file, bytes)
        return true
      } catch {
        remove(file)
        return false
      }
    },
  }
}

/** Random bytes, so that no file system packs them. */
async function fill(file: string, bytes: number): Promise<void> {
  const chunk = randomFillSync(Buffer.alloc(CHUNK_BYTES))
  const handle = await open(file, 'w', 0o600)
  try {
    for (let at = 0; at < bytes; at += chunk.length)
      await handle.write(chunk, 0, Math.min(chunk.length, bytes - at), at)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
