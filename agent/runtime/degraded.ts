// An agent that outlives its disk: where the store cannot be opened, it runs from memory, looks at the disk every half
// minute, and begins anew with the store as soon as it is good again. It decides between the two; it knows neither's parts.

import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'

/** Why an agent stops that another one follows at once in the same process. */
export const COME_BACK = 'disk_good_again'
const PROBE_MS: Millis = 30_000

/** A running agent, as far as it matters here. */
export interface Life {
  stop(reason: string): Promise<void>
}

export interface DegradableOptions<Running extends Life, Volatile extends Store> {
  readonly clock: Clock
  readonly log: Log
  readonly openStore: () => Promise<Store>
  /** The store in memory to run with after this error, the one before where there was one; rethrows what is no matter of the disk. */
  readonly openVolatile: (error: unknown, before?: Volatile) => Volatile
  /** Writes down in a store that was opened again what was not kept meanwhile. */
  readonly recordGap: (store: Store, volatile: Volatile) => Promise<Store>
  /** Starts the agent on a store, which it closes when it is stopped or cannot start. */
  readonly begin: (store: Store) => Promise<Running>
  /** Whether the disk takes writes and has room. */
  readonly probe: () => Promise<boolean>
  /** Something the process cannot go on after. */
  readonly failed: (error: Error) => void
}

/** The agent, whichever it runs on. */
export class Degradable<Running extends Life, Volatile extends Store> {
  readonly #options: DegradableOptions<Running, Volatile>
  #running: Running
  #volatile: Volatile | undefined
  #cancel: (() => void) | undefined
  #moving: Promise<void> = Promise.resolve()
  #stopped = false

  private constructor(
    options: DegradableOptions<Running, Volatile>,
    running: Running,
    volatile: Volatile | undefined,
  ) {
    this.#options = options
    this.#running = running
    this.#volatile = volatile
    if (volatile !== undefined) this.#armProbe()
  }

  /** Starts on the store, or in memory where the disk is out of order. Rejects with what forbids a start. */
  static async start<Running extends Life, Volatile extends Store>(
    options: DegradableOptions<Running, Volatile>,
  ): Promise<Degradable<Running, Volatile>> {
    let store: Store
    try {
      store = await options.openStore()
    } catch (error) {
      const volatile = options.openVolatile(error)
      options.log.error('degraded', { cause: error instanceof Error ? error.message : `${error}` })
      return new Degradable(options, await options.begin(volatile), volatile)
    }
    return new Degradable(options, await options.begin(store), undefined)
  }

  /** The agent that runs now; another one after the disk came back. */
  get running(): Running {
    return this.#running
  }

  get degraded(): boolean {
    return this.#volatile !== undefined
  }

  async stop(reason: string): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#moving
    await this.#running.stop(reason)
  }

  #armProbe(): void {
    const { clock } = this.#options
    this.#cancel = clock.at(clock.now().mono + PROBE_MS, () => {
      this.#moving = this.#probe().catch((error: unknown) => {
        this.#options.failed(error instanceof Error ? error : new Error(String(error)))
      })
    })
  }

  async #probe(): Promise<void> {
    const { log, probe } = this.#options
    const good = await probe()
    if (this.#stopped) return
    if (!good) {
      log.warn('disk_still_bad')
      return this.#armProbe()
    }
    const volatile = this.#volatile
    if (volatile !== undefined) await this.#comeBack(volatile)
  }

  /** From memory to the store again; back to memory where it cannot be opened after all. */
  async #comeBack(volatile: Volatile): Promise<void> {
    const { log, openStore, recordGap, begin, openVolatile } = this.#options
    log.info('disk_good_again')
    await this.#running.stop(COME_BACK)
    let store: Store
    try {
      store = await openStore()
    } catch (error) {
      log.error('degraded', { cause: error instanceof Error ? error.message : `${error}` })
      this.#running = await begin(openVolatile(error, volatile))
      return this.#armProbe()
    }
    const told = await recordGap(store, volatile)
    this.#volatile = undefined
    this.#running = await begin(told)
  }
}
