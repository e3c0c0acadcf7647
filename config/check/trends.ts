// Checks of trend rules (URS-25): a group says something, and what is isolated can happen often enough. Decides no default.

import { under } from '../document.ts'
import type { Findings } from '../findings.ts'
import type { Resolved } from '../resolve.ts'

const SOURCE = 'Annex 1 9.11, URS-25'

/** Checks `trends:` of every zone. */
export function checkTrends({ model }: Resolved, findings: Findings): void {
  for (const { value, place } of model.zones) {
    const { trends } = value
    if (trends === undefined) continue
    const at = under(place, 'trends')
    const { rising, consecutiveAlerts, isolatedActions } = trends
    if (rising === undefined && consecutiveAlerts === undefined && isolatedActions === undefined) {
      findings.error(at, {
        problem: 'names no rule',
        remedy: 'add rising, consecutiveAlerts or isolatedActions, or remove it',
        source: SOURCE,
        at: 'key',
      })
    }
    if (isolatedActions === undefined) continue
    const { count, over, apart } = isolatedActions
    if ((count - 1) * apart < over) continue
    findings.error(under(at, 'isolatedActions', 'apart'), {
      problem: `lets fewer than ${count} of them begin within over, so that the rule never holds`,
      remedy: 'shorten apart, or lengthen over',
      source: SOURCE,
    })
  }
}
