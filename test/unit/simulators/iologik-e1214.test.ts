// The simulated output module: what it takes, and what its watchdog does when nothing comes any more.

import { describe, expect, it } from 'vitest'
import type { InstrumentParts } from '../../../simulators/devices/instrument.ts'
import { IoLogikE1214 } from '../../../simulators/devices/iologik-e1214.ts'
import { FaultSet } from '../../../simulators/faults.ts'
import { answerPdu } from '../../../simulators/wire/pdu.ts'

function rig() {
  const faults = new FaultSet(() => 0)
  const device = new IoLogikE1214({ faults } as unknown as InstrumentParts)
  let mono = 0
  const pass = (seconds: number) => {
    for (let step = 0; step < seconds * 10; step++) {
      mono += 100
      device.tick({ mono, wall: mono, seconds: 0.1 })
    }
  }
  const ask = (text: string) => answerPdu(device, Buffer.from(text, 'hex')).toString('hex')
  return { device, pass, ask }
}

describe('the ioLogik E1214', () => {
  it.each([
    ['15 writes several', '0f0000000501' + '19', '0f00000005'],
    ['5 switches one on', '050003ff00', '050003ff00'],
    ['1 reads', '0100000006', '010100'],
    ['a coil it does not have', '0f0005000201' + '03', '8f02'],
    ['a wrong byte count', '0f0000000502' + '1900', '8f03'],
    ['no registers', '0300000001', '8301'],
  ])('function %s', (_, request, reply) => {
    expect(rig().ask(request)).toBe(reply)
  })

  it('reads back what was written, and drops all of it when nothing has come for 10 s', () => {
    const { pass, ask, device } = rig()
    ask('0f000000050119')
    pass(5)
    expect(ask('0100000006')).toBe('010119')
    pass(9.9)
    expect(device.snapshot()['DO4']).toBe(true)
    pass(0.3)
    expect(ask('0100000006')).toBe('010100')
  })
})
