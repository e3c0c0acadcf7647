// Trends in a step (URS-25): the excursions of points whose zone has trend rules, what happened around them, and the alarms that
// follow, when something is added or time has passed. All of it is persisted. What a trend is, trend.ts says.

import { setFault } from './fault.ts'
import { type CoreState, HAPPENED_KEY, type PointUnit, trendKey } from './state.ts'
import type { Millis } from './time.ts'
import { type Excursion, type Happening, judgeTrend, rememberedMs, touch } from './trend.ts'
import { baseNow, type Turn } from './turn.ts'

/** A trend as persisted. */
export interface TrendRow {
  readonly excursions: readonly Excursion[]
}

/** Notes something that later excursions of the zone, or of one next to it, may have to do with. Only the last time counts. */
export function noteHappening(turn: Turn, zone: string, what: string): void {
  const { state } = turn
  const longest = Math.max(0, ...state.plant.zones.map(({ trends }) => trends?.relateMs ?? 0))
  if (longest === 0) return
  const now = Math.round(baseNow(turn))
  state.happened.set(`${zone} ${what}`, { zone, what, t: now })
  for (const [key, { t }] of state.happened) if (t < now - longest) state.happened.delete(key)
  turn.changes.set(HAPPENED_KEY, [...state.happened.values()])
}

/** Judges every trend that has changed or may have changed by time alone. */
export function settleTrends(turn: Turn): void {
  const { state } = turn
  const now = baseNow(turn)
  if (state.nextTrend > now) return
  state.nextTrend = Number.POSITIVE_INFINITY
  for (const unit of state.points.values()) {
    if (unit.trend === undefined) continue
    if (unit.trend.nextAt <= now) settleTrend(turn, unit, now)
    state.nextTrend = Math.min(state.nextTrend, unit.trend.nextAt)
  }
}

function settleTrend(turn: Turn, { point, trend }: PointUnit, now: Millis): void {
  if (trend === undefined) return
  const { rules } = trend.rules
  const longest = rememberedMs(rules)
  const kept = trend.excursions.filter(({ t }) => t > now - longest)
  if (trend.changed || kept.length < trend.excursions.length) {
    const row: TrendRow = { excursions: kept }
    turn.changes.set(trendKey(point.id), kept.length === 0 ? undefined : row)
  }
  trend.excursions = kept
  trend.changed = false
  trend.nextAt = (kept[0]?.t ?? Number.POSITIVE_INFINITY) + longest
  for (const rule of rules) {
    const alarm = turn.state.alarms.get(`${point.id}.trend_${rule.kind}`)
    const { violated, detail, changesAt } = judgeTrend(rule, kept, now)
    trend.nextAt = Math.min(trend.nextAt, changesAt)
    if (alarm !== undefined) setFault(turn, alarm, violated, detail === undefined ? {} : { detail })
  }
}

/** The earliest moment (monotonic) at which time alone may change a trend. */
export const nextTrendAt = ({ nextTrend, offsetMs }: CoreState): Millis => nextTrend - offsetMs + 1

/** Brings back what was known before a start or under another configuration; the row of a point without trend rules goes. */
export function resumeTrends(
  turn: Turn,
  known: (point: string) => readonly Excursion[] | undefined,
  happened: Iterable<Happening>,
): void {
  const { state } = turn
  for (const unit of state.points.values()) {
    const excursions = known(unit.point.id)
    if (excursions === undefined) continue
    if (unit.trend === undefined) {
      turn.changes.set(trendKey(unit.point.id), undefined)
      continue
    }
    unit.trend.excursions = excursions
    unit.trend.nextAt = Number.NEGATIVE_INFINITY
  }
  state.happened = new Map([...happened].map((each) => [`${each.zone} ${each.what}`, each]))
  state.nextTrend = Number.NEGATIVE_INFINITY
}

/** Moves everything that lies on the wall's time line with it. */
export function shiftTrends(turn: Turn, stepMs: Millis): void {
  const { state } = turn
  for (const { trend } of state.points.values()) {
    if (trend === undefined || trend.excursions.length === 0) continue
    trend.excursions = trend.excursions.map((each) => ({ ...each, t: each.t + stepMs }))
    touch(trend)
    state.nextTrend = Number.NEGATIVE_INFINITY
  }
  if (state.happened.size === 0) return
  for (const [key, each] of state.happened) state.happened.set(key, { ...each, t: each.t + stepMs })
  turn.changes.set(HAPPENED_KEY, [...state.happened.values()])
}
