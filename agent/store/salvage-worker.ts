// A thread that salvages one journal set aside, at low priority, tells the result and ends. Decides nothing.

import os from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '#core/assert.ts'
import { salvage } from './salvage.ts'
import { systemDisk } from './system-disk.ts'

assert(parentPort !== null, 'salvage-worker.ts runs as a worker thread')
try {
  // On Linux this lowers the priority of the calling thread only.
  os.setPriority(0, os.constants.priority.PRIORITY_LOW)
} catch {
  // Not permitted: it is salvaged at normal priority.
}
parentPort.postMessage(salvage(systemDisk, (workerData as { directory: string }).directory))
