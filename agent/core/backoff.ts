// How long to wait before trying again: exponential with full jitter, so that a hundred gateways that lost
// the same broker or converter do not come back in step. Pure: randomness comes in, no timer is set here.

import { assert } from './assert.ts'
import type { Random } from './random.ts'
import type { Millis } from './time.ts'

/** The envelope: the longest possible first wait, and what no wait ever exceeds. */
export interface BackoffLimits {
  readonly firstMsMax: Millis
  readonly msMax: Millis
}

/** Doublings beyond this change nothing (2³⁰ s is over the cap of anybody) and would overflow at some point. */
const DOUBLINGS_MAX = 30

/** The longest wait before the given attempt (0 = the first retry). */
export function backoffCeiling({ firstMsMax, msMax }: BackoffLimits, attempt: number): Millis {
  assert(attempt >= 0 && firstMsMax > 0 && msMax > 0, 'a back-off needs positive limits')
  return Math.min(msMax, firstMsMax * 2 ** Math.min(attempt, DOUBLINGS_MAX))
}

/** The wait before the given attempt (0 = the first retry): uniform between 0 and the ceiling. */
export const backoffDelay = (limits: BackoffLimits, attempt: number, random: Random): Millis =>
  random() * backoffCeiling(limits, attempt)

/** The waits of one outage, one after the other, without end. */
export function* backoffDelays(limits: BackoffLimits, random: Random): Generator<Millis, never> {
  for (let attempt = 0; ; attempt++) yield backoffDelay(limits, attempt, random)
}
