// The connection of the Modbus TCP driver: refused, broken, half-open, dumb, closed. FB16, FB17, S2.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InstrumentSettings } from '#drivers/profile.ts'
import type { BusDriver } from '#ports/driver.ts'
import { briefs, driverOf, pollAll, tcpBus } from '../../support/driver-rig.ts'
import { ModbusServer, obedient } from '../../support/modbus-server.ts'
import { driverAt, one, startPair, two, untilLink } from '../../support/tcp-pair.ts'

let server: ModbusServer
let driver: BusDriver

const open = (instruments?: readonly InstrumentSettings[], over = {}): BusDriver => {
  driver = driverAt(server, instruments, over)
  return driver
}

beforeEach(async () => {
  server = await startPair()
})

afterEach(async () => {
  await driver.close()
  await server.stop()
})

describe('the link', () => {
  it('answers disconnected at once while there is no link, and is back by itself', async () => {
    const port = server.port
    await server.stop()
    driver = driverOf(tcpBus(port), [one])
    await untilLink(driver, 'down')
    const started = performance.now()
    const reply = await pollAll(driver, one)
    expect(performance.now() - started).toBeLessThan(50)
    expect(briefs(reply)).toEqual(['disconnected', 'disconnected', 'disconnected'])
    expect(reply.silent).toBe(false)
    const state = driver.link()
    expect(state.kind === 'down' && state.cause).toMatch(/refused the connection; check/)
    server = await ModbusServer.start(port)
    server.unit(1).set(3, 0, 11, 12).setF32(3, 2, 15.231)
    await expect
      .poll(async () => briefs(await pollAll(driver, one)), { timeout: 5000 })
      .toEqual([11, 12, 15.231])
    expect(driver.link().kind).toBe('up')
  })

  it.each([true, false])(
    'a connection that breaks (reset: %s) ends the poll as disconnected',
    async (reset) => {
      open([one])
      await pollAll(driver, one)
      server.behaviour = () => server.dropAll(reset)
      const reply = await pollAll(driver, one)
      expect(briefs(reply)).toEqual(['disconnected', 'disconnected', 'disconnected'])
      expect(reply.silent).toBe(false)
      server.behaviour = obedient
      await expect
        .poll(async () => briefs(await pollAll(driver, one)), { timeout: 5000 })
        .toEqual([11, 12, 15.231])
      expect(driver.counters.reconnects).toBeGreaterThan(0)
    },
  )

  it('FB17 opens a half-open connection afresh after three timeouts over all units', async () => {
    open([one, two], { timeoutMs: 40 })
    await pollAll(driver, one)
    const dead = new Set(server.sockets)
    server.behaviour = (request, regular) => {
      if (!dead.has(request.socket)) request.socket.write(regular)
    }
    const started = performance.now()
    await pollAll(driver, one)
    await pollAll(driver, two)
    await expect
      .poll(async () => briefs(await pollAll(driver, one)), { timeout: 5000, interval: 5 })
      .toEqual([11, 12, 15.231])
    expect(performance.now() - started).toBeLessThan(1000)
    expect(server.connections).toBe(2)
  })

  it('FB16 a bus on which nobody answers is down as a whole, and parks nobody', async () => {
    open([one, two], { timeoutMs: 30 })
    await pollAll(driver, one)
    server.behaviour = () => undefined
    await pollAll(driver, one)
    const reply = await pollAll(driver, two)
    expect(briefs(reply)).toEqual(['timeout', 'timeout', 'timeout'])
    expect(reply.silent).toBe(false)
    const state = driver.link()
    expect(state.kind === 'down' && state.cause).toMatch(/no unit answers; check the wiring/)
    server.behaviour = obedient
    await expect
      .poll(async () => briefs(await pollAll(driver, two)), { timeout: 5000 })
      .toEqual([21, 22, 16.5])
    expect(driver.link().kind).toBe('up')
  })

  it('settles a poll under way when it is closed, and can be closed twice', async () => {
    open([one], { timeoutMs: 5000 })
    await pollAll(driver, one)
    server.behaviour = () => undefined
    const polling = pollAll(driver, one)
    await driver.close()
    await driver.close()
    expect(briefs(await polling)).toEqual(['disconnected', 'disconnected', 'disconnected'])
    expect(briefs(await pollAll(driver, one))).toEqual([
      'disconnected',
      'disconnected',
      'disconnected',
    ])
  })
})
