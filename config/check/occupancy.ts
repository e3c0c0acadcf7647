// What states the occupancy of a zone: a schedule or a contact, not both, and a contact that is one (URS-67).

import { under } from '../document.ts'
import { type Findings, suggest } from '../findings.ts'
import type { Resolved } from '../resolve.ts'

/** Checks the sources of every zone. */
export function checkOccupancy({ model, points }: Resolved, findings: Findings): void {
  for (const { value, place } of model.zones) {
    const { schedule, signal } = value
    if (signal === undefined) continue
    if (schedule !== undefined) {
      findings.error(under(place, 'schedule'), {
        problem: 'is given beside a signal, and the two would contradict each other',
        remedy: 'keep one of the two',
      })
    }
    const at = under(place, 'signal', 'point')
    const point = points.find(({ input }) => input.id === signal.point)
    if (point === undefined) {
      findings.error(at, {
        problem: `names the point "${signal.point}", which does not exist`,
        remedy: suggest(signal.point, [...model.ids.points.keys()], 'points'),
      })
    } else if (point.signal !== undefined && point.signal.quantity !== 'contact') {
      findings.error(at, {
        problem: `names "${signal.point}", which measures ${point.signal.quantity}`,
        remedy: 'name a point whose signal is a contact, which reads 0 or 1',
      })
    }
  }
}
