// One silence of the horn: whose, until when, and of what. It runs on the monotonic clock and goes on while the agent is away; it
// covers what sounded when it began, never what comes after. Decides nothing about who may.

import type { Actor } from '#core/input.ts'
import type { Instant, Millis } from '#core/time.ts'
import { dueAt, resumeTimer, type Timer, timerFrom } from '#core/timer.ts'

/** A silence as remembered. */
export interface SilenceRow {
  readonly by: Actor
  /** Wall ms, for people. */
  readonly until: Millis
  readonly timer: Timer
  readonly keys: readonly string[]
}

export class Silence {
  readonly by: Actor
  readonly until: Millis
  readonly #timer: Timer
  #keys: ReadonlySet<string>

  private constructor({ by, until, timer, keys }: SilenceRow) {
    this.by = by
    this.until = until
    this.#timer = timer
    this.#keys = new Set(keys)
  }

  static begin(
    {
      by,
      forMs,
      keys,
    }: { readonly by: Actor; readonly forMs: Millis; readonly keys: Iterable<string> },
    at: Instant,
  ): Silence {
    const until = Math.round(at.wall) + forMs
    return new Silence({ by, until, timer: timerFrom(forMs, at), keys: [...keys] })
  }

  /** A silence of an earlier life, what ran meanwhile taken off. */
  static resume(row: SilenceRow, last: Parameters<typeof resumeTimer>[1], at: Instant): Silence {
    return new Silence({ ...row, timer: resumeTimer(row.timer, last, at) })
  }

  get keys(): ReadonlySet<string> {
    return this.#keys
  }

  get endsMono(): Millis {
    return dueAt(this.#timer)
  }

  get row(): SilenceRow {
    return { by: this.by, until: this.until, timer: this.#timer, keys: [...this.#keys] }
  }

  /** Only what is still loud stays silenced: what was acknowledged meanwhile and rises again is heard. */
  keep(loud: ReadonlySet<string>): void {
    this.#keys = new Set([...this.#keys].filter((key) => loud.has(key)))
  }
}
