// URS-14 where the configuration gives no serial number: what an instrument says is for the record, and asking costs no slot.

import { describe, expect, it } from 'vitest'
import { identityLine, identityRig } from '../../support/identity-rig.ts'

describe('URS-14 an instrument whose serial number nobody gave', () => {
  it.each([true, false])(
    'without a serial number in the configuration it is asked for the record only (strict: %s)',
    async (strict) => {
      const rig = identityRig({ strict, bus: identityLine })
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
      const rig = identityRig({ bus: identityLine })
      rig.wire.script = ({ address, frame }, regular, send) =>
        send(address === 100 ? frame(Buffer.of(0x83, code)) : regular(), 5)
      rig.poller.run()
      await rig.clock.advance(600_000)
      expect(new Set(rig.since())).toEqual(new Set(['7']))
    },
  )
})
