// The loop: every input goes through the core's step here, its records are committed, and only what was committed goes out.
// Decides when to commit (at once for alarms and acts, else in groups at most a second old); judges nothing itself.

import { assert } from '#core/assert.ts'
import type { Act, ActReply, Input, StepResult } from '#core/input.ts'
import type { JournalRecord } from '#core/record.ts'
import { baseTime, deviation, STEP_TOLERANCE_MS, type TimeBase } from '#core/schedule.ts'
import { alarmPayload, type CoreState, nextDeadline, step } from '#core/step.ts'
import type { Instant, Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { Head, Store } from '#ports/store.ts'
import type { AlarmStateMessage } from '#ports/uplink.ts'
import { type CommitContent, contentOf, markUnstored, stateChanges } from './commit-content.ts'

/** Readings wait at most this long for company; with the commit itself they are durable within a second. */
const GROUP_MS: Millis = 800
/** A group is committed early when it has grown to this many records: they die young, which spares the heap. */
const GROUP_RECORDS_MAX = 1000
/** A commit slower than this lets alarms out unstored (design README, "the store is the only tee"). */
const UNSTORED_AFTER_MS: Millis = 500
const STORAGE_SLOW_MS: Millis = 2000
/** Records that may wait for a slow disk; beyond it the process stops rather than lose one silently. */
export const WAITING_RECORDS_MAX = 200_000
const CLOCK_CHECK_MS: Millis = 1000

/** What has become durable with one commit. */
export interface Committed extends CommitContent {
  readonly head: Head
  readonly alarms: readonly AlarmStateMessage[]
}

export interface LoopListener {
  committed(commit: Committed): void
  /** Alarm states that could not wait for a slow disk: `stored: false`. */
  unstored(alarms: readonly AlarmStateMessage[]): void
  /** The wall clock left the time base; the owner pauses polling and calls `rebase`. */
  clockStepped(stepMs: Millis): void
  /** What one input left behind, before it is committed; what it adds by inputs of its own goes into the same commit. */
  stepped?(result: StepResult, at: Instant): void
  /** The store refused a commit, or too much waits for it: the process must stop. */
  failed(error: Error): void
}

interface Waiting {
  first: number
  records: JournalRecord[]
  changes: Map<string, unknown>
  alarms: Set<string>
  urgent: boolean
  sinceMono: Millis
  settle: { readonly resolve: () => void; readonly reject: (error: Error) => void }[]
}

export interface LoopOptions {
  readonly clock: Clock
  readonly store: Store
  readonly log: Log
  readonly state: CoreState
  readonly base: TimeBase
  readonly listener: LoopListener
}

export class Loop {
  readonly #clock: Clock
  readonly #store: Store
  readonly #log: Log
  readonly #state: CoreState
  readonly #listener: LoopListener
  #base: TimeBase
  #waiting: Waiting | undefined
  #inCommit: Waiting | undefined
  #committing: Promise<void> | undefined
  #cancelGroup: (() => void) | undefined
  #cancelDeadline: (() => void) | undefined
  #deadline: Millis = Infinity
  #cancelClockCheck: (() => void) | undefined
  #stepReported = false
  /** A commit hangs for longer than alarms may wait. */
  #unstored = false
  #failed = false
  /** Nothing is begun by time any more; what comes in is still committed where somebody waits for it. */
  #stopped = false
  #head: Head
  #lastCommitAt: Millis | undefined
  #committingSince: Millis = Infinity

  constructor(options: LoopOptions) {
    this.#clock = options.clock
    this.#store = options.store
    this.#log = options.log
    this.#state = options.state
    this.#base = options.base
    this.#listener = options.listener
    this.#head = options.store.recovered.head
    this.#watchClock()
  }

  get state(): CoreState {
    return this.#state
  }

  get base(): TimeBase {
    return this.#base
  }

  /** The last committed head. */
  get head(): Head {
    return this.#head
  }

  /** Wall ms of the last commit of this process. */
  get lastCommitAt(): Millis | undefined {
    return this.#lastCommitAt
  }

  /** When the commit under way began (monotonic); infinite when there is none (runtime/watchdog.ts). */
  get committingSince(): Millis {
    return this.#committingSince
  }

  now(): Instant {
    return this.#clock.now()
  }

  /** One input through the core; what it leaves is committed with the next group, or at once. */
  input(input: Input): StepResult {
    this.#clock.notice?.()
    const result = step(this.#state, input)
    this.absorb(result)
    this.#listener.stepped?.(result, input.at)
    return result
  }

  /** An act of a person: answered when it is durable. */
  async act(act: Act): Promise<ActReply> {
    if (this.#store.volatile === true) return NOT_KEPT
    const result = this.input({ kind: 'act', at: this.now(), act })
    await this.flush()
    assert(result.reply !== undefined, 'an act is always answered')
    return result.reply
  }

  /** As act, with state rows that depend on its result: both become durable in one commit. */
  actWith(act: Act, rows: (reply: ActReply) => ReadonlyMap<string, unknown>): Promise<ActReply> {
    if (this.#store.volatile === true) return Promise.resolve(NOT_KEPT)
    const { reply } = this.input({ kind: 'act', at: this.now(), act })
    assert(reply !== undefined, 'an act is always answered')
    this.changeState(rows(reply))
    return this.flush().then(() => reply)
  }

  /** Records something that moves no alarm, with state rows of its own, at once; resolves when durable. */
  async note(
    type: string,
    body: Readonly<Record<string, unknown>>,
    changes: ReadonlyMap<string, unknown> = new Map(),
  ): Promise<void> {
    this.changeState(changes)
    this.input({ kind: 'note', at: this.now(), type, body, urgent: true })
    await this.flush()
  }

  /** State rows written with the next commit (cursors, watermarks); they alone cause no commit. */
  changeState(changes: ReadonlyMap<string, unknown>): void {
    const waiting = this.#wait()
    for (const [key, value] of changes) waiting.changes.set(key, value)
  }

  /** Takes a step's result into the next commit. */
  absorb(result: StepResult): void {
    this.#armDeadline()
    if (result.records.length === 0 && result.changes.size === 0 && result.alarms.length === 0)
      return
    const waiting = this.#wait()
    if (result.records.length > 0) {
      if (waiting.records.length === 0) waiting.first = result.first
      for (const record of result.records) waiting.records.push(record)
    }
    for (const [key, value] of result.changes) waiting.changes.set(key, value)
    for (const alarm of result.alarms) waiting.alarms.add(alarm)
    waiting.urgent ||= result.urgent
    if (this.#unstored && result.alarms.length > 0) {
      this.#listener.unstored(this.#alarmStates(new Set(result.alarms)).map(markUnstored))
    }
    if (waiting.records.length > WAITING_RECORDS_MAX) {
      this.#fail(new Error(`${waiting.records.length} records wait for the disk`))
    } else if (waiting.urgent || waiting.records.length >= GROUP_RECORDS_MAX) this.#commitSoon()
    else this.#armGroup()
  }

  /** Resolves when everything taken in so far is durable; rejects when it cannot be made so. */
  flush(): Promise<void> {
    if (this.#waiting === undefined) return this.#committing ?? Promise.resolve()
    const { settle } = this.#waiting
    return new Promise((resolve, reject) => {
      settle.push({ resolve, reject })
      this.#commitSoon()
    })
  }

  /** Moves to a new time base after a wall-clock step, with the state rows that begin with it; pollers are paused and settled. */
  async rebase(
    stepMs: Millis,
    rows: (base: TimeBase, at: Instant) => ReadonlyMap<string, unknown>,
  ): Promise<TimeBase> {
    await this.flush()
    const at = this.now()
    this.#base = { tb: this.#base.tb + 1, offsetMs: at.wall - at.mono }
    this.changeState(rows(this.#base, at))
    this.input({ kind: 'clock_stepped', at, stepMs: Math.round(stepMs) })
    await this.flush()
    this.#stepReported = false
    return this.#base
  }

  /** No tick and no group comes by itself any more: the store may be closed when its time has come. */
  stop(): void {
    this.#stopped = true
    this.#cancelGroup?.()
    this.#cancelDeadline?.()
    this.#cancelClockCheck?.()
  }

  #wait(): Waiting {
    this.#waiting ??= {
      first: 0,
      records: [],
      changes: new Map(),
      alarms: new Set(),
      urgent: false,
      sinceMono: this.#clock.now().mono,
      settle: [],
    }
    return this.#waiting
  }

  #armGroup(): void {
    if (this.#stopped) return
    this.#cancelGroup ??= this.#clock.at(this.#clock.now().mono + GROUP_MS, () => {
      this.#cancelGroup = undefined
      this.#commitSoon()
    })
  }

  /** Commits what waits, after the current turn so that one burst of inputs makes one commit. */
  #commitSoon(): void {
    if (this.#committing !== undefined || this.#failed) return
    this.#committing = Promise.resolve()
      .then(() => this.#commit())
      .catch((error: unknown) =>
        this.#fail(error instanceof Error ? error : new Error(String(error))),
      )
  }

  async #commit(): Promise<void> {
    this.#cancelGroup?.()
    this.#cancelGroup = undefined
    const batch = this.#waiting
    this.#waiting = undefined
    this.#inCommit = batch
    if (batch === undefined) {
      this.#committing = undefined
      return
    }
    const alarms = this.#alarmStates(batch.alarms)
    const at = this.now()
    const slow = this.#watchSlowCommit(at.mono, alarms)
    this.#committingSince = at.mono
    const content = contentOf(batch.records, batch.first)
    const written = this.#store.commit({
      // on the time line of its base: a clock that has stepped and is not noticed yet is found by the next start, if there is one first
      at: { mono: at.mono, wall: Math.floor(baseTime(this.#base, at.mono)) },
      bootId: this.#clock.bootId,
      tb: this.#base.tb,
      first: batch.records.length > 0 ? batch.first : this.#head.seq + 1,
      records: batch.records,
      state: stateChanges(batch.changes),
    })
    // The store has them: what need not wait for the disk dies young.
    batch.records = []
    this.#head = await written
    this.#lastCommitAt = at.wall
    this.#committingSince = Infinity
    slow.done()
    this.#committing = undefined
    this.#inCommit = undefined
    const shown = this.#store.volatile === true ? alarms.map(markUnstored) : alarms
    this.#listener.committed({ head: this.#head, alarms: shown, ...content })
    for (const { resolve } of batch.settle) resolve()
    this.#commitNext()
  }

  #commitNext(): void {
    const next = this.#waiting
    if (next === undefined) return
    if (next.urgent || next.settle.length > 0 || next.records.length >= GROUP_RECORDS_MAX) {
      this.#commitSoon()
    } else if (next.records.length > 0) this.#armGroup()
  }

  #alarmStates(ids: ReadonlySet<string>): AlarmStateMessage[] {
    return [...ids].map((alarm) => ({ alarm, payload: alarmPayload(this.#state, alarm) }))
  }

  /** While a commit hangs, alarms go out marked as not stored, and the slowness becomes an alarm itself. */
  #watchSlowCommit(sinceMono: Millis, alarms: readonly AlarmStateMessage[]): { done(): void } {
    let slow = false
    const cancels = [
      this.#clock.at(sinceMono + UNSTORED_AFTER_MS, () => {
        this.#log.warn('commit_slow', { ms: UNSTORED_AFTER_MS })
        this.#unstored = true
        const late = [...alarms, ...this.#alarmStates(this.#waiting?.alarms ?? new Set())]
        if (late.length > 0) this.#listener.unstored(late.map(markUnstored))
      }),
      this.#clock.at(sinceMono + STORAGE_SLOW_MS, () => {
        slow = true
        this.input({
          kind: 'condition',
          at: this.now(),
          alarm: 'system.storage_slow',
          active: true,
        })
      }),
    ]
    return {
      done: () => {
        for (const cancel of cancels) cancel()
        this.#unstored = false
        if (!slow) return
        this.input({
          kind: 'condition',
          at: this.now(),
          alarm: 'system.storage_slow',
          active: false,
        })
      },
    }
  }

  #armDeadline(): void {
    if (this.#stopped) return
    const deadline = nextDeadline(this.#state) ?? Infinity
    if (deadline === this.#deadline) return
    this.#deadline = deadline
    this.#cancelDeadline?.()
    this.#cancelDeadline = undefined
    if (!Number.isFinite(deadline)) return
    this.#cancelDeadline = this.#clock.at(deadline, () => {
      this.#cancelDeadline = undefined
      this.#deadline = Infinity
      this.input({ kind: 'tick', at: this.now() })
    })
  }

  #watchClock(): void {
    this.#cancelClockCheck = this.#clock.at(this.#clock.now().mono + CLOCK_CHECK_MS, () => {
      const off = deviation(this.#base, this.now())
      if (Math.abs(off) > STEP_TOLERANCE_MS && !this.#stepReported) {
        this.#stepReported = true
        this.#listener.clockStepped(off)
      }
      this.#watchClock()
    })
  }

  #fail(error: Error): void {
    if (this.#failed) return
    this.#failed = true
    this.stop()
    const untold = new Set([...(this.#inCommit?.alarms ?? []), ...(this.#waiting?.alarms ?? [])])
    if (untold.size > 0) this.#listener.unstored(this.#alarmStates(untold).map(markUnstored))
    for (const { reject } of [...(this.#inCommit?.settle ?? []), ...(this.#waiting?.settle ?? [])])
      reject(error)
    this.#listener.failed(error)
  }

  /** Wall time on the time base, for slots. */
  baseNow(): Millis {
    return baseTime(this.#base, this.#clock.now().mono)
  }
}

/** What cannot be recorded is not carried out. */
const NOT_KEPT: ActReply = {
  ok: false,
  code: 'store_failed',
  detail: 'the disk is out of order and nothing can be recorded; mend it first',
}
