// The uplink against a real Mosquitto: killed under traffic, denying, with TLS, with a backlog, with a rival.

import { spawn } from 'node:child_process'
import path from 'node:path'
import { connect } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { event, readings } from '../../support/memory-store.ts'
import { type Mosquitto, mosquitto, noMosquitto } from '../../support/mosquitto.ts'
import { type Consumer, referenceConsumer } from '../../support/reference-consumer.ts'
import { noOpenssl, testPki } from '../../support/test-pki.ts'
import { until } from '../../support/until.ts'
import { type LiveUplink, liveUplink } from '../../support/uplink-live.ts'
import { BASE, EPOCH } from '../../support/uplink-rig.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(...configuration: Parameters<typeof mosquitto>): Promise<Mosquitto> {
  const broker = await mosquitto(...configuration)
  closing.push(() => broker.close())
  await broker.start()
  return broker
}

async function consume(
  broker: Mosquitto,
  options: Parameters<typeof referenceConsumer>[2] = {},
): Promise<Consumer> {
  const consumer = await referenceConsumer(`mqtt://127.0.0.1:${broker.port}`, BASE, options)
  closing.push(() => consumer.close())
  return consumer
}

function publish(broker: Mosquitto, consumers: readonly string[] = []): LiveUplink {
  const live = liveUplink({ url: `mqtt://127.0.0.1:${broker.port}`, consumers })
  closing.push(() => live.uplink.stop('stopped', 500))
  return live
}

const sequence = (length: number): number[] => Array.from({ length }, (_, index) => index + 1)

describe.skipIf(noMosquitto)('URS-48 against Mosquitto', () => {
  it('killed (SIGKILL, nothing persisted) and restarted ten times under traffic: no record is lost', async () => {
    const broker = await start()
    const consumer = await consume(broker)
    const live = publish(broker)
    live.uplink.start()
    let rows = 0
    const traffic = setInterval(() => {
      live.commit(readings(200, rows))
      rows += 200
    }, 20)
    closing.push(async () => clearInterval(traffic))
    for (let time = 0; time < 10; time++) {
      const before = live.uplink.state().sent.readings
      await until('readings flow', () => live.uplink.state().sent.readings > before + 400)
      await broker.kill()
      await broker.start()
    }
    clearInterval(traffic)
    await until('all is here', () => consumer.through === rows, 40_000)
    expect([...consumer.readings.keys()].sort((a, b) => a - b)).toEqual(sequence(rows))
    expect(consumer.faults).toEqual([])
    expect(live.noticesOf('takeover')).toEqual([])
    expect(live.noticesOf('rejected')).toEqual([])
  })

  it('NE1 a backlog of 120,000 records drains in order while a new alarm and its event arrive within 2 s', async () => {
    const broker = await start()
    const consumer = await consume(broker)
    const live = publish(broker)
    live.commit(readings(120_000))
    live.uplink.start()
    await until('the backlog drains', () => consumer.through > 5000)
    const before = performance.now()
    live.uplink.alarmStates([{ alarm: 'b101-dp.action_low', payload: '{"v":1,"rev":1}' }])
    live.commit([event('alarm.activated')])
    await until('both are here', () => {
      return consumer.events.size === 1 && consumer.retained.has('alarm/b101-dp.action_low')
    })
    const latency = performance.now() - before
    expect(consumer.through).toBeLessThan(120_000)
    expect(latency).toBeLessThan(2000)
    await until('the backlog is drained', () => consumer.through === 120_000, 60_000)
    const firsts = consumer.arrivals
      .filter(({ leaf }) => leaf === 'readings')
      .map(({ first }) => first)
    expect(firsts).toEqual([...firsts].sort((a, b) => a - b))
    expect(consumer.duplicates).toBe(0)
    expect(consumer.readings.size).toBe(120_000)
  })

  it('a consumer that comes late gets everything: 0x10 moved no cursor', async () => {
    const broker = await start()
    const live = publish(broker)
    live.commit([...readings(500), event()])
    live.uplink.start()
    await until('nobody listens', () => live.noticesOf('no_subscriber').length === 1)
    expect(live.uplink.state().sent).toEqual({ readings: 0, event: 0 })
    const consumer = await consume(broker)
    await until('all is here', () => consumer.through === 500 && consumer.events.size === 1, 20_000)
    expect(live.noticesOf('no_subscriber').map(({ active }) => active)).toEqual([true, false])
  })
})

describe.skipIf(noMosquitto)('NE9 access rules of Mosquitto', () => {
  it('readings denied: held and reported, alarms and events go on, and nothing is missing once allowed', async () => {
    const rules = (readingsToo: boolean) =>
      [
        `topic read ${BASE}#`,
        ...['status', 'meta', 'event', 'alarm/#', 'reply/#'].map(
          (leaf) => `topic write ${BASE}${leaf}`,
        ),
        ...(readingsToo ? [`topic write ${BASE}readings`] : []),
        '',
      ].join('\n')
    const broker = await mosquitto((directory, port) => [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      `acl_file ${directory}/acl`,
    ])
    closing.push(() => broker.close())
    broker.file('acl', rules(false))
    await broker.start()
    const consumer = await consume(broker)
    const live = publish(broker)
    live.commit([...readings(500), event()])
    live.uplink.alarmStates([{ alarm: 'b101-dp.gap', payload: '{"v":1}' }])
    live.uplink.start()
    await until('it is reported', () => live.noticesOf('rejected').length === 1)
    expect(live.noticesOf('rejected')).toMatchObject([
      { stream: 'readings', first: 1, reasonCode: 0x87, held: true },
    ])
    await until('the event is here', () => consumer.events.size === 1)
    expect(consumer.retained.has('alarm/b101-dp.gap')).toBe(true)
    broker.file('acl', rules(true))
    broker.reload()
    await until('all is here', () => consumer.through === 500, 30_000)
    await until('and known to be', () => live.uplink.state().sent.readings === 500)
  })
})

describe.skipIf(noMosquitto || noOpenssl)('NE4 TLS', () => {
  const secured =
    (server: string) =>
    (directory: string, port: number): string[] => {
      const files = testPki(directory).files(server)
      return [
        `listener ${port} 127.0.0.1`,
        `cafile ${directory}/ca.pem`,
        `certfile ${files.cert}`,
        `keyfile ${files.key}`,
        'require_certificate true',
        'use_identity_as_username true',
      ]
    }
  const settings = (broker: Mosquitto, client: string | undefined) => ({
    url: `mqtts://127.0.0.1:${broker.port}`,
    consumers: [],
    caFile: path.join(broker.directory, 'ca.pem'),
    ...(client !== undefined && {
      certFile: path.join(broker.directory, `${client}.pem`),
      keyFile: path.join(broker.directory, `${client}.key`),
    }),
  })

  it('with the right names and dates on both sides: connects by client certificate', async () => {
    const broker = await start(secured('good'))
    const live = liveUplink(settings(broker, 'gw-01'))
    closing.push(() => live.uplink.stop('stopped', 500))
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected)
    expect(live.noticesOf('connected')).toEqual([{ kind: 'connected', protocolVersion: 5 }])
  })

  it.each([
    ['a certificate for another name', 'wrong-name', 'gw-01', /altnames|does not match/i],
    ['an expired certificate', 'expired', 'gw-01', /expired/i],
    ['a certificate that is not valid yet', 'not-yet', 'gw-01', /not yet valid/i],
    ['an expired client certificate', 'good', 'gw-01-expired', /expired/i],
    ['no client certificate', 'good', undefined, /certificate/i],
  ])('%s: refused in words, and never tried in the clear', async (_name, server, client, cause) => {
    const broker = await start(secured(server))
    const live = liveUplink(settings(broker, client))
    closing.push(() => live.uplink.stop('stopped', 500))
    live.uplink.start()
    await until('it has failed', () => live.uplink.state().lastError !== undefined)
    expect(live.uplink.state()).toMatchObject({
      connected: false,
      lastError: expect.stringMatching(cause),
    })
    expect(live.noticesOf('connected')).toEqual([])
  })

  it('a missing secret file: said in words, tried again', async () => {
    const broker = await start(secured('good'))
    const live = liveUplink({ ...settings(broker, 'gw-01'), keyFile: '/nowhere/gw-01.key' })
    closing.push(() => live.uplink.stop('stopped', 500))
    live.uplink.start()
    expect(live.uplink.state().lastError).toMatch(/cannot read mqtt.keyFile \/nowhere/)
  })
})

describe.skipIf(noMosquitto)('URS-70 retained state', () => {
  it('is rewritten after the broker came back empty (NE12), and forgotten where an alarm ceased', async () => {
    const broker = await start()
    const live = publish(broker)
    live.uplink.meta('{"v":1,"points":[]}')
    live.uplink.alarmStates([
      { alarm: 'a.gap', payload: '{"v":1,"rev":3}' },
      { alarm: 'b.gap', payload: '{"v":1,"rev":1}' },
    ])
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected)
    await broker.kill()
    await broker.start()
    live.uplink.alarmStates([{ alarm: 'b.gap', payload: '' }])
    await until('connected again', () => live.noticesOf('connected').length === 2)
    const consumer = await consume(broker)
    await until('all states are there', () => consumer.retained.size >= 3)
    expect(consumer.retained.get('alarm/a.gap')).toBe('{"v":1,"rev":3}')
    expect(consumer.retained.get('meta')).toBe('{"v":1,"points":[]}')
    expect(consumer.retained.get('alarm/b.gap') ?? '').toBe('')
    expect(JSON.parse(consumer.retained.get('status') ?? '')).toMatchObject({
      online: true,
      reason: 'reconnected',
      epoch: EPOCH,
    })
  })

  it('says online:false within seconds of the process being killed', async () => {
    const broker = await start()
    const consumer = await consume(broker)
    const child = spawn(
      process.execPath,
      [path.join(import.meta.dirname, '../../support/uplink-process.ts'), String(broker.port)],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    closing.push(async () => void child.kill('SIGKILL'))
    const online = () => JSON.parse(consumer.retained.get('status') ?? '{}') as { online?: boolean }
    await until('it is online', () => online().online === true)
    child.kill('SIGKILL')
    await until('it is offline', () => online().online === false)
    expect(online()).toMatchObject({ reason: 'connection_lost', epoch: EPOCH })
  })

  it('says online:false with the reason on a clean stop, and the will stays silent', async () => {
    const broker = await start()
    const consumer = await consume(broker)
    const live = publish(broker)
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected)
    await live.uplink.stop('stopped', 2000)
    await until('it is offline', () => /"online":false/.test(consumer.retained.get('status') ?? ''))
    expect(JSON.parse(consumer.retained.get('status') ?? '')).toMatchObject({ reason: 'stopped' })
  })
})

describe.skipIf(noMosquitto)('inbound over Mosquitto', () => {
  it('a command published with RETAIN is known as such at once, a plain one as plain', async () => {
    const broker = await start()
    const consumer = await consume(broker, { name: 'jdoe' })
    const live = publish(broker)
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected)
    await until('subscribed', () => {
      consumer.publish('cmd/ack/jdoe', { v: 1, id: 'plain' })
      return live.noticesOf('command').length > 0
    })
    consumer.publish('cmd/ack/jdoe', { v: 1, id: 'kept' }, { retain: true })
    await until('it is here', () =>
      live.noticesOf('command').some(({ command }) => command.retained),
    )
    expect(live.noticesOf('command')[0]?.command).toMatchObject({ user: 'jdoe', retained: false })
    expect(live.noticesOf('command').at(-1)?.command.payload).toEqual({ v: 1, id: 'kept' })
  })

  it('confirm and replay work as documented', async () => {
    const broker = await start()
    const consumer = await consume(broker)
    const live = publish(broker, ['historian'])
    live.commit(readings(1000))
    live.uplink.start()
    await until('all is here', () => consumer.through === 1000)
    consumer.publish(
      'confirm/readings/historian',
      { v: 1, epoch: EPOCH, through: 1000 },
      { retain: true },
    )
    await until('it is confirmed', () => live.noticesOf('confirm').length === 1)
    const order = {
      v: 1,
      id: 'r1',
      aud: 'gw-01',
      by: 'historian',
      stream: 'readings',
      epoch: EPOCH,
    }
    consumer.publish('cmd/replay/historian', { ...order, from: 1, to: 1000 })
    await until('it is done', () => consumer.retained.has('reply/historian'))
    expect(JSON.parse(consumer.retained.get('reply/historian') ?? '')).toMatchObject({
      id: 'r1',
      ok: true,
      code: 'done',
      records: 1000,
    })
    await until('all came twice', () => consumer.duplicates === 1000)
    expect(consumer.faults).toEqual([])
  })

  it('NE5 a second client with this id: told once, and not fought with', async () => {
    const broker = await start()
    const live = publish(broker)
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected)
    const rival = connect(`mqtt://127.0.0.1:${broker.port}`, {
      clientId: 'cr-lombardia-milano-cf-gw-01',
      protocolVersion: 5,
      reconnectPeriod: 100,
    })
    rival.on('error', () => {})
    closing.push(() => rival.endAsync(true))
    // Mosquitto 2.0 does not say why it hangs up (no DISCONNECT 0x8E): sessions that are thrown out one by one do.
    await until('it is told', () => live.noticesOf('takeover').length === 1, 20_000)
    expect(live.noticesOf('connected').length).toBeGreaterThanOrEqual(3)
  })
})
