// The machine's clocks: CLOCK_MONOTONIC (counts from boot, so it compares across processes of one boot) and UTC.

import { readFileSync } from 'node:fs'
import type { Clock } from '#ports/clock.ts'

/** setTimeout fires after 1 ms for anything above 2³¹−1 ms, so long waits are chunked (faults.md HO17). */
const TIMER_MS_MAX = 2 ** 31 - 1

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
  const at = (deadline: number, call: () => void): (() => void) => {
    let timer: NodeJS.Timeout
    const arm = () => {
      const wait = Math.ceil(deadline - monoMs())
      timer = setTimeout(
        () => (monoMs() >= deadline ? call() : arm()),
        Math.min(Math.max(wait, 0), TIMER_MS_MAX),
      )
    }
    arm()
    return () => clearTimeout(timer)
  }
  return { now: () => ({ wall: Date.now(), mono: monoMs() }), at, bootId: readBootId() }
}
