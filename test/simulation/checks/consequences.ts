// S7: one cause is annunciated once. The loss of an instrument while its bus is at fault names that fault as its parent, is said for itself
// neither while it goes on nor before the instrument had its time to be back, and does not stay unsaid after that. From the
// records alone: what is active, how urgent, whose consequence, since when over.

import type { Configuration } from '#config/configuration.ts'
import type { Point } from '#core/point.ts'
import type { Reading } from '#core/reading.ts'
import type { JournalEvent } from '#core/record.ts'
import type { Revision } from '../revision.ts'

/** Too few good values count as lost for so long after they are all good again. */
const WINDOW_MS = 600_000
/** Commit, group and check intervals. */
const LATE_MS = 15_000
/** A parked unit is written down once a minute, and probed every half minute; a counter has its sample to come. */
const PARKED_MS = 100_000

interface Seen {
  active: boolean
  priority: number
  parent: string | undefined
  /** True time, and time of the record, at which it was last over. */
  overAt: number
  overTs: number
  /** Since when the agent could have noticed that it is over: later, where it began anew or was stopped since. */
  noticedAt: number
}

interface AlarmBody {
  readonly alarm: string
  readonly priority: number
  readonly parent?: string
  readonly cause?: string
}

export interface ConsequenceHooks {
  broken(invariant: string, words: string): void
  seen(what: string): void
  now(): number
}

/** An alarm that rose while nothing could be kept: it goes on until its end is on record. */
const unknown = (): Seen => ({
  ...{ active: true, priority: Number.POSITIVE_INFINITY, parent: undefined },
  ...{ overAt: 0, overTs: 0, noticedAt: 0 },
})

export class ConsequenceChecks {
  readonly #hooks: ConsequenceHooks
  readonly #alarms = new Map<string, Seen>()
  /** By the instrument's data-loss alarm: the fault of its bus, and the instrument's points. */
  readonly #losses = new Map<string, { readonly bus: string; readonly points: readonly Point[] }>()
  /** When a point had a value last. */
  readonly #valueAt = new Map<string, number>()
  #removed: ReadonlySet<string> = new Set()

  constructor({ plant }: Configuration, hooks: ConsequenceHooks) {
    this.#hooks = hooks
    for (const { id, bus } of plant.instruments) {
      const points = plant.points.filter(({ instrument }) => instrument === id)
      this.#losses.set(`${id}.comm_fail`, { bus: `${bus}.bus_fault`, points })
    }
  }

  reading({ point, q }: Reading, at: number): void {
    if (q !== 'bad') this.#valueAt.set(point, at)
  }

  /** Another configuration is in force: what comes back has its time. */
  reconfigured({ removed }: Revision): void {
    this.#removed = removed
    this.excuse()
  }

  /** One accepted event. */
  accepted(seq: number, { type, ts, body }: JournalEvent): void {
    const event = body as unknown as AlarmBody
    switch (type) {
      case 'alarm.activated':
        return this.#rose(seq, event, ts)
      case 'alarm.worsened': {
        const known = this.#alarms.get(event.alarm)
        if (known !== undefined) known.priority = event.priority
        return
      }
      case 'alarm.realarmed':
        return this.#saidForItself(seq, event, ts)
      case 'alarm.returned':
      case 'alarm.closed': {
        const known = this.#alarms.get(event.alarm) ?? unknown()
        const now = this.#hooks.now()
        const over = { active: false, overAt: now, noticedAt: now, overTs: ts }
        this.#alarms.set(event.alarm, { ...known, ...over })
      }
    }
  }

  /** What became of alarms while nothing could be kept is not known in full. */
  gap(): void {
    this.#alarms.clear()
  }

  /** The agent began anew, or could not work for a while: an instrument has its time again. */
  excuse(): void {
    for (const seen of this.#alarms.values()) seen.noticedAt = this.#hooks.now()
  }

  /** Nothing stays unsaid for good: asked now and then while the agent runs and works. */
  sweep(): void {
    const now = this.#hooks.now()
    for (const [alarm, { active, parent }] of this.#alarms) {
      const loss = this.#losses.get(alarm)
      if (!active || parent === undefined || loss === undefined) continue
      const points = loss.points.filter(({ id }) => !this.#removed.has(id))
      const over = points.map((point) => [point, this.#explainedUntil(point, loss.bus)] as const)
      const isSilent = over.some(
        ([{ id, commFailMs, sizeUm }, until]) =>
          sizeUm === undefined &&
          (this.#valueAt.get(id) ?? 0) < until &&
          now > until + commFailMs + LATE_MS,
      )
      const isPoor = over.every(
        ([{ commFailMs, intervalMs }, until]) =>
          now > until + Math.max(WINDOW_MS, 10 * intervalMs) + commFailMs + PARKED_MS,
      )
      if (isSilent || isPoor)
        this.#hooks.broken(
          'S7',
          `${alarm}, once a consequence of ${parent}, goes on without it and is not said`,
        )
    }
  }

  /** How long a lost value may count against an instrument: ten slots of the slowest of its points. */
  #windowOf(alarm: string): number {
    const { points = [] } = this.#losses.get(alarm) ?? {}
    return Math.max(WINDOW_MS, ...points.map(({ intervalMs }) => 10 * intervalMs))
  }

  /** Until when some alarm says, or said, why a point has no value; infinite while one does. */
  #explainedUntil({ id, instrument }: Point, bus: string): number {
    const causes = [bus, `${instrument}.identity`, `${id}.sensor_fault`, `${id}.gap`]
    return Math.max(
      ...causes.map((cause) => {
        const known = this.#alarms.get(cause)
        return known?.active === true ? Number.POSITIVE_INFINITY : (known?.noticedAt ?? 0)
      }),
    )
  }

  #rose(seq: number, { alarm, priority, parent }: AlarmBody, ts: number): void {
    const { broken, seen } = this.#hooks
    const fault = this.#losses.get(alarm)?.bus
    const bus = fault === undefined ? undefined : this.#alarms.get(fault)
    if (bus?.active === true && bus.priority <= priority && parent !== fault)
      broken('S7', `record ${seq}: ${alarm} rose beside ${fault} and is not said to follow from it`)
    if (parent !== undefined) {
      seen(`consequence of ${parent.slice(parent.lastIndexOf('.') + 1)}`)
      const cause = this.#alarms.get(parent)
      if (cause === undefined) this.#alarms.set(parent, unknown())
      const windowMs = this.#windowOf(alarm)
      const longAgo = cause !== undefined && ts - cause.overTs > windowMs + PARKED_MS
      if (cause?.active === false && longAgo && this.#hooks.now() - cause.noticedAt > windowMs)
        broken('S7', `record ${seq}: ${alarm} rose by ${parent}, which was long over`)
    }
    this.#alarms.set(alarm, { active: true, priority, parent, overAt: 0, overTs: 0, noticedAt: 0 })
  }

  #saidForItself(seq: number, { alarm, cause, priority }: AlarmBody, ts: number): void {
    const known = this.#alarms.get(alarm)
    if (cause !== 'own_cause' || known?.parent === undefined) return
    const { broken, seen } = this.#hooks
    const { parent } = known
    known.parent = undefined
    seen('consequence said for itself')
    const of = this.#alarms.get(parent)
    const loss = this.#losses.get(alarm)
    if (of === undefined || loss?.bus !== parent) return
    if (of.active && of.priority <= priority)
      broken('S7', `record ${seq}: ${alarm} was said for itself while ${parent} goes on`)
    const leastMs = Math.min(...loss.points.map(({ commFailMs }) => commFailMs)) - 1000
    if (!of.active && ts - of.overTs < leastMs && this.#hooks.now() - of.overAt < leastMs)
      broken('S7', `record ${seq}: ${alarm} was said for itself too soon after ${parent}`)
  }
}
