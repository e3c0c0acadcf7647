// A socket client that knows nothing but bytes, and how to cut them into Modbus TCP frames by the length in their head.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const PATIENCE_MS = 5000

export class RawClient {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  readonly #chunks: Buffer[] = []
  #wake: () => void = () => {}
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve()
        this.#wake()
      })
    })
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#chunks.push(chunk)
      this.#wake()
    })
  }

  /** Connects; tries again for so long while it is refused. */
  static async connect(port: number, retryMs = 0): Promise<RawClient> {
    const until = performance.now() + retryMs
    for (;;) {
      const socket = connect(port, '127.0.0.1')
      try {
        await once(socket, 'connect')
        return new RawClient(socket)
      } catch (error) {
        if (performance.now() >= until) throw error
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  /** Sends bytes written in hexadecimal. */
  send(hex: string): void {
    this.#socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  async #until(ready: () => boolean): Promise<void> {
    const started = performance.now()
    while (!ready()) {
      if (this.#socket.destroyed) throw new Error('the connection was closed')
      if (performance.now() - started > PATIENCE_MS) throw new Error('nothing came')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** The next so many bytes. */
  async bytes(count: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= count)
    const bytes = this.#received.subarray(0, count)
    this.#received = this.#received.subarray(count)
    this.#chunks.length = 0
    return bytes
  }

  /** The next whole Modbus TCP frame. */
  async frame(): Promise<Buffer> {
    await this.#until(
      () =>
        this.#received.length >= 6 && this.#received.length >= 6 + this.#received.readUInt16BE(4),
    )
    return this.bytes(6 + this.#received.readUInt16BE(4))
  }

  /** The next piece as it arrived. */
  async chunk(): Promise<Buffer> {
    await this.#until(() => this.#chunks.length > 0)
    const chunk = this.#chunks.shift() ?? Buffer.alloc(0)
    this.#received = this.#received.subarray(chunk.length)
    return chunk
  }

  close(): void {
    this.#socket.destroy()
  }
}
