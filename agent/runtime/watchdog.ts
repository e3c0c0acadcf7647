// No task dies silently (URS-63): a poll loop or a commit without progress for half a minute ends the process with a reason,
// and a stretch in which the process itself stood still is recorded, so that nobody blames an instrument for it.

import type { Instant, Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'

const LOOK_MS: Millis = 500
/** A look this much late means that the process stood still: paused, starved, or blocked (faults.md HO10, HO12). */
export const STALL_MS: Millis = 1000
/** Without progress for this long, a task is dead; longer than any pause of a disk or timeout of a bus. */
export const DEAD_MS: Millis = 30_000

/** What a task owes: progress since this monotonic moment; infinite when it owes none. */
export interface Progress {
  readonly task: string
  readonly dueMono: Millis
}

export interface WatchdogOptions {
  readonly clock: Clock
  readonly log: Log
  readonly tasks: () => readonly Progress[]
  /** Told of a stretch in which the process stood still, from the last look to this one. */
  readonly stalled: (from: Instant, to: Instant) => void
  /** The process cannot go on: a task is dead. */
  readonly failed: (error: Error) => void
}

/** Looks twice a second until it is stopped or a task is dead. */
export class Watchdog {
  readonly #options: WatchdogOptions
  #cancel: (() => void) | undefined
  #last: Instant
  /** Time in which nobody could make progress: it counts for no task. */
  #pardonedSince: Millis

  constructor(options: WatchdogOptions) {
    this.#options = options
    this.#last = options.clock.now()
    this.#pardonedSince = this.#last.mono
  }

  start(): void {
    const { clock } = this.#options
    this.#last = clock.now()
    this.#arm()
  }

  stop(): void {
    this.#cancel?.()
  }

  /**
   * Looks whether the process stood still since the last look, whoever comes first after it: what follows from the time that passed is
   * not to be drawn before this is known.
   */
  notice(): void {
    const now = this.#options.clock.now()
    const late = now.mono - this.#last.mono - LOOK_MS
    if (late <= STALL_MS) return
    const before = this.#last
    this.#last = now
    this.#pardonedSince = now.mono
    this.#options.log.warn('stalled', { ms: Math.round(late) })
    this.#options.stalled(before, now)
  }

  #arm(): void {
    const { clock } = this.#options
    this.#cancel = clock.at(this.#last.mono + LOOK_MS, () => this.#look())
  }

  #look(): void {
    const { clock, log, tasks, failed } = this.#options
    this.notice()
    const now = clock.now()
    this.#last = now
    for (const { task, dueMono } of tasks()) {
      const ms = now.mono - Math.max(dueMono, this.#pardonedSince)
      if (ms <= DEAD_MS) continue
      const words = `${task} has made no progress for ${Math.round(ms / 1000)} s`
      log.error('task_dead', { task, ms: Math.round(ms) })
      return failed(new Error(words))
    }
    this.#arm()
  }
}
