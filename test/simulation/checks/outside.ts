// What shows outside the agent: alarms in time (A2), holes only where the broker or the consumer lost something (D4), connection
// attempts within bounds (S2), and a time base that follows the wall clock (S5).

import type { Agent } from '../../../agent/runtime/agent.ts'
import type { AccountListener, Hole, StreamName } from '../account.ts'
import type { Broker } from '../broker.ts'
import type { Consumer } from '../consumer.ts'
import { Gone } from '../gone.ts'
import type { Line } from '../line.ts'
import type { Process } from '../machine.ts'
import type { Timeline } from '../timeline.ts'

/** An alarm on record is with a listening consumer within this time, whatever else waits (goal: p99 2 s). */
const TOLD_WITHIN_MS = 10_000
/** A stepped wall clock shows in the time base after this long at the latest. */
const FOLLOWED_WITHIN_MS = 40_000
/** Most connection attempts within ten minutes: back-off to a minute, quick ones after each session that lasted. */
const ATTEMPTS_MAX = 150
const ATTEMPTS_WITHIN_MS = 600_000
const STEP_MS = 520
/** A record that was set aside is said so within this time after those behind it arrived. */
const SAID_WITHIN_MS = 15_000
/** What is only tried again is not missing for so long. */
const STANDS_MS = 15_000

export interface OutsideOptions {
  readonly timeline: Timeline
  readonly broker: Broker
  readonly consumer: () => Consumer
  readonly lines: readonly Line[]
  /** Whether the file no longer has the point of an alarm, so that its topic is empty. */
  readonly gone: (alarm: string) => boolean
  readonly broken: (invariant: string, words: string) => void
  /** Whether a stream has a record between two numbers that is none of these. */
  readonly has: AccountListener['has']
}

export class OutsideChecks {
  readonly #options: OutsideOptions
  #offSince: number | undefined
  /** Records that the agent has said were refused. */
  readonly rejected = new Gone()

  constructor(options: OutsideOptions) {
    this.#options = options
  }

  /** A2: an occurrence that is on record since now. */
  activated(alarm: string, seq: number, process: Process | undefined): void {
    const { timeline, broker, consumer, broken, gone } = this.#options
    if (process === undefined) return
    timeline.after(TOLD_WITHIN_MS, () => {
      const since = timeline.now - TOLD_WITHIN_MS
      const heard = broker.openSince < since && consumer().hearsSince < since
      if (gone(alarm)) return
      if (!heard || !process.alive || process.lastStopped > since - 1000) return
      const payload = consumer().account.retained.get(`alarm/${alarm}`)
      const told = payload === undefined ? 0 : (JSON.parse(payload) as { seq?: number }).seq
      if (told !== undefined && told < seq)
        broken('A2', `${alarm} (record ${seq}) was not told within ${TOLD_WITHIN_MS / 1000} s`)
    })
  }

  /** Numbers mean other records from now on. */
  epochBegan(): void {
    this.rejected.clear()
    this.#options.broker.lost.clear()
  }

  sweep(agent: Agent, process: Process): void {
    const { broker, consumer, broken, lines, timeline } = this.#options
    // what waits of another epoch is not asked for any more
    const known = consumer().account.epoch === agent.loop.state.epoch
    for (const stream of known ? (['readings', 'event'] as const) : []) {
      const hole = consumer().account.stream(stream).hole()
      if (hole !== undefined) this.#explain(stream, hole, process)
    }
    this.#checkBase(agent, process)
    for (const [what, attempts] of [
      ['broker', broker.connects],
      ...lines.map((line) => [line.bus.id, line.connects] as const),
    ] as const) {
      // they stand in order of time
      const nth = attempts.at(-1 - ATTEMPTS_MAX)
      if (nth !== undefined && nth > timeline.now - ATTEMPTS_WITHIN_MS)
        broken('S2', `more than ${ATTEMPTS_MAX} connection attempts to ${what} within ten minutes`)
    }
  }

  /**
   * A hole is there because the broker lost all that is missing, or because it refused it and that was said, or a file has lost it. What was
   * refused is tried again at first, and what the broker hangs up on is looked for over several sessions: what of a hole has
   * stood for a while in one session counts, if it is still not explained some time later, whether a replay has filled it meanwhile or not. A process
   * that is dead or stopped says nothing, while the broker takes its session for open until the keep-alive is over: it has all that time anew.
   * So has it after a refusal, with longer and longer pauses; and what is kept for a consumer that is away is not missing.
   */
  #explain(stream: StreamName, hole: Hole, process: Process): void {
    const { timeline, broker, consumer, broken } = this.#options
    const session = broker.openSince
    if (!Number.isFinite(session) || this.#isExplained(stream, hole)) return
    const since = timeline.now
    const { agents } = process
    const could = () =>
      broker.openSince === session &&
      broker.refusedAt < since &&
      consumer().hearsSince <= since &&
      process.alive &&
      process.agents === agents &&
      process.lastStopped < since
    timeline.after(STANDS_MS, () => {
      const now = consumer().account.stream(stream).hole()
      if (now?.from !== hole.from || !could()) return
      const { from } = hole
      const to = Math.min(hole.to, now.to)
      timeline.after(SAID_WITHIN_MS, () => {
        if (!could() || this.#isExplained(stream, { from, to })) return
        broken('D4', `the consumer misses ${stream} from ${from} to ${to}, and nothing lost them`)
      })
    })
  }

  #isExplained(stream: StreamName, { from, to }: Hole): boolean {
    const { broker, consumer, has } = this.#options
    const { account } = consumer()
    const { through } = account.stream(stream)
    for (const gone of [broker.lost, this.rejected]) gone.forget(stream, through)
    const gone = [...broker.lost.of(stream), ...this.rejected.of(stream), ...account.lost]
    return !has(stream, from, to, gone)
  }

  #checkBase(agent: Agent, { boot }: Process): void {
    const { timeline, broken } = this.#options
    const mono = boot.mono(timeline.now)
    const off = Math.abs(boot.wall(mono) - (mono + agent.loop.base.offsetMs))
    if (off <= STEP_MS) this.#offSince = undefined
    else this.#offSince ??= timeline.now
    if (this.#offSince !== undefined && timeline.now - this.#offSince > FOLLOWED_WITHIN_MS)
      broken(
        'S5',
        `the time base is ${off.toFixed(0)} ms off the wall clock for ${Math.round((timeline.now - this.#offSince) / 1000)} s`,
      )
  }

  /** The process was stopped or started: nothing could be followed. */
  excuse(): void {
    this.#offSince = undefined
  }
}
