// When damaged earlier files are examined: one at a time, beside everything else, once something was to be read of it.
// It puts the loss into words and rows; that they are committed, and the file read around, is up to its caller.

import type { Log } from '#ports/log.ts'
import type { FileLoss } from '#ports/store.ts'
import type { Examined } from './examine.ts'
import { countIn, covers, LOST_ROW, type Losses, parseLosses, united, withLoss } from './losses.ts'
import type { DamagedFile } from './store-error.ts'

/** Ranges that an event names one by one. */
const RANGES_NAMED_MAX = 100

/** One examination that is under way. */
export interface Examination {
  /** What was found; undefined where the file could not be examined. */
  readonly done: Promise<Examined | undefined>
  /** Gives it up. */
  stop(): Promise<unknown>
}

export interface ExaminerOptions {
  readonly examine: (damaged: DamagedFile) => Examination
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
  #running: Examination | undefined
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
    if (this.#stopped || this.#tell === undefined || this.#running !== undefined) return
    const [damaged] = this.#queue.values()
    if (damaged === undefined) return
    this.#running = this.#options.examine(damaged)
    void this.#running.done.then((examined) => {
      this.#running = undefined
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
    await this.#running?.stop()
  }
}
