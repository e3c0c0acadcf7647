// The daemon beside an earlier day file that is damaged, or gone, with records that were never sent: what can be had is sent, what
// is lost is told by number before the stream goes on, and nothing stands still.

import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { segmentNames } from '../../../agent/store/segment.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import {
  available,
  freePort,
  removeDirectory,
  start,
  startConsumer,
  startMosquitto,
  temporaryDirectory,
} from '../../support/processes.ts'
import { addressOf, type Site, siteConfiguration, writeSite } from '../../support/site.ts'
import { until } from '../../support/until.ts'
import { Bench, DAY_MS, event, NOON, reading } from '../../unit/store/support.ts'

const ended: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

/** Records 1–400 in a first file, 401–800 in a second, 801–820 in a third; every eighth of the first two is an event. */
function writeDays(site: Site): void {
  const bench = new Bench(site.dataDir, { origin: 'instrument' })
  for (let n = 0; n < 100; n++) {
    const records = Array.from({ length: 8 }, (_, at) =>
      at === 7
        ? event('note', { n, text: 'y'.repeat(60) })
        : reading('old', NOON + (n * 8 + at) * 1000),
    )
    bench.commit(records, { at: { wall: NOON + (n < 50 ? 0 : DAY_MS), mono: n } })
  }
  const last = NOON + 2 * DAY_MS
  bench.commit(
    Array.from({ length: 20 }, (_, n) => reading('old', last + n * 1000)),
    { at: { wall: last, mono: 200 } },
  )
  bench.close()
}
const WRITTEN = 820

/** The first file is gone, the second has a page that cannot be read. */
function damage(site: Site): void {
  const directory = path.join(site.dataDir, 'journal')
  const [first = '', second = ''] = segmentNames(readdirSync(directory))
  rmSync(path.join(directory, first))
  const file = path.join(directory, second)
  const db = systemDisk.open(file, 'read')
  const sql = `SELECT rootpage FROM sqlite_schema WHERE name = 'event'`
  const [page] = db.prepare(sql).raw().get() as [number]
  db.close()
  const fd = openSync(file, 'r+')
  writeSync(fd, new Uint8Array(4096).fill(0xa5), 0, 4096, (page - 1) * 4096)
  closeSync(fd)
}

interface Message {
  readonly stream: string
  readonly epoch: string
  readonly prev: number
  readonly first?: number
  readonly last?: number
  readonly seq?: number
  readonly type?: string
  readonly lost?: readonly (readonly [number, number])[]
  /** Records in a message of readings, their number in an event. */
  readonly readings?: readonly { readonly s: number }[] | number
}

describe('HO6 an earlier file with unsent records', () => {
  it.skipIf(!available('mosquitto'))(
    'is not the end of its stream: the rest is sent, what is lost is an event by number (needs mosquitto)',
    async () => {
      const directory = temporaryDirectory('cleanroom-broker')
      ended.push(() => removeDirectory(directory))
      const broker = await startMosquitto(directory, await freePort())
      ended.push(() => broker.stop())
      const server = await ModbusServer.start()
      ended.push(() => server.stop())
      server.unit(1).setF32(4, addressOf('s0'), 21)
      const site = writeSite({ buses: [], instruments: [] })
      ended.push(() => removeDirectory(site.directory))
      const points = [{ id: 'fine', signal: 's0', zone: 'room-c', interval: '1s' }]
      site.write(
        siteConfiguration({
          brokerUrl: broker.url,
          buses: [{ id: 'net-1', port: server.port }],
          instruments: [{ id: 'th-1', bus: 'net-1', unitId: 1, points }],
        }),
      )
      writeDays(site)
      damage(site)
      const consumer = await startConsumer(broker.url, ['cr/v1/#'])
      ended.push(() => consumer.end())
      const agent = start(process.execPath, ['agent/main.ts', 'run', '--config', site.config])
      ended.push(() => agent.stop('SIGKILL'))
      const messages = (): Message[] =>
        consumer.messages
          .filter(({ topic }) => /\/(readings|event)$/.test(topic))
          .map(({ text }) => JSON.parse(text) as Message)
      const isNew = ({ stream, last = 0 }: Message): boolean =>
        stream === 'readings' && last > WRITTEN
      const told = ({ type }: Message): boolean => type === 'store.records_lost'
      await until(
        'both streams went on',
        () => messages().some(isNew) && messages().filter(told).length === 2,
        40_000,
      )
      const lost = messages()
        .filter(told)
        .flatMap((of) => of.lost ?? [])
      const isLost = (seq: number): boolean => lost.some(([a, b]) => a <= seq && seq <= b)
      const got = new Set(
        messages().flatMap(({ seq, readings }) =>
          Array.isArray(readings) ? readings.map(({ s }) => s as number) : [seq ?? 0],
        ),
      )
      const gone = Array.from({ length: WRITTEN }, (_, n) => n + 1).filter((seq) => !got.has(seq))
      expect(gone.length, 'the first file, and the events of the second').toBe(450)
      expect(
        gone.filter((seq) => !isLost(seq)),
        'nothing is missing in silence',
      ).toEqual([])
      for (const stream of ['readings', 'event']) {
        let have = 0
        for (const { prev, last, seq } of messages().filter((of) => of.stream === stream)) {
          if (prev > have) expect(isLost(prev), `the hole before ${seq ?? last}`).toBe(true)
          have = last ?? seq ?? 0
        }
      }
      const fault = await consumer.message((topic) => topic.endsWith('/alarm/system.storage_fault'))
      expect(JSON.parse(fault)).toMatchObject({ alarm: 'system.storage_fault' })
      expect(await agent.stop()).toBe(0)
    },
    60_000,
  )
})
