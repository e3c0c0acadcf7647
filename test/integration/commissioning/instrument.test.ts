// `probe --instrument` against the simulators: everything of a profile, the judgement of the agent, and what makes it no.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { probe } from '../../../agent/cli/probe.ts'
import { systemClock } from '../../../agent/runtime/system-clock.ts'
import { type Simulation, startSimulation } from '../../../simulators/main.ts'
import { removeDirectory, temporaryDirectory } from '../../support/processes.ts'
import { spoken } from '../../support/spoken.ts'

const undo: (() => unknown)[] = []
let simulation: Simulation
let directory: string

beforeEach(async () => {
  directory = temporaryDirectory('probe')
  undo.push(() => removeDirectory(directory))
  simulation = await startSimulation(
    {
      zones: [
        { id: 'bsc-1', grade: 'A', within: 'b101' },
        { id: 'b101', grade: 'B' },
        { id: 'c102', grade: 'C' },
      ],
      buses: [
        {
          id: 'net-1',
          host: '127.0.0.1',
          port: 0,
          units: [
            {
              instrument: 'dp-1',
              unitId: 43,
              model: 'ee600',
              zone: 'b101',
              against: 'c102',
              serial: 'E4711',
            },
            {
              instrument: 'pc-1',
              unitId: 1,
              model: 'lighthouse-apex',
              zone: 'bsc-1',
              sampleSeconds: 1,
            },
          ],
        },
        {
          id: 'conv-1',
          protocol: 'modbus-rtu-over-tcp',
          host: '127.0.0.1',
          port: 0,
          baudRate: 19_200,
          units: [
            {
              instrument: 'th-1',
              unitId: 240,
              model: 'vaisala-hmp',
              zone: 'b101',
              serial: 'K0710040',
            },
          ],
        },
      ],
    },
    { clock: systemClock(), seed: 5 },
  )
  undo.push(() => simulation.stop())
})
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const portOf = (bus: string): number => simulation.addresses.get(bus)?.port ?? 0

function configuration(change: (text: string) => string = (text) => text): string {
  const file = path.join(directory, 'plant.yaml')
  writeFileSync(
    file,
    change(`
site: { org: test, id: site, name: Test, timezone: UTC }
gateway: { id: gw-1, dataDir: ./data }
limitSet: annex1-2022
zones:
  - { id: bsc-1, name: Cabinet, grade: A, within: b101, occupancy: at_rest }
  - { id: b101, name: Room, grade: B, occupancy: at_rest }
  - { id: c102, name: Next, grade: C, occupancy: at_rest }
buses:
  - { id: net-1, protocol: modbus-tcp, host: 127.0.0.1, port: ${portOf('net-1')} }
  - { id: conv-1, protocol: modbus-rtu-over-tcp, host: 127.0.0.1, port: ${portOf('conv-1')}, baudRate: 19200, parity: even, stopBits: 1 }
instruments:
  - id: dp-1
    profile: ee600
    bus: net-1
    unitId: 43
    serial: "E4711"
    points:
      - { id: dp, signal: differential_pressure, zone: b101, against: c102, interval: 5s }
  - id: pc-1
    profile: lighthouse-apex
    bus: net-1
    unitId: 1
    flow: 28.3
    sampleTime: 1s
    points:
      - { id: p05, signal: particles_0_5um, zone: bsc-1, limits: { alertHigh: 1500, justification: CCS } }
      - { id: p5, signal: particles_5um, zone: bsc-1, limits: { alertHigh: 10, justification: CCS } }
  - id: th-1
    profile: vaisala-hmp
    bus: conv-1
    unitId: 240
    points:
      - { id: t, signal: temperature, zone: b101, interval: 10s }
`),
  )
  return file
}

async function run(instrument: string, over: Partial<Parameters<typeof probe>[0]> = {}) {
  const said = spoken()
  const code = await probe(
    { instrument, ...over, config: over.config ?? configuration() },
    said.output,
  )
  return { ...said, code }
}

/** Probes again until the answer is the expected one, a few seconds at the most. */
async function runUntil(code: number, ...args: Parameters<typeof run>) {
  const deadline = performance.now() + 5000
  let found = await run(...args)
  while (found.code !== code && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    found = await run(...args)
  }
  return found
}

describe('URS-60 probe of a configured instrument', () => {
  it('shows every signal, status word and label with registers, value, unit and quality: 0', async () => {
    const { code, data, talk } = await run('dp-1', { frames: true })
    expect(code).toBe(0)
    expect(data()).toContain('EE600, EE610 (profile ee600), unit 43 on net-1, 127.0.0.1:')
    expect(data()).toMatch(
      /^differential_pressure +dp +input_register 1214, reference 31215 +[0-9A-F]{4} [0-9A-F]{4} +f32 CDAB [\d.]+ +[\d.]+ Pa +good$/m,
    )
    expect(data()).toMatch(/^status 601 +input_register 601, reference 30602 +0000 +0 +no fault$/m)
    expect(data()).toMatch(/^serial .*E4711$/m)
    expect(data()).toMatch(/^sent .* 2B 04 04 BE 00 02$/m)
    expect(talk()).toContain('has not been confirmed on hardware')
  })

  it('reads a probe through a converter, signals without a point as well', async () => {
    const { code, data } = await run('th-1')
    expect(code).toBe(0)
    expect(data()).toMatch(/^temperature +t +holding_register 2, reference 40003 .*°C +good$/m)
    expect(data()).toMatch(/^relative_humidity +- .* % +good$/m)
    expect(data()).toMatch(/^status 512 .* 0001 +1 +no fault$/m)
  })

  it('URS-14 FB19 reads serial number and model by function 43/14, and knows another instrument by it', async () => {
    const at = (serial: string) =>
      configuration((text) => text.replace('unitId: 240', `unitId: 240\n    serial: "${serial}"`))
    const right = await run('th-1', { config: at('K0710040') })
    expect({ code: right.code, talk: right.talk() }).toMatchObject({ code: 0 })
    expect(right.data()).toMatch(/^serial +object 128 of function 43\/14 +- +K0710040$/m)
    expect(right.data()).toMatch(/^model +object 1 of function 43\/14 +- +HMP4$/m)
    // The converter takes one client only, and may not have noticed yet that the last one went.
    const seen = async () => {
      const { document } = await run('th-1', { config: at('K0710041'), json: true })
      return document()
    }
    await expect.poll(seen, { timeout: 5000 }).toMatchObject({
      ok: false,
      faults: [expect.stringMatching(/serial number is K0710040, the configuration says K0710041/)],
      objects: [
        { name: 'model', object: 1, text: 'HMP4' },
        { name: 'serial', object: 128, text: 'K0710040' },
        { name: 'firmware', object: 2, text: '1.3.0' },
      ],
    })
    simulation.fault('th-1', 'swap', { value: 2 })
    const said = async () => (await run('th-1', { config: at('K0710040') })).talk()
    await expect.poll(said, { timeout: 5000 }).toContain('the serial number is X2-K0710040')
  })

  it('shows the newest record of a particle counter as counts and concentration', async () => {
    // The first sample takes a second.
    const found = await runUntil(0, 'pc-1', { json: true })
    expect(found.code).toBe(0)
    expect(found.document()).toMatchObject({
      ok: true,
      instrument: 'pc-1',
      record: { durationMs: 1000, counts: { particles_0_5um: expect.any(Number) }, faults: [] },
      signals: [
        {
          point: 'p05',
          unit: '/m³',
          quality: 'good',
          words: expect.stringMatching(/counts in 0\.472 L/),
        },
        { point: 'p5', unit: '/m³', quality: 'good' },
      ],
    })
    const others = found.document()['others'] as { name: string; decoded?: number }[]
    expect(others.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['identity', 'duration', 'channelMask', 'newest', 'serial']),
    )
  })

  it('is no when the unit is silent: 1, in words', async () => {
    simulation.fault('dp-1', 'silence')
    const { code, talk } = await run('dp-1')
    expect(code).toBe(1)
    expect(talk()).toMatch(/no answer within 300 ms: connected, but unit 43 says nothing/)
  })

  it('is no when the sensor says that it is broken: 1', async () => {
    simulation.fault('dp-1', 'sensor-fault')
    // It takes effect with the next step of the plant.
    const { code, talk, data } = await runUntil(1, 'dp-1')
    expect(code).toBe(1)
    expect(talk()).toMatch(
      /^dp: the instrument says that it has no value \(NaN\)|^dp: the status word reports/m,
    )
    expect(data()).toMatch(/^status 601 .*sensor_fault$/m)
  })

  it('is no when another instrument answers: its serial number differs', async () => {
    const config = configuration((text) => text.replace('E4711', 'E4712'))
    const { code, talk } = await run('dp-1', { config })
    expect(code).toBe(1)
    expect(talk()).toContain('the serial number is E4711, the configuration says E4712')
  })

  it('says of a wrong profile what would fit', async () => {
    const profile = path.join(directory, 'wrong.json')
    writeFileSync(
      profile,
      JSON.stringify({
        id: 'wrong',
        protocol: 'modbus',
        source: { document: 'none' },
        signals: [
          {
            name: 'differential_pressure',
            quantity: 'differential_pressure',
            unit: 'Pa',
            table: 'input_register',
            address: 1214,
            type: 'f32',
            byteOrder: 'ABCD',
            range: [-250, 250],
          },
        ],
      }),
    )
    const config = configuration((text) => text.replace('profile: ee600', 'profile: ./wrong.json'))
    const { code, data, talk } = await run('dp-1', { config })
    expect(code).toBe(1)
    const words = /as CDAB it would be \d+(\.\d+)? Pa: is the byteOrder right\?/
    expect(data()).toMatch(words)
    expect(talk()).toMatch(words)
    expect(data()).toMatch(/^dp-1 {2}\(profile wrong\), unit 43 on net-1/)
  })

  it('says of an instrument whose word order was changed which one it has now', async () => {
    simulation.fault('th-1', 'word-order')
    const { data } = await run('th-1')
    expect(data()).toMatch(
      /^temperature .*as ABCD it would be \d+(\.\d+)? °C: is the byteOrder right\?$/m,
    )
  })

  it('refuses an instrument that is not there (64), a wrong configuration (78) and a missing one (78)', async () => {
    await expect(run('dp-9')).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringContaining('it has dp-1, pc-1, th-1'),
    })
    const wrong = configuration((text) => text.replace('grade: B', 'grade: X'))
    await expect(run('dp-1', { config: wrong })).rejects.toMatchObject({ exitCode: 78 })
    await expect(run('dp-1', { config: '/nowhere.yaml' })).rejects.toMatchObject({ exitCode: 78 })
  })

  it('is not reachable where nothing listens: 69', async () => {
    const config = configuration()
    await simulation.stop()
    await expect(run('dp-1', { config })).rejects.toMatchObject({ exitCode: 69 })
  })
})
