// The agent's life: start from what the store holds, run, take a changed configuration, stop without losing a slot.
// Wires core, field and ways out together; every decision about alarms is the core's, every record the store's.

import type { Configuration } from '#config/configuration.ts'
import type { Act, ActReply, Input } from '#core/input.ts'
import type { Reading } from '#core/reading.ts'
import { baseTime } from '#core/schedule.ts'
import { alarmPayload, type CoreState } from '#core/step.ts'
import type { Instant, Millis } from '#core/time.ts'
import type { Annunciator } from '#ports/annunciator.ts'
import type { Clock } from '#ports/clock.ts'
import type { ClockTrust, CommandCheck } from '#ports/commands.ts'
import type { QuarantinedUnit } from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import type { AlarmStateMessage, Uplink, UplinkNotice } from '#ports/uplink.ts'
import { Annunciation, type BuildAnnunciator } from './annunciation.ts'
import { Commands } from './commands.ts'
import { COME_BACK } from './degraded.ts'
import { type BusPlan, Field } from './field.ts'
import { type Committed, Loop } from './loop.ts'
import { liveGone, liveValues, metaPayload } from './meta.ts'
import { Notices } from './notices.ts'
import { cleanRun, isClean } from './previous-end.ts'
import { Recorder } from './recorder.ts'
import { type Resumed, resumeCore } from './resume.ts'
import { SlotLedger } from './slot-ledger.ts'
import { reportStore } from './store-report.ts'
import { isTrusted } from './time-base.ts'
import { needsAnotherUplink } from './way-out.ts'

/** Longest wait for the broker at a clean stop. */
const UPLINK_STOP_MS: Millis = 2000

export interface AgentOptions {
  readonly configuration: Configuration
  readonly version: string
  readonly clock: Clock
  readonly log: Log
  readonly store: Store
  readonly buses: (configuration: Configuration) => readonly BusPlan[]
  /** Units that may still answer late, to be left alone by the next process too (URS-10). */
  readonly quarantined?: () => readonly QuarantinedUnit[]
  /** Builds the uplink that the configuration in force asks for; called where it has one, and when it changed. */
  readonly uplink: (agent: UplinkContext) => Uplink
  /** Builds the horn and stack light that the configuration in force asks for. */
  readonly annunciator?: BuildAnnunciator
  /** Judges whether a command over MQTT is genuine and timely. */
  readonly commandCheck: CommandCheck
  /** What the time service says of the wall clock now; `unknown` where not given. */
  readonly clockTrust?: () => ClockTrust
  /** Told of every commit, after the ways out. */
  readonly committed?: (commit: Committed) => void
  /** Something the process cannot go on after: it has to stop with this error. */
  readonly failed: (error: Error) => void
}

/** What an uplink needs of the agent it belongs to. */
export interface UplinkContext {
  readonly configuration: Configuration
  readonly head: () => { readonly seq: number; readonly hash: string }
  readonly tb: () => number
  /** Hash of the configuration in force. */
  readonly hash: () => string
  readonly offsetMs: () => Millis
  readonly state: ReadonlyMap<string, string>
  readonly notice: (notice: UplinkNotice) => void
}

export class Agent {
  readonly #options: AgentOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #field: Field
  readonly #newest = new Map<string, Reading>()
  /** Published form of every alarm as of the last commit; empty where it has ceased to exist. */
  readonly #alarmStates = new Map<string, string>()
  readonly #startedAt: Instant
  readonly #loop: Loop
  readonly #notices: Notices
  readonly recorder: Recorder
  readonly #commands: Commands
  readonly #annunciation: Annunciation
  readonly #slots: SlotLedger
  #configuration: Configuration
  #uplink: Uplink | undefined
  #lastReadingAt: Millis | undefined
  #moving: Promise<void> = Promise.resolve()
  #stopping = false

  private constructor(options: AgentOptions, rows: Resumed['rows'], loop: (agent: Agent) => Loop) {
    this.#options = options
    this.#clock = options.clock
    this.#log = options.log
    this.#configuration = options.configuration
    this.#startedAt = options.clock.now()
    this.#slots = new SlotLedger(rows)
    this.#loop = loop(this)
    this.#field = new Field({
      clock: options.clock,
      log: options.log,
      input: (input) => this.#loop.input(input),
    })
    this.#annunciation = new Annunciation({
      ...{ clock: options.clock, store: options.store, loop: this.#loop },
      build: options.annunciator,
    })
    this.recorder = new Recorder({
      recorded: (bus, instrument) => this.#field.recorded(bus, instrument),
      note: (type, body, at) => this.#loop.input({ kind: 'note', at, type, body }),
    })
    this.#notices = new Notices({
      clock: options.clock,
      log: options.log,
      loop: this.#loop,
      commands: {
        take: (command) => this.#commands.take(command),
        refusedReplay: (refusal) => this.#commands.refusedReplay(refusal),
      },
    })
    this.#commands = new Commands({
      clock: options.clock,
      log: options.log,
      loop: this.#loop,
      enabled: () => this.#configuration.mqtt?.commands === true,
      check: options.commandCheck,
      rows,
      reply: (user, payload) => this.#uplink?.reply(user, payload),
      failed: options.failed,
    })
  }

  /** Starts from what the store holds and begins to poll; resolves when the start itself is on record. */
  static async start(options: AgentOptions): Promise<Agent> {
    const { store, clock, configuration } = options
    const [at, trust] = [clock.now(), options.clockTrust?.() ?? 'unknown']
    const when = { at, bootId: clock.bootId, trust }
    const resumed = resumeCore(store.recovered, configuration.plant, when)
    const agent = new Agent(options, resumed.rows, (self) => {
      return new Loop({
        clock,
        store,
        log: options.log,
        state: resumed.state,
        base: resumed.base,
        listener: {
          committed: (commit) => self.#committed(commit),
          unstored: (alarms) => self.#showAlarms(alarms),
          clockStepped: (stepMs) => self.#exclusively(() => self.#stepClock(stepMs)),
          stepped: (result, at) => self.recorder.watch(result, self.#loop.state, at),
          failed: options.failed,
        },
      })
    })
    agent.#rememberStates(resumed.state, resumed.result.alarms)
    agent.#loop.absorb(resumed.result)
    await agent.#begin(resumed)
    return agent
  }

  get configuration(): Configuration {
    return this.#configuration
  }

  get loop(): Loop {
    return this.#loop
  }

  get field(): Field {
    return this.#field
  }

  get uplink(): Uplink | undefined {
    return this.#uplink
  }

  get annunciator(): Annunciator | undefined {
    return this.#annunciation.current
  }

  get startedAt(): Instant {
    return this.#startedAt
  }

  /** Newest committed reading of a point. */
  newest(point: string): Reading | undefined {
    return this.#newest.get(point)
  }

  /** Wall ms of the newest reading on record. */
  get lastReadingAt(): Millis | undefined {
    return this.#lastReadingAt
  }

  /** An act of an authenticated person; answered when durable. */
  act(act: Act): Promise<ActReply> {
    return this.#loop.act(act)
  }

  input(input: Input): void {
    this.#loop.input(input)
  }

  /** Puts another accepted configuration in force without losing a slot or an alarm. */
  apply(configuration: Configuration, by?: string): Promise<void> {
    return this.#exclusively(async () => {
      await this.#field.pause()
      await this.#loop.flush()
      const first = this.#field.uncovered()
      const at = this.#clock.now()
      const moved = needsAnotherUplink(this.#configuration, configuration)
      const why = by === undefined ? {} : { by }
      this.#loop.input({ kind: 'plant', at, plant: configuration.plant, ...why })
      if (this.#configuration.mqtt?.live === true)
        this.#uplink?.live(liveGone(this.#configuration.plant, configuration.plant))
      this.#configuration = configuration
      this.#loop.changeState(this.#slots.change(configuration.plant, this.#loop.base, at, first))
      await this.#loop.flush()
      await this.#field.replace(
        configuration.plant,
        this.#options.buses(configuration),
        this.#loop.base,
        first,
      )
      await this.#annunciation.apply(configuration, this.#states())
      if (moved) return this.#moveUplink()
      this.#uplink?.meta(metaPayload(configuration.plant, at.wall))
      this.#uplink?.status()
    })
  }

  /** Stops polling, writes the stop down, says goodbye to the broker and closes everything. */
  async stop(reason: string): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    await this.#moving
    await this.#field.pause()
    this.#commands.stop()
    const run = cleanRun(this.#options.quarantined?.())
    await this.#loop.note('system.stopped', { reason }, new Map([['run', run]]))
    this.#loop.stop()
    await this.#annunciation.stop(reason === COME_BACK ? 'leave' : 'drop')
    await this.#uplink?.stop(reason, UPLINK_STOP_MS)
    this.#notices.stop()
    await this.#field.close()
    await this.#loop.flush()
    await this.#options.store.close()
  }

  async #begin({ sameBase, leftOut }: Resumed): Promise<void> {
    const { store, version } = this.#options
    const { plant } = this.#configuration
    const { recovered } = store
    const at = this.#clock.now()
    const last = recovered.lastCommit
    const unclean = !recovered.created && !isClean(recovered.state.get('run'))
    const { base } = this.#loop
    const coverage = sameBase ? recovered.coverage : new Map()
    const owed = this.#slots.start(plant, coverage, base, at)
    const started = this.#loop.note(
      'system.started',
      {
        agent: version,
        config: plant.hash,
        limitSet: plant.limitSet,
        unclean,
        ...(last !== undefined && { lastSeen: last.at.wall }),
      },
      new Map<string, unknown>([
        ...leftOut.map((key) => [key, undefined] as const),
        ...[['run', { clean: false }] as const, ...owed.rows],
      ]),
    )
    // In the commit of the start: with the new ledger on record, the next start could not tell what this one owed.
    if (owed.missed.length > 0) this.#loop.input({ kind: 'slots', at, slots: owed.missed })
    await started
    this.#notices.forgetPast()
    if (unclean) this.#pulseUnclean()
    reportStore({ store, leftOut, loop: this.#loop, log: this.#log, now: () => this.#clock.now() })
    // A clock set meanwhile began another base, whose slots begin anew.
    const first = this.#loop.base === base ? owed.first : new Map<string, Millis>()
    const buses = this.#options.buses(this.#configuration)
    await this.#field.replace(plant, buses, this.#loop.base, first)
    await this.#annunciation.apply(this.#configuration, this.#states())
    this.#startUplink()
  }

  /** Every alarm as the store holds it, and what has ceased to exist: told to the broker once there is one. */
  #rememberStates(state: CoreState, moved: readonly string[]): void {
    for (const alarm of new Set([...state.alarms.keys(), ...moved])) {
      this.#alarmStates.set(alarm, alarmPayload(state, alarm))
    }
  }

  /** An end without a stop is an alarm that has already returned: somebody has to have seen it. */
  #pulseUnclean(): void {
    for (const active of [true, false]) {
      const at = this.#clock.now()
      this.#loop.input({ kind: 'condition', at, alarm: 'system.unclean_restart', active })
    }
  }

  /** Another broker, other consumers or none: the old way out says goodbye, the new one goes on at its cursors. */
  async #moveUplink(): Promise<void> {
    await this.#uplink?.stop('configuration changed', UPLINK_STOP_MS)
    this.#uplink = undefined
    this.#notices.forgetUplink()
    if (!this.#stopping) this.#startUplink()
  }

  #startUplink(): void {
    const { uplink, store } = this.#options
    if (this.#configuration.mqtt === undefined) return
    const { plant } = this.#configuration
    this.#uplink = uplink({
      configuration: this.#configuration,
      head: () => this.#loop.head,
      tb: () => this.#loop.base.tb,
      hash: () => this.#configuration.plant.hash,
      offsetMs: () => {
        const now = this.#clock.now()
        return Math.round(now.wall - baseTime(this.#loop.base, now.mono))
      },
      state: new Map([...store.recovered.state, ...this.#notices.marks]),
      notice: (notice) => this.#notices.take(notice),
    })
    this.#notices.watchDown()
    this.#uplink.meta(metaPayload(plant, this.#clock.now().wall))
    this.#uplink.alarmStates(this.#states())
    this.#uplink.committed(this.#loop.head)
    this.#uplink.start()
  }

  #committed(commit: Committed): void {
    for (const [point, reading] of commit.newest) {
      this.#newest.set(point, reading)
      this.#lastReadingAt = Math.max(this.#lastReadingAt ?? 0, reading.t + (reading.a ?? 0))
    }
    for (const { alarm, payload } of commit.alarms) this.#alarmStates.set(alarm, payload)
    if (commit.alarms.length > 0) this.#showAlarms(commit.alarms)
    const uplink = this.#uplink
    if (uplink !== undefined) this.#tellUplink(uplink, commit)
    this.#options.committed?.(commit)
  }

  /** Horn and light first: they need neither broker nor network. */
  #showAlarms(alarms: readonly AlarmStateMessage[]): void {
    this.#annunciation.states(alarms)
    this.#uplink?.alarmStates(alarms)
  }

  #states(): AlarmStateMessage[] {
    return [...this.#alarmStates].map(([alarm, payload]) => ({ alarm, payload }))
  }

  #tellUplink(uplink: Uplink, commit: Committed): void {
    if (commit.alarms.some(({ alarm }) => alarm.endsWith('.calibration_due')))
      uplink.meta(metaPayload(this.#configuration.plant, this.#clock.now().wall))
    uplink.committed(commit.head)
    if (this.#configuration.mqtt?.live !== true) return
    const stored = this.#options.store.volatile !== true
    uplink.live(liveValues(this.#configuration.plant, commit.newest, stored))
  }

  async #stepClock(stepMs: Millis): Promise<void> {
    this.#log.warn('clock_stepped', { stepMs: Math.round(stepMs) })
    await this.#field.pause()
    const base = await this.#loop.rebase(stepMs, (begun, at) => this.#slots.rebase(begun, at))
    this.#field.resume(base)
    const { clockTrust, store } = this.#options
    const at = this.#clock.now()
    if (isTrusted(clockTrust?.() ?? 'unknown', at, store.recovered))
      this.#loop.input({ kind: 'clock_trusted', at, by: 'the clock was set' })
  }

  /** One reorganisation of the field at a time. */
  #exclusively(work: () => Promise<void>): Promise<void> {
    const run = this.#moving.then(() => (this.#stopping ? undefined : work()))
    this.#moving = run.catch((error: unknown) => {
      this.#options.failed(error instanceof Error ? error : new Error(String(error)))
    })
    return run
  }
}
