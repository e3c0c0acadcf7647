// A thread that examines one damaged file, at low priority, tells the result and ends. Decides nothing.

import os from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '#core/assert.ts'
import { examine } from './examine.ts'
import type { DamagedFile } from './store-error.ts'
import { systemDisk } from './system-disk.ts'

assert(parentPort !== null, 'examine-worker.ts runs as a worker thread')
try {
  // On Linux this lowers the priority of the calling thread only.
  os.setPriority(0, os.constants.priority.PRIORITY_LOW)
} catch {
  // Not permitted: it is examined at normal priority.
}
const { directory, damaged } = workerData as { directory: string; damaged: DamagedFile }
parentPort.postMessage(examine(systemDisk, directory, damaged))
