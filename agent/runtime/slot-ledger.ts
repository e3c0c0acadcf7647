// Which slots are owed: the interval of every polled point in force, and the slot its account begins with. The second is what tells a
// record of this account from one of an earlier one, where a point was taken out, put in again, and the power went before its first record.
// The rows are written in one commit with what they follow from (contract §3 "Slots").

import type { Plant } from '#core/point.ts'
import { baseTime, firstSlot, type SlotRun, slotOf, type TimeBase } from '#core/schedule.ts'
import type { Instant, Millis } from '#core/time.ts'
import { groupKey } from './poller.ts'
import {
  accounted,
  type Beginnings,
  type Coverage,
  type Ledger,
  ledgerOf,
  planResumption,
  type ResumptionPlan,
} from './resumption.ts'

/** State rows of the store. */
type Rows = ReadonlyMap<string, unknown>

export class SlotLedger {
  #ledger: Ledger
  #beginnings: Beginnings
  #points: Plant['points'] = []

  /** Goes on with the rows a store held. */
  constructor(state: ReadonlyMap<string, string>) {
    this.#ledger = JSON.parse(state.get('ledger') ?? '{}') as Ledger
    this.#beginnings = JSON.parse(state.get('slots_begin') ?? '{}') as Beginnings
  }

  /** What a start owes, and the rows to write in the commit that pays it. Coverage is that of the base, empty for a new one. */
  start(
    plant: Plant,
    coverage: Coverage,
    base: TimeBase,
    at: Instant,
  ): ResumptionPlan & { readonly rows: Rows } {
    const before = { ledger: this.#ledger, beginnings: this.#beginnings, tb: base.tb }
    const plan = planResumption(plant, coverage, before, baseTime(base, at.mono))
    const ends = new Map<string, Millis>()
    for (const [point, intervalMs] of Object.entries(this.#ledger)) {
      const covered = accounted(point, coverage, before)
      if (covered !== undefined) ends.set(point, endOf(covered, intervalMs))
    }
    for (const { point, t, slots = 1 } of plan.missed)
      ends.set(point, endOf({ t, slots }, this.#ledger[point] ?? 0))
    const rows = this.#follow(plant, base, at, plan.first, ends, (point) => ends.has(point))
    return { ...plan, rows }
  }

  /** The rows of another plant that comes into force now; `first` is the first uncovered slot of each group polled so far. */
  change(plant: Plant, base: TimeBase, at: Instant, first: ReadonlyMap<string, Millis>): Rows {
    const ends = new Map<string, Millis>()
    for (const point of this.#points) {
      const next = first.get(groupKey(point))
      if (next !== undefined) ends.set(point.id, next)
    }
    return this.#follow(plant, base, at, first, ends, () => true)
  }

  /** The rows of a time base that begins while the agent runs: every account begins anew with the slot after the one under way. */
  rebase(base: TimeBase, at: Instant): Rows {
    const now = baseTime(base, at.mono)
    this.#beginnings = Object.fromEntries(
      Object.entries(this.#ledger).map(([id, intervalMs]) => [
        id,
        [base.tb, slotOf(now, intervalMs) + intervalMs],
      ]),
    )
    return this.#rows()
  }

  /** A point's account goes on while its interval stays; else it begins with its group, and not within slots of its old grid. */
  #follow(
    plant: Plant,
    base: TimeBase,
    at: Instant,
    first: ReadonlyMap<string, Millis>,
    ends: ReadonlyMap<string, Millis>,
    known: (point: string) => boolean,
  ): Rows {
    const ledger = ledgerOf(plant)
    const now = baseTime(base, at.mono)
    const beginning = (point: Plant['points'][number]): readonly [number, Millis] | undefined => {
      const { id, intervalMs } = point
      if (this.#ledger[id] === intervalMs && known(id)) return this.#beginnings[id]
      const next = first.get(groupKey(point)) ?? firstSlot(now, intervalMs)
      return [base.tb, Math.ceil(Math.max(next, ends.get(id) ?? next) / intervalMs) * intervalMs]
    }
    this.#beginnings = Object.fromEntries(
      plant.points
        .filter(({ id }) => ledger[id] !== undefined)
        .flatMap((point) => {
          const begins = beginning(point)
          return begins === undefined ? [] : [[point.id, begins] as const]
        }),
    )
    this.#ledger = ledger
    this.#points = plant.points
    return this.#rows()
  }

  #rows(): Rows {
    return new Map<string, unknown>([
      ['ledger', this.#ledger],
      ['slots_begin', this.#beginnings],
    ])
  }
}

const endOf = ({ t, slots }: SlotRun, intervalMs: Millis): Millis => t + slots * intervalMs
