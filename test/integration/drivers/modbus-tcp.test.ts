// The Modbus TCP driver against a real socket, with a server that misbehaves byte by byte.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import type { InstrumentSettings } from '#drivers/profile.ts'
import type { BusDriver } from '#ports/driver.ts'
import { briefs, instrument, pollAll, profileOf, signal } from '../../support/driver-rig.ts'
import { adu, type ModbusServer, obedient } from '../../support/modbus-server.ts'
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

describe('polling over Modbus TCP', () => {
  it('URS-04 reads the signals of an instrument in one request, with their bytes', async () => {
    const reply = await pollAll(open(), one)
    expect(briefs(reply)).toEqual([11, 12, 15.231])
    expect(reply.silent).toBe(false)
    expect(server.requests).toHaveLength(1)
    expect(reply.signals.map(({ result }) => result.raw)).toEqual([
      Uint8Array.of(0, 11),
      Uint8Array.of(0, 12),
      Uint8Array.of(0x41, 0x73, 0xb2, 0x2d),
    ])
  })

  it('URS-10 FB2 drops a reply that comes after its timeout, and takes its own', async () => {
    open([one], { retries: 0, timeoutMs: 60 })
    let held: Buffer | undefined
    server.behaviour = (request, regular) => {
      if (held === undefined) held = regular
      else request.socket.write(Buffer.concat([held, regular]))
    }
    expect(briefs(await pollAll(driver, one))).toEqual(['timeout', 'timeout', 'timeout'])
    server.unit(1).set(3, 0, 111, 112)
    expect(briefs(await pollAll(driver, one))).toEqual([111, 112, 15.231])
    expect(driver.counters).toMatchObject({ lateReplies: 1, timeouts: 1, foreignFrames: 0 })
  })

  it.each<[string, (unit: number, regular: Buffer) => Buffer, string]>([
    [
      'another unit',
      (_, regular) => {
        regular[6] = 9
        return regular
      },
      'foreignFrames',
    ],
    [
      'an exception of another unit',
      (_, regular) => adu(regular.readUInt16BE(0), 9, Buffer.of(0x83, 2)),
      'foreignFrames',
    ],
    [
      'another function',
      (unit, regular) =>
        adu(regular.readUInt16BE(0), unit, Buffer.concat([Buffer.of(4), regular.subarray(8)])),
      'foreignFrames',
    ],
    [
      'another transaction',
      (_, regular) => {
        regular.writeUInt16BE((regular.readUInt16BE(0) + 77) & 0xffff, 0)
        return regular
      },
      'foreignFrames',
    ],
    [
      'a byte count that is not what was asked for',
      (unit, regular) => adu(regular.readUInt16BE(0), unit, Buffer.of(3, 6, 0, 1, 0, 2, 0, 3)),
      'malformedFrames',
    ],
    [
      'a byte count that lies',
      (unit, regular) => adu(regular.readUInt16BE(0), unit, Buffer.of(3, 8, 0, 1, 0, 2, 0, 3)),
      'malformedFrames',
    ],
    [
      'an exception that is too long',
      (unit, regular) => adu(regular.readUInt16BE(0), unit, Buffer.of(0x83, 2, 0)),
      'malformedFrames',
    ],
    [
      'an exception without a code',
      (unit, regular) => adu(regular.readUInt16BE(0), unit, Buffer.of(0x83)),
      'malformedFrames',
    ],
  ])(
    'URS-10 never takes %s for an answer, and goes on waiting for it',
    async (_name, spoil, counter) => {
      open()
      server.behaviour = ({ socket, unitId }, regular) => {
        const spoilt = spoil(unitId, Buffer.from(regular))
        socket.write(spoilt)
        setImmediate(() => socket.write(regular))
      }
      expect(briefs(await pollAll(driver, one))).toEqual([11, 12, 15.231])
      expect(driver.counters).toMatchObject({ [counter]: 1, timeouts: 0 })
    },
  )

  it('FB9 FB11 tells a malformed answer from none, and asks again', async () => {
    open()
    let asked = 0
    server.behaviour = ({ socket, unitId, transactionId }, regular) => {
      asked++
      if (unitId === 1) socket.write(adu(transactionId, 1, Buffer.of(3, 2, 0, 1)))
      else socket.write(regular)
    }
    const reply = await pollAll(driver, one)
    expect(briefs(reply)).toEqual(['frame', 'frame', 'frame'])
    expect(reply.silent).toBe(false)
    expect(asked).toBe(2)
    expect(briefs(await pollAll(driver, two))).toEqual([21, 22, 16.5])
  })

  it('FB11 takes an answer that comes byte by byte, and two that come in one', async () => {
    open()
    server.behaviour = ({ socket }, regular) => {
      const bytes = [...regular]
      const next = () => {
        const byte = bytes.shift()
        if (byte === undefined) return
        socket.write(Buffer.of(byte), () => setImmediate(next))
      }
      next()
    }
    expect(briefs(await pollAll(driver, one))).toEqual([11, 12, 15.231])
    server.behaviour = ({ socket, transactionId }, regular) =>
      void socket.write(Buffer.concat([regular, adu(transactionId, 1, Buffer.of(3, 2, 9, 9))]))
    expect(briefs(await pollAll(driver, one))).toEqual([11, 12, 15.231])
    server.behaviour = obedient
    expect(briefs(await pollAll(driver, two))).toEqual([21, 22, 16.5])
    expect(driver.counters.reconnects).toBe(0)
  })

  it('opens afresh when what comes is no Modbus', async () => {
    open([one])
    let garbage = true
    server.behaviour = ({ socket }, regular) => {
      socket.write(garbage ? Buffer.from('HTTP/1.1 400 Bad Request\r\n') : regular)
      garbage = false
    }
    await pollAll(driver, one)
    await untilLink(driver, 'up')
    expect(briefs(await pollAll(driver, one))).toEqual([11, 12, 15.231])
    expect(driver.counters).toMatchObject({ reconnects: 1 })
    expect(driver.counters.malformedFrames).toBeGreaterThan(0)
  })
})

describe('units that fail', () => {
  it('URS-11 FB1 gives up a silent unit after its tries, and says that it is silent', async () => {
    open([one, two], { timeoutMs: 40 })
    server.behaviour = (request, regular) => {
      if (request.unitId !== 1) request.socket.write(regular)
    }
    const reply = await pollAll(driver, one)
    expect(briefs(reply)).toEqual(['timeout', 'timeout', 'timeout'])
    expect(reply.silent).toBe(true)
    expect(server.requests).toHaveLength(2)
    expect(briefs(await pollAll(driver, two))).toEqual([21, 22, 16.5])
    await pollAll(driver, one, true)
    expect(server.requests.filter(({ unitId }) => unitId === 1)).toHaveLength(3)
  })

  it('FB8 takes exception 11 for silence of the unit, the gateway being well', async () => {
    open()
    server.units.delete(1)
    const reply = await pollAll(driver, one)
    expect(briefs(reply)).toEqual(['timeout', 'timeout', 'timeout'])
    expect(reply.silent).toBe(true)
    expect(driver.link().kind).toBe('up')
  })

  it.each<[number, number | string, number]>([
    [4, 'exception 4', 1],
    [5, 'busy', 4],
    [6, 'busy', 4],
    [7, 'exception 7', 1],
    [8, 'exception 8', 1],
    [9, 'exception 9', 1],
    [10, 'gateway', 1],
    [0x43, 'exception 67', 1],
    [255, 'exception 255', 1],
  ])(
    'FB4 FB5 FB6 FB7 FB8 FB9 exception %d gives %s after %d requests',
    async (code, expected, requests) => {
      open()
      server.behaviour = ({ socket, transactionId, unitId }) =>
        void socket.write(adu(transactionId, unitId, Buffer.of(0x83, code)))
      const reply = await pollAll(driver, one)
      expect(briefs(reply)).toEqual([expected, expected, expected])
      expect(reply.silent).toBe(false)
      expect(server.requests).toHaveLength(requests)
    },
  )

  it('FB6 asks a busy unit again, and not again when it was busy throughout the last poll', async () => {
    open()
    let busy = 2
    server.behaviour = ({ socket, transactionId, unitId }, regular) => {
      socket.write(busy-- > 0 ? adu(transactionId, unitId, Buffer.of(0x83, 6)) : regular)
    }
    expect(briefs(await pollAll(driver, one))).toEqual([11, 12, 15.231])
    expect(server.requests).toHaveLength(3)
    busy = 100
    await pollAll(driver, one)
    const before = server.requests.length
    await pollAll(driver, one)
    expect(server.requests.length - before).toBe(1)
  })

  it('URS-12 FB4 an illegal register spoils only itself, is remembered, and is tried again', async () => {
    const many = instrument(
      'many',
      3,
      profileOf(Array.from({ length: 16 }, (_, index) => signal(`s${index}`, index))),
    )
    server.unit(3).set(3, 0, ...Array.from({ length: 16 }, (_, index) => index))
    server.unit(3).remove(3, 5)
    open([many])
    const expected = Array.from({ length: 16 }, (_, index) => (index === 5 ? 'exception 2' : index))
    expect(briefs(await pollAll(driver, many))).toEqual(expected)
    const learnt = server.requests.length
    expect(briefs(await pollAll(driver, many))).toEqual(expected)
    expect(
      server.requests.slice(learnt).map(({ address, quantity }) => [address, quantity]),
    ).toEqual([
      [0, 5],
      [6, 10],
    ])
    server.unit(3).set(3, 5, 5)
    let after = briefs(await pollAll(driver, many))
    for (let tried = 0; after[5] !== 5 && tried < 200; tried++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      after = briefs(await pollAll(driver, many))
    }
    expect(after).toEqual(Array.from({ length: 16 }, (_, index) => index))
    const before = server.requests.length
    await pollAll(driver, many)
    expect(server.requests.length - before).toBe(1)
  })

  it('halves a read that is too long for the instrument, once and for all', async () => {
    const many = instrument(
      'many',
      3,
      profileOf(Array.from({ length: 20 }, (_, index) => signal(`s${index}`, index))),
    )
    server.unit(3).set(3, 0, ...Array.from({ length: 20 }, (_, index) => index))
    server.behaviour = ({ socket, transactionId, unitId, quantity }, regular) =>
      void socket.write(quantity > 10 ? adu(transactionId, unitId, Buffer.of(0x83, 3)) : regular)
    open([many])
    const all = Array.from({ length: 20 }, (_, index) => index)
    expect(briefs(await pollAll(driver, many))).toEqual(all)
    const before = server.requests.length
    expect(briefs(await pollAll(driver, many))).toEqual(all)
    expect(server.requests.slice(before).map(({ quantity }) => quantity)).toEqual([10, 10])
  })
})

describe('URS-10 FB2 many polls with late replies', () => {
  it('2,000 polls with random late replies: none wrong, none stale marked good', async () => {
    const units = [
      one,
      two,
      instrument('three', 3, one.profile),
      instrument('four', 4, one.profile),
    ]
    open(units, { timeoutMs: 8, retries: 0 })
    const next = seededRandom(1)
    let tick = 0
    server.behaviour = ({ socket }, regular) => {
      const lateMs = next() < 0.15 ? 4 + next() * 30 : 0
      if (lateMs === 0) socket.write(regular)
      else setTimeout(() => socket.write(regular), lateMs)
    }
    let good = 0
    let wrong = 0
    let stale = 0
    for (let poll = 0; poll < 2000; poll++) {
      const unit = units[poll % units.length] as InstrumentSettings
      tick++
      server.unit(unit.unitId).set(3, 0, unit.unitId * 100, tick & 0xffff)
      server.unit(unit.unitId).setF32(3, 2, unit.unitId)
      const reply = await pollAll(driver, unit)
      const [a, b, c] = briefs(reply)
      if (typeof a === 'string') continue
      good++
      if (a !== unit.unitId * 100 || c !== unit.unitId) wrong++
      if (b !== tick) stale++
    }
    expect({ wrong, stale }).toEqual({ wrong: 0, stale: 0 })
    expect(good).toBeGreaterThan(1500)
    expect(driver.counters.lateReplies).toBeGreaterThan(50)
  })
})
