// Seven days without a broker, 40 points every 10 s: the journal of that time is written by the store itself, the agent started
// on it, and the backlog drained over a way of 50 ms there and back, while new alarms arise (issue: faults.md NE1, URS-48, URS-57).

import path from 'node:path'
import mqtt from 'mqtt'
import type { JournalRecord } from '#core/record.ts'
import { DAY, type Millis, SECOND } from '#core/time.ts'
import { silentLog } from '#ports/log.ts'
import { openStore } from '../agent/store/sqlite-store.ts'
import { ToxicProxy } from '../test/support/toxic-proxy.ts'
import {
  type Devices,
  freePort,
  rssMb,
  seconds,
  startAgent,
  startBroker,
  stopProcess,
  writeConfiguration,
} from './rig.ts'

const UNITS = 10
const POINTS_EACH = 4
const INTERVAL_MS = 10 * SECOND
/** Slots in one commit of the journal that stands for the outage: it says nothing about writing, only about draining. */
const SLOTS_A_COMMIT = 50
const ONE_WAY_MS = 25

export interface Outage {
  readonly rows: number
  readonly fillSeconds: number
  /** From the connection to the newest record at the subscriber. */
  readonly drainSeconds: number
  /** From the activation to the retained state at the subscriber, of alarms that rose meanwhile, ms, ascending. */
  readonly alarms: readonly number[]
  readonly rssMb: number
}

/** Writes what `days` without a broker leave behind, up to now. Returns the number of readings. */
async function fill(dataDir: string, days: number): Promise<number> {
  const end = Math.floor(Date.now() / INTERVAL_MS) * INTERVAL_MS
  let wall = end - days * DAY
  const mono = (): Millis => wall - (end - days * DAY)
  const store = await openStore({
    ...{ dataDir, origin: 'instrument', log: silentLog, bootId: 'outage' },
    wall: () => wall,
    now: () => ({ wall, mono: mono() }),
    newEpoch: () => '01JD3Z8Q5K',
  })
  let first = 1
  while (wall < end) {
    const records: JournalRecord[] = []
    for (let slot = 0; slot < SLOTS_A_COMMIT && wall < end; slot++, wall += INTERVAL_MS)
      for (let unit = 1; unit <= UNITS; unit++)
        for (let index = 0; index < POINTS_EACH; index++)
          records.push({
            kind: 'reading',
            reading: {
              ...{ point: `d${unit}-${index}`, t: wall, a: 40 + index, q: 'good' },
              v: 20 + Math.sin(wall / 1e6 + unit) + index / 10,
              raw: new Uint8Array(4),
            },
          })
    const at = { wall: wall - 1, mono: mono() }
    await store.commit({ at, bootId: 'outage', tb: 0, first, records, state: [] })
    first += records.length
  }
  await store.close()
  return first - 1
}

/** Drains `days` of outage and measures. */
export async function measureOutage(devices: Devices, days: number): Promise<Outage> {
  const port = await freePort()
  const broker = await startBroker(port)
  const way = await ToxicProxy.start(port, 1)
  way.set({ latencyMs: ONE_WAY_MS })
  const config = writeConfiguration({
    ...{ modbusPort: devices.port, brokerUrl: `mqtt://127.0.0.1:${way.port}` },
    ...{ devices: UNITS, points: POINTS_EACH, interval: '10s', limits: true },
  })
  const begun = performance.now()
  const rows = await fill(path.join(path.dirname(config), 'data'), days)
  const fillSeconds = (performance.now() - begun) / 1000

  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 })
  const alarms: number[] = []
  let through = 0
  let drained: (at: number) => void = () => {}
  const done = new Promise<number>((resolve) => {
    drained = resolve
  })
  client.on('message', (topic, payload) => {
    const message = JSON.parse(payload.toString())
    if (topic.endsWith('/readings')) {
      if (message.prev <= through) through = Math.max(through, message.last)
      if (through >= rows) drained(performance.now())
    } else if (message.state === 'unacknowledged' && message.class === 'action')
      alarms.push(Date.now() - message.activated)
  })
  const base = 'cr/v1/bench/bench/gw'
  await client.subscribeAsync([`${base}/readings`, `${base}/event`, `${base}/alarm/+`], { qos: 1 })
  const agent = await startAgent(config)
  const started = performance.now()
  let unit = 0
  const raising = setInterval(() => {
    if (unit < UNITS) devices.set(++unit, 200)
  }, 3000)
  const drainSeconds = ((await done) - started) / 1000
  clearInterval(raising)
  const memory = rssMb(agent.child.pid ?? 0)
  if (alarms.length === 0) await seconds(INTERVAL_MS / 1000)
  for (let each = 1; each <= UNITS; each++) devices.set(each, 10)
  await stopProcess(agent)
  await client.endAsync(true)
  await way.stop()
  await stopProcess(broker)
  return { rows, fillSeconds, drainSeconds, alarms: alarms.sort((a, b) => a - b), rssMb: memory }
}
