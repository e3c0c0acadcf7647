// What `status` says and when its figures are fresh: backlog counted by the store, the rest asked of the runtime at the
// moment of printing. It never makes a birth wait for the store.

import { STREAMS, type Stream } from '#core/record.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import { type Identity, type StatusSnapshot, statusPayload } from './payload.ts'

export interface StatusTellerOptions {
  readonly identity: Identity
  readonly epoch: string
  readonly clock: Clock
  readonly log: Log
  readonly store: Pick<Store, 'count'>
  readonly snapshot: () => StatusSnapshot
  readonly cursor: (stream: Stream) => number
}

export class StatusTeller {
  readonly #options: StatusTellerOptions
  #backlog: Record<Stream, number> | undefined
  #counting: Promise<void> | undefined

  constructor(options: StatusTellerOptions) {
    this.#options = options
  }

  /** Counts the backlog anew; one count at a time, and a store that cannot count keeps the last figures. */
  count(): Promise<void> {
    this.#counting ??= this.#countNow().finally(() => {
      this.#counting = undefined
    })
    return this.#counting
  }

  /** The status as of now. */
  text(online: boolean, reason: string): string {
    const { identity, epoch, clock, snapshot, cursor } = this.#options
    const now = snapshot()
    const rough = (stream: Stream) => Math.max(0, now.through - cursor(stream))
    const backlog = this.#backlog ?? { readings: rough('readings'), event: rough('event') }
    return statusPayload(identity, now, { online, reason, ts: clock.now().wall, epoch, backlog })
  }

  async #countNow(): Promise<void> {
    const { store, cursor, log } = this.#options
    try {
      const [readings = 0, event = 0] = await Promise.all(
        STREAMS.map((stream) => store.count(stream, cursor(stream))),
      )
      this.#backlog = { readings, event }
    } catch (error) {
      log.error('uplink_backlog_unknown', { error: String(error) })
    }
  }
}
