// The gateway's life: boots the machine, starts the agent from its real parts on simulated seams, kills it, cuts its power,
// starts it again. Decides when a process is over; composes nothing that agent/compose.ts would compose differently.

import type { Configuration } from '#config/configuration.ts'
import { InvariantError } from '#core/assert.ts'
import type { Stream } from '#core/record.ts'
import { openDriver, Quarantines } from '#drivers/registry.ts'
import type { Clock } from '#ports/clock.ts'
import { silentLog } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import type { Uplink } from '#ports/uplink.ts'
import { createCommandCheck } from '../../agent/access/signed-command.ts'
import { endOfFailure, endOfStart } from '../../agent/cli/end-of-run.ts'
import { Agent, type UplinkContext } from '../../agent/runtime/agent.ts'
import { Degradable } from '../../agent/runtime/degraded.ts'
import { previousEnd } from '../../agent/runtime/previous-end.ts'
import type { Retention } from '../../agent/runtime/retention.ts'
import { StoreError } from '../../agent/store/store-error.ts'
import { createUplink } from '../../agent/uplink/mqtt-uplink.ts'
import type { Broker } from './broker.ts'
import type { Accepted } from './checks/accepted.ts'
import type { Dice } from './dice.ts'
import type { Line } from './line.ts'
import { Boot, Process } from './machine.ts'
import type { Mutant } from './mutant.ts'
import { signerOf } from './people.ts'
import type { FaultRates } from './scenario.ts'
import { MachineGone, type Platter, type SimulatedDisk, SimulatedStore } from './store.ts'
import { retentionOf, survivalOn, type Unkept } from './survival.ts'
import type { Timeline } from './timeline.ts'

export interface HostOptions {
  /** What the file said at the beginning. */
  readonly configuration: Configuration
  readonly timeline: Timeline
  readonly dice: Dice
  readonly lines: readonly Line[]
  readonly broker: Broker
  readonly accepted: Accepted
  readonly faults: () => FaultRates
  /** A process starts with this configuration. */
  readonly configured: (configuration: Configuration) => void
  /** Opens what is durable for a new process; may throw `MachineGone`. */
  readonly openDisk: () => Platter
  readonly disk: SimulatedDisk
  /** Records were not kept while the disk was out of order; the gap is to be on record next. */
  readonly gap: (unkept: Unkept) => void
  /** The machine lost its power: what was not synced may be gone. */
  readonly powerLost: () => void
  readonly mutant: Mutant
  readonly started: (agent: Agent) => void
  readonly over: () => void
  /** The machine booted with a wall clock that does not go on from what may be the last commit on record. */
  readonly clockLost: () => void
  readonly seen: (what: string) => void
  readonly broken: (invariant: string, words: string) => void
}

/** What an agent is begun with; the quarantines are the process's. */
interface Begun {
  readonly process: Process
  readonly port: Store
  readonly clock: Clock
  readonly random: () => number
  readonly quarantines: Quarantines
}

const EXIT_DISK = 74
const EXPECTED_FAILURE = /simulated: (EIO|ENOSPC)/

export class Host {
  readonly #options: HostOptions
  #configuration: Configuration
  #boot: Boot
  #boots = 1
  #processes = 0
  #starting = false
  #off = false
  #powerOn: () => void = () => {}
  process: Process | undefined
  agent: Agent | undefined
  store: SimulatedStore | undefined
  /** It runs from memory, since the disk is out of order. */
  degraded = false
  #retention: Retention | undefined
  /** True time at which the present agent had started. */
  upSince = 0

  constructor(options: HostOptions) {
    this.#options = options
    this.#configuration = options.configuration
    this.#boot = this.#newBoot()
  }

  get boot(): Boot {
    return this.#boot
  }

  get up(): boolean {
    return this.agent !== undefined && this.process?.alive === true
  }

  /** Starts the agent now, unless it runs or is about to. */
  start(): void {
    if (this.process?.alive === true || this.#starting || this.#off) return
    const { timeline } = this.#options
    timeline.trace(`host: start process ${this.#processes + 1} in ${this.#boot.id}`)
    const process = new Process(timeline, this.#boot)
    this.process = process
    this.#processes++
    this.#starting = true
    this.#launch(process).then(
      () => {
        this.#starting = false
      },
      (error: unknown) => {
        this.#starting = false
        this.#failed(process, error, endOfStart(error).code)
      },
    )
  }

  /** SIGHUP after the file has changed; without a configuration it cannot be accepted, and the one before stays. */
  reload(configuration: Configuration | undefined): void {
    if (configuration !== undefined) this.#configuration = configuration
    const { agent, process } = this
    if (agent === undefined || process === undefined) return
    const rejected = (active: boolean): void =>
      agent.input({
        ...{ kind: 'condition', at: agent.loop.now(), alarm: 'system.config_rejected', active },
      })
    process.post(() => {
      if (this.agent !== agent) return
      rejected(configuration === undefined)
      if (configuration === undefined) return
      const { mutant } = this.#options
      const changed = mutant.configuration?.(configuration) ?? configuration
      agent.apply(changed, 'site.yaml').catch(() => {})
    })
  }

  /** Room is needed: the oldest file goes, where one may. */
  reclaim(): void {
    const retention = this.#retention
    this.process?.post(() => void retention?.reclaim())
  }

  /** kill -9, or the same by the machine: the process is gone in the middle of whatever it did. */
  kill(restartInMs: number): void {
    const { process } = this
    if (process === undefined || !process.alive) return
    this.#options.timeline.trace('host: killed')
    this.#end(process)
    this.#options.broker.cut({ cause: 'reset by the kernel', by: 'network' })
    this.#restartIn(restartInMs)
  }

  /** Power loss: nothing unsynced is safe, the machine boots anew with the clock it then has. */
  powerLoss(offMs: number): void {
    if (this.#off) return
    const { process } = this
    const { timeline, powerLost, broker } = this.#options
    timeline.trace(`host: power lost for ${Math.round(offMs)} ms`)
    if (process !== undefined) {
      this.#end(process)
      broker.vanished(process)
    }
    powerLost()
    this.#starting = false
    this.#off = true
    this.#powerOn = () => {
      if (!this.#off) return
      this.#off = false
      this.#boots++
      this.#boot = this.#newBoot()
      if (this.#options.accepted.isClockLost(this.#boot.wallErrorMs)) this.#options.clockLost()
      this.start()
    }
    timeline.after(offMs, this.#powerOn)
  }

  /** The faults end: the machine is on and the agent starts, if it does not run. */
  calm(): void {
    this.#powerOn()
    this.start()
  }

  #newBoot(): Boot {
    const { timeline, dice, faults, seen } = this.#options
    const { clockDrift, noRtc } = faults()
    const drift = clockDrift === undefined ? 0 : dice.between(-200, 200)
    let wallError = dice.between(-40, 40)
    const unset = noRtc !== undefined && dice.chance(0.6)
    if (unset) {
      seen('boot without a clock')
      wallError = dice.chance(0.5) ? -1_763_800_000_000 - timeline.now : -dice.about(3_600_000)
    }
    const boot = new Boot(timeline, `boot-${this.#boots}`, drift, wallError)
    if (unset) timeline.after(dice.between(5000, 300_000), () => boot.stepWall(-boot.wallErrorMs))
    return boot
  }

  /** The planned end in the middle of a disk operation: of the process, or of the machine. */
  #gone(): void {
    const { dice } = this.#options
    if (dice.chance(0.3)) this.kill(dice.between(1000, 20_000))
    else this.powerLoss(dice.between(3000, 60_000))
  }

  #restartIn(ms: number): void {
    this.#options.timeline.after(ms, () => this.start())
  }

  #end(process: Process): void {
    process.kill()
    this.agent = undefined
    this.store = undefined
    this.#retention?.stop()
    this.degraded = false
    this.#starting = false
    this.#options.over()
  }

  /** It stops itself, only for its disk, and with the exit code of the disk (S4). */
  #failed(process: Process, error: unknown, code: number = endOfFailure(error)): void {
    if (!process.alive) return
    const { timeline, dice, broken, seen, broker, disk } = this.#options
    if (error instanceof MachineGone) {
      seen('gone while opening')
      return this.#gone()
    }
    const { message: words, stack: why } = error instanceof Error ? error : new Error(String(error))
    timeline.trace(`host: the agent stopped itself: ${words}`)
    const rotten = disk.isRotten && error instanceof StoreError && error.kind === 'corrupt'
    if (error instanceof InvariantError || !(rotten || EXPECTED_FAILURE.test(words)))
      broken('S3', `the agent stopped itself: ${why}`)
    else if (code !== EXIT_DISK)
      broken('S4', `the agent stopped for its disk with exit code ${code}: ${why}`)
    seen(rotten ? 'stopped for a damaged file' : 'fail-stop')
    this.#end(process)
    broker.cut({ cause: 'reset by the kernel', by: 'network' })
    this.#restartIn(dice.between(1000, 8000))
  }

  async #launch(process: Process): Promise<void> {
    const { disk, mutant, gap } = this.#options
    const clock = mutant.clock?.(process.clock()) ?? process.clock()
    const chance = this.#options.dice.stream(`process ${this.#processes}`).random
    const random = mutant.random?.(chance) ?? chance
    const quarantines = new Quarantines()
    await Degradable.start({
      ...{ clock, log: silentLog, failed: (error: Error) => this.#failed(process, error) },
      ...survivalOn({ disk, clock, mutant, gap }),
      openStore: async () => this.#openStore(process),
      begin: async (store: Store) => {
        const start = clock.now()
        const end = previousEnd(store, start, clock.bootId)
        quarantines.inherit(mutant.previousEnd?.(end) ?? end, start.mono)
        const agent = await this.#begin({ process, port: store, clock, random, quarantines })
        if (!process.alive) return agent
        this.#retention = retentionOf({ agent, store: mutant.earlier?.(store) ?? store, clock })
        this.degraded = store.volatile === true
        if (this.degraded) this.#options.seen('degraded')
        this.agent = agent
        this.upSince = this.#options.timeline.now
        this.#options.started(agent)
        return agent
      },
    })
  }

  #openDisk(): Platter {
    const { openDisk, disk, broken } = this.#options
    try {
      return openDisk()
    } catch (thrown) {
      if (!(thrown instanceof MachineGone) && disk.fault === undefined)
        broken('D2', `the store does not open: ${thrown instanceof Error ? thrown.stack : thrown}`)
      throw thrown
    }
  }

  /** Throws what the disk says, or `MachineGone`. */
  #openStore(process: Process): Store {
    this.agent = undefined
    const { timeline, dice, accepted, faults, seen, mutant } = this.#options
    const platter = this.#openDisk()
    const recovered = mutant.recovered?.(platter.recovered) ?? platter.recovered
    accepted.recovered(platter.recovered, platter.aside)
    const store = new SimulatedStore({
      platter: { ...platter, recovered },
      process,
      timeline,
      dice,
      faults,
      seen,
      hooks: {
        submitted: (commit) => accepted.submitted(commit, this.#base(process), timeline.now),
        acknowledged: (commit, head) => accepted.acknowledged(commit, head),
        died: () => this.#gone(),
      },
    })
    this.store = store
    return mutant.store?.(store) ?? store
  }

  async #begin({ process, port, clock, random, quarantines }: Begun): Promise<Agent> {
    process.agents++
    const { mutant, configured } = this.#options
    const configuration = this.#configuration
    if (port.volatile === true) this.store = undefined
    configured(configuration)
    return Agent.start({
      configuration: mutant.configuration?.(configuration) ?? configuration,
      version: '0.0.0-simulated',
      clock,
      log: silentLog,
      store: port,
      buses: ({ buses, instruments }) =>
        buses.map((bus) => {
          const line = this.#options.lines.find((each) => each.bus.id === bus.id)
          if (line === undefined) throw new Error(`no wire of ${bus.id}`)
          const open = line.opener(process)
          const its = instruments.filter((instrument) => instrument.bus === bus.id)
          return {
            id: bus.id,
            fingerprint: JSON.stringify([bus, its]),
            open: () => {
              const driver = openDriver({
                ...{ bus, instruments: its, clock, random, log: silentLog, quarantines },
                open: mutant.link?.(open, bus) ?? open,
              })
              return mutant.driver?.(driver, process) ?? driver
            },
          }
        }),
      quarantined: () => quarantines.outstanding(clock.now().mono),
      uplink: (context) => this.#uplink(context, process, port, clock, random),
      failed: (error) => this.#failed(process, error),
      commandCheck: createCommandCheck({
        gateway: configuration.plant.gateway,
        person: signerOf,
        clockTrust: () => 'unknown',
      }),
    })
  }

  #uplink(
    context: UplinkContext,
    process: Process,
    store: Store,
    clock: Clock,
    random: () => number,
  ): Uplink {
    const { plant, mqtt } = context.configuration
    if (mqtt === undefined) throw new Error('no mqtt')
    const { mutant, broker } = this.#options
    const open = broker.opener(process)
    const sent = (stream: Stream): number => Number(context.state.get(`cursor/${stream}`) ?? 0)
    const uplink = createUplink({
      settings: mqtt,
      identity: {
        ...{ org: plant.org, site: plant.site, gateway: plant.gateway, origin: plant.origin },
        ...{ agent: '0.0.0-simulated', config: plant.hash },
      },
      epoch: store.recovered.epoch,
      clock,
      random,
      log: silentLog,
      store,
      cursors: {
        sent: { readings: sent('readings'), event: sent('event') },
        confirmed: confirmedOf(context.state),
      },
      status: () => ({
        ...{ through: context.head().seq, head: context.head(), tb: context.tb() },
        clock: { synchronised: true, offsetMs: context.offsetMs() },
      }),
      notice: context.notice,
      open: mutant.session?.(open) ?? open,
    })
    return mutant.uplink?.(uplink) ?? uplink
  }

  #base(process: Process) {
    const { agent } = this
    if (agent === undefined || this.process !== process) return undefined
    return { boot: process.boot, offsetMs: agent.loop.base.offsetMs }
  }
}

function confirmedOf(state: ReadonlyMap<string, string>): Record<Stream, Record<string, number>> {
  const marks: Record<Stream, Record<string, number>> = { readings: {}, event: {} }
  for (const [key, value] of state) {
    const [kind, stream, consumer] = key.split('/')
    if (kind !== 'confirm' || consumer === undefined) continue
    if (stream === 'readings' || stream === 'event') marks[stream][consumer] = Number(value)
  }
  return marks
}
