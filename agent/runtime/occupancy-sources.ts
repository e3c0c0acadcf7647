// The occupancy of zones that follow a schedule or a contact (URS-67): says to the core what they say, at each minute of the clock and
// with each value on record. Decides what a lost signal is; what becomes of a zone is the core's, and nothing is dated back.

import type { Input } from '#core/input.ts'
import { isIn, localTime } from '#core/local-time.ts'
import type { Occupancy, Plant, Zone } from '#core/point.ts'
import type { Reading } from '#core/reading.ts'
import type { CoreState } from '#core/step.ts'
import { MINUTE, type Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'

/** A contact counts as closed from here on: it reads 0 or 1. */
const CLOSED_FROM = 0.5
/** Behind the full minute, so that the clock shows it. */
const BEHIND_MS: Millis = 5

export interface OccupancySourcesOptions {
  readonly clock: Clock
  readonly plant: () => Plant
  readonly state: CoreState
  readonly newest: (point: string) => Reading | undefined
  readonly input: (input: Input) => void
}

export class OccupancySources {
  readonly #options: OccupancySourcesOptions
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(options: OccupancySourcesOptions) {
    this.#options = options
  }

  /** Begins to say what schedules and signals say. */
  start(): void {
    if (this.#stopped) return
    this.look()
    const { clock } = this.#options
    const { wall, mono } = clock.now()
    this.#cancel = clock.at(mono + MINUTE - (wall % MINUTE) + BEHIND_MS, () => this.start())
  }

  /** Looks at every zone that follows something; for signals also after each commit. */
  look(): void {
    const { plant, clock } = this.#options
    const { zones, timezone } = plant()
    for (const zone of zones) {
      if (zone.signal !== undefined) this.#follow(zone, zone.signal)
      else if (zone.schedule !== undefined) {
        const state = scheduledState(zone.schedule, timezone, clock.now().wall)
        this.#say(zone.id, { via: 'schedule' }, state)
      }
    }
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #follow({ id }: Zone, { point, closed, open }: NonNullable<Zone['signal']>): void {
    const source = { via: 'signal', point } as const
    if (this.#isLost(point)) return this.#say(id, source, null)
    const reading = this.#options.newest(point)
    if (reading?.q !== 'good' || reading.v === undefined) return
    this.#say(id, source, reading.v >= CLOSED_FROM ? closed : open)
  }

  /** No good value for the point's data-loss time, or a fault of its sensor: one missed poll is no change of occupancy. */
  #isLost(id: string): boolean {
    const { alarms, points } = this.#options.state
    const point = points.get(id)?.point
    const faults = [
      `${point?.instrument}.comm_fail`,
      `${point?.instrument}.identity`,
      `${id}.sensor_fault`,
    ]
    return faults.some((fault) => alarms.get(fault)?.state.active === true)
  }

  #say(
    zone: string,
    source: Extract<Input, { kind: 'source' }>['source'],
    state: Occupancy | null,
  ): void {
    const { state: core, input, clock } = this.#options
    const sourced = core.zones.get(zone)?.sourced
    const same = sourced?.via === source.via && sourced.state === state
    if (same && sourced.refused !== true) return
    input({ kind: 'source', at: clock.now(), zone, source, state })
  }
}

/** What a schedule says at a moment: the first stretch that holds, else what is said otherwise. */
export function scheduledState(
  { stretches, otherwise }: NonNullable<Zone['schedule']>,
  timezone: string,
  wall: Millis,
): Occupancy {
  const shown = localTime(wall, timezone)
  return stretches.find((stretch) => isIn(stretch, shown))?.state ?? otherwise
}
