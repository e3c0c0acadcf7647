// Proves the whole way of an alarm on a schedule (URS-41): a marked test alarm goes through the core, the store and the broker, and the
// agent takes it back from its own topic. How long ago that last worked is in `status`, and alarms when it is too long. Whether the
// broker had it is judged by its echo alone; nothing here touches another alarm.

import { TEST_ALARM } from '#core/alarm-set.ts'
import type { Plant } from '#core/point.ts'
import { formatDuration, HOUR, type Instant, type Millis } from '#core/time.ts'
import { momentNow } from '#core/timer.ts'
import type { Clock } from '#ports/clock.ts'

const ALARM = 'system.alarm_path'
export const ALARM_PATH_ROW = 'alarm-path'
/** A test that has not come back is tried anew after this, or after the interval where that is shorter. */
const RETRY_MS: Millis = HOUR

/** What is remembered: when the way was last proved, on both clocks, and how long the test took. */
interface Proof {
  readonly at: Instant
  /** Nothing is proved yet: `at` is when it was first asked for. */
  readonly asked?: true
  readonly tookMs?: Millis
}

export interface AlarmPathView {
  /** Wall ms of the last proof; absent before the first one. */
  readonly provedAt?: Millis
  /** Since then, or since it was first asked for. */
  readonly ageMs: Millis
  /** How long the test took there and back, where it began in this process. */
  readonly tookMs?: Millis
  /** A test is on its way. */
  readonly testing: boolean
}

export interface AlarmPathOptions {
  readonly clock: Clock
  readonly plant: () => Plant
  /** Id of the occurrence of the test alarm that is open. */
  readonly open: () => string | undefined
  readonly condition: (alarm: string, active: boolean, detail?: string) => void
  /** Writes the row with the next commit. */
  readonly keep: (row: unknown) => void
  /** The row as last written, JSON text, and the last commit before this start. */
  readonly row: string | undefined
  readonly last: { readonly at: Instant; readonly sameBoot: boolean } | undefined
}

export class AlarmPath {
  readonly #options: AlarmPathOptions
  #proof: Proof | undefined
  /** Monotonic moment at which the present test began, or the start where it is older. */
  #begun: { readonly mono: Millis; readonly here: boolean } | undefined
  #settings: Plant['alarmPath']
  /** Undefined until it has been looked at under the present settings. */
  #late: boolean | undefined
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(options: AlarmPathOptions) {
    this.#options = options
    const { row, last, clock } = options
    if (row === undefined) return
    const proof = JSON.parse(row) as Proof
    const { wall, mono } = proof.at
    this.#keep({ ...proof, at: { wall, mono: momentNow(mono, last, clock.now()) } })
  }

  /** Looks what is due; called at its times, and whenever another configuration may be in force. */
  look(): void {
    const { plant } = this.#options
    const { alarmPath } = plant()
    const same = JSON.stringify(alarmPath) === JSON.stringify(this.#settings)
    if (this.#stopped || (same && this.#late !== undefined)) return
    this.#settings = alarmPath
    this.#late = undefined
    if (alarmPath === undefined) this.#forget()
    else this.#pass()
  }

  /** The test alarm came back. */
  echo(occ: string): void {
    if (this.#settings === undefined || occ !== this.#options.open()) return
    const at = this.#now()
    const begun = this.#begun
    const tookMs = begun?.here === true ? Math.round(at.mono - begun.mono) : undefined
    this.#begun = undefined
    this.#keep({ at, ...(tookMs !== undefined && { tookMs }) })
    this.#options.condition(TEST_ALARM, false)
    this.#pass()
  }

  view(): AlarmPathView | undefined {
    const proof = this.#proof
    if (this.#settings === undefined || proof === undefined) return undefined
    const { at, tookMs } = proof
    return {
      ...(tookMs !== undefined && { tookMs }),
      ...(proof.asked === undefined && { provedAt: Math.round(at.wall) }),
      ageMs: Math.max(0, Math.round(this.#now().mono - at.mono)),
      testing: this.#options.open() !== undefined,
    }
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #now(): Instant {
    return this.#options.clock.now()
  }

  #keep(proof: Proof): void {
    this.#proof = proof
    this.#options.keep(proof)
  }

  /** Nobody asks for it any more. */
  #forget(): void {
    this.#cancel?.()
    this.#begun = undefined
    this.#proof = undefined
    this.#options.keep(undefined)
    this.#setLate(false)
  }

  /** Does what is due, and sets the time of what comes next. */
  #pass(): void {
    const { alarmPath } = this.#options.plant()
    if (this.#stopped || alarmPath === undefined) return
    const { everyMs, maxAgeMs } = alarmPath
    const now = this.#now()
    // asked for the first time: its age counts from now, and it is tried at once
    const proof = this.#proof ?? { at: now, asked: true }
    if (this.#proof === undefined) this.#keep(proof)
    const provedMono = proof.at.mono
    const open = this.#options.open() !== undefined
    if (open) this.#begun ??= { mono: now.mono, here: false }
    const retryAt = (this.#begun?.mono ?? now.mono) + Math.min(RETRY_MS, everyMs)
    const dueAt = open ? retryAt : proof.asked === true ? now.mono : provedMono + everyMs
    if (now.mono >= dueAt) this.#test(open, now)
    const late = now.mono - provedMono >= maxAgeMs
    if (late !== this.#late) this.#setLate(late)
    const next = [
      now.mono >= dueAt ? now.mono + Math.min(RETRY_MS, everyMs) : dueAt,
      ...(late ? [] : [provedMono + maxAgeMs]),
    ]
    this.#cancel?.()
    this.#cancel = this.#options.clock.at(Math.min(...next), () => this.#pass())
  }

  #test(open: boolean, now: Instant): void {
    if (open) this.#options.condition(TEST_ALARM, false)
    this.#begun = { mono: now.mono, here: true }
    this.#options.condition(TEST_ALARM, true)
  }

  #setLate(late: boolean): void {
    this.#late = late
    const most = formatDuration(this.#settings?.maxAgeMs ?? 0)
    const detail = `no test alarm has come back from the broker for ${most} or more`
    this.#options.condition(ALARM, late, late ? detail : undefined)
  }
}
