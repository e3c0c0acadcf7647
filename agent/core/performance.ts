// How the alarms of a period have performed (URS-38), against the figures of ISA-18.2: one record of the journal after the other in,
// figures out. Holds a little for each alarm and each ten minutes, never the records; judges no alarm.

import { chatters, withMove } from './chatter.ts'
import { FLOOD_ABOVE, FLOOD_WINDOW_MS } from './flood.ts'
import { FloodCount, type Floods } from './flood-count.ts'
import { DAY, HOUR, MINUTE, type Millis } from './time.ts'

/** What ISA-18.2 asks of an alarm system, as alarms.md has it. */
export const ISA_18_2 = {
  perHourAcceptable: 6,
  perHourMost: 12,
  /** Share of ten-minute periods with more than ten alarms. */
  busyPeriods: 0.01,
  /** Share of time in flood. */
  floodTime: 0.01,
  /** Share of priorities 1, 2 and 3, roughly. */
  priorities: { 1: 0.05, 2: 0.15, 3: 0.8 },
} as const

const PERIOD_MS = FLOOD_WINDOW_MS
/** Gone before anybody could have looked. */
const FLEETING_MS: Millis = MINUTE
/** An alarm about something that has happened rises and returns at once, to be seen: an unclean restart. That is no nuisance. */
const PULSE_MS: Millis = 100
const STALE_MS: Millis = DAY
const LISTED_MAX = 10

/** An alarm event as it stands in the journal, as far as it is looked at. */
export interface AlarmRecord {
  readonly type: string
  /** Wall ms, as every time here. */
  readonly ts: Millis
  readonly alarm?: string
  readonly occ?: string
  readonly priority?: number
  readonly activated?: Millis
  readonly from?: string
  /** It was shelved, suppressed or out of service, so that nobody was called. */
  readonly held?: string
  /** An acknowledgement of a superseded occurrence, given with this one. */
  readonly with?: string
  /** The test alarm of the alarm path. */
  readonly test?: boolean
}

/** An alarm that stands, as published. */
export interface StandingAlarm {
  readonly alarm: string
  readonly occ: string | null
  readonly active: boolean
  readonly activated?: Millis
  readonly held?: unknown
  readonly test?: boolean
}

export interface AcknowledgeTimes {
  readonly count: number
  readonly medianMs?: Millis
  readonly p95Ms?: Millis
  readonly worstMs?: Millis
}

export interface AlarmPerformance {
  /** What was looked at: where the journal begins later than asked for, from there on. */
  readonly from: Millis
  readonly to: Millis
  /** Alarms that called somebody, and those that were hidden behind a hold. */
  readonly alarms: number
  readonly hidden: number
  /** Acknowledged alarms that were said again. */
  readonly realarmed: number
  /** Average; of less than an hour it is what came in it. */
  readonly perHour: number
  /** The most alarms of any ten minutes, and when these ended. */
  readonly peak: Floods['peak']
  readonly periods: { readonly total: number; readonly busy: number; readonly share: number }
  readonly floods: Omit<Floods, 'peak'> & Share
  readonly chattering: readonly Counted[]
  readonly fleeting: readonly Counted[]
  readonly stale: { readonly count: number; readonly longest: readonly Stale[] }
  readonly top: { readonly share: number; readonly alarms: readonly (Counted & Share)[] }
  readonly priorities: Readonly<Record<string, { readonly count: number } & Share>>
  readonly acknowledged: AcknowledgeTimes & {
    readonly byPriority: Readonly<Record<string, AcknowledgeTimes>>
  }
  /** Whether ISA-18.2's figures are met. */
  readonly met: {
    readonly perHour: 'acceptable' | 'tolerable' | 'exceeded'
    readonly peak: boolean
    readonly periods: boolean
    readonly floods: boolean
    readonly chattering: boolean
    readonly fleeting: boolean
    readonly stale: boolean
  }
}

export interface Counted {
  readonly alarm: string
  readonly count: number
}

interface Share {
  readonly share: number
}

export interface Stale {
  readonly alarm: string
  readonly since: Millis
  readonly forMs: Millis
  /** It still stood at the end of the period. */
  readonly standing: boolean
}

interface OneAlarm {
  count: number
  chattering: number
  inChatter: boolean
  fleeting: number
  /** The last transitions (activated, returned) nobody was spared. */
  moves: readonly Millis[]
  open: { readonly occ: string; readonly since: Millis; readonly held: boolean } | undefined
  /** Since when somebody is asked to acknowledge: which occurrence. */
  asked: { readonly occ: string; readonly since: Millis } | undefined
}

/** Counts the alarms of `from` (inclusive) to `to` (exclusive). Give it every alarm event of the journal, in order. */
export class PerformanceCount {
  readonly #from: Millis
  readonly #to: Millis
  #began: Millis | undefined
  #alarms = 0
  #hidden = 0
  #realarmed = 0
  readonly #each = new Map<string, OneAlarm>()
  readonly #periods = new Map<number, number>()
  readonly #priorities = new Map<string, number>()
  readonly #waits = new Map<string, Millis[]>()
  readonly #rolling = new FloodCount()
  #stale = 0
  #longest: Stale[] = []

  constructor({ from, to }: { readonly from: Millis; readonly to: Millis }) {
    this.#from = from
    this.#to = to
  }

  /** One record of the journal; what belongs to no alarm only tells where the journal begins. */
  add(record: AlarmRecord): void {
    const { type, ts, alarm, test } = record
    this.#began ??= ts
    if (ts >= this.#to || alarm === undefined || test === true) return
    const one = this.#one(alarm)
    switch (type) {
      case 'alarm.activated':
        return this.#activated(record, one)
      case 'alarm.returned':
        this.#fleet(record, one)
        this.#move(record, one)
        return this.#ended(record, alarm, one)
      case 'alarm.closed':
        return this.#ended(record, alarm, one)
      case 'alarm.realarmed':
        if (this.#counts(record)) this.#realarmed++
        one.asked = { occ: record.occ ?? '', since: ts }
        return
      case 'alarm.worsened':
        if (record.from === 'acknowledged') one.asked = { occ: record.occ ?? '', since: ts }
        return
      case 'alarm.acknowledged':
        return this.#acknowledged(record, one)
    }
  }

  /** The figures; `standing` is what stands at the end, of which the journal may no longer hold the beginning. */
  result(standing: readonly StandingAlarm[] = []): AlarmPerformance {
    for (const { alarm, occ, active, activated, held, test } of standing) {
      if (!active || test === true || occ === null || (activated ?? this.#to) >= this.#to) continue
      const one = this.#one(alarm)
      one.open = { occ, since: activated ?? this.#to, held: held !== undefined }
    }
    for (const [alarm, { open }] of this.#each)
      if (open !== undefined && !open.held) this.#stands(alarm, open.since, this.#to, true)
    const from = Math.min(this.#to, Math.max(this.#from, this.#began ?? this.#from))
    const length = this.#to - from
    const total = Math.ceil(length / PERIOD_MS)
    const busy = [...this.#periods.values()].filter((count) => count > FLOOD_ABOVE).length
    const { peak, ...floods } = this.#rolling.result(this.#to)
    const floodShare = share(floods.totalMs, length)
    const perHour = this.#alarms / (Math.max(HOUR, length) / HOUR)
    const chattering = this.#listed(({ chattering: count }) => count)
    const fleeting = this.#listed(({ fleeting: count }) => count)
    const top = this.#listed(({ count }) => count).slice(0, LISTED_MAX)
    return {
      ...{ from, to: this.#to, alarms: this.#alarms, hidden: this.#hidden },
      ...{ realarmed: this.#realarmed, perHour, peak },
      periods: { total, busy, share: share(busy, total) },
      floods: { ...floods, share: floodShare },
      chattering,
      fleeting,
      stale: { count: this.#stale, longest: this.#longest },
      top: {
        share: share(sum(top.map(({ count }) => count)), this.#alarms),
        alarms: top.map((one) => ({ ...one, share: share(one.count, this.#alarms) })),
      },
      priorities: byKey(this.#priorities, (count) => ({
        count,
        share: share(count, this.#alarms),
      })),
      acknowledged: {
        ...timesOf([...this.#waits.values()].flat()),
        byPriority: byKey(this.#waits, timesOf),
      },
      met: {
        perHour: rateWord(perHour),
        peak: peak.alarms <= FLOOD_ABOVE,
        periods: share(busy, total) < ISA_18_2.busyPeriods,
        floods: floodShare < ISA_18_2.floodTime,
        chattering: chattering.length === 0,
        fleeting: fleeting.length === 0,
        stale: this.#stale === 0,
      },
    }
  }

  #one(alarm: string): OneAlarm {
    const known = this.#each.get(alarm)
    if (known !== undefined) return known
    const one: OneAlarm = {
      ...{ count: 0, chattering: 0, inChatter: false, fleeting: 0, moves: [] },
      ...{ open: undefined, asked: undefined },
    }
    this.#each.set(alarm, one)
    return one
  }

  /** Within the period, and somebody was called. */
  #counts({ ts, held }: AlarmRecord): boolean {
    return ts >= this.#from && ts < this.#to && held === undefined
  }

  #activated(record: AlarmRecord, one: OneAlarm): void {
    const { ts, occ = '', held, priority = 0 } = record
    one.open = { occ, since: ts, held: held !== undefined }
    one.asked = { occ, since: ts }
    if (held !== undefined && ts >= this.#from) this.#hidden++
    if (!this.#counts(record)) return
    this.#alarms++
    one.count++
    increase(this.#priorities, String(priority))
    increase(this.#periods, Math.floor((ts - this.#from) / PERIOD_MS))
    this.#rolling.note(ts)
    this.#move(record, one)
  }

  /** A transition between normal and alarm: those that come too fast are chattering, once for each run of them. */
  #move(record: AlarmRecord, one: OneAlarm): void {
    if (!this.#counts(record)) return
    one.moves = withMove(one.moves, record.ts)
    const inChatter = chatters(one.moves)
    if (inChatter && !one.inChatter) one.chattering++
    one.inChatter = inChatter
  }

  #fleet(record: AlarmRecord, one: OneAlarm): void {
    const { ts, from, activated } = record
    if (activated === undefined || from !== 'unacknowledged' || !this.#counts(record)) return
    const stood = ts - activated
    if (stood >= PULSE_MS && stood < FLEETING_MS) one.fleeting++
  }

  #ended({ ts, activated, held }: AlarmRecord, alarm: string, one: OneAlarm): void {
    const { open } = one
    one.open = undefined
    const since = activated ?? open?.since
    if (since !== undefined && held === undefined) this.#stands(alarm, since, ts, false)
  }

  /** Takes an occurrence that stood within the period for longer than a day. */
  #stands(alarm: string, since: Millis, until: Millis, standing: boolean): void {
    const forMs = until - since
    if (forMs <= STALE_MS || until <= this.#from) return
    this.#stale++
    this.#longest = [...this.#longest, { alarm, since, forMs, standing }]
      .sort((one, other) => other.forMs - one.forMs || one.since - other.since)
      .slice(0, LISTED_MAX)
  }

  #acknowledged(record: AlarmRecord, { asked }: OneAlarm): void {
    const { ts, occ, activated, priority = 0 } = record
    // what was superseded is acknowledged with its successor, whose time is the one that counts
    if (record.with !== undefined || activated === undefined || ts < this.#from) return
    const since = asked !== undefined && asked.occ === occ ? asked.since : activated
    const waits = this.#waits.get(String(priority)) ?? []
    waits.push(Math.max(0, ts - since))
    this.#waits.set(String(priority), waits)
  }

  /** Alarms with what is counted of them, the most first; those without are left out. */
  #listed(count: (one: OneAlarm) => number): Counted[] {
    return [...this.#each]
      .map(([alarm, one]) => ({ alarm, count: count(one) }))
      .filter((one) => one.count > 0)
      .sort((one, other) => other.count - one.count || (one.alarm < other.alarm ? -1 : 1))
  }
}

const increase = <Key>(counts: Map<Key, number>, key: Key): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1)

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

const byKey = <From, To>(
  map: ReadonlyMap<string, From>,
  make: (from: From) => To,
): Record<string, To> =>
  Object.fromEntries(
    [...map]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, from]) => [key, make(from)]),
  )

function rateWord(perHour: number): AlarmPerformance['met']['perHour'] {
  if (perHour <= ISA_18_2.perHourAcceptable) return 'acceptable'
  return perHour <= ISA_18_2.perHourMost ? 'tolerable' : 'exceeded'
}

/** Median, the time that 95 of 100 keep to (nearest rank) and the worst. */
function timesOf(waits: readonly Millis[]): AcknowledgeTimes {
  const count = waits.length
  if (count === 0) return { count }
  const sorted = Float64Array.from(waits).sort()
  const at = (index: number): Millis => sorted[index] ?? 0
  const half = Math.floor(count / 2)
  return {
    count,
    medianMs: count % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2,
    p95Ms: at(Math.ceil(count * 0.95) - 1),
    worstMs: at(count - 1),
  }
}
