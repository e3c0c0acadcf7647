// When journals set aside are salvaged: one at a time, each in a thread of its own, once it is asked for.
// It decides only when; what cannot be salvaged is kept, and tried again at the next start.

import path from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Recovered, Salvaged } from '#ports/store.ts'
import { SALVAGED_ROW, toldSalvages } from './quarantine.ts'
import type { SalvageResult } from './salvage.ts'

const HEAP_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 64 }

/** Salvages in the background. */
export class Salvager {
  readonly #dataDir: string
  readonly #directories: readonly string[]
  #told: string[]
  #worker: Worker | undefined
  #stopped = false

  constructor(dataDir: string, { unsalvaged = [], state }: Recovered) {
    this.#dataDir = dataDir
    this.#directories = unsalvaged
    this.#told = toldSalvages(state.get(SALVAGED_ROW))
  }

  /** What was got out of each journal; undefined where a stop came before all was done, which the next start does again. */
  async salvage(): Promise<readonly Salvaged[] | undefined> {
    const all: Salvaged[] = []
    for (const directory of this.#directories) {
      const salvaged = await this.#salvageOne(directory)
      if (salvaged === undefined) continue
      this.#told = [...this.#told, directory]
      all.push({ ...salvaged, rows: new Map([[SALVAGED_ROW, this.#told]]) })
    }
    return this.#stopped ? undefined : all
  }

  #salvageOne(directory: string): Promise<SalvageResult | undefined> {
    if (this.#stopped) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const worker = new Worker(new URL('./salvage-worker.ts', import.meta.url), {
        name: 'salvage',
        resourceLimits: HEAP_LIMITS,
        execArgv: [],
        workerData: { directory: path.join(this.#dataDir, directory) },
      })
      this.#worker = worker
      let result: SalvageResult | undefined
      worker.on('message', (message: SalvageResult) => {
        result = { ...message, directory }
      })
      worker.on('error', (thrown) => {
        const none = { directory, readings: 0, events: 0, lost: [], lostRecords: 0 }
        result = { ...none, skipped: `${directory} cannot be salvaged: ${String(thrown)}` }
      })
      worker.on('exit', () => {
        this.#worker = undefined
        resolve(result)
      })
    })
  }

  /** Stops; a salvage under way is given up and done again at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#worker?.terminate()
  }
}
