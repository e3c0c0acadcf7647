// Checks what a site says of its alarms (URS-39): each entry is of an alarm that can be, so that no text is lost to a slip of the pen.

import { alarmDefinitions } from '#core/alarm-set.ts'
import { guidanceKeys } from '#core/guidance.ts'
import type { Plant } from '#core/point.ts'
import { under } from '../document.ts'
import { type Findings, nearest } from '../findings.ts'
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
    const meant = nearest(key, [...known])
    const near = meant === undefined ? '' : `did you mean "${meant}"? `
    findings.error(under(guidance.place, key), {
      problem: 'is of no alarm that this plant has',
      remedy: `${near}name an alarm, the id of a point, instrument, zone or bus, or a kind`,
      source: 'URS-39',
    })
  }
}
