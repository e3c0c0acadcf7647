// The daemon on a disk that others have filled, where the site lets records go that everybody has (URS-52): what is removed, and what
// is not.

import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { sealFile } from '../../../agent/store/seal.ts'
import { segmentNames } from '../../../agent/store/segment.ts'
import { systemDisk } from '../../../agent/store/system-disk.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import { freePort, removeDirectory, startAgent } from '../../support/processes.ts'
import { addressOf, type Site, siteConfiguration, writeSite } from '../../support/site.ts'
import { Bench, DAY_MS, NOON, reading } from '../../unit/store/support.ts'

const ended: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

const MEGABYTE = 1024 * 1024
const DISK_MEGABYTES = 16
/** More than a start needs, less than the ballast of such a disk: the disk counts as full. */
const LEFT_BYTES = 0.75 * MEGABYTE
const A_DAY = 4000

const journal = (site: Site): string => path.join(site.dataDir, 'journal')
const files = (site: Site): string[] => segmentNames(readdirSync(journal(site)))

/** Four days of a point, all but the newest sealed; the first was delivered and confirmed, and the second but for one record. */
function writeDays(site: Site): void {
  const bench = new Bench(site.dataDir, { origin: 'instrument' })
  for (let day = 0; day < 4; day++)
    for (let n = 0; n < A_DAY; n += 1000) {
      const wall = NOON + day * DAY_MS + n * 100
      const records = Array.from({ length: 1000 }, (_, at) => reading('old', wall + at))
      bench.commit(records, { at: { wall, mono: day * DAY_MS + n } })
    }
  for (const [index, name] of files(site).slice(0, 3).entries()) {
    const ordinal = index + 1
    bench.journal.release(ordinal)
    const sealed = sealFile(systemDisk, path.join(journal(site), name))
    if (sealed.kind !== 'sealed') throw new Error(`not sealed: ${sealed.kind}`)
    bench.journal.noteSealed(ordinal, sealed.sha256, sealed.bytes, NOON)
  }
  const keys = ['cursor/readings', 'cursor/event', 'confirm/readings/mes', 'confirm/event/mes']
  const state = keys.map((key) => ({ key, value: String(2 * A_DAY - 1) }))
  bench.commit([], { at: { wall: NOON + 3.1 * DAY_MS, mono: 4 * DAY_MS }, state })
  bench.close()
}

/** Leaves so many bytes on the disk of a directory. */
function fillUp(directory: string, leaving: number): void {
  const filler = path.join(directory, 'filler')
  rmSync(filler, { force: true })
  spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'])
  truncateSync(filler, statSync(filler).size - leaving)
}

const free = (directory: string): number => {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

describe('a disk filled by others', () => {
  it('HO4 URS-52 the oldest file that everybody has goes for room, told in the chain; what somebody may need stays', async (context) => {
    const server = await ModbusServer.start()
    ended.push(() => server.stop())
    server.unit(1).setF32(4, addressOf('s0'), 21)
    const site = writeSite({ buses: [], instruments: [] })
    ended.push(() => removeDirectory(site.directory))
    const points = [{ id: 'fine', signal: 's0', zone: 'room-c', interval: '250ms' }]
    const configuration = siteConfiguration({
      brokerUrl: `mqtt://127.0.0.1:${await freePort()}`,
      consumers: ['mes'],
      buses: [{ id: 'net-1', port: server.port }],
      instruments: [{ id: 'th-1', bus: 'net-1', unitId: 1, points }],
    })
    site.write({
      ...configuration,
      gateway: { id: 'gw-01', dataDir: './data', retention: '3650d' },
    })
    mkdirSync(site.dataDir)
    const mount = ['-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m`, 'tmpfs', site.dataDir]
    if (spawnSync('mount', mount).status !== 0) return context.skip('mounting is not allowed here')
    ended.push(() => spawnSync('umount', ['-l', site.dataDir]))
    writeDays(site)
    const before = files(site)
    // At the second start nothing more is there that everybody has.
    const held = Buffer.alloc((DISK_MEGABYTES * MEGABYTE) / 16, 0x5a)
    for (let start = 1; start <= 2; start++) {
      // The first start finds nothing but the ballast of a process that was killed.
      if (start === 1) writeFileSync(path.join(site.dataDir, 'ballast'), held)
      fillUp(site.dataDir, start === 1 ? 0 : LEFT_BYTES)
      expect(free(site.dataDir)).toBeLessThan((DISK_MEGABYTES * MEGABYTE) / 16)
      const agent = await startAgent(site.config)
      ended.push(() => agent.stop('SIGKILL'))
      if (start === 1) {
        await agent.line(/ballast_released/)
        await agent.line(/store_file_pruned/)
      }
      expect(await agent.stop()).toBe(0)
      expect(files(site).slice(0, 3)).toEqual(before.slice(1))
    }
    expect(verifyJournal(site.dataDir)).toMatchObject({ ok: true, startsAfter: A_DAY })
  })
})
