// A clock that only moves when told: timers fire in order of their deadlines, promises settle in between.

import type { Clock } from '#ports/clock.ts'

interface Timer {
  readonly due: number
  readonly order: number
  readonly call: () => void
}

export interface VirtualClock extends Clock {
  /** Lets this much monotonic time pass, firing timers on the way and letting promises settle between them. */
  advance(ms: number): Promise<void>
  /** Steps the wall clock, as a time service or a person would. */
  stepWall(ms: number): void
  readonly timers: number
}

/** Lets everything that is already promised happen. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export function virtualClock(
  wall = 1_763_806_500_000,
  mono = 5000,
  bootId = 'boot-1',
): VirtualClock {
  let now = mono
  let offset = wall - mono
  let count = 0
  const timers = new Set<Timer>()
  const earliest = (): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) {
      if (
        first === undefined ||
        timer.due < first.due ||
        (timer.due === first.due && timer.order < first.order)
      ) {
        first = timer
      }
    }
    return first
  }
  return {
    bootId,
    now: () => ({ wall: now + offset, mono: now }),
    at: (due, call) => {
      const timer = { due, call, order: count++ }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    stepWall: (ms) => {
      offset += ms
    },
    get timers() {
      return timers.size
    },
    advance: async (ms) => {
      const end = now + ms
      await settle()
      for (let next = earliest(); next !== undefined && next.due <= end; next = earliest()) {
        timers.delete(next)
        now = Math.max(now, next.due)
        next.call()
        await settle()
      }
      now = end
    },
  }
}

const STEPS_MAX = 400_000

/** Lets time pass, in steps, until a promise is kept. */
export async function passUntil<Result>(
  clock: VirtualClock,
  promise: Promise<Result>,
  stepMs: number,
): Promise<Result> {
  let result: { readonly value: Result } | undefined
  let failure: { readonly error: unknown } | undefined
  promise.then(
    (value) => {
      result = { value }
    },
    (error: unknown) => {
      failure = { error }
    },
  )
  for (let step = 0; result === undefined; step++) {
    if (failure !== undefined) throw failure.error
    if (step > STEPS_MAX) throw new Error('what was promised does not come')
    await clock.advance(stepMs)
  }
  return result.value
}
