// One bad neighbour at a time on a shared bus: silent, half open, always busy. The others lose no slot (URS-11, URS-12).

import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Ledger } from '../../support/ledger.ts'
import { adu, type Behaviour, ModbusServer } from '../../support/modbus-server.ts'
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
} from '../../support/processes.ts'
import { addressOf, type Site, siteConfiguration, writeSite } from '../../support/site.ts'

const UNITS = 8
const BAD = 3
const runsHere = available('mosquitto')

let server: ModbusServer
let other: ModbusServer
let broker: Broker
let consumer: Consumer
let site: Site
let agent: Running

beforeEach(async () => {
  if (!runsHere) return
  server = await ModbusServer.start()
  other = await ModbusServer.start()
  for (let unit = 1; unit <= UNITS; unit++) server.unit(unit).setF32(4, addressOf('s0'), unit)
  other.unit(99).setF32(4, addressOf('s0'), 99)
  site = writeSite({ buses: [], instruments: [] })
  broker = await startMosquitto(path.join(site.directory, 'broker'), await freePort())
  const point = (id: string) => ({ id, signal: 's0', interval: '1s' })
  site.write(
    siteConfiguration({
      brokerUrl: broker.url,
      buses: [
        { id: 'net-1', port: server.port, timeout: '100ms' },
        { id: 'net-2', port: other.port, timeout: '100ms' },
      ],
      instruments: [
        ...Array.from({ length: UNITS }, (_, index) => ({
          id: `th-${index + 1}`,
          bus: 'net-1',
          unitId: index + 1,
          points: [point(`t-${index + 1}`)],
        })),
        { id: 'th-other', bus: 'net-2', unitId: 99, points: [point('t-other')] },
      ],
    }),
  )
  consumer = await startConsumer(broker.url, ['cr/v1/#'])
  agent = await startAgent(site.config)
})

afterEach(async () => {
  if (!runsHere) return
  await agent.stop('SIGKILL')
  await consumer.end()
  await broker.stop()
  await server.stop()
  await other.stop()
  removeDirectory(site.directory)
})

/** Lets the trouble last until the bad point has said so for a while, and gives back the whole account. */
async function account(trouble: () => void, seconds: number): Promise<Ledger> {
  await consumer.message((_topic, text) => text.includes('"p":"t-8"') && text.includes('"v":8'))
  trouble()
  const from = Date.now()
  await consumer.message((topic, text) => {
    if (!topic.endsWith('/readings')) return false
    const { readings } = JSON.parse(text) as { readings: { p: string; t: number }[] }
    return readings.some(({ p, t }) => p === 't-8' && t > from + seconds * 1000)
  }, 60_000)
  const ledger = new Ledger()
  for (const { topic, text } of consumer.messages)
    if (/\/(readings|event)$/.test(topic)) ledger.take(text)
  return ledger
}

const all = [...Array.from({ length: UNITS }, (_, index) => `t-${index + 1}`), 't-other']

function expectOthersWhole(ledger: Ledger, spoilt: readonly string[]): void {
  expect(ledger.faults).toEqual([])
  expect(ledger.coverageFaults(Object.fromEntries(all.map((point) => [point, 1000])))).toEqual([])
  for (const point of all.filter((each) => !spoilt.includes(each))) {
    const records = ledger.ofPoint(point).filter(({ qc }) => qc !== 'disconnected')
    expect([point, records.filter(({ q }) => q !== 'good')]).toEqual([point, []])
    expect(records.length).toBeGreaterThan(4)
  }
}

const spoil =
  (instead: Behaviour): (() => void) =>
  () => {
    server.behaviour = (request, regular) => {
      if (request.unitId === BAD) instead(request, regular)
      else request.socket.write(regular)
    }
  }

describe.skipIf(!runsHere)('a bad neighbour (needs mosquitto)', () => {
  it('URS-11 FB1 FB20 one silent unit among eight: the others lose no slot', async () => {
    const ledger = await account(
      spoil(() => {}),
      10,
    )
    expectOthersWhole(ledger, [`t-${BAD}`])
    const reasons = new Set(ledger.ofPoint(`t-${BAD}`).map(({ qc }) => qc))
    expect(reasons.has('timeout')).toBe(true)
    expect(reasons.has('parked')).toBe(true)
    await consumer.message(
      (topic, text) =>
        topic.endsWith(`alarm/th-${BAD}.comm_fail`) && text.includes('"unacknowledged"'),
    )
  })

  it('URS-11 FB6 one unit that answers every request with exception 6: the others lose no slot', async () => {
    const busy: Behaviour = ({ socket, transactionId, unitId, functionCode }) =>
      void socket.write(adu(transactionId, unitId, Buffer.of(functionCode | 0x80, 6)))
    const ledger = await account(spoil(busy), 10)
    expectOthersWhole(ledger, [`t-${BAD}`])
    expect(ledger.ofPoint(`t-${BAD}`).at(-1)).toMatchObject({ q: 'bad', qc: 'busy' })
  })

  it('URS-11 FB17 one bus half open: the other bus loses no slot, and the half-open one comes back by itself', async () => {
    const ledger = await account(() => {
      other.behaviour = () => {}
    }, 10)
    expectOthersWhole(ledger, ['t-other'])
    const before = other.connections
    other.behaviour = ({ socket }, regular) => void socket.write(regular)
    await consumer.message((topic, text) => {
      if (!topic.endsWith('/readings')) return false
      const { readings } = JSON.parse(text) as { readings: { p: string; q: string; t: number }[] }
      return readings.some(
        ({ p, q, t }) => p === 't-other' && q === 'good' && t > Date.now() - 3000,
      )
    }, 40_000)
    expect(before).toBeGreaterThan(1)
  })

  it('URS-12 FB4 one illegal register spoils only itself', async () => {
    const ledger = await account(() => server.unit(BAD).remove(4, addressOf('s0')), 6)
    expectOthersWhole(ledger, [`t-${BAD}`])
    expect(ledger.ofPoint(`t-${BAD}`).at(-1)).toMatchObject({ q: 'bad', qc: 'exception', ex: 2 })
  })
})
