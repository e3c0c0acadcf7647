// Checks of time: does a round of requests fit the cadence (URS-24), and is data loss noticed in time (URS-66)?
// Decides by arithmetic that is shown in words; plans nothing that is sent.

import { formatDuration } from '#core/time.ts'
import { type BudgetGroup, type BusBudget, busBudget } from '../bus-budget.ts'
import { commFailOf, silenceOf } from '../compile.ts'
import { under } from '../document.ts'
import type { Findings } from '../findings.ts'
import type { Resolved, ResolvedBus, ResolvedPoint } from '../resolve.ts'

/** Checks every bus; returns its budgets, also those that fit. */
export function checkTiming(resolved: Resolved, findings: Findings): BusBudget[] {
  return resolved.buses.map((bus) => {
    const points = resolved.points.filter(
      (point) => point.instrument?.bus === bus && !hasRefusedInterval(point, findings),
    )
    checkCommFail(bus, points, findings)
    return checkBudget(bus, points, findings)
  })
}

/** An interval that was refused says nothing of the cadence that is meant. */
const hasRefusedInterval = ({ place, instrument }: ResolvedPoint, findings: Findings): boolean =>
  [place, instrument?.place, instrument?.bus?.place].some(
    (at) => at !== undefined && findings.refused(under(at, 'interval')),
  )

function checkBudget(
  bus: ResolvedBus,
  points: readonly ResolvedPoint[],
  findings: Findings,
): BusBudget {
  const [cadence] = points
    .filter(({ zone }) => zone?.grade === 'A' || zone?.grade === 'B')
    .toSorted((a, b) => a.intervalMs - b.intervalMs)
  const budget = busBudget({
    bus: bus.settings,
    ...(bus.line && { line: bus.line }),
    groups: groupsOf(points),
    ...(cadence && { cadence: { intervalMs: cadence.intervalMs, point: cadence.input.id } }),
  })
  if (!budget.fits && cadence !== undefined) {
    const needed = formatDuration(Math.ceil((budget.nominalMs + budget.deadUnitMs) / 100) * 100)
    findings.error(bus.place, {
      problem: `cannot keep the cadence of grade ${cadence.zone?.grade} with one dead unit: ${budget.words}`,
      remedy: `give intervals of ${needed} or more, shorten timeout or retries, or share the instruments between buses`,
      source: 'Annex 1 9.17, URS-24',
    })
  } else checkNominal(bus, budget, points, findings)
  return budget
}

function checkNominal(
  bus: ResolvedBus,
  budget: BusBudget,
  points: readonly ResolvedPoint[],
  findings: Findings,
): void {
  const [fastest] = points.toSorted((a, b) => a.intervalMs - b.intervalMs)
  if (fastest === undefined || budget.nominalMs <= fastest.intervalMs) return
  findings.warning(bus.place, {
    problem: `cannot keep the ${formatDuration(fastest.intervalMs)} interval of ${fastest.input.id}: ${budget.words}`,
    remedy: 'give longer intervals, or share the instruments between buses',
    source: 'URS-24',
  })
}

/** What is asked together: the signals of one instrument at one interval. */
function groupsOf(points: readonly ResolvedPoint[]): BudgetGroup[] {
  const groups = new Map<string, { profile: BudgetGroup['profile']; signals: string[] }>()
  for (const { instrument, signal, intervalMs } of points) {
    if (instrument?.profile === undefined || signal === undefined) continue
    const key = `${instrument.own.id} ${intervalMs}`
    const group = groups.get(key) ?? { profile: instrument.profile, signals: [] }
    group.signals.push(signal.name)
    groups.set(key, group)
  }
  return [...groups.values()]
}

function checkCommFail(
  bus: ResolvedBus,
  points: readonly ResolvedPoint[],
  findings: Findings,
): void {
  for (const point of points) {
    const { input, intervalMs } = point
    const commFailMs = commFailOf(point)
    const silence = silenceOf(point)
    if (input.critical !== true || silence <= commFailMs) {
      checkInterval(point, findings)
      continue
    }
    const { timeoutMs, lateReplyMs } = bus.settings
    findings.error(
      under(bus.place, bus.settings.protocol === 'modbus-tcp' ? 'timeout' : 'lateReply'),
      {
        problem:
          `makes data loss of the critical point ${input.id} unnoticed in time: ` +
          `timeout ${formatDuration(timeoutMs)} + lateReply ${formatDuration(lateReplyMs)} + interval ` +
          `${formatDuration(intervalMs)} = ${formatDuration(silence)}, more than its commFail of ${formatDuration(commFailMs)}`,
        remedy: `shorten the three to ${formatDuration(commFailMs)} together, or move the point to a faster bus`,
        source: 'Annex 1 4.16, URS-66',
      },
    )
  }
}

function checkInterval(point: ResolvedPoint, findings: Findings): void {
  const { input, place, intervalMs } = point
  if (input.commFail === undefined || input.commFail >= intervalMs) return
  findings.error(under(place, 'commFail'), {
    problem: `is ${formatDuration(input.commFail)}, shorter than the interval of ${formatDuration(intervalMs)}`,
    remedy: 'give at least the interval',
    source: 'URS-66',
  })
}
