// The trend rules of Annex 1 9.11 (URS-25) over the excursions of one point: more than in the time before, alert excursions in close
// succession, action excursions that stand alone and come again. Pure; decides nothing about who is told.

import type { AlarmClass } from './alarm-set.ts'
import { formatDuration, type Millis } from './time.ts'

/** One rule with what the site has set. */
export type TrendRule =
  /** At least so many excursions within the time, and more than in the same time before it. */
  | { readonly kind: 'rising'; readonly overMs: Millis; readonly atLeast: number }
  /** So many alert excursions in a row, each soon after the one before. */
  | { readonly kind: 'consecutive'; readonly count: number; readonly withinMs: Millis }
  /** So many action excursions within the time; what follows another one sooner than `apartMs` is one with it. */
  | {
      readonly kind: 'isolated'
      readonly count: number
      readonly overMs: Millis
      readonly apartMs: Millis
    }

/** The trend rules of a zone, judged for each of its points. */
export interface TrendRules {
  readonly rules: readonly TrendRule[]
  /** What happened this long before an excursion is noted with it. */
  readonly relateMs: Millis
  readonly justification?: string
}

/**
 * From the moment the first limit or rule of a point is violated until none is: an alert that becomes an action is one excursion.
 * Persisted.
 */
export interface Excursion {
  /** Onset, wall ms on the time base. */
  readonly t: Millis
  readonly class: Extract<AlarmClass, 'action' | 'alert'>
  /** Its occurrences, newest last. */
  readonly occs: readonly string[]
  /** What it may have to do with: happenings before it, and reasons given for it. */
  readonly related: readonly string[]
}

/** Excursions of a point that are remembered at the most; the newest count. */
const EXCURSIONS_MAX = 128
/** Occurrences of one excursion that a reason may still be given for. */
const OCCURRENCES_MAX = 16

export interface TrendFinding {
  readonly violated: boolean
  readonly detail?: string
  /** When time alone may change it, wall ms; infinite where it cannot. */
  readonly changesAt: Millis
}

/** Judges one rule at this moment. `excursions` oldest first, times on the time base of `now`. */
export function judgeTrend(
  rule: TrendRule,
  excursions: readonly Excursion[],
  now: Millis,
): TrendFinding {
  switch (rule.kind) {
    case 'rising':
      return judgeRising(rule, excursions, now)
    case 'consecutive':
      return judgeConsecutive(rule, excursions, now)
    case 'isolated':
      return judgeIsolated(rule, excursions, now)
  }
}

type Rule<K extends TrendRule['kind']> = Extract<TrendRule, { kind: K }>

function judgeRising(
  { overMs, atLeast }: Rule<'rising'>,
  excursions: readonly Excursion[],
  now: Millis,
): TrendFinding {
  const recent = excursions.filter(({ t }) => t > now - overMs)
  const before = excursions.filter(({ t }) => t > now - 2 * overMs && t <= now - overMs)
  const leaving = excursions.flatMap(({ t }) => [t + overMs, t + 2 * overMs])
  const words = `${recent.length} excursions in ${formatDuration(overMs)}, ${before.length} in the same time before`
  return {
    violated: recent.length >= atLeast && recent.length > before.length,
    detail: `${words}; ${relatedWords(recent)}`,
    changesAt: Math.min(...leaving.filter((at) => at > now)),
  }
}

function judgeConsecutive(
  { count, withinMs }: Rule<'consecutive'>,
  excursions: readonly Excursion[],
  now: Millis,
): TrendFinding {
  const last = excursions.slice(-count)
  const newest = last.at(-1)?.t ?? Number.NEGATIVE_INFINITY
  const close = last.every(({ t }, index) => t - (last[index - 1]?.t ?? t) < withinMs)
  const alert = last.every((each) => each.class === 'alert')
  const fresh = now - newest < withinMs
  const within = formatDuration(withinMs)
  return {
    violated: last.length === count && alert && close && fresh,
    detail: `${count} alert excursions in a row, each within ${within} of the one before; ${relatedWords(last)}`,
    changesAt: fresh ? newest + withinMs : Number.POSITIVE_INFINITY,
  }
}

function judgeIsolated(
  { count, overMs, apartMs }: Rule<'isolated'>,
  excursions: readonly Excursion[],
  now: Millis,
): TrendFinding {
  const actions = excursions.filter((each) => each.class === 'action')
  const alone = actions
    .filter(({ t }, index) => t - (actions[index - 1]?.t ?? Number.NEGATIVE_INFINITY) >= apartMs)
    .filter(({ t }) => t > now - overMs)
  const words = `${alone.length} action excursions in ${formatDuration(overMs)}, ${formatDuration(apartMs)} or more apart`
  return {
    violated: alone.length >= count,
    detail: `${words}; ${relatedWords(alone)}`,
    changesAt: Math.min(...alone.map(({ t }) => t + overMs)),
  }
}

/** What the excursions may have in common, the most frequent first. */
function relatedWords(excursions: readonly Excursion[]): string {
  const counts = new Map<string, number>()
  for (const what of excursions.flatMap(({ related }) => [...new Set(related)]))
    counts.set(what, (counts.get(what) ?? 0) + 1)
  const shared = [...counts].filter(([, count]) => count > 1).sort(([, a], [, b]) => b - a)
  if (shared.length === 0) return 'nothing on record in common'
  const words = shared.map(([what, count]) => `${what} (${count} of ${excursions.length})`)
  return `with ${words.join(', ')}`
}

/** How long an excursion may matter to any of the rules. */
export function rememberedMs(rules: readonly TrendRule[]): Millis {
  const each = rules.map((rule) => {
    if (rule.kind === 'rising') return 2 * rule.overMs
    return rule.kind === 'isolated' ? rule.overMs + rule.apartMs : rule.count * rule.withinMs
  })
  return Math.max(0, ...each)
}

/** The excursions of a point under trend rules, and when time alone may change what they amount to. Changed in place. */
export interface Trend {
  readonly rules: TrendRules
  excursions: readonly Excursion[]
  /** Wall ms on the time base. */
  nextAt: Millis
  /** Not written down as it is now. */
  changed: boolean
}

export const newTrend = (rules: TrendRules): Trend => ({
  rules,
  excursions: [],
  nextAt: Number.POSITIVE_INFINITY,
  changed: false,
})

/** Something that excursions may have to do with: an occupancy that changed, a door that moved, an instrument under maintenance. */
export interface Happening {
  readonly zone: string
  readonly what: string
  /** The last time, wall ms on the time base. */
  readonly t: Millis
}

/** What happened in these zones since, in words. */
export const happenedIn = (
  happenings: Iterable<Happening>,
  zones: ReadonlySet<string>,
  since: Millis,
): readonly string[] => [
  ...new Set(
    [...happenings].filter(({ zone, t }) => zones.has(zone) && t >= since).map(({ what }) => what),
  ),
]

/** A limit or rule of the point is violated from `t` on: a new excursion, or more of the one that goes on. */
export function addToTrend(
  trend: Trend,
  begun: Excursion,
  { goesOn }: { readonly goesOn: boolean },
): void {
  const newest = trend.excursions.at(-1)
  const joined: Excursion | undefined =
    goesOn && newest !== undefined
      ? {
          ...newest,
          class: newest.class === 'action' ? 'action' : begun.class,
          occs: [...newest.occs, ...begun.occs].slice(-OCCURRENCES_MAX),
        }
      : undefined
  const others = joined === undefined ? trend.excursions : trend.excursions.slice(0, -1)
  trend.excursions = [...others, joined ?? begun]
    .sort((one, other) => one.t - other.t)
    .slice(-EXCURSIONS_MAX)
  touch(trend)
}

/** A reason that was given for an occurrence is noted with its excursion. */
export function relateInTrend(trend: Trend, occ: string, what: string): void {
  trend.excursions = trend.excursions.map((each) =>
    each.occs.includes(occ) && !each.related.includes(what)
      ? { ...each, related: [...each.related, what] }
      : each,
  )
  touch(trend)
}

/** Has the trend judged, and written down, in this step. */
export function touch(trend: Trend): void {
  trend.nextAt = Number.NEGATIVE_INFINITY
  trend.changed = true
}
