// A Modbus TCP server for benchmarks, run as a process of its own: every unit answers any read of holding or input
// registers at once. Register 0–1 of each unit is a float that a line on stdin (`set <unit> <value>`) changes.
// Prints its port as the first line, and on `count` the number of requests answered so far.

import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

const registers = new Map<number, Buffer>()
const REGISTERS = 256
let answered = 0
/** Units whose value was changed and not read since. */
const changed = new Set<number>()

function imageOf(unit: number): Buffer {
  let image = registers.get(unit)
  if (image === undefined) {
    image = Buffer.alloc(REGISTERS * 2)
    for (let index = 0; index < REGISTERS; index += 2)
      image.writeFloatBE(10 + index / 10, index * 2)
    registers.set(unit, image)
  }
  return image
}

function answer(socket: Socket, request: Buffer): void {
  const unit = request.readUInt8(6)
  const address = request.readUInt16BE(8)
  const bytes = request.readUInt16BE(10) * 2
  const reply = Buffer.alloc(9 + bytes)
  request.copy(reply, 0, 0, 4)
  reply.writeUInt16BE(3 + bytes, 4)
  reply.writeUInt8(unit, 6)
  reply.writeUInt8(request.readUInt8(7), 7)
  reply.writeUInt8(bytes, 8)
  imageOf(unit).copy(reply, 9, address * 2, address * 2 + bytes)
  answered++
  socket.write(reply)
  if (changed.delete(unit)) process.stdout.write(`read ${unit} ${process.hrtime.bigint()}\n`)
}

const server = createServer((socket) => {
  let pending: Buffer = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= 12) {
      answer(socket, pending.subarray(0, 12))
      pending = pending.subarray(12)
    }
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.stdout.write(`${address.port}\n`)
})

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [word, unit, value] = line.split(' ')
    if (word === 'set') {
      imageOf(Number(unit)).writeFloatBE(Number(value), 0)
      changed.add(Number(unit))
    }
    if (word === 'count') process.stdout.write(`count ${answered}\n`)
  })
  .on('close', () => process.exit(0))
