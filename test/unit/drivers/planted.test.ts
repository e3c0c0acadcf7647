// The traffic that proves URS-10 is itself put to the test: framings that accept anyway are planted in the transport, and the
// very same traffic has to catch each of them lying. A test that cannot fail proves nothing.

import { describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import type { Framing, FramingSink, Verdict } from '#drivers/modbus/framing.ts'
import { MbapFraming } from '#drivers/modbus/mbap-framing.ts'
import { ModbusDriver } from '#drivers/modbus/modbus-driver.ts'
import { Quarantines } from '#drivers/modbus/quarantine.ts'
import type { ReadRequest } from '#drivers/modbus/request.ts'
import { RtuFraming } from '#drivers/modbus/rtu-framing.ts'
import { Transport } from '#drivers/modbus/transport.ts'
import { sampleReader } from '#drivers/particle-counter/sample-reader.ts'
import type { InstrumentSettings } from '#drivers/profile.ts'
import { newCounters } from '#drivers/registry.ts'
import { silentLog } from '#ports/log.ts'
import { briefs, instrument, pollAll, profileOf, signal } from '../../support/driver-rig.ts'
import { FakeWire, rtu, type Script } from '../../support/fake-wire.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const POLLS = 4000
const TIMEOUT_MS = 300
const LATE_MS_MAX = 2000

const units = [1, 2, 3, 4].map((unitId) =>
  instrument(
    `u${unitId}`,
    unitId,
    profileOf([signal('who', unitId * 10), signal('when', unitId * 10 + 1, 'u32')]),
  ),
)

/** What a planted framing does not look at. */
type Blind = 'unit' | 'crc' | 'transaction' | 'length'

/**
 * A framing that takes the first bytes of the right length for the reply, whatever else they are, but for the checks that it
 * is left with; written for this test alone.
 */
class AcceptAnyway implements Framing {
  readonly flushes: boolean
  readonly #sink: FramingSink
  readonly #wire: 'mbap' | 'rtu'
  readonly #blind: Blind
  #held = Buffer.alloc(0)
  #expected: ReadRequest | undefined
  #id = 0

  constructor(sink: FramingSink, wire: 'mbap' | 'rtu', blind: Blind) {
    this.#sink = sink
    this.#wire = wire
    this.#blind = blind
    this.flushes = wire === 'rtu'
  }

  reset(): void {
    this.#held = Buffer.alloc(0)
  }

  freeAt(): number {
    return 0
  }

  begin(frame: Uint8Array, request: ReadRequest): Uint8Array {
    this.#expected = request
    this.reset()
    if (this.#wire === 'rtu') return frame
    this.#id = (this.#id + 1) & 0xffff
    const body = frame.subarray(0, -2)
    const head = Buffer.from([this.#id >> 8, this.#id & 255, 0, 0, 0, body.length])
    return Buffer.concat([head, body])
  }

  push(bytes: Uint8Array): boolean {
    this.#held = Buffer.concat([this.#held, bytes])
    const request = this.#expected
    if (request === undefined) {
      this.reset()
      return true
    }
    const body = 3 + request.quantity * 2
    const size = this.#wire === 'rtu' ? body + 2 : body + 6
    while (this.#held.length >= (this.#blind === 'length' ? size - 2 : size)) {
      const frame = this.#held.subarray(0, size)
      if (!this.#isTaken(frame, request)) {
        this.#held = this.#held.subarray(1)
        continue
      }
      this.#held = this.#held.subarray(size)
      const at = this.#wire === 'rtu' ? 0 : 6
      const data = Buffer.alloc(body - 3)
      frame.copy(data, 0, at + 3)
      this.#expected = undefined
      this.#sink.reply(
        rtu(request.unitId, Buffer.concat([Buffer.of(request.functionCode, data.length), data])),
      )
      break
    }
    return true
  }

  #isTaken(frame: Buffer, request: ReadRequest): boolean {
    const at = this.#wire === 'rtu' ? 0 : 6
    const blind = this.#blind
    const pdu = frame.subarray(at + 1, this.#wire === 'rtu' ? -2 : undefined)
    return (
      (blind === 'unit' || frame[at] === request.unitId) &&
      frame[at + 1] === request.functionCode &&
      (blind === 'length' || frame[at + 2] === request.quantity * 2) &&
      (blind === 'crc' ||
        blind === 'length' ||
        this.#wire === 'mbap' ||
        rtu(frame[0] ?? 0, pdu).equals(frame)) &&
      (blind === 'transaction' || this.#wire === 'rtu' || frame.readUInt16BE(0) === this.#id)
    )
  }

  end(): Verdict {
    this.#expected = undefined
    return 'timeout'
  }
}

/** One misbehaviour in four: late, lost, damaged, of another unit, of another function, too short, twice. */
function mischief(wire: 'mbap' | 'rtu', random: () => number, now: () => number): Script {
  return (request, _regular, send) => {
    const answer = (unitId = request.unitId, functionCode = 3) => {
      const pdu = Buffer.alloc(8)
      pdu.writeUInt8(functionCode, 0)
      pdu.writeUInt8(6, 1)
      pdu.writeUInt16BE(unitId * 1000 + request.address, 2)
      pdu.writeUInt32BE(Math.floor(now()), 4)
      return request.frame(pdu, unitId)
    }
    const right = answer()
    const stranger = (request.unitId % 4) + 1
    const kinds: (() => void)[] = [
      () => send(right, TIMEOUT_MS + random() * (LATE_MS_MAX - TIMEOUT_MS)),
      () => {},
      () => {
        // TCP delivers what was sent: there is no damage to find out, and no CRC that would.
        if (wire === 'mbap') return send(right, 5)
        const bytes = Buffer.from(right)
        const at = bytes.length - 1 - Math.floor(random() * 8)
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8))
        send(bytes, 5)
      },
      () => send(answer(stranger), 5),
      () => send(answer(request.unitId, 4), 5),
      () => send(right.subarray(0, right.length - 2), 5),
      () => {
        send(right, 5)
        send(right, 40)
      },
    ]
    if (random() < 0.25) kinds[Math.floor(random() * kinds.length)]?.()
    else send(right, 5)
  }
}

async function traffic(wireKind: 'mbap' | 'rtu', framing: (sink: FramingSink) => Framing) {
  const clock = virtualClock()
  const wire = new FakeWire(clock, wireKind)
  const random = seededRandom(5)
  wire.script = mischief(wireKind, random, () => clock.now().mono)
  const counters = newCounters()
  const transport = new Transport({
    bus: 'bus-1',
    open: wire.open,
    backoff: { firstMsMax: 100, msMax: 1000 },
    framing,
    timeoutMs: TIMEOUT_MS,
    unitCount: units.length,
    counters,
    clock,
    random,
    log: silentLog,
  })
  const driver = new ModbusDriver({
    id: 'bus-1',
    transport,
    counters,
    clock,
    log: silentLog,
    retries: 1,
    lateReplyMs: wireKind === 'rtu' ? LATE_MS_MAX : 0,
    quarantine: new Quarantines().line('bus-1', 0),
    refusals: 3,
    instruments: units,
    sampleReader: (unit) => sampleReader(unit, 3),
  })
  const found = { good: 0, wrong: 0 }
  for (let turn = 0; turn < POLLS; turn++) {
    const unit = units[turn % units.length] as InstrumentSettings
    const started = Math.floor(clock.now().mono)
    let values: (number | string)[] | undefined
    void pollAll(driver, unit).then((reply) => {
      values = briefs(reply)
    })
    while (values === undefined) await clock.advance(20)
    await clock.advance(30)
    const [who, when] = values
    if (typeof who === 'string' || typeof when === 'string') continue
    found.good++
    if (who !== unit.unitId * 1000 + unit.unitId * 10 || Number(when) < started) found.wrong++
  }
  await driver.close()
  return found
}

describe('URS-10 FB2 FB3 FB10 the proof is itself proved', () => {
  it.each(['rtu', 'mbap'] as const)('%s: the real framing is never caught', async (wire) => {
    const { good, wrong } = await traffic(wire, (sink) =>
      wire === 'rtu' ? new RtuFraming(sink, { charMs: 0, gapMs: 2 }) : new MbapFraming(sink, 7),
    )
    expect(wrong).toBe(0)
    expect(good).toBeGreaterThan(POLLS / 4)
  })

  it.each<['rtu' | 'mbap', Blind]>([
    ['rtu', 'crc'],
    ['rtu', 'unit'],
    ['rtu', 'length'],
    ['mbap', 'unit'],
    ['mbap', 'transaction'],
    ['mbap', 'length'],
  ])('%s: a framing blind for the %s is caught', async (wire, blind) => {
    const { wrong } = await traffic(wire, (sink) => new AcceptAnyway(sink, wire, blind))
    expect(wrong).toBeGreaterThan(0)
  })
})
