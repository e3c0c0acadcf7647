// The main job with nothing replaced: real Modbus TCP, the real daemon, a real broker, the real command line.

import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Ledger } from '../../support/ledger.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import {
  agentCommand,
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
import {
  addressOf,
  type Site,
  type SiteSpec,
  siteConfiguration,
  writeSite,
} from '../../support/site.ts'

const base = 'cr/v1/org/site/gw-01'
const json = (text: string) => JSON.parse(text) as Record<string, unknown>

let server: ModbusServer
let broker: Broker
let consumer: Consumer
let site: Site
const agents: Running[] = []

const spec = (): SiteSpec => ({
  origin: 'simulated',
  brokerUrl: broker.url,
  buses: [{ id: 'net-1', port: server.port }],
  instruments: [
    {
      id: 'th-1',
      bus: 'net-1',
      unitId: 1,
      points: [
        {
          id: 't-1',
          signal: 's0',
          interval: '1s',
          limits: { actionHigh: 24, alertHigh: 22, justification: 'T-1' },
        },
        { id: 't-2', signal: 's1', interval: '1s' },
      ],
    },
  ],
})

async function run(): Promise<Running> {
  const agent = await startAgent(site.config)
  agents.push(agent)
  return agent
}

const runsHere = available('mosquitto')

beforeEach(async () => {
  if (!runsHere) return
  server = await ModbusServer.start()
  server.unit(1).setF32(4, addressOf('s0'), 21).setF32(4, addressOf('s1'), 20.125)
  const port = await freePort()
  site = writeSite({ buses: [], instruments: [] })
  broker = await startMosquitto(path.join(site.directory, 'broker'), port)
  site.write(siteConfiguration(spec()))
  consumer = await startConsumer(broker.url, ['cr/v1/#'])
})

afterEach(async () => {
  if (!runsHere) return
  for (const agent of agents.splice(0)) await agent.stop('SIGKILL')
  await consumer.end()
  await broker.stop()
  await server.stop()
  removeDirectory(site.directory)
})

describe.skipIf(!runsHere)('the main job (needs mosquitto)', () => {
  it('URS-20 URS-29 URS-32 an excursion is alarmed, acknowledged with name and reason, and returns', async () => {
    await run()
    mkdirSync(site.dataDir, { recursive: true })
    const pin = path.join(site.directory, 'pin')
    writeFileSync(pin, '2468\n')
    const person = [
      'users',
      'add',
      'jdoe',
      '--name',
      'J. Doe',
      '--role',
      'technician',
      '--pin-file',
      pin,
      '--config',
      site.config,
    ]
    expect((await agentCommand(person)).code).toBe(0)
    await consumer.message(
      (topic, text) => topic === `${base}/readings` && text.includes('"p":"t-1"'),
    )

    const normal = json(
      await consumer.message((topic) => topic === `${base}/alarm/t-1.action_high`),
    )
    expect(normal).toMatchObject({
      v: 1,
      alarm: 't-1.action_high',
      occ: null,
      state: 'normal',
      active: false,
      class: 'action',
    })

    server.unit(1).setF32(4, addressOf('s0'), 25.5)
    const raised = json(
      await consumer.message(
        (topic, text) =>
          topic === `${base}/alarm/t-1.action_high` && text.includes('"unacknowledged"'),
      ),
    )
    expect(raised).toMatchObject({
      state: 'unacknowledged',
      active: true,
      acked: false,
      point: 't-1',
      zone: 'room-b',
      grade: 'B',
      value: 25.5,
      limit: { kind: 'action_high', value: 24, unit: '°C' },
    })
    const occurrence = String(raised['occ'])

    const listed = await agentCommand(['alarms', '--json', '--config', site.config])
    expect(listed.stdout).toContain(occurrence)
    const act = (...args: string[]) =>
      agentCommand([
        ...args,
        '--user',
        'jdoe',
        '--pin-file',
        pin,
        '--config',
        site.config,
        '--json',
      ])

    const noComment = await act('ack', occurrence, '--reason', 'door_opened')
    expect([noComment.code, noComment.stdout]).toEqual([
      expect.any(Number),
      expect.stringContaining('"invalid"'),
    ])
    expect(noComment.code).not.toBe(0)
    const acknowledged = await act(
      'ack',
      occurrence,
      '--reason',
      'door_opened',
      '--comment',
      'transfer of material',
    )
    expect(acknowledged.code).toBe(0)
    expect(
      (await act('ack', occurrence, '--reason', 'door_opened', '--comment', 'again')).code,
    ).toBe(1)

    const event = json(
      await consumer.message(
        (topic, text) => topic === `${base}/event` && text.includes('alarm.acknowledged'),
      ),
    )
    expect(event).toMatchObject({
      type: 'alarm.acknowledged',
      alarm: 't-1.action_high',
      occ: occurrence,
      from: 'unacknowledged',
      to: 'acknowledged',
      actor: { user: 'jdoe', name: 'J. Doe', role: 'technician', via: 'local' },
      reason: 'door_opened',
      comment: 'transfer of material',
    })
    server.unit(1).setF32(4, addressOf('s0'), 21)
    await consumer.message(
      (topic, text) =>
        topic === `${base}/alarm/t-1.action_high` &&
        text.includes('"normal"') &&
        text.includes('"rev"') &&
        json(text)['seq'] !== normal['seq'],
    )
  })

  it('URS-01 URS-47 kill -9 and restart: slots covered once, records identical, the alarm as it was', async () => {
    const first = await run()
    server.unit(1).setF32(4, addressOf('s0'), 25)
    const raised = json(
      await consumer.message(
        (topic, text) =>
          topic === `${base}/alarm/t-1.action_high` && text.includes('"unacknowledged"'),
      ),
    )
    await first.stop('SIGKILL')
    server.unit(1).setF32(4, addressOf('s0'), 21.5)
    await run()
    const returned = json(
      await consumer.message(
        (topic, text) =>
          topic === `${base}/alarm/t-1.action_high` && text.includes('rtn_unacknowledged'),
      ),
    )
    expect(returned).toMatchObject({
      occ: raised['occ'],
      onset: raised['onset'],
      activated: raised['activated'],
    })

    const ledger = new Ledger()
    await consumer.message(
      (topic, text) => topic === `${base}/event` && text.includes('"alarm.returned"'),
    )
    const last = json(
      await consumer.message(
        (topic, text) =>
          topic === `${base}/readings` && Number(json(text)['first']) > Number(returned['seq']),
      ),
    )
    for (const { topic, text } of consumer.messages)
      if (/\/(readings|event)$/.test(topic)) ledger.take(text)
    expect(ledger.faults).toEqual([])
    expect(ledger.missing().filter((seq) => seq < Number(last['first']))).toEqual([])
    expect(ledger.coverageFaults({ 't-1': 1000, 't-2': 1000 })).toEqual([])
    expect(ledger.ofType('system.started').map((event) => event['unclean'])).toEqual([false, true])
    expect(ledger.ofPoint('t-2').find(({ q }) => q === 'good')?.v).toBe(20.125)
  })

  it('URS-54 URS-68 SIGHUP applies a valid file, refuses an invalid one, and loses no slot', async () => {
    const agent = await run()
    await consumer.message(
      (topic, text) => topic === `${base}/readings` && text.includes('"p":"t-1"'),
    )
    site.write({ ...siteConfiguration(spec()), nonsense: true })
    agent.child.kill('SIGHUP')
    await agent.line(/nonsense/)
    await consumer.message(
      (topic, text) =>
        topic === `${base}/alarm/system.config_rejected` && text.includes('"unacknowledged"'),
    )

    const changed = spec()
    const [instrument] = changed.instruments
    const more = {
      ...instrument,
      points: [...(instrument?.points ?? []), { id: 't-3', signal: 's1', interval: '1s' }],
    }
    site.write(
      siteConfiguration({ ...changed, instruments: [more as SiteSpec['instruments'][number]] }),
    )
    agent.child.kill('SIGHUP')
    await consumer.message(
      (topic, text) => topic === `${base}/readings` && text.includes('"p":"t-3"'),
    )
    await consumer.message(
      (topic, text) =>
        topic === `${base}/alarm/system.config_rejected` && text.includes('rtn_unacknowledged'),
    )
    const ledger = new Ledger()
    for (const { topic, text } of consumer.messages)
      if (/\/(readings|event)$/.test(topic)) ledger.take(text)
    expect(ledger.faults).toEqual([])
    expect(ledger.coverageFaults({ 't-1': 1000, 't-2': 1000, 't-3': 1000 })).toEqual([])
    expect(await agent.stop('SIGTERM')).toBe(0)
    const gone = json(
      await consumer.message(
        (topic, text) => topic === `${base}/status` && text.includes('"online":false'),
      ),
    )
    expect(gone).toMatchObject({ v: 1, online: false })
  })

  it('a second instance on the same data directory is refused with exit code 75', async () => {
    await run()
    const second = await agentCommand(['run', '--config', site.config])
    expect(second.code).toBe(75)
    expect(second.stderr).toMatch(/another|holds/)
  })
})
