// Checks of single points apart from their limits: keys that fit the quantity, zones of a pressure, rules, flow.

import type { Grade } from '#core/point.ts'
import { type Place, under } from '../document.ts'
import type { Findings } from '../findings.ts'
import { isAlwaysRolling, isParticle } from '../limits.ts'
import type { Resolved, ResolvedInstrument, ResolvedPoint } from '../resolve.ts'
import { checkPlausibility } from './plausibility.ts'

/** Least sample flow of a grade A counter in L/min (Annex 1 9.17). */
const FLOW_MIN_GRADE_A = 28
/** Longest sampling tube in m that needs no justification (Annex 1 5.9, ISO 14644-1). */
const TUBE_MAX = 1
/** Guidance for the clean-up period in minutes (Annex 1 4.29 iii). */
const CLEAN_UP_GUIDANCE_MS = 20 * 60_000

/** Checks every point and the instruments they hang on. */
export function checkPoints(resolved: Resolved, findings: Findings): void {
  for (const point of resolved.points) {
    checkPressureKeys(point, findings)
    checkSampled(point, findings)
    checkRules(point, findings)
    checkRolling(point, findings)
    checkPlausibility(point, findings)
  }
  for (const instrument of resolved.instruments) {
    checkFlow(instrument, gradesOf(instrument, resolved), findings)
    checkTube(instrument, findings)
  }
  checkSizes(resolved, findings)
  checkCleanUp(resolved, findings)
}

function checkPressureKeys({ input, signal, place }: ResolvedPoint, findings: Findings): void {
  if (signal === undefined) return
  const pressure = signal.quantity === 'differential_pressure'
  const keys: [key: string, given: boolean, place: Place][] = [
    ['against', input.against !== undefined, under(place, 'against')],
    ['polarity', input.polarity !== undefined, under(place, 'polarity')],
    ['inversion', input.limits?.inversion !== undefined, under(place, 'limits', 'inversion')],
  ]
  for (const [key, given, at] of keys) {
    if (!given || pressure) continue
    findings.error(at, {
      problem: `is given for ${signal.quantity}`,
      remedy: `remove it; ${key} belongs to differential_pressure`,
      at: 'key',
    })
  }
  if (input.against !== undefined && input.against === input.zone) {
    findings.error(under(place, 'against'), {
      problem: `is "${input.against}", the zone itself`,
      remedy: 'name the zone on the other side of the boundary',
      source: 'Annex 1 4.14, URS-07',
    })
  }
  if (pressure && input.against === undefined) {
    findings.warning(under(place, 'against'), {
      problem: 'is missing, so that nobody sees which boundary the pressure is of',
      remedy: 'name the zone on the other side',
      source: 'Annex 1 4.14, URS-07',
    })
  }
}

/** A counter is asked for its records only; what is not in them would never get a reading. */
function checkSampled(point: ResolvedPoint, findings: Findings): void {
  const { signal, instrument, place } = point
  const profile = instrument?.profile
  if (signal === undefined || profile?.sample === undefined || isParticle(point)) return
  findings.error(under(place, 'signal'), {
    problem: `is "${signal.name}", which is no part of the samples of ${profile.id}`,
    remedy:
      'measure it with an instrument of its own, or through a profile without a sample section',
    source: 'URS-01',
  })
}

function checkRules(point: ResolvedPoint, findings: Findings): void {
  const { input, signal, zone, instrument } = point
  const { rules } = input
  if (rules === undefined || signal === undefined) return
  const place = under(point.place, 'rules')
  if (!isParticle(point)) {
    const remedy = 'remove them; they judge particle counts'
    findings.error(place, { problem: `are given for ${signal.quantity}`, remedy, at: 'key' })
    return
  }
  if (rules.xOfY !== undefined && rules.xOfY[0] > rules.xOfY[1]) {
    findings.error(under(place, 'xOfY'), {
      problem: `asks for ${rules.xOfY[0]} of the last ${rules.xOfY[1]} samples`,
      remedy: 'write [x, y] with x not above y, such as [5, 30]',
      source: 'URS-21',
    })
  }
  const ownChoice = [
    rules.rollingCubicMetre === true && !isAlwaysRolling(zone?.grade ?? 'A', signal.sizeUm),
    rules.consecutive !== undefined,
    rules.xOfY !== undefined,
    rules.singleHigh !== undefined,
  ].some(Boolean)
  if (ownChoice && rules.justification === undefined) {
    findings.error(under(place, 'justification'), {
      problem: 'is missing, and the rules are the site’s own choice',
      remedy: 'name the document that justifies n, x and y, such as CCS-014',
      source: 'Annex 1 Table 5 note 2, URS-21, URS-22',
    })
  }
  if (instrument?.profile !== undefined && instrument.profile.sample === undefined) {
    findings.error(place, {
      problem: `need samples, and the profile ${instrument.profile.id} has no sample section`,
      remedy: 'use a profile that tells samples apart, or remove the rules',
      source: 'URS-21',
      at: 'key',
    })
  }
}

function checkRolling(point: ResolvedPoint, findings: Findings): void {
  const { input, signal, zone, instrument, place } = point
  if (!isParticle(point) || zone === undefined || !isAlwaysRolling(zone.grade, signal?.sizeUm))
    return
  if (input.rules?.rollingCubicMetre === false) {
    findings.error(under(place, 'rules', 'rollingCubicMetre'), {
      problem: 'is turned off for 5 µm and more in grade A',
      remedy: 'remove it; there the limits are always judged on the rolling cubic metre',
      source: 'Annex 1 Table 5 note 2, URS-21',
    })
  }
  if (instrument?.profile !== undefined && instrument.profile.sample === undefined) {
    findings.error(under(place, 'signal'), {
      problem: `cannot be judged by the cubic metre: the profile ${instrument.profile.id} has no sample section`,
      remedy: 'use a profile that tells samples apart',
      source: 'Annex 1 Table 5 note 2, URS-21',
    })
  }
  const given = input.rules ?? {}
  for (const key of ['consecutive', 'xOfY'] as const) {
    if (given[key] !== undefined) continue
    findings.warning(under(place, 'rules', key), {
      problem: 'is missing, so that regular low counts may go unseen',
      remedy: `add it with a justification, such as ${key === 'xOfY' ? 'xOfY: [5, 30]' : 'consecutive: 2'}`,
      source: 'Annex 1 Table 5 note 2, URS-21',
    })
  }
}

const pointsOf = (instrument: ResolvedInstrument, { points }: Resolved): ResolvedPoint[] =>
  points.filter((point) => point.instrument === instrument && isParticle(point))

const gradesOf = (instrument: ResolvedInstrument, resolved: Resolved): Set<Grade> =>
  new Set(pointsOf(instrument, resolved).flatMap(({ zone }) => zone?.grade ?? []))

function checkFlow(
  { own, place, profile }: ResolvedInstrument,
  grades: ReadonlySet<Grade>,
  findings: Findings,
): void {
  if (grades.size === 0) {
    return
  }
  const at = under(place, 'flow')
  const sample = profile?.sample
  if (own.flow === undefined) {
    const needed = sample?.content === 'counts' && !sample.volume && !sample.flow
    if (grades.has('A')) {
      findings.error(at, {
        problem: 'is missing on a counter that serves grade A',
        remedy: `give the nominal flow in L/min, at least ${FLOW_MIN_GRADE_A}`,
        source: 'Annex 1 9.17, URS-23',
      })
    } else if (needed) {
      findings.error(at, {
        problem: 'is missing, and the instrument tells neither volume nor flow',
        remedy: 'give the nominal flow in L/min, such as 28.3',
        source: 'URS-05',
      })
    }
    return
  }
  if (grades.has('A') && own.flow < FLOW_MIN_GRADE_A) {
    findings.error(at, {
      problem: `is ${own.flow} L/min on a counter that serves grade A, below ${FLOW_MIN_GRADE_A}`,
      remedy: `use a counter with at least ${FLOW_MIN_GRADE_A} L/min`,
      source: 'Annex 1 9.17, URS-23',
    })
  }
}

function checkTube({ own, place }: ResolvedInstrument, findings: Findings): void {
  const tube = own.samplingTube
  if (tube === undefined || tube.length <= TUBE_MAX || tube.justification !== undefined) return
  findings.warning(under(place, 'samplingTube', 'length'), {
    problem: `is ${tube.length} m, and large particles are lost in tubes over ${TUBE_MAX} m`,
    remedy: 'shorten it, or add a justification',
    source: 'Annex 1 5.9, URS-23',
  })
}

/** Grade A is monitored at both sizes (Annex 1 9.16, 9.17). */
function checkSizes({ model, points }: Resolved, findings: Findings): void {
  for (const { value, place } of model.zones) {
    const here = points.filter(({ input }) => value.grade === 'A' && input.zone === value.id)
    if (here.some(({ signal }) => signal === undefined)) continue
    const sizes = here.filter(isParticle).map(({ signal }) => signal?.sizeUm)
    const lacking = sizes.length === 0 ? [] : [0.5, 5].filter((size) => !sizes.includes(size))
    for (const size of lacking) {
      findings.warning(place, {
        problem: `is of grade A and has no point for ${size} µm and greater`,
        remedy: 'add one; grade A is monitored at 0.5 µm and at 5 µm',
        source: 'Annex 1 9.16, URS-02',
      })
    }
  }
}

function checkCleanUp({ model }: Resolved, findings: Findings): void {
  for (const { value, place } of model.zones) {
    if (value.cleanUp === undefined || value.cleanUp < CLEAN_UP_GUIDANCE_MS) continue
    findings.warning(under(place, 'cleanUp'), {
      problem: 'is not under the guidance value of 20min',
      remedy: 'shorten it, or have the longer period qualified',
      source: 'Annex 1 4.29 iii, URS-19',
    })
  }
}
