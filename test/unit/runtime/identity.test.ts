// URS-14 through the real driver on a fake line in virtual time: who answers is asked at connect, after each reconnect, after
// silence and hourly, and nothing of a stranger is credited.

import { describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import type { Profile } from '#drivers/profile.ts'
import type { BusDriver, IdentityReply } from '#ports/driver.ts'
import { silentLog } from '#ports/log.ts'
import { IdentityWatch } from '../../../agent/runtime/identity.ts'
import { instrument, profileOf, signal } from '../../support/driver-rig.ts'
import { AT, identityLine, identityRig } from '../../support/identity-rig.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { wireRig } from '../../support/wire-rig.ts'

describe('URS-14 the right instrument', () => {
  it('FB19 is asked once at connect, before its first slot, and again after an hour', async () => {
    const rig = identityRig({ serial: 'S-1' })
    rig.poller.run()
    await rig.clock.advance(10_500)
    expect(rig.since()).toEqual(Array(11).fill('7'))
    expect(rig.wire.requests[0]?.address).toBe(100)
    expect(rig.questions()).toBe(1)
    expect(rig.notes()).toEqual([
      { type: 'instrument.identified', instrument: 'dp-1', serial: 'S-1', firmware: '312' },
    ])
    expect(rig.alarms()).toEqual(['dp-1.identity false'])
    await rig.clock.advance(3_600_000)
    expect(rig.questions()).toBe(2)
    expect(rig.notes()).toHaveLength(1)
  })

  it('is asked again after each reconnect, and a new firmware is written down', async () => {
    const rig = identityRig({ serial: 'S-1' })
    rig.poller.run()
    await rig.clock.advance(2500)
    rig.name('S-1', 313)
    rig.wire.hangUp('cable')
    await rig.clock.advance(5000)
    expect(rig.questions()).toBe(2)
    expect(
      rig.notes().map(({ type, ...body }) => [type, 'firmware' in body && body.firmware]),
    ).toEqual([
      ['instrument.identified', '312'],
      ['instrument.identified', '313'],
    ])
  })

  it('without a serial number in the configuration is recorded and credited', async () => {
    const rig = identityRig({})
    rig.poller.run()
    await rig.clock.advance(1500)
    expect(rig.since()).toEqual(['7', '7'])
    expect(rig.notes()[0]).toMatchObject({ serial: 'S-1' })
  })

  it('that cannot be asked is credited', async () => {
    const rig = identityRig({ serial: 'S-1', identify: {} })
    rig.poller.run()
    await rig.clock.advance(1500)
    expect(rig.since()).toEqual(['7', '7'])
    expect(rig.questions()).toBe(0)
  })
})

describe('URS-14 FB19 a stranger', () => {
  it.each([true, false])(
    'is bad `identity` from its first slot on, registers kept, with an alarm (strict: %s)',
    async (strict) => {
      const rig = identityRig({ serial: 'S-2', strict })
      rig.poller.run()
      await rig.clock.advance(5500)
      expect(rig.slots[0]?.result).toEqual({
        kind: 'fault',
        reason: 'identity',
        raw: Uint8Array.of(0, 7),
      })
      expect(rig.since()).toEqual(Array(6).fill('identity'))
      expect(rig.alarms()).toEqual(['dp-1.identity true'])
      expect(rig.notes()).toEqual([
        expect.objectContaining({
          type: 'instrument.identity_mismatch',
          expected: 'S-2',
          found: 'S-1',
        }),
      ])
      rig.name('S-2')
      await rig.clock.advance(12_000)
      expect(rig.since().at(-1)).toBe('7')
      expect(rig.alarms()).toEqual(['dp-1.identity true', 'dp-1.identity false'])
      expect(rig.notes().at(-1)).toMatchObject({ type: 'instrument.identified', serial: 'S-2' })
    },
  )

  it('put in while the link was down is found out before any of its values counts', async () => {
    const rig = identityRig({ serial: 'S-1' })
    rig.poller.run()
    await rig.clock.advance(3500)
    rig.since()
    rig.name('S-9')
    rig.found.set(3, 0, 99)
    rig.wire.hangUp('cable')
    await rig.clock.advance(6000)
    const after = rig.since()
    expect(after.filter((word) => word !== 'identity' && word !== 'disconnected')).toEqual([])
    expect(after).toContain('identity')
  })

  it('put in between the question and the poll, link and all, is not credited with a single value', async () => {
    const rig = identityRig({ serial: 'S-1' })
    let swapped = false
    rig.wire.script = ({ address }, regular, send) => {
      send(regular(), 5)
      if (address !== 100 || swapped) return
      swapped = true
      // The answer arrives at 5 ms; the link breaks with the poll just begun, and comes back on another instrument.
      rig.clock.at(rig.clock.now().mono + 5, () => {
        rig.name('S-9')
        rig.found.set(3, 0, 99)
        rig.wire.hangUp('cable')
      })
    }
    rig.poller.run()
    await rig.clock.advance(8000)
    const words = rig.since()
    expect(words.filter((word) => word === '99' || word === '7')).toEqual([])
    expect(words).toContain('identity')
    expect(rig.alarms()).toContain('dp-1.identity true')
  })

  it('put in while the unit was silent, on a line that stayed up, is found out too', async () => {
    const rig = identityRig({ serial: 'S-1', bus: identityLine })
    rig.poller.run()
    await rig.clock.advance(3500)
    rig.since()
    rig.wire.script = () => undefined
    await rig.clock.advance(30_000)
    rig.name('S-9')
    rig.wire.script = (_request, regular, send) => send(regular(), 5)
    await rig.clock.advance(40_000)
    const words = new Set(rig.since().map((word) => word.replace(/×.*/, '')))
    expect(words).not.toContain('7')
    expect(words).toContain('identity')
  })

  it('reached by a retry over a link opened afresh is not credited while it leaves the question unanswered', async () => {
    const rig = identityRig({ serial: 'S-1' })
    rig.poller.run()
    await rig.clock.advance(2500)
    rig.since()
    let reopened = false
    rig.wire.script = ({ address }, regular, send) => {
      if (address === 100) return
      if (reopened) return send(regular(), 5)
      reopened = true
      rig.found.set(3, 0, 99)
      send(Buffer.from('no Modbus at all'), 5)
    }
    await rig.clock.advance(6000)
    const words = rig.since()
    expect(rig.wire.connections).toBe(2)
    expect(words[0]).toBe('identity')
    expect(words).not.toContain('99')
  })

  it('back after long silence is not credited while its answer to the question comes damaged', async () => {
    const rig = identityRig({ serial: 'S-1', bus: identityLine })
    rig.poller.run()
    await rig.clock.advance(2500)
    rig.wire.script = () => undefined
    await rig.clock.advance(40_000)
    rig.since()
    rig.found.set(3, 0, 99)
    rig.wire.script = ({ address }, regular, send) => {
      const frame = regular()
      if (address === 100) frame[4] = (frame[4] ?? 0) ^ 1
      send(frame, 5)
    }
    await rig.clock.advance(40_000)
    const words = new Set(rig.since().map((word) => word.replace(/×.*/, '')))
    expect(words).not.toContain('99')
    expect(words).toContain('identity')
  })

  it('FB19 beside the right one under one unit id is found out by the replies that they damage', async () => {
    const rig = identityRig({ serial: 'S-1', bus: identityLine })
    rig.poller.run()
    await rig.clock.advance(3500)
    rig.since()
    const random = seededRandom(19)
    rig.wire.script = (_request, regular, send) => {
      const isOther = random() < 0.5
      rig.name(isOther ? 'S-9' : 'S-1')
      rig.found.set(3, 0, isOther ? 99 : 7)
      const frame = regular()
      if (random() < 0.5) frame[4] = (frame[4] ?? 0) & 0x55
      send(frame, 5)
    }
    await rig.clock.advance(300_000)
    expect(rig.alarms()).toContain('dp-1.identity true')
    const words = rig.since()
    expect(words.filter((word) => word === 'identity').length).toBeGreaterThan(10)
  })

  it('its samples are bad too', async () => {
    const sample: NonNullable<Profile['sample']> = {
      identity: { ...AT, address: 10, type: 'u16', kind: 'record_number' },
      defaultDurationMs: 60_000,
      counts: 'cumulative',
      content: 'counts',
      status: [],
    }
    const rig = identityRig({
      serial: 'S-2',
      sampled: true,
      profile: { sample, signals: [signal('a', 0, 'u16', { sizeUm: 0.5 })] },
    })
    rig.found.set(3, 10, 1)
    rig.poller.run()
    await rig.clock.advance(1500)
    expect(rig.samples.map(({ faults }) => faults)).toEqual([['identity'], ['identity']])
  })
})

describe('URS-14 an instrument that does not say who it is', () => {
  it('is a stranger where it matters: exception 2 for its serial number', async () => {
    const rig = identityRig({ serial: 'S-1' })
    rig.found.remove(3, 100)
    rig.poller.run()
    await rig.clock.advance(5500)
    expect(new Set(rig.since())).toEqual(new Set(['identity']))
    expect(rig.alarms()).toEqual(['dp-1.identity true'])
    expect(rig.notes()[0]).toMatchObject({
      found: null,
      detail: expect.stringMatching(/exception 2/),
    })
  })

  it('is let be where it does not, and asked ever more seldom', async () => {
    const rig = identityRig({ serial: 'S-1', strict: false })
    rig.found.remove(3, 100)
    rig.poller.run()
    await rig.clock.advance(600_500)
    expect(new Set(rig.since())).toEqual(new Set(['7']))
    expect(rig.alarms()).toEqual([])
    expect(rig.questions()).toBeLessThan(20)
  })

  it.each([
    [true, 'identity'],
    [false, '7'],
  ])('and stays silent at the question only (strict: %s): %s', async (strict, expected) => {
    const rig = identityRig({ serial: 'S-1', strict })
    rig.wire.script = ({ address }, regular, send) => {
      if (address !== 100) send(regular(), 5)
    }
    rig.poller.run()
    await rig.clock.advance(60_500)
    const words = rig.since()
    expect(words.at(-1)).toBe(expected)
    expect(words.filter((word) => word === '7').length > 30).toBe(!strict)
    expect(rig.alarms().includes('dp-1.identity true')).toBe(strict)
  })

  it('a unit that is dead is parked as any other, and a question is its probe', async () => {
    const rig = identityRig({ serial: 'S-1', bus: identityLine })
    rig.wire.script = () => undefined
    rig.poller.run()
    await rig.clock.advance(20_000)
    expect(rig.alarms()).toEqual([])
    const words = new Set(rig.since().map((word) => word.replace(/×.*/, '')))
    expect(words.has('timeout')).toBe(true)
    expect(words.has('identity')).toBe(false)
  })

  it('a damaged answer is no mismatch: it is asked for again', async () => {
    const rig = identityRig({ serial: 'S-1', bus: identityLine })
    let damaged = 2
    rig.wire.script = ({ address }, regular, send) => {
      const frame = regular()
      if (address === 100 && damaged-- > 0) frame[4] = (frame[4] ?? 0) ^ 1
      send(frame, 5)
    }
    rig.poller.run()
    await rig.clock.advance(2500)
    expect(rig.since()).toEqual(['crc', '7', '7'])
    expect(rig.alarms()).toEqual(['dp-1.identity false'])
  })
})

describe('URS-14 FB15 FB19 a strict instrument on a link that stayed up', () => {
  it('that was silent is not credited again before it said who it is', async () => {
    const answers: IdentityReply[] = [
      { kind: 'identity', identity: { serial: 'S-1' } },
      { kind: 'fault', fault: { kind: 'fault', reason: 'crc' }, silent: false },
      { kind: 'identity', identity: { serial: 'S-1' } },
    ]
    const { driver } = wireRig([instrument('dp-1', 1, profileOf([signal('a', 0)]))])
    const watch = new IdentityWatch({
      bus: 'bus-1',
      driver: Object.assign(Object.create(driver) as BusDriver, {
        counters: driver.counters,
        readIdentity: async () => answers.shift() ?? { kind: 'none' as const },
      }),
      clock: virtualClock(),
      log: silentLog,
      targets: [{ instrument: 'dp-1', serial: 'S-1', strict: true }],
      input: () => {},
    })
    const asked = { probe: false, present: false }
    const credits = [watch.isCredited('dp-1')]
    await watch.ask('dp-1', asked)
    credits.push(watch.isCredited('dp-1'))
    watch.lost('dp-1')
    credits.push(watch.isCredited('dp-1'))
    expect(await watch.ask('dp-1', asked)).toMatchObject({ fault: { reason: 'crc' } })
    credits.push(watch.isCredited('dp-1'))
    await watch.ask('dp-1', asked)
    credits.push(watch.isCredited('dp-1'))
    expect(credits).toEqual([false, true, false, false, true])
  })
})
