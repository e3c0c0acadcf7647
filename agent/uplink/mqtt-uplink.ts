// The way out over MQTT (contract §3): puts connection, lanes, window and bookkeeping together behind the uplink's port.
// Nothing here is the only copy of anything: records are read from the store by cursor, states are what the runtime said
// last. It never takes a PUBACK for more than it says.

import { assert } from '#core/assert.ts'
import type { Random } from '#core/random.ts'
import { STREAMS, type Stream } from '#core/record.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { Head, Store } from '#ports/store.ts'
import type {
  AlarmStateMessage,
  LiveValue,
  Uplink,
  UplinkNotice,
  UplinkState,
  UplinkTask,
} from '#ports/uplink.ts'
import { Calls } from './calls.ts'
import { Confirms, type Watermarks } from './confirms.ts'
import { Connection } from './connection.ts'
import { Delivery } from './delivery.ts'
import { Dispatcher } from './dispatcher.ts'
import { fieldsOf, parsePayload } from './inbound.ts'
import { Intake } from './intake.ts'
import { type BrokerSettings, mqttSessions } from './mqtt-session.ts'
import { type Identity, type ReplayReply, replayReply, type StatusSnapshot } from './payload.ts'
import { LaneProgress } from './progress.ts'
import { Replays } from './replays.ts'
import type { Closing, Grant, OpenSession, Session } from './session.ts'
import { StateLane } from './state-lane.ts'
import { StatusTeller } from './status-teller.ts'
import { StreamLane, type StreamLaneOptions } from './stream-lane.ts'
import { baseTopic, clientIdOf, isTopicName, subscriptionsOf } from './topic.ts'

const HEARTBEAT_MS: Millis = 60_000

/** The `mqtt` part of the configuration; with the built-in broker, `url` is the one it listens on. */
export interface UplinkSettings extends Omit<BrokerSettings, 'url'> {
  readonly url?: string
  readonly consumers: readonly string[]
}

export interface UplinkOptions {
  readonly settings: UplinkSettings
  readonly identity: Identity
  readonly epoch: string
  /** The alarm that is to come back from the broker (URS-41). */
  readonly echoed?: string | undefined
  /** Contacts of escalation: each has a topic. */
  readonly contacts?: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly store: Pick<Store, 'batches' | 'count' | 'volatile'>
  /** As persisted from the notices `cursor` and `confirm`. */
  readonly cursors: {
    readonly sent: Readonly<Record<Stream, number>>
    readonly confirmed: Watermarks
  }
  readonly status: () => StatusSnapshot
  readonly notice: (notice: UplinkNotice) => void
  /** How a connection is opened; MQTT.js unless a test says otherwise. */
  readonly open?: OpenSession
}

/** Builds the uplink; nothing happens before `start`. */
export const createUplink = (options: UplinkOptions): Uplink => new MqttUplink(options)

class MqttUplink implements Uplink {
  readonly #options: UplinkOptions
  readonly #base: string
  readonly #broker: BrokerSettings
  readonly #connection: Connection
  readonly #states = new StateLane()
  readonly #progress = new LaneProgress()
  readonly #lanes: Readonly<Record<Stream, StreamLane>>
  readonly #calls: Calls
  readonly #replays: Replays
  readonly #confirms: Confirms
  readonly #intake: Intake
  readonly #delivery: Delivery
  readonly #dispatcher: Dispatcher
  readonly #teller: StatusTeller
  #cancelHeartbeat: (() => void) | undefined
  #born = false
  #statesHeard = true
  #lastError: string | undefined
  #stopping = false

  constructor(options: UplinkOptions) {
    this.#options = options
    const { identity, cursors, settings, clock, log, epoch, store, notice } = options
    assert(settings.url !== undefined, 'the uplink needs the url of its broker')
    this.#broker = { ...settings, url: settings.url }
    this.#base = baseTopic(identity)
    const base = this.#base
    this.#confirms = new Confirms(settings.consumers, cursors.confirmed)
    this.#delivery = new Delivery({
      clock,
      log,
      notice,
      moved: (stream) => this.#intake.published(stream),
    })
    const states = this.#states
    this.#calls = new Calls(epoch, options.contacts ?? [])
    for (const { leaf, payload } of this.#calls.all()) states.set(leaf, payload)
    const lanes = { readings: this.#stream('readings'), event: this.#stream('event') }
    this.#lanes = lanes
    const reply = (user: string, content: Omit<ReplayReply, 'ts'>) =>
      this.reply(user, replayReply({ ...content, ts: clock.now().wall }))
    const replays = new Replays({ lane: (part) => this.#lane(part), reply })
    this.#replays = replays
    this.#dispatcher = new Dispatcher({
      base,
      clock,
      states,
      lanes,
      replays,
      taken: (heard) => this.#taken(heard),
      refused: (refusal) => this.#delivery.refused(refusal),
    })
    this.#intake = new Intake({
      base,
      gateway: identity.gateway,
      epoch,
      log,
      confirms: this.#confirms,
      replays,
      readable: store.volatile !== true,
      published: (stream) => lanes[stream].published,
      head: () => options.status().head.seq,
      notice,
      reply,
      alive: () => this.#poke(),
    })
    this.#teller = new StatusTeller({
      identity,
      epoch,
      clock,
      log,
      store,
      snapshot: options.status,
      cursor: (stream) => lanes[stream].cursor,
    })
    this.#connection = this.#connect()
  }

  start(): void {
    void this.#teller.count()
    this.#connection.start()
  }

  committed(head: Head): void {
    for (const stream of STREAMS) this.#lanes[stream].committed(head.seq)
    this.#dispatcher.pump()
  }

  alarmStates(states: readonly AlarmStateMessage[]): void {
    for (const { alarm, payload } of states) this.#states.set(`alarm/${alarm}`, payload)
    for (const { leaf, payload } of this.#calls.take(states)) this.#states.set(leaf, payload)
    if (states.length > 0) this.#connection.hurry()
    this.#dispatcher.pump()
  }

  meta(payload: string): void {
    this.#states.set('meta', payload)
    this.#dispatcher.pump()
  }

  live(values: readonly LiveValue[]): void {
    const { session } = this.#dispatcher
    if (session === undefined || this.#stopping) return
    for (const { zone, point, payload } of values) {
      // Whatever the socket has not taken yet would stand before the next alarm.
      if (session.congested()) return
      const topic = `${this.#base}live/${zone}/${point}`
      session.publish({ topic, payload, qos: 0, retain: true })
    }
  }

  reply(user: string, payload: string): void {
    // A reply must not choose where it is published with this gateway's rights (confused deputy).
    if (!isTopicName(user)) return this.#options.log.warn('uplink_reply_refused', { user })
    this.#states.reply(`reply/${user}`, payload)
    this.#dispatcher.pump()
  }

  status(): void {
    void this.#teller.count().then(() => this.#say('changed'))
  }

  progress(): readonly UplinkTask[] {
    const { readings, event } = this.#lanes
    const { mono } = this.#options.clock.now()
    return this.#progress.tasks([event, readings], this.#dispatcher.free, mono)
  }

  state(): UplinkState {
    return {
      connected: this.#dispatcher.session !== undefined,
      broker: this.#broker.url,
      sent: { readings: this.#lanes.readings.cursor, event: this.#lanes.event.cursor },
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
    }
  }

  async stop(reason: string, withinMs: number): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    const { clock } = this.#options
    const deadline = clock.now().mono + withinMs
    const left = () => Math.max(0, deadline - clock.now().mono)
    this.#cancelHeartbeat?.()
    if (this.#dispatcher.session !== undefined) {
      // Alarm states and events that are committed already go first, within half of the time.
      await this.#dispatcher.lastWords(left() / 2)
      this.#states.set('status', this.#teller.text(false, reason))
      await this.#dispatcher.lastWords(left())
    }
    this.#delivery.save()
    await this.#connection.stop(left())
    for (const stream of STREAMS) this.#lanes[stream].close()
  }

  #stream(stream: Stream): StreamLane {
    return this.#lane({
      stream,
      cursor: this.#options.cursors.sent[stream],
      replay: false,
      verdict: (verdict) => this.#delivery.judge(stream, verdict),
    })
  }

  #lane(
    part: Pick<StreamLaneOptions, 'stream' | 'cursor' | 'through' | 'replay' | 'verdict'>,
  ): StreamLane {
    const { epoch, identity, store, clock, log } = this.#options
    const wake = () => this.#dispatcher.pump()
    return new StreamLane({ ...part, epoch, origin: identity.origin, store, clock, log, wake })
  }

  #connect(): Connection {
    const { options, dispatcher } = { options: this.#options, dispatcher: this.#dispatcher }
    const { identity, clock, random, log } = options
    return new Connection({
      open: options.open ?? mqttSessions(this.#broker, clientIdOf(identity), clock),
      will: () => ({
        topic: `${this.#base}status`,
        payload: this.#teller.text(false, 'connection_lost'),
      }),
      clock,
      random,
      log,
      events: {
        opened: (session, grant, version) => this.#opened(session, grant, version),
        answered: (id, code) => dispatcher.answered(id, code),
        message: (topic, payload, retained) => {
          if (topic === `${this.#base}status`) {
            if (retained) this.#connection.remembered()
            return
          }
          if (topic === this.#base + (this.#echoed ?? '')) return this.#echo(payload)
          this.#intake.take(topic, payload, retained)
          dispatcher.pump()
        },
        closed: (closing) => this.#closed(closing),
        failed: (closing) => this.#failed(closing),
        takeover: () => options.notice({ kind: 'takeover' }),
      },
    })
  }

  /** Topic of the alarm that comes back, below the base. */
  get #echoed(): string | undefined {
    const { echoed } = this.#options
    return echoed === undefined ? undefined : `alarm/${echoed}`
  }

  #echo(payload: Uint8Array): void {
    const parsed = parsePayload(payload)
    const { occ } = fieldsOf(parsed.ok ? parsed.value : undefined)
    if (typeof occ === 'string') this.#options.notice({ kind: 'echo', occ })
  }

  #opened(session: Session, grant: Grant, protocolVersion: 4 | 5): void {
    this.#lastError = undefined
    this.#dispatcher.open(session, grant)
    session.subscribe(subscriptionsOf(this.#base, this.#echoed), (refused) => {
      if (refused.length > 0) this.#options.log.error('uplink_subscription_refused', { refused })
    })
    this.#states.set('status', this.#teller.text(true, this.#born ? 'reconnected' : 'start'))
    this.#states.reborn()
    this.#born = true
    this.#options.notice({ kind: 'connected', protocolVersion })
    this.#beatLater()
    this.#dispatcher.pump()
  }

  /** True when a single message explains why the peer hung up. */
  #closed(closing: Closing): boolean {
    this.#lastError = closing.cause
    this.#cancelHeartbeat?.()
    const loss = this.#dispatcher.closed(closing)
    this.#options.notice({ kind: 'disconnected', cause: closing.cause })
    void this.#teller.count()
    return loss === 'alone'
  }

  #failed({ cause }: Closing): void {
    if (this.#lastError !== cause) this.#options.log.warn('uplink_connect_failed', { cause })
    this.#lastError = cause
    void this.#teller.count()
  }

  #beatLater(): void {
    const { clock } = this.#options
    this.#cancelHeartbeat = clock.at(clock.now().mono + HEARTBEAT_MS, () => {
      this.#beatLater()
      this.#resendUnconfirmed()
      void this.#teller.count().then(() => this.#say('heartbeat'))
    })
  }

  #say(reason: string): void {
    if (this.#dispatcher.session === undefined || this.#stopping) return
    this.#states.set('status', this.#teller.text(true, reason))
    this.#dispatcher.pump()
  }

  /** What a named consumer should have confirmed long ago is sent again from its watermark (faults.md NE7). */
  #resendUnconfirmed(): void {
    const { readings, event } = this.#lanes
    const sent = { readings: readings.cursor, event: event.cursor }
    for (const range of this.#confirms.overdue(sent, this.#options.clock.now().mono)) {
      this.#options.log.warn('uplink_unconfirmed_sent_again', range)
      this.#replays.add(range)
    }
  }

  /** A state found subscribers where the one before had found none: perhaps the streams would too. */
  #taken(heard: boolean): void {
    if (heard && !this.#statesHeard) this.#poke()
    this.#statesHeard = heard
  }

  #poke(): void {
    for (const stream of STREAMS) this.#lanes[stream].poke()
  }
}
