// Each trap of MQTT.js (design messaging.md §0, §3.2) against a broker that does exactly what springs it.

import { afterEach, describe, expect, it } from 'vitest'
import { event, readings } from '../../support/memory-store.ts'
import { type Script, type ScriptedBroker, scriptedBroker } from '../../support/scripted-broker.ts'
import { until } from '../../support/until.ts'
import { type LiveUplink, liveUplink } from '../../support/uplink-live.ts'
import { BASE, EPOCH } from '../../support/uplink-rig.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function rig(
  script: Script,
  consumers: readonly string[] = [],
): Promise<{ broker: ScriptedBroker; live: LiveUplink }> {
  const broker = await scriptedBroker(script)
  closing.push(() => broker.close())
  const live = liveUplink({ url: broker.url, consumers })
  closing.push(() => live.uplink.stop('stopped', 100))
  return { broker, live }
}

const leaf = (topic: string): string => topic.slice(BASE.length)

describe('MQTT.js on a connection', () => {
  it('NE3 ignores the server’s Receive Maximum; the uplink honours it', async () => {
    const { broker, live } = await rig({
      connack: () => ({ properties: { receiveMaximum: 5 } }),
      delayMs: 5,
    })
    live.commit([...readings(3000), event()])
    live.uplink.start()
    await until('all is sent', () => live.uplink.state().sent.readings === 3000)
    expect(broker.unansweredMax).toBeLessThanOrEqual(5)
    expect(broker.unansweredMax).toBeGreaterThanOrEqual(4)
  })

  it('reports PUBACK 0x10 as success; the uplink does not take it for delivery', async () => {
    let listening = false
    const { live } = await rig({
      puback: ({ topic }) => (leaf(topic) === 'readings' && !listening ? 0x10 : 0),
    })
    live.commit(readings(300))
    live.uplink.start()
    await until('nobody listens', () => live.noticesOf('no_subscriber').length === 1)
    expect(live.uplink.state().sent.readings).toBe(0)
    listening = true
    await until('all is sent', () => live.uplink.state().sent.readings === 300)
    expect(live.noticesOf('no_subscriber').map(({ active }) => active)).toEqual([true, false])
  })

  it('gives up after a CONNACK error; the uplink tries again (0x88)', async () => {
    const { broker, live } = await rig({
      connack: (_, session) => (session < 3 ? { reasonCode: 0x88 } : {}),
    })
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected, 20_000)
    expect(broker.sessions.length).toBe(4)
    expect(live.noticesOf('connected')).toEqual([{ kind: 'connected', protocolVersion: 5 }])
  })

  it('replays its own store one by one before it says `connect`; here nothing is replayed, all is cut anew', async () => {
    const { broker, live } = await rig({
      puback: ({ topic }, { session }) =>
        session === 0 && leaf(topic) === 'readings' ? undefined : 0,
    })
    live.commit(readings(250))
    live.uplink.start()
    const inFlight = () => broker.publishes.filter(({ topic }) => leaf(topic) === 'readings')
    await until('readings are in flight', () => inFlight().length > 0)
    const [lost] = inFlight()
    broker.peers[0]?.socket.destroy()
    await until('all is sent', () => live.uplink.state().sent.readings === 250)
    const second = broker.publishes.filter(({ session }) => session === 1)
    expect(second.map(({ topic }) => leaf(topic)).slice(0, 2)).toEqual(['status', 'readings'])
    expect(second.every(({ dup }) => !dup)).toBe(true)
    const records = (text: string | undefined) => text?.slice(text.indexOf('"readings":['))
    expect(records(second[1]?.text)).toBe(records(lost?.text))
    expect(second.filter(({ topic }) => leaf(topic) === 'readings')).toHaveLength(3)
  })

  it('loses what is published while offline; the uplink publishes nothing then, and loses nothing', async () => {
    const { broker, live } = await rig({})
    for (let batch = 0; batch < 70; batch++) live.commit(readings(1000, batch * 1000))
    expect(broker.publishes).toEqual([])
    live.uplink.start()
    await until('all is sent', () => live.uplink.state().sent.readings === 70_000, 30_000)
    const numbers = broker.publishes
      .filter(({ topic }) => leaf(topic) === 'readings')
      .map(({ text }) => JSON.parse(text) as { prev: number; first: number; last: number })
    expect(numbers).toHaveLength(700)
    expect(numbers.every(({ prev }, index) => prev === (numbers[index - 1]?.last ?? 0))).toBe(true)
  })

  it('acknowledges a message that arrives with the CONNACK before anybody listens; here it is seen', async () => {
    const { live, broker } = await rig({
      beside: () => [
        {
          cmd: 'publish',
          topic: `${BASE}cmd/ack/jdoe`,
          payload: '{"v":1,"id":"early"}',
          qos: 1,
          messageId: 77,
          dup: false,
          retain: false,
        },
      ],
    })
    live.uplink.start()
    await until('the command is seen', () => live.noticesOf('command').length === 1)
    await until('and acknowledged', () =>
      broker.sessions.some((packets) =>
        packets.some(({ cmd, messageId }) => cmd === 'puback' && messageId === 77),
      ),
    )
  })

  it('never settles promises of outstanding messages at its end; stopping takes no longer than allowed', async () => {
    const { live } = await rig({ puback: () => undefined })
    live.commit(readings(10))
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected)
    const before = performance.now()
    await live.uplink.stop('stopped', 500)
    expect(performance.now() - before).toBeLessThan(1500)
  })

  it('surfaces no reason when another client takes the session; here it is told (0x8E)', async () => {
    const { broker, live } = await rig({})
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected)
    broker.peers[0]?.send({ cmd: 'disconnect', reasonCode: 0x8e })
    broker.peers[0]?.socket.end()
    await until('it is told', () => live.noticesOf('takeover').length === 1)
    expect(live.noticesOf('disconnected')[0]?.cause).toMatch(/another client/)
  })

  it('is wedged by a message that is never answered; here the connection is given up and another one made', async () => {
    const { broker, live } = await rig({
      connack: () => ({ properties: { maximumPacketSize: 4000 } }),
    })
    live.commit([...readings(200), event('note', { text: 'x'.repeat(5000) }), event()])
    live.uplink.start()
    await until('all that fits is sent', () => {
      const { sent } = live.uplink.state()
      return sent.readings === 200 && sent.event === 202
    })
    expect(broker.sessions).toHaveLength(1)
    expect(live.noticesOf('rejected')).toMatchObject([{ stream: 'event', first: 201, last: 201 }])
  })

  it('says goodbye with DISCONNECT, so that the will is discarded, after status online:false', async () => {
    const { broker, live } = await rig({})
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected)
    await live.uplink.stop('maintenance', 2000)
    await until(
      'the DISCONNECT has arrived',
      () => broker.sessions[0]?.at(-1)?.cmd === 'disconnect',
    )
    const last = broker.publishes.at(-1)
    expect(leaf(last?.topic ?? '')).toBe('status')
    expect(JSON.parse(last?.text ?? '')).toMatchObject({ online: false, reason: 'maintenance' })
  })

  it('connects as the contract says: id, will with delay, session kept 5 min, own limits', async () => {
    const { broker, live } = await rig({})
    live.uplink.start()
    await until('connected', () => live.uplink.state().connected)
    expect(broker.sessions[0]?.[0]).toMatchObject({
      cmd: 'connect',
      protocolVersion: 5,
      clientId: 'cr-lombardia-milano-cf-gw-01',
      clean: false,
      keepalive: 20,
      properties: { sessionExpiryInterval: 300, receiveMaximum: 20 },
      will: { topic: `${BASE}status`, qos: 1, retain: true, properties: { willDelayInterval: 5 } },
    })
    const will = (broker.sessions[0]?.[0] as { will?: { payload: Buffer } } | undefined)?.will
    expect(JSON.parse(String(will?.payload))).toMatchObject({ online: false, epoch: EPOCH })
    await until(
      'subscribed',
      () => broker.sessions[0]?.some(({ cmd }) => cmd === 'subscribe') === true,
    )
    expect(broker.sessions[0]?.find(({ cmd }) => cmd === 'subscribe')).toMatchObject({
      subscriptions: [
        { topic: `${BASE}status`, qos: 0, nl: true },
        { topic: `${BASE}cmd/+/+`, qos: 1, rap: true },
        { topic: `${BASE}confirm/+/+`, qos: 1, rap: false },
      ],
    })
  })
})
