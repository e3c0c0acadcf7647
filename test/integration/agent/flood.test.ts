// A thousand points that go bad at once: real instruments' traffic, real broker, real output module. Every occurrence is on record and
// at the consumer, those of priority 1 arrive first, the horn begins once (URS-30, 31, 57; fault PE11). Figures are printed.

import { writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { loadConfiguration } from '#config/load.ts'
import { silentLog } from '#ports/log.ts'
import { composeAgent } from '../../../agent/compose.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import { outputModule } from '../../support/output-module.ts'
import {
  available,
  freePort,
  removeDirectory,
  startConsumer,
  startMosquitto,
} from '../../support/processes.ts'
import { addressOf, siteConfiguration, writeSite } from '../../support/site.ts'
import { until } from '../../support/until.ts'

const UNITS = 20
const POINTS_EACH = 50
const POINTS = UNITS * POINTS_EACH
/** The instrument in grade A, asked last: its alarms alone are of priority 1. */
const GRADE_A = UNITS
const BASE = 'cr/v1/org/site/gw-01/'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const everySignal = (set: (unit: number, address: number) => void): void => {
  for (let unit = 1; unit <= UNITS; unit++)
    for (let index = 0; index < POINTS_EACH; index++) set(unit, addressOf(`s${index}`))
}

function configuration(brokerUrl: string, server: number, horn: number) {
  const spec = {
    brokerUrl,
    buses: [{ id: 'net-1', port: server }],
    instruments: Array.from({ length: UNITS }, (_, unit) => ({
      id: `th-${unit + 1}`,
      bus: 'net-1',
      unitId: unit + 1,
      points: Array.from({ length: POINTS_EACH }, (_point, index) => ({
        id: `t-${unit + 1}-${index}`,
        signal: `s${index}`,
        interval: '1s',
        ...(unit + 1 === GRADE_A
          ? { zone: 'cabinet', limits: { actionHigh: 24, justification: 'T-1' } }
          : { zone: 'room-b', limits: { alertHigh: 24, justification: 'T-1' } }),
      })),
    })),
  }
  const site = writeSite(spec)
  closing.push(() => removeDirectory(site.directory))
  const written = siteConfiguration(spec) as { buses: object[]; zones: object[] }
  written.zones.push({ id: 'cabinet', name: 'Cabinet', grade: 'A', occupancy: 'in_operation' })
  written.buses.push({ id: 'net-horn', protocol: 'modbus-tcp', host: '127.0.0.1', port: horn })
  const annunciator = {
    profile: 'moxa-iologik-e1214',
    bus: 'net-horn',
    outputs: ['red', 'horn'],
  }
  writeFileSync(site.config, stringify({ ...written, annunciator }))
  return site.config
}

describe.skipIf(!available('mosquitto') && process.env['CI'] !== 'true')(
  'URS-30 URS-31 URS-57 PE11 a thousand points at once (needs mosquitto)',
  () => {
    it('every occurrence is on record, priority 1 at the consumer within 2 s, and the horn begins once', async () => {
      const server = await ModbusServer.start()
      closing.push(() => server.stop())
      everySignal((unit, address) => server.unit(unit).setF32(4, address, 21))
      const module = await outputModule()
      closing.push(() => module.simulation.stop())
      const brokerPort = await freePort()
      const config = configuration(`mqtt://127.0.0.1:${brokerPort}`, server.port, module.port)
      const broker = await startMosquitto(`${config}.broker`, brokerPort)
      closing.push(() => broker.stop())
      const consumer = await startConsumer(broker.url, [`${BASE}#`])
      closing.push(() => consumer.end())

      const loaded = loadConfiguration(config)
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings.slice(0, 3)))
      const sounds: string[] = []
      const running = await composeAgent({
        configuration: loaded.configuration,
        file: config,
        accept: true,
        log: silentLog,
        shown: ({ shown: { horn } }) => sounds.push(horn),
        failed: (error) => {
          throw error
        },
      })
      closing.push(() => running.stop('test over'))
      const seen = new Set<string>()
      await until('each point has a value at the consumer', () => {
        for (const { topic, text } of consumer.messages)
          if (topic === `${BASE}readings`)
            for (const { p, q } of JSON.parse(text).readings) if (q === 'good') seen.add(p)
        return seen.size === POINTS
      })

      everySignal((unit, address) => server.unit(unit).setF32(4, address, 25))
      const rose = () =>
        consumer.messages
          .filter(({ topic }) => topic === `${BASE}event`)
          .map(({ text, at }) => ({ at: performance.timeOrigin + at, ...JSON.parse(text) }))
          .filter(({ type, alarm = '' }) => type === 'alarm.activated' && alarm.endsWith('_high'))
      await until('every occurrence is at the consumer', () => rose().length >= POINTS, 30_000)

      const events = rose()
      expect(new Set(events.map(({ alarm }) => alarm)).size).toBe(POINTS)
      expect(new Set(events.map(({ occ }) => occ)).size).toBe(POINTS)
      const told = consumer.messages.flatMap(({ topic, text, at }) => {
        if (!topic.startsWith(`${BASE}alarm/`)) return []
        const { priority, state, activated } = JSON.parse(text)
        if (priority !== 1 || state !== 'unacknowledged') return []
        return [performance.timeOrigin + at - activated]
      })
      expect(told).toHaveLength(POINTS_EACH)
      const worst = Math.max(...told)
      const last = Math.max(...events.map(({ at, ts }) => at - ts))
      process.stdout.write(
        `${POINTS} alarms: priority 1 at the consumer after ${Math.round(worst)} ms at most, every event after ${Math.round(last)} ms\n`,
      )
      expect(worst).toBeLessThan(2000)
      await until('the horn sounds', () => module.coil('horn'))
      const begun = sounds.filter(
        (sound, at) => sound !== 'off' && (sounds[at - 1] ?? 'off') === 'off',
      )
      expect(begun).toHaveLength(1)
      expect(sounds.at(-1)).toBe('continuous')
    })
  },
)
