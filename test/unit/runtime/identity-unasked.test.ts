// URS-14 where the configuration gives no serial number: what an instrument says is for the record, and asking costs no slot.

import { describe, expect, it } from 'vitest'
import { identityRig, rtuBus } from '../../support/identity-rig.ts'

describe('URS-14 an instrument whose serial number nobody gave', () => {
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
    const rig = identityRig({ serial: 'S-1', bus: rtuBus })
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
    const rig = identityRig({ serial: 'S-1', bus: rtuBus })
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

  it.each([true, false])(
    'without a serial number in the configuration it is asked for the record only (strict: %s)',
    async (strict) => {
      const rig = identityRig({ strict, bus: rtuBus })
      rig.wire.script = ({ address }, regular, send) => {
        if (address !== 100) send(regular(), 5)
      }
      rig.poller.run()
      await rig.clock.advance(3_600_000)
      const words = rig.since()
      expect(words[0]).toBe('7')
      // Each of three questions left without an answer costs a quarantine of 2 s, and there is no fourth.
      expect(words.filter((word) => word === '7').length).toBeGreaterThan(3590)
      expect(rig.questions()).toBe(3)
      expect(rig.alarms()).toEqual(['dp-1.identity false'])
    },
  )

  it.each([1, 2])(
    'without a serial number in the configuration a refusal of the question costs nothing (exception %i)',
    async (code) => {
      const rig = identityRig({ bus: rtuBus })
      rig.wire.script = ({ address, frame }, regular, send) =>
        send(address === 100 ? frame(Buffer.of(0x83, code)) : regular(), 5)
      rig.poller.run()
      await rig.clock.advance(600_000)
      expect(new Set(rig.since())).toEqual(new Set(['7']))
    },
  )
})
