// Modbus TCP in virtual time under everything at once: whatever the wire does, a value marked good is the right register
// of the right unit, read while it was asked for (faults.md D5). URS-10.

import { describe, expect, it } from 'vitest'
import { type Random, seededRandom } from '#core/random.ts'
import type { InstrumentSettings } from '#drivers/profile.ts'
import { briefs, instrument, profileOf, signal, tcpBus } from '../../support/driver-rig.ts'
import type { Script, WireRequest } from '../../support/fake-wire.ts'
import { wireRig } from '../../support/wire-rig.ts'

const POLLS = 30_000

const units = [1, 2, 3, 4].map((unitId) =>
  instrument(
    `u${unitId}`,
    unitId,
    profileOf([signal('who', unitId * 10), signal('when', unitId * 10 + 1, 'u32')]),
  ),
)

/** What the unit holds now: who it is, which register it is, and the time. */
function answer({ unitId, address, frame }: WireRequest, nowMono: number): Buffer {
  const pdu = Buffer.alloc(8)
  pdu.writeUInt8(3, 0)
  pdu.writeUInt8(6, 1)
  pdu.writeUInt16BE(unitId * 1000 + address, 2)
  pdu.writeUInt32BE(Math.floor(nowMono), 4)
  return frame(pdu)
}

/** One misbehaviour in six, of all kinds. */
function mischief(random: Random, now: () => number, hangUp: () => void): Script {
  return (request, _regular, send) => {
    const right = answer(request, now())
    const stranger = (request.unitId % 4) + 1
    const drawn = random()
    const kinds: (() => void)[] = [
      () => send(right, 300 + random() * 5000),
      () => undefined,
      () => {
        send(right, 5)
        send(right, 5 + random() * 700)
      },
      () => send(request.frame(right.subarray(7), stranger), 5),
      () => send(request.frame(Buffer.of(0x83, Math.floor(random() * 16))), 5),
      () => send(request.frame(Buffer.of(0x83, 2), stranger), 5),
      () => send(right.subarray(0, Math.floor(random() * right.length)), 5),
      () => send(Buffer.concat([right, request.frame(Buffer.of(3, 2, 9, 9))]), 5),
      () => send(Buffer.from('noise on the wire'), 5),
      () => hangUp(),
      () => {
        const bytes = Buffer.from(right)
        bytes.writeUInt16BE(Math.floor(random() * 65_536), 0)
        send(bytes, 5)
      },
    ]
    if (drawn < 1 / 6) kinds[Math.floor(random() * kinds.length)]?.()
    else {
      send(right.subarray(0, 5), 5)
      send(right.subarray(5), 6)
    }
  }
}

describe('URS-10 FB2 FB11 everything at once', () => {
  it.each([1, 2, 3])(
    `${POLLS / 3} polls, seed %d: none wrong, none stale, and most are good`,
    async (seed) => {
      const { wire, clock, driver, poll } = wireRig(units, tcpBus(502, { timeoutMs: 300 }))
      const random = seededRandom(seed)
      wire.script = mischief(
        random,
        () => clock.now().mono,
        () => wire.hangUp('cut'),
      )
      const found = { good: 0, wrong: 0, stale: 0 }
      for (let turn = 0; turn < POLLS / 3; turn++) {
        const unit = units[turn % units.length] as InstrumentSettings
        const started = Math.floor(clock.now().mono)
        const [who, when] = briefs(await poll(unit))
        await clock.advance(20)
        if (typeof who === 'string' || typeof when === 'string') continue
        found.good++
        if (who !== unit.unitId * 1000 + unit.unitId * 10) found.wrong++
        if ((when ?? 0) < started) found.stale++
      }
      expect({ wrong: found.wrong, stale: found.stale }).toEqual({ wrong: 0, stale: 0 })
      expect(found.good).toBeGreaterThan(POLLS / 6)
      for (const counted of Object.values(driver.counters)) expect(counted).toBeGreaterThan(0)
      await driver.close()
      await clock.advance(10_000)
      expect(clock.timers).toBe(0)
    },
  )
})
