// The daemon between bad networks: before Modbus TCP, before a converter (RTU over TCP) and before a broker with TLS. Each value
// says when and by whom it was measured, so that a wrong or a stale one marked good cannot hide. `TOXIC_S=600 SEED=7` goes on longer.

import path from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Random, seededRandom } from '#core/random.ts'
import { rtu } from '../../support/fake-wire.ts'
import { Ledger, type LedgerRecord } from '../../support/ledger.ts'
import { adu, ModbusServer, type ServerUnit } from '../../support/modbus-server.ts'
import {
  available,
  freePort,
  removeDirectory,
  startAgent,
  startConsumer,
  startMosquitto,
} from '../../support/processes.ts'
import { RtuServer } from '../../support/rtu-server.ts'
import { addressOf, siteConfiguration, writeSite } from '../../support/site.ts'
import { noOpenssl, testPki } from '../../support/test-pki.ts'
import { type Tally, ToxicProxy, type Toxics } from '../../support/toxic-proxy.ts'

const SECONDS = Number(process.env['TOXIC_S'] ?? 8)
const SEED = Number(process.env['SEED'] ?? 20_261_125)
const INTERVAL_MS = 250
/** How exactly a value tells when it was measured, and how many of these fit before it begins again. */
const TICK_MS = 10
const TICKS = 100_000
const runsHere = available('mosquitto') && !noOpenssl

const ended: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

const holder = (unit: number, address: number): number => unit * 8 + address / 2
const tick = (ms: number): number => Math.floor(ms / TICK_MS) % TICKS

/** A value that only register `address` of `unit` holds, and only now. Exact in an f32 below 2²⁴. */
const measuredAt = (unit: number, address: number, ms: number): number =>
  holder(unit, address) * TICKS + tick(ms)

function measure(unit: ServerUnit, unitId: number, address: number, quantity: number): void {
  for (let at = address; at < address + quantity; at += 2)
    unit.setF32(4, at, measuredAt(unitId, at, Date.now()))
}

/** Instruments behind Modbus TCP: whatever is asked for is measured at that moment. */
async function tcpInstruments(): Promise<ModbusServer> {
  const server = await ModbusServer.start()
  ended.push(() => server.stop())
  server.behaviour = ({ unitId, functionCode, address, quantity, transactionId, socket }) => {
    measure(server.unit(unitId), unitId, address, quantity)
    const pdu = server.unit(unitId).answer(functionCode, address, quantity)
    socket.write(adu(transactionId, unitId, pdu))
  }
  return server
}

async function lineInstruments(): Promise<RtuServer> {
  const server = await RtuServer.start()
  ended.push(() => server.stop())
  for (const unitId of [3, 4]) server.unit(unitId)
  server.behaviour = ({ unitId, functionCode, address, quantity, socket }) => {
    measure(server.unit(unitId), unitId, address, quantity)
    socket.write(rtu(unitId, server.unit(unitId).answer(functionCode, address, quantity)))
  }
  return server
}

async function proxy(target: number, seed: number): Promise<ToxicProxy> {
  const started = await ToxicProxy.start(target, seed)
  ended.push(() => started.stop())
  return started
}

/** One kind of weather after the other, at random: what is the case on a network for up to a second. */
const WEATHERS: readonly Toxics[] = [
  { latencyMs: 60, jitterMs: 400 },
  { slice: 3, jitterMs: 8 },
  { bytesPerS: 400, slice: 40 },
  { blackhole: true },
  { reset: 0.2 },
  { refuse: true, reset: 1 },
  {},
]
/** The latest that a reply comes here is 1.4 s: one way late and held, and the other. `lateReply` of the converter allows for it. */
const NOISY: readonly Toxics[] = [...WEATHERS, { flip: 0.3 }, { flip: 0.1, slice: 4 }]

/** Modbus TCP has no checksum of its own and believes that of TCP: bits flip before the converter and inside TLS only. */
async function badWeather(
  networks: readonly { proxy: ToxicProxy; weathers: readonly Toxics[] }[],
  random: Random,
): Promise<void> {
  const until = performance.now() + SECONDS * 1000
  let turn = 0
  while (performance.now() < until) {
    const { proxy: network, weathers } = networks[turn % networks.length] as (typeof networks)[0]
    const round = Math.floor(turn / networks.length)
    // Each kind once for certain, afterwards as it comes.
    const kind = round < weathers.length ? round : Math.floor(random() * weathers.length)
    const weather = weathers[kind] ?? {}
    network.set(weather)
    if (weather.reset !== undefined) network.resetAll()
    turn++
    await new Promise((resolve) => setTimeout(resolve, 150 + random() * 250))
  }
  for (const { proxy: network } of networks) network.set({})
}

const SOURCES = {
  'a-0': [1, 's0'],
  'a-1': [1, 's1'],
  'a-5': [1, 's5'],
  'b-0': [2, 's0'],
  'c-0': [3, 's0'],
  'c-1': [3, 's1'],
  'd-0': [4, 's0'],
} as const

/** A good value was held by its unit, in its register, between the slot's begin and the arrival of the reply. */
function wrongValues(ledger: Ledger): LedgerRecord[] {
  return Object.entries(SOURCES).flatMap(([point, [unitId, signal]]) =>
    ledger.ofPoint(point).filter(({ q, v = 0, t, a = 0 }) => {
      if (q === 'bad') return false
      const itsOwn = Math.floor(v / TICKS) === holder(unitId, addressOf(signal))
      // From a tick after the arrival on backwards, over the end of the ticks.
      const age = ((tick(t + a) + 1 - (v % TICKS) + TICKS) % TICKS) * TICK_MS
      return !itsOwn || age > a + 2 * TICK_MS
    }),
  )
}

/** A network that was never bad proves nothing. */
function expectWeather(networks: readonly ToxicProxy[], ledger: Ledger): void {
  const sum = (key: keyof Tally) => networks.reduce((all, { tally }) => all + tally[key], 0)
  for (const key of ['flipped', 'reset', 'refused', 'held'] as const)
    expect([key, sum(key)]).not.toEqual([key, 0])
  for (const { tally } of networks) expect(tally.connections).toBeGreaterThan(1)
  const reasons = new Set([...ledger.readings.values()].map(({ qc }) => qc))
  for (const reason of ['timeout', 'parked', 'disconnected']) expect(reasons).toContain(reason)
}

it.skipIf(!runsHere)(
  `URS-01 URS-10 URS-11 URS-48 FB2 FB3 FB11 FB17 NE2 NE3 NE6 NE11 ${SECONDS} s of bad networks on every side: no value wrong, nothing lost (needs mosquitto, openssl)`,
  { timeout: SECONDS * 1000 + 90_000 },
  async () => {
    const tcp = await tcpInstruments()
    const line = await lineInstruments()
    const site = writeSite({ buses: [], instruments: [] })
    ended.push(() => removeDirectory(site.directory))
    const pki = testPki(site.directory)
    const open = await freePort()
    const secured = await freePort()
    const broker = await startMosquitto(path.join(site.directory, 'broker'), open, [
      'user root',
      `listener ${secured} 127.0.0.1`,
      `cafile ${pki.ca}`,
      `certfile ${pki.files('good').cert}`,
      `keyfile ${pki.files('good').key}`,
      'require_certificate true',
    ])
    ended.push(() => broker.stop())
    const toTcp = await proxy(tcp.port, SEED)
    const toLine = await proxy(line.port, SEED + 1)
    const toBroker = await proxy(secured, SEED + 2)
    const point = (id: keyof typeof SOURCES) => ({
      ...{ id, signal: SOURCES[id][1], interval: `${INTERVAL_MS}ms`, zone: 'room-c' },
    })
    const bus = { timeout: '150ms', retries: 1 }
    const spec = siteConfiguration({
      buses: [
        { ...bus, id: 'net-1', port: toTcp.port },
        {
          ...{ ...bus, id: 'conv-1', port: toLine.port },
          ...{ protocol: 'modbus-rtu-over-tcp', lateReply: '2s' },
        },
      ],
      instruments: [
        { id: 'th-a', bus: 'net-1', unitId: 1, points: [point('a-0'), point('a-1'), point('a-5')] },
        { id: 'th-b', bus: 'net-1', unitId: 2, points: [point('b-0')] },
        { id: 'th-c', bus: 'conv-1', unitId: 3, points: [point('c-0'), point('c-1')] },
        { id: 'th-d', bus: 'conv-1', unitId: 4, points: [point('d-0')] },
      ],
    })
    const { cert: certFile, key: keyFile } = pki.files('gw-01')
    const url = `mqtts://127.0.0.1:${toBroker.port}`
    site.write({ ...spec, mqtt: { url, caFile: pki.ca, certFile, keyFile } })
    const consumer = await startConsumer(broker.url, ['cr/v1/#'])
    ended.push(() => consumer.end())
    const ledger = new Ledger()
    consumer.client.on('message', (topic, payload) => {
      if (/\/(readings|event)$/.test(topic)) ledger.take(payload.toString())
    })
    const agent = await startAgent(site.config)
    ended.push(() => agent.stop('SIGKILL'))
    const goodSince = (since: number) =>
      consumer.message((topic) => {
        if (!topic.endsWith('/readings')) return false
        return Object.keys(SOURCES).every((id) =>
          ledger.ofPoint(id).some(({ q, t }) => q === 'good' && t > since),
        )
      }, 60_000)
    await goodSince(0)
    await badWeather(
      [
        { proxy: toTcp, weathers: WEATHERS },
        { proxy: toLine, weathers: NOISY },
        { proxy: toBroker, weathers: NOISY },
      ],
      seededRandom(SEED),
    )
    await goodSince(Date.now())
    expect(await agent.stop()).toBe(0)
    expect(ledger.faults).toEqual([])
    const last = Math.max(...[...ledger.readings.values()].map(({ s }) => s))
    expect(ledger.missing().filter((seq) => seq < last)).toEqual([])
    const intervals = Object.fromEntries(Object.keys(SOURCES).map((id) => [id, INTERVAL_MS]))
    expect(ledger.coverageFaults(intervals)).toEqual([])
    expect(wrongValues(ledger)).toEqual([])
    expectWeather([toTcp, toLine, toBroker], ledger)
  },
)
