// When damaged earlier files are examined: one at a time, each in a thread of its own, once something was to be read of it.
// It puts the loss into words and rows; that they are committed, and the file read around, is up to its caller.

import { Worker } from 'node:worker_threads'
import type { Log } from '#ports/log.ts'
import type { FileLoss } from '#ports/store.ts'
import type { Examined } from './examine.ts'
import { countIn, covers, LOST_ROW, type Losses, parseLosses, united, withLoss } from './losses.ts'
import type { DamagedFile } from './store-error.ts'

const HEAP_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 }
/** Ranges that an event names one by one. */
const RANGES_NAMED_MAX = 100

export interface ExaminerOptions {
  readonly directory: string
  /** The row `store/lost` as it was recovered. */
  readonly row: string | undefined
  readonly log: Log
}

/** Examines in the background. */
export class Examiner {
  readonly #options: ExaminerOptions
  readonly #queue = new Map<string, DamagedFile>()
  #losses: Losses
  #tell: ((loss: FileLoss) => void) | undefined
  #worker: Worker | undefined
  #stopped = false

  constructor(options: ExaminerOptions) {
    this.#options = options
    this.#losses = parseLosses(options.row)
  }

  /** Who writes down what was lost. */
  onLoss(tell: (loss: FileLoss) => void): void {
    this.#tell = tell
    this.#next()
  }

  /** A file that could not be read; known ones are examined once at a time. */
  offer(damaged: DamagedFile): void {
    this.#queue.set(damaged.file, damaged)
    this.#next()
  }

  #next(): void {
    if (this.#stopped || this.#tell === undefined || this.#worker !== undefined) return
    const [damaged] = this.#queue.values()
    if (damaged === undefined) return
    const { directory, log } = this.#options
    const worker = new Worker(new URL('./examine-worker.ts', import.meta.url), {
      name: 'examine',
      resourceLimits: HEAP_LIMITS,
      execArgv: [],
      workerData: { directory, damaged },
    })
    this.#worker = worker
    let examined: Examined | undefined
    worker.on('message', (message: Examined) => {
      examined = message
    })
    worker.on('error', (thrown) => {
      log.error('store_examination_failed', { file: damaged.file, cause: String(thrown) })
    })
    worker.on('exit', () => {
      this.#worker = undefined
      this.#queue.delete(damaged.file)
      if (this.#stopped) return
      if (examined !== undefined) this.#found(damaged, examined)
      this.#next()
    })
  }

  #found(damaged: DamagedFile, examined: Examined): void {
    const { file, from, through, found } = damaged
    const { missing, lost, readings, events } = examined
    const all = united(lost.readings, lost.event)
    // Also a file that lost nothing is told, once: it is read record by record from then on.
    if (covers(this.#losses.get(file), lost)) {
      this.#options.log.warn('store_file_nothing_lost', { file, found })
      return
    }
    this.#losses = withLoss(this.#losses, file, lost)
    this.#tell?.({
      ...{ file, missing, found, from, through, readings, events },
      lost: all.slice(0, RANGES_NAMED_MAX),
      ranges: all.length,
      lostRecords: Math.min(countIn(all), through - from + 1),
      rows: new Map([[LOST_ROW, Object.fromEntries(this.#losses)]]),
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#worker?.terminate()
  }
}
