// What a reload changes beside the plant: the way to the broker and its consumers at once, the agent's own name never.

import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Ledger } from '../../support/ledger.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
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
import { type Site, type SiteSpec, siteConfiguration, writeSite } from '../../support/site.ts'

const base = 'cr/v1/org/site/gw-01'
const runsHere = available('mosquitto')
const json = (text: string) => JSON.parse(text) as Record<string, unknown>

let server: ModbusServer
let site: Site
let agent: Running
const brokers: Broker[] = []
const consumers: Consumer[] = []

async function newBroker(name: string): Promise<readonly [Broker, Consumer]> {
  const broker = await startMosquitto(path.join(site.directory, name), await freePort())
  brokers.push(broker)
  const consumer = await startConsumer(broker.url, ['cr/v1/#'])
  consumers.push(consumer)
  return [broker, consumer]
}

const spec = (brokerUrl: string, more: Partial<SiteSpec> = {}): SiteSpec => ({
  brokerUrl,
  buses: [{ id: 'net-1', port: server.port }],
  instruments: [
    {
      id: 'th-1',
      bus: 'net-1',
      unitId: 1,
      points: [{ id: 't-1', signal: 's0', interval: '1s' }],
    },
  ],
  ...more,
})

const hasReading = (topic: string, text: string): boolean =>
  topic === `${base}/readings` && text.includes('"p":"t-1"')

beforeEach(async () => {
  if (!runsHere && process.env['CI'] !== 'true') return
  server = await ModbusServer.start()
  server.unit(1).setF32(4, 0, 21)
  site = writeSite({ buses: [], instruments: [] })
})

afterEach(async () => {
  if (!runsHere) return
  await agent.stop('SIGKILL')
  for (const consumer of consumers.splice(0)) await consumer.end()
  for (const broker of brokers.splice(0)) await broker.stop()
  await server.stop()
  removeDirectory(site.directory)
})

describe.skipIf(!runsHere && process.env['CI'] !== 'true')('a reload (needs mosquitto)', () => {
  it('URS-48 URS-54 moves to another broker and its consumers, and goes on where it was', async () => {
    const [first, heardFirst] = await newBroker('first')
    const [second, heardSecond] = await newBroker('second')
    site.write(siteConfiguration(spec(first.url)))
    agent = await startAgent(site.config)
    await heardFirst.message(hasReading)

    site.write(siteConfiguration(spec(second.url, { consumers: ['historian'] })))
    agent.child.kill('SIGHUP')
    const goodbye = await heardFirst.message(
      (topic, text) => topic === `${base}/status` && text.includes('"online":false'),
    )
    expect(json(goodbye)).toMatchObject({ online: false, reason: 'configuration changed' })
    const birth = json(
      await heardSecond.message(
        (topic, text) => topic === `${base}/status` && text.includes('"online":true'),
      ),
    )
    expect(birth).toMatchObject({ online: true, reason: 'start' })
    await heardSecond.message(hasReading)
    await heardSecond.message((topic) => topic === `${base}/alarm/th-1.comm_fail`)

    const ledger = new Ledger()
    for (const consumer of [heardFirst, heardSecond])
      for (const { topic, text } of consumer.messages)
        if (/\/(readings|event)$/.test(topic)) ledger.take(text)
    expect(ledger.faults).toEqual([])
    expect(ledger.coverageFaults({ 't-1': 1000 })).toEqual([])

    const mark = JSON.stringify({ v: 1, epoch: 'another', through: 1 })
    await heardSecond.client.publishAsync(`${base}/confirm/readings/historian`, mark, { qos: 1 })
    await heardSecond.message(
      (topic, text) => topic === `${base}/event` && text.includes('"uplink.confirm_refused"'),
    )
  })

  it('URS-54 leaves the broker where the configuration no longer names one', async () => {
    const [broker, heard] = await newBroker('first')
    site.write(siteConfiguration(spec(broker.url)))
    agent = await startAgent(site.config)
    await heard.message(hasReading)
    const { brokerUrl: _, ...alone } = spec(broker.url)
    site.write(siteConfiguration(alone))
    agent.child.kill('SIGHUP')
    await heard.message(
      (topic, text) => topic === `${base}/status` && text.includes('"online":false'),
    )
    expect(await agent.stop('SIGTERM')).toBe(0)
  })

  it('URS-54 refuses another name or data directory without a restart, and goes on', async () => {
    const [broker, heard] = await newBroker('first')
    const before = siteConfiguration(spec(broker.url))
    site.write(before)
    agent = await startAgent(site.config)
    await heard.message(hasReading)
    site.write({ ...before, gateway: { id: 'gw-02', dataDir: './elsewhere' } })
    agent.child.kill('SIGHUP')
    await agent.line(/gateway\.id {2}is now "gw-02".*restart the agent/)
    await heard.message(
      (topic, text) =>
        topic === `${base}/alarm/system.config_rejected` && text.includes('"unacknowledged"'),
    )
    const events = heard.messages.filter(({ text }) => text.includes('"config.accepted"'))
    expect(events.map(({ topic }) => topic)).toEqual([`${base}/event`])
    site.write(before)
    agent.child.kill('SIGHUP')
    await heard.message(
      (topic, text) =>
        topic === `${base}/alarm/system.config_rejected` && text.includes('rtn_unacknowledged'),
    )
  })
})
