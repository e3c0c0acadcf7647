// RTU on real descriptors: through a converter (TCP) and on a pseudo-terminal.

import { realpathSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import type { BusSettings, InstrumentSettings } from '#drivers/profile.ts'
import type { BusDriver } from '#ports/driver.ts'
import { silentLog } from '#ports/log.ts'
import {
  briefs,
  driverOf,
  instrument,
  pollAll,
  profileOf,
  rtuBus,
  signal,
} from '../../support/driver-rig.ts'
import { holdPort, portSettings } from '../../support/port-holding.ts'
import { hasSocat, obedientLine, PtyCable, RtuServer } from '../../support/rtu-server.ts'

const profile = profileOf([signal('who', 0), signal('when', 1, 'u32')])
const units = [1, 2, 3, 4].map((unitId) => instrument(`u${unitId}`, unitId, profile))
const [one, two] = units as [InstrumentSettings, InstrumentSettings]

let server: RtuServer
let drivers: BusDriver[]

const line = { timeoutMs: 100, retries: 1, lateReplyMs: 300, turnaroundMs: 2 }

const overTcp = (over = {}): BusSettings => ({
  id: 'conv-1',
  protocol: 'modbus-rtu-over-tcp',
  host: '127.0.0.1',
  port: server.port,
  ...line,
  ...over,
})

const onPty = (path: string, over = {}): BusSettings =>
  rtuBus({ id: 'rs485-1', path, ...line, ...over })

const open = (bus: BusSettings, instruments: readonly InstrumentSettings[] = units): BusDriver => {
  const driver = driverOf(bus, instruments)
  drivers.push(driver)
  return driver
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

beforeEach(async () => {
  drivers = []
  server = await RtuServer.start()
  for (const unitId of [1, 2, 3, 4])
    server
      .unit(unitId)
      .set(3, 0, unitId * 100)
      .setU32(3, 1, 70_000)
})

afterEach(async () => {
  await Promise.all(drivers.map((driver) => driver.close()))
  await server.stop()
})

/** Polls in turn while replies come late, damaged or not at all; the register `when` counts the polls. */
async function traffic(driver: BusDriver, polls: number) {
  const random = seededRandom(99)
  server.behaviour = ({ socket }, regular) => {
    const drawn = random()
    if (drawn < 0.005) return
    if (drawn < 0.01) regular[3] = (regular[3] ?? 0) ^ 0x40
    if (drawn > 0.985) setTimeout(() => socket.write(regular), 60 + random() * 250)
    else socket.write(regular)
  }
  const found = { good: 0, wrong: 0, stale: 0 }
  for (let turn = 1; turn <= polls; turn++) {
    const unit = units[turn % units.length] as InstrumentSettings
    for (const { unitId } of units) server.unit(unitId).setU32(3, 1, turn)
    const reply = await pollAll(driver, unit)
    const [who, when] = briefs(reply)
    if (who === 'parked') await pause(1)
    if (typeof who === 'string') continue
    found.good++
    if (who !== unit.unitId * 100) found.wrong++
    if (when !== turn) found.stale++
  }
  return found
}

describe('RTU through a converter', () => {
  it('reads, and keeps to itself what one unit does', async () => {
    const driver = open(overTcp())
    expect(briefs(await pollAll(driver, one))).toEqual([100, 70_000])
    server.behaviour = ({ unitId, socket }, regular) => {
      if (unitId !== 1) socket.write(regular)
    }
    expect(briefs(await pollAll(driver, one))).toEqual(['timeout', 'timeout'])
    expect(briefs(await pollAll(driver, one))).toEqual(['parked', 'parked'])
    expect(briefs(await pollAll(driver, two))).toEqual([200, 70_000])
  })

  it('URS-10 FB2 FB3 2,000 polls with late, damaged and lost replies: none wrong, none stale', async () => {
    const driver = open(overTcp({ lateReplyMs: 350 }))
    const { good, wrong, stale } = await traffic(driver, 2000)
    expect({ wrong, stale }).toEqual({ wrong: 0, stale: 0 })
    expect(good).toBeGreaterThan(500)
    expect(driver.counters.timeouts).toBeGreaterThan(5)
  })

  it('FB17 a converter that takes one client only is waited for, in words', async () => {
    const first = open(overTcp())
    await pollAll(first, one)
    // The converter of this test closes every further connection at once.
    server.behaviour = ({ socket }, regular) => {
      if (server.sockets.size > 1) socket.destroy()
      else socket.write(regular)
    }
    const second = open(overTcp())
    await expect
      .poll(() => pollAll(second, two).then(briefs), { timeout: 3000 })
      .toEqual(['disconnected', 'disconnected'])
    await expect
      .poll(() => causeOf(second))
      .toMatch(/closed the connection; check that no other client has it/)
    await first.close()
    await expect
      .poll(() => pollAll(second, two).then(briefs), { timeout: 8000 })
      .toEqual([200, 70_000])
    expect(second.link().kind).toBe('up')
  })
})

describe.skipIf(!hasSocat())('RTU on a pseudo-terminal (needs socat)', () => {
  let cable: PtyCable

  beforeEach(async () => {
    cable = new PtyCable(server.port)
    await cable.plug()
  })

  afterEach(async () => {
    await Promise.all(drivers.map((driver) => driver.close()))
    await cable.remove()
  })

  it('reads', async () => {
    const driver = open(onPty(cable.path))
    for (const unit of units)
      expect(briefs(await pollAll(driver, unit))).toEqual([unit.unitId * 100, 70_000])
  })

  it('URS-10 FB2 FB3 2,000 polls with late, damaged and lost replies: none wrong, none stale', async () => {
    const driver = open(onPty(cable.path, { lateReplyMs: 350 }))
    const { good, wrong, stale } = await traffic(driver, 2000)
    expect({ wrong, stale }).toEqual({ wrong: 0, stale: 0 })
    expect(good).toBeGreaterThan(500)
  })

  it('FB16 FB22 a pulled adapter is said in words, and is back by itself, renumbered, when it is plugged in', async () => {
    const driver = open(onPty(cable.path))
    await pollAll(driver, one)
    const device = realpathSync(cable.path)
    await cable.pull()
    await expect.poll(() => driver.link().kind).toBe('down')
    expect(briefs(await pollAll(driver, one))).toEqual(['disconnected', 'disconnected'])
    await expect.poll(() => causeOf(driver), { timeout: 5000 }).toMatch(/plug the adapter in/)
    server.behaviour = obedientLine
    // Another adapter takes the number: the one that comes back is another device under its old name.
    const other = new PtyCable(server.port)
    await other.plug()
    await cable.plug()
    expect(realpathSync(cable.path)).not.toBe(device)
    await expect
      .poll(() => pollAll(driver, one).then(briefs), { timeout: 10_000 })
      .toEqual([100, 70_000])
    expect(driver.link().kind).toBe('up')
    await other.remove()
  })

  it('URS-10 FB22 a port that another process has locked is not touched, and says which process', async () => {
    const holding = await holdPort(cable.path)
    const before = await portSettings(cable.path)
    const driver = open(onPty(cable.path, { parity: 'odd' }))
    await expect
      .poll(() => causeOf(driver))
      .toMatch(new RegExp(`is held by node \\(process ${holding.pid}\\), which locked it`))
    expect(await portSettings(cable.path)).toBe(before)
    await holding.end()
    await expect
      .poll(() => pollAll(driver, two).then(briefs), { timeout: 8000 })
      .toEqual([200, 70_000])
  })

  it('holds its port alone, also within one process, and says so', async () => {
    const first = open(onPty(cable.path))
    await pollAll(first, one)
    const second = open(onPty(cable.path))
    await expect.poll(() => causeOf(second)).toMatch(/is held by this process itself/)
    expect(briefs(await pollAll(first, one))).toEqual([100, 70_000])
    await first.close()
    await expect
      .poll(() => pollAll(second, two).then(briefs), { timeout: 8000 })
      .toEqual([200, 70_000])
  })

  it('says once who else has the port open without a lock, and reads all the same', async () => {
    const remarks: unknown[] = []
    const log = { ...silentLog, warn: (_: string, fields = {}) => void remarks.push(fields) }
    const driver = driverOf(onPty(cable.path), units, { log })
    drivers.push(driver)
    expect(briefs(await pollAll(driver, one))).toEqual([100, 70_000])
    // socat is such a program: it holds the end that it made.
    const remark = expect.stringMatching(/is open in socat \(process \d+\) as well/)
    expect(remarks).toEqual([{ bus: 'rs485-1', remark }])
    expect(driver.recorded?.().events).toContainEqual({ atMono: expect.any(Number), what: remark })
  })
})

const causeOf = (driver: BusDriver): string | undefined => {
  const state = driver.link()
  return state.kind === 'down' ? state.cause : undefined
}
