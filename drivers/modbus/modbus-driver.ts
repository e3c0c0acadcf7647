// The driver of one Modbus bus: one poll at a time, of one unit at a time. Decides which plan serves an order; never
// throws for what an instrument or a wire does wrong.

import { assert } from '#core/assert.ts'
import type { Clock } from '#ports/clock.ts'
import type {
  BusCounters,
  BusDriver,
  IdentityReply,
  LinkState,
  PollOrder,
  PollReply,
  WireRecording,
} from '#ports/driver.ts'
import type { Log } from '#ports/log.ts'
import type { InstrumentSettings } from '../profile.ts'
import { type Bus, Conversation } from './conversation.ts'
import { type IdentityReader, identityReader } from './identity.ts'
import { type PollPlan, planPoll } from './poll-plan.ts'
import type { LineQuarantine } from './quarantine.ts'
import { pollRegisters } from './register-poll.ts'
import { signalReplies } from './signal-poll.ts'
import type { Transport } from './transport.ts'
import { Unit } from './unit.ts'

/** Reads the newest record of a sampled instrument in one conversation (drivers/particle-counter). */
export interface SampleReader {
  poll(conversation: Conversation, nowMono: number): Promise<Omit<PollReply, 'silent'>>
}

export interface ModbusDriverOptions {
  readonly id: string
  readonly transport: Transport
  readonly counters: BusCounters
  readonly clock: Clock
  readonly log: Log
  readonly retries: number
  readonly lateReplyMs: number
  /** Outlives the driver. */
  readonly quarantine: LineQuarantine
  /** How often a lone register must be refused before it is set aside. */
  readonly refusals: number
  readonly instruments: readonly InstrumentSettings[]
  /** Makes the reader of an instrument whose profile has samples. */
  readonly sampleReader: (unit: Unit) => SampleReader
}

/** Plans kept for one unit: one a poll group, and a group is an interval. */
const PLANS_MAX = 16

const NO_UNIT_ID = -1

interface Station {
  readonly unit: Unit
  readonly plans: PollPlan[]
  readonly reader: SampleReader | undefined
  readonly identity: IdentityReader | undefined
}

export class ModbusDriver implements BusDriver {
  readonly counters: BusCounters
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #bus: Bus
  readonly #log: Log
  readonly #refusals: number
  readonly #stations = new Map<string, Station>()
  #polling = false

  constructor(options: ModbusDriverOptions) {
    const { transport, counters, clock, retries, lateReplyMs } = options
    this.counters = counters
    this.#transport = transport
    this.#clock = clock
    this.#log = options.log
    this.#bus = {
      id: options.id,
      transport,
      clock,
      log: options.log,
      counters,
      retries,
      lateReplyMs,
    }
    this.#refusals = options.refusals
    for (const settings of options.instruments) {
      const unit = new Unit(settings, options.quarantine.unit(settings.unitId), lateReplyMs > 0)
      const reader = settings.profile.sample === undefined ? undefined : options.sampleReader(unit)
      const identity = identityReader(unit, options.refusals)
      this.#stations.set(settings.id, { unit, plans: [], reader, identity })
    }
  }

  async poll(order: PollOrder): Promise<PollReply> {
    const station = this.#stationOf(order.instrument)
    this.#begin()
    try {
      const nowMono = this.#clock.now().mono
      const conversation = new Conversation(this.#bus, station.unit, order.probe, nowMono)
      if (order.sample === true) {
        assert(station.reader !== undefined, `${order.instrument} gives no samples`)
        const reply = await station.reader.poll(conversation, nowMono)
        return { ...reply, silent: conversation.silent }
      }
      const plan = this.#planOf(station, order.signals, nowMono)
      const { unit } = station
      const refusals = this.#refusals
      const found = await pollRegisters({ unit, plan, conversation, nowMono, refusals })
      return { signals: signalReplies(plan, found), silent: conversation.silent }
    } finally {
      this.#polling = false
    }
  }

  async readIdentity(instrument: string, probe: boolean): Promise<IdentityReply> {
    const { unit, identity } = this.#stationOf(instrument)
    if (identity === undefined) return { kind: 'none' }
    this.#begin()
    try {
      const nowMono = this.#clock.now().mono
      const conversation = new Conversation(this.#bus, unit, probe, nowMono)
      return await identity.read(conversation, nowMono)
    } finally {
      this.#polling = false
    }
  }

  recorded(instrument?: string): WireRecording {
    if (instrument === undefined) return this.#transport.recorded()
    // One that the bus does not have (any more, or yet) has no frames, but the bus has events.
    return this.#transport.recorded(
      this.#stations.get(instrument)?.unit.settings.unitId ?? NO_UNIT_ID,
    )
  }

  #stationOf(instrument: string): Station {
    const station = this.#stations.get(instrument)
    assert(station !== undefined, 'not on this bus:', instrument)
    return station
  }

  /** One conversation at a time: what a bus carries cannot be shared. */
  #begin(): void {
    assert(!this.#polling, 'one poll at a time on a bus')
    this.#polling = true
  }

  /** The plan of a group, made anew when the unit has taught something since. */
  #planOf({ unit, plans }: Station, signals: readonly string[], nowMono: number): PollPlan {
    const version = unit.version(nowMono)
    const at = plans.findIndex((plan) => sameNames(plan.signals, signals))
    const known = plans[at]
    if (known?.version === version) return known
    const plan = planPoll([...signals], unit, nowMono)
    for (const { functionCode, address, quantity } of plan.clashes) {
      const { id } = unit.settings
      this.#log.warn('reply_length_not_unique', { instrument: id, functionCode, address, quantity })
    }
    if (at >= 0) plans[at] = plan
    else {
      if (plans.length >= PLANS_MAX) plans.shift()
      plans.push(plan)
    }
    return plan
  }

  link(): LinkState {
    return this.#transport.link
  }

  onLink(listener: (state: LinkState) => void): void {
    this.#transport.onLink(listener)
  }

  close(): Promise<void> {
    return this.#transport.close()
  }
}

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index])
