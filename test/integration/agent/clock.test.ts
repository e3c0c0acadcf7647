// The real daemon on a machine that wakes in 1970: it monitors at once, flags what it stamps, and goes on when the clock is set,
// without decades of slots (libfaketime stands in for a machine without a clock; the monotonic clock stays as it is).

import { globSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, describe, expect, it } from 'vitest'
import { ModbusServer } from '../../support/modbus-server.ts'
import {
  agentCommand,
  available,
  type Running,
  removeDirectory,
  startAgent,
} from '../../support/processes.ts'
import { type Site, writeSite } from '../../support/site.ts'

const runsHere = available('faketime')
const [library = ''] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')

let server: ModbusServer
let site: Site
let agent: Running

afterEach(async () => {
  if (!runsHere) return
  await agent.stop('SIGKILL')
  await server.stop()
  removeDirectory(site.directory)
})

const json = async (...args: string[]) => {
  const { stdout } = await agentCommand([...args, '--config', site.config, '--json'])
  const lines = stdout.trim().split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

/** Readings on record: time, time base, quality, slots. */
function recorded(): { t: number; q: string; slots: number }[] {
  return globSync(path.join(site.dataDir, '**/*.db')).flatMap((file) => {
    const db = new Database(file, { readonly: true })
    try {
      const has = db.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'reading'").pluck()
      if (has.get() === 0) return []
      return db
        .prepare(
          `SELECT t, quality.name AS q, coalesce(json_extract(more, '$.slots'), 1) AS slots
           FROM reading JOIN quality ON quality.id = reading.q ORDER BY s`,
        )
        .all() as { t: number; q: string; slots: number }[]
    } finally {
      db.close()
    }
  })
}

describe.skipIf(!runsHere)('a machine that wakes in 1970 (needs faketime)', () => {
  it('URS-51 monitors, flags its readings, and goes on when the clock is set', {
    timeout: 60_000,
  }, async () => {
    server = await ModbusServer.start()
    server.unit(1).setF32(4, 0, 21)
    site = writeSite({
      buses: [{ id: 'net-1', port: server.port }],
      instruments: [
        {
          id: 'th-1',
          bus: 'net-1',
          unitId: 1,
          points: [{ id: 't-1', signal: 's0', interval: '1s' }],
        },
      ],
    })
    const time = path.join(site.directory, 'faketime.rc')
    writeFileSync(time, '@1970-01-02 00:00:00\n')
    agent = await startAgent(site.config, {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: time,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    })
    const good = async () => (await json('status'))[0]?.points
    await expect.poll(good, { timeout: 10_000 }).toMatchObject({ uncertain: 1 })
    const [early] = await json('status')
    expect(early).toMatchObject({ clock: { doubtful: true, synchronised: false }, tb: 0 })
    expect(early.at).toBeLessThan(3 * 86_400_000)

    writeFileSync(time, '+0\n')
    await agent.line(/clock_stepped/)
    await expect.poll(good, { timeout: 10_000 }).toMatchObject({ good: 1 })
    const [late] = await json('status')
    expect(late).toMatchObject({ tb: 1 })
    expect(late.clock).not.toHaveProperty('doubtful')
    const types = (await json('audit', '--type', 'clock')).map(({ type }) => type)
    expect(types.filter((type) => !type.endsWith('synchronised'))).toEqual([
      'clock.doubtful',
      'clock.stepped',
      'clock.trusted',
    ])
    await agent.stop()

    const readings = recorded()
    const early1970 = readings.filter(({ t }) => t < 3 * 86_400_000)
    expect(early1970.filter(({ q }) => q === 'uncertain clock').length).toBeGreaterThan(0)
    expect(early1970.some(({ q }) => q === 'good')).toBe(false)
    expect(readings.some(({ t, q }) => t > 86_400_000_000 && q === 'good')).toBe(true)
    expect(Math.max(...readings.map(({ slots }) => slots))).toBeLessThan(30)
  })
})
