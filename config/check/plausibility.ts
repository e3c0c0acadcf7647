// Checks of what a site calls implausible (URS-09): for which quantities, and with which justification. Decides nothing of limits.

import { under } from '../document.ts'
import type { Findings } from '../findings.ts'
import { isParticle } from '../limits.ts'
import type { ResolvedPoint } from '../resolve.ts'

/** Of these quantities 0 is a value like any other, and steps are what they are for. */
const COUNTED = ['particle_concentration', 'contact', 'count']

/** Checks `checks:` of one point. */
export function checkPlausibility(point: ResolvedPoint, findings: Findings): void {
  const { input, signal, place } = point
  const { checks } = input
  if (checks === undefined || signal === undefined) return
  const at = under(place, 'checks')
  if (COUNTED.includes(signal.quantity)) {
    findings.error(at, {
      problem: `are given for ${signal.quantity}`,
      remedy: isParticle(point)
        ? 'remove them; hours of zeros in grade A are normal, and a count may rise at once'
        : 'remove them; 0 is what it reads half of the time',
      source: 'URS-09',
      at: 'key',
    })
    return
  }
  const any = checks.changePerMinute !== undefined || checks.zeroIsFault === true
  if (any && checks.justification === undefined) {
    findings.error(under(at, 'justification'), {
      problem: 'is missing, and what is implausible is the site’s own choice',
      remedy: 'name the document that justifies it, such as CCS-040',
      source: 'URS-09, URS-22',
    })
  }
}
