// A serial line through the whole agent: real daemon, real broker, eight instruments on a pseudo-terminal that is paced byte by
// byte at 19200 8N1. One falls silent, the adapter is unplugged, an instrument is swapped.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { systemClock } from '../../../agent/runtime/system-clock.ts'
import { type Simulation, startSimulation } from '../../../simulators/main.ts'
import { Ledger } from '../../support/ledger.ts'
import {
  available,
  type Broker,
  type Consumer,
  freePort,
  type Running,
  removeDirectory,
  startAgent,
  startConsumer,
  startMosquitto,
  temporaryDirectory,
} from '../../support/processes.ts'

const UNITS = 8
const INTERVAL_MS = 1000
/** How long the adapter stays unplugged: a minute takes too long for every run. */
const UNPLUGGED_MS = Number(process.env['UNPLUGGED_MS'] ?? 3000)
const TEST_MS = 90_000 + UNPLUGGED_MS
const base = 'cr/v1/org/site/gw-01'
const line = { baudRate: 19_200, dataBits: 8, parity: 'none', stopBits: 1 } as const
const units = Array.from({ length: UNITS }, (_, index) => ({
  instrument: `dp-${index + 1}`,
  point: `p-${index + 1}`,
  unitId: 41 + index,
  serial: `17482300${index + 1}`,
}))

const runsHere = available('mosquitto') && available('socat')

let directory: string
let simulation: Simulation
let broker: Broker
let consumer: Consumer
let agent: Running

const configuration = (port: string) => ({
  site: { org: 'org', id: 'site', name: 'Test site', timezone: 'Europe/Rome' },
  gateway: { id: 'gw-01', dataDir: './data' },
  limitSet: 'annex1-2022',
  mqtt: { url: broker.url },
  zones: [
    { id: 'room-c', name: 'Preparation', grade: 'C', occupancy: 'in_operation' },
    { id: 'room-d', name: 'Gowning', grade: 'D', occupancy: 'in_operation' },
  ],
  buses: [
    {
      id: 'rs485-1',
      protocol: 'modbus-rtu',
      path: port,
      allowUnstablePath: true,
      ...line,
      turnaround: '4ms',
      timeout: '300ms',
      lateReply: '500ms',
    },
  ],
  instruments: units.map(({ instrument, point, unitId, serial }, index) => ({
    id: instrument,
    profile: 'ee600',
    bus: 'rs485-1',
    unitId,
    serial,
    points: [
      {
        id: point,
        signal: 'differential_pressure',
        zone: 'room-c',
        against: 'room-d',
        interval: `${INTERVAL_MS}ms`,
        ...(index === 0 && { critical: true }),
      },
    ],
  })),
})

beforeEach(async () => {
  if (!runsHere) return
  directory = temporaryDirectory('cleanroom-serial')
  const port = path.join(directory, 'line')
  simulation = await startSimulation(
    {
      zones: [
        { id: 'room-c', grade: 'C' },
        { id: 'room-d', grade: 'D' },
      ],
      buses: [
        {
          id: 'rs485-1',
          protocol: 'modbus-rtu',
          path: port,
          ...line,
          units: units.map(({ instrument, unitId, serial }) => ({
            instrument,
            unitId,
            serial,
            model: 'ee600',
            zone: 'room-c',
            against: 'room-d',
          })),
        },
      ],
    },
    { clock: systemClock() },
  )
  broker = await startMosquitto(path.join(directory, 'broker'), await freePort())
  consumer = await startConsumer(broker.url, ['cr/v1/#'])
  const config = path.join(directory, 'config.yaml')
  writeFileSync(config, stringify(configuration(port)))
  agent = await startAgent(config)
})

afterEach(async () => {
  if (!runsHere) return
  await agent.stop('SIGKILL')
  await consumer.end()
  await broker.stop()
  await simulation.stop()
  removeDirectory(directory)
})

interface Reading {
  readonly p: string
  readonly t: number
  readonly slots?: number
  readonly q: string
  readonly qc?: string
}

const parsed = <T>(leaf: string): T[] =>
  consumer.messages
    .filter(({ topic }) => topic === `${base}/${leaf}`)
    .map(({ text }) => JSON.parse(text) as T)

const readings = (): Reading[] =>
  parsed<{ readings: Reading[] }>('readings').flatMap((message) => message.readings)

const events = (type: string): Record<string, unknown>[] =>
  parsed<Record<string, unknown>>('event').filter((event) => event['type'] === type)

const isGood = (point: string, after: number) => (topic: string, text: string) =>
  topic === `${base}/readings` &&
  (JSON.parse(text) as { readings: Reading[] }).readings.some(
    ({ p, q, t }) => p === point && q === 'good' && t >= after,
  )

/** All points have good values of slots after now. */
const allGood = async (withinMs = 30_000) => {
  const now = Date.now()
  await Promise.all(units.map(({ point }) => consumer.message(isGood(point, now), withinMs)))
  return now
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Slots after a moment, up to the last of the point, and how many of them were not good. */
function slotsOf(point: string, from: number) {
  const its = readings().filter(({ p, t }) => p === point && t >= from)
  const count = (list: Reading[]) => list.reduce((sum, { slots = 1 }) => sum + slots, 0)
  return { all: count(its), lost: count(its.filter(({ q }) => q !== 'good')) }
}

describe.skipIf(!runsHere)(
  'a serial line (needs mosquitto and socat)',
  { timeout: TEST_MS },
  () => {
    it('URS-11 FB1 FB20 one silent unit among eight: the others lose no slot, and it is back by itself', async () => {
      await allGood()
      const violations = simulation.lines.get('rs485-1')?.silentIntervalViolations ?? 0
      simulation.fault('dp-3', 'silence')
      await pause(INTERVAL_MS)
      const from = Date.now()
      await pause(12 * INTERVAL_MS)
      await allGoodBut('p-3')
      for (const { point } of units.filter((unit) => unit.point !== 'p-3')) {
        const { all, lost } = slotsOf(point, from)
        expect(all, point).toBeGreaterThanOrEqual(11)
        expect(lost, point).toBe(0)
      }
      const cleared = Date.now()
      simulation.clear('dp-3')
      await consumer.message(isGood('p-3', cleared), 40_000)
      const silent = readings().filter(({ p, t }) => p === 'p-3' && t >= from && t < cleared - 1000)
      expect(silent.length).toBeGreaterThan(0)
      expect(silent.filter(({ q }) => q === 'good')).toEqual([])
      expect(simulation.lines.get('rs485-1')?.silentIntervalViolations).toBe(violations)
      expect(faultsOfRecord()).toEqual([])
    })

    it('URS-10 FB16 FB22 unplugged and plugged in again: one bus fault, and everything is back', async () => {
      await allGood()
      simulation.fault('rs485-1', 'refuse')
      const fault = await consumer.message(
        (topic, text) =>
          topic === `${base}/alarm/rs485-1.bus_fault` && text.includes('"active":true'),
      )
      expect(fault).toMatch(/plug the adapter in|is gone/)
      await pause(UNPLUGGED_MS)
      simulation.clear('rs485-1')
      await allGood(40_000)
      const back = Date.now()
      await consumer.message(
        (topic, text) =>
          topic === `${base}/alarm/rs485-1.bus_fault` &&
          text.includes('"active":false') &&
          !text.includes('"occ":null'),
      )
      await pause(4 * INTERVAL_MS)
      const activated = events('alarm.activated').filter(
        ({ alarm }) => alarm === 'rs485-1.bus_fault',
      )
      expect(activated).toHaveLength(1)
      for (const { point } of units) expect(slotsOf(point, back).lost, point).toBe(0)
      const frozen = events('recorder.frozen').find(({ bus, alarms }) => {
        return bus === 'rs485-1' && JSON.stringify(alarms)?.includes('rs485-1.bus_fault')
      })
      expect(JSON.stringify(frozen?.['events'])).toMatch(/link down/)
      // Whoever is plugged in is asked who he is before anything counts.
      expect(events('instrument.identity_mismatch')).toEqual([])
    })

    it('URS-14 URS-15 FB19 a swapped instrument is not credited to the location, until the right one is back', async () => {
      await allGood()
      expect(
        events('instrument.identified')
          .map(({ instrument }) => instrument)
          .toSorted(),
      ).toEqual(units.map(({ instrument }) => instrument))
      simulation.fault('dp-1', 'silence')
      await consumer.message(
        (topic, text) => topic === `${base}/readings` && /"p":"p-1"[^}]*"qc":"timeout"/.test(text),
      )
      simulation.fault('dp-1', 'swap')
      const swapped = Date.now()
      simulation.clear('dp-1', 'silence')
      const alarm = await consumer.message(
        (topic, text) => topic === `${base}/alarm/dp-1.identity` && text.includes('"active":true'),
        40_000,
      )
      expect(alarm).toMatch(/serial number is .*, configured is 174823001/)
      await pause(3 * INTERVAL_MS)
      const its = readings().filter(({ p, t }) => p === 'p-1' && t >= swapped)
      expect(its.filter(({ q }) => q === 'good')).toEqual([])
      expect(its.some(({ qc }) => qc === 'identity')).toBe(true)
      expect(events('instrument.identity_mismatch')[0]).toMatchObject({
        instrument: 'dp-1',
        expected: '174823001',
      })
      const frozen = events('recorder.frozen').filter(({ instrument }) => instrument === 'dp-1')
      expect(frozen.some(({ alarms }) => JSON.stringify(alarms)?.includes('dp-1.identity'))).toBe(
        true,
      )
      expect(slotsOf('p-2', swapped).lost).toBe(0)
      simulation.clear('dp-1')
      await consumer.message(isGood('p-1', Date.now()), 30_000)
      await consumer.message(
        (topic, text) =>
          topic === `${base}/alarm/dp-1.identity` &&
          text.includes('"active":false') &&
          !text.includes('"occ":null'),
      )
    })
  },
)

/** What a consumer's bookkeeping finds wrong with everything published: holes, slots twice or never. */
function faultsOfRecord(): readonly string[] {
  const ledger = new Ledger()
  for (const { topic, text } of consumer.messages) {
    if (topic === `${base}/readings` || topic === `${base}/event`) ledger.take(text)
  }
  const intervals = Object.fromEntries(units.map(({ point }) => [point, INTERVAL_MS]))
  return [...ledger.faults, ...ledger.coverageFaults(intervals)]
}

/** All points but one have good values of slots after now. */
async function allGoodBut(silent: string): Promise<number> {
  const now = Date.now()
  const others = units.filter(({ point }) => point !== silent)
  await Promise.all(others.map(({ point }) => consumer.message(isGood(point, now))))
  return now
}
