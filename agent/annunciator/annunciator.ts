// Horn and stack light of one gateway: keeps what is committed of the alarms, and drives the outputs of what core/annunciation.ts
// makes of it, at once when it changes and at each heartbeat. Decides when to write, who may silence, and when the outputs count as
// not driven; decides no alarm and needs neither broker nor disk.

import {
  type Annunciated,
  type Indication,
  indicationOf,
  isLoud,
  isMoving,
  type OutputStates,
  outputsAt,
  PHASE_MS,
  SELF_TEST,
  SELF_TEST_STEP_MS,
  soundKey,
} from '#core/annunciation.ts'
import type { Actor, ActReply } from '#core/input.ts'
import { hasCome } from '#core/local-time.ts'
import { MINUTE, type Millis, SECOND } from '#core/time.ts'
import type {
  Annunciator,
  AnnunciatorView,
  OutputReply,
  SilenceRequest,
  TestedBy,
} from '#ports/annunciator.ts'
import type { Clock } from '#ports/clock.ts'
import type { AlarmStateMessage } from '#ports/uplink.ts'
import { refusalOf } from './entitled.ts'
import type { AnnunciatorOptions, AnnunciatorRow } from './options.ts'
import { Silence } from './silence.ts'

const ANNUNCIATOR_FAULT = 'system.annunciator_fault'
const ANNUNCIATOR_ROW = 'annunciator'
/** Outputs that cannot be driven for this long, and two heartbeats, are an alarm. */
const FAULT_AFTER_MS: Millis = 3 * SECOND
/** After a fault the outputs must do for this long: longer than a flash, one half of which a stuck lamp shows rightly. */
const GOOD_FOR_MS: Millis = 2 * PHASE_MS
/** Wait before the outputs are tried again after a fault. */
const RETRY_MS: Millis = 500
/** How often the schedule of the self-test is looked at. */
const SCHEDULE_MS: Millis = MINUTE
/** Longest wait for the last write at a stop. */
const STOP_MS: Millis = 1000

const DROPPED: OutputStates = {
  red: false,
  amber: false,
  green: false,
  horn: false,
  healthy: false,
  pulse: false,
}

interface SelfTest {
  readonly by: TestedBy
  readonly since: Millis
  cause: string | undefined
}

export const createAnnunciator = (options: AnnunciatorOptions): Annunciator =>
  new StackLight(options)

class StackLight implements Annunciator {
  readonly #options: AnnunciatorOptions
  readonly #clock: Clock
  /** Alarms that are not normal. */
  readonly #alarms = new Map<string, Annunciated>()
  #silence: Silence | undefined
  #lastTest: AnnunciatorRow['lastTest']
  #test: SelfTest | undefined
  #pulse = false
  #written: OutputStates | undefined
  #writtenMono: Millis = Number.NEGATIVE_INFINITY
  #drivenAt: Millis | undefined
  #failingSince: Millis | undefined
  #goodSince: Millis | undefined
  #cause: string | undefined
  /** Whether the fault is raised; undefined until it is known. */
  #raised: boolean | undefined
  #busy: Promise<void> | undefined
  #again = false
  #told = ''
  #cancelNext: (() => void) | undefined
  #cancelSchedule: (() => void) | undefined
  #lookedAt: Millis
  #stopped = false

  constructor(options: AnnunciatorOptions) {
    this.#options = options
    this.#clock = options.clock
    const { resumed, lastCommit } = options
    const now = options.clock.now()
    this.#lastTest = resumed?.lastTest
    this.#silence = resumed?.silence && Silence.resume(resumed.silence, lastCommit, now)
    this.#lookedAt = this.#lastTest?.at ?? now.wall
  }

  start(): void {
    this.#watchSchedule()
    this.#drive()
  }

  alarmStates(states: readonly AlarmStateMessage[]): void {
    for (const { alarm, payload } of states) {
      const shown = payload === '' ? undefined : (JSON.parse(payload) as Annunciated)
      if (shown === undefined || shown.state === 'normal') this.#alarms.delete(alarm)
      else this.#alarms.set(alarm, shown)
    }
    this.#silence?.keep(this.#loud())
    if (this.#isSounding()) this.#abortTest('an alarm came in between')
    this.#drive()
  }

  async silence(request: SilenceRequest): Promise<ActReply> {
    const { setup } = this.#options
    const { actor, forMs = setup.silenceMs, reason, comment } = request
    const loud = this.#loud()
    const fault =
      refusalOf(actor) ??
      (this.#isSounding()
        ? undefined
        : { code: 'invalid' as const, detail: 'the horn does not sound' }) ??
      (forMs <= setup.silenceMs
        ? undefined
        : {
            code: 'invalid' as const,
            detail: `at most ${setup.silenceMs / SECOND} s; the alarms stay as they are`,
          })
    if (fault !== undefined) return this.#refuse('silence', actor, fault)
    const now = this.#clock.now()
    const silence = Silence.begin({ by: actor, forMs, keys: loud }, now)
    const words = {
      ...(reason !== undefined && { reason }),
      ...(comment !== undefined && { comment }),
    }
    const body = { until: silence.until, forMs, occurrences: loud.size, actor, ...words }
    if (!(await this.#note('horn.silenced', body, this.#row({ silence: silence.row }))))
      return NOT_KEPT
    this.#silence = silence
    // What rose or was acknowledged while the disk was waited for.
    silence.keep(this.#loud())
    this.#drive()
    return { ok: true, code: 'done' }
  }

  async test(by: TestedBy): Promise<ActReply> {
    const refused = 'user' in by ? refusalOf(by) : undefined
    const why = this.#test !== undefined ? 'a self-test goes on already' : undefined
    const sounds = this.#isSounding()
      ? 'the horn sounds for an alarm; acknowledge or silence it first'
      : why
    const fault =
      refused ?? (sounds === undefined ? undefined : { code: 'invalid' as const, detail: sounds })
    if (fault !== undefined)
      return 'user' in by ? this.#refuse('annunciator_test', by, fault) : { ok: false, ...fault }
    if (!(await this.#note('annunciator.test_started', { actor: by }))) return NOT_KEPT
    this.#test = { by, since: this.#clock.now().mono, cause: undefined }
    this.#drive()
    return { ok: true, code: 'done' }
  }

  view(): AnnunciatorView {
    const silence = this.#silence
    return {
      shown: this.#indication(),
      driven: this.#written !== undefined && this.#failingSince === undefined,
      ...(this.#cause !== undefined && { cause: this.#cause }),
      ...(this.#drivenAt !== undefined && { drivenAt: this.#drivenAt }),
      outputs: this.#options.driver.outputs,
      testing: this.#test !== undefined,
      ...(silence !== undefined && { silence: { until: silence.until, by: silence.by.name } }),
      ...(this.#lastTest !== undefined && { lastTest: this.#lastTest }),
    }
  }

  async stop(how: 'drop' | 'leave'): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#cancelNext?.()
    this.#cancelSchedule?.()
    const { driver, clock } = this.#options
    const last = async (): Promise<void> => {
      await this.#busy
      if (how === 'drop') await driver.drive(DROPPED)
    }
    let cancel = (): void => {}
    const enough = new Promise<void>((resolve) => {
      cancel = clock.at(clock.now().mono + STOP_MS, resolve)
    })
    await Promise.race([last(), enough])
    cancel()
    await driver.close()
  }

  #loud(): ReadonlySet<string> {
    const { hornPriority } = this.#options.setup
    const keys = new Set<string>()
    for (const alarm of this.#alarms.values())
      if (isLoud(alarm, hornPriority)) keys.add(soundKey(alarm))
    return keys
  }

  #isSounding(): boolean {
    return this.#ofAlarms().horn !== 'off'
  }

  #ofAlarms(): Indication {
    const { hornPriority } = this.#options.setup
    return indicationOf(this.#alarms.values(), { hornPriority, silenced: this.#silence?.keys })
  }

  /** What is to be seen now: a self-test covers the alarms' lamps for its few seconds. */
  #indication(): Indication {
    const test = this.#test
    if (test === undefined) return this.#ofAlarms()
    const step = Math.floor((this.#clock.now().mono - test.since) / SELF_TEST_STEP_MS)
    return SELF_TEST[step] ?? this.#ofAlarms()
  }

  /** Writes what is to be seen where it is another than was written, or a heartbeat is due. */
  #drive(): void {
    if (this.#stopped) return
    if (this.#busy !== undefined) {
      this.#again = true
      return
    }
    const { mono, wall } = this.#clock.now()
    this.#passSilence(mono)
    this.#passTest(mono)
    const indication = this.#indication()
    const states = outputsAt(indication, Math.floor(mono / PHASE_MS))
    const failing = this.#failingSince !== undefined
    const due = failing || mono >= this.#writtenMono + this.#options.setup.heartbeatMs
    if (!due && isSame(states, this.#written)) return this.#arm(indication, mono)
    // What was refused is asked again: an output that is stuck must not look right every other time.
    if (!failing) this.#pulse = !this.#pulse
    const written = { ...states, pulse: this.#pulse }
    this.#busy = this.#options.driver.drive(written).then((reply) => {
      this.#busy = undefined
      this.#settle(reply, written, { mono, wall })
      if (this.#stopped) return
      if (reply.ok && this.#again) {
        this.#again = false
        this.#drive()
      } else this.#arm(indication, this.#clock.now().mono)
    })
  }

  #settle(reply: OutputReply, written: OutputStates, at: { mono: Millis; wall: Millis }): void {
    if (!reply.ok) return this.#failed(reply.cause)
    this.#written = written
    this.#writtenMono = at.mono
    this.#drivenAt = Math.round(this.#clock.now().wall)
    this.#goodSince ??= at.mono
    const settled = this.#failingSince === undefined || at.mono - this.#goodSince >= GOOD_FOR_MS
    if (!settled) return
    this.#failingSince = undefined
    this.#cause = undefined
    if (this.#raised !== false) {
      this.#raised = false
      this.#options.condition(ANNUNCIATOR_FAULT, false)
    }
    this.#tell()
  }

  #failed(cause: string): void {
    const { setup, condition, log } = this.#options
    const { mono } = this.#clock.now()
    this.#written = undefined
    this.#cause = cause
    this.#failingSince ??= mono
    this.#goodSince = undefined
    if (this.#test !== undefined) this.#test.cause ??= cause
    const patience = Math.max(FAULT_AFTER_MS, 2 * setup.heartbeatMs)
    if (this.#raised === true || mono - this.#failingSince < patience) return
    this.#raised = true
    log.error('annunciator_not_driven', { cause })
    condition(ANNUNCIATOR_FAULT, true, cause)
    this.#tell()
  }

  #arm(indication: Indication, mono: Millis): void {
    this.#cancelNext?.()
    const heartbeat = this.#writtenMono + this.#options.setup.heartbeatMs
    const times = [
      this.#failingSince === undefined ? heartbeat : mono + RETRY_MS,
      ...(isMoving(indication) ? [(Math.floor(mono / PHASE_MS) + 1) * PHASE_MS] : []),
      ...(this.#test === undefined ? [] : [nextStep(this.#test.since, mono)]),
      ...(this.#silence === undefined ? [] : [this.#silence.endsMono]),
    ]
    const next = this.#failingSince === undefined ? Math.min(...times) : (times[0] ?? mono)
    this.#cancelNext = this.#clock.at(next, () => this.#drive())
  }

  #passSilence(mono: Millis): void {
    const silence = this.#silence
    if (silence === undefined || mono < silence.endsMono) return
    this.#silence = undefined
    const body = { cause: 'expired', actor: silence.by, occurrences: silence.keys.size }
    this.#record('horn.silence_ended', body, this.#row({}))
  }

  #passTest(mono: Millis): void {
    const test = this.#test
    if (test === undefined || mono < test.since + SELF_TEST.length * SELF_TEST_STEP_MS) return
    this.#endTest(test, test.cause)
  }

  #abortTest(cause: string): void {
    if (this.#test !== undefined) this.#endTest(this.#test, this.#test.cause ?? cause)
  }

  #endTest({ by }: SelfTest, cause: string | undefined): void {
    this.#test = undefined
    const passed = cause === undefined
    this.#lastTest = { at: Math.round(this.#clock.now().wall), passed }
    const { outputs } = this.#options.driver
    const body = { passed, ...(cause !== undefined && { cause }), outputs, actor: by }
    this.#record('annunciator.tested', body, this.#row({}))
  }

  /** Begins the self-test whose time has come, also one that came while the agent was away; not over a sounding horn. */
  #watchSchedule(): void {
    const { selfTest, timezone } = this.#options.setup
    if (selfTest === undefined || this.#stopped) return
    const { wall, mono } = this.#clock.now()
    if (hasCome(selfTest, timezone, { since: this.#lookedAt, now: wall })) {
      if (this.#test === undefined && !this.#isSounding()) {
        this.#lookedAt = wall
        this.test({ via: 'schedule' }).catch(() => {})
      }
    } else this.#lookedAt = wall
    this.#cancelSchedule = this.#clock.at(mono + SCHEDULE_MS, () => this.#watchSchedule())
  }

  #row(change: Pick<AnnunciatorRow, 'silence'>): ReadonlyMap<string, unknown> {
    const silence = change.silence ?? this.#silence?.row
    const row: AnnunciatorRow = {
      ...(silence !== undefined && { silence }),
      ...(this.#lastTest !== undefined && { lastTest: this.#lastTest }),
    }
    return new Map([[ANNUNCIATOR_ROW, row]])
  }

  /** Writes down what nobody waits for; a store that fails has its own alarm. */
  #record(
    type: string,
    body: Readonly<Record<string, unknown>>,
    changes: ReadonlyMap<string, unknown>,
  ): void {
    this.#note(type, body, changes).catch(() => {})
  }

  /** Writes it down; false where nothing can be recorded. */
  async #note(
    type: string,
    body: Readonly<Record<string, unknown>>,
    changes: ReadonlyMap<string, unknown> = new Map(),
  ): Promise<boolean> {
    const written = this.#options.note(type, body, changes)
    if (written === undefined) return false
    await written
    return true
  }

  async #refuse(
    act: string,
    actor: Actor,
    { code, detail }: { readonly code: 'invalid' | 'not_authorised'; readonly detail: string },
  ): Promise<ActReply> {
    const kept = await this.#note('act.refused', { act, code, detail, actor })
    return kept ? { ok: false, code, detail } : NOT_KEPT
  }

  #tell(): void {
    const view = this.view()
    const words = JSON.stringify([view.shown, view.driven, view.testing])
    if (words === this.#told) return
    this.#told = words
    this.#options.shown?.(view)
  }
}

const nextStep = (since: Millis, mono: Millis): Millis =>
  since + (Math.floor((mono - since) / SELF_TEST_STEP_MS) + 1) * SELF_TEST_STEP_MS

const isSame = (states: Omit<OutputStates, 'pulse'>, written: OutputStates | undefined): boolean =>
  written !== undefined &&
  Object.entries(states).every(([name, value]) => written[name as keyof OutputStates] === value)

/** What cannot be recorded is not carried out. */
const NOT_KEPT: ActReply = {
  ok: false,
  code: 'store_failed',
  detail: 'the disk is out of order and nothing can be recorded; mend it first',
}
