// The daemon that the kernel gives no more memory: it ends as if it were killed, and the next start goes on from what was committed.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { Ledger } from '../../support/ledger.ts'
import { ModbusServer } from '../../support/modbus-server.ts'
import {
  available,
  freePort,
  type Running,
  removeDirectory,
  start,
  startConsumer,
  startMosquitto,
} from '../../support/processes.ts'
import { addressOf, siteConfiguration, writeSite } from '../../support/site.ts'

const BASE = 'cr/v1/org/site/gw-01'
const runsHere = available('mosquitto') && available('prlimit')
/** Some megabytes of them. */
const REMARKS = 400_000
const INTERVALS = { standing: 250 }

it.skipIf(!runsHere)(
  'HO11 out of memory: as a kill, nothing lost, slots covered once, the alarm goes on (needs mosquitto, prlimit)',
  async () => {
    const server = await ModbusServer.start()
    server.unit(1).setF32(4, addressOf('s0'), 30)
    const site = writeSite({ buses: [], instruments: [] })
    const broker = await startMosquitto(path.join(site.directory, 'broker'), await freePort())
    const limits = { actionHigh: 24, justification: 'MEMORY' }
    const points = [{ id: 'standing', signal: 's0', zone: 'room-c', interval: '250ms', limits }]
    site.write(
      siteConfiguration({
        brokerUrl: broker.url,
        buses: [{ id: 'net-1', port: server.port }],
        instruments: [{ id: 'th-1', bus: 'net-1', unitId: 1, points }],
      }),
    )
    const consumer = await startConsumer(broker.url, ['cr/v1/#'])
    const ledger = new Ledger()
    const occurrences = new Set<unknown>()
    let last = 0
    consumer.client.on('message', (topic, payload) => {
      const text = payload.toString()
      if (/\/(readings|event)$/.test(topic)) ledger.take(text)
      if (topic === `${BASE}/readings`) last = (JSON.parse(text) as { last: number }).last
      if (topic !== `${BASE}/alarm/standing.action_high`) return
      const { occ } = JSON.parse(text) as { occ: unknown }
      if (occ !== null) occurrences.add(occ)
    })
    const args = ['agent/main.ts', 'run', '--config', site.config]
    const raised = (topic: string, text: string): boolean =>
      topic === `${BASE}/alarm/standing.action_high` && text.includes('"state":"unacknowledged"')
    const daemons: Running[] = []
    const daemon = (): Running => {
      const running = start(process.execPath, args)
      daemons.push(running)
      return running
    }
    try {
      // the first poll raises it, which may be before the daemon says that it has started
      const alarm = consumer.message(raised)
      const starved = daemon()
      await starved.line(/agent_started/)
      await alarm
      const pid = String(starved.child.pid)
      expect(spawnSync('prlimit', ['--pid', pid, '--data=1', '--core=0']).status).toBe(0)
      // what it holds suffices for minutes of polling: a file to be read anew needs more than that
      const file = readFileSync(site.config, 'utf8')
      writeFileSync(site.config, file + '# a remark\n'.repeat(REMARKS))
      starved.child.kill('SIGHUP')
      expect(await starved.exit, 'ended, and not in order').not.toBe(0)
      writeFileSync(site.config, file)

      const next = daemon()
      await next.line(/agent_started/)
      const before = last
      await consumer.message((topic) => topic === `${BASE}/readings` && last > before + 4, 20_000)
      expect(await next.stop('SIGTERM')).toBe(0)
      expect(ledger.faults).toEqual([])
      expect(ledger.missing()).toEqual([])
      expect(ledger.coverageFaults(INTERVALS)).toEqual([])
      const starts = ledger.ofType('system.started')
      expect(starts.filter((event) => event['unclean'] === true)).toHaveLength(1)
      expect(occurrences.size, 'one occurrence over both').toBe(1)
    } finally {
      for (const each of daemons) await each.stop('SIGKILL')
      await consumer.end()
      await broker.stop()
      await server.stop()
      removeDirectory(site.directory)
    }
  },
  120_000,
)
