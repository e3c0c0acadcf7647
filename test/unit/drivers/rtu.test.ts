// RTU through the byte seam in virtual time: echoes, noise, late replies, quarantine, silent intervals. URS-10.

import { describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { silentIntervalMs } from '#drivers/modbus/rtu-framing.ts'
import type { InstrumentSettings } from '#drivers/profile.ts'
import type { PollReply } from '#ports/driver.ts'
import { briefs, instrument, profileOf, rtuBus, signal } from '../../support/driver-rig.ts'
import { type FakeWire, rtu } from '../../support/fake-wire.ts'
import type { VirtualClock } from '../../support/virtual-clock.ts'
import { wireRig } from '../../support/wire-rig.ts'

const profile = profileOf([signal('a', 0), signal('b', 1, 'f32')])
const one = instrument('one', 1, profile)
const two = instrument('two', 2, profile)

function twoUnits() {
  const bench = wireRig([one, two], rtuBus())
  bench.wire.unit(1).set(3, 0, 11).setF32(3, 1, 15.231)
  bench.wire.unit(2).set(3, 0, 22).setF32(3, 1, -3.5)
  return bench
}

describe('RTU on a line in virtual time', () => {
  it('reads, with the CRC of the specification', async () => {
    const { poll, wire } = twoUnits()
    expect(briefs(await poll(one))).toEqual([11, 15.231])
    expect(wire.requests[0]?.bytes.toString('hex')).toBe('01030000000305cb')
  })

  it.each<[string, (frame: Buffer) => Buffer[]]>([
    ['byte by byte', (frame) => [...frame].map((byte) => Buffer.of(byte))],
    ['in two', (frame) => [frame.subarray(0, 4), frame.subarray(4)]],
    ['behind noise', (frame) => [Buffer.concat([Buffer.of(0, 0xff, 1, 3), frame])]],
    ['before noise', (frame) => [Buffer.concat([frame, Buffer.of(0xff, 0)])]],
    [
      'behind the frame of another unit',
      (frame) => [Buffer.concat([rtu(9, Buffer.of(3, 2, 1, 1)), frame])],
    ],
  ])('takes a reply that comes %s', async (_name, cut) => {
    const { poll, wire } = twoUnits()
    wire.script = (_request, regular, send) => {
      cut(regular()).forEach((piece, index) => {
        send(piece, 5 + index)
      })
    }
    expect(briefs(await poll(one))).toEqual([11, 15.231])
    expect(briefs(await poll(two))).toEqual([22, -3.5])
  })

  it('FB11 strips its own echo, and finds out whether the line has one', async () => {
    const { poll, wire, driver } = twoUnits()
    wire.script = ({ bytes }, regular, send) => {
      send(bytes.subarray(0, 3), 1)
      send(bytes.subarray(3), 2)
      send(regular(), 8)
    }
    for (let time = 0; time < 3; time++) expect(briefs(await poll(one))).toEqual([11, 15.231])
    wire.script = ({ bytes }, _regular, send) => send(bytes, 1)
    expect(briefs(await poll(two))).toEqual(['timeout', 'timeout'])
    expect(driver.counters).toMatchObject({ malformedFrames: 0, foreignFrames: 0, lateReplies: 0 })
  })

  it('FB3 a damaged reply is asked for once more, at once', async () => {
    const { poll, wire, driver, clock } = twoUnits()
    let damaged = 1
    wire.script = (_request, regular, send) => {
      const frame = regular()
      if (damaged-- > 0) frame[4] = (frame[4] ?? 0) ^ 0x10
      send(frame, 5)
    }
    const started = clock.now().mono
    expect(briefs(await poll(one))).toEqual([11, 15.231])
    expect(clock.now().mono - started).toBeLessThan(50)
    damaged = 2
    expect(briefs(await poll(one))).toEqual(['crc', 'crc'])
    expect(driver.counters.retries).toBe(2)
  })

  it('FB2 B3 a unit that timed out is not asked again inside its quarantine, the others are', async () => {
    const { poll, wire, clock } = twoUnits()
    wire.script = ({ unitId }, regular, send) => {
      if (unitId !== 1) send(regular(), 5)
    }
    const first = await poll(one)
    expect(briefs(first)).toEqual(['timeout', 'timeout'])
    expect(first.silent).toBe(false)
    const silentSince = clock.now().mono
    const parked = await poll(one)
    expect(briefs(parked)).toEqual(['parked', 'parked'])
    expect(parked.silent).toBe(false)
    while (clock.now().mono < silentSince + 1990) {
      expect(briefs(await poll(two))).toEqual([22, -3.5])
      await clock.advance(100)
    }
    await clock.advance(100)
    const again = await poll(one)
    expect(briefs(again)).toEqual(['timeout', 'timeout'])
    expect(again.silent).toBe(true)
    const asked = wire.requests.filter(({ unitId }) => unitId === 1)
    expect(asked).toHaveLength(2)
    expect((asked[1]?.atMono ?? 0) - (asked[0]?.atMono ?? 0)).toBeGreaterThanOrEqual(2500)
  })

  it('FB2 B3 two instruments behind one unit id share its quarantine', async () => {
    const twin = instrument('twin', 1, profileOf([signal('c', 20), signal('d', 21, 'f32')]))
    const { poll, wire } = wireRig([one, twin, two], rtuBus())
    wire.unit(1).set(3, 20, 99, 0, 0)
    wire.script = () => undefined
    await poll(one)
    expect(briefs(await poll(twin))).toEqual(['parked', 'parked'])
    expect(wire.requests).toHaveLength(1)
  })

  it('URS-10 FB2 counts a late reply for what it is, and credits it to nobody', async () => {
    const { poll, wire, driver, clock } = twoUnits()
    wire.script = ({ unitId }, regular, send) => send(regular(), unitId === 1 ? 700 : 5)
    expect(briefs(await poll(one))).toEqual(['timeout', 'timeout'])
    for (let time = 0; time < 40; time++) expect(briefs(await poll(two))).toEqual([22, -3.5])
    expect(driver.counters).toMatchObject({ lateReplies: 1, foreignFrames: 0 })
    await clock.advance(3000)
    wire.script = (_request, regular, send) => send(regular(), 5)
    expect(briefs(await poll(one))).toEqual([11, 15.231])
  })

  it('FB4 an exception sets a register aside only when it was confirmed twice', async () => {
    const { poll, wire } = twoUnits()
    wire.unit(1).remove(3, 1)
    expect(briefs(await poll(one))).toEqual([11, 'exception 2'])
    expect(wire.requests.filter(({ address }) => address === 1)).toHaveLength(3)
    let lies = 1
    const bench = twoUnits()
    bench.wire.script = (request, regular, send) =>
      send(lies-- > 0 ? request.frame(Buffer.of(0x83, 2)) : regular(), 5)
    expect(briefs(await bench.poll(one))).toEqual([11, 15.231])
  })

  it('B1 keeps the silent interval before each request', async () => {
    const { poll, wire } = twoUnits()
    let lastByteMono = 0
    const gaps: number[] = []
    wire.script = ({ atMono }, regular, send) => {
      if (lastByteMono > 0) gaps.push(atMono - lastByteMono)
      lastByteMono = atMono + 5
      send(regular(), 5)
    }
    for (let time = 0; time < 20; time++) await poll(time % 2 === 0 ? one : two)
    const charMs = (bits: number, baudRate: number) => (bits * 1000) / baudRate
    const silence = silentIntervalMs(19_200, charMs(10, 19_200))
    expect(silence).toBeCloseTo(1.823, 3)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(silence - 1e-9)
    expect(Math.min(...gaps)).toBeLessThan(silence + 0.1)
    expect(gaps).toHaveLength(19)
    expect(silentIntervalMs(9600, charMs(11, 9600))).toBeCloseTo(4.01, 3)
    expect(silentIntervalMs(115_200, charMs(11, 115_200))).toBe(1.75)
  })

  it('FB2 takes in what the system still holds before it sends, and waits for silence again', async () => {
    const { poll, wire, driver } = twoUnits()
    await poll(one)
    const late = Buffer.from('0103020007f986', 'hex')
    wire.held = [late]
    expect(briefs(await poll(two))).toEqual([22, -3.5])
    expect(driver.counters).toMatchObject({ foreignFrames: 1, replies: 2 })
    const [first, second] = wire.requests
    expect((second?.atMono ?? 0) - (first?.atMono ?? 0)).toBeGreaterThanOrEqual(5 + 2 * 1.82)
  })

  it('gives each instrument the pause that its profile asks for, and no other', async () => {
    const slow = instrument(
      'slow',
      3,
      profileOf([signal('a', 0), signal('z', 100)], {
        limits: { maxRegistersPerRead: 125, maxGap: 0, turnaroundMs: 40 },
      }),
    )
    const { poll, wire } = wireRig([slow, two], rtuBus())
    wire.unit(2).set(3, 0, 22).setF32(3, 1, -3.5)
    wire.unit(3).set(3, 0, 1).set(3, 100, 2)
    await poll(slow)
    await poll(two)
    await poll(slow)
    const asked = wire.requests.map(({ unitId, atMono }) => ({ unitId, atMono }))
    const after = (index: number) => (asked[index]?.atMono ?? 0) - (asked[index - 1]?.atMono ?? 0)
    expect(asked.map(({ unitId }) => unitId)).toEqual([3, 3, 2, 3, 3])
    expect(after(1)).toBeGreaterThanOrEqual(45)
    expect(after(2)).toBeLessThan(20)
    expect(after(4)).toBeGreaterThanOrEqual(45)
  })

  it('FB16 a line that goes away is opened again, and quarantines who was being asked', async () => {
    const { poll, wire, driver, clock } = twoUnits()
    await poll(one)
    wire.script = () => wire.hangUp('/dev/ttyUSB0 is gone; check the adapter and its cable')
    expect(briefs(await poll(one))).toEqual(['disconnected', 'disconnected'])
    expect(driver.link()).toMatchObject({
      kind: 'down',
      cause: expect.stringMatching(/is gone; check/),
    })
    wire.script = (_request, regular, send) => send(regular(), 5)
    await clock.advance(1500)
    expect(driver.link().kind).toBe('up')
    expect(briefs(await poll(one))).toEqual(['parked', 'parked'])
    expect(briefs(await poll(two))).toEqual([22, -3.5])
    await clock.advance(1000)
    expect(briefs(await poll(one))).toEqual([11, 15.231])
  })
})

describe('URS-10 FB2 no reply is ever credited to the wrong request', () => {
  /** Registers of a unit tell who they are, which they are, and when they were read. */
  const block = profileOf([signal('who', 0), signal('when', 1, 'u32')])
  const other = profileOf([signal('who', 10), signal('when', 11, 'u32')])

  async function traffic(polls: number, lateReplyMs: number) {
    const units = [1, 2, 3, 4].map((unitId) =>
      instrument(`u${unitId}`, unitId, unitId % 2 === 0 ? block : other),
    )
    const { clock, wire, poll, driver } = wireRig(units, rtuBus({ lateReplyMs }))
    const random = seededRandom(17)
    const deviceAnswer = (
      unitId: number,
      { address, frame }: Parameters<FakeWire['script']>[0],
      virtual: VirtualClock,
    ) => {
      const when = Math.floor(virtual.now().mono)
      const pdu = Buffer.alloc(8)
      pdu.writeUInt8(3, 0)
      pdu.writeUInt8(6, 1)
      pdu.writeUInt16BE(unitId * 1000 + address, 2)
      pdu.writeUInt32BE(when, 4)
      return frame(pdu)
    }
    wire.script = (request, _regular, send) => {
      const drawn = random()
      const answer = deviceAnswer(request.unitId, request, clock)
      if (drawn < 0.02) return
      if (drawn < 0.05 || (drawn > 0.9 && drawn < 0.91))
        answer[Math.floor(random() * answer.length)] = Math.floor(random() * 256)
      if (drawn > 0.97) send(rtu(9, Buffer.of(3, 6, 1, 1, 1, 1, 1, 1)), 2)
      send(answer, drawn > 0.9 && drawn < 0.97 ? 100 + random() * 9900 : 5)
    }
    const found = { good: 0, wrong: 0, stale: 0 }
    for (let turn = 0; turn < polls; turn++) {
      const unit = units[turn % units.length] as InstrumentSettings
      const started = Math.floor(clock.now().mono)
      const reply: PollReply = await poll(unit)
      await clock.advance(50)
      const [who, when] = briefs(reply)
      if (typeof who === 'string' || typeof when === 'string') continue
      found.good++
      if (who !== unit.unitId * 1000 + (unit.unitId % 2 === 0 ? 0 : 10)) found.wrong++
      if ((when as number) < started) found.stale++
    }
    await driver.close()
    return { ...found, counters: driver.counters }
  }

  it('100,000 polls with late replies of 0.1 to 10 s, drops, damage and strangers: none wrong, none stale', async () => {
    const { good, wrong, stale, counters } = await traffic(100_000, 10_000)
    expect({ wrong, stale }).toEqual({ wrong: 0, stale: 0 })
    expect(good).toBeGreaterThan(10_000)
    expect(counters.lateReplies).toBeGreaterThan(1000)
  })

  it('and without the quarantine the same traffic is caught lying', async () => {
    const { stale } = await traffic(4000, 1)
    expect(stale).toBeGreaterThan(0)
  })
})
