// Which earlier files are removed, and when (URS-52): never, unless the site says for how long records are kept; then one after
// another, the oldest first, each only when it is sealed, delivered, confirmed and old enough by a clock that is trusted. An event
// names each before it goes. It touches no file itself: the store does, once the event is durable.

import { STREAMS } from '#core/record.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { ClockTrust } from '#ports/commands.ts'
import type { Log } from '#ports/log.ts'
import type { EarlierFile, Store } from '#ports/store.ts'
import type { Loop } from './loop.ts'

const FIRST_LOOK_MS: Millis = 60_000
const LOOK_MS: Millis = 3_600_000
/** A clock that was set is believed again, where no time service vouches for it, after so long without another step. */
const AFTER_STEP_MS: Millis = 86_400_000

/** What the configuration in force says. */
export interface RetentionRule {
  /** Records are kept at least this long; absent: for ever. */
  readonly keepMs?: Millis | undefined
  /** Everyone whose confirmation is needed. */
  readonly consumers: readonly string[]
}

export interface RetentionOptions {
  readonly clock: Clock
  readonly log: Log
  readonly store: Pick<Store, 'earlier' | 'removal' | 'recovered'>
  readonly loop: Pick<Loop, 'note' | 'base' | 'state'>
  readonly rule: () => RetentionRule
  readonly clockTrust: () => ClockTrust
}

/** Whether every record of a file was delivered, and confirmed by each named consumer. */
export function isTaken(
  file: EarlierFile,
  rows: ReadonlyMap<string, string>,
  consumers: readonly string[],
): boolean {
  return STREAMS.every((stream) => {
    const marks = [`cursor/${stream}`, ...consumers.map((name) => `confirm/${stream}/${name}`)]
    return marks.every((row) => Number(rows.get(row) ?? 0) >= file.last[stream])
  })
}

/** Looks once an hour, and when room is needed. */
export class Retention {
  readonly #options: RetentionOptions
  #cancel: (() => void) | undefined
  #removing: Promise<unknown> = Promise.resolve()
  #tb: number
  #steppedMono: Millis
  #stopped = false

  constructor(options: RetentionOptions) {
    this.#options = options
    const { store, loop, clock } = options
    this.#tb = loop.base.tb
    // A step found at the start is as young as the start.
    this.#steppedMono =
      store.recovered.tb === loop.base.tb ? Number.NEGATIVE_INFINITY : clock.now().mono
  }

  start(): void {
    this.#arm(FIRST_LOOK_MS)
  }

  /** Looks no more; a removal whose event is committed is finished by the store. */
  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  /** Frees room with the oldest file that everybody has, whatever its age; false where there is none, or everything is kept. */
  reclaim(): Promise<boolean> {
    return this.#exclusively(async () => {
      const { rule } = this.#options
      if (rule().keepMs === undefined) return false
      const [oldest] = await this.#taken()
      return oldest !== undefined && (await this.#remove(oldest, 'room'))
    })
  }

  #arm(afterMs: Millis): void {
    const { clock } = this.#options
    this.#cancel = clock.at(clock.now().mono + afterMs, () => {
      this.#arm(LOOK_MS)
      void this.#exclusively(() => this.#look())
    })
  }

  async #look(): Promise<boolean> {
    const { clock, rule } = this.#options
    const { keepMs } = rule()
    if (!this.#trusted() || keepMs === undefined) return false
    for (const file of await this.#taken()) {
      const old = file.until + keepMs <= clock.now().wall
      if (old && !this.#stopped) await this.#remove(file, 'retention')
    }
    return true
  }

  /** Files that may go as far as delivery is concerned, the oldest first. */
  async #taken(): Promise<readonly EarlierFile[]> {
    const { store, rule } = this.#options
    const found = await store.earlier?.()
    if (found === undefined) return []
    const { consumers } = rule()
    return found.files.filter((file) => isTaken(file, found.rows, consumers))
  }

  async #remove(file: EarlierFile, why: 'retention' | 'room'): Promise<boolean> {
    const { store, loop, log } = this.#options
    const removal = store.removal?.(file, why)
    if (removal === undefined) return false
    await loop.note(removal.type, removal.body, removal.rows)
    log.info('store_file_pruning', { file: file.file, why })
    return true
  }

  #trusted(): boolean {
    const { loop, clock, clockTrust } = this.#options
    const { mono } = clock.now()
    if (loop.base.tb !== this.#tb) {
      this.#tb = loop.base.tb
      this.#steppedMono = mono
    }
    const trust = clockTrust()
    if (loop.state.doubtful || trust === 'unsynchronised') return false
    return trust === 'synchronised' || mono - this.#steppedMono >= AFTER_STEP_MS
  }

  /** One removal at a time; what fails ends with the loop, which has told it. */
  #exclusively(work: () => Promise<boolean>): Promise<boolean> {
    const run = this.#removing.then(() => (this.#stopped ? false : work()))
    const done = run.catch((error: unknown) => {
      this.#options.log.error('retention_failed', { cause: String(error) })
      return false
    })
    this.#removing = done
    return done
  }
}
