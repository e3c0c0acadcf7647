// The machine's clocks: CLOCK_MONOTONIC (counts from boot, so it compares across processes of one boot) and UTC.

import { readFileSync } from 'node:fs'
import type { Clock } from '#ports/clock.ts'
import { Deadlines } from './deadlines.ts'

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
  const deadlines = new Deadlines(monoMs)
  const at: Clock['at'] = (deadline, call) => deadlines.at(deadline, call)
  return { now, at, precisely, bootId: readBootId() }
}

/** Timers are up to a millisecond late (and early): the last bit of a precise wait is spent looking at the clock. */
const SPIN_MS = 1.2
/** Longer waits are slept in parts: setTimeout takes no more. */
const SLEEP_MS_MAX = 2 ** 31 - 1

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
  const sleep = Math.min(Math.floor(deadline - monoMs() - SPIN_MS), SLEEP_MS_MAX)
  const timer = sleep >= 1 ? setTimeout(look, sleep) : undefined
  if (timer === undefined) setImmediate(look)
  return () => {
    over = true
    clearTimeout(timer)
  }
}
