// When files left behind are sealed: one at a time, after a pause, each in a thread of its own that then ends.
// It decides only when; a file that cannot be sealed is kept, reported, and tried again at the next start.

import { Worker } from 'node:worker_threads'
import type { Log } from '#ports/log.ts'
import type { SealResult, UnsealedFile } from './protocol.ts'

export interface SealerOptions {
  readonly log: Log
  /** Pause before each file, ms. */
  readonly delayMs: number
  /** Lets go of the file where it is open for reading. */
  release(file: UnsealedFile): Promise<void>
  /** Writes the result down. */
  note(file: UnsealedFile, sha256: string, bytes: number): Promise<void>
}

/** Seals files in the background. */
export class Sealer {
  readonly #options: SealerOptions
  #queue: readonly UnsealedFile[] = []
  readonly #given = new Set<number>()
  #timer: NodeJS.Timeout | undefined
  #worker: Worker | undefined
  #stopped = false

  constructor(options: SealerOptions) {
    this.#options = options
  }

  /** Adds files to be sealed; those known already are left out. */
  offer(files: readonly UnsealedFile[]): void {
    const fresh = files.filter(({ ordinal }) => !this.#given.has(ordinal))
    for (const { ordinal } of fresh) this.#given.add(ordinal)
    this.#queue = [...this.#queue, ...fresh]
    this.#arm()
  }

  #arm(): void {
    if (this.#stopped || this.#worker !== undefined || this.#timer !== undefined) return
    if (this.#queue.length === 0) return
    this.#timer = setTimeout(() => {
      void this.#sealNext()
    }, this.#options.delayMs)
    this.#timer.unref()
  }

  async #sealNext(): Promise<void> {
    const [file, ...rest] = this.#queue
    if (file === undefined) return
    this.#queue = rest
    try {
      await this.#options.release(file)
    } catch {
      return
    }
    this.#timer = undefined
    if (this.#stopped) return
    const worker = new Worker(new URL('./seal-worker.ts', import.meta.url), {
      name: 'seal',
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 },
      execArgv: [],
      workerData: { file: file.file },
    })
    this.#worker = worker
    let result: SealResult = { kind: 'failed', message: 'the sealing thread ended early' }
    worker.on('message', (message: SealResult) => {
      result = message
    })
    worker.on('error', (thrown) => {
      result = { kind: 'failed', message: String(thrown) }
    })
    worker.on('exit', () => {
      this.#worker = undefined
      if (!this.#stopped) void this.#finish(file, result)
    })
  }

  async #finish(file: UnsealedFile, result: SealResult): Promise<void> {
    const { log, note } = this.#options
    if (result.kind === 'sealed') {
      try {
        await note(file, result.sha256, result.bytes)
        log.info('store_file_sealed', { ...file, sha256: result.sha256, bytes: result.bytes })
      } catch (thrown) {
        log.error('store_seal_not_noted', { ...file, cause: String(thrown) })
      }
    } else if (result.kind === 'busy') this.#queue = [...this.#queue, file]
    else log.error('store_seal_failed', { ...file, cause: result.message })
    this.#arm()
  }

  /** Stops; a seal under way is given up and done again at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#worker?.terminate()
  }
}
