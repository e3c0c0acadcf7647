// Which alarms follow from one another: the first-out of an excursion is the earliest alarm still active in the same zone or across a
// boundary within a minute (URS-40). Refers, and never hides; what is a consequence of another alarm is consequence.ts.

import type { AlarmDefinition } from './alarm-set.ts'
import type { AlarmUnit, CoreState } from './state.ts'
import { type Instant, MINUTE, type Millis } from './time.ts'

const FIRST_OUT_WITHIN_MS: Millis = MINUTE
/** Activations remembered at the most; of more than these within a minute the first ones are the first-outs. */
const RECENT_MAX = 256

/** An excursion that began lately. */
export interface RecentActivation {
  readonly unit: AlarmUnit
  readonly occ: string
  readonly zone: string
  readonly mono: Millis
}

export interface FirstOut {
  readonly alarm: string
  readonly occ: string
}

/** Only what is measured against a limit is an excursion: faults have causes of their own. */
const zoneOf = ({ class: alarmClass, point }: AlarmDefinition): string | undefined =>
  alarmClass === 'action' || alarmClass === 'alert' ? point?.zone : undefined

/** Takes an activation in; the first-out it follows, where there is one. Another limit of the same point is none. */
export function noteActivation(
  state: CoreState,
  unit: AlarmUnit,
  occ: string,
  at: Instant,
): FirstOut | undefined {
  const { definition } = unit
  const zone = zoneOf(definition)
  if (zone === undefined) return undefined
  const kept = state.recent.filter(({ mono }) => at.mono - mono <= FIRST_OUT_WITHIN_MS)
  const near = state.zones.get(zone)?.neighbours
  const first = kept.find(
    (other) =>
      other.unit.definition.point !== definition.point &&
      other.unit.state.active &&
      other.unit.state.occurrence?.occ === other.occ &&
      near?.has(other.zone) === true,
  )
  if (kept.length < RECENT_MAX) kept.push({ unit, occ, zone, mono: at.mono })
  state.recent = kept
  return first === undefined ? undefined : { alarm: first.unit.definition.id, occ: first.occ }
}

/** What is still recent after a start. */
export function resumeRecent(state: CoreState, at: Instant): void {
  state.recent = [...state.alarms.values()]
    .flatMap((unit): RecentActivation[] => {
      const { occurrence, active } = unit.state
      const zone = zoneOf(unit.definition)
      if (occurrence === null || !active || zone === undefined) return []
      return [{ unit, occ: occurrence.occ, zone, mono: at.mono - (at.wall - occurrence.activated) }]
    })
    .filter(({ mono }) => at.mono - mono <= FIRST_OUT_WITHIN_MS)
    .sort((one, other) => one.mono - other.mono)
    .slice(0, RECENT_MAX)
}
