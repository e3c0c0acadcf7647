// Whom a step of escalation calls (URS-37), as the plant in force says. Values only.

import type { AlarmDefinition } from './alarm-set.ts'
import type { Plant } from './point.ts'

/** The contact of one step, counted from 1; undefined where nobody is named. */
export const contactOf = (
  { reminders }: Plant,
  { class: alarmClass }: AlarmDefinition,
  step: number,
): string | undefined => reminders?.[alarmClass]?.contacts?.[step - 1] ?? undefined

/** Everybody called up to a step, each once. */
export function calledBy(plant: Plant, definition: AlarmDefinition, step: number): string[] {
  const called = new Set<string>()
  for (let taken = 1; taken <= step; taken++) {
    const contact = contactOf(plant, definition, taken)
    if (contact !== undefined) called.add(contact)
  }
  return [...called]
}

/** Every contact that the plant names, each once. */
export const contactsOf = ({ reminders }: Plant): string[] =>
  [...new Set(Object.values(reminders ?? {}).flatMap(({ contacts }) => contacts ?? []))].filter(
    (contact) => contact !== null,
  )
