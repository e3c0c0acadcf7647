// The gateway box of the simulation: boots with their clocks, and the one process that runs on it. Decides when something
// reaches the process: nothing does once it is dead, and everything waits while it is stopped (SIGSTOP, a paused VM).

import type { Clock } from '#ports/clock.ts'
import type { Timeline } from './timeline.ts'

/** True time 0 in wall time: 2025-11-22T10:15:00Z. */
export const WALL_ZERO = 1_763_806_500_000

/** One boot of the machine: its monotonic clock, and how its wall clock stands. */
export class Boot {
  readonly id: string
  readonly #timeline: Timeline
  readonly #since: number
  readonly #rate: number
  readonly #monoZero: number
  /** Wall minus monotonic. */
  #offset: number

  constructor(timeline: Timeline, id: string, driftPpm: number, wallErrorMs: number) {
    this.#timeline = timeline
    this.id = id
    this.#since = timeline.now
    this.#rate = 1 + driftPpm / 1e6
    this.#monoZero = 3000
    this.#offset = WALL_ZERO + timeline.now + wallErrorMs - this.#monoZero
  }

  mono(trueMs: number): number {
    return this.#monoZero + (trueMs - this.#since) * this.#rate
  }

  /** True time of a monotonic reading of this boot. */
  trueTime(mono: number): number {
    return this.#since + (mono - this.#monoZero) / this.#rate
  }

  wall(mono: number): number {
    return Math.floor(mono + this.#offset)
  }

  /** How far the wall clock is ahead of true time. */
  get wallErrorMs(): number {
    const now = this.#timeline.now
    return this.mono(now) + this.#offset - (WALL_ZERO + now)
  }

  stepWall(ms: number): void {
    this.#offset += ms
  }
}

/** One life of the agent's process. */
export class Process {
  readonly boot: Boot
  readonly #timeline: Timeline
  alive = true
  /** Agents that it has begun: another one follows where a disk came back. */
  agents = 0
  #stoppedUntil = Number.NEGATIVE_INFINITY
  readonly startedAt: number

  constructor(timeline: Timeline, boot: Boot) {
    this.#timeline = timeline
    this.boot = boot
    this.startedAt = timeline.now
  }

  /** Hands something to the process now, or when it runs again. Never once it is dead. */
  post(call: () => void): void {
    if (!this.alive) return
    if (this.#timeline.now < this.#stoppedUntil) {
      this.#timeline.at(this.#stoppedUntil, () => this.post(call))
      return
    }
    call()
  }

  /** As post, after a time. */
  postAfter(ms: number, call: () => void): () => void {
    return this.#timeline.after(ms, () => this.post(call))
  }

  /** True time until which it was last stopped. */
  get lastStopped(): number {
    return this.#stoppedUntil
  }

  get stopped(): boolean {
    return this.#timeline.now < this.#stoppedUntil
  }

  stopFor(ms: number): void {
    this.#stoppedUntil = Math.max(this.#stoppedUntil, this.#timeline.now + ms)
  }

  kill(): void {
    this.alive = false
  }

  clock(): Clock {
    const { boot } = this
    let least = 0
    const mono = (): number => {
      least = Math.max(least, boot.mono(this.#timeline.now))
      return least
    }
    return {
      bootId: boot.id,
      now: () => {
        const now = mono()
        return { mono: now, wall: boot.wall(now) }
      },
      at: (due, call) => {
        let cancelled = false
        const cancel = this.#timeline.at(boot.trueTime(due), () =>
          this.post(() => {
            if (cancelled) return
            least = Math.max(least, due)
            call()
          }),
        )
        return () => {
          cancelled = true
          cancel()
        }
      },
    }
  }
}
