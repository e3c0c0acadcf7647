// D1, D5, D6 on what was accepted: each slot of each point once, a value only where the instrument held it while it was asked,
// never a number that means "no value". Knows the truth of the plant and the wire's account; uses no code of the agent.

import type { Reading } from '#core/reading.ts'
import type { Line } from '../line.ts'
import type { Process } from '../machine.ts'
import type { Revision } from '../revision.ts'
import type { Signal } from '../signal.ts'
import { Unit } from '../unit.ts'
import type { AcceptedRecord } from './accepted.ts'

/** Rounding of arrival times, and the way from the wire to the clock that stamps. */
const MARGIN_MS = 2.5
/** No unit answers faster. */
const QUICKEST_MS = 1.5
/** A parked unit: at least one record a minute (contract §3), plus a commit. */
/** A slow disk may hold up a change for so long. */
const SETTLE_MS = 40_000
const RECORD_EVERY_MS = 65_000

interface Place {
  readonly signal: Signal
  readonly unit: Unit
  readonly line: Line
  covered: { tb: number; next: number } | undefined
  coveredAt: number
  removed: boolean
  /** It is back: its slots go on from about here (infinite where that is not known). */
  resumes: number | undefined
  /** An epoch has begun: its account goes on, or begins anew where its coverage was lost. */
  mayBegin: boolean
  /** Where its slots of the present time base begin, by the wall; infinite where that is not known. */
  owedFrom: number
}

export class ReadingChecks {
  readonly #places = new Map<string, Place>()
  readonly #broken: (invariant: string, words: string) => void
  readonly #seen: (what: string) => void
  readonly #now: () => number
  #tb = -1
  good = 0

  constructor(
    lines: readonly Line[],
    hooks: {
      broken: (invariant: string, words: string) => void
      seen: (what: string) => void
      now: () => number
    },
  ) {
    this.#broken = hooks.broken
    this.#seen = hooks.seen
    this.#now = hooks.now
    for (const line of lines) {
      for (const unit of line.units) {
        for (const signal of unit.signals)
          this.#places.set(signal.draw.id, {
            ...{ signal, unit, line, covered: undefined, coveredAt: 0 },
            ...{
              removed: false,
              resumes: undefined,
              mayBegin: false,
              owedFrom: Number.POSITIVE_INFINITY,
            },
          })
      }
    }
  }

  accepted({ seq, tb, record, base, wall }: AcceptedRecord): void {
    if (tb > this.#tb) this.#rebase(tb, wall)
    if (record.kind !== 'reading') return
    const { reading } = record
    const place = this.#places.get(reading.point)
    if (place === undefined) return this.#broken('D1', `record ${seq} of unknown ${reading.point}`)
    this.#seen(`quality ${reading.qc ?? reading.q}`)
    this.#cover(seq, { tb, wall }, reading, place)
    if (reading.v === undefined) {
      if (reading.q !== 'bad') this.#broken('D6', `record ${seq} is ${reading.q} without a value`)
      return
    }
    if (reading.q === 'bad') this.#broken('D6', `record ${seq} is bad with a value`)
    if (base === undefined || reading.a === undefined)
      return this.#broken('D5', `record ${seq} has a value but no arrival`)
    this.good++
    const arrived = base.boot.trueTime(reading.t + reading.a - base.offsetMs)
    this.#checkValue(seq, reading, place, arrived)
  }

  /** The journal was set aside, and another goes on. */
  epochBegan(): void {
    this.#tb = -1
    for (const place of this.#places.values()) place.mayBegin = true
  }

  /** A time base begins with its first record, and with it the slots of all that is in force. */
  #rebase(tb: number, wall: number): void {
    this.#tb = tb
    for (const place of this.#places.values()) {
      place.owedFrom = wall
      // that was on the time line of the base before
      place.resumes = undefined
    }
  }

  /** Points went and came; what went has been covered up to then. */
  reconfigured({ removed }: Revision, changed: ReadonlySet<string>, baseMs?: number): void {
    for (const id of changed) {
      const place = this.#places.get(id)
      if (place === undefined || place.removed === removed.has(id)) continue
      place.removed = removed.has(id)
      place.coveredAt = this.#now()
      const isBack = place.resumes !== undefined
      if (!place.removed) place.owedFrom = place.resumes = baseMs ?? Number.POSITIVE_INFINITY
      const { covered } = place
      const { intervalMs } = place.signal.draw
      const due = (baseMs ?? 0) - intervalMs - SETTLE_MS
      // what was covered on the time line of an earlier base, or before it was gone the last time, says nothing about this one
      const next = covered?.tb === this.#tb && !isBack ? covered.next : place.owedFrom
      if (place.removed && next < due)
        this.#broken('D1', `${id} was removed and not covered up to then: ${next} < ${due}`)
    }
  }

  /** D1 while the agent runs: nothing has been due for long without a record. */
  sweep(process: Process): void {
    const now = this.#now()
    const since = Math.max(process.startedAt, 0)
    for (const [point, { signal, coveredAt, removed }] of this.#places) {
      if (removed) continue
      const from = Math.max(coveredAt, since)
      if (now - from > RECORD_EVERY_MS + 2 * signal.draw.intervalMs + 15_000)
        this.#broken('D1', `no record of ${point} for ${Math.round((now - from) / 1000)} s`)
    }
  }

  /** Time during which no records could be expected (the process was stopped, the disk hung) does not count. */
  excuse(): void {
    for (const place of this.#places.values()) place.coveredAt = this.#now()
  }

  #cover(
    seq: number,
    { tb, wall }: Pick<AcceptedRecord, 'tb' | 'wall'>,
    { t, slots = 1, point }: Reading,
    place: Place,
  ): void {
    const { intervalMs } = place.signal.draw
    if (t % intervalMs !== 0) this.#broken('D1', `record ${seq}: ${t} of ${point} is off the grid`)
    if (place.removed) this.#broken('D1', `record ${seq}: ${point} is not configured any more`)
    const { covered } = place
    // where it is not known which slots are covered, the one under way may be so twice, by whatever the clock says now
    const isNow = t + slots * intervalMs > wall - SETTLE_MS
    const goesOn = covered?.tb !== tb || t >= covered.next - intervalMs
    if (place.mayBegin && (goesOn || isNow)) {
      place.mayBegin = false
      place.resumes = undefined
      this.#seen('slots that begin anew with an epoch')
      return this.#covers(place, tb, t, slots)
    }
    place.mayBegin = false
    if (this.#resumed(place, t)) return void this.#covers(place, tb, t, slots)
    if (covered !== undefined && tb < covered.tb)
      this.#broken('D1', `record ${seq}: time base ${tb} came back`)
    if (covered !== undefined && covered.tb === tb && covered.next !== t) {
      const what = t < covered.next ? 'twice' : 'not at all'
      this.#broken(
        'D1',
        `record ${seq}: slots of ${point} at ${Math.min(t, covered.next)} covered ${what} (next was ${covered.next}, got ${t})`,
      )
    }
    if (covered?.tb !== tb && t > place.owedFrom + intervalMs + SETTLE_MS)
      this.#broken(
        'D1',
        `record ${seq}: slots of ${point} begin at ${t}, time base ${tb} did at ${place.owedFrom}`,
      )
    this.#covers(place, tb, t, slots)
  }

  #covers(place: Place, tb: number, t: number, slots: number): void {
    place.covered = { tb, next: t + slots * place.signal.draw.intervalMs }
    place.coveredAt = this.#now()
  }

  /** The first slot of a point that is back: about now, and behind everything it covered before. */
  #resumed(place: Place, t: number): boolean {
    const { resumes, covered, signal } = place
    place.resumes = undefined
    if (resumes === undefined || covered === undefined || t < covered.next) return false
    const off = Math.abs(t - resumes)
    if (Number.isFinite(resumes) && off > signal.draw.intervalMs + SETTLE_MS)
      this.#broken('D1', `${signal.draw.id} came back at ${resumes} and begins at ${t}`)
    return true
  }

  #checkValue(seq: number, { point, v, q }: Reading, place: Place, arrived: number): void {
    const { signal, unit, line } = place
    const { address } = signal.draw
    const asked = line.asked
      .get(unit.unitId)
      ?.findLast(
        (each) =>
          each.sentAt <= arrived - QUICKEST_MS && Unit.covers(signal, each.address, each.quantity),
      )
    if (asked === undefined)
      return this.#broken('D5', `record ${seq}: ${point} (address ${address}) was never asked for`)
    const held = signal.heldBetween(asked.sentAt - MARGIN_MS, arrived + MARGIN_MS)
    const same = held.some((step) => signal.valueHeld(step) === v)
    if (!same) {
      const values = held.map((step) => signal.valueHeld(step)).join(', ')
      this.#broken(
        'D5',
        `record ${seq}: ${point} was never ${v} (${q}) between request and reply; it held ${values}`,
      )
    }
    if (held.every(({ raw }) => !signal.isValue(raw)))
      this.#broken('D6', `record ${seq}: ${point} is ${q} though the instrument had no value`)
  }
}
