// The built-in broker: MQTT 3.1.1 on loopback, with the uplink's fallback to it.

import { connectAsync } from 'mqtt'
import { afterEach, expect, it } from 'vitest'
import { silentLog } from '#ports/log.ts'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../../agent/uplink/embedded-broker.ts'
import { event, readings } from '../../support/memory-store.ts'
import { referenceConsumer } from '../../support/reference-consumer.ts'
import { until } from '../../support/until.ts'
import { liveUplink } from '../../support/uplink-live.ts'
import { BASE } from '../../support/uplink-rig.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(port = 0): Promise<EmbeddedBroker> {
  const broker = await startEmbeddedBroker({ port }, silentLog)
  closing.push(() => broker.close())
  return broker
}

it('URS-56 falls back to 3.1.1 and delivers everything in order', async () => {
  const broker = await start()
  const consumer = await referenceConsumer(broker.url, BASE)
  closing.push(() => consumer.close())
  const live = liveUplink({ url: broker.url, consumers: [] })
  closing.push(() => live.uplink.stop('stopped', 500))
  live.commit([...readings(5000), event()])
  live.uplink.start()
  await until('all is here', () => consumer.through === 5000 && consumer.events.size === 1)
  expect(live.noticesOf('connected')).toEqual([{ kind: 'connected', protocolVersion: 4 }])
  expect(consumer.duplicates).toBe(0)
})

it('says in words that its port is in use, and which flag changes it', async () => {
  const broker = await start()
  await expect(startEmbeddedBroker({ port: broker.port }, silentLog)).rejects.toThrow(
    new RegExp(`port ${broker.port} on 127.0.0.1 is in use by another program.*--mqtt-port`),
  )
})

it('listens on loopback only, and takes nothing under $', async () => {
  const broker = await start()
  expect(broker.host).toBe('127.0.0.1')
  const watcher = await connectAsync(broker.url)
  closing.push(() => watcher.endAsync(true))
  const seen: string[] = []
  watcher.on('message', (topic) => seen.push(topic))
  await watcher.subscribeAsync(['$SYS/fake/#', 'plain'])
  const intruder = await connectAsync(broker.url, { reconnectPeriod: 0 })
  closing.push(() => intruder.endAsync(true))
  let closed = false
  intruder.on('close', () => {
    closed = true
  })
  intruder.publish('$SYS/fake/uptime', '1')
  await until('the intruder is thrown out', () => closed)
  watcher.publish('plain', 'x')
  await until('the plain message is here', () => seen.includes('plain'))
  expect(seen).toEqual(['plain'])
})

it('closes with clients connected', async () => {
  const broker = await startEmbeddedBroker({ port: 0 }, silentLog)
  const client = await connectAsync(broker.url, { reconnectPeriod: 0 })
  client.on('error', () => {})
  await broker.close()
  await until('the client notices', () => !client.connected)
  await client.endAsync(true)
})
