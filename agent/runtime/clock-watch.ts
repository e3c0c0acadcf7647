// Watches what is said of the wall clock (URS-51): synchronisation won and lost is on record, lost for long is an alarm, so is a
// clock that drifts, and a clock that was doubted at the start is trusted once it may be. Steps are the loop's; sets no clock.

import { baseTime, type TimeBase } from '#core/schedule.ts'
import { type Instant, MINUTE, type Millis, SECOND } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { ClockTrust } from '#ports/commands.ts'
import type { Log } from '#ports/log.ts'

/** The service is asked this often. */
export const ASK_MS: Millis = 30 * SECOND
/** An alarm after so long without synchronisation; where no service says anything, one may still be starting. */
export const UNSYNCHRONISED_MS: Millis = 5 * MINUTE
export const UNKNOWN_MS: Millis = 15 * MINUTE
/** Further off than this for so long is drift; back below the second it is over. A step is half a second. */
export const DRIFT_MS: Millis = 200
export const DRIFT_OVER_MS: Millis = 100
export const DRIFT_FOR_MS: Millis = 5 * MINUTE

interface Said {
  readonly trust: ClockTrust
  readonly offsetMs?: Millis
  readonly source: string
}

export interface ClockWatchOptions {
  readonly clock: Clock
  readonly log: Log
  /** Asks the time service; never rejects. */
  readonly ask: () => Promise<Said>
  /** What is known before the first answer. */
  readonly first: ClockTrust
  readonly base: () => TimeBase
  /** Whether readings are flagged, and whether they need not be any more. */
  readonly doubted: () => boolean
  readonly isTrusted: (trust: ClockTrust, at: Instant) => boolean
  /** Whether a system alarm is active, also from before the start: it goes on until its cause is gone. */
  readonly active: (alarm: string) => boolean
  readonly condition: (alarm: string, active: boolean, detail?: string) => void
  readonly note: (type: string, body: Readonly<Record<string, unknown>>) => void
  readonly trusted: (by: string) => void
}

export class ClockWatch {
  readonly #options: ClockWatchOptions
  #trust: ClockTrust
  /** What is on record; undefined before the first answer. */
  #told: ClockTrust | undefined
  /** An answer that differs counts once it came twice. */
  #heard: ClockTrust | undefined
  #unsynchronisedSince: Millis | undefined
  #driftSince: Millis | undefined
  #alarmed = { unsynchronised: false, drift: false }
  #offsetMs: Millis | undefined
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(options: ClockWatchOptions) {
    this.#options = options
    this.#trust = options.first
  }

  /** Asks now, and from then on. Resolves with the first answer. */
  async start(): Promise<void> {
    const { active } = this.#options
    this.#alarmed = { unsynchronised: active('clock_unsynchronised'), drift: active('clock_drift') }
    await this.#look()
  }

  /** What is to be believed of the wall clock now. */
  trust(): ClockTrust {
    return this.#trust
  }

  /** How far the wall clock is off: its reference where the service tells, else the time base. */
  offsetMs(): Millis {
    const { clock, base } = this.#options
    const { wall, mono } = clock.now()
    return this.#offsetMs ?? wall - baseTime(base(), mono)
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  async #look(): Promise<void> {
    const { ask, clock } = this.#options
    const said = await ask()
    if (this.#stopped) return
    const { mono } = clock.now()
    this.#take(said)
    this.#judgeSynchronised(said, mono)
    this.#judgeDrift(mono)
    this.#judgeDoubt(said)
    this.#cancel = clock.at(mono + ASK_MS, () => void this.#look())
  }

  #take({ trust, offsetMs, source }: Said): void {
    const { note, log } = this.#options
    this.#offsetMs = offsetMs
    const sure = this.#told === undefined || trust === this.#heard
    this.#heard = trust
    if (!sure || trust === this.#told) return
    const body = {
      was: this.#told ?? null,
      is: trust,
      source,
      ...(offsetMs !== undefined && { offsetMs: Math.round(offsetMs) }),
    }
    this.#trust = trust
    this.#told = trust
    log.info('clock_trust', body)
    note(trust === 'synchronised' ? 'clock.synchronised' : 'clock.unsynchronised', body)
  }

  #judgeSynchronised({ source }: Said, mono: Millis): void {
    const { condition } = this.#options
    if (this.#trust === 'synchronised') {
      this.#unsynchronisedSince = undefined
      if (this.#alarmed.unsynchronised) condition('clock_unsynchronised', false)
      this.#alarmed.unsynchronised = false
      return
    }
    this.#unsynchronisedSince ??= mono
    const after = this.#trust === 'unknown' ? UNKNOWN_MS : UNSYNCHRONISED_MS
    if (this.#alarmed.unsynchronised || mono - this.#unsynchronisedSince < after) return
    this.#alarmed.unsynchronised = true
    condition(
      'clock_unsynchronised',
      true,
      this.#trust === 'unknown'
        ? 'no time service says whether the clock is right; run chrony or systemd-timesyncd'
        : `${source} says that the clock is not synchronised; check the way to its time server`,
    )
  }

  #judgeDrift(mono: Millis): void {
    const { condition } = this.#options
    const off = this.offsetMs()
    if (Math.abs(off) <= (this.#alarmed.drift ? DRIFT_OVER_MS : DRIFT_MS)) {
      this.#driftSince = undefined
      if (this.#alarmed.drift) condition('clock_drift', false)
      this.#alarmed.drift = false
      return
    }
    this.#driftSince ??= mono
    if (this.#alarmed.drift || mono - this.#driftSince < DRIFT_FOR_MS) return
    this.#alarmed.drift = true
    condition('clock_drift', true, `the clock is off by ${Math.round(off)} ms`)
  }

  #judgeDoubt({ source }: Said): void {
    const { doubted, isTrusted, trusted, clock } = this.#options
    if (!doubted() || !isTrusted(this.#trust, clock.now())) return
    trusted(this.#trust === 'synchronised' ? source : 'the clock goes on from what is on record')
  }
}
