// The daemon and a broker that changes its papers, forgets all it had, refuses, or takes small messages only. One daemon each,
// never restarted: it has to come through by itself.

import { cpSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { Ledger } from '../../support/ledger.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import { type Mosquitto, mosquitto, noMosquitto } from '../../support/mosquitto.ts'
import {
  agentCommand,
  type Consumer,
  freePort,
  type Running,
  removeDirectory,
  startAgent,
  startConsumer,
} from '../../support/processes.ts'
import { addressOf, type Site, siteConfiguration, writeSite } from '../../support/site.ts'
import { noOpenssl, testPki } from '../../support/test-pki.ts'
import { until } from '../../support/until.ts'

const BASE = 'cr/v1/org/site/gw-01/'
const POINTS = 6

/** A site of six points at four readings a second, one of them in alarm. */
async function plant(t: TestContext, mqtt: Readonly<Record<string, string>>): Promise<Site> {
  const server = await ModbusServer.start()
  t.onTestFinished(async () => void (await server.stop()))
  for (let index = 0; index < POINTS; index++)
    server.unit(1).setF32(4, addressOf(`s${index}`), index === 0 ? 30 : 20 + index)
  const site = writeSite({ buses: [], instruments: [] })
  t.onTestFinished(async () => void (await removeDirectory(site.directory)))
  const limits = { actionHigh: 28, justification: 'SURVIVAL' }
  const spec = siteConfiguration({
    buses: [{ id: 'net-1', port: server.port }],
    instruments: [
      {
        ...{ id: 'th-1', bus: 'net-1', unitId: 1 },
        points: Array.from({ length: POINTS }, (_, index) => ({
          ...{ id: `p-${index}`, signal: `s${index}`, zone: 'room-c', interval: '250ms', limits },
        })),
      },
    ],
  })
  site.write({ ...spec, mqtt })
  return site
}

async function run(t: TestContext, site: Site): Promise<Running> {
  const agent = await startAgent(site.config)
  t.onTestFinished(async () => void (await agent.stop('SIGKILL')))
  return agent
}

async function broker(
  t: TestContext,
  ...configuration: Parameters<typeof mosquitto>
): Promise<Mosquitto> {
  const made = await mosquitto(...configuration)
  t.onTestFinished(async () => void (await made.close()))
  return made
}

interface Account {
  readonly consumer: Consumer
  readonly ledger: Ledger
}

async function account(t: TestContext, port: number, name = 'test-consumer'): Promise<Account> {
  const ledger = new Ledger()
  const consumer = await startConsumer(`mqtt://127.0.0.1:${port}`, ['cr/v1/#'], name)
  t.onTestFinished(async () => void (await consumer.end()))
  consumer.client.on('message', (topic, payload) => {
    if (/\/(readings|event)$/.test(topic)) ledger.take(payload.toString())
  })
  for (const { topic, text } of consumer.messages)
    if (/\/(readings|event)$/.test(topic)) ledger.take(text)
  return { consumer, ledger }
}

/**
 * Everything up to the newest reading has come, unchanged. A consumer that subscribes while a window is under way sees a hole until
 * what nobody heard is sent again; what stays missing is none of that.
 */
function expectWhole({ ledger }: Account, setAside: readonly number[] = []): void {
  const last = Math.max(...[...ledger.readings.values()].map(({ s }) => s))
  expect(ledger.faults.filter((fault) => !/hole/.test(fault))).toEqual([])
  expect(ledger.missing().filter((seq) => seq < last && !setAside.includes(seq))).toEqual([])
}

const alarmState = async (site: Site, alarm: string): Promise<string | undefined> => {
  const { stdout } = await agentCommand(['alarms', '--all', '--config', site.config, '--json'])
  const { alarms } = JSON.parse(stdout) as { alarms: { alarm: string; state: string }[] }
  return alarms.find((each) => each.alarm === alarm)?.state
}

describe.skipIf(noMosquitto || noOpenssl)('NE4 certificates under a running daemon', () => {
  it('URS-56 new ones of a new authority: refused in words until its own files are new, then taken without a restart', async (t) => {
    const port = await freePort()
    const made = await broker(t, (directory, plain) => [
      `listener ${plain} 127.0.0.1`,
      'allow_anonymous true',
      `listener ${port} 127.0.0.1`,
      `cafile ${directory}/papers/ca.pem`,
      `certfile ${directory}/papers/good.pem`,
      `keyfile ${directory}/papers/good.key`,
      'require_certificate true',
    ])
    const at = (name: string): string => path.join(made.directory, name)
    for (const name of ['first', 'second']) {
      mkdirSync(at(name))
      testPki(at(name))
    }
    const hand = (set: string, to: string) => cpSync(at(set), at(to), { recursive: true })
    hand('first', 'papers')
    hand('first', 'ours')
    const site = await plant(t, {
      url: `mqtts://127.0.0.1:${port}`,
      caFile: at('ours/ca.pem'),
      certFile: at('ours/gw-01.pem'),
      keyFile: at('ours/gw-01.key'),
    })
    await made.start()
    const before = await account(t, made.port)
    const agent = await run(t, site)
    await before.consumer.message((topic) => topic.endsWith('/readings'))
    // the papers of a test last for a month: that their end comes near is an alarm
    await before.consumer.message(
      (topic, text) =>
        topic.endsWith('/alarm/system.certificate_expiring') && /"unacknowledged"/.test(text),
    )
    await made.kill()
    hand('second', 'papers')
    await made.start()
    await agent.line(/certificate.*uplink_connect_failed/)
    expect(agent.lines.filter((line) => /uplink_connected/.test(line))).toHaveLength(1)
    hand('second', 'ours')
    await until(
      'it is back',
      () => agent.lines.filter((l) => /uplink_connected/.test(l)).length === 2,
    )
    const since = before.ledger.highest
    await until('readings flow', () => before.ledger.highest > since + 50)
    expectWhole(before)
    expect(await agent.stop()).toBe(0)
  })
})

describe.skipIf(noMosquitto)('a broker that forgot everything', { concurrent: true }, () => {
  it('URS-48 URS-70 NE7 NE12 is told the present again, and what it had taken and lost is replayed', async (t) => {
    const made = await broker(t)
    await made.start()
    const site = await plant(t, { url: `mqtt://127.0.0.1:${made.port}` })
    // A subscriber that keeps nothing: so that the broker takes the records, and they are gone with it.
    const witness = await account(t, made.port, 'witness')
    const agent = await run(t, site)
    await witness.consumer.message((topic) => topic === `${BASE}alarm/p-0.action_high`)
    await until('records were taken', () => witness.ledger.highest > 60)
    await witness.consumer.end()
    await made.kill()
    const lost = witness.ledger.highest
    await made.start()
    const { consumer, ledger } = await account(t, made.port, 'historian')
    await consumer.message(
      (topic, text) => topic === `${BASE}status` && text.includes('"online":true'),
    )
    await consumer.message((topic, text) => topic === `${BASE}meta` && text.includes('"p-5"'))
    const state = await consumer.message((topic) => topic === `${BASE}alarm/p-0.action_high`)
    expect(JSON.parse(state)).toMatchObject({ active: true, state: 'unacknowledged' })
    await consumer.message((topic) => topic.endsWith('/readings'))
    const { epoch } = [...witness.ledger.readings.values()][0] ?? { epoch: '' }
    for (const stream of ['readings', 'event']) {
      const order = { v: 1, id: `again-${stream}`, aud: 'gw-01', by: 'historian', stream, epoch }
      consumer.client.publish(
        `${BASE}cmd/replay/historian`,
        JSON.stringify({ ...order, from: 1, to: lost }),
        { qos: 1 },
      )
      const reply = await consumer.message((topic, text) => {
        return topic === `${BASE}reply/historian` && text.includes(`again-${stream}`)
      })
      expect(JSON.parse(reply)).toMatchObject({ ok: true, code: 'done' })
    }
    await until('all is there', () => ledger.missing().filter((seq) => seq <= lost).length === 0)
    for (const [key, record] of witness.ledger.readings)
      expect(ledger.readings.get(key)).toEqual(record)
    expect(await agent.stop()).toBe(0)
  })
})

describe.skipIf(noMosquitto)('NE9 a broker that refuses', { concurrent: true }, () => {
  it('URS-48 readings denied: alarms and events go on, it is an alarm, and nothing is missing once allowed', async (t) => {
    const leaves = ['status', 'meta', 'event', 'alarm/#', 'reply/#']
    const rules = (more: readonly string[]): string =>
      [
        'topic read #',
        ...[...leaves, ...more].map((leaf) => `topic write ${BASE}${leaf}`),
        '',
      ].join('\n')
    const made = await broker(t, (directory, port) => [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      `acl_file ${directory}/acl`,
    ])
    made.file('acl', rules([]))
    await made.start()
    const all = await account(t, made.port)
    const site = await plant(t, { url: `mqtt://127.0.0.1:${made.port}` })
    const agent = await run(t, site)
    const refused = await all.consumer.message((topic, text) => {
      return topic === `${BASE}alarm/system.uplink_rejected` && text.includes('"unacknowledged"')
    })
    expect(JSON.parse(refused)).toMatchObject({ class: 'system', active: true })
    await all.consumer.message(
      (topic, text) => topic.endsWith('/event') && text.includes('uplink.rejected'),
    )
    await all.consumer.message((topic) => topic === `${BASE}alarm/p-0.action_high`)
    expect(all.ledger.readings.size).toBe(0)
    made.file('acl', rules(['readings']))
    made.reload()
    await until('readings are here', () => all.ledger.readings.size > 100, 40_000)
    expectWhole(all)
    expect(await agent.stop()).toBe(0)
  })

  it('PE10 small messages only: cut to fit; what cannot be cut is an alarm, and the rest goes on', async (t) => {
    const made = await broker(t, (_directory, port) => [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'max_packet_size 700',
    ])
    const site = await plant(t, { url: `mqtt://127.0.0.1:${made.port}` })
    const agent = await run(t, site)
    // A backlog that would make messages of a hundred records.
    await until('it waits', () => agent.lines.length > 0)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    await made.start()
    const all = await account(t, made.port)
    await until('readings are here', () => all.ledger.readings.size > 100, 20_000)
    // frames of the flight recorder may be one event of more than the broker takes: set aside, and said with its number
    const setAside = agent.lines.flatMap((line) => {
      const { event, of, first } = line.startsWith('{') ? JSON.parse(line) : {}
      return event === 'uplink_rejected' && of === 'event' ? [first as number] : []
    })
    expectWhole(all, setAside)
    for (const { topic, text } of all.consumer.messages)
      expect(topic.length + text.length).toBeLessThanOrEqual(700)
    expect(await alarmState(site, 'system.uplink_rejected')).toBe('unacknowledged')
    expect(all.consumer.messages.some(({ topic }) => topic === `${BASE}meta`)).toBe(false)
    expect(await agent.stop()).toBe(0)
  })
})
