// What the way out owes, for the watchdog (URS-63): a read that the store never answers, and a stream that has something to send, may
// send it, and does not. It only tells; what has made no progress for too long ends the process (runtime/watchdog.ts).

import type { Millis } from '#core/time.ts'
import type { UplinkTask } from '#ports/uplink.ts'
import type { StreamLane } from './stream-lane.ts'

/** A read over a large damaged file takes minutes; one that takes longer than this never ends. */
const READ_MS_MAX: Millis = 600_000

/** Looks at lanes; asked twice a second. */
export class LaneProgress {
  /** When each stream was first seen stuck, without a message sent since. */
  readonly #since = new Map<string, Millis>()

  /** What each lane owes; `sending` is whether a session is open with nothing in flight. */
  tasks(lanes: readonly StreamLane[], sending: boolean, mono: Millis): UplinkTask[] {
    return lanes.flatMap((lane) => {
      const { stream } = lane
      if (sending && lane.stuck) this.#since.set(stream, this.#since.get(stream) ?? mono)
      else this.#since.delete(stream)
      return [
        { task: `read of ${stream} for the broker`, dueMono: lane.askedMono + READ_MS_MAX },
        { task: `sending of ${stream}`, dueMono: this.#since.get(stream) ?? Infinity },
      ]
    })
  }
}
