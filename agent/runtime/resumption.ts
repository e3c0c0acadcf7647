// What a start (or a change of configuration) owes the ledger: the slots nobody covered, and where polling goes on.
// Pure: coverage and ledger in, slot results and first slots out (contract §3 "Slots").

import type { SlotResult } from '#core/input.ts'
import type { Plant, Point } from '#core/point.ts'
import type { BadReason } from '#core/quality.ts'
import { closeGrid, resume, type SlotRun } from '#core/schedule.ts'
import type { Millis } from '#core/time.ts'
import { groupKey, type PollGroup } from './poller.ts'

/** Interval of each polled point that was in force: which slots were owed while nobody polled. */
export type Ledger = Readonly<Record<string, Millis>>

/** Newest slots on record of each point, in the current time base. */
export type Coverage = ReadonlyMap<string, SlotRun>

/** Time base, and first slot in it, of each point's account: what is on record before it belongs to an earlier account. */
export type Beginnings = Readonly<Record<string, readonly [tb: number, t: Millis]>>

/** What was owed when nobody polled any more, and the time base it is asked for. */
export interface Owed {
  readonly ledger: Ledger
  readonly beginnings: Beginnings
  readonly tb: number
}

export interface ResumptionPlan {
  /** Runs without a value for the time nobody polled, in order of points. */
  readonly missed: readonly SlotResult[]
  /** First slot of each group that polling has to cover. */
  readonly first: ReadonlyMap<string, Millis>
}

/** A point is polled unless its instrument brings samples of its own and it is one of their channels. */
export const isSampled = (plant: Plant, point: Point): boolean =>
  point.sizeUm !== undefined &&
  plant.instruments.some(({ id, sampled }) => id === point.instrument && sampled)

/** The ledger of a plant: every polled point with its interval. */
export const ledgerOf = (plant: Plant): Ledger =>
  Object.fromEntries(
    plant.points
      .filter((point) => !isSampled(plant, point))
      .map(({ id, intervalMs }) => [id, intervalMs]),
  )

/** Poll groups of a plant by bus: the points of one instrument with one interval, channels of a sample apart. */
export function groupsByBus(plant: Plant): Map<string, PollGroup[]> {
  const busOf = new Map(plant.instruments.map(({ id, bus }) => [id, bus]))
  const buses = new Map<
    string,
    Map<string, PollGroup & { points: { point: string; signal: string }[] }>
  >()
  for (const point of plant.points) {
    const bus = busOf.get(point.instrument) ?? ''
    const sampled = isSampled(plant, point)
    const key = `${groupKey(point)}${sampled ? '/sample' : ''}`
    const groups = buses.get(bus) ?? new Map()
    buses.set(bus, groups)
    const group = groups.get(key) ?? {
      instrument: point.instrument,
      intervalMs: point.intervalMs,
      sampled,
      points: [],
    }
    group.points.push({ point: point.id, signal: point.signal })
    groups.set(key, group)
  }
  return new Map([...buses].map(([bus, groups]) => [bus, [...groups.values()]]))
}

/** Plans how the slots of every polled point go on at `now` (base time). */
export function planResumption(
  plant: Plant,
  coverage: Coverage,
  owed: Owed,
  now: Millis,
  reason: BadReason = 'agent_down',
): ResumptionPlan {
  const { ledger } = owed
  const missed: SlotResult[] = []
  const first = new Map<string, Millis>()
  for (const groups of groupsByBus(plant).values()) {
    for (const group of groups) {
      if (group.sampled) continue
      const resumed = group.points.map(({ point }) => {
        const covered =
          ledger[point] === group.intervalMs ? accounted(point, coverage, owed) : undefined
        return { point, covered, ...resume(covered, now, group.intervalMs) }
      })
      const next = Math.max(...resumed.map((each) => each.next))
      first.set(groupKey(group), next)
      for (const { point, covered } of resumed) {
        if (covered !== undefined) {
          const run = resume(covered, next, group.intervalMs).missed
          if (run !== undefined) missed.push(fault(point, run, reason))
        } else {
          const old = ledger[point]
          const before = accounted(point, coverage, owed)
          const run =
            old === undefined || before === undefined ? undefined : closeGrid(before, now, old)
          if (run !== undefined) missed.push(fault(point, run, reason))
        }
      }
    }
  }
  return { missed, first }
}

/**
 * The newest slots of a point's present account. Where nothing of it is on record, everything up to its beginning counts as covered:
 * before that the point was not there. Where a damaged journal lost its coverage, the store leaves out the beginnings too.
 */
export function accounted(
  point: string,
  coverage: Coverage,
  { ledger, beginnings, tb }: Owed,
): SlotRun | undefined {
  const covered = coverage.get(point)
  const [base, t] = beginnings[point] ?? []
  const intervalMs = ledger[point]
  if (base !== tb || t === undefined || intervalMs === undefined) return covered
  return covered !== undefined && covered.t >= t ? covered : { t: t - intervalMs, slots: 1 }
}

const fault = (point: string, run: SlotRun, reason: BadReason): SlotResult => ({
  point,
  t: run.t,
  slots: run.slots,
  result: { kind: 'fault', reason },
})
