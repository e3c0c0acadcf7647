// The regulation checks of limits (URS-16, 17, 20, 22, 23): maxima, order, completeness, justification, range.
// Decides what a site may not configure, naming the clause; never sets a value.

import type { LimitKind } from '#core/limit.ts'
import { LIMIT_KINDS } from '#core/limit.ts'
import { rangeOf } from '../compile.ts'
import { under } from '../document.ts'
import type { Findings } from '../findings.ts'
import { COLUMN_WORDS, COLUMNS, isParticle, keyOf, limitOf, maximumOf } from '../limits.ts'
import type { Resolved, ResolvedPoint } from '../resolve.ts'
import type { LimitSet } from '../schema/limit-set.ts'

/** Checks the limits of every point. */
export function checkLimits({ points, limitSet }: Resolved, findings: Findings): void {
  for (const point of points) {
    checkMaxima(point, limitSet, findings)
    checkOrder(point, limitSet, findings)
    checkCompleteness(point, limitSet, findings)
    checkJustification(point, findings)
    checkRange(point, findings)
    checkPresence(point, findings)
  }
}

function checkMaxima(point: ResolvedPoint, set: LimitSet | undefined, findings: Findings): void {
  const { input, zone, signal, place } = point
  if (!isParticle(point) || zone === undefined || set === undefined) return
  const reported = new Set<string>()
  for (const column of COLUMNS) {
    const limit = limitOf(point, set, 'actionHigh', column)
    const maximum = maximumOf(set, zone.grade, signal?.sizeUm, column)
    const key = keyOf(input, 'actionHigh', column)
    if (limit === undefined || maximum === undefined || limit.value <= maximum.value) continue
    if (reported.has(key.join('.'))) continue
    reported.add(key.join('.'))
    findings.error(under(place, ...key), {
      problem:
        `is ${limit.value} /m³, above the maximum of ${maximum.value} for ${signal?.sizeUm} µm in ` +
        `grade ${zone.grade} ${COLUMN_WORDS[column]}`,
      remedy: `lower it to ${maximum.value} or less, or give each state its own: atRest, inOperation`,
      source: `${maximum.clause}, ${set.id}; Annex 1 9.9, URS-17`,
    })
  }
}

/** From the lowest to the highest; each must not be above the next one that is there. */
const ASCENDING: readonly LimitKind[] = ['actionLow', 'alertLow', 'alertHigh', 'actionHigh']

function checkOrder(point: ResolvedPoint, set: LimitSet | undefined, findings: Findings): void {
  const { input, place } = point
  const reported = new Set<string>()
  for (const column of COLUMNS) {
    const given = ASCENDING.flatMap((kind) => {
      const limit = limitOf(point, set, kind, column)
      return limit === undefined ? [] : [{ kind, limit }]
    })
    for (const [index, lower] of given.entries()) {
      const upper = given[index + 1]
      if (upper === undefined || lower.limit.value <= upper.limit.value) continue
      const faulty = lower.kind.startsWith('alert') ? lower : upper
      const key = keyOf(input, faulty.kind, column)
      if (reported.has(key.join('.'))) continue
      reported.add(key.join('.'))
      const from = upper.limit.set === 'site' ? '' : ` of ${upper.limit.set}`
      const words =
        faulty === lower
          ? `is ${lower.limit.value}, above the ${upper.kind} of ${upper.limit.value}${from}`
          : `is ${upper.limit.value}, below the ${lower.kind} of ${lower.limit.value}`
      findings.error(under(place, ...key), {
        problem: `${words} ${COLUMN_WORDS[column]}`,
        remedy: 'keep actionLow ≤ alertLow ≤ alertHigh ≤ actionHigh',
        source: 'Annex 1 9.10, URS-17',
      })
    }
  }
  checkInversionOrder(point, set, findings)
}

function checkInversionOrder(
  point: ResolvedPoint,
  set: LimitSet | undefined,
  findings: Findings,
): void {
  const { inversion } = point.input.limits ?? {}
  const low = COLUMNS.map((column) => limitOf(point, set, 'actionLow', column)?.value ?? Infinity)
  const threshold = inversion === true ? 0 : inversion
  if (typeof threshold !== 'number' || threshold <= Math.min(...low)) return
  findings.warning(under(point.place, 'limits', 'inversion'), {
    problem: `acts below ${threshold} Pa, above the actionLow of ${Math.min(...low)}`,
    remedy: 'keep the inversion threshold at or below actionLow',
    source: 'Annex 1 4.14, URS-07',
  })
}

function checkCompleteness(
  point: ResolvedPoint,
  set: LimitSet | undefined,
  findings: Findings,
): void {
  const { input, zone, signal, place } = point
  if (!isParticle(point) || zone === undefined) return
  const { grade } = zone
  if (grade === 'A' || grade === 'B') {
    for (const kind of ['alertHigh', 'actionHigh'] as const) {
      if (kind === 'actionHigh' && set === undefined) continue
      const lacking = COLUMNS.filter((column) => limitOf(point, set, kind, column) === undefined)
      if (lacking.length === 0) continue
      const states = lacking.map((column) => COLUMN_WORDS[column]).join(' and ')
      findings.error(under(place, ...keyOf(input, kind, lacking[0] ?? 'atRest')), {
        problem: `is missing for ${signal?.sizeUm} µm in grade ${grade} ${states}`,
        remedy:
          kind === 'alertHigh'
            ? 'add the alert level of the site; it never defaults'
            : `add the action limit; ${set?.id} has no value for this size`,
        source: `Annex 1 9.9, 9.10, 9.18, ${kind === 'alertHigh' ? 'URS-17, URS-20' : 'URS-17'}`,
      })
    }
  }
  const inOperation = limitOf(point, set, 'actionHigh', 'inOperation')
  if (grade === 'D' && set !== undefined && inOperation === undefined) {
    findings.error(under(place, 'limits', 'inOperation', 'actionHigh'), {
      problem: 'is missing: in grade D the in-operation limit is set by the site',
      remedy: 'add limits: { inOperation: { actionHigh: … } } from the site’s risk assessment',
      source: 'Annex 1 Table 5, URS-23',
    })
  }
}

function checkJustification({ input, place }: ResolvedPoint, findings: Findings): void {
  const { limits } = input
  if (limits === undefined || limits.justification !== undefined) return
  const given = (['onDelay', 'offDelay', 'deadband'] as const).filter(
    (key) => (limits[key] ?? 0) > 0,
  )
  const at = under(place, 'limits', 'justification')
  if (given.length > 0) {
    findings.error(at, {
      problem: `is missing, and ${given.join(', ')} ${given.length === 1 ? 'is' : 'are'} not zero`,
      remedy: 'name the document that justifies it, such as CCS-021, or remove the delay',
      source: 'Annex 1 4.16, URS-22',
    })
  } else if (typeof limits.inversion === 'number' && limits.inversion !== 0) {
    findings.warning(at, {
      problem: 'is missing, and the inversion threshold is not 0',
      remedy: 'name the document that justifies it',
      source: 'Annex 1 4.14, URS-22',
    })
  }
}

function checkRange(point: ResolvedPoint, findings: Findings): void {
  const range = rangeOf(point)
  const { input, signal, place } = point
  if (range === undefined || signal === undefined) return
  const [low, high] = range
  const outside = (value: number): boolean => value < low || value > high
  const report = (key: readonly (string | number)[], value: number): void => {
    findings.error(under(place, ...key), {
      problem: `is ${value} ${signal.unit}, outside what the sensor can measure (${low} to ${high})`,
      remedy: 'give a limit inside the range, or correct the range',
      source: 'URS-09',
    })
  }
  for (const kind of LIMIT_KINDS) {
    for (const at of [undefined, ...COLUMNS] as const) {
      const value = at === undefined ? input.limits?.[kind] : input.limits?.[at]?.[kind]
      if (value === undefined || !outside(value)) continue
      report(at === undefined ? ['limits', kind] : ['limits', at, kind], value)
    }
  }
  const inversion = input.limits?.inversion === true ? 0 : input.limits?.inversion
  if (typeof inversion === 'number' && (inversion <= low || inversion > high)) {
    report(['limits', 'inversion'], inversion)
  }
}

const JUDGED = ['differential_pressure', 'temperature', 'relative_humidity', 'co2', 'air_velocity']

/** Limits of these quantities are the site's to set; a point without any raises no alarm at all. */
function checkPresence({ input, signal, place }: ResolvedPoint, findings: Findings): void {
  if (signal === undefined || !JUDGED.includes(signal.quantity)) return
  const { limits } = input
  const any =
    LIMIT_KINDS.some((kind) =>
      COLUMNS.some((at) => (limits?.[at]?.[kind] ?? limits?.[kind]) !== undefined),
    ) ||
    (limits?.inversion !== undefined && limits.inversion !== false)
  if (any) return
  findings.warning(under(place, 'limits'), {
    problem: `has no limit for ${signal.quantity}: the point is recorded and never alarms`,
    remedy: 'add the limits of the site',
    source: 'Annex 1 9.6, URS-08',
  })
}
