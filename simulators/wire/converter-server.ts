// A serial-to-Ethernet converter in transparent mode: a TCP port whose bytes are those of a serial line, RTU frames with
// their CRC. Takes one client at a time, as most do. Decides who is connected; the line is rtu-line.ts.

import { createServer, type Server, type Socket } from 'node:net'
import type { Millis } from '#core/time.ts'
import type { FaultSet } from '../faults.ts'
import { type Address, listenOn } from './listen.ts'
import { RtuLine, type RtuLineOptions } from './rtu-line.ts'

export type ConverterOptions = Omit<RtuLineOptions, 'deliver' | 'hangUp' | 'pace'> & {
  readonly host: string
  /** 0 = chosen by the system. */
  readonly port: number
  readonly faults: FaultSet
}

/** The converter of one line; `listen` before use, `close` after. */
export class ConverterServer {
  readonly line: RtuLine
  readonly #options: ConverterOptions
  #client: Socket | undefined
  #server: Server | undefined
  #address: Address | undefined
  #changing = false
  #closed = false

  constructor(options: ConverterOptions) {
    this.#options = options
    this.line = new RtuLine({
      ...options,
      pace: 'frame',
      deliver: (bytes) => {
        if (this.#client?.writable === true) this.#client.write(bytes)
      },
      hangUp: () => this.#client?.destroy(),
    })
  }

  /** Listens; rejects with the system's error when it cannot. */
  async listen(): Promise<Address> {
    const server = createServer((socket) => this.#accept(socket))
    this.#address = await listenOn(server, this.#address ?? this.#options)
    this.#server = server
    if (this.#closed) await this.#stopListening()
    return this.#address
  }

  /** A second client is turned away while the first is connected. */
  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    if (this.#client !== undefined) {
      socket.destroy()
      return
    }
    this.#client = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.line.receive(chunk))
    socket.on('close', () => {
      if (this.#client === socket) this.#client = undefined
    })
  }

  /** Closes the port while it refuses connections, and opens it again afterwards. */
  tick(mono: Millis): void {
    if (this.#address === undefined || this.#changing || this.#closed) return
    const refusing = this.#options.faults.active('refuse', mono) !== undefined
    if (refusing === (this.#server === undefined)) return
    this.#changing = true
    const change = refusing ? this.#stopListening() : this.listen().then(() => undefined)
    // A port that somebody took in the meantime is tried again at the next tick.
    void change
      .catch(() => undefined)
      .finally(() => {
        this.#changing = false
      })
  }

  async #stopListening(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.#client?.destroy()
    this.line.reset()
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  /** Closes the port and the connection. Safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#stopListening()
  }
}
