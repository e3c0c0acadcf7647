// A Modbus TCP server on node:net, from the Modbus Messaging on TCP/IP Implementation Guide V1.0b: MBAP header, several
// units behind one port, as a gateway has. Acts out the faults of its bus and its units; knows nothing of registers.

import { createServer, type Server, type Socket } from 'node:net'
import type { Random } from '#core/random.ts'
import type { Millis } from '#core/time.ts'
import type { Clock } from '#ports/clock.ts'
import type { FaultSet } from '../faults.ts'
import { type Address, listenOn } from './listen.ts'
import { refusePdu } from './pdu.ts'
import { EXCEPTION } from './refusal.ts'
import { garbage, type PlannedReply, planReply, type WireUnit } from './reply-plan.ts'
import { Timers } from './timers.ts'

/** MBAP: transaction id, protocol id (0), length of what follows, unit id. */
const MBAP_BYTES = 7
const PDU_BYTES_MAX = 253
/** Clients at a time; instruments have one to some, a gateway more. */
const CLIENTS_MAX = 16

export interface ModbusTcpServerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly host: string
  /** 0 = chosen by the system. */
  readonly port: number
  readonly units: readonly WireUnit[]
  /** `half-open`, `pull`, `refuse`. */
  readonly faults: FaultSet
  readonly unknownUnit: 'silent' | 'gateway'
}

/** One connection with what has arrived and what is kept back. */
interface Client {
  readonly socket: Socket
  received: Buffer
  /** A reply waiting for the next one. */
  keptBack: Buffer | undefined
}

/** The server of one bus; `listen` before use, `close` after, `tick` now and then for faults that come and go. */
export class ModbusTcpServer {
  readonly #options: ModbusTcpServerOptions
  readonly #units: ReadonlyMap<number, WireUnit>
  readonly #timers: Timers
  readonly #clients = new Set<Client>()
  #server: Server | undefined
  #address: Address | undefined
  #opening = false
  #closed = false

  constructor(options: ModbusTcpServerOptions) {
    this.#options = options
    this.#units = new Map(options.units.map((unit) => [unit.unitId, unit]))
    this.#timers = new Timers(options.clock)
  }

  /** Listens; rejects with the system's error (EADDRINUSE, EACCES …) when it cannot. */
  async listen(): Promise<Address> {
    const server = createServer((socket) => this.#accept(socket))
    server.maxConnections = CLIENTS_MAX
    this.#address = await listenOn(server, this.#address ?? this.#options)
    this.#server = server
    if (this.#closed) await this.#stopListening()
    return this.#address
  }

  get clients(): number {
    return this.#clients.size
  }

  /** Closes the port while the bus refuses connections, and opens it again afterwards. */
  tick(mono: Millis): void {
    if (this.#address === undefined || this.#opening || this.#closed) return
    const refusing = this.#options.faults.active('refuse', mono) !== undefined
    if (refusing && this.#server !== undefined) {
      this.#opening = true
      void this.#stopListening().finally(() => {
        this.#opening = false
      })
    } else if (!refusing && this.#server === undefined) {
      this.#opening = true
      // A port that somebody took in the meantime is tried again at the next tick.
      void this.listen()
        .catch(() => undefined)
        .finally(() => {
          this.#opening = false
        })
    }
  }

  async #stopListening(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const { socket } of this.#clients) socket.destroy()
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  /** Closes the port and all connections. Safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timers.clear()
    await this.#stopListening()
  }

  #accept(socket: Socket): void {
    const client: Client = { socket, received: Buffer.alloc(0), keptBack: undefined }
    this.#clients.add(client)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#clients.delete(client))
    socket.on('data', (chunk) => this.#receive(client, chunk))
  }

  #receive(client: Client, chunk: Buffer): void {
    const mono = this.#options.clock.now().mono
    const { faults } = this.#options
    if (
      faults.active('half-open', mono) !== undefined ||
      faults.active('pull', mono) !== undefined
    ) {
      client.received = Buffer.alloc(0)
      return
    }
    client.received = Buffer.concat([client.received, chunk])
    while (client.received.length >= MBAP_BYTES) {
      const length = client.received.readUInt16BE(4)
      if (client.received.readUInt16BE(2) !== 0 || length < 2 || length > PDU_BYTES_MAX + 1) {
        // Not Modbus, or out of step: there is no way to find the next frame.
        client.socket.destroy()
        return
      }
      const end = 6 + length
      if (client.received.length < end) return
      const adu = client.received.subarray(0, end)
      client.received = client.received.subarray(end)
      this.#serve(client, adu.readUInt16BE(0), adu.readUInt8(6), adu.subarray(MBAP_BYTES))
    }
  }

  #serve(client: Client, transaction: number, unitId: number, request: Buffer): void {
    const mono = this.#options.clock.now().mono
    const unit = this.#units.get(unitId)
    if (unit === undefined) {
      if (this.#options.unknownUnit === 'gateway') {
        const pdu = refusePdu(request, EXCEPTION.gatewayTargetSilent)
        this.#write(client, [encode(transaction, unitId, pdu)])
      }
      return
    }
    const plan = planReply(unit, Buffer.from(request), mono)
    if (plan.kind === 'silent') return
    if (plan.kind === 'disconnect') {
      client.socket.destroy()
      return
    }
    this.#timers.after(plan.delayMs, () => this.#send(client, transaction, plan))
  }

  #send(client: Client, transaction: number, plan: PlannedReply): void {
    const id = plan.oldTransaction ? (transaction - 1) & 0xffff : transaction
    const frame = Buffer.concat([
      garbage(plan.garbageBytes, this.#options.random),
      encode(id, plan.unitId, plan.pdu),
    ])
    if (plan.merge && client.keptBack === undefined) {
      client.keptBack = frame
      return
    }
    const whole = client.keptBack === undefined ? frame : Buffer.concat([client.keptBack, frame])
    client.keptBack = undefined
    if (plan.splitMs <= 0) return this.#write(client, [whole])
    const half = Math.ceil(whole.length / 2)
    this.#write(client, [whole.subarray(0, half)])
    this.#timers.after(plan.splitMs, () => this.#write(client, [whole.subarray(half)]))
  }

  #write({ socket }: Client, parts: readonly Buffer[]): void {
    if (socket.destroyed || !socket.writable) return
    for (const part of parts) socket.write(part)
  }
}

function encode(transaction: number, unitId: number, pdu: Buffer): Buffer {
  const head = Buffer.alloc(MBAP_BYTES)
  head.writeUInt16BE(transaction, 0)
  head.writeUInt16BE(pdu.length + 1, 4)
  head.writeUInt8(unitId, 6)
  return Buffer.concat([head, pdu])
}
