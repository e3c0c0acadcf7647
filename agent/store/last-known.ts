// What a disk that takes no writes can still tell: where the journal stopped, its alarms and people. It reads only, from a
// copy elsewhere where SQLite cannot read in place, and gives nothing rather than something that does not parse.

import { copyFileSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Recovered } from '#ports/store.ts'
import { attempt } from './damage.ts'
import type { Disk } from './disk.ts'
import { journalDirectory } from './journal.ts'
import { covering, type FileParts, readParts } from './quarantine.ts'
import { segmentNames } from './segment.ts'

/** A bigger file is not copied to be read. */
const COPY_BYTES_MAX = 256 * 1024 * 1024

/** Whether the directory ever held a journal. */
export function heldJournal(disk: Disk, dataDir: string): boolean {
  const names = attempt(() => segmentNames(disk.list(journalDirectory(dataDir))))
  return names !== undefined && names.length > 0
}

/** What the newest journal file says, as far as it can be read; `newEpoch` stands in where it does not name its own. */
export function readLastKnown(disk: Disk, dataDir: string, newEpoch: string): Recovered {
  const directory = journalDirectory(dataDir)
  const name = attempt(() => segmentNames(disk.list(directory)).at(-1))
  const inPlace = name === undefined ? {} : readParts(disk, directory, name)
  const parts =
    inPlace.state !== undefined || name === undefined ? inPlace : fromCopy(disk, directory, name)
  const { base, end, tail, state = new Map(), coverage } = parts
  const head =
    end === undefined ? undefined : { seq: end.seq, hash: Buffer.from(end.hash).toString('hex') }
  return {
    epoch: base?.epoch ?? newEpoch,
    created: base === undefined,
    head: head ?? { seq: 0, hash: '' },
    tb: tail?.tb ?? 0,
    ...(tail !== undefined && { lastCommit: { at: tail.at, bootId: tail.bootId } }),
    ...covering(state, coverage),
  }
}

function fromCopy(disk: Disk, directory: string, name: string): FileParts {
  const bytes = (disk.size(path.join(directory, name)) ?? 0) + COPY_MARGIN
  const there = attempt(() => statfsSync(os.tmpdir()))
  const room = there === undefined ? 0 : there.bavail * there.bsize
  if (bytes > COPY_BYTES_MAX || room < bytes * 2) return {}
  const copy = attempt(() => mkdtempSync(path.join(os.tmpdir(), 'cleanroom-journal-')))
  if (copy === undefined) return {}
  try {
    for (const suffix of ['', '-wal']) {
      const from = path.join(directory, name + suffix)
      if (disk.size(from) !== undefined) copyFileSync(from, path.join(copy, name + suffix))
    }
    return readParts(disk, copy, name)
  } catch {
    return {}
  } finally {
    attempt(() => rmSync(copy, { recursive: true, force: true }))
  }
}

const COPY_MARGIN = 1024 * 1024
