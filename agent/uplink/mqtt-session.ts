// One connection to a broker by MQTT.js, with everything MQTT.js does by itself switched off: a new client for each
// connection, no reconnecting, no queue, no replay of its store, no resubscribing. It decides nothing about messages.
//
// Why: its store is replayed one message per round trip before `connect` is emitted, its default packet ids overwrite each
// other, it hides PUBACK 0x10, ignores the server's Receive Maximum and gives up after a CONNACK error (docs/mqtt.md).

import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { connect, type IClientOptions, type MqttClient, UniqueMessageIdProvider } from 'mqtt'
import { assert } from '#core/assert.ts'
import type { Clock } from '#ports/clock.ts'
import { reasonText } from './reasons.ts'
import type {
  Closing,
  OpenSession,
  Publication,
  Session,
  SessionEvents,
  SessionRequest,
  Subscription,
} from './session.ts'

/** Way to the broker and how to be let in; the part of the `mqtt` configuration that a connection needs. */
export interface BrokerSettings {
  readonly url: string
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly usernameFile?: string
  readonly passwordFile?: string
}

const KEEPALIVE_SECONDS = 20
/** Longer than a reconnection takes as a rule, so that a blink of the network does not announce a death. */
const WILL_DELAY_SECONDS = 5
const SESSION_EXPIRY_SECONDS = 300
const INBOUND_PACKET_BYTES_MAX = 64 * 1024
const INBOUND_IN_FLIGHT_MAX = 20
/** MQTT.js's own CONNACK timer must never be the one that fires: the supervisor's deadline is shorter. */
const LIBRARY_TIMEOUT_MS = 120_000
const SOCKET_BYTES_MAX = 64 * 1024
/** Receive Maximum where the server names none (MQTT 5 §3.2.2.3.3). */
const RECEIVE_MAXIMUM_DEFAULT = 65_535

/** Codes of the operating system that mean the way is gone, not that the peer hung up. */
const NETWORK_CODES = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN'])

/** Opens sessions to the broker of the settings; secrets are read at each connection. */
export const mqttSessions =
  (settings: BrokerSettings, clientId: string, clock: Clock): OpenSession =>
  (request, events) =>
    new MqttSession(connectionOptions(settings, clientId, request), events, clock)

function secret(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Error(`cannot read ${what} ${file}: ${(error as Error).message}`)
  }
}

/** The options of one connection. Exported for tests: TLS must never be negotiable. */
export function connectionOptions(
  settings: BrokerSettings,
  clientId: string,
  request: SessionRequest,
): IClientOptions {
  const { protocol, hostname, port } = new URL(settings.url)
  const tls = protocol === 'mqtts:'
  assert(tls || protocol === 'mqtt:', `mqtt.url must begin with mqtts:// or mqtt://`)
  const { caFile, certFile, keyFile, usernameFile, passwordFile } = settings
  const v5 = request.protocolVersion === 5
  return {
    protocol: tls ? 'mqtts' : 'mqtt',
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (tls ? 8883 : 1883) : Number(port),
    clientId,
    protocolVersion: request.protocolVersion,
    protocolId: 'MQTT',
    clean: false,
    manualConnect: true,
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: LIBRARY_TIMEOUT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // else the library makes a buffer of each 16-bit number and keeps them all: 12 MB
    writeCache: false,
    messageIdProvider: new UniqueMessageIdProvider(),
    will: {
      topic: request.will.topic,
      payload: Buffer.from(request.will.payload),
      qos: 1,
      retain: true,
      ...(v5 && { properties: { willDelayInterval: WILL_DELAY_SECONDS } }),
    },
    ...(v5 && {
      properties: {
        sessionExpiryInterval: SESSION_EXPIRY_SECONDS,
        receiveMaximum: INBOUND_IN_FLIGHT_MAX,
        maximumPacketSize: INBOUND_PACKET_BYTES_MAX,
        requestProblemInformation: true,
      },
    }),
    ...(usernameFile !== undefined && { username: secret(usernameFile, 'mqtt.usernameFile') }),
    ...(passwordFile !== undefined && { password: secret(passwordFile, 'mqtt.passwordFile') }),
    ...(tls && {
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(caFile !== undefined && { ca: secret(caFile, 'mqtt.caFile') }),
      ...(certFile !== undefined && { cert: secret(certFile, 'mqtt.certFile') }),
      ...(keyFile !== undefined && { key: secret(keyFile, 'mqtt.keyFile') }),
    }),
  }
}

class MqttSession implements Session {
  readonly #client: MqttClient
  readonly #events: SessionEvents
  readonly #clock: Clock
  readonly #unanswered = new Set<number>()
  #opened = false
  #ended = false
  #whenEnded: (() => void) | undefined
  /** The first thing known about why it ends; later symptoms do not overwrite it. */
  #closing: Closing | undefined

  constructor(options: IClientOptions, events: SessionEvents, clock: Clock) {
    this.#events = events
    this.#clock = clock
    const client = connect(options)
    this.#client = client
    // Attached before the first byte is sent: a message that arrives with the CONNACK would be acknowledged and lost.
    client.handleMessage = (packet, done) => {
      if (!this.#ended) {
        const { payload, topic, retain } = packet
        events.message(topic, typeof payload === 'string' ? Buffer.from(payload) : payload, retain)
      }
      done()
    }
    client.on('connect', ({ sessionPresent }) => this.#open(sessionPresent))
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'puback' && packet.messageId !== undefined && !this.#ended) {
        if (this.#unanswered.delete(packet.messageId)) {
          events.answered(packet.messageId, packet.reasonCode ?? 0)
        }
      }
    })
    client.on('disconnect', ({ reasonCode }) => {
      const code = reasonCode ?? 0
      this.#closing ??= { cause: `the broker disconnected: ${reasonText(code)}`, by: 'peer', code }
    })
    client.on('error', (error) => this.#failed(error))
    client.on('close', () =>
      this.#end({ cause: this.#opened ? 'the broker hung up' : 'no connection', by: 'peer' }),
    )
    client.connect()
    withoutDelay(client.stream)
  }

  publish({ topic, payload, qos, retain }: Publication): number {
    assert(this.#opened && !this.#ended, 'a message is published on an open session')
    this.#client.publish(topic, payload, { qos, retain }, ignore)
    if (qos === 0) return 0
    const id = this.#client.getLastMessageId()
    this.#unanswered.add(id)
    return id
  }

  subscribe(
    subscriptions: readonly Subscription[],
    done: (refused: readonly string[]) => void,
  ): void {
    const wanted = Object.fromEntries(
      subscriptions.map(({ filter, qos, retainAsPublished, noLocal }) => [
        filter,
        { qos, nl: noLocal, rh: 0, rap: retainAsPublished },
      ]),
    )
    this.#client.subscribe(wanted, (error, _granted, packet) => {
      if (this.#ended) return
      const codes = packet?.granted ?? []
      const refused = subscriptions.filter((_, index) => Number(codes[index] ?? 0x80) >= 0x80)
      done(error === null ? [] : refused.map(({ filter }) => filter))
    })
  }

  congested(): boolean {
    const { stream } = this.#client
    return (stream.writableLength ?? 0) > SOCKET_BYTES_MAX
  }

  abort(cause: string): void {
    this.#closing = { cause, by: 'us' }
    this.#end(this.#closing)
  }

  close(withinMs: number): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#clock.at(this.#clock.now().mono + withinMs, () => this.abort('closed'))
      this.#whenEnded = () => {
        cancel()
        resolve()
      }
      this.#closing ??= { cause: 'closed', by: 'us' }
      // With nothing outstanding `end` sends DISCONNECT at once instead of waiting for answers without a limit.
      this.#forget()
      this.#client.end(false, {}, ignore)
    })
  }

  #open(sessionPresent: boolean): void {
    if (this.#ended) return
    this.#opened = true
    const { receiveMaximum, maximumPacketSize } = this.#client.serverProperties ?? {}
    this.#events.opened({
      receiveMaximum: receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT,
      sessionPresent,
      ...(maximumPacketSize !== undefined && { maximumPacketSize }),
    })
  }

  #failed(error: Error & { code?: unknown }): void {
    const { code, message } = error
    if (typeof code === 'number' && !this.#opened) {
      this.#closing ??= { cause: `the broker refused: ${reasonText(code)}`, by: 'refused', code }
    } else if (typeof code === 'number') {
      // After CONNACK these are answers to single packets or faults found by the library, which closes by itself.
      this.#closing ??= { cause: message, by: 'network' }
    } else {
      const reset = code === 'ECONNRESET' || code === 'EPIPE'
      const network = !reset || NETWORK_CODES.has(String(code)) || !this.#opened
      this.#closing ??= { cause: message || String(code), by: network ? 'network' : 'peer' }
    }
    this.#client.stream?.destroy()
  }

  #end(closing: Closing): void {
    if (this.#ended) return
    this.#ended = true
    this.#forget()
    this.#client.stream?.destroy()
    this.#client.end(true, {}, ignore)
    this.#events.closed(this.#closing ?? closing)
    this.#whenEnded?.()
  }

  /** Takes every unanswered message out of the library's hands. */
  #forget(): void {
    for (const id of this.#unanswered) this.#client.removeOutgoingMessage(id)
    this.#unanswered.clear()
  }
}

const ignore = (): void => {}

/** Nagle's algorithm would hold a small message back until the last one is acknowledged: 40 ms before an alarm. */
function withoutDelay(stream: MqttClient['stream']): void {
  if (stream instanceof Socket) stream.setNoDelay(true)
}
