// Where a demo keeps what it throws away, and that it is thrown away: at its end, at a second Ctrl-C, and at the start of the next
// demo after one that was killed. Removes nothing that another user made or a running demo has.

import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { MINUTE } from '#core/time.ts'
import { systemDisk } from '../store/system-disk.ts'

const PREFIX = 'cleanroom-demo-'
/** Held as long as the demo runs; the kernel lets go of it however that ends. */
const LOCK = 'demo.lock'
/** A directory without a lock may be about to get one. */
const UNLOCKED_MS_MAX = MINUTE

export interface DemoDirectory {
  readonly data: string
  /** Where serial lines appear. */
  readonly line: string
  /** Safe to call twice, and at the exit of the process. */
  remove(): void
}

/** Removes what dead demos left, and makes a directory for one that begins. */
export function demoDirectory(temporary: string = tmpdir()): DemoDirectory {
  for (const name of readdirSync(temporary))
    if (name.startsWith(PREFIX)) removeDead(path.join(temporary, name))
  const own = mkdtempSync(path.join(temporary, PREFIX))
  const held = systemDisk.lock(path.join(own, LOCK))
  const [data, line] = [path.join(own, 'data'), path.join(own, 'line')]
  mkdirSync(data)
  mkdirSync(line)
  const remove = (): void => {
    process.off('exit', remove)
    if (held !== 'held') held.release()
    removeAll(own)
  }
  process.on('exit', remove)
  return { data, line, remove }
}

function removeDead(directory: string): void {
  try {
    const { uid, mtimeMs } = lstatSync(directory)
    if (uid !== process.getuid?.()) return
    if (!readdirSync(directory).includes(LOCK) && Date.now() - mtimeMs < UNLOCKED_MS_MAX) return
    const lock = systemDisk.lock(path.join(directory, LOCK))
    if (lock === 'held') return
    lock.release()
  } catch {
    return
  }
  removeAll(directory)
}

/** What cannot be removed now is tried again at the next start. */
function removeAll(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    // The disk may be out of order, or somebody still writes there.
  }
}
