// Which zones lie next to each other. Decides nothing about what follows from it.

import type { Plant, Zone } from './point.ts'

/** What lies next to a zone: a measured boundary on either side, and what is within or around it. */
export function neighboursOf({ zones, points }: Plant, { id, within }: Zone): ReadonlySet<string> {
  const near = new Set([id, ...(within === undefined ? [] : [within])])
  for (const zone of zones) if (zone.within === id) near.add(zone.id)
  for (const { zone, against } of points) {
    if (against === undefined) continue
    if (zone === id) near.add(against)
    if (against === id) near.add(zone)
  }
  return near
}
