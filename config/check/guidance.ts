// Checks what a site says of its alarms (URS-39): each entry is of an alarm that can be, so that no text is lost to a slip of the pen.

import { alarmDefinitions } from '#core/alarm-set.ts'
import { guidanceKeys } from '#core/guidance.ts'
import type { Plant } from '#core/point.ts'
import { under } from '../document.ts'
import { type Findings, suggest } from '../findings.ts'
import { GUIDANCE } from '../guidance.ts'
import type { Model } from '../model.ts'

/** Checks the keys of `guidance:`. */
export function checkGuidance({ guidance }: Model, plant: Plant, findings: Findings): void {
  if (guidance === undefined) return
  const known = new Set(Object.keys(GUIDANCE.en))
  for (const definition of alarmDefinitions(plant).values())
    for (const key of guidanceKeys(definition)) known.add(key)
  for (const key of Object.keys(guidance.value)) {
    if (known.has(key)) continue
    findings.error(under(guidance.place, key), {
      problem: 'is of no alarm that this plant has',
      remedy: suggest(key, [...known], 'name an alarm, what it belongs to, or a kind'),
      source: 'URS-39',
    })
  }
}
