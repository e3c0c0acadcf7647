// Alarms that come too fast (ISA-18.2): a flood of them, and one that chatters. Both are said beside the alarms, so that a display can
// group and mark; nothing here drops, holds or silences an alarm. Looked at after each step, from what it wrote down.

import { CHATTER_WITHIN_MS, chatters, withMove } from './chatter.ts'
import {
  CALM,
  FLOOD_WINDOW_MS,
  type FloodState,
  floodEndsAt,
  noteAlarm,
  passFlood,
} from './flood.ts'
import type { CoreState } from './state.ts'
import type { Instant, Millis } from './time.ts'
import { momentNow } from './timer.ts'
import { type Turn, writeEvent } from './turn.ts'

/** The flood under way, as persisted. */
export const FLOOD_KEY = 'flood'

/** Too many alarms at once, and which of them come and go. */
export interface Nuisance {
  /** On the monotonic clock. */
  flood: FloodState
  /** When the flood under way began, wall ms. */
  floodSince: Millis
  /** The last transitions of alarms between normal and alarm (monotonic), by id. */
  readonly moves: Map<string, readonly Millis[]>
  readonly chattering: Set<string>
}

export const noNuisance = (): Nuisance => ({
  flood: CALM,
  floodSince: 0,
  moves: new Map(),
  chattering: new Set(),
})

type FloodRow = Pick<Nuisance, 'flood' | 'floodSince'>

/** The flood as it was; which alarms chattered is found anew. */
export function resumeFlood(
  row: FloodRow | undefined,
  last: { readonly at: Instant; readonly sameBoot: boolean } | undefined,
  at: Instant,
): Nuisance {
  if (row === undefined) return noNuisance()
  const { newest, flood } = row.flood
  const now = (moment: Millis): Millis => momentNow(moment, last, at)
  return {
    ...noNuisance(),
    floodSince: row.floodSince,
    flood: {
      newest: newest.map(now),
      flood: flood === null ? null : { ...flood, since: now(flood.since) },
    },
  }
}

/** Takes in what this step raised and returned, as far as it called somebody. */
export function settleNuisance(turn: Turn): void {
  if (!turn.hasMoved) return
  for (const record of turn.records) {
    if (record.kind !== 'event') continue
    const { type, body } = record.event
    const { alarm, held, test } = body
    if (type !== 'alarm.activated' && type !== 'alarm.returned') continue
    if (typeof alarm !== 'string' || held !== undefined || test !== undefined) continue
    noteMove(turn, alarm)
    if (type === 'alarm.activated') noteActivation(turn)
  }
}

function noteMove({ state: { nuisance }, at, alarms }: Turn, alarm: string): void {
  const moves = withMove(nuisance.moves.get(alarm) ?? [], at.mono)
  nuisance.moves.set(alarm, moves)
  if (!chatters(moves)) return
  nuisance.chattering.add(alarm)
  alarms.add(alarm)
}

function noteActivation(turn: Turn): void {
  const { nuisance } = turn.state
  const before = nuisance.flood
  nuisance.flood = noteAlarm(before, turn.at.mono)
  const { flood } = nuisance.flood
  if (before.flood === null && flood !== null) {
    nuisance.floodSince = Math.round(turn.at.wall)
    writeEvent(turn, 'flood.started', { alarms: flood.alarms, withinMs: FLOOD_WINDOW_MS })
  }
  keepFlood(turn)
}

/** Writes down what is known of a flood, on the clock of now. */
export const keepFlood = ({ changes, state: { nuisance } }: Turn): void => {
  const { flood, floodSince } = nuisance
  changes.set(FLOOD_KEY, { flood, floodSince } satisfies FloodRow)
}

/** Ends a flood whose end has come, and takes the mark from what has been quiet for a minute. */
export function passNuisance(turn: Turn): void {
  const { state, at, alarms } = turn
  const { nuisance } = state
  const { flood } = nuisance.flood
  const passed = passFlood(nuisance.flood, at.mono)
  if (flood !== null && passed.flood === null) {
    nuisance.flood = passed
    writeEvent(turn, 'flood.ended', { since: nuisance.floodSince, alarms: flood.alarms })
    keepFlood(turn)
  }
  for (const alarm of nuisance.chattering) {
    if (at.mono < quietAt(nuisance, alarm)) continue
    nuisance.chattering.delete(alarm)
    nuisance.moves.delete(alarm)
    alarms.add(alarm)
  }
}

const quietAt = ({ moves }: Nuisance, alarm: string): Millis =>
  (moves.get(alarm)?.at(-1) ?? 0) + CHATTER_WITHIN_MS

/** The earliest end of a flood or of a mark (monotonic). */
export function nextNuisance({ nuisance }: CoreState): Millis {
  let next = floodEndsAt(nuisance.flood) ?? Number.POSITIVE_INFINITY
  for (const alarm of nuisance.chattering) next = Math.min(next, quietAt(nuisance, alarm))
  return next
}

/** The flood under way, for people. */
export function floodView({ nuisance }: CoreState): { since: Millis; alarms: number } | undefined {
  const { flood } = nuisance.flood
  return flood === null ? undefined : { since: nuisance.floodSince, alarms: flood.alarms }
}
