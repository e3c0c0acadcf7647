// A TCP proxy that is as bad as a network can be, by a seed: late, uneven, slow, silent, cut in pieces, flipping bits, resetting,
// refusing. It never loses or reorders bytes inside a connection, as TCP never does: what a blackhole holds comes when it is over.

import { once } from 'node:events'
import net from 'node:net'
import { type Random, seededRandom } from '#core/random.ts'

/** What the network does at present; all off is a clean one. */
export interface Toxics {
  /** Every piece is this late, ms; several may be under way. */
  readonly latencyMs?: number
  /** And up to this much later, ms, in order. */
  readonly jitterMs?: number
  /** Bytes a second, each way. */
  readonly bytesPerS?: number
  /** Longest piece that comes at a time, bytes. */
  readonly slice?: number
  /** Probability that one bit of a piece is wrong. */
  readonly flip?: number
  /** Probability that a connection is reset instead of handing on a piece. */
  readonly reset?: number
  /** Nothing passes and nobody is told, closing included. */
  readonly blackhole?: boolean
  /** New connections are reset at once. */
  readonly refuse?: boolean
}

/** How often what happened: a test that says it survived something proves that it was there. */
export interface Tally {
  connections: number
  pieces: number
  flipped: number
  reset: number
  refused: number
  held: number
}

export class ToxicProxy {
  readonly tally: Tally = { connections: 0, pieces: 0, flipped: 0, reset: 0, refused: 0, held: 0 }
  readonly #server: net.Server
  readonly #random: Random
  readonly #lanes = new Set<Lane>()
  #toxics: Toxics = {}

  private constructor(target: number, seed: number) {
    this.#random = seededRandom(seed)
    this.#server = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) =>
      this.#join(client, target),
    )
  }

  /** Listens on a port of the system's choice before `target` on this machine. */
  static async start(target: number, seed: number): Promise<ToxicProxy> {
    const proxy = new ToxicProxy(target, seed)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return address.port
  }

  /** From now on the network is like this; what is under way was sent before and keeps its time. */
  set(toxics: Toxics): void {
    this.#toxics = toxics
    if (toxics.blackhole !== true) for (const lane of this.#lanes) lane.release()
  }

  /** Every connection is reset (RST), both ways. */
  resetAll(): void {
    for (const lane of this.#lanes) lane.reset()
  }

  async stop(): Promise<void> {
    this.resetAll()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #join(client: net.Socket, target: number): void {
    client.on('error', () => {})
    if (this.#toxics.refuse === true) {
      this.tally.refused++
      client.resetAndDestroy()
      return
    }
    this.tally.connections++
    const server = net.connect({
      port: target,
      host: '127.0.0.1',
      noDelay: true,
      allowHalfOpen: true,
    })
    server.on('error', () => {})
    const terms = { toxics: () => this.#toxics, random: this.#random, tally: this.tally }
    for (const lane of [new Lane(client, server, terms), new Lane(server, client, terms)]) {
      this.#lanes.add(lane)
      lane.from.once('close', () => this.#lanes.delete(lane))
    }
  }
}

interface Terms {
  readonly toxics: () => Toxics
  readonly random: Random
  readonly tally: Tally
}

/** One direction of one connection: pieces in order, each with the time at which it comes. */
class Lane {
  readonly from: net.Socket
  readonly #to: net.Socket
  readonly #terms: Terms
  readonly #waiting: { readonly bytes: Buffer | undefined; readonly due: number }[] = []
  #timer: NodeJS.Timeout | undefined
  #lastDue = 0

  constructor(from: net.Socket, to: net.Socket, terms: Terms) {
    this.from = from
    this.#to = to
    this.#terms = terms
    from.on('data', (chunk) => this.#take(chunk))
    from.once('end', () => this.#queue(undefined, 0))
    from.once('close', (failed) => {
      if (failed) this.reset()
    })
  }

  release(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#pass()
  }

  reset(): void {
    clearTimeout(this.#timer)
    this.#waiting.length = 0
    for (const socket of [this.from, this.#to]) if (!socket.destroyed) socket.resetAndDestroy()
  }

  #take(chunk: Buffer): void {
    const { slice = chunk.length, bytesPerS } = this.#terms.toxics()
    for (let at = 0; at < chunk.length; ) {
      const size = slice < chunk.length ? 1 + Math.floor(this.#terms.random() * slice) : slice
      const bytes = Buffer.from(chunk.subarray(at, at + size))
      this.#queue(bytes, bytesPerS === undefined ? 0 : (bytes.length * 1000) / bytesPerS)
      at += size
    }
  }

  #queue(bytes: Buffer | undefined, lineMs: number): void {
    const { latencyMs = 0, jitterMs = 0 } = this.#terms.toxics()
    const late = performance.now() + latencyMs + this.#terms.random() * jitterMs
    this.#lastDue = Math.max(late, this.#lastDue) + lineMs
    this.#waiting.push({ bytes, due: this.#lastDue })
    this.#pass()
  }

  #pass(): void {
    const { random, tally } = this.#terms
    if (this.#timer !== undefined) return
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const toxics = this.#terms.toxics()
      if (toxics.blackhole === true) {
        tally.held++
        return
      }
      const wait = next.due - performance.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.release(), wait)
        return
      }
      this.#waiting.shift()
      if (next.bytes === undefined) {
        this.#to.end()
        continue
      }
      tally.pieces++
      if (random() < (toxics.reset ?? 0)) {
        tally.reset++
        this.reset()
        return
      }
      if (random() < (toxics.flip ?? 0)) {
        const at = Math.floor(random() * next.bytes.length)
        next.bytes[at] = (next.bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8))
        tally.flipped++
      }
      if (!this.#to.destroyed) this.#to.write(next.bytes)
    }
  }
}
