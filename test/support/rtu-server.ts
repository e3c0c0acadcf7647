// A Modbus RTU line for tests: units behind a TCP port (as a transparent converter shows them), and through socat on a
// pseudo-terminal. Written from the specification; shares no code with the drivers.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { rtu } from './fake-wire.ts'
import { ServerUnit } from './modbus-server.ts'

export interface RtuRequest {
  readonly unitId: number
  readonly functionCode: number
  readonly address: number
  readonly quantity: number
  readonly bytes: Buffer
  readonly socket: net.Socket
}

export type RtuBehaviour = (request: RtuRequest, regular: Buffer) => void

export const obedientLine: RtuBehaviour = ({ socket }, regular) => void socket.write(regular)

export class RtuServer {
  readonly units = new Map<number, ServerUnit>()
  readonly requests: RtuRequest[] = []
  readonly sockets = new Set<net.Socket>()
  behaviour: RtuBehaviour = obedientLine
  readonly #server: net.Server

  private constructor(server: net.Server) {
    this.#server = server
  }

  static async start(): Promise<RtuServer> {
    const server = net.createServer({ noDelay: true })
    const self = new RtuServer(server)
    server.on('connection', (socket) => self.#serve(socket))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return self
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return address.port
  }

  unit(unitId: number): ServerUnit {
    const known = this.units.get(unitId)
    if (known !== undefined) return known
    const unit = new ServerUnit()
    this.units.set(unitId, unit)
    return unit
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
  }

  /** Requests are eight bytes with a CRC; after anything else the line is searched byte by byte. */
  #serve(socket: net.Socket): void {
    this.sockets.add(socket)
    let buffer = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('close', () => this.sockets.delete(socket))
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk])
      while (buffer.length >= 8) {
        const bytes = buffer.subarray(0, 8)
        if (!rtu(bytes.readUInt8(0), bytes.subarray(1, 6)).equals(bytes)) {
          buffer = buffer.subarray(1)
          continue
        }
        buffer = buffer.subarray(8)
        this.#request(socket, bytes)
      }
    })
  }

  #request(socket: net.Socket, bytes: Buffer): void {
    const request = {
      unitId: bytes.readUInt8(0),
      functionCode: bytes.readUInt8(1),
      address: bytes.readUInt16BE(2),
      quantity: bytes.readUInt16BE(4),
      bytes,
      socket,
    }
    this.requests.push(request)
    const unit = this.units.get(request.unitId)
    if (unit === undefined) return
    const pdu = unit.answer(request.functionCode, request.address, request.quantity)
    this.behaviour(request, rtu(request.unitId, pdu))
  }
}

/** Whether socat is installed; in CI it has to be. */
export function hasSocat(): boolean {
  try {
    execFileSync('socat', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return process.env.CI === 'true'
  }
}

/** A pseudo-terminal at a fixed path that leads to a port, which can be pulled and plugged in again. */
export class PtyCable {
  readonly path: string
  readonly #directory: string
  readonly #port: number
  #socat: ChildProcess | undefined

  constructor(port: number) {
    this.#directory = mkdtempSync(path.join(tmpdir(), 'pty-'))
    this.path = path.join(this.#directory, 'line')
    this.#port = port
  }

  async plug(): Promise<void> {
    this.#socat = spawn(
      'socat',
      [`PTY,link=${this.path},raw,echo=0`, `TCP:127.0.0.1:${this.#port},nodelay`],
      { stdio: 'ignore' },
    )
    for (let waited = 0; !existsSync(this.path); waited++) {
      if (waited > 500) throw new Error('socat made no pseudo-terminal')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async pull(): Promise<void> {
    const socat = this.#socat
    if (socat === undefined || socat.exitCode !== null) return
    const gone = new Promise((resolve) => socat.once('exit', resolve))
    socat.kill('SIGTERM')
    await gone
  }

  async remove(): Promise<void> {
    await this.pull()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
