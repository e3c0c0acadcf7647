// A simulated CO₂ probe that loses power and starts up again: who it is comes before what it measures, and what it measures while it warms
// up is said to be that. FB15, URS-14.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { compileProfile } from '#config/profile.ts'
import { profileSchema } from '#config/schema/profile.ts'
import { tcpBus } from '../../support/driver-rig.ts'
import { identityLine, identityRig } from '../../support/identity-rig.ts'
import { simulatedUnit } from '../../support/simulated-unit.ts'

const file = path.resolve(import.meta.dirname, '../../../config/profiles/vaisala-gmp251.json')
const profile = compileProfile(profileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))))
const SERIAL = 'K0710040'
const IDENTIFICATION = 43
const PROBE = {
  instrument: 'co2-1',
  unitId: 1,
  model: 'vaisala-gmp251',
  serial: SERIAL,
  zone: 'inc-1',
}
const SPEC = {
  zones: [{ id: 'inc-1', grade: 'CNC' as const }],
  buses: [{ id: 'net-1', host: '127.0.0.1', port: 0, units: [PROBE] }],
}

type Run = readonly [word: string, slots: number]

function probeRig(bus: typeof identityLine, strict: boolean) {
  const given = { serial: SERIAL, strict, bus, identify: undefined, profile, signal: 'co2_ppm' }
  const rig = identityRig(given)
  const unit = simulatedUnit('co2-1', { spec: SPEC, clock: rig.clock, wire: rig.wire })
  /** What came since the last look, silence in one word, with the slots that each lasts. */
  const runs = (): Run[] => {
    const found: [string, number][] = []
    for (const { result, slots = 1 } of rig.slots.splice(0)) {
      const told = result.kind === 'value' ? (result.warning ?? 'good') : result.reason
      const word = told === 'timeout' || told === 'parked' ? 'silent' : told
      const last = found.at(-1)
      if (last?.[0] === word) last[1] += slots
      else found.push([word, slots])
    }
    return found
  }
  const fault: typeof unit.world.fault = (...args) => {
    unit.keepUp()
    unit.world.fault(...args)
  }
  return { ...rig, ...unit, runs, fault }
}

const wordsOf = (runs: readonly Run[]): string[] => runs.map(([word]) => word)

describe.each([
  ['Modbus TCP', tcpBus(502)],
  ['RTU', identityLine],
] as const)('URS-14 FB15 an instrument on %s that restarts', (_name, bus) => {
  it.each([true, false])(
    'is silent, says who it is, warms up, and is good again (strict: %s)',
    async (strict) => {
      const rig = probeRig(bus, strict)
      rig.poller.run()
      await rig.clock.advance(10_000)
      expect(rig.runs()).toEqual([['good', 10]])
      rig.fault('co2-1', 'reboot', { durationMs: 8000 })
      rig.answered.length = 0
      await rig.clock.advance(60_000)
      const runs = rig.runs()
      expect(wordsOf(runs)).toEqual(['silent', 'sensor_fault', 'warmup', 'good'])
      expect(runs.reduce((all, [, slots]) => all + slots, 0)).toBe(60)
      // 30 s of start-up, of which the first 5 s give no value.
      expect(Object.fromEntries(runs)).toMatchObject({ warmup: 25 })
      // One that left questions without an answer is polled first, in two reads; a value of that counts once it has said who it is.
      expect(rig.answered.slice(0, 3)).toContain(IDENTIFICATION)
      expect(rig.alarms()).toEqual(['dp-1.identity false'])
    },
  )

  it.each([true, false])(
    'and is another one then gives no value until the right one is back (strict: %s)',
    async (strict) => {
      const rig = probeRig(bus, strict)
      rig.poller.run()
      await rig.clock.advance(10_000)
      rig.runs()
      rig.fault('co2-1', 'swap')
      rig.fault('co2-1', 'reboot', { durationMs: 8000 })
      await rig.clock.advance(120_000)
      expect(wordsOf(rig.runs())).toEqual(['silent', 'sensor_fault', 'identity'])
      expect(rig.alarms()).toEqual(['dp-1.identity false', 'dp-1.identity true'])
      rig.keepUp()
      rig.world.clear('co2-1')
      await rig.clock.advance(30_000)
      expect(wordsOf(rig.runs())).toEqual(['identity', 'good'])
      expect(rig.alarms().at(-1)).toBe('dp-1.identity false')
    },
  )

  it('between two polls is found out by what it says of itself', async () => {
    const rig = probeRig(bus, true)
    rig.poller.run()
    await rig.clock.advance(10_500)
    rig.runs()
    rig.fault('co2-1', 'reboot', { durationMs: 200 })
    await rig.clock.advance(60_000)
    expect(wordsOf(rig.runs())).toEqual(['sensor_fault', 'warmup', 'good'])
  })
})
