// Tells a noisy line from a quiet one by the share of its replies that come damaged: retries hide a poor line, until they do not. Pure;
// what a line means on which nothing sound comes at all is line-health.ts. FB3.

import type { Millis } from '#core/time.ts'
import type { ReadOutcome } from './request.ts'

/** Replies of the last minute are looked at, in steps. */
const STEP_MS: Millis = 5000
const STEPS = 12
/** So many replies have to have come before their share says anything. */
const REPLIES_MIN = 20
/** More is a noisy line; it is quiet again at less than half of that. */
const NOISY_SHARE = 0.1

interface Step {
  readonly number: number
  replies: number
  damaged: number
}

export class LineNoise {
  #steps: Step[] = []
  #cause: string | undefined

  /** What is wrong with the line, in words that stay as they were when it was found; undefined while it is quiet. */
  get cause(): string | undefined {
    return this.#cause
  }

  /** A request has ended; whether that made the line noisy, or quiet again. Silence is no reply. */
  ended(outcome: ReadOutcome['kind'], nowMono: Millis): boolean {
    if (outcome === 'timeout' || outcome === 'disconnected') return false
    const step = this.#stepAt(nowMono)
    step.replies++
    if (outcome !== 'data' && outcome !== 'exception') step.damaged++
    const before = this.#cause
    this.#judge(nowMono)
    return (before === undefined) !== (this.#cause === undefined)
  }

  #stepAt(nowMono: Millis): Step {
    const number = Math.floor(nowMono / STEP_MS)
    const last = this.#steps.at(-1)
    if (last?.number === number) return last
    const step = { number, replies: 0, damaged: 0 }
    this.#steps.push(step)
    return step
  }

  #judge(nowMono: Millis): void {
    this.#forget(Math.floor(nowMono / STEP_MS) - STEPS)
    const replies = sumOf(this.#steps, 'replies')
    if (replies < REPLIES_MIN) return
    const damaged = sumOf(this.#steps, 'damaged')
    const share = damaged / replies
    if (share < NOISY_SHARE / 2) this.#cause = undefined
    else if (share > NOISY_SHARE) this.#cause ??= words(damaged, replies)
  }

  /** A noisy line is judged by its last replies, however old, where fewer come than say anything: else it stayed noisy for good. */
  #forget(through: number): void {
    while ((this.#steps[0]?.number ?? Infinity) <= through) {
      const rest = this.#steps.slice(1)
      if (this.#cause !== undefined && sumOf(rest, 'replies') < REPLIES_MIN) return
      this.#steps = rest
    }
  }
}

const sumOf = (steps: readonly Step[], what: 'replies' | 'damaged'): number =>
  steps.reduce((sum, step) => sum + step[what], 0)

const words = (damaged: number, replies: number): string =>
  `connected, but ${Math.round((100 * damaged) / replies)} % of the replies of the last minute came damaged ` +
  `(${damaged} of ${replies}); check termination, bias and shield, compare speed and parity, and look for another master`
