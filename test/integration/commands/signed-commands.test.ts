// Signed commands from a client's bytes to its reply, over real brokers: the built-in one (MQTT 3.1.1) and Mosquitto (MQTT 5).

import mqtt from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { silentLog } from '#ports/log.ts'
import type { IncomingCommand, Uplink } from '#ports/uplink.ts'
import { systemClock } from '../../../agent/runtime/system-clock.ts'
import { startEmbeddedBroker } from '../../../agent/uplink/embedded-broker.ts'
import { createUplink } from '../../../agent/uplink/mqtt-uplink.ts'
import { type CommandBox, commandBox, newDisk } from '../../support/command-box.ts'
import { ackCommand, type CommandFields, signed } from '../../support/command-signer.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { mosquitto, noMosquitto } from '../../support/mosquitto.ts'
import { until } from '../../support/until.ts'
import { BASE, EPOCH, IDENTITY } from '../../support/uplink-rig.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** An uplink of this gateway that hands commands to whatever box runs. */
async function gatewayAt(url: string): Promise<{ run(box: CommandBox): void }> {
  let running: CommandBox | undefined
  /** A broker hands out what it holds at once, before the box is there. */
  const early: IncomingCommand[] = []
  const uplink: Uplink = createUplink({
    settings: { url, consumers: [] },
    identity: IDENTITY,
    epoch: EPOCH,
    clock: systemClock(),
    random: seededRandom(7),
    log: silentLog,
    store: memoryStore(),
    cursors: { sent: { readings: 0, event: 0 }, confirmed: { readings: {}, event: {} } },
    status: () => ({
      through: 0,
      head: { seq: 0, hash: '' },
      tb: 0,
      clock: { synchronised: true, offsetMs: 0 },
    }),
    notice: (notice) => {
      if (notice.kind !== 'command') return
      if (running === undefined) early.push(notice.command)
      else running.commands.take(notice.command)
    },
  })
  uplink.start()
  closing.push(() => uplink.stop('test', 1000))
  await until('the uplink is connected', () => uplink.state().connected)
  const run = (box: CommandBox): void => {
    running = box
    box.answer = (user, payload) => uplink.reply(user, payload)
    for (const command of early.splice(0)) box.commands.take(command)
  }
  return { run }
}

/** A client of jdoe: publishes commands, keeps every reply as it came. */
async function clientAt(url: string) {
  const client = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 })
  closing.push(() => client.endAsync(true))
  const replies: string[] = []
  client.on('message', (topic, payload) => {
    if (topic === `${BASE}reply/jdoe`) replies.push(payload.toString())
  })
  await client.subscribeAsync(`${BASE}reply/jdoe`, { qos: 1 })
  const publish = async (payload: string, retain = false): Promise<Record<string, unknown>> => {
    const before = replies.length
    await client.publishAsync(`${BASE}cmd/ack/jdoe`, payload, { qos: 1, retain })
    await until('a reply', () => replies.length > before)
    return JSON.parse(replies.at(-1) ?? '') as Record<string, unknown>
  }
  return { publish, replies }
}

const ackOf = (occ: string, changes: CommandFields = {}): string => {
  const fields = { alarm: 'system.uplink_down', occ, rev: 1, reason: 'known_fault', ...changes }
  return JSON.stringify(signed(ackCommand(fields), 'jdoe'))
}

const embedded = async (): Promise<string> => {
  const broker = await startEmbeddedBroker({ port: 0 })
  closing.push(() => broker.close())
  return broker.url
}

const started = async (): Promise<string> => {
  const broker = await mosquitto()
  await broker.start()
  closing.push(() => broker.close())
  return `mqtt://127.0.0.1:${broker.port}`
}

/** Genuine, repeated, replayed, forged, unreadable; then a restart. */
async function story(url: string): Promise<void> {
  const gateway = await gatewayAt(url)
  const disk = newDisk()
  const box = commandBox(disk)
  const occ = await box.openOccurrence()
  gateway.run(box)
  const { publish, replies } = await clientAt(url)

  expect(await publish(ackOf(occ))).toMatchObject({ ok: true, code: 'acknowledged', occ, rev: 2 })
  await publish(ackOf(occ))
  expect(replies[1]).toBe(replies[0])
  expect(await publish(ackOf(occ, { comment: 'x' }))).toMatchObject({ code: 'replayed' })
  const forged = ackOf(occ, { id: 'f' }).replace('known_fault', 'door_opened')
  expect(await publish(forged)).toMatchObject({ id: 'f', code: 'bad_signature' })
  expect(await publish('{"v":1')).toMatchObject({ id: null, code: 'invalid' })
  const huge = ackOf(occ, { id: 'h', comment: 'x'.repeat(20_000) })
  expect(await publish(huge)).toMatchObject({ id: null, code: 'invalid' })

  box.loop.stop()
  const next = commandBox(disk, box.clock)
  gateway.run(next)
  await publish(ackOf(occ))
  expect(replies.at(-1)).toBe(replies[0])
  expect(next.events('alarm.acknowledged')).toHaveLength(1)
  expect(next.events('act.refused').map(({ body }) => body['code'])).toEqual([
    'replayed',
    'bad_signature',
    'invalid',
    'invalid',
  ])
}

describe('URS-33 over the built-in broker', () => {
  it('acts once, answers every time, refuses the rest, also after a restart', async () => {
    await story(await embedded())
  })
})

describe.skipIf(noMosquitto)('URS-33 over Mosquitto', () => {
  it('acts once, answers every time, refuses the rest, also after a restart', async () => {
    await story(await started())
  })

  it('refuses a retained command as it arrives, and when it is found there on connecting', async () => {
    const url = await started()
    const gateway = await gatewayAt(url)
    const box = commandBox()
    const occ = await box.openOccurrence()
    gateway.run(box)
    const { publish } = await clientAt(url)
    expect(await publish(ackOf(occ), true)).toMatchObject({
      ok: false,
      code: 'invalid',
      detail: 'a command must not be retained',
    })
    const later = await gatewayAt(url)
    later.run(box)
    await until('it is refused again', () => box.events('act.refused').length >= 2)
    expect(box.events('alarm.acknowledged')).toEqual([])
  })
})
