// The daemon killed with SIGKILL at random, under traffic, with the way to the broker cut at random (issue: 50 times).
// A consumer that knows only the contract keeps the account.

import path from 'node:path'
import { expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { CutProxy } from '../../support/cut-proxy.ts'
import { Ledger } from '../../support/ledger.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import {
  available,
  freePort,
  removeDirectory,
  start,
  startConsumer,
  startMosquitto,
} from '../../support/processes.ts'
import { addressOf, siteConfiguration, writeSite } from '../../support/site.ts'

const KILLS = Number(process.env['KILLS'] ?? 50)
const SEED = Number(process.env['SEED'] ?? 20_261_125)
const ON_DELAY_S = 30
const BASE = 'cr/v1/org/site/gw-01'
const runsHere = available('mosquitto')

it.skipIf(!runsHere)(
  `URS-01 URS-28 URS-47 URS-48 ${KILLS} kills lose nothing, cover each slot once, and leave alarms and delays as they were (needs mosquitto)`,
  async () => {
    const random = seededRandom(SEED)
    const server = await ModbusServer.start()
    const set = (signal: string, value: number) =>
      server.unit(1).setF32(4, addressOf(signal), value)
    set('s0', 21)
    set('s1', 30)
    set('s2', 30)
    const site = writeSite({ buses: [], instruments: [] })
    const broker = await startMosquitto(path.join(site.directory, 'broker'), await freePort())
    const proxy = await CutProxy.start(broker.port)
    const limit = (actionHigh: number, more = {}) => ({
      actionHigh,
      justification: 'KILL',
      ...more,
    })
    site.write(
      siteConfiguration({
        brokerUrl: `mqtt://127.0.0.1:${proxy.port}`,
        buses: [{ id: 'net-1', port: server.port }],
        instruments: [
          {
            id: 'th-1',
            bus: 'net-1',
            unitId: 1,
            points: [
              { id: 'moving', signal: 's0', zone: 'room-c', interval: '250ms', limits: limit(24) },
              {
                id: 'standing',
                signal: 's1',
                zone: 'room-c',
                interval: '500ms',
                limits: limit(24),
              },
              {
                id: 'pending',
                zone: 'room-c',
                signal: 's2',
                interval: '500ms',
                limits: limit(24, { onDelay: `${ON_DELAY_S}s` }),
              },
              { id: 'slow', signal: 's3', zone: 'room-c', interval: '5s' },
            ],
          },
        ],
      }),
    )
    set('s3', 1.5)
    const consumer = await startConsumer(broker.url, ['cr/v1/#'])
    const ledger = new Ledger()
    const standing = new Set<unknown>()
    consumer.client.on('message', (topic, payload) => {
      if (/\/(readings|event)$/.test(topic)) ledger.take(payload.toString())
      if (topic === `${BASE}/alarm/standing.action_high`) {
        const { occ } = JSON.parse(payload.toString()) as { occ: unknown }
        if (occ !== null) standing.add(occ)
      }
    })
    const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        if (random() < 0.5) proxy.cut()
        const agent = start(process.execPath, ['agent/main.ts', 'run', '--config', site.config])
        await agent.line(/agent_started/)
        set('s0', random() < 0.5 ? 25 : 20)
        await wait(random() * 700)
        proxy.mend()
        await wait(random() * 700)
        expect(await agent.stop('SIGKILL')).toBe('SIGKILL')
      }
      const last = start(process.execPath, ['agent/main.ts', 'run', '--config', site.config])
      await last.line(/agent_started/)
      const starts = new Set<number>()
      await consumer.message((topic, text) => {
        if (topic === `${BASE}/event` && text.includes('"system.started"'))
          starts.add((JSON.parse(text) as { seq: number }).seq)
        return starts.size > KILLS
      }, 60_000)
      await consumer.message(
        (topic, text) => topic === `${BASE}/event` && text.includes('"pending.action_high"'),
        60_000,
      )
      const activated = Number(ledger.ofType('alarm.activated').at(-1)?.seq)
      let first = 0
      await consumer.message((topic, text) => {
        if (topic === `${BASE}/readings`) first = (JSON.parse(text) as { first: number }).first
        return first > activated
      }, 20_000)
      expect(await last.stop('SIGTERM')).toBe(0)
      const stopped = ledger.ofType('system.stopped')
      expect(stopped).toHaveLength(1)

      expect(ledger.faults).toEqual([])
      expect(ledger.missing().filter((seq) => seq < first)).toEqual([])
      const intervals = { moving: 250, standing: 500, pending: 500, slow: 5000 }
      expect(ledger.coverageFaults(intervals)).toEqual([])
      // A slot of the slow point lasts longer than a start: it may be polled after all each time.
      for (const point of ['moving', 'standing', 'pending']) {
        expect(ledger.ofPoint(point).some(({ qc }) => qc === 'agent_down')).toBe(true)
      }
      expect(
        ledger.ofType('system.started').filter((event) => event['unclean'] === true),
      ).toHaveLength(KILLS)
      expect([...standing]).toHaveLength(1)
      const pending = ledger
        .ofType('alarm.activated')
        .filter((event) => event['alarm'] === 'pending.action_high')
      expect(pending).toHaveLength(1)
      const delay = (Number(pending[0]?.['activated']) - Number(pending[0]?.['onset'])) / 1000
      expect(delay).toBeGreaterThanOrEqual(ON_DELAY_S - 1)
      expect(delay).toBeLessThanOrEqual(2 * ON_DELAY_S + 3)
      expect(proxy.cuts).toBeGreaterThan(KILLS / 5)
    } finally {
      await consumer.end()
      await proxy.stop()
      await broker.stop()
      await server.stop()
      removeDirectory(site.directory)
    }
  },
  120_000 + KILLS * 5000,
)
