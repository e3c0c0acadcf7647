// Who the instruments of one bus are (URS-14): when each has to be asked, whether what it says is what the configuration
// says, and whether its readings are credited. Asks nothing itself: the poller does, so that one request at a time holds.

import type { Input } from '#core/input.ts'
import type { RawSignal } from '#core/reading.ts'
import { MINUTE, type Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { BusDriver, Identity, IdentityReply } from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'

/** An instrument is asked again this long after it was last found to be the right one. */
const RECHECK_MS: Millis = 60 * MINUTE
/** One that will not say is asked again after this long, doubling to the recheck. */
const RETRY_MS_MIN: Millis = MINUTE
/** A refused one is asked again after this long: nothing it says counts, and whoever puts the right one back wants to see it. */
const REFUSED_RETRY_MS: Millis = 10_000
/** Damaged replies are a reason to ask once in so long. */
const DOUBT_MS: Millis = 30_000
/** After so many questions in a row without an answer, the poll goes first and shows whether the unit is there at all. */
const SILENT_QUESTIONS_MAX = 3

/** An instrument as its identity is judged. */
export interface IdentityTarget {
  readonly instrument: string
  /** Serial number that the configuration gives. */
  readonly serial?: string
  /** It serves a grade A or B or a critical point: nothing is good before the serial number matched. */
  readonly strict: boolean
}

/** `unverified`: not known yet; `refused`: another instrument, or one that does not say who it is where that matters. */
type Standing = 'unverified' | 'accepted' | 'refused'

/** Why a poll is not worth trying: the question who the unit is was left without an answer. */
export interface Unanswered {
  readonly fault: RawSignal & { kind: 'fault' }
  /** As in a poll reply. */
  readonly silent: boolean
}

interface Watch {
  readonly target: IdentityTarget
  standing: Standing
  /** Opens of the link when it was last asked; a fresh link may lead to another instrument. */
  askedOn: number
  /** Opens of the link that it was accepted on. */
  acceptedOn: number
  /** It stopped answering since it was accepted: whoever answers next may be another. */
  lost: boolean
  /** Not asked before this, unless the link is a fresh one. */
  nextMono: Millis
  retryMs: Millis
  silentQuestions: number
  /** No damaged reply is a reason to ask before this. */
  doubtFromMono: Millis
  /** The profile knows no way to ask. */
  mute: boolean
  /** What was last recorded, printed. */
  recorded: string
  alarmed: boolean | undefined
}

export interface IdentityOptions {
  readonly bus: string
  readonly driver: BusDriver
  readonly targets: readonly IdentityTarget[]
  readonly clock: Clock
  readonly log: Log
  readonly input: (input: Input) => void
}

export class IdentityWatch {
  readonly #options: IdentityOptions
  readonly #watches = new Map<string, Watch>()

  constructor(options: IdentityOptions) {
    this.#options = options
    for (const target of options.targets) {
      this.#watches.set(target.instrument, {
        target,
        standing: 'unverified',
        askedOn: -1,
        acceptedOn: -1,
        lost: false,
        nextMono: Number.NEGATIVE_INFINITY,
        retryMs: RETRY_MS_MIN,
        silentQuestions: 0,
        doubtFromMono: Number.NEGATIVE_INFINITY,
        mute: options.driver.readIdentity === undefined,
        recorded: '',
        alarmed: undefined,
      })
    }
  }

  /**
   * Whether the instrument has to be asked now, before its poll or after it. One that has left several questions without an
   * answer is polled first: that shows whether it is there at all.
   */
  isDue(instrument: string, when: 'before' | 'after'): boolean {
    const watch = this.#watches.get(instrument)
    if (watch === undefined || watch.mute) return false
    const pollFirst = isCurious(watch) || watch.silentQuestions >= SILENT_QUESTIONS_MAX
    if (when === 'before' && pollFirst) return false
    if (watch.askedOn !== this.#opens()) return true
    return this.#options.clock.now().mono >= watch.nextMono
  }

  /**
   * Asks, and judges the answer. Returns why the instrument is not to be polled now; undefined when it may be. `probe` as in a
   * poll order; `present`: it has just answered a poll.
   */
  async ask(
    instrument: string,
    { probe, present }: { readonly probe: boolean; readonly present: boolean },
  ): Promise<Unanswered | undefined> {
    const watch = this.#watches.get(instrument)
    const { driver } = this.#options
    if (watch === undefined || driver.readIdentity === undefined) return undefined
    const opens = this.#opens()
    const reply = await driver.readIdentity(instrument, probe)
    watch.askedOn = opens
    if (reply.kind === 'none') {
      watch.mute = true
      this.#alarm(watch, false)
      return undefined
    }
    if (reply.kind === 'fault') return this.#unanswered(watch, reply, present)
    watch.acceptedOn = opens
    watch.lost = false
    watch.silentQuestions = 0
    this.#judge(watch, reply.identity)
    return undefined
  }

  /** The unit gave no answer: whoever answers next is asked first. */
  lost(instrument: string): void {
    const watch = this.#watches.get(instrument)
    if (watch === undefined || watch.lost) return
    watch.lost = true
    watch.nextMono = Number.NEGATIVE_INFINITY
  }

  /** A reply came damaged: two instruments of one unit id damage one another's, and either may be heard alone (FB19). */
  damaged(instrument: string): void {
    const watch = this.#watches.get(instrument)
    const { mono } = this.#options.clock.now()
    if (watch === undefined || isCurious(watch) || mono < watch.doubtFromMono) return
    watch.doubtFromMono = mono + DOUBT_MS
    watch.nextMono = Math.min(watch.nextMono, mono)
  }

  /** Whether what the instrument measured belongs to its points. */
  isCredited(instrument: string): boolean {
    const watch = this.#watches.get(instrument)
    if (watch === undefined || watch.mute || isCurious(watch)) return true
    if (watch.standing === 'refused') return false
    if (!watch.target.strict) return true
    return watch.standing === 'accepted' && !watch.lost && watch.acceptedOn === this.#opens()
  }

  #opens(): number {
    return this.#options.driver.counters.reconnects
  }

  #judge(watch: Watch, found: Identity): void {
    const { instrument, serial: expected, strict } = watch.target
    const { mono } = this.#options.clock.now()
    watch.retryMs = RETRY_MS_MIN
    watch.nextMono = mono + RECHECK_MS
    const isRight = expected === undefined || isSameSerial(expected, found.serial)
    if (isRight || (found.serial === undefined && !strict)) {
      this.#record(watch, 'instrument.identified', { instrument, ...found })
      watch.standing = 'accepted'
      return this.#alarm(watch, false)
    }
    watch.nextMono = mono + REFUSED_RETRY_MS
    const told = found.serial === undefined ? 'is not told' : `is ${found.serial}`
    this.#refuse(watch, `the serial number ${told}, configured is ${expected}`, found)
  }

  /**
   * Silence is the unit's or the line's affair and has reasons of its own. An instrument that answers but does not say who it
   * is counts as a stranger where that matters, and is let be where it does not.
   */
  #unanswered(
    watch: Watch,
    { fault, silent }: Extract<IdentityReply, { kind: 'fault' }>,
    present: boolean,
  ): Unanswered | undefined {
    const { strict, instrument, serial } = watch.target
    const { reason, exceptionCode } = fault
    const { mono } = this.#options.clock.now()
    if (isCurious(watch)) return this.#unsatisfied(watch, fault)
    if (isSilence(reason)) {
      if (reason === 'timeout') watch.silentQuestions++
      const isMute = present && watch.silentQuestions >= SILENT_QUESTIONS_MAX * 2
      if (reason !== 'timeout' || !isMute) return { fault, silent }
    }
    if (TRANSIENT.includes(reason) && strict) return { fault, silent }
    watch.nextMono = mono + (strict ? REFUSED_RETRY_MS : watch.retryMs)
    watch.retryMs = Math.min(RECHECK_MS, watch.retryMs * 2)
    const why = exceptionCode === undefined ? reason : `exception ${exceptionCode}`
    this.#options.log.warn('identity_unreadable', { instrument, why })
    if (strict && serial !== undefined && !TRANSIENT.includes(reason)) {
      this.#refuse(watch, `the serial number cannot be read (${why}), configured is ${serial}`, {})
    }
    return undefined
  }

  /** Nothing depends on the answer: it is asked for less and less often, and no more where the question is met with silence. */
  #unsatisfied(watch: Watch, { reason }: RawSignal & { kind: 'fault' }): undefined {
    watch.nextMono = this.#options.clock.now().mono + watch.retryMs
    watch.retryMs = Math.min(RECHECK_MS, watch.retryMs * 2)
    if (reason === 'timeout') watch.silentQuestions++
    watch.mute = watch.silentQuestions >= SILENT_QUESTIONS_MAX
    this.#options.log.info('identity_not_told', { instrument: watch.target.instrument, reason })
    this.#alarm(watch, false)
  }

  #refuse(watch: Watch, detail: string, found: Identity): void {
    const { bus, log } = this.#options
    const { instrument, serial } = watch.target
    if (watch.standing !== 'refused') log.warn('identity_mismatch', { bus, instrument, detail })
    watch.standing = 'refused'
    this.#record(watch, 'instrument.identity_mismatch', {
      instrument,
      expected: serial,
      found: found.serial ?? null,
      ...(found.model !== undefined && { model: found.model }),
      ...(found.firmware !== undefined && { firmware: found.firmware }),
      detail,
    })
    this.#alarm(watch, true, detail)
  }

  #alarm(watch: Watch, active: boolean, detail?: string): void {
    if (watch.alarmed === active) return
    watch.alarmed = active
    this.#options.input({
      kind: 'condition',
      at: this.#options.clock.now(),
      alarm: `${watch.target.instrument}.identity`,
      active,
      ...(detail !== undefined && { detail }),
    })
  }

  /** Written down when it is news. */
  #record(watch: Watch, type: string, body: Readonly<Record<string, unknown>>): void {
    const printed = JSON.stringify([type, body])
    if (printed === watch.recorded) return
    watch.recorded = printed
    this.#options.input({ kind: 'note', at: this.#options.clock.now(), type, body })
  }
}

/** The configuration gives no serial number: what the instrument says is written down, and compared with nothing. */
const isCurious = ({ target }: Watch): boolean => target.serial === undefined

/** Reasons that pass by themselves: the question is asked again with the next poll. */
const TRANSIENT: readonly string[] = ['busy', 'crc', 'frame']

/** Reasons that say nobody answered, rather than what was answered. */
export const isSilence = (reason: string): boolean =>
  reason === 'timeout' || reason === 'disconnected' || reason === 'parked' || reason === 'gateway'

/** Equal but for blanks around them, and for leading zeros where both are plain numbers. */
export function isSameSerial(expected: string, found: string | undefined): boolean {
  if (found === undefined) return false
  const [one, other] = [expected.trim(), found.trim()]
  if (one === other) return true
  const number = /^\d{1,20}$/
  return number.test(one) && number.test(other) && BigInt(one) === BigInt(other)
}
