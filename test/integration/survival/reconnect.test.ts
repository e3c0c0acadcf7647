// Many connections one after the other, to a broker and to an instrument, leave nothing behind: neither open files nor memory.
// RECONNECTS=10000 makes that many of each.

import { readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { tcpLink } from '#drivers/link/tcp-link.ts'
import { systemClock } from '../../../agent/runtime/system-clock.ts'
import { mqttSessions } from '../../../agent/uplink/mqtt-session.ts'

const COUNT = Number(process.env['RECONNECTS'] ?? 1000)
/** A connection that leaves a listener or a closure behind leaves more than this. */
const BYTES_EACH_MAX = 500
/** What the engine itself moves about between two measurements. */
const BYTES_ONCE = 600_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const openFiles = (): number => readdirSync('/proc/self/fd').length
const heap = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0))
    await new Promise<void>((resolve) => server.close(() => resolve()))
})

/** Answers whatever comes first with these bytes, then hangs up. */
async function hangingUp(answer: Buffer): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(answer))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Makes the connections, and holds what they left against what there was after the first fifth. */
async function leavesNothing(connect: () => Promise<void>): Promise<void> {
  for (let index = 0; index < COUNT / 5; index++) await connect()
  const before = { files: openFiles(), heap: heap() }
  for (let index = 0; index < COUNT; index++) await connect()
  // what is being closed is closed a turn later
  await new Promise((resolve) => setImmediate(resolve))
  expect(openFiles()).toBeLessThanOrEqual(before.files + 2)
  const grown = heap() - before.heap
  if (process.env['RECONNECTS'] !== undefined)
    console.info(
      `${COUNT} connections: heap ${Math.round(grown / 1024)} KiB more, RSS ${Math.round(process.memoryUsage.rss() / 1e6)} MB`,
    )
  expect(grown).toBeLessThan(BYTES_ONCE + COUNT * BYTES_EACH_MAX)
}

describe('URS-63 HO13 connections one after the other leave nothing behind', {
  timeout: 300_000,
}, () => {
  it('to a broker that takes the client and hangs up', async () => {
    const port = await hangingUp(Buffer.from([0x20, 3, 0, 0, 0]))
    const open = mqttSessions({ url: `mqtt://127.0.0.1:${port}` }, 'cr-a-b-c', systemClock())
    const request = { protocolVersion: 5, will: { topic: 'w', payload: '{}' } } as const
    let opened = 0
    await leavesNothing(
      () =>
        new Promise((resolve) => {
          open(request, {
            opened: () => opened++,
            answered: () => {},
            message: () => {},
            closed: () => resolve(),
          })
        }),
    )
    expect(opened).toBeGreaterThanOrEqual(COUNT)
  })

  it('to an instrument that answers and hangs up', async () => {
    const port = await hangingUp(Buffer.from([0, 1, 0, 0, 0, 3, 1, 0x83, 2]))
    let received = 0
    await leavesNothing(
      () =>
        new Promise((resolve) => {
          const link = tcpLink({ host: '127.0.0.1', port })({
            opened: () => link.write(Buffer.from([0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1])),
            received: (bytes) => {
              received += bytes.length
            },
            closed: () => resolve(),
          })
        }),
    )
    expect(received).toBeGreaterThanOrEqual(COUNT * 9)
  })
})
