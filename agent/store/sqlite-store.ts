// The store behind its port: hands requests to the journal's thread and gives back what it answers.
// It keeps no data; it never waits for the disk itself, and never tries a failed write again.

import { Worker } from 'node:worker_threads'
import { assert, InvariantError } from '#core/assert.ts'
import type { Origin } from '#core/point.ts'
import type { Stream } from '#core/record.ts'
import type { Instant } from '#core/time.ts'
import type { Log } from '#ports/log.ts'
import type {
  BatchQuery,
  Commit,
  EarlierFile,
  FileLoss,
  Head,
  Recovered,
  Removal,
  Salvaged,
  Store,
  StreamBatch,
} from '#ports/store.ts'
import { examineInThread } from './examine-thread.ts'
import { Examiner } from './examiner.ts'
import { journalDirectory } from './journal.ts'
import { LOST_ROW } from './losses.ts'
import { Packer } from './pack.ts'
import type { Answer, Earlier, ErrorMessage, Request, Response, UnsealedFile } from './protocol.ts'
import { PRUNED_ROW, removalOf } from './pruning.ts'
import type { PackedBatch } from './reader.ts'
import { Salvager } from './salvager.ts'
import { Sealer } from './sealer.ts'
import { StoreError } from './store-error.ts'

/** Requests waiting for the disk; a pause of the disk that outlasts this many is a failure. */
export const REQUESTS_MAX = 4096
const SEAL_DELAY_MS = 30_000
/** Without limits the thread's heap grows to 150 MB of garbage; what it needs is under 40, and what is new dies with its commit. */
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 384 }

export interface StoreOptions {
  /** Directory of everything the agent writes; made where it is missing. */
  readonly dataDir: string
  /** A directory that ever held the one origin never takes the other (URS-69). */
  readonly origin: Origin
  readonly log: Log
  /** Wall clock, ms UTC. */
  readonly wall: () => number
  /** Makes the epoch (a ULID) of a journal that does not exist yet. */
  readonly newEpoch: () => string
  /** Both clocks and the boot, for the first record of a journal that replaces a damaged one. */
  readonly now?: () => Instant
  readonly bootId?: string
  /** Quota of one journal file in bytes; commits fail with `full` beyond. Default: none. */
  readonly fileBytesMax?: number
  /** Records after which a new file begins whatever the clock says. Default: 20 million. */
  readonly segmentRecordsMax?: number
  /** Time after a start or a handover before a file left behind is sealed, in ms. Default: 30 s. */
  readonly sealDelayMs?: number
}

interface Waiting {
  /** A failed write: the end of this store. */
  readonly write: boolean
  resolve(answer: Answer): void
  reject(error: Error): void
}

type Message = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never

const toError = ({ kind, message, pid, damaged }: ErrorMessage): Error =>
  kind === 'bug' ? new InvariantError(message) : new StoreError(kind, message, { pid, damaged })

const unpackBatch = ({ text, ...batch }: PackedBatch): StreamBatch => ({
  ...batch,
  records: text.split('\n'),
})

type Ready = Extract<Response, { kind: 'ready' }>

/** The journal's thread as seen from outside: requests by number, answered in order. */
class SqliteStore implements Store {
  readonly recovered: Recovered
  readonly #worker: Worker
  readonly #packer = new Packer()
  readonly #waiting = new Map<number, Waiting>()
  readonly #sealer: Sealer
  readonly #salvager: Salvager
  #tellUnreadable: ((words: string) => void) | undefined
  readonly #examiner: Examiner
  /** The row of what was removed, as it was prepared last. */
  #pruned: string | undefined
  #nextId = 1
  #nextFirst: number
  #failure: Error | undefined
  #closing: Promise<void> | undefined

  constructor(worker: Worker, { recovered, missing }: Ready, options: StoreOptions) {
    this.#worker = worker
    this.#salvager = new Salvager(options.dataDir, recovered)
    this.#examiner = new Examiner({
      examine: examineInThread(journalDirectory(options.dataDir), options.log),
      row: recovered.state.get(LOST_ROW),
      log: options.log,
    })
    for (const damaged of missing) this.#examiner.offer(damaged)
    this.#pruned = recovered.state.get(PRUNED_ROW)
    this.recovered = recovered
    this.#nextFirst = recovered.head.seq + 1
    this.#sealer = new Sealer({
      log: options.log,
      delayMs: options.sealDelayMs ?? SEAL_DELAY_MS,
      release: async ({ ordinal }) => {
        await this.#request({ kind: 'release', ordinal })
      },
      note: async ({ ordinal }, sha256, bytes) => {
        const wall = options.wall()
        await this.#request({ kind: 'sealed', ordinal, sha256, bytes, wall })
      },
    })
  }

  async commit(commit: Commit): Promise<Head> {
    this.#assertOpen()
    assert(
      commit.first === this.#nextFirst,
      `commit begins at ${commit.first}, the journal goes on at ${this.#nextFirst}`,
    )
    const packed = this.#packer.pack(commit)
    this.#nextFirst += packed.count
    // not awaited: a function that waits for the disk would keep the records alive meanwhile
    return this.#request({ kind: 'commit', commit: packed }, [packed.buffer]) as Promise<Head>
  }

  async batches(query: BatchQuery): Promise<readonly StreamBatch[]> {
    const batches: StreamBatch[] = []
    try {
      for (let { after } = query; ; ) {
        const wanted = query.batches - batches.length
        const asked = { ...query, after, batches: wanted }
        const packed = (await this.#request({
          kind: 'batches',
          query: asked,
        })) as readonly PackedBatch[]
        batches.push(...packed.filter(({ text }) => text !== '').map(unpackBatch))
        const last = packed.at(-1)
        if (last?.text !== '') return batches
        after = last.last
      }
    } catch (thrown) {
      if (thrown instanceof StoreError) this.#unread(thrown)
      throw thrown
    }
  }

  async count(stream: Stream, after: number): Promise<number> {
    return (await this.#request({ kind: 'count', stream, after })) as number
  }

  /** An earlier file is examined and read around; the one that is written is examined by the next start. */
  #unread({ kind, damaged, message }: StoreError): void {
    if (damaged !== undefined) this.#examiner.offer(damaged)
    else if (kind === 'corrupt' || kind === 'io') this.#tellUnreadable?.(message)
  }

  onUnreadable(tell: (words: string) => void): void {
    this.#tellUnreadable = tell
  }

  onLoss(tell: (loss: FileLoss) => void): void {
    this.#examiner.onLoss(tell)
  }

  earlier(): Promise<Earlier> {
    return this.#request({ kind: 'earlier' }) as Promise<Earlier>
  }

  removal(file: EarlierFile, why: string): Removal {
    const removal = removalOf(this.#pruned, file, why)
    this.#pruned = JSON.stringify(removal.rows.get(PRUNED_ROW))
    return removal
  }

  salvage(): Promise<readonly Salvaged[] | undefined> {
    return this.#salvager.salvage()
  }

  /** Ends the thread after what was asked before; safe to call twice and after a failure. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([this.#sealer.stop(), this.#salvager.stop(), this.#examiner.stop()])
    const exited = new Promise<void>((resolve) => void this.#worker.once('exit', () => resolve()))
    try {
      await this.#request({ kind: 'close' })
    } catch {
      // The journal failed before; its handles are given up with the thread.
      await this.#worker.terminate()
      return
    }
    this.#failure = new StoreError('closed', 'the store is closed; open it again')
    await exited
  }

  #assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #request(message: Message, transfer: readonly ArrayBuffer[] = []): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#waiting.size >= REQUESTS_MAX) {
      const text = `${REQUESTS_MAX} requests wait for the disk; it has stopped answering`
      const error = new StoreError('overload', text)
      // A commit that was not handed over leaves a hole in the sequence: nothing may follow it.
      if (message.kind === 'commit') this.#failure = error
      return Promise.reject(error)
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { write: message.kind === 'commit', resolve, reject })
      this.#worker.postMessage({ ...message, id }, [...transfer])
    })
  }

  /** Takes what the thread says. */
  receive(response: Response, log: Log): void {
    switch (response.kind) {
      case 'done':
        return this.#settle(response.id)?.resolve(response.answer)
      case 'failed':
        return this.#reject(response.id, toError(response.error))
      case 'unsealed':
        return this.#sealer.offer(response.unsealed)
      case 'log':
        return log[response.level](response.event, response.fields)
      case 'ready':
      case 'refused':
        return
    }
  }

  /** Files left behind at the start. */
  offer(unsealed: readonly UnsealedFile[]): void {
    this.#sealer.offer(unsealed)
  }

  /** The thread has ended or cannot go on: everything waiting fails, and everything after. */
  fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.values()) reject(this.#failure)
    this.#waiting.clear()
  }

  #reject(id: number, error: Error): void {
    const waiting = this.#settle(id)
    if (waiting?.write === true) this.#failure ??= error
    waiting?.reject(error)
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }
}

/**
 * Opens the journal of a data directory, or begins one. Rejects with StoreError: `locked` (another instance, exit
 * 75), `origin`, `version` (of SQLite), `full`, `io`. A journal whose newest file is damaged or of another version is set
 * aside, and a new epoch begins (`recovered.quarantined`). A commit that rejects is the end of this store (fail-stop).
 */
export function openStore(options: StoreOptions): Promise<Store> {
  const { dataDir, origin, log, wall, newEpoch, segmentRecordsMax, fileBytesMax } = options
  const pagesMax = fileBytesMax === undefined ? undefined : Math.floor(fileBytesMax / 4096)
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'journal',
    resourceLimits: HEAP_LIMITS,
    execArgv: [],
    workerData: {
      dataDir,
      origin,
      wall: wall(),
      newEpoch: newEpoch(),
      mono: options.now?.().mono,
      bootId: options.bootId,
      segmentRecordsMax,
      pagesMax,
    },
  })
  return new Promise((resolve, reject) => {
    let store: SqliteStore | undefined
    const fail = (error: Error): void => {
      store?.fail(error)
      reject(error)
    }
    worker.on('message', (response: Response) => {
      if (response.kind === 'refused') return fail(toError(response.error))
      if (response.kind === 'ready') {
        store = new SqliteStore(worker, response, options)
        store.offer(response.unsealed)
        return resolve(store)
      }
      if (store !== undefined) return store.receive(response, log)
      if (response.kind === 'log') log[response.level](response.event, response.fields)
    })
    worker.on('error', (thrown) => {
      fail(thrown instanceof Error ? thrown : new Error(String(thrown)))
    })
    worker.on('exit', () => fail(new StoreError('closed', 'the thread of the journal has ended')))
  })
}
