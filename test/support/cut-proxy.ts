// A TCP proxy that can be cut: existing connections are reset, new ones refused until it is mended.

import net from 'node:net'

export class CutProxy {
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  #cut = false
  cuts = 0

  private constructor(target: number) {
    this.#server = net.createServer((client) => {
      if (this.#cut) {
        client.resetAndDestroy()
        return
      }
      const upstream = net.connect(target, '127.0.0.1')
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(one)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
  }

  static async start(target: number): Promise<CutProxy> {
    const proxy = new CutProxy(target)
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve)
    })
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return address.port
  }

  cut(): void {
    this.cuts++
    this.#cut = true
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  mend(): void {
    this.#cut = false
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
  }
}
