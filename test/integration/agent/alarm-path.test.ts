// The alarm path on the real way: a marked test alarm to Mosquitto and back (URS-41).

import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ModbusServer } from '../../support/modbus-server.ts'
import {
  agentCommand,
  available,
  type Consumer,
  freePort,
  type Running,
  removeDirectory,
  startAgent,
  startConsumer,
  startMosquitto,
} from '../../support/processes.ts'
import { type Site, siteConfiguration, writeSite } from '../../support/site.ts'

const runsHere = available('mosquitto')
const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

async function startSite(): Promise<{ site: Site; consumer: Consumer; ask: () => void }> {
  const server = await ModbusServer.start()
  ending.push(() => server.stop())
  server.unit(1).setF32(4, 0, 21)
  const port = await freePort()
  const spec = {
    brokerUrl: `mqtt://127.0.0.1:${port}`,
    buses: [{ id: 'net-1', port: server.port }],
    instruments: [
      {
        ...{ id: 'th-1', bus: 'net-1', unitId: 1 },
        points: [{ id: 't-1', signal: 's0', interval: '1s' }],
      },
    ],
  }
  const site = writeSite(spec)
  ending.push(() => removeDirectory(site.directory))
  const broker = await startMosquitto(path.join(site.directory, 'broker'), port)
  ending.push(() => broker.stop('SIGKILL'))
  const consumer = await startConsumer(broker.url, ['cr/#'])
  ending.push(() => consumer.end())
  const asked = { ...siteConfiguration(spec), alarmPath: { every: '1h', maxAge: '2h' } }
  return { site, consumer, ask: () => site.write(asked) }
}

interface Status {
  readonly alarms: object
  readonly alarmPath?: { readonly provedAt?: number; readonly tookMs?: number }
}

const json = async (site: Site, ...args: string[]) =>
  JSON.parse((await agentCommand([...args, '--config', site.config, '--json'])).stdout)

describe.skipIf(!runsHere)('the alarm path (needs Mosquitto)', () => {
  it('URS-41 is proved by a marked test alarm that leaves nothing to acknowledge', async () => {
    const { site, consumer, ask } = await startSite()
    const agent: Running = await startAgent(site.config)
    ending.push(() => agent.stop('SIGTERM'))
    // asked for while the agent runs: the topic is subscribed to from then on
    ask()
    agent.child.kill('SIGHUP')
    const isTest = (topic: string): boolean => topic.endsWith('alarm/system.alarm_test')
    await consumer.message((topic, text) => isTest(topic) && text.includes('"active":true'))
    await consumer.message((topic, text) => topic.endsWith('/event') && text.includes('test_over'))
    const states = consumer.messages.filter(({ topic }) => isTest(topic))
    expect(states.every(({ text }) => text.includes('"test":true'))).toBe(true)
    const status: Status = await json(site, 'status')
    expect(status).toMatchObject({
      alarms: { unacknowledged: 0, others: 0 },
      alarmPath: { testing: false, provedAt: expect.any(Number), tookMs: expect.any(Number) },
    })
    const { alarms } = await json(site, 'alarms')
    expect(alarms).toEqual([])
  })
})
