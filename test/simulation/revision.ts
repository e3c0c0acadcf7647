// What the file of the site says at a time, beside what was drawn: points taken out and put back, limits moved. Each change is a
// SIGHUP; some files are faulty and have to change nothing.

import type { Dice } from './dice.ts'
import type { PointDraw, Scenario } from './scenario.ts'
import { KINDS, type KindLimits } from './signal.ts'
import type { World } from './world.ts'

export interface Revision {
  readonly removed: ReadonlySet<string>
  /** How far the limits of a point lie outside the usual ones, in its unit; less than 0 is inside. */
  readonly moved: ReadonlyMap<string, number>
  /** The uplink also tells live values, so that it is replaced when this changes. */
  readonly live: boolean
}

export const FIRST_REVISION: Revision = { removed: new Set(), moved: new Map(), live: false }

export type LimitKey = 'actionHigh' | 'alertHigh' | 'alertLow' | 'actionLow' | 'inversion'

/** A limit of a point; undefined where its kind has none. */
export function limitOf(
  { id, kind }: PointDraw,
  key: LimitKey,
  { moved }: Revision,
): number | undefined {
  const usual = (KINDS[kind] as KindLimits)[key]
  const by = moved.get(id) ?? 0
  if (usual === undefined || key === 'inversion' || by === 0) return usual
  return key.endsWith('High') ? usual + by : usual - by
}

/** Points whose limits, or whose being there, differ. */
export function changedPoints(before: Revision, after: Revision): Set<string> {
  const ids = [...before.removed, ...after.removed, ...before.moved.keys(), ...after.moved.keys()]
  return new Set(
    ids.filter(
      (id) =>
        before.removed.has(id) !== after.removed.has(id) ||
        (before.moved.get(id) ?? 0) !== (after.moved.get(id) ?? 0),
    ),
  )
}

/** Somebody changes the file, now and then into one that cannot be accepted. */
export function changeFile(world: World, dice: Dice): void {
  const roll = dice.random()
  if (roll < 0.15) return world.reload(world.revision, false)
  world.reload(changed(world.revision, world.scenario, dice, roll), true)
}

function changed(revision: Revision, { buses }: Scenario, dice: Dice, roll: number): Revision {
  const { points } = dice.pick(dice.pick(buses).instruments)
  const point = dice.pick(points)
  if (roll > 0.9) return { ...revision, live: !revision.live }
  if (roll < 0.55) {
    const by = dice.pick([-0.5, 0, 0.5, 1]) * KINDS[point.kind].noise
    return { ...revision, moved: new Map([...revision.moved, [point.id, by]]) }
  }
  const removed = new Set(revision.removed)
  const left = points.filter(({ id }) => !removed.has(id))
  if (!removed.delete(point.id) && left.length > 1) removed.add(point.id)
  return { ...revision, removed }
}
