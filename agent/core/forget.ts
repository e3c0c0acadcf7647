// Rows of the journal about things that the plant no longer has: they go with it. Decides nothing about alarms, which end on record.

import {
  type CoreState,
  counterKey,
  holdKey,
  reminderKey,
  trendKey,
  windowKey,
  zoneKey,
} from './state.ts'
import type { Turn } from './turn.ts'
import { stayKey } from './zone-state.ts'

/** Whether a persisted row is about something that the plant no longer has. */
export function isForgotten(
  { alarms, zones, instruments, points }: CoreState,
  key: string,
): boolean {
  const slash = key.indexOf('/')
  const id = key.slice(slash + 1)
  if (key === zoneKey(id) || key === stayKey(id)) return !zones.has(id)
  if (key === holdKey(id) || key === reminderKey(id)) return !alarms.has(id)
  if (key === counterKey(id)) return !instruments.has(id)
  return (key === windowKey(id) || key === trendKey(id)) && !points.has(id)
}

/** Removes the rows of what the plant no longer has. */
export function forget(
  turn: Turn,
  before: ReadonlyMap<string, unknown>,
  now: ReadonlyMap<string, unknown>,
  key: (id: string) => string,
): void {
  for (const id of before.keys()) if (!now.has(id)) turn.changes.set(key(id), undefined)
}
