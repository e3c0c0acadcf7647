// A thread that seals one journal file at low priority, tells the result and ends.

import os from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '#core/assert.ts'
import { sealFile } from './seal.ts'
import { systemDisk } from './system-disk.ts'

assert(parentPort !== null, 'seal-worker.ts runs as a worker thread')
try {
  // On Linux this lowers the priority of the calling thread only.
  os.setPriority(0, os.constants.priority.PRIORITY_LOW)
} catch {
  // Not permitted: it is sealed at normal priority.
}
parentPort.postMessage(sealFile(systemDisk, String((workerData as { file: string }).file)))
