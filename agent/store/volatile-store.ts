// The store while the disk is out of order: it keeps nothing, counts what it was given, and remembers the newest state, so
// that the gap can be told and the alarms carried over when the disk is good again. It never moves the head.

import type { JournalEvent } from '#core/record.ts'
import type { Instant, Millis } from '#core/time.ts'
import type { Commit, Head, Recovered, StateChange, Store, StreamBatch } from '#ports/store.ts'
import { covering, renumberAlarm } from './quarantine.ts'
import { StoreError } from './store-error.ts'

/** Transitions of alarms and suppressions that a gap names one by one; the others are counted. */
const TRANSITIONS_MAX = 200
/** State that is carried over a gap: what the core knows. People and cursors stay as they were on record. */
const CARRIED =
  /^(alarm|zone|stay|hold|service|reminder|counter|window|trend)\/|^(alarms|alarms_gone|flood|happened)$/

/**
 * State row: by how much what is carried over has moved with a clock that stepped in the gap. The next start, which finds the step by
 * the last commit on record, moves it by so much less.
 */
const MOVED_KEY = 'moved'

/** What was not recorded. */
export interface Gap {
  /** Wall ms of the first record that was not kept, and of the last. */
  readonly from: number
  readonly to: number
  readonly readings: number
  readonly events: number
  /** Why, in words. */
  readonly reason: string
  /** Transitions of alarms in the gap, and what began and ceased to be suppressed. */
  readonly alarms: readonly Readonly<Record<string, unknown>>[]
  readonly state: readonly StateChange[]
  /** By how much the wall clock stepped in it. */
  readonly steppedMs: Millis
  readonly last: { readonly at: Instant; readonly bootId: string; readonly tb: number }
}

export interface VolatileOptions {
  /** What the disk held last, as far as it can be read. */
  readonly lastKnown: Recovered
  readonly reason: string
  readonly since: Instant
  /** Takes the lock of the data directory, where the disk allows it; returns how to let go. */
  readonly lock: () => () => void
}

/** Accepts everything and keeps nothing. It may be closed and gone on with. */
export class VolatileStore implements Store {
  readonly volatile = true
  readonly #options: VolatileOptions
  readonly #state = new Map<string, string | undefined>()
  readonly #alarms: Readonly<Record<string, unknown>>[] = []
  #release: (() => void) | undefined
  #readings = 0
  #events = 0
  #steppedMs: Millis = 0
  #last: Gap['last'] | undefined

  constructor(options: VolatileOptions) {
    this.#options = options
    this.reopen()
  }

  /** Takes the lock again, before another agent runs on it. Throws StoreError `locked` when another instance has it. */
  reopen(): void {
    this.#release ??= this.#options.lock()
  }

  /** What the disk held last, with what happened to it since. */
  get recovered(): Recovered {
    const { lastKnown } = this.#options
    if (this.#last === undefined) return lastKnown
    const { at, bootId, tb } = this.#last
    const state = merged(lastKnown.state, this.changes())
    return { ...lastKnown, tb, lastCommit: { at, bootId }, ...covering(state, undefined) }
  }

  /** State rows that changed since. */
  changes(): StateChange[] {
    return [...this.#state].map(([key, value]) => ({ key, value }))
  }

  commit({ at, bootId, tb, records, state }: Commit): Promise<Head> {
    for (const record of records) {
      if (record.kind === 'reading') this.#readings++
      else this.#take(record.event)
    }
    for (const { key, value } of state) if (CARRIED.test(key)) this.#state.set(key, value)
    this.#last = { at, bootId, tb }
    return Promise.resolve(this.#options.lastKnown.head)
  }

  #take({ type, ts, body }: JournalEvent): void {
    this.#events++
    if (type === 'clock.stepped') this.#steppedMs += Number(body['stepMs'])
    if (this.#alarms.length >= TRANSITIONS_MAX) return
    const { alarm, occ, from, to, zone, alarms } = body
    if (type.startsWith('alarm.')) this.#alarms.push({ type, ts, alarm, occ, from, to })
    if (type.startsWith('suppression.')) this.#alarms.push({ type, ts, zone, alarms })
  }

  /** Nothing is read from a disk that is out of order; a consumer is told nothing rather than something wrong. */
  batches(): Promise<readonly StreamBatch[]> {
    return Promise.resolve([])
  }

  count(): Promise<number> {
    const words = 'the disk is out of order; the backlog cannot be counted'
    return Promise.reject(new StoreError('io', words))
  }

  close(): Promise<void> {
    this.#release?.()
    this.#release = undefined
    return Promise.resolve()
  }

  /** What was not kept; undefined when nothing was given. */
  gap(): Gap | undefined {
    if (this.#last === undefined) return undefined
    const { since, reason } = this.#options
    return {
      ...{ from: Math.round(since.wall), to: Math.round(this.#last.at.wall) },
      ...{ readings: this.#readings, events: this.#events, reason },
      alarms: this.#alarms,
      state: this.changes(),
      steppedMs: this.#steppedMs,
      last: this.#last,
    }
  }
}

function merged(
  before: ReadonlyMap<string, string>,
  changes: readonly StateChange[],
): Map<string, string> {
  const rows = new Map(before)
  for (const { key, value } of changes) {
    if (value === undefined) rows.delete(key)
    else rows.set(key, value)
  }
  return rows
}

/**
 * Records the gap in a store that is good again, with the alarms as they stand after it, in one commit; the store goes on
 * from there. The slots of the gap are covered as after any downtime.
 */
export async function recordGap(
  store: Store,
  gap: Gap,
  at: Instant,
  bootId: string,
): Promise<Store> {
  const { recovered } = store
  const { from, to, readings, events, reason, alarms, last, steppedMs } = gap
  const seq = recovered.head.seq + 1
  const carried = gap.state.map(({ key, value }) => ({
    key,
    value: value !== undefined && key.startsWith('alarm/') ? renumberAlarm(value, seq) : value,
  }))
  const moved = steppedMs === 0 ? undefined : JSON.stringify(steppedMs)
  const state = [...carried, { key: MOVED_KEY, value: moved }]
  const body = { from, to, readings, events, reason, alarms }
  const event = { type: 'store.gap', ts: Math.round(at.wall), body }
  const { tb } = recovered
  const records = [{ kind: 'event' as const, event }]
  // by the clock before, so that whichever start is next finds the step
  const before = ({ mono, wall }: Instant): Instant => ({ mono, wall: wall - steppedMs })
  const head = await store.commit({ at: before(at), bootId, tb, first: seq, records, state })
  const rows = merged(recovered.state, state)
  const lastCommit = { at: before(last.at), bootId: last.bootId }
  return {
    recovered: { ...recovered, head, state: rows, lastCommit },
    commit: (commit) => store.commit(commit),
    batches: (query) => store.batches(query),
    count: (stream, after) => store.count(stream, after),
    ...(store.salvage !== undefined && { salvage: () => store.salvage?.() ?? Promise.resolve([]) }),
    onLoss: (tell) => store.onLoss?.(tell),
    ...bound(store, 'onUnreadable'),
    ...bound(store, 'earlier'),
    ...bound(store, 'removal'),
    close: () => store.close(),
  }
}

/** An optional method of a store, still its own. */
const bound = <K extends 'earlier' | 'removal' | 'onUnreadable'>(
  store: Store,
  name: K,
): Pick<Store, K> | object => {
  const method = store[name]
  return method === undefined ? {} : { [name]: method.bind(store) }
}
