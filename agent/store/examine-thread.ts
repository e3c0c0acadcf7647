// Examines one damaged file in a thread of its own, so that commits and reads go on meanwhile.

import { Worker } from 'node:worker_threads'
import type { Log } from '#ports/log.ts'
import type { Examined } from './examine.ts'
import type { Examination } from './examiner.ts'
import type { DamagedFile } from './store-error.ts'

const HEAP_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 }

/** Begins to examine files of a directory, each in a thread that ends with it. */
export const examineInThread =
  (directory: string, log: Log) =>
  (damaged: DamagedFile): Examination => {
    const worker = new Worker(new URL('./examine-worker.ts', import.meta.url), {
      name: 'examine',
      resourceLimits: HEAP_LIMITS,
      execArgv: [],
      workerData: { directory, damaged },
    })
    worker.on('error', (thrown) => {
      log.error('store_examination_failed', { file: damaged.file, cause: String(thrown) })
    })
    const done = new Promise<Examined | undefined>((resolve) => {
      worker.on('message', (examined: Examined) => resolve(examined))
      worker.on('exit', () => resolve(undefined))
    })
    return { done, stop: () => worker.terminate() }
  }
