// The store's thread in virtual time: requests one after another, each with the latency of a disk, over what is durable
// (`Platter`). A commit counts only once its promise resolved; a process that dies before may find it there or not.

import { InvariantError } from '#core/assert.ts'
import type { Stream } from '#core/record.ts'
import { silentLog } from '#ports/log.ts'
import type {
  BatchQuery,
  Commit,
  EarlierFile,
  FileLoss,
  Head,
  Recovered,
  Removal,
  Salvaged,
  SeqRange,
  Store,
  StreamBatch,
} from '#ports/store.ts'
import type { Examined } from '../../agent/store/examine.ts'
import { Examiner } from '../../agent/store/examiner.ts'
import type { Journal } from '../../agent/store/journal.ts'
import { LOST_ROW } from '../../agent/store/losses.ts'
import { SALVAGED_ROW, toldSalvages } from '../../agent/store/quarantine.ts'
import type { SalvageResult } from '../../agent/store/salvage.ts'
import { type DamagedFile, StoreError, toStoreError } from '../../agent/store/store-error.ts'
import type { Dice } from './dice.ts'
import type { Process } from './machine.ts'
import type { FaultRates } from './scenario.ts'
import { type DiskFault, diskRefuses } from './survival.ts'
import type { Timeline } from './timeline.ts'

/** What is durable, as one process has opened it. */
export interface Platter {
  readonly recovered: Recovered
  commit(commit: Commit): Head
  batches(query: BatchQuery): readonly StreamBatch[]
  count(stream: Stream, after: number): number
  close(): void
  /** Where there are files: sealing, and what retention asks for. */
  readonly files?: PlatterFiles
  /** This opening found or made another epoch than the one before. */
  readonly aside?: Aside
}

/** A journal that was set aside, as it is read by who knows nothing of the store's code, and what the new one begins with. */
export interface Aside {
  /** Its epoch, the end of its chain and its state, where they can be read. */
  readonly epoch: string | undefined
  readonly head: number | undefined
  readonly hash: string | undefined
  readonly state: ReadonlyMap<string, string> | undefined
  /** Sequence number with which its newest file began, and its end, as they were. */
  readonly from: number
  /** Records that the new epoch begins with. */
  readonly events: readonly string[]
}

export interface PlatterFiles {
  /** Seals the oldest file that is written no more; false when there was none. */
  seal(): boolean
  earlier(): ReturnType<Journal['earlier']>
  removal(file: EarlierFile, why: string): Removal
  /** Earlier files that are not there and that nothing is told of. */
  missing(): readonly DamagedFile[]
  /** What can still be had of a damaged one. */
  examine(damaged: DamagedFile): Examined
  /** What can be got out of a journal that was set aside. */
  salvage(directory: string): SalvageResult
}

/** A disk that outlives processes. */
export interface SimulatedDisk {
  readonly epoch: string
  /** Writes are refused so, and openings. */
  fault: DiskFault | undefined
  /** What can be read of it while it takes no writes; undefined where there never was a journal. */
  lastKnown(): Recovered | undefined
  /** Opens what is durable for a new process; throws `MachineGone` when a planned end comes in the middle. */
  open(): Platter
  /** Rows up to here are confirmed by every consumer. */
  purge(stream: Stream, through: number): void
  processDied(): void
  losePower(): void
  /** Plans the end of process or machine after so many more operations, where the disk has operations. */
  goAfter(operations: number): void
  /** Some sectors of a file at rest become something else by themselves, where there are files. */
  rot(dice: Dice): void
  /** The same in the file that is written. */
  hotRot(dice: Dice): void
  /** The lines that were got out of a journal set aside. */
  salvaged(directory: string): readonly string[]
  /** That has befallen it in the present epoch. */
  readonly isRotten: boolean
  /** Whether a stream has a durable record between two numbers, beside those that are lost. */
  holds(
    stream: Stream,
    between: readonly [after: number, through: number],
    lost: readonly SeqRange[],
  ): boolean
}

export interface StoreHooks {
  submitted(commit: Commit): void
  acknowledged(commit: Commit, head: Head): void
  /** The machine went in the middle of a write: nothing of this process goes on. */
  died(): void
}

export interface SimulatedStoreOptions {
  readonly platter: Platter
  readonly process: Process
  readonly timeline: Timeline
  readonly dice: Dice
  readonly faults: () => FaultRates
  readonly hooks: StoreHooks
  readonly seen: (what: string) => void
}

/** Thrown by a platter when the machine goes in the middle of an operation. */
export class MachineGone extends Error {}

interface Job {
  readonly work: () => unknown
  readonly write: boolean
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

const JOBS_MAX = 4096
const SEAL_MS = 30_000
/** How long a damaged file is looked at, on average. */
const EXAMINATION_MS = 3000
const SALVAGE_MS = 3000

export class SimulatedStore implements Store {
  readonly recovered: Recovered
  readonly earlier?: NonNullable<Store['earlier']>
  readonly removal?: NonNullable<Store['removal']>
  readonly onLoss?: NonNullable<Store['onLoss']>
  readonly salvage?: NonNullable<Store['salvage']>
  readonly #examiner: Examiner | undefined
  readonly #options: SimulatedStoreOptions
  #jobs: Job[] = []
  #busy = false
  #failure: Error | undefined
  /** Every operation takes this long until then: an eMMC that pauses. */
  slowUntil = Number.NEGATIVE_INFINITY
  slowMs = 0
  failNext = false

  constructor(options: SimulatedStoreOptions) {
    this.#options = options
    this.recovered = options.platter.recovered
    const { files } = options.platter
    if (files === undefined) return
    this.earlier = () => this.#ask(false, () => files.earlier())
    this.removal = (file, why) => files.removal(file, why)
    const examiner = new Examiner({
      ...{ row: this.recovered.state.get(LOST_ROW), log: silentLog },
      examine: (damaged) => ({ done: this.#examine(files, damaged), stop: async () => {} }),
    })
    this.#examiner = examiner
    this.onLoss = (tell: (loss: FileLoss) => void) => examiner.onLoss(tell)
    for (const damaged of files.missing()) examiner.offer(damaged)
    this.salvage = () => this.#salvage(files)
    this.#sealLater(files)
  }

  /** As the thread that salvages does it, a while after the start. */
  async #salvage(files: PlatterFiles): Promise<readonly Salvaged[] | undefined> {
    const { process, dice } = this.#options
    const { unsalvaged = [], state } = this.recovered
    let told = toldSalvages(state.get(SALVAGED_ROW))
    const all: Salvaged[] = []
    for (const directory of unsalvaged) {
      await new Promise<void>((resolve) => process.postAfter(dice.about(SALVAGE_MS), resolve))
      try {
        const result = await this.#ask(false, () => files.salvage(directory))
        told = [...told, directory]
        all.push({ ...result, directory, rows: new Map([[SALVAGED_ROW, told]]) })
      } catch (thrown) {
        if (this.#failure !== undefined) return undefined
        const none = { directory, readings: 0, events: 0, lost: [], lostRecords: 0 }
        all.push({ ...none, skipped: String(thrown), rows: new Map() })
      }
    }
    return all
  }

  /** As the thread that examines does it: beside everything else, and never told to a process that is dead. */
  #examine(files: PlatterFiles, damaged: DamagedFile): Promise<Examined> {
    const { process, dice } = this.#options
    const takesMs = dice.about(EXAMINATION_MS)
    return new Promise((resolve) => {
      process.postAfter(takesMs, () => resolve(files.examine(damaged)))
    })
  }

  commit(commit: Commit): Promise<Head> {
    const { platter, hooks } = this.#options
    hooks.submitted(commit)
    const done = this.#ask<Head>(true, () => platter.commit(commit))
    return done.then((head) => {
      hooks.acknowledged(commit, head)
      return head
    })
  }

  async batches(query: BatchQuery): Promise<readonly StreamBatch[]> {
    try {
      return await this.#ask(false, () => this.#options.platter.batches(query))
    } catch (thrown) {
      if (thrown instanceof StoreError && thrown.damaged !== undefined)
        this.#examiner?.offer(thrown.damaged)
      throw thrown
    }
  }

  count(stream: Stream, after: number): Promise<number> {
    return this.#ask(false, () => this.#options.platter.count(stream, after))
  }

  /** Looks for files to seal every half minute, where the agent seals half a minute after a file was left. */
  #sealLater(files: PlatterFiles): void {
    const { process } = this.#options
    process.postAfter(SEAL_MS, () => {
      if (this.#failure !== undefined) return
      this.#ask(false, () => files.seal()).catch(() => {})
      this.#sealLater(files)
    })
  }

  async close(): Promise<void> {
    await this.#examiner?.stop()
    await this.#ask(false, () => this.#options.platter.close())
    this.#failure ??= new Error('closed')
  }

  #ask<T>(write: boolean, work: () => T): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#jobs.length >= JOBS_MAX)
      return Promise.reject(new Error('the disk stopped answering'))
    return new Promise<T>((resolve, reject) => {
      this.#jobs.push({ work, write, resolve: resolve as (value: never) => void, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#busy) return
    const job = this.#jobs.shift()
    if (job === undefined) return
    this.#busy = true
    const { timeline, dice } = this.#options
    const slow = timeline.now < this.slowUntil ? this.slowMs : 0
    timeline.after((job.write ? dice.between(0.3, 4) : 0.3) + slow, () => this.#run(job))
  }

  #run(job: Job): void {
    const { process, timeline, dice, hooks, seen } = this.#options
    if (!process.alive) return
    const failing = this.failNext && job.write
    let answer: unknown
    let error: Error | undefined
    try {
      if (!failing || dice.chance(0.5)) answer = job.work()
    } catch (thrown) {
      if (thrown instanceof MachineGone) return hooks.died()
      error = asTold(thrown)
    }
    if (failing) {
      seen('disk failed')
      error = diskRefuses('EIO')
    }
    timeline.after(dice.between(0.1, 2), () => {
      this.#busy = false
      if (error !== undefined && job.write) this.#failure ??= error
      process.post(() => (error === undefined ? job.resolve(answer as never) : job.reject(error)))
      this.#next()
    })
  }
}

/** As the store's thread tells what was thrown in it. */
function asTold(thrown: unknown): Error {
  const error = toStoreError(thrown, 'the journal')
  if (error instanceof StoreError) return error
  return new InvariantError(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
