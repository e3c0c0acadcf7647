// The order of system calls (faults.md §3.4): what a PUBLISH carries was made durable before. Seen from outside the process, so that a
// pragma that got lost, or a send that overtakes the disk, cannot hide behind the code that should prevent it.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ModbusServer } from '../../support/modbus-server.ts'
import {
  available,
  freePort,
  type Running,
  removeDirectory,
  start,
  startConsumer,
  startMosquitto,
  temporaryDirectory,
} from '../../support/processes.ts'
import { addressOf, siteConfiguration, writeSite } from '../../support/site.ts'
import { until } from '../../support/until.ts'

const ended: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

const CALLS = 'pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg'

/** A system call that matters here, in the order in which it began (writes) or ended (syncs). */
type Call =
  | { readonly kind: 'log'; readonly bytes: Buffer }
  | { readonly kind: 'sync' }
  | { readonly kind: 'send'; readonly text: string }

/** Text that strace prints in hexadecimal (-xx). */
const unhex = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex')

/** Everything between quotes. */
const bytesOf = (line: string): Buffer =>
  Buffer.concat([...line.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, text = '']) => unhex(text)))

/** Reads what strace wrote with -f -y -xx. */
function callsOf(trace: string): Call[] {
  const calls: Call[] = []
  const syncing = new Set<string>()
  for (const line of trace.split('\n')) {
    const pid = /^\d+/.exec(line)?.[0] ?? ''
    const [, name, hex = ''] = /^\d+ +(\w+)\(\d+<([^>]*)>/.exec(line) ?? []
    const file = unhex(hex).toString()
    if (name === 'pwrite64' && file.endsWith('-wal'))
      calls.push({ kind: 'log', bytes: bytesOf(line) })
    else if (/^f(data)?sync$/.test(name ?? '') && file.endsWith('-wal')) {
      if (line.endsWith('= 0')) calls.push({ kind: 'sync' })
      else syncing.add(pid)
    } else if (/<\.\.\. f(data)?sync resumed>.*= 0$/.test(line) && syncing.delete(pid))
      calls.push({ kind: 'sync' })
    else if (/^(write|writev|sendto|sendmsg)$/.test(name ?? '') && /^(TCP|socket)/.test(file))
      calls.push({ kind: 'send', text: bytesOf(line).toString('latin1') })
  }
  return calls
}

/** Marks of what is sent, as they stand in the write-ahead log: the occurrence of an alarm event, the value of a reading. */
function marksIn(text: string): Map<string, Buffer> {
  const marks = new Map<string, Buffer>()
  for (const [, occurrence = ''] of text.matchAll(/"stream":"event".*?"occ":"(\w+)"/g))
    marks.set(`event of ${occurrence}`, Buffer.from(occurrence))
  if (!text.includes('"stream":"readings"')) return marks
  for (const [, value = ''] of text.matchAll(/"v":(\d+\.\d+),"q":"good"/g)) {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(Number(value))
    marks.set(`reading of ${value}`, bytes)
  }
  return marks
}

/** What was sent before it was durable; and how much was looked at. */
function judge(calls: readonly Call[]): { early: string[]; sent: number } {
  const early = new Set<string>()
  const sent = new Set<string>()
  for (const [at, call] of calls.entries()) {
    if (call.kind !== 'send') continue
    for (const [what, bytes] of marksIn(call.text)) {
      if (sent.has(what)) continue
      sent.add(what)
      const written = calls.findIndex((each) => each.kind === 'log' && each.bytes.includes(bytes))
      const synced = calls.findIndex((each, index) => index > written && each.kind === 'sync')
      if (written < 0 || written > at || synced < 0 || synced > at) early.add(what)
    }
  }
  return { early: [...early], sent: sent.size }
}

/** Ends what strace looks at; false where there is nothing any more. */
function endTraced({ child }: Running, signal: NodeJS.Signals = 'SIGTERM'): boolean {
  try {
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()
    return children !== '' && process.kill(Number(children.split(' ')[0]), signal)
  } catch {
    return false
  }
}

describe('D2 HO2 the order of system calls', () => {
  it.skipIf(!available('mosquitto') || !available('strace'))(
    'puts fdatasync of the log before every PUBLISH that carries the row (needs mosquitto, strace)',
    async (context) => {
      const directory = temporaryDirectory('cleanroom-broker')
      ended.push(() => removeDirectory(directory))
      const broker = await startMosquitto(directory, await freePort())
      ended.push(() => broker.stop())
      const server = await ModbusServer.start()
      ended.push(() => server.stop())
      const site = writeSite({ buses: [], instruments: [] })
      ended.push(() => removeDirectory(site.directory))
      const limits = { actionHigh: 24, justification: 'SYSCALLS' }
      const points = [{ id: 'hot', signal: 's0', zone: 'room-c', interval: '250ms', limits }]
      site.write(
        siteConfiguration({
          brokerUrl: broker.url,
          buses: [{ id: 'net-1', port: server.port }],
          instruments: [{ id: 'th-1', bus: 'net-1', unitId: 1, points }],
        }),
      )
      const consumer = await startConsumer(broker.url, ['cr/v1/#'])
      ended.push(() => consumer.end())
      const trace = path.join(site.directory, 'trace')
      const tracing = ['-f', '-y', '-xx', '-s', '70000', '-e', `trace=${CALLS}`, '-o', trace]
      let step = 0
      const changing = setInterval(() => {
        step++
        // Never a whole number, and over the limit now and then.
        server.unit(1).setF32(4, addressOf('s0'), (step % 8 < 4 ? 20 : 30) + step / 1024 + 1 / 2048)
      }, 100)
      ended.push(() => clearInterval(changing))
      const agent = start('strace', [
        ...tracing,
        ...[process.execPath, 'agent/main.ts', 'run', '--config', site.config],
      ])
      ended.push(() => {
        endTraced(agent, 'SIGKILL')
        return agent.stop('SIGKILL')
      })
      const values = (): number =>
        consumer.messages
          .filter(({ topic }) => topic.endsWith('/readings'))
          .reduce((sum, { text }) => sum + (text.match(/"q":"good"/g)?.length ?? 0), 0)
      const refused = (): boolean => /ptrace|not permitted/i.test(agent.lines.join('\n'))
      await until('readings came', () => refused() || values() >= 12, 60_000)
      if (refused()) {
        if (process.env['CI'] === 'true') throw new Error('CI must permit ptrace to strace')
        return context.skip('strace may not trace here (ptrace is not permitted)')
      }
      // strace keeps signals to itself, and ends as its child does.
      expect(endTraced(agent)).toBe(true)
      expect(await agent.exit).toBe(0)
      const calls = callsOf(readFileSync(trace, 'latin1'))
      const { early, sent } = judge(calls)
      expect(early).toEqual([])
      expect(sent, 'readings and events that were looked at').toBeGreaterThan(12)
      const unsynced = calls.filter(({ kind }) => kind !== 'sync')
      expect(judge(unsynced).early.length, 'it would be seen').toBe(sent)
    },
    90_000,
  )
})
