// Every profile that is shipped can be polled: each of its signals gets its value from the registers it declares, in few
// requests, on TCP and on RTU.

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { compileProfile } from '#config/profile.ts'
import { profileSchema } from '#config/schema/profile.ts'
import { widthOf } from '#drivers/modbus/decode.ts'
import type { InstrumentSettings, RegisterSpec } from '#drivers/profile.ts'
import { briefs, instrument, rtuBus, tcpBus } from '../../support/driver-rig.ts'
import type { ServerUnit } from '../../support/modbus-server.ts'
import { wireRig } from '../../support/wire-rig.ts'

const folder = path.resolve(import.meta.dirname, '../../../config/profiles')
const profiles = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) =>
    compileProfile(profileSchema.parse(JSON.parse(readFileSync(path.join(folder, file), 'utf8')))),
  )

const CODES = { coil: 1, discrete_input: 2, holding_register: 3, input_register: 4 } as const

/** Fills the registers of a datum with zeros, which is a number in every type. */
function fill(unit: ServerUnit, spec: RegisterSpec): void {
  const code = CODES[spec.table]
  for (let index = 0; index < widthOf(spec); index++) {
    if (code === 1 || code === 2) unit.setBits(code, spec.address + index, 0)
    else unit.set(code, spec.address + index, 0)
  }
}

describe.each(profiles.map((profile) => [profile.id, profile] as const))(
  'profile %s',
  (_id, profile) => {
    const one: InstrumentSettings = instrument('one', 1, profile)

    it.each([tcpBus(502, { timeoutMs: 300 }), rtuBus({ turnaroundMs: 20 })])(
      'gives each signal its value over $protocol',
      async (bus) => {
        const { wire, poll } = wireRig([one], bus)
        const unit = wire.unit(1)
        for (const spec of [...profile.signals, ...profile.status]) fill(unit, spec)
        // What lies in the gaps that the profile allows is there too.
        wire.script = (request, regular, send) => {
          for (let index = 0; index < request.quantity; index++) {
            const address = request.address + index
            if (unit.registers.has(`${request.functionCode}:${address}`)) continue
            if (request.functionCode === 3 || request.functionCode === 4)
              unit.set(request.functionCode, address, 0)
          }
          send(regular(), 5)
        }
        const reply = await poll(one)
        const allowed = profile.status.length > 0 ? [0, 'sensor_fault'] : [0]
        for (const value of briefs(reply)) expect(allowed).toContain(value)
        expect(wire.requests.length).toBeLessThanOrEqual(
          profile.signals.length + profile.status.length,
        )
        expect(wire.requests.length).toBeLessThanOrEqual(6)
      },
    )
  },
)
