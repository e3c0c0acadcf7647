// Measures the store on this machine: `node test/integration/store/measure.ts [rows]`. The figures of
// docs/decisions/0003-journal-layout.md come from here. Not a test: it asserts nothing.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { JournalRecord } from '#core/record.ts'
import { silentLog } from '#ports/log.ts'
import type { Store } from '#ports/store.ts'
import { openStore } from '../../../agent/store/sqlite-store.ts'
import { verifyJournal } from '../../../agent/store/verify.ts'

const rows = Number(process.argv[2] ?? 400_000)
const started = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const raw = Uint8Array.from([0x41, 0x73, 0xb2, 0x2d])
const names = Array.from({ length: 200 }, (_, index) => `room-${index}-dp`)

const open = (dataDir: string): Promise<Store> =>
  openStore({
    dataDir,
    origin: 'simulated',
    log: silentLog,
    wall: () => started,
    newEpoch: () => '01JD3Z8Q5K0000000000000000',
  })

async function withStore(call: (store: Store, dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'store-measure-'))
  const store = await open(dir)
  try {
    await call(store, dir)
  } finally {
    await store.close()
    rmSync(dir, { recursive: true })
  }
}

const group = (first: number, size: number, wall: number): JournalRecord[] =>
  Array.from({ length: size }, (_, index) => ({
    kind: 'reading',
    reading: {
      point: names[index % names.length] ?? '',
      t: wall - (wall % 1000),
      a: 30 + (index % 50),
      v: Math.fround(15 + ((first * 7919 + index * 104_729) % 1000) / 300),
      q: 'good',
      raw,
    },
  }))

/** Commits `total` readings in groups, from a sequence number on; returns the next one. */
async function fill(store: Store, first: number, size: number, total: number): Promise<number> {
  let next = first
  for (let n = 0; next < first + total; n++) {
    const wall = started + n * 1000
    const records = group(next, size, wall)
    const state = [{ key: 'k', value: `${n}` }]
    const at = { wall, mono: n * 1000 + 0.25 }
    await store.commit({ at, bootId: 'boot', tb: 0, first: next, records, state })
    next += size
  }
  return next
}

const seconds = (since: bigint): number => Number(process.hrtime.bigint() - since) / 1e9
const cpuMs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}
const writtenBytes = (): number =>
  Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? 0)
const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** CPU of making the groups themselves, which is not the store's. */
function generatorMs(size: number, total: number): number {
  const since = process.cpuUsage()
  for (let first = 1; first < total; first += size) group(first, size, started)
  return cpuMs(since)
}

async function measureCommits(size: number): Promise<void> {
  await withStore(async (store, dir) => {
    const total = size <= 4 ? rows / 10 : rows
    const next = await fill(store, 1, size, Math.max(size * 100, 40_000))
    const own = generatorMs(size, total)
    const cpu = process.cpuUsage()
    const since = process.hrtime.bigint()
    const end = await fill(store, next, size, total)
    const wall = seconds(since)
    const spent = ((cpuMs(cpu) - own) * 1000) / total
    const journal = path.join(dir, 'journal')
    const files = readdirSync(journal).filter((name) => name.endsWith('.db'))
    const bytes = files.reduce((sum, name) => sum + statSync(path.join(journal, name)).size, 0)
    say(
      `groups of ${size}: ${Math.round(total / wall)} rows/s one commit at a time, ` +
        `${spent.toFixed(2)} ms CPU per 1,000 readings, ${(bytes / (end - 1)).toFixed(1)} B per reading`,
    )
  })
}

async function measureWear(): Promise<void> {
  await withStore(async (store) => {
    const lasting = 900
    const next = await fill(store, 1, 20, 20 * 100)
    const before = writtenBytes()
    await fill(store, next, 20, 20 * lasting)
    await store.close()
    const rate = (writtenBytes() - before) / lasting
    const day = ((rate * DAY_MS) / 1e12).toFixed(2)
    say(`wear: ${(rate / 1000).toFixed(1)} kB/s at 20 rows/s in groups of 1 s, ${day} GB/day`)
  })
}

async function measureReading(): Promise<void> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'store-measure-'))
  const total = 1_000_000
  let store = await open(dir)
  const next = await fill(store, 1, 1000, total)
  let since = process.hrtime.bigint()
  const at = { wall: started + DAY_MS, mono: 1 }
  await store.commit({
    at,
    bootId: 'b',
    tb: 0,
    first: next,
    records: group(1, 1, started),
    state: [],
  })
  say(`first commit of a day (handover): ${(seconds(since) * 1000).toFixed(1)} ms`)
  await store.close()
  const journal = path.join(dir, 'journal')
  for (const name of readdirSync(journal).slice(1)) rmSync(path.join(journal, name))
  since = process.hrtime.bigint()
  store = await open(dir)
  say(`open with ${total} rows in the hot file: ${(seconds(since) * 1000).toFixed(0)} ms`)
  since = process.hrtime.bigint()
  const cpu = process.cpuUsage()
  let read = 0
  for (let after = 0; ; ) {
    const batches = await store.batches({ stream: 'readings', after, batches: 20 })
    for (const { records } of batches) read += records.length
    after = batches.at(-1)?.last ?? 0
    if (after === 0) break
  }
  const spent = ((cpuMs(cpu) * 1000) / read).toFixed(2)
  say(`batches(): ${Math.round(read / seconds(since))} rows/s, ${spent} ms CPU per 1,000`)
  since = process.hrtime.bigint()
  for (let n = 0; n < 200; n++) await store.count('readings', (n * total) / 200)
  say(`count(): ${((seconds(since) * 1e6) / 200).toFixed(0)} µs`)
  await store.close()
  since = process.hrtime.bigint()
  const verified = verifyJournal(dir)
  say(`verify: ${Math.round(total / seconds(since))} records/s (${verified.ok ? 'ok' : 'NOT ok'})`)
  rmSync(dir, { recursive: true })
}

for (const size of [4, 20, 200, 800]) await measureCommits(size)
await measureWear()
await measureReading()
