// Keeps one link open: opens, notices that it went, waits (back-off with full jitter), opens afresh. Decides what state
// the link is in, in words; knows nothing of what the bytes mean. A reconnect timer exists at most once.

import { type BackoffLimits, backoffDelay } from '#core/backoff.ts'
import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { LinkState } from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'
import type { Link, OpenLink } from '../link/link.ts'

/** An open that takes longer than this is given up. */
const OPEN_MS_MAX: Millis = 5000
/** How long the next open waits for the system to let go of the link before. */
const RELEASE_MS_MAX: Millis = 5000

export interface ConnectionListener {
  opened(): void
  received(bytes: Uint8Array): void
  /** Something about the link that somebody should look at; it works all the same. */
  remarked?(words: string): void
  /** The link is gone; called once for each `opened`, and for each open that failed. */
  lost(): void
}

export interface ConnectionOptions {
  readonly bus: string
  readonly open: OpenLink
  readonly backoff: BackoffLimits
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly listener: ConnectionListener
  /** Called with each reopening after the first open. */
  readonly onReopen: () => void
}

type Phase = 'opening' | 'open' | 'releasing' | 'waiting' | 'closed'

export class Connection {
  readonly #options: ConnectionOptions
  #phase: Phase = 'waiting'
  #link: Link | undefined
  #state: LinkState = { kind: 'connecting' }
  #listeners: ((state: LinkState) => void)[] = []
  #cancelTimer: (() => void) | undefined
  /** Failed attempts since something was last heard over the link. */
  #attempts = 0
  #opens = 0
  /** Something was heard over the present link. */
  #proved = false
  /** An open alone is taken for `up`: not after a link that opened and closed without having brought anything. */
  #trusted = true
  #lastRemark = ''

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  get state(): LinkState {
    return this.#state
  }

  get isOpen(): boolean {
    return this.#phase === 'open'
  }

  /** The link is being opened (afresh) and has not failed since it last worked: worth waiting a moment for. */
  get isComing(): boolean {
    return (this.#phase === 'opening' || this.#phase === 'releasing') && this.#attempts === 0
  }

  onState(listener: (state: LinkState) => void): void {
    this.#listeners.push(listener)
  }

  start(): void {
    this.#open()
  }

  write(bytes: Uint8Array): void {
    this.#link?.write(bytes)
  }

  flush(done: () => void): void {
    if (this.#link === undefined) done()
    else this.#link.flush(done)
  }

  /** A reply came over the link: it works. */
  proved(): void {
    if (this.#proved) return
    this.#proved = true
    this.#trusted = true
    this.#attempts = 0
    this.#become({ kind: 'up' })
  }

  /** The link is open and of no use: it counts as down until it is proved. Opening it afresh would change nothing. */
  doubt(cause: string): void {
    if (this.#phase !== 'open') return
    this.#proved = false
    this.#trusted = false
    this.#goDown(cause)
  }

  /** Destroys the link and opens a fresh one at once; `down` tells whether the bus counts as down meanwhile. */
  reopen(cause: string, down: boolean): void {
    if (this.#phase !== 'open') return
    this.#options.log.warn('link_reopened', { bus: this.#options.bus, cause })
    if (down) {
      this.#trusted = false
      this.#goDown(cause)
    }
    this.#phase = 'releasing'
    this.#release(() => this.#open())
    this.#options.listener.lost()
  }

  /** Ends the connection for good; resolves when the system let go of the link. */
  async close(): Promise<void> {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const link = this.#link
    this.#link = undefined
    this.#options.listener.lost()
    await link?.destroy()
  }

  #open(): void {
    if (this.#phase === 'closed') return
    const { clock, open, onReopen, listener } = this.#options
    this.#phase = 'opening'
    this.#proved = false
    if (this.#opens++ > 0) onReopen()
    this.#arm(clock.now().mono + OPEN_MS_MAX, () =>
      this.#failed('the link did not open in time; check address, cable and power'),
    )
    this.#link = open({
      opened: () => {
        this.#disarm()
        this.#phase = 'open'
        if (this.#trusted) this.#become({ kind: 'up' })
        listener.opened()
      },
      received: (bytes) => listener.received(bytes),
      remarked: (words) => this.#remark(words),
      closed: (cause) => this.#failed(cause),
    })
  }

  /** Said once, however often the link is opened. */
  #remark(words: string): void {
    if (words === this.#lastRemark) return
    this.#lastRemark = words
    const { bus, log, listener } = this.#options
    log.warn('link_remark', { bus, remark: words })
    listener.remarked?.(words)
  }

  #failed(cause: string): void {
    const { bus, backoff, clock, random, log, listener } = this.#options
    this.#disarm()
    if (this.#phase === 'open') this.#trusted = this.#proved
    this.#phase = 'waiting'
    this.#goDown(cause)
    const waitMs = backoffDelay(backoff, this.#attempts++, random)
    log.debug('link_failed', { bus, cause, waitMs })
    this.#release(() => this.#arm(clock.now().mono + waitMs, () => this.#open()))
    listener.lost()
  }

  /** Lets go of the link, and goes on when the system has, or when it has had time enough. */
  #release(next: () => void): void {
    const link = this.#link
    this.#link = undefined
    let gone = false
    const goOn = () => {
      if (gone || this.#phase === 'closed') return
      gone = true
      this.#disarm()
      next()
    }
    this.#arm(this.#options.clock.now().mono + RELEASE_MS_MAX, goOn)
    void (link?.destroy() ?? Promise.resolve()).then(goOn)
  }

  #goDown(cause: string): void {
    const since = this.#state.kind === 'down' ? this.#state.since : this.#options.clock.now().mono
    if (this.#state.kind === 'down' && this.#state.cause === cause) return
    this.#options.log.warn('link_down', { bus: this.#options.bus, cause })
    this.#become({ kind: 'down', cause, since })
  }

  #become(state: LinkState): void {
    if (state.kind === 'up' && this.#state.kind === 'up') return
    if (state.kind === 'up' && this.#state.kind === 'down') {
      this.#options.log.info('link_up', { bus: this.#options.bus })
    }
    this.#state = state
    for (const listener of this.#listeners) listener(state)
  }

  #arm(mono: Millis, call: () => void): void {
    this.#disarm()
    this.#cancelTimer = this.#options.clock.at(mono, () => {
      this.#cancelTimer = undefined
      call()
    })
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }
}
