// The daemon on disks that fail: full, read-only, a damaged journal, records that are gone, and a second instance.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { segmentNames } from '../../../agent/store/segment.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import {
  agentCommand,
  available,
  freePort,
  type Running,
  removeDirectory,
  start,
  startConsumer,
  startMosquitto,
  temporaryDirectory,
} from '../../support/processes.ts'
import { addressOf, type Site, siteConfiguration, writeSite } from '../../support/site.ts'
import { until } from '../../support/until.ts'

const ended: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

async function plant(brokerUrl?: string): Promise<{ site: Site; server: ModbusServer }> {
  const server = await ModbusServer.start()
  ended.push(() => server.stop())
  server.unit(1).setF32(4, addressOf('s0'), 30)
  server.unit(1).setF32(4, addressOf('s1'), 20)
  const site = writeSite({ buses: [], instruments: [] })
  ended.push(() => removeDirectory(site.directory))
  const limits = { actionHigh: 24, justification: 'SURVIVAL' }
  site.write(
    siteConfiguration({
      ...(brokerUrl !== undefined && { brokerUrl }),
      buses: [{ id: 'net-1', port: server.port }],
      instruments: [
        {
          id: 'th-1',
          bus: 'net-1',
          unitId: 1,
          points: [
            { id: 'hot', signal: 's0', zone: 'room-c', interval: '250ms', limits },
            { id: 'fine', signal: 's1', zone: 'room-c', interval: '250ms', limits },
          ],
        },
      ],
    }),
  )
  return { site, server }
}

async function run(site: Site, env: NodeJS.ProcessEnv = {}): Promise<Running> {
  const agent = start(process.execPath, ['agent/main.ts', 'run', '--config', site.config], { env })
  ended.push(() => agent.stop('SIGKILL'))
  await agent.line(/agent_started/, 30_000)
  return agent
}

const hotFile = (dataDir: string): string => {
  const directory = path.join(dataDir, 'journal')
  return path.join(directory, segmentNames(readdirSync(directory)).at(-1) ?? '')
}

interface Event {
  readonly seq: number
  readonly type: string
  readonly body: Readonly<Record<string, unknown>>
}

function events(dataDir: string): Event[] {
  const db = systemDisk.open(hotFile(dataDir), 'read')
  try {
    const rows = db.prepare('SELECT s, type, body FROM event ORDER BY s').raw().all()
    return (rows as [number, string, string][]).map(([seq, type, body]) => ({
      ...{ seq, type },
      body: JSON.parse(body) as Record<string, unknown>,
    }))
  } finally {
    db.close()
  }
}

const hasEvent = (dataDir: string, type: string, alarm?: string): boolean =>
  events(dataDir).some(
    (event) => event.type === type && (alarm === undefined || event.body['alarm'] === alarm),
  )

async function alarms(site: Site): Promise<Record<string, { state: string; stored?: boolean }>> {
  const { stdout, code } = await agentCommand(['alarms', '--config', site.config, '--json'])
  expect(code).toBe(0)
  const list = (JSON.parse(stdout) as { alarms: { alarm: string; state: string }[] }).alarms
  return Object.fromEntries(list.map((alarm) => [alarm.alarm, alarm]))
}

/** A first life in which the alarm `hot.action_high` is raised. */
async function firstLife(site: Site): Promise<void> {
  const agent = await run(site)
  await until('the alarm is on record', () =>
    hasEvent(site.dataDir, 'alarm.activated', 'hot.action_high'),
  )
  expect(await agent.stop()).toBe(0)
}

describe('a journal that cannot be gone on from', () => {
  it('HO6 is set aside at the start; the alarm stays, the new epoch names the old, nothing is deleted', async () => {
    const { site } = await plant()
    await firstLife(site)
    const before = verifyJournal(site.dataDir)
    const bytes = readFileSync(hotFile(site.dataDir))
    bytes.fill(0xa5, 3 * 4096, 6 * 4096)
    writeFileSync(hotFile(site.dataDir), bytes)
    const agent = await run(site)
    await until('the salvage is told', () => hasEvent(site.dataDir, 'store.salvaged'))
    const now = await alarms(site)
    expect(now['hot.action_high']?.state).toBe('unacknowledged')
    expect(now['system.storage_fault']?.state).toBe('rtn_unacknowledged')
    const [first] = events(site.dataDir)
    expect(first).toMatchObject({ seq: 1, type: 'store.quarantined', body: { kind: 'corrupt' } })
    expect(before.ok && first?.body['oldEpoch']).toBe(before.ok && before.epoch)
    const again = events(site.dataDir).filter(
      ({ type, body }) => type === 'alarm.activated' && body['alarm'] === 'hot.action_high',
    )
    expect(again, 'an alarm that went on is no new one').toEqual([])
    const aside = path.join(site.dataDir, String(first?.body['directory']))
    expect(readFileSync(hotFile(aside)).equals(bytes)).toBe(true)
    expect(existsSync(path.join(aside, 'salvaged.ndjson'))).toBe(true)
    expect(await agent.stop()).toBe(0)
    expect(verifyJournal(site.dataDir)).toMatchObject({ ok: true })
  })

  it('HO3 that ends before a head known outside is set aside, and said', async () => {
    const { site } = await plant()
    const first = await run(site)
    await until('there are records', () => hasEvent(site.dataDir, 'alarm.activated'))
    expect(await first.stop()).toBe(0)
    const kept = path.join(site.directory, 'kept')
    spawnSync('cp', ['-r', path.join(site.dataDir, 'journal'), kept])
    const second = await run(site)
    expect(await second.stop()).toBe(0)
    rmSync(path.join(site.dataDir, 'journal'), { recursive: true })
    spawnSync('cp', ['-r', kept, path.join(site.dataDir, 'journal')])
    const agent = await run(site)
    expect(
      events(site.dataDir)
        .slice(0, 2)
        .map(({ type }) => type),
    ).toEqual(['store.quarantined', 'store.rolled_back'])
    expect((await alarms(site))['system.storage_fault']).toBeDefined()
    expect(await agent.stop()).toBe(0)
  })

  it('HO14 a second instance is refused with 75, and the first goes on', async () => {
    const { site } = await plant()
    const agent = await run(site)
    const second = start(process.execPath, ['agent/main.ts', 'run', '--config', site.config])
    expect(await second.exit).toBe(75)
    expect(second.lines.join('\n')).toMatch(/in use by process \d+/)
    expect(await agent.stop()).toBe(0)
  })
})

/** A file system of its own on the data directory, in memory; undefined where mounting is not allowed. */
function mounted(
  directory: string,
  megabytes: number,
): { remount(options: string): void } | undefined {
  mkdirSync(directory, { recursive: true })
  const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0
  if (!mount('-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory)) return undefined
  ended.push(() => spawnSync('umount', ['-l', directory]))
  return {
    remount: (options) => {
      if (!mount('-o', `remount,${options}`, directory)) throw new Error(`remount,${options}`)
    },
  }
}

describe('a disk that takes no writes', () => {
  it('HO4 full: the agent ends with 74, runs from memory, and comes back with the gap on record', async (context) => {
    const { site } = await plant()
    if (mounted(site.dataDir, 16) === undefined) return context.skip('mounting is not allowed here')
    await firstLife(site)
    const agent = await run(site)
    const filler = path.join(site.dataDir, 'filler')
    // Everything there is, to the last page.
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'])
    expect(await agent.exit).toBe(74)
    spawnSync('dd', ['if=/dev/zero', `of=${filler}-2`, 'bs=4k'])
    const degraded = await run(site)
    expect(degraded.lines.join('\n')).toMatch(/"degraded"|degraded/)
    const now = await alarms(site)
    expect(now['hot.action_high']?.state, 'what was in alarm stays').toBe('unacknowledged')
    expect(now['system.storage_fault']?.state).toBe('unacknowledged')
    rmSync(filler)
    rmSync(`${filler}-2`, { force: true })
    await degraded.line(/disk_good_again/, 40_000)
    await until('the gap is on record', () => hasEvent(site.dataDir, 'store.gap'), 10_000)
    const gap = events(site.dataDir).find(({ type }) => type === 'store.gap')?.body
    expect(Number(gap?.['readings'])).toBeGreaterThan(50)
    expect(gap?.['reason']).toMatch(/full/)
    await until(
      'the fault is over',
      () => hasEvent(site.dataDir, 'alarm.returned', 'system.storage_fault'),
      10_000,
    )
    expect(await degraded.stop()).toBe(0)
    expect(verifyJournal(site.dataDir)).toMatchObject({ ok: true })
  }, 90_000)

  it('HO5 read-only: an agent that ran before goes on from memory, one that never did refuses with 74', async (context) => {
    const { site } = await plant()
    const disk = mounted(site.dataDir, 16)
    if (disk === undefined) return context.skip('mounting is not allowed here')
    disk.remount('ro')
    const never = start(process.execPath, ['agent/main.ts', 'run', '--config', site.config])
    expect(await never.exit).toBe(74)
    disk.remount('rw')
    await firstLife(site)
    disk.remount('ro')
    const agent = await run(site)
    await agent.line(/degraded/)
    expect(await agent.stop()).toBe(0)
    disk.remount('rw')
    expect(verifyJournal(site.dataDir)).toMatchObject({ ok: true })
  })
})

describe('a process that stood still', () => {
  it('HO10 says so, covers its slots once, and does not catch up in a burst', async () => {
    const { site, server } = await plant()
    const agent = await run(site)
    await until('it polls', () => hasEvent(site.dataDir, 'alarm.activated', 'hot.action_high'))
    agent.child.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 4000))
    const before = server.requests.length
    agent.child.kill('SIGCONT')
    await agent.line(/"stalled"|stalled/)
    const burst = server.requests.length - before
    await until('the pause is on record', () => hasEvent(site.dataDir, 'system.stalled'))
    expect(burst, 'polls right after the pause').toBeLessThan(6)
    const pause = events(site.dataDir).find(({ type }) => type === 'system.stalled')?.body
    expect(Number(pause?.['ms'])).toBeGreaterThan(3500)
    expect(await agent.stop()).toBe(0)
    const db = systemDisk.open(hotFile(site.dataDir), 'read')
    const rows = db
      .prepare(
        `SELECT t, coalesce(json_extract(more, '$.slots'), 1), quality FROM readings WHERE point = 'hot' ORDER BY t`,
      )
      .raw()
      .all() as [number, number, string][]
    db.close()
    const holes = rows.slice(1).filter(([t], index) => {
      const [last = 0, slots = 0] = rows[index] ?? []
      return last + slots * 250 !== t
    })
    expect(holes).toEqual([])
    const missed = rows.filter(([, slots, quality]) => quality === 'bad slot_missed' && slots > 10)
    expect(missed).toHaveLength(1)
    const blamed = events(site.dataDir).filter(
      ({ type, body }) => type === 'alarm.activated' && String(body['alarm']).startsWith('th-1.'),
    )
    expect(blamed, 'the instrument is not blamed for our pause').toEqual([])
    expect(agent.lines.filter((line) => line.includes('unit_parked'))).toEqual([])
  })
})

/** libfaketime where it is installed; in CI a missing one is a failure. */
function faketime(): string | undefined {
  const found = ['x86_64-linux-gnu', 'aarch64-linux-gnu']
    .map((machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`)
    .find((file) => existsSync(file))
  if (found === undefined && process.env['CI'] === 'true')
    throw new Error('libfaketime is missing; CI must install it')
  return found
}

describe('a wall clock that is set', () => {
  it('HO7 opens a new time base with an event, and the alarms stay as they are (needs libfaketime)', async (context) => {
    const library = faketime()
    if (library === undefined) return context.skip('libfaketime is not installed')
    const { site } = await plant()
    const rc = path.join(site.directory, 'faketimerc')
    writeFileSync(rc, '+0\n')
    const env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: rc,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    }
    const agent = await run(site, env)
    await until('the alarm is on record', () =>
      hasEvent(site.dataDir, 'alarm.activated', 'hot.action_high'),
    )
    writeFileSync(rc, '+3600\n')
    await until('the step is on record', () => hasEvent(site.dataDir, 'clock.stepped'))
    const stepped = events(site.dataDir).filter(({ type }) => type === 'clock.stepped')
    expect(stepped).toHaveLength(1)
    expect(Number(stepped[0]?.body['stepMs']) / 3_600_000).toBeCloseTo(1, 2)
    const raised = events(site.dataDir).filter(
      ({ type, body }) => type === 'alarm.activated' && body['alarm'] === 'hot.action_high',
    )
    expect(raised).toHaveLength(1)
    expect(await agent.stop()).toBe(0)
    expect(verifyJournal(site.dataDir)).toMatchObject({ ok: true })
  })
})

describe('what a broker hears of an agent without a disk', () => {
  const runsHere = available('mosquitto')
  it.skipIf(!runsHere)(
    'HO5 alarms as not stored and without a number, no record that is not kept, and that nothing can be replayed (needs mosquitto)',
    async (context) => {
      const directory = temporaryDirectory('cleanroom-broker')
      ended.push(() => removeDirectory(directory))
      const broker = await startMosquitto(directory, await freePort())
      ended.push(() => broker.stop())
      const { site, server } = await plant(broker.url)
      const disk = mounted(site.dataDir, 16)
      if (disk === undefined) return context.skip('mounting is not allowed here')
      const consumer = await startConsumer(broker.url, ['cr/v1/#'])
      ended.push(() => consumer.end())
      await firstLife(site)
      const before = verifyJournal(site.dataDir)
      const head = before.ok ? before.head.seq : 0
      const isStatus = ({ topic }: { readonly topic: string }) => topic.endsWith('/status')
      disk.remount('ro')
      const agent = await run(site)
      const isAlarm = (topic: string, text: string, id: string): boolean =>
        topic.endsWith(`/alarm/${id}`) && text.includes('"stored":false')
      const fault = await consumer.message((topic, text) =>
        isAlarm(topic, text, 'system.storage_fault'),
      )
      expect(JSON.parse(fault)).toMatchObject({ state: 'unacknowledged', stored: false })
      expect(JSON.parse(fault)).not.toHaveProperty('seq')
      server.unit(1).setF32(4, addressOf('s1'), 30)
      const raised = await consumer.message((topic, text) =>
        isAlarm(topic, text, 'fine.action_high'),
      )
      expect(JSON.parse(raised)).toMatchObject({ active: true, value: 30 })
      const replied = consumer.message((topic) => topic.endsWith('/reply/historian'))
      const { topic: base = '', text = '' } = consumer.messages.find(isStatus) ?? {}
      const { epoch } = JSON.parse(text) as { epoch: string }
      const [, , , , gateway] = base.split('/')
      const order = { v: 1, id: 'r1', aud: gateway, by: 'historian', stream: 'readings', epoch }
      const command = base.replace(/status$/, 'cmd/replay/historian')
      consumer.client.publish(command, JSON.stringify({ ...order, from: 1, to: head }), { qos: 1 })
      expect(JSON.parse(await replied)).toMatchObject({ ok: false, code: 'store_failed' })
      expect(await agent.stop()).toBe(0)
      const streams = consumer.messages.filter(({ topic }) => /\/(readings|event)$/.test(topic))
      const last = streams.map(({ text }) => {
        const { last: through, seq } = JSON.parse(text) as { last?: number; seq?: number }
        return through ?? seq ?? 0
      })
      expect(Math.max(...last)).toBeLessThanOrEqual(head)
      const status = consumer.messages.findLast(isStatus)
      expect(JSON.parse(status?.text ?? '')).toMatchObject({ online: false, head: { seq: head } })
    },
  )
})
