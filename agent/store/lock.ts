// One instance per data directory (faults.md HO14). The kernel lets go of the lock when the process ends, however.
// It never breaks a lock. Nothing else in this process may open agent.lock: closing it would drop the lock.

import path from 'node:path'
import type { Disk } from './disk.ts'
import { StoreError } from './store-error.ts'

/** Takes the lock and leaves the process id beside it; returns how to let go. Throws StoreError `locked`. */
export function acquireLock(disk: Disk, dataDir: string, pid: number): () => void {
  const note = path.join(dataDir, 'agent.pid')
  const held = disk.lock(path.join(dataDir, 'agent.lock'))
  if (held === 'held') {
    const holder = Number.parseInt(disk.read(note) ?? '', 10)
    const known = Number.isSafeInteger(holder)
    const who = known ? `process ${holder}` : 'another process'
    throw new StoreError(
      'locked',
      `${dataDir} is in use by ${who}; stop that instance or use another data directory`,
      { pid: known ? holder : undefined },
    )
  }
  disk.write(note, `${pid}\n`)
  return () => held.release()
}
