// Ranges of a stream to be sent again: asked for by a consumer (`cmd/replay/{user}`), or because a named consumer never
// confirmed them. One at a time, in the lowest lane, a bounded queue; moves no cursor of the stream.

import type { OutboxVerdict } from '#core/outbox.ts'
import type { Stream } from '#core/record.ts'
import type { ReplayReply } from './payload.ts'
import type { StreamLane, StreamLaneOptions } from './stream-lane.ts'

export const REPLAYS_MAX = 8

export interface ReplayJob {
  readonly stream: Stream
  readonly from: number
  readonly to: number
  /** Who asked, and the id of the command; absent where the uplink itself sends again. */
  readonly asked?: { readonly user: string; readonly id: string }
}

type LaneOf = (
  part: Pick<StreamLaneOptions, 'stream' | 'cursor' | 'through' | 'replay' | 'verdict'>,
) => StreamLane

export interface ReplaysOptions {
  readonly lane: LaneOf
  readonly reply: (user: string, reply: Omit<ReplayReply, 'ts'>) => void
}

export class Replays {
  readonly #options: ReplaysOptions
  readonly #queue: ReplayJob[] = []
  #current: { job: ReplayJob; lane: StreamLane; records: number; failed?: string } | undefined

  constructor(options: ReplaysOptions) {
    this.#options = options
  }

  /** Queues a job; says in words why not. */
  add(job: ReplayJob): string | undefined {
    const known = [this.#current?.job, ...this.#queue]
    if (job.asked !== undefined && known.some((other) => other?.asked?.id === job.asked?.id)) {
      return undefined
    }
    if (job.asked === undefined && known.some((other) => isOwn(other, job.stream))) return undefined
    if (this.#queue.length >= REPLAYS_MAX) {
      return `${REPLAYS_MAX} replays are waiting already; ask again when one is done`
    }
    this.#queue.push(job)
    return undefined
  }

  /** Everything of the stream up to here is confirmed: what the uplink sends again by itself is not needed further. */
  confirmed(stream: Stream, through: number): void {
    const current = this.#current
    if (current !== undefined && isOwn(current.job, stream) && current.job.to <= through) {
      current.lane.close()
      this.#current = undefined
    }
  }

  /** The lane to send from, if there is something to send; finishes what is done. */
  lane(): StreamLane | undefined {
    for (;;) {
      this.#begin()
      const current = this.#current
      if (current === undefined) return undefined
      if (current.failed === undefined && !current.lane.idle) return current.lane
      this.#finish(current.job, current.records, current.failed)
      current.lane.close()
      this.#current = undefined
    }
  }

  /** A message of the current job was delivered. */
  delivered(lane: StreamLane, records: number): void {
    if (this.#current?.lane === lane) this.#current.records += records
  }

  get current(): StreamLane | undefined {
    return this.#current?.lane
  }

  #begin(): void {
    if (this.#current !== undefined) return
    const job = this.#queue.shift()
    if (job === undefined) return
    const verdict = (given: OutboxVerdict) => this.#judge(given)
    const { stream, from, to } = job
    const cursor = Math.max(0, from - 1)
    const lane = this.#options.lane({ stream, cursor, through: to, replay: true, verdict })
    this.#current = { job, lane, records: 0 }
  }

  #judge(verdict: OutboxVerdict): void {
    const current = this.#current
    if (current === undefined) return
    if (verdict.kind === 'unheard' && verdict.active) {
      current.failed = `nobody subscribes to ${current.job.stream}; subscribe first, then ask`
    } else if (verdict.kind === 'held') {
      current.failed = `the broker refuses ${current.job.stream} messages`
    }
  }

  #finish({ asked }: ReplayJob, records: number, failed: string | undefined): void {
    if (asked === undefined) return
    const { user, id } = asked
    this.#options.reply(
      user,
      failed === undefined
        ? { id, ok: true, code: 'done', records }
        : { id, ok: false, code: 'invalid', detail: failed, records },
    )
  }
}

const isOwn = (job: ReplayJob | undefined, stream: Stream): boolean =>
  job !== undefined && job.asked === undefined && job.stream === stream
