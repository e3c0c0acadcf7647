// A Modbus TCP server for tests, written from the specification (Application Protocol V1.1b3, Messaging on TCP/IP V1.0b)
// and sharing no code with the drivers. Behaviour of the wire is scripted per request, down to single bytes.

import net from 'node:net'

export interface ServerRequest {
  readonly transactionId: number
  readonly unitId: number
  readonly functionCode: number
  readonly address: number
  readonly quantity: number
  readonly socket: net.Socket
}

/** What one unit holds. Addresses not present are illegal. */
export class ServerUnit {
  readonly registers = new Map<string, number>()

  /** Sets 16-bit registers of a table (`3` holding, `4` input) from an address on. */
  set(functionCode: 3 | 4, address: number, ...words: number[]): this {
    words.forEach((word, index) => {
      this.registers.set(`${functionCode}:${address + index}`, word & 0xffff)
    })
    return this
  }

  setBits(functionCode: 1 | 2, address: number, ...bits: number[]): this {
    bits.forEach((bit, index) => {
      this.registers.set(`${functionCode}:${address + index}`, bit)
    })
    return this
  }

  setF32(functionCode: 3 | 4, address: number, value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeFloatBE(value)
    return this.set(functionCode, address, bytes.readUInt16BE(0), bytes.readUInt16BE(2))
  }

  setU32(functionCode: 3 | 4, address: number, value: number): this {
    return this.set(functionCode, address, Math.floor(value / 65536), value % 65536)
  }

  remove(functionCode: number, address: number): this {
    this.registers.delete(`${functionCode}:${address}`)
    return this
  }

  /** The PDU that the specification asks for. */
  answer(functionCode: number, address: number, quantity: number): Buffer {
    if (functionCode < 1 || functionCode > 4) return Buffer.of(functionCode | 0x80, 1)
    const most = functionCode <= 2 ? 2000 : 125
    if (quantity < 1 || quantity > most) return Buffer.of(functionCode | 0x80, 3)
    const values: number[] = []
    for (let index = 0; index < quantity; index++) {
      const value = this.registers.get(`${functionCode}:${address + index}`)
      if (value === undefined) return Buffer.of(functionCode | 0x80, 2)
      values.push(value)
    }
    if (functionCode <= 2) {
      const data = Buffer.alloc(Math.ceil(quantity / 8))
      values.forEach((value, index) => {
        if (value !== 0) data[index >> 3] = (data[index >> 3] ?? 0) | (1 << (index & 7))
      })
      return Buffer.concat([Buffer.of(functionCode, data.length), data])
    }
    const data = Buffer.alloc(quantity * 2)
    values.forEach((value, index) => {
      data.writeUInt16BE(value, index * 2)
    })
    return Buffer.concat([Buffer.of(functionCode, data.length), data])
  }
}

/** An ADU of Modbus TCP. */
export function adu(transactionId: number, unitId: number, pdu: Buffer): Buffer {
  const header = Buffer.alloc(7)
  header.writeUInt16BE(transactionId, 0)
  header.writeUInt16BE(pdu.length + 1, 4)
  header[6] = unitId
  return Buffer.concat([header, pdu])
}

/** Decides what goes out for a request; the regular answer is handed in. */
export type Behaviour = (request: ServerRequest, regular: Buffer) => void

export const obedient: Behaviour = ({ socket }, regular) => void socket.write(regular)

export class ModbusServer {
  readonly units = new Map<number, ServerUnit>()
  readonly requests: ServerRequest[] = []
  readonly sockets = new Set<net.Socket>()
  behaviour: Behaviour = obedient
  connections = 0
  readonly #server: net.Server

  private constructor(server: net.Server) {
    this.#server = server
  }

  /** Listens on a port of the system's choice, or on the given one (to come back where one was before). */
  static async start(port = 0): Promise<ModbusServer> {
    const server = net.createServer({ noDelay: true })
    const self = new ModbusServer(server)
    server.on('connection', (socket) => self.#serve(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
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

  /** Breaks every connection: RST rather than FIN where `reset`. */
  dropAll(reset = false): void {
    for (const socket of this.sockets) {
      if (reset) socket.resetAndDestroy()
      else socket.destroy()
    }
  }

  async stop(): Promise<void> {
    this.dropAll()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
  }

  #serve(socket: net.Socket): void {
    this.connections++
    this.sockets.add(socket)
    let buffer = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('close', () => this.sockets.delete(socket))
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk])
      while (buffer.length >= 12) {
        const length = 6 + buffer.readUInt16BE(4)
        if (buffer.length < length) return
        this.#request(socket, buffer.subarray(0, length))
        buffer = buffer.subarray(length)
      }
    })
  }

  #request(socket: net.Socket, bytes: Buffer): void {
    const request: ServerRequest = {
      transactionId: bytes.readUInt16BE(0),
      unitId: bytes.readUInt8(6),
      functionCode: bytes.readUInt8(7),
      address: bytes.readUInt16BE(8),
      quantity: bytes.readUInt16BE(10),
      socket,
    }
    this.requests.push(request)
    const unit = this.units.get(request.unitId)
    const { functionCode, address, quantity, unitId, transactionId } = request
    const pdu = unit?.answer(functionCode, address, quantity) ?? Buffer.of(functionCode | 0x80, 11)
    this.behaviour(request, adu(transactionId, unitId, pdu))
  }
}
