// Measures the store on this machine: `node test/integration/store/measure.ts [rows]`. The figures of
// docs/decisions/0003-journal-layout.md come from here. Not a test: it asserts nothing.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { JournalRecord } from '#core/record.ts'
import { silentLog } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import { openStore } from '../../../agent/store/sqlite-store.ts'

const rows = Number(process.argv[2] ?? 200_000)
const started = Date.UTC(2026, 0, 1)

async function withStore<T>(call: (store: Store, dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'store-measure-'))
  const store = await open(dir)
  try {
    return await call(store, dir)
  } finally {
    await store.close()
    rmSync(dir, { recursive: true })
  }
}

const open = (dataDir: string): Promise<Store> =>
  openStore({
    dataDir,
    origin: 'simulated',
    log: silentLog,
    wall: () => started,
    newEpoch: () => '01JD3Z8Q5K0000000000000000',
  })

const raw = Uint8Array.from([0x41, 0x73, 0xb2, 0x2d])

const group = (first: number, size: number, wall: number): JournalRecord[] =>
  Array.from({ length: size }, (_, index) => ({
    kind: 'reading',
    reading: {
      point: `room-${index % 200}-dp`,
      t: wall - (wall % 1000),
      a: 30 + (index % 50),
      v: Math.fround(15 + Math.sin(first + index) * 3),
      q: 'good',
      raw,
    },
  }))

async function fill(store: Store, size: number, total: number, inFlight = 1): Promise<void> {
  let first = store.recovered.head.seq + 1
  const end = first + total
  let flying: Promise<unknown>[] = []
  for (let n = 0; first < end; n++) {
    const wall = started + n * 1000
    const records = group(first, size, wall)
    const at = { wall, mono: n * 1000 + 0.25 }
    flying.push(
      store.commit({
        at,
        bootId: 'boot',
        tb: 0,
        first,
        records,
        state: [{ key: 'k', value: `${n}` }],
      }),
    )
    first += size
    if (flying.length >= inFlight) {
      await Promise.all(flying)
      flying = []
    }
  }
  await Promise.all(flying)
}

const seconds = (since: bigint): number => Number(process.hrtime.bigint() - since) / 1e9
const cpu = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}
const written = (): number =>
  Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? 0)

const say = (text: string): void => void process.stdout.write(`${text}\n`)

for (const size of [4, 20, 200, 800]) {
  await withStore(async (store, dir) => {
    const total = size === 4 ? rows / 10 : rows
    await fill(store, size, 4000)
    const cpuBefore = process.cpuUsage()
    const since = process.hrtime.bigint()
    await fill0(store, size, total)
    const wall = seconds(since)
    const files = readdirSync(path.join(dir, 'journal')).filter((name) => name.endsWith('.db'))
    const bytes = files.reduce(
      (sum, name) => sum + statSync(path.join(dir, 'journal', name)).size,
      0,
    )
    say(
      `group ${size}: ${Math.round(total / wall)} rows/s, CPU ${((cpu(cpuBefore) * 1000) / total).toFixed(2)} ms per 1,000 readings, ${(bytes / (total + 4000)).toFixed(1)} B/reading on file`,
    )
  })
}

/** Goes on where `fill` left the same store. */
async function fill0(store: Store, size: number, total: number): Promise<void> {
  const after = await store.batches({ stream: 'readings', after: 0, batches: 1 })
  if (after.length === 0) return
  const head = (await store.count('readings', 0)) + 1
  let first = head
  for (let n = 0; first < head + total; n++) {
    const wall = started + n * 1000
    const at = { wall, mono: n * 1000 + 0.25 }
    const records = group(first, size, wall)
    await store.commit({
      at,
      bootId: 'boot',
      tb: 0,
      first,
      records,
      state: [{ key: 'k', value: `${n}` }],
    })
    first += size
  }
}

await withStore(async (store) => {
  await fill(store, 20, 2000)
  const before = written()
  const seconds = 600
  await fill0(store, 20, 20 * seconds)
  await store.close()
  const rate = (written() - before) / seconds
  say(
    `wear: ${(rate / 1000).toFixed(1)} kB/s at 20 rows/s in 1 s groups = ${((rate * 86_400) / 1e9).toFixed(2)} GB/day`,
  )
})

await withStore(async (store, dir) => {
  const total = rows * 5
  await fill(store, 1000, total, 4)
  await store.close()
  let since = process.hrtime.bigint()
  const again = await open(dir)
  say(`reopen with ${total} rows in the hot file: ${(seconds(since) * 1000).toFixed(0)} ms`)
  since = process.hrtime.bigint()
  const cpuBefore = process.cpuUsage()
  let after = 0
  let read = 0
  for (;;) {
    const batches = await again.batches({ stream: 'readings', after, batches: 20 })
    if (batches.length === 0) break
    for (const batch of batches) read += batch.records.length
    after = batches.at(-1)?.last ?? after
  }
  const wall = seconds(since)
  say(
    `batches(): ${Math.round(read / wall)} rows/s (${read} rows), CPU ${((cpu(cpuBefore) * 1000) / read).toFixed(2)} ms per 1,000`,
  )
  since = process.hrtime.bigint()
  for (let n = 0; n < 200; n++) await again.count('readings', (n * total) / 200)
  say(`count(): ${((seconds(since) * 1e6) / 200).toFixed(0)} µs`)
  say(`RSS ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`)
  await again.close()
})
