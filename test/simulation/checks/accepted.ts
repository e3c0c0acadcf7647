// What was accepted: commits in order, each applied once its promise resolved, or once a restart found it there. Holds the
// account that recovery is checked against (D2, D3, U2); tells the other checks of every record exactly once, in order.

import { type JournalRecord, printEvent, printReading } from '#core/record.ts'
import type { Commit, Head, Recovered } from '#ports/store.ts'
import { type Boot, WALL_ZERO } from '../machine.ts'
import { forgetOldest } from '../remembered.ts'
import type { Aside } from '../store.ts'
import { carriesOver, Prints, withoutBookkeeping } from './epochs.ts'

/** How slot times of a commit translate into true time. */
export interface Base {
  readonly boot: Boot
  readonly offsetMs: number
}

export interface AcceptedRecord {
  readonly seq: number
  readonly tb: number
  readonly record: JournalRecord
  readonly base: Base | undefined
  /** True time at which its commit was handed to the store. */
  readonly at: number
  /** Wall time of its commit by the agent's clock. */
  readonly wall: number
}

export interface AcceptedListener {
  /** A commit is accepted, known by its number; its records follow. */
  committed(number: number): void
  accepted(record: AcceptedRecord): void
  /** A process has opened the store: what the one before it had under way was accepted, or never will be. */
  opened(): void
  /** Another epoch has begun; its first records follow. */
  epochBegan(ended: Ended): void
  broken(invariant: string, words: string): void
}

/** An epoch that has ended, and what is known of how. */
export interface Ended {
  readonly epoch: string
  readonly head: Head
  readonly aside: Aside
  /** What was accepted of it. */
  readonly prints: Prints
  /** All state that was accepted is in the file that was set aside. */
  readonly stateIsWhole: boolean
}

interface Pending {
  readonly number: number
  readonly commit: Commit
  readonly base: Base | undefined
  readonly at: number
}

/** Rows that commits without records may write too, so that a lost one is no fault: they only cost sending again. */
const isBookkeeping = (key: string): boolean =>
  key.startsWith('cursor/') || key.startsWith('confirm/')

export class Accepted {
  readonly #listener: AcceptedListener
  #pending: Pending[] = []
  #prints = new Prints()
  /** Of the epochs before: their messages may still be on their way. */
  readonly #before = new Map<string, Prints>()
  state = new Map<string, string>()
  /** How far the wall clock was ahead of true time at the newest accepted commit. */
  #wallErrorMs = 0
  head = 0
  headHash = ''
  epoch: string | undefined
  /** Commits handed to the store so far, accepted or not. */
  submissions = 0
  readonly #hashes = new Map<number, string>()

  constructor(listener: AcceptedListener) {
    this.#listener = listener
  }

  submitted(commit: Commit, base: Base | undefined, at: number): void {
    const expected =
      this.#pending.reduce((sum, each) => sum + each.commit.records.length, this.head) + 1
    if (commit.first !== expected)
      this.#listener.broken('D3', `a commit begins at ${commit.first} instead of ${expected}`)
    this.#pending.push({ number: ++this.submissions, commit, base, at })
  }

  acknowledged(commit: Commit, head: Head): void {
    const next = this.#pending.shift()
    if (next?.commit !== commit)
      this.#listener.broken('D3', 'commits were acknowledged out of order')
    if (next !== undefined) this.#apply(next)
    if (head.seq !== this.head)
      this.#listener.broken('D3', `acknowledged head ${head.seq}, accepted ${this.head}`)
    this.headHash = head.hash
    this.#hashes.set(head.seq, head.hash)
    forgetOldest(this.#hashes, 64)
  }

  /** A process opened the store: nothing accepted is missing, nothing is half there. */
  recovered({ epoch, head, state }: Recovered, aside?: Aside): void {
    const { broken } = this.#listener
    if (this.epoch !== undefined && this.epoch !== epoch) {
      if (aside === undefined) return broken('D3', `epoch ${epoch} after ${this.epoch}`)
      this.#begin(this.epoch, aside, state)
      this.epoch = epoch
      for (const text of aside.events) this.#begun(text)
      if (head.seq !== this.head)
        broken(
          'D3',
          `epoch ${epoch} begins with ${head.seq} records, of which ${this.head} are events`,
        )
      this.headHash = head.hash
      return
    }
    this.epoch = epoch
    if (head.seq < this.head)
      broken('D2', `${this.head - head.seq} accepted records are gone after a restart`)
    const touched = new Set<string>()
    for (const pending of this.#pending) {
      const { records, first } = pending.commit
      const last = first + records.length - 1
      // of a commit without records only its rows tell
      const whole =
        records.length > 0
          ? last <= head.seq
          : pending.commit.state.every(({ key, value }) => state.get(key) === value)
      if (whole) this.#apply(pending)
      else for (const { key } of pending.commit.state) touched.add(key)
    }
    this.#pending = []
    this.#listener.opened()
    if (head.seq !== this.head)
      broken('U2', `a commit is half there: head ${head.seq}, whole ${this.head}`)
    const known = this.#hashes.get(head.seq)
    if (known !== undefined && known !== head.hash)
      broken('U1', `the chain head ${head.seq} changed its hash`)
    this.#compareState(state, touched)
  }

  /** An epoch ends: what of it was accepted, and what the next carries over. */
  #begin(epoch: string, aside: Aside, found: ReadonlyMap<string, string>): void {
    const { broken } = this.#listener
    const touched = new Set<string>()
    for (const pending of this.#pending) {
      const { records, first } = pending.commit
      // a commit without records may be there or not, as its rows say
      const whole = records.length > 0 && first + records.length - 1 <= (aside.head ?? 0)
      if (whole) {
        this.#apply(pending)
        this.headHash = ''
      } else for (const { key } of pending.commit.state) touched.add(key)
    }
    this.#pending = []
    this.#listener.opened()
    const untouched = ([key]: readonly [string, string]) => !touched.has(key)
    const accepted = new Map([...withoutBookkeeping(this.state)].filter(untouched))
    const there = new Map([...withoutBookkeeping(aside.state ?? new Map())].filter(untouched))
    const stateIsWhole =
      accepted.size === there.size &&
      [...accepted].every(([key, value]) => there.get(key) === value)
    if (stateIsWhole) {
      const words = carriesOver(accepted, new Map([...found].filter(untouched)))
      if (words !== undefined) broken('A3', `the new epoch: ${words}`)
    }
    const ended = { epoch, aside, stateIsWhole, prints: this.#prints }
    this.#listener.epochBegan({ ...ended, head: { seq: this.head, hash: this.headHash } })
    this.#before.set(epoch, this.#prints)
    this.#prints = new Prints()
    this.head = 0
    this.#hashes.clear()
    this.state = new Map(found)
  }

  /** A record that the store itself begins an epoch with. */
  #begun(text: string): void {
    const { seq, type, ts, ...body } = JSON.parse(text) as {
      readonly seq: number
      readonly type: string
      readonly ts: number
    }
    if (seq !== this.head + 1)
      this.#listener.broken('D3', `an epoch begins with record ${seq} after ${this.head}`)
    this.head = seq
    this.#prints.push(text)
    const record: JournalRecord = { kind: 'event', event: { type, ts, body } }
    const at = ts - WALL_ZERO - this.#wallErrorMs
    this.#listener.accepted({ seq, tb: 0, record, base: undefined, at, wall: ts })
  }

  /** Whether a wall clock that is so far ahead does not go on from what may be the last commit on record. */
  isClockLost(wallErrorMs: number): boolean {
    const known = [this.#wallErrorMs, ...this.#pending.map(wallErrorOf)]
    return known.some((each) => Math.abs(wallErrorMs - each) > 1000)
  }

  /** Whether what somebody received is what was accepted under that number. */
  checkPrint(epoch: string, seq: number, printed: string): void {
    const { broken } = this.#listener
    const prints = epoch === this.epoch ? this.#prints : this.#before.get(epoch)
    if (prints === undefined) return broken('D3', `a record of epoch ${epoch}`)
    if (seq > prints.last)
      return broken('D2', `record ${seq} went out, accepted is only ${prints.last}`)
    if (!prints.has(seq, printed))
      broken('D4', `record ${seq} went out as ${printed}, which was not accepted so`)
  }

  /** Forgets prints of what every consumer has confirmed. */
  forget(through: number): void {
    this.#prints.forget(through)
  }

  #apply(pending: Pending): void {
    const { number, commit, base, at } = pending
    const { first, records, tb, state } = commit
    this.#wallErrorMs = wallErrorOf(pending)
    this.#listener.committed(number)
    for (const { key, value } of state) {
      if (value === undefined) this.state.delete(key)
      else this.state.set(key, value)
    }
    records.forEach((record, index) => {
      const seq = first + index
      this.head = seq
      const printed =
        record.kind === 'reading'
          ? printReading(seq, record.reading)
          : printEvent(seq, record.event)
      this.#prints.push(printed)
      this.#listener.accepted({ seq, tb, record, base, at, wall: commit.at.wall })
    })
  }

  #compareState(found: ReadonlyMap<string, string>, touched: ReadonlySet<string>): void {
    const keys = new Set([...found.keys(), ...this.state.keys()])
    for (const key of keys) {
      if (isBookkeeping(key) || touched.has(key)) continue
      if (found.get(key) !== this.state.get(key)) {
        this.#listener.broken(
          'U2',
          `state row ${key} is ${found.get(key)} after a restart, accepted was ${this.state.get(key)}`,
        )
      }
    }
    for (const key of [...touched, ...[...keys].filter(isBookkeeping)]) {
      const value = found.get(key)
      if (value === undefined) this.state.delete(key)
      else this.state.set(key, value)
    }
  }
}

const wallErrorOf = ({ commit, at }: Pending): number => commit.at.wall - (WALL_ZERO + at)
