// The machine's clocks: CLOCK_MONOTONIC (counts from boot, so it compares across processes of one boot) and UTC.

import { readFileSync } from 'node:fs'
import type { Clock } from '#ports/clock.ts'
import { Deadlines, type Wake } from './deadlines.ts'

/** setTimeout fires after 1 ms for anything above 2³¹−1 ms, so long waits are chunked (faults.md HO17). */
const TIMER_MS_MAX = 2 ** 31 - 1

const wake: Wake = (ms, call) => {
  const timer = setTimeout(call, Math.min(ms, TIMER_MS_MAX))
  return () => clearTimeout(timer)
}

/** CLOCK_MONOTONIC less the process's own monotonic clock, which is cheaper to read and runs alike. */
const sinceBootMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()
const monoMs = (): number => sinceBootMs + performance.now()

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return 'unknown'
  }
}

/** The production clock. */
export function systemClock(): Clock {
  const now = () => ({ wall: Date.now(), mono: monoMs() })
  const deadlines = new Deadlines(monoMs, wake)
  const at: Clock['at'] = (deadline, call) => deadlines.at(deadline, call)
  return { now, at, precisely, bootId: readBootId() }
}

/** Timers are up to a millisecond late (and early): the last bit of a precise wait is spent looking at the clock. */
const SPIN_MS = 1.2

/** Sleeps most of the time, then takes turns of the event loop, which goes on serving everything else, until the moment. */
function precisely(deadline: number, call: () => void): () => void {
  let over = false
  const look = (): void => {
    if (over) return
    if (monoMs() < deadline) setImmediate(look)
    else {
      over = true
      call()
    }
  }
  const sleep = Math.min(Math.floor(deadline - monoMs() - SPIN_MS), TIMER_MS_MAX)
  const timer = sleep >= 1 ? setTimeout(look, sleep) : undefined
  if (timer === undefined) setImmediate(look)
  return () => {
    over = true
    clearTimeout(timer)
  }
}
